"""A market's day as the office watches its money: stage by stage, and every clean with what may go wrong."""

from datetime import date, datetime

import strawberry

from domain.payments.payouts import HoldReason
from domain.payments.pipeline import MoneyRisk, MoneyStage
from domain.scheduling import JobStatus, PaymentStatus
from schema.types.described import described


@described
@strawberry.type
class MoneyStageTotal:
    """One step of the day's money."""

    stage: MoneyStage
    """Which step."""
    count: int
    """Cleans that stand there."""
    cents: int
    """What they cost, or what was taken for them."""


@described
@strawberry.type
class MoneyJob:
    """One clean of the day, and where its money stands."""

    job_id: strawberry.ID
    """The clean."""
    payment_id: strawberry.ID | None
    """What it is paid with; null before anything was planned."""
    customer_name: str
    """Whose home it is."""
    property_name: str
    """What the home is called."""
    starts_at: datetime
    """When it starts."""
    job_status: JobStatus
    """Where the work stands."""
    payment_status: PaymentStatus
    """Where the payment stands."""
    stage: MoneyStage
    """Where its money stands."""
    cents: int | None
    """What it costs, or what was taken for it; null without a price."""
    risk: MoneyRisk | None
    """What may go wrong."""
    why: str | None
    """The risk, in words; of a declined card the bank's reason as the customer hears it."""
    what_to_do: str | None
    """What to do about it."""
    capture_before: datetime | None
    """When its hold lapses."""


@described
@strawberry.type
class HeldPayout:
    """A payout that is held, and what to do about it."""

    payout_id: strawberry.ID
    """The payout."""
    job_id: strawberry.ID
    """The clean that it is for."""
    cleaner_id: strawberry.ID
    """Who waits for it."""
    cleaner_name: str
    """The cleaner's display name."""
    amount_cents: int
    """What they wait for."""
    hold_reason: HoldReason
    """Why it is held."""
    why: str
    """The same in words."""
    what_to_do: str
    """What has to happen before it is paid."""
    heals_itself: bool
    """Whether it is paid by itself once the cause is gone."""
    due_at: datetime
    """When it was to go."""


@described
@strawberry.type
class MoneyToday:
    """The money of a market's day. Money is whole cents."""

    market_id: strawberry.ID
    """The market."""
    market_name: str
    """Its name."""
    zone: str
    """Its time zone, whose day it is."""
    day: date
    """The day on which the cleans start."""
    currency: str
    """Of all amounts."""
    takes_cards: bool
    """Whether the business has connected a payment provider; without one no card is asked for anything."""
    stages: list[MoneyStageTotal]
    """Every step, in their order, also where nothing stands."""
    jobs: list[MoneyJob]
    """The cleans of the day: those at risk first, then by their start; at most 500, while the steps count all."""
    held_payouts: list[HeldPayout]
    """What is held of the market's pay, whatever its day, the oldest first; at most 100."""
    held_count: int
    """How many payouts of the market are held in all."""
    held_cents: int
    """What is held of them in all."""
