"""What is asked of the provider for a payment, step by step: made known, confirmed, let go (R138, R159).

A payment is made known first, and its id kept; then the card is asked. Whatever is unknown afterwards is one read by
id. Each function plans the one step that is next; planned already, nothing changes.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.ids import new_id
from db.tx import Tx
from domain.payments import asks
from domain.payments.ask import Ask
from domain.payments.ops import OpKind
from domain.payments.states import MethodStatus, PaymentKind
from domain.scheduling import PaymentStatus
from models import payment, payment_method
from services.payments.alarms import GIVEN_UP, clear_alarm
from services.payments.customers import know_customer
from services.payments.ops import Step, drop_planned, marks, plan_op, standing_op
from services.payments.state import move_payment

OVER = frozenset(
    {
        PaymentStatus.CAPTURED,
        PaymentStatus.RELEASED,
        PaymentStatus.EXPIRED,
        PaymentStatus.REFUNDED,
        PaymentStatus.PARTIALLY_REFUNDED,
        PaymentStatus.DISPUTED,
    }
)
"""Nothing is asked of the card any more."""
READ_TASK = "read_payment"
DESCRIPTION = "Cleaning"


async def go_on(tx: Tx, row: Row[Any]) -> None:
    """Plan what a payment needs next: to be made known, the card to be asked, or to be let go."""
    if row.status in OVER:
        return
    if row.let_go is not None:
        await _let_be_gone(tx, row)
    elif row.intent_id is None:
        await _make_known(tx, row)
    elif row.status not in {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING}:
        await _ask_card(tx, row)


async def go_on_for(tx: Tx, customer_id: UUID) -> None:
    """Plan what waited for the customer to be made known."""
    waiting = (
        select(payment)
        .where(
            tx.own(payment),
            payment.c.customer_id == customer_id,
            payment.c.status == PaymentStatus.PENDING,
            payment.c.intent_id.is_(None),
        )
        .order_by(payment.c.id)
    )
    async with tx.as_system(wholly=True):
        rows = await tx.all(waiting)
    for row in rows:
        await go_on(tx, row)


async def let_be_gone(tx: Tx, row: Row[Any], why: str) -> Row[Any]:
    """Let a locked payment go that was not captured: at once where the provider knows nothing of it, else by a step.

    Until the provider has said so, a hold stays what it is; the wish is kept, so that an answer that comes late is
    let go as well.
    """
    row = await move_payment(tx, row, let_go=why, next_attempt_at=None, action_until=None, action_url=None)
    return await _let_be_gone(tx, row)


async def end_there(tx: Tx, row: Row[Any]) -> None:
    """Plan to have a payment that is let go, or was given up while nobody could be asked, ended at the provider."""
    ask = asks.cancel_intent(row.intent_id, reason="requested_by_customer")
    await plan_op(tx, Step(OpKind.RELEASE, row.id, ask, job=row.job_id))


async def usable_method(tx: Tx, row: Row[Any]) -> Row[Any] | None:
    """The card that a payment is asked of: its own while it can be used, else the customer's default."""
    async with tx.as_system(wholly=True):
        own = None if row.method_id is None else await tx.get(payment_method, row.method_id)
        if own is not None and own.status in {MethodStatus.ACTIVE, MethodStatus.PENDING}:
            return own
        return await default_method(tx, row.customer_id)


async def default_method(tx: Tx, customer_id: UUID) -> Row[Any] | None:
    """The customer's saved card that is charged unless another is named; None where they have none."""
    async with tx.as_system(wholly=True):
        return await tx.one(
            select(payment_method).where(
                tx.own(payment_method),
                payment_method.c.customer_id == customer_id,
                payment_method.c.is_default,
                payment_method.c.status == MethodStatus.ACTIVE,
            )
        )


def read_later(tx: Tx, payment_id: UUID) -> None:
    """Have the provider asked how a payment stands."""
    payload = {"payment": str(payment_id)}
    tx.later(READ_TASK, payload, dedupe_key=f"read:{payment_id}:{tx.now.isoformat(timespec='minutes')}")


def intent_ask(row: Any, method: Any, provider_customer: str, metadata: dict[str, str]) -> Ask:
    """The ask that makes a payment known; `row` is its row, `method` the card's, or None where it is given later."""
    usage: asks.Usage | None = None if method is None else method.usage or "unscheduled"
    return asks.create_intent(
        amount_cents=row.amount_cents,
        currency=row.currency,
        customer=provider_customer,
        method=None if method is None else method.method_id,
        capture="manual" if row.kind == PaymentKind.HOLD else "automatic",
        transfer_group=None if row.job_id is None else str(row.job_id),
        setup_usage=usage if row.kind == PaymentKind.PREPAID else None,
        stored_usage=usage if row.kind == PaymentKind.HOLD else None,
        description=DESCRIPTION,
        metadata=metadata,
    )


def intent_marks(tx: Tx, op: UUID, row: Any) -> dict[str, str]:
    """What a payment carries at the provider, to be matched with our rows, by the rules' names (R47, R138, R158)."""
    ours = {"payment_id": row.id, "customer_id": row.customer_id, "job_id": row.job_id, "plan_id": row.plan_id}
    named = {"customerId": row.customer_id, "jobId": row.job_id, "subscriptionId": row.plan_id}
    told = {name: id for name, id in {**ours, **named}.items() if id is not None}
    if row.kind == PaymentKind.PREPAID:
        told["isFirstClean"] = "true"
    return marks(tx, op, **told)


async def _make_known(tx: Tx, row: Row[Any]) -> None:
    who = await know_customer(tx, row.customer_id)
    if who is None:
        return
    method = await usable_method(tx, row)
    op = new_id()
    ask = intent_ask(row, method, who, intent_marks(tx, op, row))
    await plan_op(tx, Step(OpKind.INTENT, row.id, ask, op, job=row.job_id))


async def _ask_card(tx: Tx, row: Row[Any]) -> None:
    """The card is asked; where the customer is present, they may be sent to their bank's page and back."""
    method = await usable_method(tx, row)
    if method is None:
        return
    ask = asks.confirm_intent(
        row.intent_id, method=method.method_id, off_session=row.return_url is None, return_url=row.return_url
    )
    await plan_op(tx, Step(OpKind.CONFIRM, row.id, ask, job=row.job_id))


async def _let_be_gone(tx: Tx, row: Row[Any]) -> Row[Any]:
    for kind in (OpKind.INTENT, OpKind.CONFIRM):
        await drop_planned(tx, kind, row.id, row.let_go)
    if row.intent_id is not None:
        await end_there(tx, row)
        return row
    if await standing_op(tx, OpKind.INTENT, row.id) is None:
        await clear_alarm(tx, GIVEN_UP, str(row.id))
        return await move_payment(tx, row, PaymentStatus.RELEASED, released_at=tx.now)
    # It is being made known just now: what comes of it is let go when it is recorded.
    return row
