"""Payments and pay as their live feeds show them: the cards and the frames."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.payments.payouts import HoldReason, PayoutKind, PayoutStatus
from domain.payments.states import PaymentKind
from domain.scheduling import PaymentStatus
from schema.types.described import described
from schema.types.feeds import Heartbeat, Resync
from schema.types.ledger import AutomationRate
from schema.types.relay import Cursor


@described
@strawberry.type
class PaymentCard:
    """What the feed shows of a payment; `node` has the rest for whoever may see it. Money is whole cents."""

    id: strawberry.ID
    """The payment's global id."""
    kind: PaymentKind
    """What is paid for."""
    status: PaymentStatus
    """Where it stands."""
    job_id: strawberry.ID | None
    """The clean; null for an invoice, and for a plan whose first clean has no date."""
    customer_id: strawberry.ID
    """Who pays."""
    is_current: bool
    """Whether it is what its clean is paid with; false for a hold that was replaced, or is to replace another."""
    attempt: int
    """1, 2, ... of a clean's holds."""
    currency: str
    """Of all amounts, as usd."""
    amount_cents: int
    """What is to be paid."""
    tip_cents: int
    """Part of the amount."""
    captured_cents: int
    """What was taken."""
    refunded_cents: int
    """What was given back of it."""
    why_less: str | None
    """Why less is taken than was held."""
    let_go: str | None
    """Why nothing is to be taken any more."""
    declines: int
    """How often the card was declined."""
    declined_because: str | None
    """The last decline, in words for the customer."""
    capture_before: datetime | None
    """When the hold lapses; null for the customer."""
    next_attempt_at: datetime | None
    """When the card is asked again."""
    action_until: datetime | None
    """Until when the customer can confirm with their bank."""
    authorized_at: datetime | None
    """When the amount was held."""
    captured_at: datetime | None
    """When it was taken."""
    created_at: datetime
    """When it was planned."""
    version: int
    """Counts its changes."""


@described
@strawberry.type
class PayoutCard:
    """What the feed shows of a payout; `node` has the rest for whoever may see it. Money is whole cents."""

    id: strawberry.ID
    """The payout's global id."""
    kind: PayoutKind
    """What is paid for."""
    status: PayoutStatus
    """Where it stands."""
    job_id: strawberry.ID
    """The clean."""
    cleaner_id: strawberry.ID
    """Who is paid."""
    payment_id: strawberry.ID
    """The customer's payment that it comes from."""
    currency: str
    """Of all amounts, as usd."""
    base_cents: int
    """Hours times the rate."""
    urgent_cents: int
    """The urgent bonus."""
    laundry_cents: int
    """The laundry bonus."""
    tip_cents: int
    """The part of a tip."""
    carried_cents: int
    """Of earlier, too small ones."""
    amount_cents: int
    """All parts together: what is transferred."""
    reversed_cents: int
    """What was taken back of it."""
    hold_reason: HoldReason | None
    """Why it is held; null where it is not."""
    what_to_do: str | None
    """What has to happen before it is paid, in words for people; null where it is not held."""
    due_at: datetime
    """When it is to go."""
    released_at: datetime | None
    """When it was transferred."""
    created_at: datetime
    """When it came into being."""
    version: int
    """Counts its changes."""


@described
@strawberry.type
class PaymentsSnapshot:
    """The payments under way as of a place in the log; forget what was known before."""

    cursor: Cursor
    """Resume after this."""
    server_time: datetime
    """Business time on the server."""
    payments: list[PaymentCard]
    """The newest first, at most 1,000."""
    has_more: bool
    """Whether more are under way than are shown; `payments` of Query has them page by page."""


@described
@strawberry.type
class PaymentShown:
    """A payment that is under way: new, or something about it has changed."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before; if it is not the one known, something is missing."""
    payment: PaymentCard
    """The payment as it is now."""


@described
@strawberry.type
class PaymentGone:
    """A payment is under way no more: taken, let go, or given back."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    payment_id: strawberry.ID
    """Which one."""


@described
@strawberry.type
class PayoutsSnapshot:
    """The payouts under way as of a place in the log; forget what was known before."""

    cursor: Cursor
    """Resume after this."""
    server_time: datetime
    """Business time on the server."""
    payouts: list[PayoutCard]
    """The newest first, at most 1,000."""
    has_more: bool
    """Whether more are under way than are shown; `payouts` of Query has them page by page."""


@described
@strawberry.type
class PayoutShown:
    """A payout that is under way: new, or something about it has changed."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before; if it is not the one known, something is missing."""
    payout: PayoutCard
    """The payout as it is now."""


@described
@strawberry.type
class PayoutGone:
    """A payout is under way no more: at the cleaner's bank, in a payroll, or taken back."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    payout_id: strawberry.ID
    """Which one."""


@described
@strawberry.type
class AutomationSnapshot:
    """How much goes by itself as of a place in the log; each one stands in the place of the one before."""

    cursor: Cursor
    """As of this place in the log."""
    server_time: datetime
    """Business time on the server."""
    automation: AutomationRate
    """The share of payments and payouts that needed nobody of the office, and what the others needed (R241)."""


PaymentsFrame = Annotated[
    PaymentsSnapshot | PaymentShown | PaymentGone | Heartbeat | Resync,
    strawberry.union(
        "PaymentsFrame",
        description="One message of the feed of payments: a snapshot first, then changes, each with its cursor.",
    ),
]
PayoutsFrame = Annotated[
    PayoutsSnapshot | PayoutShown | PayoutGone | Heartbeat | Resync,
    strawberry.union(
        "PayoutsFrame",
        description="One message of the feed of payouts: a snapshot first, then changes, each with its cursor.",
    ),
]
AutomationFrame = Annotated[
    AutomationSnapshot | Heartbeat | Resync,
    strawberry.union(
        "AutomationFrame",
        description="One message of the feed of automation: the rate as it is, again whenever it may have changed.",
    ),
]
