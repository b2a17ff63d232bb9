"""What cleaners are paid, as clients see it."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.payments.payouts import HoldReason, Participation, PayoutKind, PayoutStatus
from domain.scheduling import AssignmentRole
from schema.types.described import described
from schema.types.identity import Cleaner, Market
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.scheduling import Job


@described
@strawberry.type
class Payout(Node):
    """What one cleaner gets of one clean, or of one tip; for owners, administrators and the cleaner."""

    kind: PayoutKind
    """Pay for a clean, or a part of a tip."""
    status: PayoutStatus
    """Where it stands."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean that it is for; null for who may not see it any more."""
    cleaner: Cleaner
    """Whose pay it is."""
    currency: str
    """The currency of its amounts, as a code in lower case: usd."""
    base_cents: int
    """Hours times rate."""
    urgent_cents: int
    """The bonus for an urgent clean."""
    laundry_cents: int
    """The laundry lead's bonus."""
    tip_cents: int
    """The part of a tip."""
    carried_cents: int
    """Of earlier payouts that were too small to be paid by themselves."""
    amount_cents: int
    """All parts together: what is transferred."""
    reversed_cents: int
    """What of it was taken back since."""
    expected_hours: Decimal
    """The hours that were paid."""
    rate_cents: int
    """For an hour, as it was used."""
    tier: str
    """The pay tier that the rate is of."""
    role: AssignmentRole
    """What the cleaner was on the job."""
    policy: Participation
    """Who of a crew is paid, as it was decided."""
    hold_reason: HoldReason | None
    """Why it is held; null where it is not."""
    hold_note: str | None
    """What the office has written to it."""
    why: str | None
    """Why it is held, in words."""
    what_to_do: str | None
    """What has to happen before it is paid: for the cleaner their own part, for administrators theirs."""
    account_id: str | None
    """The cleaner's account with the payment provider that it went to; for owners and administrators."""
    transfer_id: str | None
    """The provider's id of the transfer; null until there is one."""
    carried_into: strawberry.ID | None
    """The later payout that it is a part of."""
    failure_code: str | None
    """The provider's code of why the last transfer was refused; for owners and administrators."""
    due_at: datetime
    """When it is to be paid."""
    released_at: datetime | None
    """When it was transferred to the cleaner's account."""
    created_at: datetime
    """When it was earned."""
    updated_at: datetime
    """When it last changed."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class PayrollExport(Node):
    """What a business took over into its own payroll for a period; for owners and administrators."""

    period_start: date
    """Its first day."""
    period_end: date
    """Its last day."""
    market: Market | None
    """The market that it is of; null where it is of all."""
    currency: str
    """The currency of its amounts, as a code in lower case: usd."""
    lines: int
    """How many lines the file has, one for each cleaner and clean."""
    total_cents: int
    """All lines together."""
    url: str
    """Where the file can be fetched for ten minutes, without a token: a path of this server. CSV, in UTF-8."""
    created_at: datetime
    """When it was made."""


@described
@strawberry.type
class StatementLine:
    """One payout of a statement."""

    payout_id: strawberry.ID
    """The payout."""
    job_id: strawberry.ID
    """The clean that it is for."""
    day: date
    """The day on which it was earned, by the market's clock."""
    kind: PayoutKind
    """Pay for a clean, or a part of a tip."""
    status: PayoutStatus
    """Where it stands."""
    hold_reason: HoldReason | None
    """Why it is held; null where it is not."""
    base_cents: int
    """Hours times rate."""
    urgent_cents: int
    """The bonus for an urgent clean."""
    laundry_cents: int
    """The laundry lead's bonus."""
    tip_cents: int
    """The part of a tip."""
    earned_cents: int
    """All of these parts together."""


@described
@strawberry.type
class PayStatement:
    """What a cleaner has earned in a period, and where it stands."""

    period_start: date
    """Its first day."""
    period_end: date
    """Its last day."""
    currency: str
    """The currency of its amounts, as a code in lower case: usd."""
    base_cents: int
    """Hours times rate, all together."""
    urgent_cents: int
    """Bonuses for urgent cleans."""
    laundry_cents: int
    """Bonuses for laundry."""
    tip_cents: int
    """Tips."""
    earned_cents: int
    """All of these together."""
    paid_cents: int
    """What of the period's payouts was paid, with what they carried over from earlier ones."""
    pending_cents: int
    """What is still to be paid."""
    held_cents: int
    """What is held."""
    reversed_cents: int
    """What was taken back."""
    lines: list[StatementLine]
    """Every payout, the earliest first; at most 2,000."""
