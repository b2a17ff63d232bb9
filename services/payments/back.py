"""What of a payment has gone back to the customer, and what is left of it (R213).

Refunds that the provider has, and disputes that are lost, count as gone back. While a bank disputes a payment and has
taken its money, the payment is DISPUTED and nothing of it is refunded.
"""

from typing import Any

from sqlalchemy import Row, func, select

from db.tx import Tx
from domain.payments.states import DisputeStatus, RefundStatus
from domain.scheduling import PaymentStatus
from models import dispute, refund
from services.payments.state import move_payment

WITH_PROVIDER = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
ON_ITS_WAY = (RefundStatus.RESERVED, *WITH_PROVIDER)
CONTESTED = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
TO_REFUND = "prepaid_to_refund"
"""An alarm: a clean that was paid before does not take place, and somebody has to decide about its money."""
TAKEN_ANYWAY = "taken_after_let_go"
"""An alarm: what was to be let go was taken by the provider first."""
PAID_FOR_NOTHING = "paid_without_plan"
"""An alarm: a first clean was paid whose plan was given up meanwhile."""
PAID_TWICE = "invoice_paid_twice"
"""An alarm: an invoice was paid that had been paid or void before."""
WITHOUT_RIGHT = {
    TAKEN_ANYWAY: "It was taken after it had been let go.",
    PAID_FOR_NOTHING: "The booking that it was paid for had been given up.",
    PAID_TWICE: "The invoice had been paid or taken back before.",
}
"""What was so taken goes back by itself, and why. Each alarm is about a payment, until its money has gone back."""
GOES_BACK, BY_OFFICE = "It goes back by itself.", "Refund it by hand."


async def left_of(tx: Tx, row: Row[Any]) -> int:
    """What can still be refunded of a locked payment, in cents."""
    return int(row.captured_cents) - await _lost(tx, row) - await _refunded(tx, row, ON_ITS_WAY)


async def count_back(tx: Tx, row: Row[Any]) -> Row[Any]:
    """Write down what of a locked payment has gone back, and the status that follows; its new row."""
    gone = await _lost(tx, row) + await _refunded(tx, row, WITH_PROVIDER)
    async with tx.as_system(wholly=True):
        contested = await tx.one(_of(tx, row, dispute).where(dispute.c.status.in_(CONTESTED)).limit(1))
    status = _status(row, gone, is_contested=contested is not None)
    if status == row.status and gone == row.refunded_cents:
        return row
    return await move_payment(tx, row, status, refunded_cents=min(gone, row.captured_cents))


def _status(row: Row[Any], gone: int, *, is_contested: bool) -> PaymentStatus:
    if is_contested:
        return PaymentStatus.DISPUTED
    if gone >= row.captured_cents:
        return PaymentStatus.REFUNDED
    return PaymentStatus.PARTIALLY_REFUNDED if gone else PaymentStatus.CAPTURED


async def _refunded(tx: Tx, row: Row[Any], statuses: tuple[RefundStatus, ...]) -> int:
    total = select(func.coalesce(func.sum(refund.c.amount_cents), 0))
    return await _sum(tx, total.where(tx.own(refund), refund.c.payment_id == row.id, refund.c.status.in_(statuses)))


async def _lost(tx: Tx, row: Row[Any]) -> int:
    total = select(func.coalesce(func.sum(dispute.c.withdrawn_cents), 0))
    lost = dispute.c.status == DisputeStatus.LOST
    return await _sum(tx, total.where(tx.own(dispute), dispute.c.payment_id == row.id, lost))


async def _sum(tx: Tx, statement: Any) -> int:
    async with tx.as_system(wholly=True):
        return int(await tx.scalar(statement))


def _of(tx: Tx, row: Row[Any], table: Any) -> Any:
    return select(table.c.id).where(tx.own(table), table.c.payment_id == row.id)
