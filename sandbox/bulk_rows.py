"""The rows of one made-up business of any size, the same for the same seed and day.

Every cleaner works one shift on five days a week, a fifth of them past, the rest still to come, so that nobody is in
two places at once and most of the market can be taken by somebody. Homes ask only for skills that their cleaners have.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from domain.availability import DEFAULT_EPOCH, MarketCalendar, period_containing
from domain.scheduling import (
    AssignmentRole,
    JobStatus,
    Laundry,
    OnboardingState,
    PaymentStatus,
    Skill,
    required_skills,
)
from domain.swaps import SwapKind, SwapStatus, expiry_of
from domain.wallclock import instant_of, local_day

Row = dict[str, Any]
Rows = dict[str, list[Row]]

MARKETS = (("East", "America/New_York", 25.77, -80.19), ("West", "America/Chicago", 30.42, -87.22))
WORKDAYS = 5
PAST_SHARE = 5
"""One job in five is done."""
UNASSIGNED_SHARE = 20
"""One of twenty jobs to come is nobody's."""
URGENT = 0.03
LEAD = timedelta(hours=2)
LENGTHS = tuple(Decimal(hours) for hours in ("2", "2.5", "3", "3.5", "4"))
STARTS = (time(9), time(14))


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
class _Place:
    """A market with its homes and the cleaners who work there."""

    market: Row
    homes: list[Row]
    cleaners: list[Row]
    skills: Mapping[UUID, frozenset[Skill]]

    def homes_for(self, cleaner: Row) -> list[Row]:
        """The homes that this cleaner has the skills for."""
        skills = self.skills[cleaner["id"]]
        return [home for home in self.homes if _needs(home) <= skills]


def rows_of(number: int, size: Size, now: datetime, seed: int) -> tuple[UUID, Rows]:
    """The tenant's id, and the rows of each table but for the tenant's id in them."""
    # A generator of test data, not of secrets.
    business = Business(number, size, now, Random(f"{seed}/{number}"))  # noqa: S311
    tenant = business.new_id()
    for role in ("owner", "admin", "dispatcher"):
        business.add("staff", name=f"{role.capitalize()} 1", email=f"{role}@{business.slug}.example", role=role)
    places = _places(business)
    _shifts(business, places)
    for place in places:
        _availability(business, place)
    return tenant, business.rows


def _places(business: Business) -> list[_Place]:
    size = business.size
    wanted = MARKETS if min(size.cleaners, size.properties) > 1 else MARKETS[:1]
    markets = [business.add("market", name=name, zone=zone, window_epoch=DEFAULT_EPOCH) for name, zone, *_ in wanted]
    homes = [_home(business, index, markets) for index in range(size.properties)]
    skills: dict[UUID, frozenset[Skill]] = {}
    cleaners = [_cleaner(business, index, skills) for index in range(size.cleaners)]
    count = len(markets)
    places = [
        _Place(market, homes[index::count], cleaners[index::count], skills) for index, market in enumerate(markets)
    ]
    for place in places:
        for one in place.cleaners:
            business.put("cleaner_market", cleaner_id=one["id"], market_id=place.market["id"])
    for one in places[0].cleaners[::10] if count > 1 else []:
        business.put("cleaner_market", cleaner_id=one["id"], market_id=markets[1]["id"])
    return places


def _home(business: Business, index: int, markets: list[Row]) -> Row:
    place = index % len(markets)
    if index % 2 == 0:
        name, address = f"Customer {index // 2 + 1}", f"customer-{index // 2 + 1}@{business.slug}.example"
        business.add("customer", name=name, email=address)
    nth = index // len(markets)
    laundry = Laundry.IN_UNIT if nth % 4 == 3 else Laundry.NONE
    bedrooms = business.random.randint(1, 5)
    return business.add(
        "property",
        customer_id=business.rows["customer"][-1]["id"],
        market_id=markets[place]["id"],
        name=f"Home {index + 1}",
        address=f"{100 + index} Harbor Street",
        city="Miami" if place == 0 else "Pensacola",
        postal_code=f"{33101 + index % 90 if place == 0 else 32501 + index % 9:05}",
        latitude=MARKETS[place][2] + business.random.uniform(-0.1, 0.1),
        longitude=MARKETS[place][3] + business.random.uniform(-0.1, 0.1),
        bedrooms=bedrooms,
        bathrooms=max(1, bedrooms - 1),
        square_feet=600 + 450 * bedrooms,
        laundry=laundry.value,
        laundry_loads=2 if laundry is Laundry.IN_UNIT else 0,
        hot_tub=nth % 10 == 9,
    )


def _cleaner(business: Business, index: int, skills: dict[UUID, frozenset[Skill]]) -> Row:
    made = business.add(
        "cleaner",
        name=f"Cleaner {index + 1}",
        email=f"cleaner-{index + 1}@{business.slug}.example",
        home_latitude=MARKETS[index % 2][2] + business.random.uniform(-0.1, 0.1),
        home_longitude=MARKETS[index % 2][3] + business.random.uniform(-0.1, 0.1),
        onboarding=OnboardingState.COMPLETE.value,
        # The first is the first whom the command line's `token` finds.
        created_at=business.founded + timedelta(seconds=index),
    )
    has = {Skill.LAUNDRY: index % 8 < 6, Skill.HOT_TUB: index % 6 < 2}
    skills[made["id"]] = frozenset(skill for skill, mastered in has.items() if mastered)
    for skill in sorted(skills[made["id"]]):
        business.put("cleaner_skill", cleaner_id=made["id"], skill=skill.value)
    return made


