"""Events as they are read by pages: the ones that the live feeds send, with the same ids and cursors."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from domain.feeds import ResyncReason
from schema.types.described import described
from schema.types.relay import Cursor


@described
@strawberry.type
class Event:
    """One thing that happened."""

    cursor: Cursor
    """Its place: a valid `after` here and in every feed, for whoever is in the same role."""
    seq: int
    """Its number in the business's log. Numbers that a dispatcher misses are events of areas that are not theirs."""
    type: str
    """What happened, as SwapAccepted."""
    entity: str
    """The type of what it happened to, as Swap."""
    entity_id: strawberry.ID
    """Its global id; `node` finds it where it is one of the types that can be fetched by id."""
    card: JSON
    """The facts that everybody who may see the event may see, as they were then; ids in it are global."""
    at: datetime
    """When, in business time."""
    actor_id: strawberry.ID | None
    """Who did it, as a person's global id; null for the installation itself and for who was not signed in."""


@described
@strawberry.type
class EventPage:
    """A stretch of the log, complete and in order."""

    events: list[Event]
    """The events; none where `resync` is set."""
    next: Cursor
    """Go on after this; keep it also where the page is empty. Where `resync` is set: the present end of the log."""
    has_more: bool
    """Whether more lies behind `next` already."""
    resync: ResyncReason | None
    """Set where the cursor cannot be continued from: read afresh what you keep, then go on after `next`."""
