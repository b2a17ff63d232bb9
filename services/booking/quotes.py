"""Promised prices: kept line by line, signed over all that was promised, and good until they expire (A33).

A quote of the price book is recomputed when it is booked with: the signature says what the customer was shown, and the
book in force what it costs. One that the office has named stands as it is.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, update

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.booking import DraftStatus, draft_from_json, home_of
from domain.errors import Invalid, QuoteExpired
from domain.events import Event, EventType
from domain.ids import BookingDraftId, PropertyId, QuoteId
from domain.plans import Term
from domain.price_book import HomeFacts
from domain.pricing import Price, chargeable_cents, price_of, price_to_json
from domain.quotes import QuoteStatus, ensure_quote_stands, ensure_quote_transition
from domain.scheduling import Drain, HotTubService, Laundry
from models import booking_draft, quote
from models import property as home
from services.booking.drafts import hold_draft, tell_draft
from services.booking.price_books import QuotedHome, book_in_force
from services.inputs import arg
from services.scheduling import tenant_policy

EXPIRE_TASK = "expire_quote"


@dataclass(frozen=True, slots=True)
class QuotePrice:
    """What a price is wanted for: a booking, a home that is known, or the facts of one. Exactly one of them."""

    booking_draft_id: BookingDraftId | None = arg("A booking whose home is saved.", default=None)
    property_id: PropertyId | None = arg("A home that is known.", default=None)
    home: QuotedHome | None = arg("The facts of a home; for who is signed in.", default=None)
    term: Term | None = arg("For how long one would sign up; a booking's own terms count else.", default=None)


@dataclass(frozen=True, slots=True)
class SeeQuote:
    """A quote to look at."""

    quote_id: QuoteId


@dataclass(frozen=True, slots=True)
class Promise:
    """Everything that a quote is made of."""

    home: HomeFacts
    price: Price
    expires_at: datetime
    term: Term | None = None
    price_book: UUID | None = None
    draft: UUID | None = None
    customer: UUID | None = None
    property: UUID | None = None
    request: UUID | None = None
    is_custom: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """Whom and what a quote is for."""

    home: HomeFacts
    term: Term | None = None
    ids: Mapping[str, UUID | None] = field(default_factory=dict)


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE)
async def quote_price(tx: Tx, input: QuotePrice) -> QuoteId:
    """Promise a price for as long as the business's setting says (A33), line by line.

    An earlier promise of the price book for the same booking is replaced. CUSTOM_QUOTE_NEEDED where the book has no
    price for the home (A31).
    """
    given = (input.booking_draft_id, input.property_id, input.home)
    if sum(one is not None for one in given) != 1:
        raise Invalid("Name a booking, a home, or the facts of one: exactly one of the three.", field=("home",))
    about = await _about(tx, input)
    return await promise_price(tx, about)


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE, secret=True, when_unpaid=True)
async def see_quote(tx: Tx, input: SeeQuote) -> QuoteId:
    """That there is such a quote for the actor."""
    await tx.get(quote, input.quote_id, "quoteId")
    return input.quote_id


async def promise_price(tx: Tx, about: About) -> QuoteId:
    """Make a quote by the book in force. Raises `CustomQuoteNeeded` where it has no price."""
    now = await book_in_force(tx)
    price = price_of(about.home, now.book, about.term)
    chargeable_cents(price)
    expires_at = tx.now + (await tenant_policy(tx)).booking.quote_life
    ids: Any = {name: id for name, id in about.ids.items() if id is not None}
    if draft := about.ids.get("draft"):
        await replace_open(tx, quote.c.draft_id == draft)
    made = await make_quote(tx, Promise(about.home, price, expires_at, about.term, now.id, **ids))
    if draft:
        await _name_in_draft(tx, draft, made)
    return made


async def make_quote(tx: Tx, promise: Promise) -> QuoteId:
    """Write a quote with its signature; it ends by itself at its time."""
    id = new_id()
    values = {
        "id": id,
        "customer_id": promise.customer,
        "property_id": promise.property,
        "draft_id": promise.draft,
        "request_id": promise.request,
        "price_book_id": promise.price_book,
        "status": QuoteStatus.OPEN.value,
        "home": promise.home.to_json(),
        "price": price_to_json(promise.price),
        "total_cents": chargeable_cents(promise.price),
        "currency": promise.price.currency,
        "term": promise.term,
        "is_custom": promise.is_custom,
        "note": promise.note,
        "expires_at": promise.expires_at,
        "created_at": tx.now,
    }
    async with tx.as_system():
        await tx.insert(quote, **values, signature=signature_of(tx, values))
        made = await tx.get(quote, id)
    tx.later(EXPIRE_TASK, {"quote": str(id)}, run_at=promise.expires_at, dedupe_key=f"expire-quote:{id}")
    tell_quote(tx, made)
    return QuoteId(id)


def signature_of(tx: Tx, values: Mapping[str, Any]) -> bytes:
    """The keyed hash over all that a quote promises: which, to whom, for which home, how much, by which book (A33)."""
    return tx.secrets.mac(
        "quote",
        str(tx.actor.tenant),
        *(str(values[name] or "") for name in _IDS),
        str(values["total_cents"]),
        values["currency"],
        str(values["term"] or ""),
        orjson.dumps([values["home"], values["price"], values["is_custom"]], option=orjson.OPT_SORT_KEYS),
        values["expires_at"].astimezone(UTC).isoformat(),
    )


_IDS = ("id", "customer_id", "property_id", "draft_id", "request_id", "price_book_id")
_SIGNED = (*_IDS, "home", "price", "total_cents", "currency", "term", "is_custom", "expires_at")


def _said(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _SIGNED}


def is_genuine(tx: Tx, row: Row[Any]) -> bool:
    """Whether the quote says what was signed."""
    return hmac.compare_digest(signature_of(tx, _said(row)), row.signature)


def ensure_good(tx: Tx, row: Row[Any]) -> None:
    """Raise `QuoteExpired` unless the quote is open, in time, and as it was signed (A33)."""
    ensure_quote_stands(QuoteStatus(row.status), row.expires_at, tx.now)
    if not is_genuine(tx, row):
        raise QuoteExpired("This quote is not as it was made; ask for a new one.", field=("quoteId",))


async def move_quote(tx: Tx, row: Row[Any], status: QuoteStatus, **values: Any) -> None:
    """Move a quote as its table allows (R260), and tell of it."""
    ensure_quote_transition(QuoteStatus(row.status), status)
    async with tx.as_system():
        await tx.change(quote, row.id, status=status.value, **values)
        tell_quote(tx, await tx.get(quote, row.id))


async def bind_quote(tx: Tx, row: Row[Any], **ids: Any) -> None:
    """Sign a good quote anew, now that it is known whose it is, or what for."""
    async with tx.as_system():
        await tx.change(quote, row.id, **ids, signature=signature_of(tx, {**_said(row), **ids}))


async def replace_open(tx: Tx, which: Any) -> None:
    """Take back the price book's open promises for which this holds: a later one stands in their place."""
    async with tx.as_system():
        gone = await tx.all(
            update(quote)
            .where(tx.own(quote), which, quote.c.status == QuoteStatus.OPEN, ~quote.c.is_custom)
            .values(status=QuoteStatus.REPLACED.value, version=quote.c.version + 1)
            .returning(quote)
        )
    for row in gone:
        tell_quote(tx, row)


