"""Tips: a payment of its own after the clean, and all of it for the cleaners who took part (R214, A34).

Split to the cent by the business's policy, and nothing is put by of it. What the provider keeps of a tip the business
bears.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import Conflict, Invalid
from domain.ids import JobId, PaymentId, PaymentMethodId
from domain.money import LEAST_CHARGE_CENTS, ensure_cents
from domain.payments.payouts import Participation
from domain.payments.states import MethodStatus, PaymentKind
from domain.scheduling import JobStatus, PaymentStatus
from models import job, payment, payment_method
from services.inputs import arg
from services.payments.accounts import ensure_provider
from services.payments.cards import page
from services.payments.intents import default_method, go_on
from services.payments.state import tell_payment
from services.payouts.creation import earn
from services.payouts.crew import paid_crew
from services.policies import tenant_policy

MOST_TIP_CENTS = 100_000
"""What is more is taken for a slip of the finger."""
UNDECIDED = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION)


@dataclass(frozen=True, slots=True)
class TipJob:
    """A tip for those who did a clean."""

    job_id: JobId = arg("One of your cleans, completed.")
    amount_cents: int = arg(f"In cents of the business's currency, {LEAST_CHARGE_CENTS} to {MOST_TIP_CENTS}.")
    payment_method_id: PaymentMethodId | None = arg("Which of your saved cards; the default unless told.", default=None)
    return_url: str | None = arg(
        "The page to come back to if the bank wants you to confirm; without one such a card is declined.", default=None
    )


@command(Role.CUSTOMER, when_unpaid=True)
async def tip_job(tx: Tx, input: TipJob) -> PaymentId:
    """Tip those who took part in a clean: charged at once to a saved card, and passed on wholly (R214, A34).

    One at a time: while a tip for the same clean is not decided, another is refused with CONFLICT.
    """
    cents = ensure_cents(input.amount_cents, "amountCents", LEAST_CHARGE_CENTS, MOST_TIP_CENTS)
    back = None if input.return_url is None else page(input.return_url, "returnUrl")
    await tx.get(job, input.job_id, "jobId")
    method = await _card(tx, input.payment_method_id)
    async with tx.as_system(wholly=True):
        clean = await tx.get(job, input.job_id, "jobId", lock=True)
        await _ensure_tippable(tx, clean)
        made = await tx.insert(
            payment,
            customer_id=clean.customer_id,
            job_id=clean.id,
            method_id=method.id,
            kind=PaymentKind.TIP.value,
            status=PaymentStatus.PENDING.value,
            currency=clean.currency or (await tenant_policy(tx)).pay.currency,
            amount_cents=cents,
            tip_cents=cents,
            return_url=back,
            created_at=tx.now,
        )
        row = await tx.get(payment, made)
        await go_on(tx, row)
    tell_payment(tx, row)
    return PaymentId(made)


async def tip_captured(tx: Tx, row: Row[Any]) -> None:
    """The provider has taken a tip: it is shared out, to be paid as any other payout."""
    await earn(tx, row)


async def _card(tx: Tx, id: PaymentMethodId | None) -> Row[Any]:
    """The customer's own card; a foreign one is as unknown as one that is not there."""
    await ensure_provider(tx)
    if id is None:
        found = await default_method(tx, tx.actor.person)
        if found is None:
            raise Invalid("Save a card first.", field=("paymentMethodId",))
        return found
    row = await tx.get(payment_method, id, "paymentMethodId")
    if row.status != MethodStatus.ACTIVE:
        raise Conflict("This card cannot be charged.", field=("paymentMethodId",), details={"status": row.status})
    return row


async def _ensure_tippable(tx: Tx, clean: Row[Any]) -> None:
    if clean.status != JobStatus.COMPLETED:
        details = {"status": clean.status}
        raise Conflict("A tip is given once the clean is completed.", field=("jobId",), details=details)
    if not await paid_crew(tx, clean.id, Participation.PARTICIPATED):
        raise Conflict("Nobody is known who could be given it.", field=("jobId",))
    open_tip = select(payment.c.id).where(
        tx.own(payment),
        payment.c.job_id == clean.id,
        payment.c.kind == PaymentKind.TIP,
        payment.c.status.in_(UNDECIDED),
    )
    if await tx.one(open_tip.limit(1)) is not None:
        raise Conflict("Another tip for this clean is being charged.", field=("jobId",))
