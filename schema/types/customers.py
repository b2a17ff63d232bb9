"""Customers and their homes as clients see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.scheduling import Drain, HotTubService, Laundry, Skill
from schema.types.described import described
from schema.types.filters import JobFilter, JobOrder, NameOrder, PropertyFilter
from schema.types.identity import Market
from schema.types.relay import Connection, Node, paged

if TYPE_CHECKING:
    from schema.types.codes import AccessCodeView
    from schema.types.payments import PaymentMethod
    from schema.types.prices import Price
    from schema.types.scheduling import Job


@described
@strawberry.type
class Customer(Node):
    """Somebody whose homes are cleaned."""

    name: str
    """The customer's name."""
    email: str | None
    """Where mail reaches them."""
    phone: str | None
    """The phone number in E.164."""
    properties: Connection["Property"] = paged(PropertyFilter, NameOrder, description="The customer's homes.")
    payment_methods: Connection[Annotated["PaymentMethod", strawberry.lazy("schema.types.payments")]] = paged(
        description="The saved cards; for the customer, owners and administrators."
    )
    archived_at: datetime | None
    """When they ceased to be a customer."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class Property(Node):
    """A home. A cleaner sees city and size of what is offered, and the rest of their own jobs' homes only."""

    name: str | None
    """How the office calls it; the office and its customer."""
    address: str | None
    """Street and number."""
    city: str
    """The city."""
    postal_code: str | None
    """The postal code."""
    latitude: float | None
    """Degrees north."""
    longitude: float | None
    """Degrees east."""
    bedrooms: int
    """How many bedrooms."""
    bathrooms: int
    """How many bathrooms."""
    square_feet: int
    """The area in square feet."""
    laundry: Laundry
    """Where its laundry is done."""
    laundry_loads: int
    """Loads of laundry a clean."""
    hot_tub: bool
    """Whether there is a hot tub to service."""
    hot_tub_service: HotTubService
    """What is done to it at each clean."""
    hot_tub_drain: Drain
    """How often it is drained."""
    geocoded_at: datetime | None
    """When its address was looked up; null where the office said where it is, or may not be known. For the office."""
    price: Annotated["Price", strawberry.lazy("schema.types.prices")] | None
    """What its next clean costs by the price book in force, without a term; null where the office names it. Jobs and
    plans keep theirs. For the office."""
    required_skills: list[Skill]
    """What it demands of every cleaner."""
    notes: str | None
    """What a cleaner must know."""
    geofence_metres: int | None
    """How near a check-in must be, in metres, if this home has a circle of its own; the business's setting else."""
    has_access_code: bool | None
    """Whether it is kept how one gets in; for the office. `revealAccessCode` shows it."""
    access_code_views: list[Annotated["AccessCodeView", strawberry.lazy("schema.types.codes")]] | None
    """Who was shown how one gets in, the newest first, at most 100; for the office."""
    customer: Customer | None
    """Whose home it is; null for who may not know."""
    market: Market | None
    """The market it lies in; null for who does not work there."""
    jobs: Connection[Annotated["Job", strawberry.lazy("schema.types.scheduling")]] = paged(
        JobFilter, JobOrder, description="The cleans of this home."
    )
    archived_at: datetime | None
    """When it was given up."""
    version: int
    """Counts changes."""
