"""Bookings in the making: where their fields come from, how a visitor begins one, and the steps."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from db.ids import new_id
from db.runner import Call
from db.tx import Tx
from domain.actors import Actor, Role
from domain.booking import CONTENT, BookingStep, DraftStatus, draft_from_json, next_step
from domain.errors import Refused, Unauthenticated
from domain.ids import QuoteId
from models import booking_draft, quote, quote_request, service_plan
from resolvers.context import Context
from resolvers.engine.sources import computed, many, one, sql
from resolvers.expose import EXPOSED, call_of, expose, mutation
from resolvers.places import looked_up
from resolvers.prices import asker, shown_differences, shown_price
from resolvers.public_error import as_public
from resolvers.registry import registry
from schema.errors import UserError
from schema.inputs import input_type, to_command
from schema.types.described import described, for_clients
from schema.types.drafts import (
    BookingAddOns,
    BookingCalendar,
    BookingCard,
    BookingDraft,
    BookingFailure,
    BookingForm,
    BookingHome,
    BookingMarket,
    BookingOrder,
    BookingSteps,
    BookingTerms,
)
from schema.types.prices import PriceDifference
from schema.types.quotes import Contact, Quote
from schema.types.relay import encode_id
from services.booking import confirming, drafts, forms, quotes, steps

BOOKS_FOR_ONESELF = frozenset({Role.ANONYMOUS, Role.CUSTOMER})
"""Whose policies show them their own booking and no other."""


def steps_of(status: str, steps: Mapping[str, Any]) -> BookingSteps:
    """What each step says that still holds (R41)."""
    draft = draft_from_json(DraftStatus(status), steps)
    who, card = draft.customer, draft.payment
    return BookingSteps(
        saved=[step for step in CONTENT if draft.content_of(step) is not None],
        customer=None if who is None else Contact(name=who.name, email=who.email, phone=who.phone),
        property=_home(draft.property),
        add_ons=None if draft.add_ons is None else BookingAddOns(**asdict(draft.add_ons)),
        calendar=_calendar(draft.calendar),
        terms=None if draft.terms is None else BookingTerms(**asdict(draft.terms)),
        payment=None if card is None else BookingCard(consent_version=card.consent_version),
    )


def _home(said: Any) -> BookingHome | None:
    if said is None:
        return None
    names = [name for name in BookingHome.__annotations__ if name != "property_id"]
    known = None if said.property_id is None else encode_id("Property", said.property_id)
    return BookingHome(**{name: getattr(said, name) for name in names}, property_id=known)


def _calendar(said: Any) -> BookingCalendar | None:
    if said is None:
        return None
    at = None if said.at is None else f"{said.at:%H:%M}"
    return BookingCalendar(ical_url=said.ical_url, first_on=said.first_on, start_time=at, weekday=said.weekday)


def next_of(status: str, steps: Mapping[str, Any]) -> BookingStep:
    """The first step that is missing or does not hold (R41)."""
    return next_step(draft_from_json(DraftStatus(status), steps))


def market_of(market_id: UUID | None) -> str | None:
    """The market's global id, which a visitor is told though they may not see the market itself."""
    return None if market_id is None else encode_id("Market", market_id)


def failure_of(failure: Mapping[str, Any] | None, asked_by: str) -> BookingFailure | None:
    """Why it could not be paid, or what is waited for (R49); the bank's page is for whose booking it is, alone."""
    if failure is None:
        return None
    page = failure.get("actionUrl") if asked_by in BOOKS_FOR_ONESELF else None
    return BookingFailure(message=failure["message"], action_url=page, at=failure["at"])


def order_of(summary: Mapping[str, Any] | None) -> BookingOrder | None:
    """What was ordered (R40)."""
    if summary is None:
        return None
    job = summary["job_id"]
    ids = {
        "service_plan_id": encode_id("ServicePlan", summary["service_plan_id"]),
        "job_id": None if job is None else encode_id("Job", job),
        "price": shown_price(summary["price"]),
    }
    return BookingOrder(**{**{name: summary[name] for name in BookingOrder.__annotations__}, **ids})


registry.sources(
    BookingDraft,
    booking_draft,
    steps=computed(steps_of),
    next_step=computed(next_of),
    market_id=computed(market_of),
    price=computed(shown_price),
    failure=computed(failure_of, asked_by=sql(lambda stamp: stamp.role, str)),
    order=computed(order_of),
    quote_requests=many(quote_request, via="draft_id", order="created_at desc"),
    quote=one(quote, on="quote_id"),
    service_plan=one(service_plan, on="plan_id"),
)


@described
@strawberry.type
class OpenBookingPayload:
    """The answer of openBooking."""

    booking_draft: BookingDraft | None
    """The booking; null if it was refused."""
    booking_token: str | None
    """The bearer token of the booking, told this once: with it, and with nothing else, a visitor comes back. Null for
    who has signed in."""
    errors: list[UserError]
    """Why it was refused; empty if it was done."""


