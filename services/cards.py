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
from domain.scheduling import LIVE_JOB_STATES
from domain.swaps import OPEN_SWAP_STATES, SwapStatus
from models import assignment, job, swap

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


# What is known of the work and its proof begins with the first visit. Photos count once the server has checked them.
_PROGRESS = """(SELECT json_build_object(
        'items_done', i.done, 'items_total', i.total, 'items_open', i.open,
        'photos_before', f.before, 'photos_before_required', r.before,
        'photos_after', f.after, 'photos_after_required', r.after)
    FROM (SELECT count(c.done_at) AS done, count(*) AS total,
                count(*) FILTER (WHERE c.required AND c.done_at IS NULL) AS open
            FROM checklist_item c WHERE c.tenant_id = e.tenant_id AND c.job_id = e.job_id) i,
        (SELECT count(*) FILTER (WHERE f.stage = 'BEFORE') AS before, count(*) FILTER (WHERE f.stage = 'AFTER') AS after
            FROM photo f WHERE f.tenant_id = e.tenant_id AND f.job_id = e.job_id AND f.status = 'STORED') f,
        (SELECT coalesce(sum((z.value ->> 'before')::int), 0) AS before,
                coalesce(sum((z.value ->> 'after')::int), 0) AS after
            FROM jsonb_array_elements(e.requirements) z) r
    WHERE e.id IS NOT NULL)"""

_CREW = """(SELECT coalesce(json_agg(json_build_object(
        'assignment_id', a.id, 'role', a.role, 'cleaner_id', a.cleaner_id, 'cleaner_name', c.name,
        'visit_id', v.id, 'phase', v.phase, 'checked_in_at', v.checked_in_at, 'started_at', v.started_at,
        'finished_at', v.finished_at, 'checked_out_at', v.checked_out_at) ORDER BY a.created_at, a.id), '[]')
    FROM assignment a
    JOIN cleaner c ON c.tenant_id = a.tenant_id AND c.id = a.cleaner_id
    LEFT JOIN visit v ON v.tenant_id = a.tenant_id AND v.assignment_id = a.id AND v.cleaner_id = a.cleaner_id
    WHERE a.tenant_id = j.tenant_id AND a.job_id = j.id AND a.released_at IS NULL)"""

JOB_CARD = f"""json_build_object(
    'id', j.id, 'status', j.status, 'starts_at', j.starts_at, 'ends_at', j.ends_at,
    'expected_hours', j.expected_hours::text, 'is_urgent', j.is_urgent, 'late_at', j.late_at, 'missed_at', j.missed_at,
    'completed_at', j.completed_at, 'canceled_at', j.canceled_at, 'version', j.version,
    'customer_id', j.customer_id, 'market_id', j.market_id, 'market_name', m.name, 'zone', m.zone,
    'property_id', j.property_id, 'property_name', p.name, 'city', p.city, 'bedrooms', p.bedrooms,
    'bathrooms', p.bathrooms, 'square_feet', p.square_feet, 'laundry', p.laundry, 'laundry_loads', p.laundry_loads,
    'hot_tub', p.hot_tub, 'evidence_status', e.status, 'progress', {_PROGRESS}, 'crew', {_CREW})"""

# A cleaner may be on a job of a market in which they work no more: then that market is not theirs to see.
JOB_CARD_FROM = """job j
    JOIN property p ON p.tenant_id = j.tenant_id AND p.id = j.property_id
    LEFT JOIN market m ON m.tenant_id = j.tenant_id AND m.id = j.market_id
    LEFT JOIN evidence e ON e.tenant_id = j.tenant_id AND e.job_id = j.id"""

_TOLD_JOB = (
    text(
        f"SELECT {JOB_CARD} AS card FROM {JOB_CARD_FROM.replace('LEFT JOIN market', 'JOIN market')}"
        " WHERE j.tenant_id = :tenant AND j.id = :id FOR KEY SHARE OF m"
    )
    .bindparams(bindparam("tenant"), bindparam("id"))
    .columns(card=JSON)
)


async def emit_job(tx: Tx, type: EventType, job_id: UUID, people: tuple[UUID, ...] | None = None) -> None:
    """Stage an event about a job with its card as it is now, whole whatever its actor may see of it.

    The job is locked or changed before, so that an older card never follows a newer one. `people` are those of whom
    something else is true now, who have been taken off it among them; None for its crew.
    """
    async with tx.as_system():
        card = await tx.scalar(_TOLD_JOB.bindparams(tenant=tx.actor.tenant, id=job_id))
    assert card is not None  # noqa: S101 (whoever tells of it holds it)
    if people is None:
        people = tuple(dict.fromkeys(UUID(one["cleaner_id"]) for one in card["crew"]))
    tx.emit(Event(type, "Job", job_id, card, people))


async def tell_job(
    tx: Tx, type: EventType, job_id: UUID, *, people: tuple[UUID, ...] = (), reason: str | None = None
) -> None:
    """Event and audit line of what happened to a job; its crew hears of it unless told."""
    tx.audit("Job", job_id, reason=reason, detail={"event": type})
    await emit_job(tx, type, job_id, people or None)


async def job_progressed(tx: Tx, job_id: UUID) -> None:
    """Tell the feeds how far a job's work is, after every step of it. What was done stands in the evidence's chain."""
    await emit_job(tx, EventType.JOB_PROGRESSED, job_id, ())


async def hold_work_of(tx: Tx, cleaner_id: UUID) -> None:
    """Lock the jobs still to be done that a cleaner is on, before their own row: none tells their old name later."""
    on_it = select(assignment.c.job_id).where(
        tx.own(assignment), assignment.c.cleaner_id == cleaner_id, assignment.c.released_at.is_(None)
    )
    held = select(job.c.id).where(tx.own(job), job.c.id.in_(on_it), job.c.status.in_(LIVE_JOB_STATES))
    await tx.all(held.order_by(job.c.id).with_for_update())


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