def tell_quote(tx: Tx, row: Row[Any]) -> None:
    """Event and audit line of a quote as it is now."""
    tx.audit("Quote", row.id, detail={"status": row.status, "totalCents": row.total_cents})
    card = {
        "id": str(row.id),
        "status": row.status,
        "total_cents": row.total_cents,
        "currency": row.currency,
        "is_custom": row.is_custom,
        "customer_id": None if row.customer_id is None else str(row.customer_id),
        "booking_draft_id": None if row.draft_id is None else str(row.draft_id),
        "expires_at": row.expires_at.isoformat(),
        "version": row.version,
    }
    tx.emit(
        Event(EventType.QUOTE_CHANGED, "Quote", row.id, card, () if row.customer_id is None else (row.customer_id,))
    )


async def facts_of_home(tx: Tx, property_id: UUID, *path: str) -> tuple[Row[Any], HomeFacts]:
    """A home that the actor may see, and what of it the price depends on."""
    row = await tx.get(home, property_id, *path)
    facts = HomeFacts(
        row.bedrooms,
        row.bathrooms,
        row.square_feet,
        Laundry(row.laundry),
        row.laundry_loads,
        HotTubService(row.hot_tub_service),
        Drain(row.hot_tub_drain),
    )
    return row, facts.ensure(path)


async def _about(tx: Tx, input: QuotePrice) -> About:
    if input.booking_draft_id is not None:
        row = await hold_draft(tx, input.booking_draft_id)
        draft = draft_from_json(DraftStatus(row.status), row.steps)
        facts = home_of(draft)
        if facts is None:
            raise Invalid("Tell about the home first.", field=("bookingDraftId",))
        term = draft.terms.term if draft.terms else None
        return About(facts, input.term or term, {"draft": row.id, "customer": row.customer_id})
    if tx.actor.role is Role.ANONYMOUS:
        raise Invalid("Name your booking.", field=("bookingDraftId",))
    if input.property_id is not None:
        place, facts = await facts_of_home(tx, input.property_id, "propertyId")
        return About(facts, input.term, {"property": place.id, "customer": place.customer_id})
    assert input.home is not None  # noqa: S101 (one of the three is given)
    customer = tx.actor.person if tx.actor.role is Role.CUSTOMER else None
    return About(input.home.facts("home"), input.term, {"customer": customer})


async def _name_in_draft(tx: Tx, draft: UUID, made: QuoteId) -> None:
    async with tx.as_system():
        await tx.change(booking_draft, draft, quote_id=made)
        tell_draft(tx, await tx.get(booking_draft, draft))
