"""A refund's row: locked after its payment, moved only where its table allows, and told (R73, R213, R260)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from db.tx import Tx
from domain.events import Event, EventType
from domain.payments.states import REFUND_TRANSITIONS, RefundStatus
from domain.scheduling import ensure_transition
from models import refund
from services.payments.state import hold_payment


async def lock_refund(tx: Tx, id: UUID, *field: str) -> tuple[Row[Any], Row[Any]]:
    """The refund and its payment, locked after the job. Raises `NotFound` for a missing and a foreign one alike."""
    async with tx.as_system(wholly=True):
        found = await tx.get(refund, id, *field)
        paid = await hold_payment(tx, found.payment_id)
        return await tx.get(refund, id, *field, lock=True), paid


async def move_refund(tx: Tx, row: Row[Any], status: RefundStatus | None = None, **values: Any) -> Row[Any]:
    """Change a locked refund; its new row. Raises `IllegalTransition` for a move that the table does not have."""
    before = RefundStatus(row.status)
    if status is not None and status is not before:
        ensure_transition(REFUND_TRANSITIONS, before, status)
        values["status"] = status.value
    async with tx.as_system(wholly=True):
        await tx.change(refund, row.id, **values)
        now = await tx.get(refund, row.id)
    tell_refund(tx, now)
    return now


def tell_refund(tx: Tx, now: Row[Any], reason: str | None = None) -> None:
    """Event and audit line of a refund as it is now."""
    detail = {"status": now.status, "amountCents": now.amount_cents, "bearer": now.bearer}
    tx.audit("Refund", now.id, reason=reason, detail=detail)
    tx.emit(Event(EventType.REFUND_CHANGED, "Refund", now.id, refund_card(now), (now.customer_id,)))


def refund_card(now: Row[Any]) -> dict[str, Any]:
    """What an event shows of a refund: administrators and its customer may see it."""
    return {
        "id": str(now.id),
        "payment_id": str(now.payment_id),
        "job_id": None if now.job_id is None else str(now.job_id),
        "customer_id": str(now.customer_id),
        "status": now.status,
        "amount_cents": now.amount_cents,
        "currency": now.currency,
        "version": now.version,
    }
