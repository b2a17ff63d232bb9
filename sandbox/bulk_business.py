"""A made-up business in the making: how much of everything it has, and the rows that it has so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

from domain.scheduling import Laundry, Skill, required_skills

Row = dict[str, Any]
Rows = dict[str, list[Row]]

PAST_SHARE = 5
"""One job in five is done."""
UNASSIGNED_SHARE = 20
"""One of twenty jobs to come is nobody's."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each one business has."""

    cleaners: int
    properties: int
    jobs: int
    swaps: int

    @property
    def past(self) -> int:
        """How many jobs are done already: none of those that swaps need."""
        return min(self.jobs // PAST_SHARE, self.jobs - self.swaps)

    @property
    def unassigned(self) -> int:
        """How many of the jobs to come nobody has."""
        to_come = self.jobs - self.past
        return min(to_come // UNASSIGNED_SHARE, to_come - self.swaps) if self.cleaners else to_come


@dataclass(slots=True)
class Ids:
    """UUIDv7 in the order in which they are asked for, out of a seed."""

    random: Random
    at: datetime
    _count: int = 0

    def __call__(self) -> UUID:
        """The next id."""
        self._count += 1
        milliseconds = int(self.at.timestamp() * 1000) + self._count
        chance = self.random.getrandbits(74)
        return UUID(int=milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (1 << 62) - 1)


@dataclass(slots=True)
class Business:
    """One business in the making. `now` is its business time; what is made before it is dated a month back."""

    number: int
    size: Size
    now: datetime
    random: Random
    rows: Rows = field(default_factory=dict)
    founded: datetime = field(init=False)
    new_id: Ids = field(init=False)

    def __post_init__(self) -> None:
        self.founded = datetime.combine(self.now.date(), time(12), self.now.tzinfo) - timedelta(days=30)
        self.new_id = Ids(self.random, self.founded)

    @property
    def slug(self) -> str:
        """What it is called."""
        return f"bulk-{self.number}"

    def add(self, table: str, **values: Any) -> Row:
        """Add a row; it has an id and the instant of its making unless it was given others."""
        return self.put(table, **{"id": self.new_id(), "created_at": self.founded, **values})

    def put(self, table: str, **values: Any) -> Row:
        """Add a row as it is given."""
        self.rows.setdefault(table, []).append(values)
        return values


@dataclass(frozen=True, slots=True)
class Place:
    """A market with its homes and the cleaners who work there."""

    market: Row
    homes: list[Row]
    cleaners: list[Row]
    skills: Mapping[UUID, frozenset[Skill]]

    def homes_for(self, cleaner: Row) -> list[Row]:
        """The homes that this cleaner has the skills for."""
        skills = self.skills[cleaner["id"]]
        return [home for home in self.homes if _needs(home) <= skills]


def _needs(home: Row) -> frozenset[Skill]:
    return required_skills(has_hot_tub=home["hot_tub"], laundry=Laundry(home["laundry"]))
