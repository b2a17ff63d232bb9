"""A booking in the making, and what a business's own booking page needs, as clients see them."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.booking import BookingStep, DraftStatus
from domain.plans import Frequency, Term
from domain.scheduling import Drain, HotTubService, Laundry
from schema.types.customers import Customer
from schema.types.described import described
from schema.types.identity import Market
from schema.types.prices import Price
from schema.types.quotes import Contact, Quote, QuoteRequest
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.plans import ServicePlan


@described
@strawberry.type
class BookingHome:
    """Step 2: which home."""

    address: str
    """Street and number."""
    city: str
    """The city."""
    postal_code: str
    """The postal code."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    bedrooms: int
    """How many bedrooms."""
    bathrooms: int
    """How many bathrooms."""
    square_feet: int
    """The area in square feet."""
    property_id: strawberry.ID | None
    """The home, if it is one that was known before."""


@described
@strawberry.type
class BookingAddOns:
    """Step 3: what is done besides."""

    laundry: Laundry
    """Where the laundry is done."""
    laundry_loads: int
    """Loads of laundry a clean."""
    hot_tub: HotTubService
    """Which service the hot tub gets."""
    drain: Drain
    """How often the hot tub is drained."""


@described
@strawberry.type
class BookingCalendar:
    """Step 4: when."""

    ical_url: str | None
    """The link of the calendar that the home's bookings are in."""
    first_on: date | None
    """The day of the first clean, by the market's calendar."""
    start_time: str | None
    """What the market's clocks show when a clean starts, as 09:30."""
    weekday: int | None
    """The day of the week of the cleans; Monday is 0."""


@described
@strawberry.type
class BookingTerms:
    """Step 5: how often, and for how long."""

    frequency: Frequency
    """How often the home is cleaned."""
    term: Term | None
    """For how long one signs up; null for a single clean."""


@described
@strawberry.type
class BookingCard:
    """Step 6: that there is a card; nothing of it is shown."""

    consent_version: str
    """Which text about later charges was agreed to."""


@described
@strawberry.type
class BookingSteps:
    """What each saved step says; null for one that is missing, or does not hold any more."""

    saved: list[BookingStep]
    """Those that are saved and hold, in their order."""
    customer: Contact | None
    """Step 1: who books."""
    property: BookingHome | None
    """Step 2: which home."""
    add_ons: BookingAddOns | None
    """Step 3: laundry and hot tub."""
    calendar: BookingCalendar | None
    """Step 4: when."""
    terms: BookingTerms | None
    """Step 5: how often, and for how long."""
    payment: BookingCard | None
    """Step 6: with what."""


@described
@strawberry.type
class BookingFailure:
    """Why the payment has not come to be, or what it waits for."""

    message: str
    """The reason, for the customer."""
    action_url: str | None
    """Where the customer's bank wants them to confirm, for whose booking it is alone; null for the office, and where
    nothing of that kind is waited for."""
    at: datetime
    """When that was."""


@described
@strawberry.type
class BookingOrder:
    """What was ordered, as it was when it was paid."""

    service_plan_id: strawberry.ID
    """The plan."""
    job_id: strawberry.ID | None
    """The first clean; null until its day is known."""
    starts_at: datetime | None
    """When it starts."""
    zone: str
    """The IANA zone of the home."""
    address: str
    """Street and number."""
    city: str
    """The city."""
    frequency: Frequency
    """How often the home is cleaned."""
    term: Term | None
    """For how long."""
    price: Price
    """What each clean costs, line by line."""
    total_cents: int
    """What was paid for the first clean, in cents."""
    currency: str
    """The code of the currency, in lower case."""
    paid_at: datetime
    """When it was paid."""
    next_steps: list[str]
    """What happens now, in its order."""


@described
@strawberry.type
class BookingDraft(Node):
    """A booking in the making: eight steps, saved one by one, and its price as it is now."""

    status: DraftStatus
    """Where it stands."""
    steps: BookingSteps
    """What has been saved."""
    next_step: BookingStep
    """The first step that is missing or does not hold; SUCCESS where it is done."""
    price: Price | None
    """What a clean costs with all that is saved so far; null until the home is known."""
    quote: Quote | None
    """The price that was promised last."""
    quote_requests: list[QuoteRequest]
    """Whether the office was asked for a price, and what became of it; the newest first."""
    failure: BookingFailure | None
    """Why it could not be paid, or what the payment waits for; null while all is well."""
    order: BookingOrder | None
    """What was ordered; null until it is paid."""
    market_id: strawberry.ID | None
    """The market that the home is in, once it is chosen."""
    market: Market | None
    """The same; null for who may not know."""
    customer: Customer | None
    """Who books, if they are known already; null for who may not know."""
    service_plan: Annotated["ServicePlan", strawberry.lazy("schema.types.plans")] | None
    """The plan that it has led to; null for who may not know."""
    expires_at: datetime
    """Until when it can be gone on with."""
    confirmed_at: datetime | None
    """When it was paid."""
    created_at: datetime
    """When it was begun."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class BookingMarket:
    """A market that homes can be booked in."""

    id: strawberry.ID
    """Its global id, for `saveBookingProperty`."""
    name: str
    """Its name."""
    zone: str
    """Its IANA zone."""


@described
@strawberry.type
class BookingForm:
    """What a business's booking page needs to know before anybody books."""

    business: str
    """The business's name."""
    currency: str
    """The code of the currency that its prices are in, in lower case."""
    markets: list[BookingMarket]
    """Where it cleans."""
    consent_version: str
    """Which text about later charges is in force."""
    consent_text: str
    """The text, as it is to be shown before the card is taken."""
    card_consent_text: str
    """The same for who gives another card later, with `addPaymentMethod`."""
    can_pay: bool
    """Whether it takes cards; without that nothing can be confirmed."""
    is_test: bool
    """Whether its payments are a test: no money moves, and test cards are taken."""
    publishable_key: str | None
    """What the payment provider's card field needs."""
