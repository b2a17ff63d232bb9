"""Customers' cleaning plans as clients see them."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.plans import Frequency, PlanStatus, Term
from schema.types.booking import Service
from schema.types.customers import Customer, Property
from schema.types.described import described
from schema.types.filters import JobFilter, JobOrder
from schema.types.identity import Market
from schema.types.prices import Price
from schema.types.quotes import Quote
from schema.types.relay import Connection, Node, arguments, paged

if TYPE_CHECKING:
    from schema.types.scheduling import Job


@described
@strawberry.type
class PlannedClean:
    """A day of a plan with a clean."""

    on: date
    """The day, by the market's calendar: what `skipClean` takes."""
    starts_at: datetime
    """When it starts, unless its job is moved."""


@described
@strawberry.type
class ServicePlan(Node):
    """A customer's cleaning plan: how often a home is cleaned, and at which price."""

    status: PlanStatus
    """Where it stands."""
    frequency: Frequency
    """How often the home is cleaned."""
    term: Term | None
    """For how long the customer signed up; null for a single clean."""
    first_on: date | None
    """The day of the first clean, by the market's calendar; null until it is known."""
    start_time: str | None
    """What the market's clocks show when a clean starts, as 09:30; null until it is known."""
    ends_on: date | None
    """The last day of the term; null where it goes on until it is ended."""
    expected_hours: Decimal
    """Hours per head of each clean, exact to two decimals."""
    price_cents: int
    """What each clean costs, in cents; agreed when it was booked."""
    currency: str
    """The code of the currency, in lower case."""
    price: Price
    """The same, line by line."""
    is_first_clean_prepaid: bool
    """Whether the first clean was paid when it was booked."""
    calendar_url: str | None
    """The link of the calendar that the home's bookings are in."""
    paused_on: date | None
    """From this day on there are no cleans; null while it is not paused."""
    resumes_on: date | None
    """From this day on there are again; null while nobody knows."""
    planned_until: date | None
    """Up to which day its cleans are planned."""
    skipped_days: list[date]
    """The days of the plan that are left out, in order."""
    occurrences: list[PlannedClean] = arguments(
        description="The next days with a clean, also beyond those that are jobs already.",
        words={"first": "How many, at most 50; 10 unless told."},
        first=int | None,
    )
    customer: Customer
    """Whose plan it is."""
    property: Property
    """The home."""
    market: Market
    """The market that it is in."""
    service: Service | None
    """Which service of the catalogue it is, if that is known."""
    quote: Quote | None
    """The price that it was booked with."""
    jobs: Connection[Annotated["Job", strawberry.lazy("schema.types.scheduling")]] = paged(
        JobFilter, JobOrder, description="Its cleans that are planned or done."
    )
    ended_at: datetime | None
    """When it was ended."""
    created_at: datetime
    """When it was booked."""
    version: int
    """Counts changes."""
