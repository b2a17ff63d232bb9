"""What a business pays the platform, and the account with which its customers pay it, as clients see them."""

from datetime import datetime

import strawberry

from domain.billing import Feature
from domain.payments.states import ProviderMode, SubscriptionStatus
from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class Plan:
    """What a business can pay the platform for."""

    name: str
    """Its name, to choose it by."""
    title: str
    """How it is called to people."""
    price_cents: int
    """What it costs a month, in cents."""
    currency: str
    """The currency of its price, as a code in lower case: usd."""
    seats: int | None
    """How many people of office and field it has room for; null is no limit."""
    jobs_a_month: int | None
    """How many cleans of one calendar month (UTC) the office can book; null is no limit."""
    trial_days: int
    """For how many days it can be tried."""
    features: list[Feature]
    """What else it includes."""


@described
@strawberry.type
class TenantSubscription(Node):
    """A business's plan with the platform; for owners and administrators."""

    plan: str
    """The plan's name."""
    status: SubscriptionStatus
    """Where it stands."""
    is_read_only: bool
    """Whether the business can only be read because its plan is unpaid; nothing of it is lost."""
    wanted_plan: str | None
    """The plan that was chosen and is not paid for yet."""
    checkout_url: str | None
    """The provider's page to pay on, to be opened in a browser; null while it is being asked for."""
    checkout_until: datetime | None
    """Until when that page can be opened."""
    trial_ends_at: datetime | None
    """When the trial ends or ended."""
    paid_until: datetime | None
    """The end of the latest period that was paid."""
    past_due_at: datetime | None
    """Since when a payment is overdue; null while none is."""
    ends_with_period: bool
    """Whether the plan ends with the period that is paid."""
    canceled_at: datetime | None
    """When it ended; null while it runs."""
    seats_taken: int
    """How many people the business has."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class ProviderAccount:
    """The business's own account with the payment provider, for owners and administrators; nobody is shown its keys."""

    mode: ProviderMode
    """Which of the provider's worlds its keys open."""
    account_id: str | None
    """The provider's id of the account; null until the keys have been tried."""
    publishable_key: str | None
    """What the card field of a page needs; no secret."""
    webhook_path: str
    """Where the provider is to tell of this account's payments: the end of an address that begins with this
    installation's own. Whoever knows it can do nothing without a signing secret."""
    connected_at: datetime
    """Since when these keys are in use."""
    checked_at: datetime | None
    """When they were last tried."""
    problem: str | None
    """What is wrong with them; null while nothing is known to be."""
    version: int
    """Counts changes."""
