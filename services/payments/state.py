"""A payment's row: locked, moved only where its table allows, and told (R73, R260).

The job shows the state of the payment that is current for it. Everybody locks the job first, then the payment.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, bindparam, select

from db.tx import Tx
from domain.events import Event, EventType
from domain.payments.states import CLEAN_KINDS
from domain.scheduling import PAYMENT_TRANSITIONS, PaymentStatus, ensure_transition
from models import job, payment

SHOWN: Final = (
    "id",
    "kind",
    "status",
    "job_id",
    "customer_id",
    "is_current",
    "attempt",
    "currency",
    "amount_cents",
    "tip_cents",
    "captured_cents",
    "refunded_cents",
    "why_less",
    "let_go",
    "declines",
    "capture_before",
    "next_attempt_at",
    "action_until",
    "authorized_at",
    "captured_at",
    "created_at",
    "version",
)
"""The columns that a payment's card shows; none of them is of the card, the bank's page, or the provider's keys."""


_OF_JOB = (
    select(payment)
    .where(
        payment.c.tenant_id == bindparam("tenant"),
        payment.c.id == bindparam("payment"),
        payment.c.job_id == bindparam("job"),
    )
    .with_for_update()
)


async def hold_payment(tx: Tx, payment_id: UUID) -> Row[Any]:
    """The payment, locked after its job."""
    async with tx.as_system(wholly=True):
        held = tx.held(payment, payment_id) or await _of_held_job(tx, payment_id)
        found = held or await tx.get(payment, payment_id, "paymentId")
        if found.job_id is not None:
            await tx.get(job, found.job_id, lock=True)
        return held or await tx.get(payment, payment_id, "paymentId", lock=True)


async def _of_held_job(tx: Tx, payment_id: UUID) -> Row[Any] | None:
    """The payment, locked at once where it is of the one job that this transaction has locked already."""
    jobs = tx.held_ids(job)
    if len(jobs) != 1:
        return None
    row = await tx.one(_OF_JOB, tenant=tx.actor.tenant, payment=payment_id, job=jobs[0])
    if row is not None:
        tx.keep(payment, row)
    return row


async def current_payment(tx: Tx, job_id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """What the clean itself is paid with, if anything is; the job is locked before where `lock` is asked."""
    found = select(payment).where(
        tx.own(payment), payment.c.job_id == job_id, payment.c.is_current, payment.c.kind.in_(CLEAN_KINDS)
    )
    async with tx.as_system(wholly=True):
        row = await tx.one(found.with_for_update() if lock else found)
        if row is not None and lock:
            tx.keep(payment, row)
        return row


async def move_payment(tx: Tx, row: Row[Any], status: PaymentStatus | None = None, **values: Any) -> Row[Any]:
    """Change a locked payment; its new row. Raises `IllegalTransition` for a move that the table does not have.

    The same status again is no move. The job's payment status follows that of its current payment.
    """
    before = PaymentStatus(row.status)
    if status is not None and status is not before:
        ensure_transition(PAYMENT_TRANSITIONS, before, status)
        values["status"] = status.value
    async with tx.as_system(wholly=True):
        if values:
            await tx.change(payment, row.id, **values)
        now = await tx.get(payment, row.id)
        if now.job_id is not None and now.is_current and now.kind in CLEAN_KINDS:
            await show_on_job(tx, now)
    tell_payment(tx, now)
    return now


async def show_on_job(tx: Tx, now: Row[Any]) -> None:
    """Write the payment's state where everybody who may see the job sees it."""
    shown = {"payment_status": now.status, "payment_intent_id": now.intent_id, "prepaid": now.kind == "PREPAID"}
    held = await tx.get(job, now.job_id, lock=True)
    if any(getattr(held, name) != value for name, value in shown.items()):
        await tx.change(job, now.job_id, **shown)


def tell_payment(tx: Tx, now: Row[Any]) -> None:
    """Event and audit line of a payment as it is now."""
    tx.audit("Payment", now.id, detail={"status": now.status, "kind": now.kind})
    tx.emit(Event(EventType.PAYMENT_CHANGED, "Payment", now.id, payment_card(now), (now.customer_id,)))


def payment_card(now: Any) -> dict[str, Any]:
    """What is shown of a payment, of its own row alone: administrators and its customer may see it.

    Events carry it and the live feed's snapshot makes it of the very same columns, so that the two never disagree.
    """
    said = (now.decline or {}).get("words")
    return {**columns_shown(now, SHOWN), "declined_because": said}


def columns_shown(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Columns of a row as JSON has them; instants in one form, be they from a command or from the database's JSON."""
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value
