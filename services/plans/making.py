"""A plan that the office makes for a customer and a home that it knows; others are made by booking (R45, R65)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE
from domain.booking import Bounds, CalendarStep, ensure_first_clean
from domain.cleans import usual_hours
from domain.errors import Conflict, CustomQuoteNeeded
from domain.ids import PropertyId, ServiceId, ServicePlanId
from domain.money import LEAST_CHARGE_CENTS, ensure_cents
from domain.plans import Frequency, PlanStatus, Term, term_end
from domain.pricing import Price, agreed_price, chargeable_cents, price_to_json
from domain.scheduling import ensure_hours
from models import customer, market, service, service_plan
from models import property as home
from services.booking.cleans import tell_plan
from services.booking.price_books import InForce, book_in_force
from services.booking.steps import read_calendar
from services.homes import facts_of, price_by
from services.inputs import arg
from services.plans.generation import tend
from services.policies import tenant_policy


@dataclass(frozen=True, slots=True)
class CreatePlan:
    """Regular cleans of a home."""

    property_id: PropertyId = arg("The home to clean.")
    frequency: Frequency = arg("How often.")
    first_on: date = arg("The day of the first clean, by the market's calendar; its weekday stays.")
    start_time: str = arg("What the market's clocks show when a clean starts, as 09:30.")
    term: Term | None = arg("For how long; a year ends by itself. Null goes on until it is ended.", default=None)
    service_id: ServiceId | None = arg("Which service of the catalogue it is.", default=None)
    expected_hours: Decimal | None = arg(
        "Hours per head; the service's unless told, and without one by the size of the home.", default=None
    )
    price_cents: int | None = arg(
        "What each clean costs, where the office names it (A31); by the price book unless told.", default=None
    )


@command(*OFFICE)
async def create_plan(tx: Tx, input: CreatePlan) -> ServicePlanId:
    """Plan regular cleans for a customer whom the business knows (R45, R63, R65); the jobs of the first weeks are made.

    The price is frozen: of the book in force, or the office's own. CUSTOM_QUOTE_NEEDED where there is neither (A31).
    """
    where = await _hold_home(tx, input.property_id)
    place = await tx.get(market, where.market_id)
    calendar = await _first_clean(tx, input, place.zone)
    book = await book_in_force(tx)
    price = _price(input, where, book)
    values = {
        "customer_id": where.customer_id,
        "property_id": where.id,
        "market_id": where.market_id,
        "service_id": input.service_id,
        "price_book_id": None if input.price_cents is not None else book.id,
        "status": str(PlanStatus.ACTIVE),
        "frequency": str(input.frequency),
        "term": None if input.term is None else str(input.term),
        "first_on": calendar.first_on,
        "at_minute": _minute(calendar),
        "ends_on": term_end(input.first_on, input.term),
        "expected_hours": await _hours(tx, input, where),
        "price_cents": chargeable_cents(price),
        "currency": price.currency,
        "price": price_to_json(price),
    }
    made = await tx.insert(service_plan, **values, created_at=tx.now)
    tell_plan(tx, await tend(tx, await tx.get(service_plan, made, lock=True), place.zone))
    return ServicePlanId(made)


async def _hold_home(tx: Tx, id: PropertyId) -> Row[Any]:
    """The home, if cleans can be planned there; held with its customer, so that neither is archived meanwhile."""
    await tx.get(customer, (await tx.get(home, id, "propertyId")).customer_id, share=True)
    where = await tx.get(home, id, "propertyId", share=True)
    if where.archived_at is not None:
        raise Conflict("This property is archived.", field=("propertyId",))
    if (await tx.get(market, where.market_id, share=True)).archived_at is not None:
        raise Conflict("The property's market is archived.", field=("propertyId",))
    return where


async def _first_clean(tx: Tx, input: CreatePlan, zone: str) -> CalendarStep:
    calendar = read_calendar(None, input.first_on, input.start_time)
    horizon = timedelta(days=(await tenant_policy(tx)).scheduling.horizon_days)
    ensure_first_clean(calendar, zone, Bounds(tx.now, timedelta(0), horizon))
    return calendar


def _minute(calendar: CalendarStep) -> int:
    assert calendar.at is not None  # noqa: S101 (read with a time)
    return calendar.at.hour * 60 + calendar.at.minute


def _price(input: CreatePlan, where: Row[Any], book: InForce) -> Price:
    if input.price_cents is not None:
        cents = ensure_cents(input.price_cents, "priceCents", LEAST_CHARGE_CENTS)
        return agreed_price(cents, book.book.currency)
    price = price_by(where._asdict(), book.book, input.term)
    if price is None:
        raise CustomQuoteNeeded("The price book has no price for this home; name one.", field=("priceCents",))
    return price


async def _hours(tx: Tx, input: CreatePlan, where: Row[Any]) -> Decimal:
    offered = await tx.get(service, input.service_id, "serviceId") if input.service_id else None
    if offered is not None and offered.archived_at is not None:
        raise Conflict("This service is archived.", field=("serviceId",))
    if input.expected_hours is not None:
        return ensure_hours(input.expected_hours)
    hours: Decimal = usual_hours(facts_of(where._asdict())) if offered is None else offered.expected_hours
    return hours
