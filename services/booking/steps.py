"""The steps of a booking, one mutation each: typed, checked, and saved in their order (R33 to R38, R41).

Each names its booking, so that a tab with an old one cannot write into another; whose it is, the policies say.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.booking import BookingStep, Bounds, CalendarStep, ensure_first_clean, ensure_step_allowed, step_from_json
from domain.consent import ensure_consent
from domain.errors import Invalid, NotFound
from domain.geo import Address
from domain.ids import BookingDraftId, MarketId, PropertyId
from domain.plans import Frequency, Term
from domain.scheduling import Drain, HotTubService, Laundry
from models import property as home
from services.booking.drafts import content_of, hold_draft, live_market, save
from services.booking.places import place_of, unplaced, written_address
from services.checks import email, phone, text
from services.inputs import arg
from services.scheduling import tenant_policy

BOOKERS = (Role.ANONYMOUS, Role.CUSTOMER, *sorted(OFFICE))
"""Who saves steps: a visitor their own draft, a customer theirs, the office all."""
DRAFT = "The booking."


@dataclass(frozen=True, slots=True)
class SaveBookingCustomer:
    """Step 1: who books."""

    booking_draft_id: BookingDraftId = arg(DRAFT)
    name: str = arg("Their name, at most 200 characters.")
    email: str = arg("Where mail reaches them.")
    phone: str = arg("A phone number in international form (E.164), as +13055550100.")


@dataclass(frozen=True, slots=True)
class SaveBookingProperty:
    """Step 2: which home. Of one that is known everything is taken from there."""

    booking_draft_id: BookingDraftId = arg(DRAFT)
    property_id: PropertyId | None = arg("One of the customer's homes that is known already.", default=None)
    market_id: MarketId | None = arg("The market that it lies in, where the business has several.", default=None)
    address: str | None = arg("Street and number, at most 300 characters.", default=None)
    city: str | None = arg("The city, at most 100 characters.", default=None)
    postal_code: str | None = arg("The postal code, at most 20 characters.", default=None)
    bedrooms: int | None = arg("How many bedrooms, 1 to 50.", default=None)
    bathrooms: int | None = arg("How many bathrooms, 1 to 50.", default=None)
    square_feet: int | None = arg("The area in square feet, 1 to 100,000.", default=None)
    latitude: float | None = arg("Degrees north, where the map has told; looked up otherwise.", default=None)
    longitude: float | None = arg("Degrees east.", default=None)


@dataclass(frozen=True, slots=True)
class SaveBookingAddOns:
    """Step 3: what is done besides."""

    booking_draft_id: BookingDraftId = arg(DRAFT)
    laundry: Laundry = arg("Where the laundry is done.", default=Laundry.NONE)
    laundry_loads: int = arg("Loads of laundry a clean, 1 to 50; 0 where laundry is NONE.", default=0)
    hot_tub: HotTubService = arg("Which service the hot tub gets.", default=HotTubService.NONE)
    drain: Drain = arg("How often the hot tub is drained; NONE without a service.", default=Drain.NONE)


@dataclass(frozen=True, slots=True)
class SaveBookingCalendar:
    """Step 4: when. The link of a calendar, or the first day with its time, or both."""

    booking_draft_id: BookingDraftId = arg(DRAFT)
    ical_url: str | None = arg("The https link of the calendar that the home's bookings are in.", default=None)
    first_on: date | None = arg("The day of the first clean, by the market's calendar.", default=None)
    start_time: str | None = arg("What the market's clocks show when a clean starts, as 09:30.", default=None)


@dataclass(frozen=True, slots=True)
class SaveBookingTerms:
    """Step 5: how often, and for how long."""

    booking_draft_id: BookingDraftId = arg(DRAFT)
    frequency: Frequency = arg("How often the home is cleaned.")
    term: Term | None = arg("For how long one signs up; null for a single clean.", default=None)


@dataclass(frozen=True, slots=True)
class SaveBookingPayment:
    """Step 6: with what."""

    booking_draft_id: BookingDraftId = arg(DRAFT)
    payment_method_id: str = arg("The provider's token of a card, pm_; never a card's number.")
    consent_version: str = arg("Which text about later charges was agreed to: the one in force.")


@command(*BOOKERS)
async def save_booking_customer(tx: Tx, input: SaveBookingCustomer) -> BookingDraftId:
    """Save who books (R33)."""
    row = await hold_draft(tx, input.booking_draft_id)
    said = {
        "name": text(input.name, "name", most=200),
        "email": email(input.email, "email"),
        "phone": phone(input.phone, "phone"),
    }
    return await save(tx, row, step_from_json(BookingStep.CUSTOMER, said))


@command(*BOOKERS)
async def save_booking_property(tx: Tx, input: SaveBookingProperty) -> BookingDraftId:
    """Save which home is cleaned, found on the map (R34).

    One that is known must be the customer's own. Another home, or another size of it, takes back a confirmation.
    """
    row = await hold_draft(tx, input.booking_draft_id)
    ensure_step_allowed(content_of(row), BookingStep.PROPERTY)
    known = None if input.property_id is None else await _known_home(tx, row, input.property_id)
    place = await live_market(tx, known.market_id if known else input.market_id or row.market_id)
    said = _said_of_home(input, known)
    if said["latitude"] is None or said["longitude"] is None:
        said |= await _found(tx, said)
    return await save(tx, row, step_from_json(BookingStep.PROPERTY, said), market_id=place.id)


@command(*BOOKERS, secret=True)
async def find_unplaced_in_booking(tx: Tx, input: SaveBookingProperty) -> list[Address]:
    """The address that has to be looked up before the step can be saved (R27); none where the map has told."""
    await hold_draft(tx, input.booking_draft_id)
    if input.property_id is not None or None not in {input.latitude, input.longitude}:
        return []
    where = _address(_said_of_home(input, None))
    return [] if where is None else await unplaced(tx, [where])


@command(*BOOKERS)
async def save_booking_add_ons(tx: Tx, input: SaveBookingAddOns) -> BookingDraftId:
    """Save laundry and hot tub (R35, R31, R32)."""
    row = await hold_draft(tx, input.booking_draft_id)
    said = {
        "laundry": input.laundry.value,
        "laundryLoads": input.laundry_loads,
        "hotTub": input.hot_tub.value,
        "drain": input.drain.value,
    }
    return await save(tx, row, step_from_json(BookingStep.ADD_ONS, said))


@command(*BOOKERS)
async def save_booking_calendar(tx: Tx, input: SaveBookingCalendar) -> BookingDraftId:
    """Save when it is cleaned (R36): a calendar's link, or the first day; not too soon and not too far ahead.

    With a link alone the first clean is planned once its day is known.
    """
    row = await hold_draft(tx, input.booking_draft_id)
    ensure_step_allowed(content_of(row), BookingStep.CALENDAR)
    content = read_calendar(input.ical_url, input.first_on, input.start_time)
    ensure_first_clean(content, (await live_market(tx, row.market_id)).zone, await bounds_of(tx))
    return await save(tx, row, content)


@command(*BOOKERS)
async def save_booking_terms(tx: Tx, input: SaveBookingTerms) -> BookingDraftId:
    """Save how often and for how long (R37, R45)."""
    row = await hold_draft(tx, input.booking_draft_id)
    said = {"frequency": input.frequency.value, "term": None if input.term is None else input.term.value}
    return await save(tx, row, step_from_json(BookingStep.TERMS, said))


@command(*BOOKERS, secret=True)
async def save_booking_payment(tx: Tx, input: SaveBookingPayment) -> BookingDraftId:
    """Save the card's token, and that it may be charged later (R38, R264). Nothing is charged by it."""
    row = await hold_draft(tx, input.booking_draft_id)
    said = {"paymentMethodId": input.payment_method_id, "consentVersion": input.consent_version}
    content = step_from_json(BookingStep.PAYMENT, said)
    ensure_consent(input.consent_version)
    return await save(tx, row, content)


