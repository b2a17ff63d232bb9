"""The books and the steps behind them, as administrators see them: what happened to money, with ids and reasons."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from domain.payments.ledger import Account, EntryKind
from domain.payments.ops import OpKind, OpState
from schema.types.described import described
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.scheduling import Job


@described
@strawberry.type
class LedgerPosting:
    """One side of an entry."""

    account: Account
    """The account."""
    cents: int
    """Positive is debit, negative credit."""


@described
@strawberry.type
class LedgerEntry(Node):
    """One entry in the business's books: its postings add up to zero, and it never changes."""

    kind: EntryKind
    """What it is about."""
    source: str
    """What it books, and nothing else does: capture:ch_1, transfer:tr_1."""
    currency: str
    """The currency of its postings, as a code in lower case: usd."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean that it is about, if any."""
    provider_id: str | None
    """The provider's balance transaction, where there is one."""
    reason: str | None
    """Why, where somebody or a rule has said so."""
    at: datetime
    """When it was booked."""
    postings: list[LedgerPosting]
    """Its sides."""


@described
@strawberry.type
class LedgerBalance:
    """What stands on an account."""

    account: Account
    """The account."""
    currency: str
    """The currency."""
    cents: int
    """Positive is debit, negative credit."""


@described
@strawberry.type
class MoneyOp(Node):
    """One step at the payment provider: planned, sent, and what came of it."""

    kind: OpKind
    """What it is for."""
    state: OpState
    """Where it stands."""
    attempt: int
    """1, 2, 3 and so on: a definite refusal ends an attempt."""
    key: str
    """Under which key it is sent: the provider does it once, however often it is sent."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean that it is about, if any."""
    amount_cents: int | None
    """What is asked for; null where no amount is."""
    tries: int
    """How often it was sent."""
    provider_id: str | None
    """The provider's id of what came of it."""
    request_id: str | None
    """The provider's id of the request."""
    failure_code: str | None
    """Why it was refused, or what is not known of it."""
    failure_message: str | None
    """The same in the provider's words."""
    created_at: datetime
    """When it was planned."""
    first_sent_at: datetime | None
    """When it was first sent."""
    finished_at: datetime | None
    """When its outcome was recorded."""


@described
@strawberry.type
class MoneyAlarm(Node):
    """Money that is not as it must be: raised by the checks, and cleared by them when it is mended."""

    kind: str
    """Which rule is broken, or what stands still."""
    rule: str | None
    """The rule in words, where it is one of the books'."""
    subject: str
    """What it is about, by our id or the provider's."""
    detail: JSON
    """What was found."""
    raised_at: datetime
    """When it was found first."""
    seen_at: datetime
    """When it was found last."""
    cleared_at: datetime | None
    """When it was mended; null while it stands."""


@described
@strawberry.type
class JobMoneyLine:
    """One thing that happened to a clean's money."""

    at: datetime
    """When."""
    what: str
    """PAYMENT, STEP, PAYOUT, REFUND, DISPUTE or ENTRY."""
    id: strawberry.ID
    """Its global id."""
    kind: str
    """Of what kind it is, by its own words."""
    status: str | None
    """Where it stands; null for what cannot change."""
    amount_cents: int | None
    """How much it is about."""
    provider_id: str | None
    """The provider's id."""
    request_id: str | None
    """The provider's id of the request."""
    attempt: int | None
    """Which attempt it is."""
    reason: str | None
    """Why, or why not."""
    postings: list[LedgerPosting]
    """The sides of an entry; empty for everything else."""


@described
@strawberry.type
class JobMoney:
    """Everything that happened to the money of one clean; captured is reserve, payouts, tips, fee and margin."""

    job_id: strawberry.ID
    """The clean."""
    currency: str
    """The currency, as a code in lower case: usd."""
    captured_cents: int
    """What was taken, tips included."""
    reserve_cents: int
    """What was put by of it."""
    payout_cents: int
    """What cleaners have earned of it."""
    tip_cents: int
    """What of it are tips."""
    fee_cents: int
    """What the provider kept of it."""
    margin_cents: int
    """What is left for the business of it; negative where it was too little."""
    refunded_cents: int
    """What of it went back to the customer."""
    lines: list[JobMoneyLine]
    """What happened, in order of time."""


@described
@strawberry.type
class HumanReason:
    """What needed a person, and how often."""

    what: str
    """The act, or what waits for one."""
    count: int
    """How many payments and payouts."""


@described
@strawberry.type
class AutomationRate:
    """How many payments and payouts went through without anybody of the office."""

    days: int
    """Of how many days back."""
    total: int
    """Payments that were captured or have failed, and payouts that were made or are held, in that time."""
    untouched: int
    """How many of them needed nobody."""
    rate: float
    """The share, 0 to 1; 1 where there was nothing."""
    reasons: list[HumanReason]
    """What the others needed, the most frequent first."""
