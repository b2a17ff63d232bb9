"""The customer says yes to a price: it is computed anew, and only then a provider is asked (R39, R43, R222).

A visitor's booking makes a customer of its own, also where somebody else has the same email: an address proves nobody.
Who wants it with their other homes signs in first, and books as who they are.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from db.command import Remembered, command
from db.tx import Tx
from domain.actors import Role
from domain.booking import (
    BookingDraft,
    BookingStep,
    CalendarStep,
    ConfirmationStep,
    DraftStatus,
    TermsStep,
    draft_to_json,
    ensure_first_clean,
    ensure_step_allowed,
    home_of,
    save_step,
)
from domain.cleans import usual_hours
from domain.consent import consent_text, ensure_consent
from domain.errors import Conflict, CustomQuoteNeeded, IllegalTransition, NotFound, PriceChanged, QuoteExpired
from domain.events import Event, EventType
from domain.ids import BookingDraftId, CustomerId, PropertyId, QuoteId, ServicePlanId
from domain.plans import Frequency, PlanStatus, term_end
from domain.price_book import HomeFacts
from domain.pricing import (
    Price,
    chargeable_cents,
    differences,
    ensure_price_seen,
    price_from_json,
    price_of,
    price_to_json,
)
from domain.quotes import QuoteStatus
from domain.scheduling import HotTubService
from models import customer, quote, service, service_plan, tenant
from models import property as home
from services.booking.cleans import tell_plan
from services.booking.drafts import content_of, hold_draft, live_market, move_draft
from services.booking.price_books import book_in_force
from services.booking.quotes import About, bind_quote, ensure_good, move_quote, promise_price
from services.booking.requests import ask_office
from services.booking.steps import BOOKERS, bounds_of
from services.inputs import arg
from services.payments.accounts import ensure_provider
from services.payments.prepaid import FirstClean, charge_first_clean

MOST_CARDS_TRIED = 5
"""By one visitor at one booking."""
NOT_THIS_HOME = "This quote is not for what is booked now; ask for a new one."


@dataclass(frozen=True, slots=True)
class ConfirmBooking:
    """The customer's yes, with the price that they saw: what a client shows decides nothing (R61)."""

    booking_draft_id: BookingDraftId = arg("The booking, all of its steps saved.")
    quote_id: QuoteId = arg("The quote that is said yes to.")
    total_cents: int = arg("The total that was shown, in cents. It is compared and never charged by itself.")
    return_url: str = arg("The page to come back to if the bank wants the customer to confirm.")


@dataclass(frozen=True, slots=True)
class Agreed:
    """What is booked, once everything has been found right."""

    draft: BookingDraft
    facts: HomeFacts
    price: Price
    quote: Row[Any]
    market: Row[Any]

    @property
    def calendar(self) -> CalendarStep:
        """Step 4."""
        assert self.draft.calendar is not None  # noqa: S101 (all steps are saved)
        return self.draft.calendar

    @property
    def terms(self) -> TermsStep:
        """Step 5."""
        assert self.draft.terms is not None  # noqa: S101 (all steps are saved)
        return self.draft.terms


@command(*BOOKERS)
async def confirm_booking(tx: Tx, input: ConfirmBooking) -> BookingDraftId | Remembered:
    """Book and pay the first clean (R39, R46). The server computes the price anew (R43).

    A total that differs is refused with PRICE_CHANGED, a quote that is over or used with QUOTE_EXPIRED, each with what
    changed line by line and with a new quote; a home without a price with CUSTOM_QUOTE_NEEDED, and the office is asked
    for one. Nothing is asked of the provider before. The answer is a booking that is CONFIRMING: look at it again until
    it is CONFIRMED, or OPEN with the reason. The same again changes nothing.
    """
    row = await hold_draft(tx, input.booking_draft_id)
    if _is_the_same(row, input):
        return input.booking_draft_id
    draft = content_of(row)
    facts = home_of(draft)
    if facts is None or row.status not in {DraftStatus.OPEN, DraftStatus.CUSTOM_QUOTE}:
        ensure_step_allowed(draft, BookingStep.CONFIRMATION)
        raise IllegalTransition("Finish the earlier steps first.", field=("bookingDraftId",))
    offered = await _offered(tx, row, input.quote_id)
    price = await _price_now(tx, draft, facts, offered)
    try:
        _ensure_agreed(tx, input, draft, facts, offered, price)
    except CustomQuoteNeeded as refusal:
        await ask_office(tx, row)
        return Remembered(refusal)
    except (PriceChanged, QuoteExpired) as refusal:
        return await _anew(tx, row, draft, offered, refusal)
    agreed = await _agreed(tx, row, draft, offered, price)
    await _book(tx, row, agreed, input)
    return input.booking_draft_id


