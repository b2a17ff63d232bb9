"""Payouts that people hold, release or have tried again; each act is in the audit log with its reason (R173, R237)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS
from domain.errors import PayoutState
from domain.ids import PayoutId
from domain.payments.ops import OpKind, OpState
from domain.payments.payouts import HOLD_WORDS, HoldReason, PayoutStatus
from models import payout
from services.checks import text
from services.inputs import arg
from services.payments.alarms import clear_alarm
from services.payments.ops import drop_planned, standing_op
from services.payouts.creation import MARGIN
from services.payouts.release import BY_DECISION, hold, look_at, reason_now
from services.payouts.rows import release_later
from services.payouts.state import FREE, lock_payout, move_payout, tell_payout

LONGEST_REASON = 500
WAITING = (PayoutStatus.PENDING, PayoutStatus.HELD)
"""Payouts that have not left us."""


@dataclass(frozen=True, slots=True)
class RetryPayout:
    """A payout to be looked at at once."""

    payout_id: PayoutId = arg("A payout that is pending or held.")


@dataclass(frozen=True, slots=True)
class ReleasePayout:
    """A held payout that is to be paid all the same."""

    payout_id: PayoutId = arg("A held payout.")
    reason: str = arg("Why it is paid, for the audit log; at most 500 characters.")


@dataclass(frozen=True, slots=True)
class HoldPayout:
    """A payout that must not go yet."""

    payout_id: PayoutId = arg("A payout that is pending or held, and not on its way.")
    reason: str = arg("Why, for the cleaner and the audit log; at most 500 characters.")


@command(*ADMINS)
async def retry_payout(tx: Tx, input: RetryPayout) -> PayoutId:
    """Look at a payout at once: it is paid if nothing stands in its way, or held with the reason.

    Also one whose transfer failed for a fault of ours, once that is mended. Refused with PAYOUT_STATE where it has left
    already (R171), or is on its way.
    """
    row = await _hold_waiting(tx, input.payout_id)
    row = await move_payout(tx, row, failure=None, due_at=min(row.due_at, tx.now))
    await look_at(tx, row)
    return input.payout_id


@command(*ADMINS)
async def release_payout(tx: Tx, input: ReleasePayout) -> PayoutId:
    """Pay a held payout by decision, with a reason (R173, R237): disputed, not covered, held by the office, or small.

    What the charge does not cover is paid from the business's own balance. An account that cannot be paid nobody can
    set aside: then it is refused with PAYOUT_STATE, and says what to do.
    """
    reason = text(input.reason, "reason", most=LONGEST_REASON)
    row = await _hold_waiting(tx, input.payout_id)
    if row.status != PayoutStatus.HELD:
        raise PayoutState("This payout is not held.", field=("payoutId",), details={"status": row.status})
    standing = await reason_now(tx, row)
    if (standing is not None and standing not in BY_DECISION) or row.amount_cents == 0:
        why = standing or HoldReason.BELOW_MINIMUM
        words = HOLD_WORDS[why]
        details = {"status": row.status, "holdReason": why.value}
        raise PayoutState(f"{words.why} {words.what_to_do}", field=("payoutId",), details=details)
    freed = {"decided_by": tx.actor.person, "due_at": tx.now, "failure": None}
    row = await move_payout(tx, row, PayoutStatus.PENDING, **FREE, **freed)
    tell_payout(tx, row, reason)
    await clear_alarm(tx, MARGIN, str(row.job_id))
    await look_at(tx, row)
    return input.payout_id


@command(*ADMINS)
async def hold_payout(tx: Tx, input: HoldPayout) -> PayoutId:
    """Keep a payout back, with a reason; its cleaner is told. Refused with PAYOUT_STATE once it is on its way."""
    reason = text(input.reason, "reason", most=LONGEST_REASON)
    row = await _hold_waiting(tx, input.payout_id, may_be_planned=True)
    row = await hold(tx, row, HoldReason.BY_OFFICE, reason)
    tell_payout(tx, row, reason)
    return input.payout_id


async def freeze_payouts(tx: Tx, payment_id: UUID, reason: HoldReason = HoldReason.DISPUTED) -> Sequence[PayoutId]:
    """Hold every payout of a payment that has not left yet: the customer's bank disputes it. Which were held.

    The caller holds the job and the payment. What is on its way already cannot be kept back.
    """
    frozen: list[PayoutId] = []
    for row in await _of_payment(tx, payment_id):
        # What the office holds is the office's to let go: a dispute that is won must not.
        if row.hold_reason not in {reason, HoldReason.BY_OFFICE} and await _is_ours_still(tx, row):
            await hold(tx, row, reason)
            frozen.append(PayoutId(row.id))
    return frozen


async def thaw_payouts(tx: Tx, payment_id: UUID, reason: HoldReason = HoldReason.DISPUTED) -> Sequence[PayoutId]:
    """Set free what was held for a reason that is gone, by an act of its own, and have it paid; which they were."""
    freed: list[PayoutId] = []
    for row in await _of_payment(tx, payment_id):
        if row.status == PayoutStatus.HELD and row.hold_reason == reason:
            await move_payout(tx, row, PayoutStatus.PENDING, due_at=tx.now, **FREE)
            release_later(tx, PayoutId(row.id), occasion=f":thawed:{tx.now.isoformat()}")
            freed.append(PayoutId(row.id))
    return freed


async def _of_payment(tx: Tx, payment_id: UUID) -> Sequence[Row[Any]]:
    mine = (tx.own(payout), payout.c.payment_id == payment_id, payout.c.status.in_(WAITING))
    async with tx.as_system(wholly=True):
        return await tx.all(select(payout).where(*mine).order_by(payout.c.id).with_for_update())


async def _hold_waiting(tx: Tx, id: PayoutId, *, may_be_planned: bool = False) -> Row[Any]:
    """The payout, locked, if it has not left and is not on its way. Raises `PayoutState` otherwise (R171)."""
    row = await lock_payout(tx, id, "payoutId")
    if row.status not in WAITING:
        raise PayoutState(field=("payoutId",), details={"status": row.status})
    if may_be_planned and await _is_ours_still(tx, row):
        return row
    if await standing_op(tx, OpKind.TRANSFER, row.id) is not None:
        raise PayoutState("This payout is on its way.", field=("payoutId",), details={"status": row.status})
    return row


async def _is_ours_still(tx: Tx, row: Row[Any]) -> bool:
    """Whether nothing of it has been asked of the provider; what is only planned is taken back."""
    step = await standing_op(tx, OpKind.TRANSFER, row.id)
    if step is None:
        return True
    return step.state == OpState.PLANNED and await drop_planned(tx, OpKind.TRANSFER, row.id, "The payout was held.")
