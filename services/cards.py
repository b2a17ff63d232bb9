"""Public cards: what an event shows of the thing it happened to, read from the database in one place.

The live feeds' snapshots select the very same expression, so that a snapshot and the deltas after it can never disagree
about what a card is.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSON

from db.tx import Tx
from domain.events import Event, EventType
from domain.swaps import SwapStatus
from models import job, swap

# Keys are the card type's field names; times are ISO 8601 in UTC, ids plain UUIDs, hours text so that they stay exact.
SWAP_CARD = """json_build_object(
    'id', s.id, 'kind', s.kind, 'status', s.status, 'note', s.note, 'role', s.role, 'version', s.version,
    'opened_at', s.opened_at, 'expires_at', s.expires_at,
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
    JOIN cleaner o ON o.tenant_id = s.tenant_id AND o.id = s.owner_id
    LEFT JOIN cleaner t ON t.tenant_id = s.tenant_id AND t.id = s.taker_id"""

_CARD_OF_ONE = (
    text(f"SELECT {SWAP_CARD} AS card FROM {SWAP_CARD_FROM} WHERE s.tenant_id = :tenant AND s.id = :id")
    .bindparams(bindparam("tenant"), bindparam("id"))
    .columns(card=JSON)
)


async def swap_card(tx: Tx, swap_id: UUID) -> dict[str, Any]:
    """The card of a swap as the actor may see it at this point of the transaction."""
    card: dict[str, Any] = await tx.scalar(_CARD_OF_ONE.bindparams(tenant=tx.actor.tenant, id=swap_id))
    return card


async def emit_swap(tx: Tx, type: EventType, swap_id: UUID, *people: UUID) -> None:
    """Stage an event about a swap with its present card."""
    tx.emit(Event(type, "Swap", swap_id, await swap_card(tx, swap_id), people))


async def record_swap_move(tx: Tx, type: EventType, swap_id: UUID) -> None:
    """Event, audit line and notifications of a move of a swap, with its card as it is now."""
    row = await tx.get(swap, swap_id)
    people = [person for person in (row.owner_id, row.taker_id) if person]
    await emit_swap(tx, type, swap_id, *people)
    tx.audit("Swap", swap_id, detail={"event": type, "jobId": str(row.job_id)})
    payload = {"event": type, "swap_id": str(swap_id)}
    tx.later("notify_swap", payload, dedupe_key=f"notify:{type}:{swap_id}:{row.version}")


async def refresh_swap_cards(tx: Tx, which: ColumnElement[bool]) -> None:
    """Tell the market anew about every pending swap for which this holds of `swap` or its `job`.

    For whoever has changed what their cards show.
    """
    pending = await tx.all(
        select(swap.c.id)
        .join(job, (job.c.tenant_id == swap.c.tenant_id) & (job.c.id == swap.c.job_id))
        .where(tx.own(swap), which, swap.c.status == SwapStatus.PENDING)
        .order_by(swap.c.id)
    )
    for row in pending:
        await emit_swap(tx, EventType.SWAP_CHANGED, row.id)
