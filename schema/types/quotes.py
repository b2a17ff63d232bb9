"""Promised prices, and requests for one by the office, as clients see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.plans import Term
from domain.quotes import QuoteRequestStatus, QuoteStatus
from domain.scheduling import Drain, HotTubService, Laundry
from schema.types.customers import Customer, Property
from schema.types.described import described
from schema.types.prices import Price, PriceReason
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.drafts import BookingDraft


@described
@strawberry.type
class QuotedHome:
    """What of a home a price depends on."""

    bedrooms: int
    """How many bedrooms."""
    bathrooms: int
    """How many bathrooms."""
    square_feet: int
    """The area in square feet."""
    laundry: Laundry
    """Where the laundry is done."""
    laundry_loads: int
    """Loads of laundry a clean."""
    hot_tub: HotTubService
    """Which service its hot tub gets."""
    drain: Drain
    """How often the hot tub is drained."""


@described
@strawberry.type
class Contact:
    """Who asks."""

    name: str
    """Their name."""
    email: str | None
    """Where mail reaches them."""
    phone: str | None
    """Their number in E.164."""


@described
@strawberry.type
class Quote(Node):
    """A price that is promised until it expires, kept line by line and signed."""

    status: QuoteStatus
    """Where it stands."""
    home: QuotedHome
    """The home that it is for."""
    price: Price
    """The price, line by line."""
    total_cents: int
    """What one clean costs, in cents."""
    currency: str
    """The code of the currency, in lower case."""
    term: Term | None
    """For how long one would sign up, if that is known."""
    is_custom: bool
    """Whether the office has named it."""
    is_good: bool
    """Whether it can be booked with now."""
    note: str
    """What the office says about it."""
    expires_at: datetime
    """Until when it is promised."""
    accepted_at: datetime | None
    """When it was booked with."""
    customer: Customer | None
    """Whom it was made for, if they are known."""
    property: Property | None
    """The home, if it is known."""
    booking_draft: Annotated["BookingDraft", strawberry.lazy("schema.types.drafts")] | None
    """The booking that it was made for."""
    created_at: datetime
    """When it was made."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class QuoteRequest(Node):
    """Somebody wants the office to name a price."""

    status: QuoteRequestStatus
    """Where it stands."""
    contact: Contact
    """Who asks."""
    home: QuotedHome
    """The home."""
    reasons: list[PriceReason]
    """Why the price book has none; empty where it was asked all the same."""
    note: str
    """What they say about it."""
    quote: Quote | None
    """The price that the office named last."""
    customer: Customer | None
    """Who asks, if they are known."""
    property: Property | None
    """The home, if it is known."""
    booking_draft: Annotated["BookingDraft", strawberry.lazy("schema.types.drafts")] | None
    """The booking that it was asked in."""
    created_at: datetime
    """When it was asked."""
    answered_at: datetime | None
    """When the office answered."""
    version: int
    """Counts changes."""
