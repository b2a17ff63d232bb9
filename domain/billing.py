"""The platform's plans as data, and what a business may do while its plan is paid, due, or neither (A42).

Nothing of a business is ever lost for want of payment: it can be read, and is as it was once the plan is paid again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from domain.payments.states import SUBSCRIPTION_TRANSITIONS, SubscriptionStatus

CURRENCY = "usd"
INTERVAL: Literal["month"] = "month"
ADMIT_AGAIN = timedelta(minutes=1)
"""How soon a plan that was chosen may be chosen again: until then its page is on its way."""
PAGE_LIVES = timedelta(hours=1)
"""How long the provider's page of an existing plan is shown; its page of a new one says so itself."""


class Feature(StrEnum):
    """What a plan may include besides people and cleans."""

    CARD_PAYMENTS = "CARD_PAYMENTS"
    """Customers pay by card, through the business's own account with the payment provider."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a business can pay the platform for; the numbers are at most so many, None is no limit."""

    name: str
    """Its name in the API and, with its price, at the provider."""
    title: str
    price_cents: int
    """A month."""
    seats: int | None
    """People of office and field together; who is archived has none."""
    jobs_a_month: int | None
    """Cleans of one calendar month (UTC) that the office books; those that customers book are never refused."""
    trial_days: int
    features: frozenset[Feature] = frozenset()

    @property
    def lookup_key(self) -> str:
        """Under which the provider keeps the price; another price is another one."""
        return f"cleanshift_{self.name}_{self.price_cents}_{CURRENCY}_{INTERVAL}"


PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan("starter", "Starter", 2_900, seats=5, jobs_a_month=100, trial_days=14),
        Plan(
            "team",
            "Team",
            9_900,
            seats=25,
            jobs_a_month=1_000,
            trial_days=14,
            features=frozenset({Feature.CARD_PAYMENTS}),
        ),
        Plan(
            "business",
            "Business",
            29_900,
            seats=None,
            jobs_a_month=None,
            trial_days=14,
            features=frozenset({Feature.CARD_PAYMENTS}),
        ),
    )
}
"""Those on sale. Businesses that the platform's ops have founded are on none of them: theirs has no limits."""

FIRST_PLAN = "team"
"""Of a business that signs itself up and names none."""

RUNNING = frozenset({"trialing", "active", "past_due", "unpaid", "paused"})
"""The provider's words for subscriptions that go on; an `incomplete` one has not begun."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a business stands with its plan."""

    status: SubscriptionStatus
    trial_ends_at: datetime | None = None
    paid_until: datetime | None = None
    past_due_at: datetime | None = None
    canceled_at: datetime | None = None

    def is_unpaid(self, now: datetime, grace: timedelta) -> bool:
        """Whether the business can only be read: a payment is overdue beyond the grace, or what was paid for is over.

        Access follows the latest paid period: who has ended a plan keeps what is paid of it.
        """
        match self.status:
            case SubscriptionStatus.TRIALING | SubscriptionStatus.ACTIVE:
                return False
            case SubscriptionStatus.PAST_DUE:
                return now >= (self.past_due_at or now) + grace
            case SubscriptionStatus.CANCELED:
                ends = [at for at in (self.canceled_at, self.paid_until, self.trial_ends_at) if at is not None]
                return now >= max(ends, default=now)


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider says of a subscription, in our words."""

    id: str
    customer: str
    status: SubscriptionStatus | None
    """None for one that has not begun, or never came to be."""
    plan: str | None
    item: str | None
    """Its one line."""
    price: str | None
    period_began_at: datetime | None
    paid_until: datetime | None
    trial_ends_at: datetime | None
    ends_with_period: bool

    @property
    def is_running(self) -> bool:
        """Whether it is alive."""
        return self.status not in {None, SubscriptionStatus.CANCELED}


def told_of(thing: Mapping[str, Any]) -> Told:
    """A subscription as the provider has it."""
    items = (thing.get("items") or {}).get("data") or [{}]
    price = items[0].get("price") or {}
    status = _status(str(thing["status"]))
    customer = thing["customer"]
    return Told(
        id=str(thing["id"]),
        customer=str(customer["id"] if isinstance(customer, Mapping) else customer),
        status=status,
        plan=plan_of_key(price.get("lookup_key")),
        item=items[0].get("id"),
        price=price.get("id"),
        period_began_at=_at(items[0].get("current_period_start")),
        paid_until=_at(items[0].get("current_period_end")),
        trial_ends_at=_at(thing.get("trial_end")),
        ends_with_period=bool(thing.get("cancel_at_period_end")),
    )


def plan_of_key(lookup_key: str | None) -> str | None:
    """Which plan a price of the provider's is of, whatever it cost then; None for a price that is not ours."""
    parts = (lookup_key or "").split("_")
    return parts[1] if len(parts) == 5 and parts[0] == "cleanshift" and parts[1] in PLANS else None


def next_status(before: SubscriptionStatus, told: SubscriptionStatus) -> SubscriptionStatus:
    """Where the provider's word leads from here.

    A trial at the provider that begins after ours was over is paid for in advance: to us the plan is active.
    """
    if told is SubscriptionStatus.TRIALING and before is not SubscriptionStatus.TRIALING:
        told = SubscriptionStatus.ACTIVE
    allowed = told is before or told in SUBSCRIPTION_TRANSITIONS[before]
    return told if allowed else before


def _at(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _status(said: str) -> SubscriptionStatus | None:
    match said:
        case "trialing":
            return SubscriptionStatus.TRIALING
        case "active":
            return SubscriptionStatus.ACTIVE
        case "past_due" | "unpaid" | "paused":
            return SubscriptionStatus.PAST_DUE
        case "canceled":
            return SubscriptionStatus.CANCELED
        case _:
            return None