async def bounds_of(tx: Tx) -> Bounds:
    """How soon and how far ahead a first clean can be booked now."""
    policy = await tenant_policy(tx)
    return Bounds(tx.now, policy.booking.notice, timedelta(days=policy.scheduling.horizon_days))


def read_calendar(ical_url: str | None, first_on: date | None, start_time: str | None) -> CalendarStep:
    """The step, its refusals naming the field as the forms call it."""
    said = {"icalUrl": ical_url, "firstOn": None if first_on is None else first_on.isoformat(), "at": start_time}
    try:
        content = step_from_json(BookingStep.CALENDAR, said)
    except Invalid as refusal:
        field = tuple("startTime" if part == "at" else part for part in refusal.field)
        raise Invalid(refusal.message, field=field) from None
    assert isinstance(content, CalendarStep)  # noqa: S101 (the step's own content)
    return content


async def _known_home(tx: Tx, draft: Row[Any], id: PropertyId) -> Row[Any]:
    """A home of the booking's customer that the actor may see; `NotFound` for any other (R3)."""
    row = await tx.get(home, id, "propertyId")
    if draft.customer_id is None or row.customer_id != draft.customer_id or row.archived_at is not None:
        raise NotFound(field=("propertyId",))
    return row


_OF_HOME = {
    "address": "address",
    "city": "city",
    "postalCode": "postal_code",
    "bedrooms": "bedrooms",
    "bathrooms": "bathrooms",
    "squareFeet": "square_feet",
    "latitude": "latitude",
    "longitude": "longitude",
}
"""The step's words and the home's columns."""


def _said_of_home(input: SaveBookingProperty, known: Row[Any] | None) -> dict[str, Any]:
    if known is None:
        return {word: getattr(input, column) for word, column in _OF_HOME.items()}
    # As the office has it: nobody makes a home that is known smaller than it is.
    return {word: getattr(known, column) for word, column in _OF_HOME.items()} | {"propertyId": str(known.id)}


async def _found(tx: Tx, said: dict[str, Any]) -> dict[str, float]:
    """Where the home is, as it was looked up before (R27)."""
    where = _address(said)
    if where is None:
        # Nothing could be looked up: the step itself says which word is missing.
        return {"latitude": 0.0, "longitude": 0.0}
    place = await place_of(tx, where.address, where.city, where.postal_code)
    if place is None:
        raise Invalid("This address was not found; correct it, or say where the home is.", field=("address",))
    return {"latitude": place.latitude, "longitude": place.longitude}


def _address(said: dict[str, Any]) -> Address | None:
    words = [said[name] for name in ("address", "city", "postalCode")]
    return written_address(*words) if all(word and word.strip() for word in words) else None
