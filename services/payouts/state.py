"""A payout's row: locked, moved only where its table allows, and told (R164, R177, R260).

Everybody locks the job first, then the payout. Payouts of other jobs that go along with one are locked after it.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select

from db.tx import Tx
from domain.actors import Role
from domain.events import Event, EventType
from domain.payments.payouts import FOR_CLEANERS, HOLD_WORDS, HoldReason, PayoutStatus, ensure_payout_transition
from models import job, payout
from services.payments.state import columns_shown

SHOWN: Final = (
    "id",
    "kind",
    "status",
    "job_id",
    "cleaner_id",
    "payment_id",
    "currency",
    "base_cents",
    "urgent_cents",
    "laundry_cents",
    "tip_cents",
    "carried_cents",
    "amount_cents",
    "reversed_cents",
    "hold_reason",
    "due_at",
    "released_at",
    "created_at",
    "version",
)
"""The columns that a payout's card shows."""
BY_THE_OFFICE = "The office sees to it."
FREE = {"hold_reason": None, "hold_note": None}
"""What a payout that nothing stands in the way of says of its hold."""


async def lock_payout(tx: Tx, id: UUID, *field: str) -> Row[Any]:
    """The payout, locked after its job. Raises `NotFound` for a missing and a foreign one alike."""
    async with tx.as_system(wholly=True):
        found = await tx.get(payout, id, *field)
        await tx.get(job, found.job_id, lock=True)
        return await tx.get(payout, id, *field, lock=True)


async def payout_of_transfer(tx: Tx, transfer_id: str) -> UUID | None:
    """Whose transfer this is, if it is recorded already."""
    async with tx.as_system(wholly=True):
        mine: UUID | None = await tx.scalar(
            select(payout.c.id).where(tx.own(payout), payout.c.transfer_id == transfer_id)
        )
    return mine


async def move_payout(tx: Tx, row: Row[Any], status: PayoutStatus | None = None, **values: Any) -> Row[Any]:
    """Change a locked payout; its new row. Raises `IllegalTransition` for a move that the table does not have.

    The same status again is no move. Whoever may see it hears of it, and the audit log keeps the act.
    """
    before = PayoutStatus(row.status)
    if status is not None and status is not before:
        ensure_payout_transition(before, status)
        values["status"] = status.value
    async with tx.as_system(wholly=True):
        await tx.change(payout, row.id, **values, updated_at=tx.now)
        now = await tx.get(payout, row.id)
    tell_payout(tx, now)
    return now


def tell_payout(tx: Tx, now: Row[Any], reason: str | None = None) -> None:
    """Event and audit line of a payout as it is now."""
    detail = {"status": now.status, "amountCents": now.amount_cents, "holdReason": now.hold_reason}
    tx.audit("Payout", now.id, reason=reason, detail=detail)
    tx.emit(Event(EventType.PAYOUT_CHANGED, "Payout", now.id, payout_card(now), (now.cleaner_id,)))


def payout_card(now: Any) -> dict[str, Any]:
    """What is shown of a payout, of its own row alone: administrators and its cleaner may see it.

    Events carry it and the live feed's snapshot makes it of the very same columns, so that the two never disagree.
    """
    return {**columns_shown(now, SHOWN), "what_to_do": what_to_do(now.hold_reason, now.hold_note)}


def what_to_do(reason: str | None, note: str | None) -> str | None:
    """What has to happen before a held payout is paid, in words for people; None where it is not held (R165, R190)."""
    if reason is None:
        return None
    words = HOLD_WORDS[HoldReason(reason)].what_to_do
    return f"{words} ({note})" if note else words


def told_to(role: str, reason: str | None, note: str | None) -> str | None:
    """The same for whoever asks: a cleaner is told their own part, or that the office sees to it (R190)."""
    if reason is None or role != Role.CLEANER:
        return what_to_do(reason, note)
    return FOR_CLEANERS.get(HoldReason(reason), BY_THE_OFFICE)


def id_of(thing: Any) -> str | None:
    """The provider's id of a thing, whether the thing itself came with it or not."""
    if thing is None:
        return None
    return str(thing["id"] if isinstance(thing, Mapping) else thing)
