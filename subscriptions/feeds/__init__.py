"""What a live feed is: who sees what of each event, and from which state it begins.

A new feed is one class with these members, its union in the schema, and its place in the list that the hub is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from domain.actors import OFFICE, Actor, Role
from domain.errors import Forbidden, OnboardingIncomplete
from domain.scheduling import OnboardingState
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

Klass = tuple[str, ...]
"""A visibility class: everybody of one class sees the same frames."""
Facts = Mapping[str, Any] | None
"""What is known of the viewer, as the stamped statement yields it."""
Value = dict[str, Any]
"""A member of the union: "__typename" and fields by their Python names; `cursor` and `previous` are added later."""

OFFICE_CLASS: Final[Klass] = ("office",)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a subscriber asks for: the field's arguments without the cursor, and the business time of asking."""

    now: datetime
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Fresh:
    """Stands in place of a delta: the whole picture may have changed, so draw it anew from a snapshot."""


FRESH: Final = Fresh()


class Feed(Protocol):
    """One subscription field."""

    field: str
    """The subscription's field in the schema."""
    replays: bool
    """Whether a cursor brings what was missed; without it who comes back begins with a snapshot."""

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """The class of a viewer who asks for this; raises a `Refused` for who may not subscribe."""

    def until(self, klass: Klass) -> datetime | None:
        """When (business time) its viewers are to be put into classes anew; None for never."""

    def rows(self, klass: Klass) -> Rows:
        """The state that this class sees."""

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """The state as a value, without cursor and time."""

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """What a person whom the event names is to it, where that changes what they are shown."""

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """What this class (and this part in the event) is shown of the event; None for nothing. Pure."""


def market_class(actor: Actor, facts: Facts) -> Klass:
    """The office sees every market, an onboarded cleaner their own; nobody else anything (R18)."""
    if actor.role in OFFICE:
        return OFFICE_CLASS
    if actor.role is not Role.CLEANER or facts is None:
        raise Forbidden
    if facts["onboarding"] != OnboardingState.COMPLETE:
        raise OnboardingIncomplete
    return ("cleaner", *sorted(facts["markets"]))


def sees_market(klass: Klass, market_id: str) -> bool:
    """Whether a class made by `market_class` sees what happens in a market."""
    return klass == OFFICE_CLASS or market_id in klass[1:]
