"""Public cards: what an event shows of the thing it happened to, read from the database in one place.

The live feeds' snapshots select the very same expression, so that a snapshot and the deltas after it can never disagree
about what a card is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import JSON

from db.tx import Tx
from domain.events import Event, EventType
from domain.swaps import OPEN_SWAP_STATES, SwapStatus
from models import job, swap

# Keys are the card type's field names; times are ISO 8601 in UTC, ids plain UUIDs, hours text so that they stay exact.
SWAP_CARD = """json_build_object(
    'id', s.id, 'kind', s.kind, 'status', s.status, 'note', s.note, 'role', s.role, 'version', s.version,
    'opened_by', s.opened_by, 'opened_at', s.opened_at, 'draws_at', s.draws_at, 'expires_at', s.expires_at,
    'urgent_bonus', s.urgent_bonus, 'given_id', s.given_id,
    'wants', CASE WHEN s.kind = 'TRADE' THEN (SELECT json_agg(w.assignment_id ORDER BY w.assignment_id)
        FROM swap_want w WHERE w.tenant_id = s.tenant_id AND w.swap_id = s.id) END,
    'owner_id', s.owner_id, 'owner_name', o.name, 'taker_id', s.taker_id, 'taker_name', t.name,
    'market_id', s.market_id, 'market_name', m.name, 'zone', m.zone,
    'assignment_id', s.assignment_id, 'job_id', j.id, 'starts_at', j.starts_at, 'ends_at', j.ends_at,
    'expected_hours', j.expected_hours::text,
    'is_urgent', j.is_urgent, 'city', p.city, 'bedrooms', p.bedrooms, 'bathrooms', p.bathrooms,
    'square_feet', p.square_feet, 'laundry', p.laundry, 'laundry_loads', p.laundry_loads, 'hot_tub', p.hot_tub,
    'latitude', p.latitude, 'longitude', p.longitude)"""

SWAP_CARD_FROM = """swap s
    JOIN job j ON j.tenant_id = s.tenant_id AND j.id = s.job_id
    JOIN property p ON p.tenant_id = j.tenant_id AND p.id = j.property_id
    JOIN market m ON m.tenant_id = s.tenant_id AND m.id = s.market_id
    LEFT JOIN cleaner o ON o.tenant_id = s.tenant_id AND o.id = s.owner_id
    LEFT JOIN cleaner t ON t.tenant_id = s.tenant_id AND t.id = s.taker_id"""

_CARD = f"SELECT {SWAP_CARD} AS card FROM {SWAP_CARD_FROM} WHERE s.tenant_id = :tenant AND s.id = :id"
_CARD_OF_ONE = text(_CARD).bindparams(bindparam("tenant"), bindparam("id")).columns(card=JSON)
# A market that is renamed meanwhile is waited for: an event must not tell its old name after the one of its new name.
_TOLD_CARD = text(f"{_CARD} FOR KEY SHARE OF m").bindparams(bindparam("tenant"), bindparam("id")).columns(card=JSON)


async def swap_card(tx: Tx, swap_id: UUID) -> dict[str, Any] | None:
    """The card of a swap as the actor may see it at this point of the transaction; None if they may not."""
    card: dict[str, Any] | None = await tx.scalar(_CARD_OF_ONE, tenant=tx.actor.tenant, id=swap_id)
    return card


async def _told_card(tx: Tx, swap_id: UUID) -> dict[str, Any]:
    """The card of a swap that was just changed, whole whatever its actor may still see of it.

    Who gives a shift back sees its job no more; who was taken out of a market not even that.
    """
    async with tx.as_system():
        card: dict[str, Any] | None = await tx.scalar(_TOLD_CARD, tenant=tx.actor.tenant, id=swap_id)
    assert card is not None  # noqa: S101 (its row has just been changed)
    return card


async def emit_swap(tx: Tx, type: EventType, swap_id: UUID) -> None:
    """Stage an event about a swap with its present card."""
    tx.emit(Event(type, "Swap", swap_id, await _told_card(tx, swap_id)))


@dataclass(frozen=True, slots=True)
class Aside:
    """What a move's record says beside the swap's card: whom else it concerns, why it was made, and how."""

    people: tuple[UUID, ...] = ()
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


async def record_swap_move(tx: Tx, type: EventType, swap_id: UUID, aside: Aside | None = None) -> None:
    """Event, audit line and notifications of a move of a swap, with its card as it is now."""
    aside = aside or Aside()
    card = await _told_card(tx, swap_id)
    parties = [UUID(card[side]) for side in ("owner_id", "taker_id") if card[side]]
    tx.emit(Event(type, "Swap", swap_id, card, tuple(dict.fromkeys([*parties, *aside.people]))))
    detail = {"event": type, "jobId": card["job_id"], **aside.detail}
    tx.audit("Swap", swap_id, reason=aside.reason, detail=detail)
    others = [str(person) for person in aside.people]
    payload = {"event": type, "swap_id": str(swap_id), "version": card["version"], "people": others}
    tx.later("notify_swap", payload, dedupe_key=f"notify:{type}:{swap_id}:{card['version']}")


async def refresh_swap_cards(tx: Tx, which: ColumnElement[bool]) -> None:
    """Tell the market anew about every open swap for which this holds of `swap` or its `job`.

    For whoever has changed what their cards show.
    """
    open_ones = await tx.all(
        select(swap.c.id)
        .join(job, (job.c.tenant_id == swap.c.tenant_id) & (job.c.id == swap.c.job_id))
        .where(tx.own(swap), which, swap.c.status.in_(OPEN_SWAP_STATES))
        .order_by(swap.c.id)
        # A swap that is taken meanwhile must not be shown again after it has gone, nor an older card after a newer one.
        .with_for_update(of=swap)
    )
    for row in open_ones:
        await emit_swap(tx, EventType.SWAP_CHANGED, row.id)


async def take_off(tx: Tx, which: ColumnElement[bool], aside: Aside | None = None) -> list[UUID]:
    """Withdraw every open swap for which this holds; their ids. One that was taken meanwhile is left alone."""
    rows = await tx.all(
        update(swap)
        .where(tx.own(swap), which, swap.c.status.in_(OPEN_SWAP_STATES))
        .values(status=SwapStatus.WITHDRAWN, closed_at=tx.now, version=swap.c.version + 1)
        .returning(swap.c.id)
    )
    for row in rows:
        await record_swap_move(tx, EventType.SWAP_WITHDRAWN, row.id, aside)
    return [row.id for row in rows]