def _is_the_same(row: Row[Any], input: ConfirmBooking) -> bool:
    """Whether this very yes is being paid, or is paid: a second tap on the button."""
    said = {"quoteId": str(input.quote_id), "totalCents": input.total_cents}
    done = row.status in {DraftStatus.CONFIRMING, DraftStatus.CONFIRMED}
    return done and row.steps.get(BookingStep.CONFIRMATION) == said


async def _offered(tx: Tx, row: Row[Any], id: QuoteId) -> Row[Any]:
    """The quote, locked, if it was made for this booking; `NotFound` for any other (R3)."""
    async with tx.as_system():
        offered = await tx.get(quote, id, "quoteId", lock=True)
    if offered.draft_id != row.id:
        raise NotFound(field=("quoteId",))
    return offered


async def _price_now(tx: Tx, draft: BookingDraft, facts: HomeFacts, offered: Row[Any]) -> Price:
    """What the server says that it costs (R43): the office's own price, or else the book in force."""
    if offered.is_custom and offered.home == facts.to_json():
        return price_from_json(offered.price)
    return price_of(facts, (await book_in_force(tx)).book, draft.terms.term if draft.terms else None)


def _ensure_agreed(
    tx: Tx, input: ConfirmBooking, draft: BookingDraft, facts: HomeFacts, offered: Row[Any], price: Price
) -> None:
    chargeable_cents(price)
    ensure_step_allowed(draft, BookingStep.CONFIRMATION)
    ensure_good(tx, offered)
    ensure_price_seen(input.total_cents, price_from_json(offered.price), price)
    if price != price_from_json(offered.price) or offered.home != facts.to_json():
        raise QuoteExpired(NOT_THIS_HOME, field=("quoteId",))


async def _anew(
    tx: Tx, row: Row[Any], draft: BookingDraft, offered: Row[Any], refusal: PriceChanged | QuoteExpired
) -> Remembered:
    """The refusal, with what changed and with a quote that stands: the same where it is only the total that is wrong.

    Of a price that the office had named there is no other: the refusal alone.
    """
    facts, term = home_of(draft), draft.terms.term if draft.terms else None
    assert facts is not None  # noqa: S101 (there is a price)
    price = price_of(facts, (await book_in_force(tx)).book, term)
    seen = price_from_json(offered.price)
    only_total = isinstance(refusal, PriceChanged) and offered.home == facts.to_json()
    if only_total and (offered.is_custom or seen == price):
        refusal.details["quote"] = str(offered.id)
        return Remembered(refusal)
    if price.is_custom_quote:
        raise refusal
    made = await promise_price(tx, About(facts, term, {"draft": row.id, "customer": row.customer_id}))
    refusal.details |= {
        "totalCents": price.total_cents,
        "currency": price.currency,
        "lines": [
            {"code": one.code.value, "beforeCents": one.before_cents, "afterCents": one.after_cents}
            | {"message": one.message}
            for one in differences(seen, price)
        ],
        "quote": str(made),
    }
    return Remembered(refusal)


async def _agreed(tx: Tx, row: Row[Any], draft: BookingDraft, offered: Row[Any], price: Price) -> Agreed:
    """All that has to be right besides the price, at this very moment."""
    facts = home_of(draft)
    assert facts is not None and draft.payment is not None and draft.calendar is not None  # noqa: PT018, S101 (all saved)
    ensure_consent(draft.payment.consent_version)
    place = await live_market(tx, row.market_id)
    ensure_first_clean(draft.calendar, place.zone, await bounds_of(tx))
    await ensure_provider(tx)
    await _ensure_no_probing(tx, row)
    return Agreed(draft, facts, price, offered, place)