@dataclass(frozen=True, slots=True)
class _Worker:
    """A cleaner at work: where, in which homes, and how many workers were counted before."""

    place: _Place
    cleaner: Row
    homes: list[Row]
    index: int


def _shifts(business: Business, places: list[_Place]) -> None:
    """Jobs done, assigned, offered and nobody's; the cleaners take turns, one shift each a working day."""
    size = business.size
    workers = _workers(places)
    for index in range(size.past if workers else 0):
        _shift(business, workers[index % len(workers)], -1 - index // len(workers))
    to_come = size.jobs - size.past - size.unassigned
    offered = set(business.random.sample(range(to_come), size.swaps))
    for index in range(to_come):
        made = _shift(business, workers[index % len(workers)], index // len(workers))
        if index in offered:
            _offer(business, made)
    days = 1 + to_come // max(1, len(workers))
    for index in range(size.unassigned if workers else size.jobs):
        place = places[index % len(places)]
        home = place.homes[index // len(places) % len(place.homes)]
        _job(business, home, _start(business, place, index % days, index), JobStatus.UNASSIGNED)


def _workers(places: list[_Place]) -> list[_Worker]:
    pairs = [(place, cleaner) for place in places for cleaner in place.cleaners]
    return [_Worker(place, cleaner, place.homes_for(cleaner), index) for index, (place, cleaner) in enumerate(pairs)]


def _shift(business: Business, worker: _Worker, turn: int) -> Row:
    """One worker's shift on a working day, counted from tomorrow, or from yesterday where the turn is negative."""
    starts_at = _start(business, worker.place, turn, turn + worker.index)
    status = JobStatus.ASSIGNED if turn >= 0 else JobStatus.COMPLETED
    made = _job(business, business.random.choice(worker.homes), starts_at, status)
    return business.add(
        "assignment",
        job_id=made["id"],
        cleaner_id=worker.cleaner["id"],
        role=AssignmentRole.PRIMARY.value,
        starts_at=made["starts_at"],
        ends_at=made["ends_at"],
    )


def _start(business: Business, place: _Place, turn: int, half: int) -> datetime:
    """Morning or afternoon of the working day: five days on, two off."""
    zone = place.market["zone"]
    week, day = divmod(turn if turn >= 0 else -1 - turn, WORKDAYS)
    away = timedelta(days=1 + 7 * week + day)
    today = local_day(zone, business.now)
    return instant_of(datetime.combine(today + away if turn >= 0 else today - away, STARTS[half % 2]), zone)


def _job(business: Business, home: Row, starts_at: datetime, status: JobStatus) -> Row:
    hours = business.random.choice(LENGTHS)
    ends_at = starts_at + timedelta(seconds=int(hours * 3600))
    done = status is JobStatus.COMPLETED
    return business.add(
        "job",
        property_id=home["id"],
        customer_id=home["customer_id"],
        market_id=home["market_id"],
        starts_at=starts_at,
        ends_at=ends_at,
        expected_hours=hours,
        status=status.value,
        payment_status=(PaymentStatus.CAPTURED if done else PaymentStatus.PENDING).value,
        is_urgent=business.random.random() < URGENT,
        completed_at=ends_at if done else None,
    )


def _offer(business: Business, shift: Row) -> None:
    opened_at = business.now - timedelta(minutes=business.random.randint(1, 2_880))
    expires_at = expiry_of(shift["starts_at"], shift["ends_at"], LEAD, opened_by_cleaner=True)
    business.put(
        "swap",
        id=business.new_id(),
        kind=SwapKind.COVER.value,
        status=SwapStatus.PENDING.value,
        job_id=shift["job_id"],
        assignment_id=shift["id"],
        market_id=business.rows["job"][-1]["market_id"],
        owner_id=shift["cleaner_id"],
        role=shift["role"],
        opened_at=opened_at,
        expires_at=expires_at,
    )


def _availability(business: Business, place: _Place) -> None:
    """Everybody has said for the present two weeks that they can work in the daytime."""
    zone = place.market["zone"]
    period = period_containing(MarketCalendar(zone), local_day(zone, business.now))
    days = [period.starts_on + timedelta(days=ahead) for ahead in range(14)]
    slots = [(day, *(instant_of(datetime.combine(day, hour), zone) for hour in (time(8), time(19)))) for day in days]
    for one in place.cleaners:
        who = {"id": business.new_id(), "cleaner_id": one["id"]}
        business.put(
            "availability_submission",
            **who,
            market_id=place.market["id"],
            period_start=period.starts_on,
            submitted_at=business.founded,
            is_late=False,
        )
        for day, starts_at, ends_at in slots:
            if day.weekday() < WORKDAYS:
                slot = {"submission_id": who["id"], "day": day, "starts_at": starts_at, "ends_at": ends_at}
                business.put("availability", id=business.new_id(), cleaner_id=one["id"], **slot)


def _needs(home: Row) -> frozenset[Skill]:
    return required_skills(has_hot_tub=home["hot_tub"], laundry=Laundry(home["laundry"]))
