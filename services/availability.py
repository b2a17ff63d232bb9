"""Submitting availability inside the window, and the office's audited way around it (R84 to R93, A23 to A25)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, delete, select
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSON, insert

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.availability import (
    MarketCalendar,
    Period,
    Slot,
    Window,
    ensure_can_submit,
    ensure_slots,
    period_containing,
    window_at,
)
from domain.errors import Conflict, Invalid, NotFound
from domain.events import Event, EventType
from domain.ids import CleanerId, MarketId, SubmissionId
from models import availability, cleaner_market, market
from models import availability_submission as submission
from services.checks import text
from services.gate import ensure_onboarded
from services.inputs import arg

# The feed's snapshots select the very same expression: the two must not even write an instant differently.
SUBMISSION_CARD = """json_build_object(
    'id', a.id, 'cleaner_id', a.cleaner_id, 'market_id', a.market_id, 'period_start', a.period_start,
    'submitted_at', a.submitted_at, 'is_late', a.is_late, 'bypassed', a.bypass_by IS NOT NULL,
    'slots', (SELECT coalesce(json_agg(json_build_object('starts_at', v.starts_at, 'ends_at', v.ends_at)
        ORDER BY v.starts_at), '[]') FROM availability v
        WHERE v.tenant_id = a.tenant_id AND v.submission_id = a.id))"""

_CARD_OF_ONE = (
    sql_text(
        f"SELECT {SUBMISSION_CARD} AS card FROM availability_submission a WHERE a.tenant_id = :tenant AND a.id = :id"
    )
    .bindparams(bindparam("tenant"), bindparam("id"))
    .columns(card=JSON)
)


@dataclass(frozen=True, slots=True)
class AvailabilitySlot:
    """A stretch of time in which the cleaner can work, within one market-local day."""

    starts_at: datetime = arg("When it starts, with its UTC offset.")
    ends_at: datetime = arg("When it ends, with its UTC offset; on the same market-local day.")


@dataclass(frozen=True, slots=True)
class SubmitAvailability:
    """The acting cleaner's availability for the window's two weeks."""

    market_id: MarketId = arg("A market that the cleaner works in.")
    slots: list[AvailabilitySlot] = arg(
        "All stretches of the two weeks, at most 84; they replace what was submitted before."
    )


@dataclass(frozen=True, slots=True)
class SetAvailability:
    """A cleaner's availability, written by an admin outside the window."""

    cleaner_id: CleanerId = arg("Whose availability it is.")
    market_id: MarketId = arg("A market that the cleaner works in.")
    period_start: date = arg("A market-local day of the two-week period meant.")
    slots: list[AvailabilitySlot] = arg("All stretches of the two weeks; they replace what was submitted before.")
    reason: str = arg("Why the window is bypassed, for the audit; at most 500 characters.")


@command(Role.CLEANER)
async def submit_availability(tx: Tx, input: SubmitAvailability) -> SubmissionId:
    """Submit or replace the acting cleaner's availability for the coming two weeks (R84).

    Server time in the market's zone decides (R89): in the grace hour it is accepted and marked late (A24), after it
    refused with WINDOW_CLOSED, which names the next window (R90).
    """
    await ensure_onboarded(tx)
    place = await market_of(tx, tx.actor.cleaner_id, input.market_id)
    window = window_of(place, tx.now)
    late = ensure_can_submit(window)
    slots = _slots(input.slots, window.period)
    return await _store(tx, _Filing(tx.actor.cleaner_id, place, window.period, slots, is_late=late))


@command(*ADMINS)
async def set_availability(tx: Tx, input: SetAvailability) -> SubmissionId:
    """Write a cleaner's availability whatever the window says (R91): admins only, with a reason, audited (A24)."""
    place = await market_of(tx, input.cleaner_id, input.market_id)
    period = _period(place, input.period_start, tx.now)
    slots = _slots(input.slots, period)
    reason = text(input.reason, "reason", most=500)
    return await _store(tx, _Filing(input.cleaner_id, place, period, slots, is_late=False, reason=reason))


