"""What customers pay, and the cards that they pay with, as clients see it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.payments.states import MethodStatus, PaymentKind
from domain.scheduling import PaymentStatus
from schema.errors import UserError
from schema.types.described import described
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.customers import Customer
    from schema.types.scheduling import Job


@described
@strawberry.type
class PaymentMethod(Node):
    """A saved card: what people know it by, and what was agreed to. For its customer, owners and administrators."""

    status: MethodStatus
    """Where it stands."""
    brand: str | None
    """visa, mastercard and so on."""
    last4: str | None
    """The last four digits."""
    expires_month: int | None
    """The month of its expiry, 1 to 12."""
    expires_year: int | None
    """The year of its expiry."""
    is_default: bool
    """Whether it is charged unless another is named."""
    consent_version: str | None
    """Which text was agreed to for later charges."""
    consented_at: datetime | None
    """When it was agreed to."""
    failure: str | None
    """Why it could not be saved, in words."""
    action_url: str | None
    """The bank's page on which its owner confirms it; for them alone. Null where nothing awaits them."""
    created_at: datetime
    """When it was given."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class Payment(Node):
    """One payment of a customer, a hold or a charge, and what became of it. For them, owners and administrators."""

    kind: PaymentKind
    """What is paid for."""
    status: PaymentStatus
    """Where it stands."""
    is_current: bool
    """Whether it is what its clean is paid with; false once another one has taken its place."""
    attempt: int
    """1, 2, 3 and so on of its clean's holds."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean that it is for."""
    customer: Annotated["Customer", strawberry.lazy("schema.types.customers")]
    """Who pays."""
    method: PaymentMethod | None
    """The card."""
    currency: str
    """The currency of its amounts, as a code in lower case: usd."""
    amount_cents: int
    """What is to be paid."""
    tip_cents: int
    """The part of it that is a tip."""
    captured_cents: int
    """What was taken."""
    refunded_cents: int
    """What of that was given back."""
    fee_cents: int | None
    """What the provider has kept; for owners and administrators."""
    why_less: str | None
    """Why less was taken than was held."""
    let_go: str | None
    """Why nothing is taken any more."""
    decline_words: str | None
    """Why the card was declined, in words for its owner; null while it was not."""
    decline_code: str | None
    """The bank's own code of it; for owners and administrators."""
    declines: int
    """How often it was declined."""
    next_attempt_at: datetime | None
    """When the card is asked again by itself; null where it is not."""
    action_url: str | None
    """The bank's page on which the customer confirms it; for them alone, after confirmPayment."""
    action_until: datetime | None
    """Until when it can be confirmed."""
    capture_before: datetime | None
    """When the hold lapses; for owners and administrators."""
    intent_id: str | None
    """The provider's id of it; for owners and administrators."""
    charge_id: str | None
    """The provider's id of its charge; for owners and administrators."""
    authorized_at: datetime | None
    """Since when it is held."""
    captured_at: datetime | None
    """When it was taken."""
    released_at: datetime | None
    """When it was let go, or lapsed."""
    created_at: datetime
    """When it was planned."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class PaymentByLink:
    """What the bearer of a link is shown of a payment."""

    status: PaymentStatus
    """Where it stands."""
    amount_cents: int
    """What is to be paid."""
    currency: str
    """Its currency, as a code in lower case: usd."""
    action_url: str | None
    """The bank's page on which it is confirmed; null until it is known: ask again a moment later."""
    action_until: datetime | None
    """Until when it can be confirmed."""


@described
@strawberry.type
class OpenPaymentPayload:
    """The answer of openPayment."""

    payment: PaymentByLink | None
    """The payment; null if the link is not good."""
    errors: list[UserError]
    """Why it was refused; empty if it was done."""
