"""What happened, by pages: the very events that the live feeds send, with cursors that hold in either."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from db.stamp import STAMP, VERIFIED
from domain.actors import ADMINS, OFFICE, Actor
from domain.errors import Forbidden, Invalid
from domain.feeds import ResyncReason
from resolvers.audit import actor_id
from resolvers.context import Context
from resolvers.engine.engine import fetched, stamp_values
from resolvers.public_error import as_public
from schema.inputs import camel
from schema.types.events import Event, EventPage
from schema.types.relay import Cursor, encode_id
from services.cursors import Place, office_view

MOST = 500

# The stretch is cut by number, not by count: a dispatcher's policy leaves events out, and that is no hole.
_PAGE = f"""
SELECT json_build_array(coalesce(head.epoch, 0), coalesce(head.seq, 0), coalesce(head.first_seq, 1), page.events)
FROM {STAMP} {VERIFIED}
LEFT JOIN LATERAL (SELECT h.epoch, h.seq, h.first_seq FROM tenant_head h
    WHERE h.tenant_id = stamp.tenant_id OFFSET 0) head ON true
LEFT JOIN LATERAL (
    SELECT coalesce(json_agg(json_build_array(
        e.seq, e.type, e.entity, e.entity_id, e.payload -> 'card', e.at, e.actor_id) ORDER BY e.seq), '[]') AS events
    FROM event e WHERE e.tenant_id = stamp.tenant_id
      AND e.seq > coalesce($5::bigint, head.first_seq - 1)
      AND e.seq <= coalesce($5::bigint, head.first_seq - 1) + $6::bigint) page ON true"""

_KINDS = {
    "owner_id": "Cleaner",
    "taker_id": "Cleaner",
    "cleaner_id": "Cleaner",
    "customer_id": "Customer",
    "property_id": "Property",
    "market_id": "Market",
    "market_ids": "Market",
    "job_id": "Job",
    "assignment_id": "Assignment",
    "given_id": "Assignment",
    "wants": "Assignment",
    "swap_id": "Swap",
    "visit_id": "Visit",
    "service_id": "Service",
    "booking_draft_id": "BookingDraft",
    "quote_id": "Quote",
    "service_plan_id": "ServicePlan",
}
"""Which words of cards are ids, and of what."""
_RENAMED = {"wants": "wantedAssignmentIds"}
"""Words of cards that the feeds' card types call otherwise."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the log behind `after`, with the log's state of the same moment."""

    epoch: int
    head: int
    first_seq: int
    after: int
    rows: list[list[Any]]

    def until(self, most: int) -> int:
        """The last place that the stretch covers."""
        return min(self.head, self.after + most)


async def events(info: Info[Context, None], after: Cursor | None = None, first: int = 100) -> EventPage | None:
    """What happened behind a cursor, each event once and in order, for the office: dispatchers see their own areas."""
    with as_public():
        return await _page(info.context, after, first)


async def _page(context: Context, after: Cursor | None, first: int) -> EventPage:
    actor = context.signed_in
    if actor.role not in OFFICE:
        raise Forbidden
    if not 1 <= first <= MOST:
        raise Invalid(f"A page has 1 to {MOST} events.", field=("first",))
    place = None if after is None else context.services.cursors.read(actor.tenant, after)
    stretch = await _read(context, actor, place, first)
    reason = _reason(stretch, place, actor, first)
    end = stretch.until(first) if reason is None else stretch.head

    def cursor(seq: int) -> Cursor:
        there = Place(stretch.epoch, seq, office_view(actor.role))
        return Cursor(context.services.cursors.write(actor.tenant, there))

    shown = stretch.rows if reason is None else []
    return EventPage(
        events=[_event(cursor(row[0]), row) for row in shown],
        next=cursor(end),
        has_more=end < stretch.head,
        resync=reason,
    )


async def _read(context: Context, actor: Actor, place: Place | None, first: int) -> Stretch:
    given = [*stamp_values(actor), None if place is None else place.seq, first]
    epoch, head, first_seq, rows = await fetched(context.services.reads, _PAGE, given)
    return Stretch(epoch, head, first_seq, first_seq - 1 if place is None else place.seq, rows)


def _reason(stretch: Stretch, place: Place | None, actor: Actor, first: int) -> ResyncReason | None:
    """Why the log cannot be continued from there, judged in the feeds' order."""
    if place is not None and place.epoch != stretch.epoch:
        return ResyncReason.EPOCH_CHANGED
    if place is not None and place.view != office_view(actor.role):
        return ResyncReason.VIEWER_CHANGED
    if stretch.after < stretch.first_seq - 1:
        return ResyncReason.CURSOR_EXPIRED
    if stretch.after > stretch.head:
        return ResyncReason.CURSOR_AHEAD
    # Who is shown every event can also tell a hole, which nothing but a damaged log has.
    is_whole = actor.role not in ADMINS or len(stretch.rows) == stretch.until(first) - stretch.after
    return None if is_whole else ResyncReason.CURSOR_EXPIRED


def _event(cursor: Cursor, row: list[Any]) -> Event:
    seq, type, entity, id, card, at, actor = row
    return Event(
        cursor=cursor,
        seq=seq,
        type=type,
        entity=entity,
        entity_id=encode_id(entity, id),
        card=_shown(card, entity),
        at=datetime.fromisoformat(at),
        actor_id=actor_id(UUID(actor)),
    )


def _shown(card: Any, entity: str) -> Any:
    """The card in the contract's words: its names, and global ids, as the feeds' own card types have them."""
    if isinstance(card, list):
        return [_shown(one, entity) for one in card]
    if not isinstance(card, Mapping):
        return card
    return {_RENAMED.get(name) or camel(name): _value(name, value, entity) for name, value in card.items()}


def _value(name: str, value: Any, entity: str) -> Any:
    kind = entity if name == "id" else _KINDS.get(name)
    if kind is None or value is None:
        return _shown(value, entity)
    return [encode_id(kind, one) for one in value] if isinstance(value, list) else encode_id(kind, value)


def _field() -> Any:
    field: Any = strawberry.field(resolver=events, description=events.__doc__)
    words = {
        "after": "The cursor of the last event, page or frame that was handled; the oldest kept event comes first"
        " where there is none.",
        "first": f"The length of the stretch of the log, at most {MOST}.",
    }
    for argument in field.arguments:
        argument.description = words[argument.python_name]
    return field


EVENTS = _field()
