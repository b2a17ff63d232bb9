"""Jobs and shifts as clients see them."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.payments.pipeline import MoneyRisk
from domain.scheduling import AssignmentRole, JobStatus, PaymentStatus
from schema.types.booking import Service
from schema.types.customers import Customer, Property
from schema.types.described import described
from schema.types.filters import (
    AssignmentFilter,
    AssignmentOrder,
    PaymentFilter,
    PaymentOrder,
    PayoutFilter,
    PayoutOrder,
    SwapFilter,
    SwapOrder,
)
from schema.types.identity import Cleaner, Market
from schema.types.photos import PhotoFilter, PhotoOrder
from schema.types.prices import Price
from schema.types.relay import Connection, Node, paged

if TYPE_CHECKING:
    from schema.types.fieldwork import ChecklistItem, Evidence, Visit
    from schema.types.payments import Payment
    from schema.types.payouts import Payout
    from schema.types.photos import Photo
    from schema.types.quotes import Quote
    from schema.types.swaps import Swap
    from schema.types.tracks import TrackBatch


@described
@strawberry.type
class Job(Node):
    """One clean of a home."""

    starts_at: datetime
    """When it starts."""
    ends_at: datetime
    """The start plus the expected hours."""
    expected_hours: Decimal
    """Hours per head, exact to two decimals."""
    status: JobStatus
    """Where the work stands."""
    payment_status: PaymentStatus | None
    """Where its money stands; for the office."""
    is_urgent: bool
    """Whether the urgent bonus is paid."""
    price_cents: int | None
    """What it costs, frozen when it was booked; null where the office has yet to name it. For office and customer."""
    currency: str | None
    """The code of the price's currency, in lower case; for office and customer."""
    price: Price | None
    """The price line by line; for office and customer."""
    quote: Annotated["Quote", strawberry.lazy("schema.types.quotes")] | None
    """The promised price that it was booked with; null for who may not know."""
    instructions: str | None
    """What is special this time; the office and the cleaners on the job."""
    property: Property
    """The home to clean."""
    service: Service | None
    """Which service of the catalogue it is, if it was planned as one."""
    customer: Customer | None
    """Whose home it is; null for who may not know."""
    market: Market | None
    """The market; null for who does not work there."""
    assignments: Connection["Assignment"] = paged(
        AssignmentFilter,
        AssignmentOrder,
        description="Who is on it: for a cleaner their own part, for a customer everybody.",
    )
    swaps: Connection[Annotated["Swap", strawberry.lazy("schema.types.swaps")]] = paged(
        SwapFilter, SwapOrder, description="The times it was put on the swap market."
    )
    visits: list[Annotated["Visit", strawberry.lazy("schema.types.fieldwork")]]
    """Everybody's way through it, by their beginning; the office, the crew and the customer."""
    checklist: list[Annotated["ChecklistItem", strawberry.lazy("schema.types.fieldwork")]]
    """What is to be done, in its order, from the first visit on; for the customer once it is over."""
    photos: Connection[Annotated["Photo", strawberry.lazy("schema.types.photos")]] = paged(
        PhotoFilter, PhotoOrder, description="What was photographed; for the customer what is kept, once it is over."
    )
    evidence: Annotated["Evidence", strawberry.lazy("schema.types.fieldwork")] | None
    """Its proof, from the first visit on; for the customer once it is over."""
    tracks: Connection[Annotated["TrackBatch", strawberry.lazy("schema.types.tracks")]] = paged(
        description="Where its cleaners were, as their devices told; a cleaner's own, the customer's once it is over."
    )
    payouts: Connection[Annotated["Payout", strawberry.lazy("schema.types.payouts")]] = paged(
        PayoutFilter, PayoutOrder, description="What its cleaners are paid; for administrators, and a cleaner's own."
    )
    payments: Connection[Annotated["Payment", strawberry.lazy("schema.types.payments")]] = paged(
        PaymentFilter,
        PaymentOrder,
        description="What was held and charged for it; for owners, administrators and its customer.",
    )
    payment_risk: MoneyRisk | None
    """Why it may not be paid, for one of these days; for owners and administrators. Null where nothing is wrong."""
    late_at: datetime | None
    """When nobody had come yet and the office was alerted; the office and the cleaners."""
    missed_at: datetime | None
    """When it became a no-show; the office and the cleaners."""
    completed_at: datetime | None
    """When it was completed."""
    canceled_at: datetime | None
    """When it was canceled."""
    created_at: datetime
    """When it was planned."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class Assignment(Node):
    """A cleaner's part in a job: a shift."""

    role: AssignmentRole
    """What the cleaner is on the job."""
    starts_at: datetime
    """The job's start."""
    ends_at: datetime
    """The job's end."""
    job: Job
    """The job."""
    cleaner: Cleaner
    """The cleaner."""
    visit: Annotated["Visit", strawberry.lazy("schema.types.fieldwork")] | None
    """The cleaner's way through the job; null before they begin."""
    released_at: datetime | None
    """When the cleaner was taken off; null while the shift is theirs."""
    version: int
    """Counts changes."""
