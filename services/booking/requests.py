"""Homes that the price book has no price for: the office names one, and the customer answers (A31, R182, R204).

A price that is accepted always leads to a booking: the one that it was asked in, or a new one with the home filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.booking import (
    AddOnsStep,
    BookingDraft,
    CustomerStep,
    DraftStatus,
    PropertyStep,
    draft_to_json,
    home_of,
    next_step,
    save_step,
)
from domain.errors import Conflict, IllegalTransition, Invalid, QuoteExpired, Refused
from domain.ids import BookingDraftId, PropertyId, QuoteId, QuoteRequestId
from domain.money import LEAST_CHARGE_CENTS, ensure_cents
from domain.notifications import NotificationKind
from domain.price_book import HomeFacts
from domain.pricing import REASON_WORDS, agreed_price, price_of
from domain.quotes import QuoteRequestStatus, QuoteStatus, ensure_quote_request_transition, ensure_quote_stands
from models import booking_draft, customer, quote, quote_request
from services.booking.asked import STANDING, hold_request, move_request, standing_request, tell_request
from services.booking.drafts import content_of, hold_draft, move_draft, tell_draft
from services.booking.price_books import book_in_force
from services.booking.quotes import Promise, bind_quote, ensure_good, facts_of_home, make_quote, move_quote
from services.checks import text
from services.inputs import arg
from services.notifications import QueueNotifications, office, queue, queue_to
from services.scheduling import tenant_policy

LONGEST_NOTE = 2_000


@dataclass(frozen=True, slots=True)
class RequestQuote:
    """A price by the office is wanted, for a booking or for a home that is known: one of the two."""

    booking_draft_id: BookingDraftId | None = arg("A booking whose customer and home are saved.", default=None)
    property_id: PropertyId | None = arg("One of the customer's homes.", default=None)
    note: str = arg("What the office should know, at most 2,000 characters.", default="")


@dataclass(frozen=True, slots=True)
class NameQuote:
    """The office's price."""

    quote_request_id: QuoteRequestId = arg("What is wanted.")
    total_cents: int = arg("The price of each clean, in whole cents, at least 50.")
    note: str = arg("What the customer should know, at most 2,000 characters.", default="")


@dataclass(frozen=True, slots=True)
class AcceptQuote:
    """The customer wants it."""

    quote_id: QuoteId = arg("The quote, still good.")


@dataclass(frozen=True, slots=True)
class DeclineQuote:
    """The customer does not want it."""

    quote_id: QuoteId = arg("The quote, not booked with.")
    note: str = arg("Why, at most 2,000 characters.", default="")


@dataclass(frozen=True, slots=True)
class DeclineQuoteRequest:
    """The office has no price for it."""

    quote_request_id: QuoteRequestId = arg("What is wanted.")
    note: str = arg("Why, at most 2,000 characters.", default="")


