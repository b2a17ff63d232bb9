"""The first clean of a booking, paid at once with the customer present (R46 to R50, A10).

The payment is a row of its own, linked to the job once there is one: nothing about it is held or captured later, and it
is earned as every other when its clean is proven.
"""

from dataclasses import dataclass
from uuid import UUID

from db.ids import new_id
from db.tx import Tx
from domain.ids import BookingDraftId, CustomerId, PaymentId, ServicePlanId
from domain.payments.states import PaymentKind
from domain.scheduling import PaymentStatus
from models import payment
from services.payments.accounts import ensure_provider
from services.payments.cards import Consent, keep_method, page
from services.payments.intents import go_on
from services.payments.state import hold_payment, move_payment, tell_payment


@dataclass(frozen=True, slots=True)
class FirstClean:
    """What is charged for, to whom, with which card, and what they agreed to."""

    plan: ServicePlanId
    customer: CustomerId
    draft: BookingDraftId
    method_token: str
    """What the provider's card field handed out."""
    amount_cents: int
    currency: str
    usage: str
    """recurring or unscheduled: how the card is charged for the cleans that follow."""
    consent_version: str
    consent_text: str
    """What was agreed to: the card is kept for the holds of the cleans that follow (R264)."""
    consent_address: str
    return_url: str
    """Where the customer comes back to from their bank's page."""


async def charge_first_clean(tx: Tx, input: FirstClean) -> PaymentId:
    """Charge the first clean (R46, R47). What comes of it is told later: `booking_paid`, or `booking_declined`.

    Raises `NotConfigured` where the business takes no cards, and `Invalid` without consent.
    """
    await ensure_provider(tx)
    back = page(input.return_url, "returnUrl")
    consent = Consent(input.consent_version, input.consent_text, input.usage, input.consent_address)
    method = await keep_method(tx, input.customer, input.method_token, consent, None)
    made = PaymentId(new_id())
    async with tx.as_system(wholly=True):
        await tx.insert(
            payment,
            id=made,
            customer_id=input.customer,
            plan_id=input.plan,
            method_id=method,
            kind=PaymentKind.PREPAID.value,
            status=PaymentStatus.PENDING.value,
            currency=input.currency,
            amount_cents=input.amount_cents,
            return_url=back,
            created_at=tx.now,
        )
        row = await hold_payment(tx, made)
        await go_on(tx, row)
    tell_payment(tx, row)
    return made


async def link_first_clean(tx: Tx, payment_id: UUID, job_id: UUID) -> None:
    """The job that was paid before (A10): it shows that it is paid, and is never held."""
    row = await hold_payment(tx, payment_id)
    await move_payment(tx, row, job_id=job_id)
