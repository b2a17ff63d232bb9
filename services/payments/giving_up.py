"""What is under way at an account that nobody here can reach any more is given up, each by its own recorder (A41).

Nothing is asked of the provider. What was never sent was never done; of what was sent only that is given up which moves
no money. Every row ends where the office sees it and can act: payments are let go or lapsed, refunds fail and are put
back, payouts wait for another account or for the payroll.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, and_, case, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from db.tx import Tx
from domain.payments.holding import LetGo
from domain.payments.ops import OPEN_OPS, OpKind, OpState
from domain.payments.outcomes import Fault, Refusal
from domain.payments.states import MethodStatus, PaymentKind, RefundStatus
from domain.scheduling import PaymentStatus
from models import job, money_op, payment, payment_method, payout, refund
from services.booking.confirmation import booking_declined
from services.payments.absorbing import NOT_PAID
from services.payments.accounts import PLATFORM_OPS
from services.payments.alarms import clear_alarms
from services.payments.captures import capture_proven
from services.payments.expiry import lapsed
from services.payments.intents import OVER
from services.payments.recorders import RECORDERS
from services.payments.recording import OUR_FAULT
from services.payments.state import hold_payment, move_payment

MOVES_MONEY = (OpKind.CONFIRM, OpKind.CAPTURE, OpKind.TRANSFER, OpKind.REFUND, OpKind.REVERSAL)
"""Once one of these was sent, only the provider knows where the money is."""
NOT_SENT = Refusal("not_sent", message="The business has left its account with the provider.")
UNHEARD = Refusal("given_up", message="It was not heard of any more: the business has left its account.")
"""Of what was sent; no money moves by it, whatever became of it."""
FAULTS: Mapping[OpKind, Fault] = {OpKind.TRANSFER: Fault.RETRY}
"""A payout is owed all the same; nothing else is asked again."""


def is_open(tx: Tx) -> ColumnElement[bool]:
    """Of a step at the business's own account: it waits, or nobody knows what became of it."""
    return and_(tx.own(money_op), money_op.c.kind.not_in(PLATFORM_OPS), money_op.c.state.in_(OPEN_OPS))


def can_be_given_up() -> ColumnElement[bool]:
    """Of an open step: it was never sent, or moves no money."""
    return or_(money_op.c.state == OpState.PLANNED, money_op.c.kind.not_in(MOVES_MONEY))


async def give_up(tx: Tx) -> None:
    """Give up all that is under way at the business's account, which it has left: no step stands after that.

    The caller has made sure that no money moves. Runs as the system.
    """
    await _lock(tx)
    while steps := await _end_steps(tx):
        for step in steps:
            kind = OpKind(step.kind)
            refusal = NOT_SENT if step.code == NOT_SENT.code else UNHEARD
            # It may plan what is next; then that is given up as well.
            await RECORDERS[kind].refused(tx, step.subject_id, refusal, FAULTS.get(kind, Fault.OURS))
    for id in await _found(tx, refund, _is_waiting(tx)):
        await RECORDERS[OpKind.REFUND].refused(tx, id, NOT_SENT, Fault.OURS)
    for id in await _found(tx, payment_method, payment_method.c.status == MethodStatus.PENDING):
        await RECORDERS[OpKind.SETUP].refused(tx, id, NOT_SENT, Fault.OURS)
    for id in await _found(tx, payment, _is_unsettled(tx)):
        await _settle(tx, await hold_payment(tx, id))
    await clear_alarms(tx, OUR_FAULT, still=PLATFORM_OPS)


async def _end_steps(tx: Tx) -> Sequence[Row[Any]]:
    """End every open step that can be given up, in one statement; which they were, with the code that says why."""
    why = case(
        (money_op.c.state == OpState.PLANNED, literal(_failure(NOT_SENT), JSONB)),
        else_=literal(_failure(UNHEARD), JSONB),
    )
    freed = {"lease_owner": None, "lease_until": None}
    return await tx.all(
        update(money_op)
        .where(is_open(tx), can_be_given_up())
        .values(state=OpState.FAILED, finished_at=tx.now, failure=why, **freed)
        .returning(money_op.c.kind, money_op.c.subject_id, money_op.c.failure["code"].astext.label("code"))
    )


async def _settle(tx: Tx, row: Row[Any]) -> None:
    """A hold that nobody takes any more has lapsed; whatever else is not paid is let go.

    Where the clean is proven administrators hear that nothing is taken for it.
    """
    if row.status in {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING}:
        row = await move_payment(tx, row, PaymentStatus.EXPIRED, released_at=tx.now, next_attempt_at=None)
        await lapsed(tx, row)
    elif row.status not in OVER:
        why = row.let_go or LetGo.DISCONNECTED.value
        no_more = {"next_attempt_at": None, "action_until": None, "action_url": None, "return_url": None}
        row = await move_payment(tx, row, PaymentStatus.RELEASED, released_at=tx.now, let_go=why, **no_more)
    if row.kind == PaymentKind.PREPAID:
        await booking_declined(tx, row, NOT_PAID)
    elif row.kind == PaymentKind.HOLD and row.is_current:
        await capture_proven(tx, row.job_id)


async def _lock(tx: Tx) -> None:
    """Lock what the steps are about, as everybody does: jobs, then payments, refunds and payouts, each by id."""
    about = select(money_op.c.subject_id).where(is_open(tx))
    of_steps = job.c.id.in_(select(money_op.c.job_id).where(is_open(tx)))
    of_payments = job.c.id.in_(select(payment.c.job_id).where(_is_unsettled(tx)))
    for table, which in (
        (job, or_(of_steps, of_payments)),
        (payment, or_(payment.c.id.in_(about), _is_unsettled(tx))),
        (refund, _is_waiting(tx)),
        (payout, payout.c.id.in_(about)),
    ):
        await tx.all(select(table.c.id).where(tx.own(table), which).order_by(table.c.id).with_for_update())


async def _found(tx: Tx, table: Table, which: ColumnElement[bool]) -> list[UUID]:
    rows = await tx.all(select(table.c.id).where(tx.own(table), which).order_by(table.c.id))
    return [row.id for row in rows]


def _is_unsettled(tx: Tx) -> ColumnElement[bool]:
    """Of a payment: its card may still be asked. A tip or an invoice that failed is paid by another payment."""
    is_over = or_(
        payment.c.status.in_(OVER), and_(payment.c.status == PaymentStatus.FAILED, payment.c.kind != PaymentKind.HOLD)
    )
    return and_(tx.own(payment), ~is_over)


def _is_waiting(tx: Tx) -> ColumnElement[bool]:
    """Of a refund: it is put by, and the provider does not have it."""
    return and_(tx.own(refund), refund.c.status == RefundStatus.RESERVED)


def _failure(refusal: Refusal) -> dict[str, str | None]:
    return {"code": refusal.code, "message": refusal.message}