def calendar_of(place: Any) -> MarketCalendar:
    """The submission calendar in a market's row."""
    return MarketCalendar(
        place.zone, place.window_epoch, place.window_lead_days, place.window_deadline_hour, place.window_grace_minutes
    )


def window_of(place: Any, now: datetime) -> Window:
    """The window of a market's row as of business time (R87)."""
    return window_at(calendar_of(place), now)


@dataclass(frozen=True, slots=True)
class _Filing:
    """What is to be stored for whom."""

    cleaner_id: UUID
    place: Row[Any]
    period: Period
    slots: tuple[Slot, ...]
    is_late: bool
    reason: str | None = None


async def _store(tx: Tx, filing: _Filing) -> SubmissionId:
    """Replace the period's submission; the unique key makes two at once follow each other."""
    made = await _upsert(tx, filing)
    await tx.write(delete(availability).where(tx.own(availability), availability.c.submission_id == made))
    await tx.insert_all(availability, [_slot_row(made, filing, slot) for slot in filing.slots])
    detail = {"slots": len(filing.slots), "periodStart": filing.period.starts_on.isoformat()}
    tx.audit("AvailabilitySubmission", made, reason=filing.reason, detail=detail)
    card = await tx.scalar(_CARD_OF_ONE.bindparams(tenant=tx.actor.tenant, id=made))
    tx.emit(Event(EventType.AVAILABILITY_SUBMITTED, "AvailabilitySubmission", made, card, (filing.cleaner_id,)))
    return made


async def _upsert(tx: Tx, filing: _Filing) -> SubmissionId:
    bypassed = filing.reason is not None
    values = {
        "submitted_at": tx.now,
        "is_late": filing.is_late,
        "bypass_by": tx.actor.person if bypassed else None,
        "bypass_reason": filing.reason,
    }
    statement = insert(submission).values(
        tenant_id=tx.actor.tenant,
        id=new_id(),
        cleaner_id=filing.cleaner_id,
        market_id=filing.place.id,
        period_start=filing.period.starts_on,
        **values,
    )
    replaced = statement.on_conflict_do_update(
        index_elements=["tenant_id", "cleaner_id", "market_id", "period_start"],
        set_={**values, "version": submission.c.version + 1},
    )
    return SubmissionId(await tx.scalar(replaced.returning(submission.c.id)))


def _slot_row(submission_id: UUID, filing: _Filing, slot: Slot) -> dict[str, Any]:
    return {
        "id": new_id(),
        "submission_id": submission_id,
        "cleaner_id": filing.cleaner_id,
        "day": slot.starts_at.astimezone(ZoneInfo(filing.period.zone)).date(),
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
    }


def _slots(slots: list[AvailabilitySlot], period: Period) -> tuple[Slot, ...]:
    return ensure_slots([Slot(one.starts_at, one.ends_at) for one in slots], period)


def _period(place: Row[Any], day: date, now: datetime) -> Period:
    if abs((day - now.date()).days) > 366:
        raise Invalid("The period must lie within a year from today.", field=("periodStart",))
    return period_containing(calendar_of(place), day)


async def market_of(tx: Tx, cleaner_id: CleanerId, market_id: MarketId) -> Row[Any]:
    """The market's row, if the cleaner works there; `NotFound` otherwise."""
    place = await tx.one(
        select(market)
        .join(
            cleaner_market,
            (cleaner_market.c.tenant_id == market.c.tenant_id) & (cleaner_market.c.market_id == market.c.id),
        )
        .where(tx.own(market), market.c.id == market_id, cleaner_market.c.cleaner_id == cleaner_id)
    )
    if place is None:
        raise NotFound(field=("marketId",))
    if place.archived_at is not None:
        raise Conflict("This market is archived.", field=("marketId",))
    return place