@dataclass(frozen=True, slots=True)
class ExpireQuote:
    """A quote whose time may be over."""

    quote_id: QuoteId


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the office is asked, and by whom."""

    contact: Mapping[str, str | None]
    home: HomeFacts
    customer: UUID | None = None
    property: UUID | None = None
    draft: UUID | None = None
    note: str = ""


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE)
async def request_quote(tx: Tx, input: RequestQuote) -> QuoteRequestId:
    """Ask the office for a price (A31, R182); the office is told. One that is asked for already is the same one."""
    note = text(input.note, "note", most=LONGEST_NOTE, least=0)
    if (input.booking_draft_id is None) is (input.property_id is None):
        raise Invalid("Name a booking or a home: one of the two.", field=("bookingDraftId",))
    if input.booking_draft_id is not None:
        return await ask_office(tx, await hold_draft(tx, input.booking_draft_id), note)
    assert input.property_id is not None  # noqa: S101 (one of the two is given)
    place, facts = await facts_of_home(tx, input.property_id, "propertyId")
    whose = await tx.get(customer, place.customer_id)
    contact = {"name": whose.name, "email": whose.email, "phone": whose.phone}
    standing = quote_request.c.property_id == place.id
    wanted = Wanted(contact, facts, whose.id, property=place.id, note=note)
    known = await standing_request(tx, standing)
    return await _ask(tx, wanted) if known is None else QuoteRequestId(known.id)


async def ask_office(tx: Tx, row: Row[Any], note: str = "") -> QuoteRequestId:
    """Ask the office for the price of a locked booking, which then waits for it (A31).

    Raises `IllegalTransition` before customer and home are saved, `Conflict` where the price book has a price.
    """
    draft = content_of(row)
    said, facts = draft.customer, home_of(draft)
    if said is None or facts is None:
        details = {"next": next_step(draft).value}
        raise IllegalTransition(
            "Tell who you are and about the home first.", field=("bookingDraftId",), details=details
        )
    if not price_of(facts, (await book_in_force(tx)).book).is_custom_quote:
        raise Conflict("There is a price for this home; nobody needs to be asked.", field=("bookingDraftId",))
    known = await standing_request(tx, quote_request.c.draft_id == row.id)
    if known is not None:
        return QuoteRequestId(known.id)
    contact = {"name": said.name, "email": said.email, "phone": said.phone}
    made = await _ask(tx, Wanted(contact, facts, row.customer_id, draft=row.id, note=note))
    await move_draft(tx, row, DraftStatus.CUSTOM_QUOTE)
    return made


@command(*OFFICE)
async def name_quote(tx: Tx, input: NameQuote) -> QuoteId:
    """Name a price for a home (A31, R182): it stands for as long as the business's setting says, and is told.

    Another price for the same request replaces the one before.
    """
    total = ensure_cents(input.total_cents, "totalCents", LEAST_CHARGE_CENTS)
    row = await tx.get(quote_request, input.quote_request_id, "quoteRequestId", lock=True)
    ensure_quote_request_transition(QuoteRequestStatus(row.status), QuoteRequestStatus.QUOTED)
    if row.quote_id is not None:
        before = await tx.get(quote, row.quote_id, lock=True)
        if before.status == QuoteStatus.OPEN:
            await move_quote(tx, before, QuoteStatus.REPLACED)
    expires_at = tx.now + (await tenant_policy(tx)).booking.offer_life
    price = agreed_price(total, (await book_in_force(tx)).book.currency)
    made = await make_quote(
        tx,
        Promise(
            HomeFacts.from_json(row.home),
            price,
            expires_at,
            draft=row.draft_id,
            customer=row.customer_id,
            property=row.property_id,
            request=row.id,
            is_custom=True,
            note=text(input.note, "note", most=LONGEST_NOTE, least=0),
        ),
    )
    await move_request(tx, row, QuoteRequestStatus.QUOTED, quote_id=made, answered_at=tx.now)
    card = {"total_cents": total, "currency": price.currency, "name": row.contact["name"], "note": input.note}
    await _tell_customer(tx, row, NotificationKind.QUOTE_NAMED, f"quote:{made}", card)
    return made


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE)
async def accept_quote(tx: Tx, input: AcceptQuote) -> BookingDraftId:
    """Accept a price (R182, R204): the booking that it leads to, open for its next step.

    QUOTE_EXPIRED where it is over, replaced or used. Nothing is charged before the booking is confirmed.
    """
    offered = await _hold(tx, input.quote_id)
    ensure_good(tx, offered)
    row = await _booking_of(tx, offered)
    if offered.request_id is not None:
        wanted = await hold_request(tx, offered.request_id)
        if wanted.status == QuoteRequestStatus.QUOTED:
            await move_request(tx, wanted, QuoteRequestStatus.ACCEPTED)
    facts = home_of(content_of(row))
    if facts is None or facts.to_json() != offered.home:
        raise QuoteExpired("This quote is not for what is booked now; ask for a new one.", field=("quoteId",))
    await move_draft(tx, row, DraftStatus.OPEN, quote_id=offered.id, price=offered.price)
    return BookingDraftId(row.id)


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE)
async def decline_quote(tx: Tx, input: DeclineQuote) -> QuoteId:
    """Decline a price (R182, R204). QUOTE_EXPIRED where it is over or used already."""
    offered = await _hold(tx, input.quote_id)
    ensure_quote_stands(QuoteStatus(offered.status), offered.expires_at, tx.now)
    note = text(input.note, "note", most=LONGEST_NOTE, least=0)
    await move_quote(tx, offered, QuoteStatus.DECLINED)
    if offered.request_id is not None:
        wanted = await hold_request(tx, offered.request_id)
        if wanted.status in STANDING:
            await move_request(tx, wanted, QuoteRequestStatus.DECLINED, reason=note)
    return input.quote_id


@command(*OFFICE)
async def decline_quote_request(tx: Tx, input: DeclineQuoteRequest) -> QuoteRequestId:
    """Say that the business has no price for a home (A31); who asked is told."""
    note = text(input.note, "note", most=LONGEST_NOTE, least=0)
    row = await tx.get(quote_request, input.quote_request_id, "quoteRequestId", lock=True)
    await move_request(tx, row, QuoteRequestStatus.DECLINED, reason=note, answered_at=tx.now)
    if row.quote_id is not None:
        before = await tx.get(quote, row.quote_id, lock=True)
        if before.status == QuoteStatus.OPEN:
            await move_quote(tx, before, QuoteStatus.DECLINED)
    card = {"name": row.contact["name"], "note": note}
    await _tell_customer(tx, row, NotificationKind.QUOTE_REFUSED, f"no-quote:{row.id}", card)
    return input.quote_request_id


@command(Role.SYSTEM)
async def expire_quote(tx: Tx, input: ExpireQuote) -> QuoteId:
    """End a quote whose time is over, and the request that it answered (A33)."""
    row = await tx.get(quote, input.quote_id, lock=True)
    if row.status != QuoteStatus.OPEN or tx.now < row.expires_at:
        return input.quote_id
    await move_quote(tx, row, QuoteStatus.EXPIRED)
    if row.request_id is not None:
        wanted = await tx.get(quote_request, row.request_id, lock=True)
        if wanted.status == QuoteRequestStatus.QUOTED and wanted.quote_id == row.id:
            await move_request(tx, wanted, QuoteRequestStatus.EXPIRED)
    return input.quote_id


async def _hold(tx: Tx, id: QuoteId) -> Row[Any]:
    """The quote, locked, if the actor may see it; `NotFound` else (R3)."""
    await tx.get(quote, id, "quoteId")
    async with tx.as_system():
        return await tx.get(quote, id, "quoteId", lock=True)


async def _booking_of(tx: Tx, offered: Row[Any]) -> Row[Any]:
    """The booking that the quote was made for, locked; a new one where there was none, or it is over."""
    if offered.draft_id is not None:
        row = await hold_draft(tx, BookingDraftId(offered.draft_id))
        if row.status not in {DraftStatus.OPEN, DraftStatus.CUSTOM_QUOTE}:
            raise IllegalTransition(
                f"This booking cannot be changed any more: it is {row.status}.",
                field=("quoteId",),
                details={"status": row.status},
            )
        return row
    return await _new_booking(tx, offered)


async def _new_booking(tx: Tx, offered: Row[Any]) -> Row[Any]:
    """A booking of the quote's home, as far as it is known; the quote is signed for it anew."""
    if offered.customer_id is None or offered.property_id is None:
        raise Conflict("This quote is for no home that is known; begin a booking.", field=("quoteId",))
    place, facts = await facts_of_home(tx, offered.property_id, "quoteId")
    async with tx.as_system():
        whose = await tx.get(customer, offered.customer_id)
        made = await tx.insert(
            booking_draft,
            customer_id=whose.id,
            market_id=place.market_id,
            status=DraftStatus.OPEN.value,
            steps=_steps_of(whose, place, facts),
            expires_at=tx.now + (await tenant_policy(tx)).booking.draft_life,
            created_at=tx.now,
        )
        row = await tx.get(booking_draft, made, lock=True)
    tell_draft(tx, row)
    await bind_quote(tx, offered, draft_id=made)
    return row