async def _ensure_no_probing(tx: Tx, row: Row[Any]) -> None:
    """Who tries stolen cards one by one does it at a booking page, where nobody signs in: a visitor has few."""
    if tx.actor.role is not Role.ANONYMOUS or row.customer_id is None:
        return
    # This booking has made the customer: what was given up are its own refused payments.
    refused = (service_plan.c.customer_id == row.customer_id, service_plan.c.status == PlanStatus.CANCELED)
    async with tx.as_system():
        tried = await tx.scalar(select(func.count()).select_from(service_plan).where(tx.own(service_plan), *refused))
    if tried >= MOST_CARDS_TRIED:
        raise Conflict("Too many cards were refused; ask the business to book for you.", field=("bookingDraftId",))


async def _book(tx: Tx, row: Row[Any], agreed: Agreed, input: ConfirmBooking) -> None:
    """Write it all down, nothing of it active, and plan the charge (R46, R49)."""
    whose = await _customer(tx, row, agreed.draft)
    where = await _home(tx, row, agreed, whose)
    plan = await _plan(tx, agreed, whose, where)
    await bind_quote(tx, agreed.quote, customer_id=whose)
    await move_quote(tx, agreed.quote, QuoteStatus.ACCEPTED, accepted_at=tx.now)
    said = save_step(agreed.draft, ConfirmationStep(agreed.quote.id, input.total_cents))
    values = {"steps": draft_to_json(said), "price": price_to_json(agreed.price), "failure": None}
    ids = {"customer_id": whose, "quote_id": agreed.quote.id, "plan_id": plan}
    await move_draft(tx, row, DraftStatus.CONFIRMING, **values, **ids)
    await charge_first_clean(tx, await _first_clean(tx, agreed, input, (whose, plan)))


async def _first_clean(
    tx: Tx, agreed: Agreed, input: ConfirmBooking, ids: tuple[CustomerId, ServicePlanId]
) -> FirstClean:
    whose, plan = ids
    card = agreed.draft.payment
    assert card is not None  # noqa: S101 (all steps are saved)
    business = await tx.scalar(select(tenant.c.name).where(tx.own(tenant)))
    fixed = agreed.calendar.ical_url is None and agreed.terms.frequency is not Frequency.ONCE
    return FirstClean(
        plan=plan,
        customer=whose,
        draft=input.booking_draft_id,
        method_token=card.payment_method_id,
        amount_cents=chargeable_cents(agreed.price),
        currency=agreed.price.currency,
        usage="recurring" if fixed else "unscheduled",
        consent_version=card.consent_version,
        consent_text=consent_text(business, card.consent_version),
        consent_address=tx.origin.address,
        return_url=input.return_url,
    )


async def _customer(tx: Tx, row: Row[Any], draft: BookingDraft) -> CustomerId:
    """Whose plan it is: who is signed in or was named by the office, who this booking has made before, or a new one."""
    said = draft.customer
    assert said is not None  # noqa: S101 (all steps are saved)
    values: dict[str, Any] = {"name": said.name, "email": said.email, "phone": said.phone}
    async with tx.as_system():
        if row.customer_id is None:
            made = CustomerId(await tx.insert(customer, **values, created_at=tx.now))
        else:
            made = CustomerId(row.customer_id)
            known = await tx.get(customer, made, share=True)
            if known.archived_at is not None:
                raise Conflict("This customer is archived.", field=("bookingDraftId",))
            if tx.actor.role is not Role.ANONYMOUS or all(getattr(known, name) == v for name, v in values.items()):
                return made
            # Made by this very booking, whose payment was refused: nobody else has known it yet.
            await tx.change(customer, made, **values)
    tx.audit("Customer", made)
    tx.emit(Event(EventType.CUSTOMER_CHANGED, "Customer", made, {"id": str(made), "name": said.name}))
    return made


