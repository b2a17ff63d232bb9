"""What was refused and is wanted all the same: asked again later, ever later, and not for ever (R237, R238).

A payment keeps when its time comes (`next_attempt_at`). Its task may be lost: who watches the payments finds those
whose time is long over. What is in the way of it an alarm says; nobody has to ask again by hand once that is mended.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row

from db.tx import Tx
from domain.payments.ops import OpKind
from models import payment
from services.payments.alarms import GIVEN_UP, raise_alarm
from services.payments.intents import OVER
from services.payments.ops import attempts_of
from services.payments.state import move_payment

RETRY_TASK = "retry_payment"
AGAIN = timedelta(minutes=10)
"""How long after the first refusal the same is wanted again; after each further one twice as long."""
LONGEST = timedelta(hours=6)
MOST_ATTEMPTS = 24
"""With these waits they last for four days and a half: about as long as the shortest hold lives (A2)."""
OVERDUE = timedelta(minutes=15)
"""How long after its time an attempt is taken to have lost its task."""


async def wanted_later(tx: Tx, row: Row[Any], kind: OpKind) -> bool:
    """Have what a step of this kind was to do for a locked payment asked again later.

    False where the payment is over, or it was asked often enough: then it is not, and administrators hear of this very
    payment, until it is settled.
    """
    attempts = await attempts_of(tx, kind, row.id)
    if row.status in OVER:
        return False
    if attempts >= MOST_ATTEMPTS:
        job = None if row.job_id is None else str(row.job_id)
        detail = {"paymentId": str(row.id), "jobId": job, "step": kind.value, "attempts": attempts}
        await raise_alarm(tx, GIVEN_UP, str(row.id), detail)
        return False
    at = tx.now + min(AGAIN * 2 ** max(attempts - 1, 0), LONGEST)
    await move_payment(tx, row, next_attempt_at=at)
    retry_at(tx, row.id, at)
    return True


def retry_at(tx: Tx, payment_id: UUID, at: datetime) -> None:
    """Have a payment tried again at a time."""
    payload = {"payment": str(payment_id)}
    tx.later(RETRY_TASK, payload, run_at=at, dedupe_key=f"retry:{payment_id}:{at.isoformat()}")


def is_forgotten(tx: Tx) -> ColumnElement[bool]:
    """Of a payment whose time for another attempt came, and went."""
    return (payment.c.next_attempt_at <= tx.now - OVERDUE) & payment.c.status.not_in(OVER)