def _steps_of(whose: Row[Any], place: Row[Any], facts: HomeFacts) -> dict[str, Any]:
    """What is known already, up to the first step that is not."""
    contents: list[Any] = [
        CustomerStep(whose.name, whose.email or "", whose.phone or ""),
        PropertyStep(
            place.address,
            place.city,
            place.postal_code,
            place.latitude,
            place.longitude,
            facts.bedrooms,
            facts.bathrooms,
            facts.square_feet,
            place.id,
        ),
        AddOnsStep(facts.laundry, facts.laundry_loads, facts.hot_tub, facts.drain),
    ]
    draft = BookingDraft()
    try:
        for content in contents:
            draft = save_step(draft, content)
    except Refused:
        pass
    return draft_to_json(draft)


async def _ask(tx: Tx, wanted: Wanted) -> QuoteRequestId:
    reasons = price_of(wanted.home, (await book_in_force(tx)).book).custom_reasons
    async with tx.as_system(wholly=True):
        made = await tx.insert(
            quote_request,
            customer_id=wanted.customer,
            property_id=wanted.property,
            draft_id=wanted.draft,
            status=QuoteRequestStatus.REQUESTED.value,
            contact=dict(wanted.contact),
            home=wanted.home.to_json(),
            reasons=[{"code": reason.value, "message": REASON_WORDS[reason]} for reason in reasons],
            note=wanted.note,
            created_at=tx.now,
        )
        tell_request(tx, await tx.get(quote_request, made))
        card = {"name": wanted.contact["name"], "reasons": [REASON_WORDS[reason] for reason in reasons]}
        told = QueueNotifications(NotificationKind.QUOTE_REQUESTED, f"request:{made}", card, await office(tx))
        await queue(tx, told)
    return QuoteRequestId(made)


async def _tell_customer(tx: Tx, row: Row[Any], kind: NotificationKind, topic: str, card: Mapping[str, Any]) -> None:
    """By mail: whoever is known by their id, a visitor at the address that they gave."""
    async with tx.as_system(wholly=True):
        if row.customer_id is not None:
            await queue(tx, QueueNotifications(kind, topic, card, [row.customer_id]))
        elif row.contact["email"]:
            await queue_to(tx, QueueNotifications(kind, topic, card, [row.id]), row.contact["email"])