async def _home(tx: Tx, row: Row[Any], agreed: Agreed, whose: CustomerId) -> PropertyId:
    """The home that is cleaned: one that is known, that of an attempt before, or a new one (R26, R31, R32)."""
    said = agreed.draft.property
    assert said is not None  # noqa: S101 (all steps are saved)
    known = said.property_id or await _home_of_attempt(tx, row)
    is_known = said.property_id is not None
    values = _wanted(agreed.facts, is_known=is_known) | ({} if is_known else _described(agreed.draft))
    async with tx.as_system():
        if known is None:
            ids = {"customer_id": whose, "market_id": agreed.market.id}
            made = PropertyId(await tx.insert(home, **values, **ids, created_at=tx.now))
        else:
            made = PropertyId(known)
            kept = await tx.get(home, made, "propertyId", share=True)
            if kept.customer_id != whose or kept.archived_at is not None:
                raise NotFound(field=("propertyId",))
            if all(getattr(kept, name) == value for name, value in values.items()):
                return made
            await tx.change(home, made, **values)
        name = (await tx.get(home, made)).name
    tx.audit("Property", made)
    card = {"id": str(made), "name": name, "customer_id": str(whose)}
    tx.emit(Event(EventType.PROPERTY_CHANGED, "Property", made, card))
    return made


async def _home_of_attempt(tx: Tx, row: Row[Any]) -> UUID | None:
    """The home that an attempt of this booking has made whose payment was refused."""
    if row.plan_id is None:
        return None
    async with tx.as_system():
        before = await tx.get(service_plan, row.plan_id)
    found: UUID = before.property_id
    return found


def _wanted(facts: HomeFacts, *, is_known: bool) -> dict[str, Any]:
    """What of a home its plan decides; a tub that the office knows of stays, also where nobody services it."""
    laundry = {"laundry": facts.laundry.value, "laundry_loads": facts.laundry_loads}
    if is_known and facts.hot_tub is HotTubService.NONE:
        return laundry
    tub = {"hot_tub_service": facts.hot_tub.value, "hot_tub_drain": facts.drain.value}
    return {**laundry, **tub, "hot_tub": facts.hot_tub is not HotTubService.NONE}


def _described(draft: BookingDraft) -> dict[str, Any]:
    said = draft.property
    assert said is not None  # noqa: S101 (all steps are saved)
    return {
        "name": said.address[:200],
        "address": said.address,
        "city": said.city,
        "postal_code": said.postal_code,
        "latitude": said.latitude,
        "longitude": said.longitude,
        "bedrooms": said.bedrooms,
        "bathrooms": said.bathrooms,
        "square_feet": said.square_feet,
    }


async def _plan(tx: Tx, agreed: Agreed, whose: CustomerId, where: PropertyId) -> ServicePlanId:
    """The plan, waiting for its first payment, with the price of each of its cleans (R45)."""
    day, at = agreed.calendar.first_on, agreed.calendar.at
    async with tx.as_system():
        made = await tx.insert(
            service_plan,
            customer_id=whose,
            property_id=where,
            market_id=agreed.market.id,
            service_id=await _only_service(tx),
            quote_id=agreed.quote.id,
            price_book_id=agreed.quote.price_book_id,
            status=PlanStatus.PENDING_PAYMENT.value,
            frequency=agreed.terms.frequency.value,
            term=agreed.terms.term,
            first_on=day,
            at_minute=None if at is None else at.hour * 60 + at.minute,
            ends_on=None if day is None else term_end(day, agreed.terms.term),
            expected_hours=usual_hours(agreed.facts),
            price_cents=chargeable_cents(agreed.price),
            currency=agreed.price.currency,
            price=price_to_json(agreed.price),
            calendar_url=agreed.calendar.ical_url,
            created_at=tx.now,
        )
        tell_plan(tx, await tx.get(service_plan, made))
    return ServicePlanId(made)


async def _only_service(tx: Tx) -> UUID | None:
    """The service of the catalogue, where there is only one to choose."""
    offered = await tx.all(select(service.c.id).where(tx.own(service), service.c.archived_at.is_(None)).limit(2))
    return offered[0].id if len(offered) == 1 else None
