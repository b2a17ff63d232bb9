"""What is let go: the hold of a clean that does not take place, wholly or but for a fee (R143, R266, A50)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS
from domain.errors import PaymentState
from domain.ids import PaymentId
from domain.money import percent
from domain.payments import asks
from domain.payments.holding import LetGo
from domain.payments.ops import OpKind
from domain.payments.states import PaymentKind
from domain.scheduling import PaymentStatus
from models import job, payment
from services.checks import text
from services.inputs import arg
from services.payments.accounts import has_provider
from services.payments.alarms import raise_alarm
from services.payments.back import TO_REFUND, left_of
from services.payments.intents import OVER, let_be_gone
from services.payments.ops import Step, plan_op, standing_op
from services.payments.refunds import refund_called_off
from services.payments.state import current_payment, hold_payment, move_payment
from services.policies import tenant_policy

OFF_FOR_GOOD = frozenset({LetGo.CANCELED, LetGo.NO_ACCESS, LetGo.PLAN_ENDED})
"""After these a clean that was paid before is not made up for: what was paid goes back by itself."""
TAKEN = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED})


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """A hold that is to be let go by hand."""

    payment_id: PaymentId = arg("A payment that is not captured.")
    reason: str = arg("Why, for the audit; at most 500 characters.")


@command(*ADMINS, when_unpaid=True)
async def release_hold(tx: Tx, input: ReleaseHold) -> PaymentId:
    """Let a hold go, or a payment that never came to be; nothing is charged (R143, R266).

    Refused with PAYMENT_STATE for one that is captured, or being captured: what was taken is refunded.
    """
    reason = text(input.reason, "reason", most=500)
    row = await hold_payment(tx, input.payment_id)
    if row.status in OVER or row.status == PaymentStatus.CAPTURE_PENDING:
        raise PaymentState(field=("paymentId",), details={"status": row.status})
    await let_be_gone(tx, row, LetGo.BY_HAND)
    tx.audit("Payment", row.id, reason=reason)
    return input.payment_id


async def let_go(tx: Tx, job_id: UUID, why: LetGo, fee_cents: int = 0) -> None:
    """Let go what stands for a clean that does not take place (R143, R266); the job is held by whoever calls.

    A hold is cancelled, or a fee is taken of it and the rest let go (A50); what is only planned is dropped. What was
    paid before is to be refunded, less the fee. A capture that is under way is not called back.
    """
    async with tx.as_system(wholly=True):
        for row in await _standing(tx, job_id):
            await _let_one_go(tx, row, why, fee_cents if row.is_current else 0)


async def late_fee(tx: Tx, clean: Row[Any]) -> int:
    """What calling a clean off as late as now costs by the business's policy, in cents (A50); 0 unless it says so."""
    policy = (await tenant_policy(tx)).payments.cancellation
    left = (clean.starts_at - tx.now).total_seconds()
    if clean.price_cents is None or left >= policy.free_hours * 3600:
        return 0
    return percent(clean.price_cents, policy.late_fee_percent * 100)


async def no_access_fee(tx: Tx, clean: Row[Any]) -> int:
    """What a clean costs that nobody could get in for, in cents, by the policy (A50); 0 unless it says so."""
    policy = (await tenant_policy(tx)).payments.cancellation
    return 0 if clean.price_cents is None else percent(clean.price_cents, policy.no_access_fee_percent * 100)


async def call_off(tx: Tx, job_id: UUID, *, is_waived: bool) -> None:
    """Let go of a clean that is called off; the late fee is kept back unless it is waived (A50)."""
    clean = await tx.get(job, job_id)
    await let_go(tx, job_id, LetGo.CANCELED, 0 if is_waived else await late_fee(tx, clean))


async def _standing(tx: Tx, job_id: UUID) -> list[Row[Any]]:
    """The payment that is current for the clean, and any that was about to replace it."""
    current = await current_payment(tx, job_id, lock=True)
    beside = await tx.all(
        select(payment)
        .where(
            tx.own(payment),
            payment.c.job_id == job_id,
            payment.c.kind == PaymentKind.HOLD,
            ~payment.c.is_current,
            payment.c.status.not_in(OVER),
            payment.c.let_go.is_(None),
        )
        .order_by(payment.c.id)
        .with_for_update()
    )
    return [*([current] if current is not None else []), *beside]


async def _let_one_go(tx: Tx, row: Row[Any], why: LetGo, fee_cents: int) -> None:
    if row.kind == PaymentKind.PREPAID and row.status in TAKEN:
        await _to_refund(tx, row, why, fee_cents)
    elif row.status in OVER or row.status == PaymentStatus.CAPTURE_PENDING:
        return
    elif fee_cents and row.status == PaymentStatus.AUTHORIZED and await standing_op(tx, OpKind.RELEASE, row.id) is None:
        await _take_fee(tx, row, why, min(fee_cents, row.amount_cents))
    else:
        await let_be_gone(tx, row, why)


async def _take_fee(tx: Tx, row: Row[Any], why: LetGo, fee_cents: int) -> None:
    """A part of the hold is taken, and the rest let go by that (A50)."""
    row = await move_payment(tx, row, PaymentStatus.CAPTURE_PENDING, why_less=why.value)
    ask = asks.capture_intent(row.intent_id, amount_cents=fee_cents)
    await plan_op(tx, Step(OpKind.CAPTURE, row.id, ask, job=row.job_id))


async def _to_refund(tx: Tx, row: Row[Any], why: LetGo, fee_cents: int) -> None:
    """What was paid for a clean that does not take place goes back, less the fee (A50).

    Where nobody came it may be planned anew, paid as it is: then administrators decide. So they do where the provider
    is gone.
    """
    if why in OFF_FOR_GOOD and await has_provider(tx):
        await refund_called_off(tx, row, fee_cents)
        return
    due = await left_of(tx, row) - fee_cents
    if due > 0:
        detail = {"job": str(row.job_id), "why": why.value, "cents": due, "fee": fee_cents}
        await raise_alarm(tx, TO_REFUND, str(row.id), detail)