async def open_booking(info: Info[Context, None], input: Any) -> Any:
    """Open it as whoever asks; somebody without a credential becomes a visitor whom the new booking alone knows."""
    context = info.context

    async def read(tx: Tx, made: Any) -> tuple[Any, Any]:
        row = await _read(info, tx, "BookingDraft", made)
        return row, (await tx.get(booking_draft, made)).expires_at

    try:
        wish = to_command(drafts.OpenBooking, input)
        who = await _opener(context, wish.tenant)
        call = Call(who, drafts.open_booking, wish, request_id=context.request_id, origin=context.origin)
        _, (row, expires_at) = await context.services.runner.run_and_read(call, read)
    except Unauthenticated:
        raise
    except Refused as refusal:
        return OpenBookingPayload(booking_draft=None, booking_token=None, errors=[UserError.of(refusal)])
    visits = who.role is Role.ANONYMOUS
    token = context.services.auth.booking_token(who, expires_at) if visits else None
    return OpenBookingPayload(booking_draft=row, booking_token=token, errors=[])


async def _opener(context: Context, tenant: str | None) -> Actor:
    who = await asker(context, tenant)
    # Who holds the token of one booking begins another one as somebody else.
    return replace(who, person=new_id()) if who.role is Role.ANONYMOUS else who


@described
@strawberry.type
class ConfirmBookingPayload:
    """The answer of confirmBooking."""

    booking_draft: BookingDraft | None
    """The booking, which is being paid; null if it was refused."""
    quote: Quote | None
    """Where the price is another than the one that was said yes to: the one that can be said yes to now."""
    differences: list[PriceDifference]
    """What has changed since the price was promised, line by line."""
    errors: list[UserError]
    """Why it was refused; empty if it was done."""


async def confirm_booking(info: Info[Context, None], input: Any) -> Any:
    """Confirm it; a refusal over the price comes with the price as it is now."""
    context = info.context

    async def read(tx: Tx, made: Any) -> Any:
        return await _read(info, tx, "BookingDraft", made)

    try:
        call = call_of(context, confirming.confirm_booking, input)
        _, row = await context.services.runner.run_and_read(call, read)
    except Unauthenticated:
        raise
    except Refused as refusal:
        return await _no(info, refusal)
    return ConfirmBookingPayload(booking_draft=row, quote=None, differences=[], errors=[])


async def _no(info: Info[Context, None], refusal: Refused) -> ConfirmBookingPayload:
    lines, named, offered = refusal.details.get("lines") or [], refusal.details.get("quote"), None
    if named is not None:

        async def read(tx: Tx, made: Any) -> Any:
            return await _read(info, tx, "Quote", made)

        look = quotes.SeeQuote(QuoteId(UUID(named)))
        call = Call(info.context.signed_in, quotes.see_quote, look, request_id=info.context.request_id)
        _, offered = await info.context.services.runner.run_and_read(call, read)
        refusal.details["quote"] = encode_id("Quote", named)
    errors = [UserError.of(refusal)]
    return ConfirmBookingPayload(booking_draft=None, quote=offered, differences=shown_differences(lines), errors=errors)


async def _read(info: Info[Context, None], tx: Tx, kind: str, id: Any) -> Any:
    driver: Any = (await tx.connection.get_raw_connection()).driver_connection
    return await info.context.services.engine.read_payload(driver, info, kind, UUID(str(id)))


def _by_hand(resolve: Any, command: Any, payload: Any) -> Any:
    """A mutation whose answer has more than its entity; a command like every other."""
    name = "".join(part.title() if place else part for place, part in enumerate(command.name.split("_")))
    EXPOSED[name] = command
    hints = {"input": input_type(command.input_type, keyed=not command.secret), "return": payload}
    resolve.__annotations__.update(hints)
    return mutation(resolve, command.name, command.doc)


async def booking_form(info: Info[Context, None], tenant: str | None = None) -> BookingForm:
    """What a booking page has to know before anybody books, for everybody.

    Without a credential name the business by its slug.
    """
    context = info.context
    with as_public():
        who = await asker(context, tenant)
        call = Call(who, forms.read_booking_form, forms.ReadBookingForm(), request_id=context.request_id)
        told = await context.services.runner.run(call)
    markets = [BookingMarket(id=encode_id("Market", row.id), name=row.name, zone=row.zone) for row in told.markets]
    return BookingForm(
        business=told.business,
        currency=told.currency,
        markets=markets,
        consent_version=told.consent_version,
        consent_text=told.consent_text,
        card_consent_text=told.card_consent_text,
        can_pay=told.can_pay,
        is_test=told.is_test,
        publishable_key=told.publishable_key,
    )


def _booking_form() -> Any:
    field: Any = strawberry.field(resolver=booking_form, description=for_clients(booking_form.__doc__ or ""))
    for argument in field.arguments:
        argument.description = "The slug of the business; for who has no credential."
    return field


BOOKING_FORM = _booking_form()

MUTATIONS = {
    "open_booking": _by_hand(open_booking, drafts.open_booking, OpenBookingPayload),
    "save_booking_customer": expose(steps.save_booking_customer, BookingDraft),
    "save_booking_property": expose(
        steps.save_booking_property, BookingDraft, before=looked_up(steps.find_unplaced_in_booking)
    ),
    "save_booking_add_ons": expose(steps.save_booking_add_ons, BookingDraft),
    "save_booking_calendar": expose(steps.save_booking_calendar, BookingDraft),
    "save_booking_terms": expose(steps.save_booking_terms, BookingDraft),
    "save_booking_payment": expose(steps.save_booking_payment, BookingDraft),
    "confirm_booking": _by_hand(confirm_booking, confirming.confirm_booking, ConfirmBookingPayload),
}
