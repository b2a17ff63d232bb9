"""A booking in the making: opened by anybody, kept after each step, with its price as it is now (R41, R42).

A visitor is known by their draft alone: their token names it, and the policies show them its row and what hangs on it.
Whatever is written for them is written by the system, after their own eyes have found the draft.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.booking import (
    BookingDraft,
    CustomerStep,
    DraftStatus,
    draft_from_json,
    draft_to_json,
    ensure_draft_transition,
    home_of,
    save_step,
)
from domain.errors import Conflict, IllegalTransition, Invalid, NotFound, Refused
from domain.events import Event, EventType
from domain.ids import BookingDraftId, CustomerId, MarketId
from domain.pricing import Price, price_from_json, price_of, price_to_json
from domain.quotes import QuoteRequestStatus, QuoteStatus
from models import booking_draft, customer, market, quote, quote_request
from services.booking.asked import move_request, standing_request
from services.booking.price_books import book_in_force
from services.inputs import arg
from services.scheduling import tenant_policy

EXPIRE_TASK = "expire_booking"
LIVE = frozenset({DraftStatus.OPEN, DraftStatus.CUSTOM_QUOTE})
"""What becomes too old; what is being paid or is paid does not."""


@dataclass(frozen=True, slots=True)
class OpenBooking:
    """A new booking."""

    tenant: str | None = arg("The slug of the business; for who has no credential yet.", default=None)
    market_id: MarketId | None = arg("Where the home is; needed before its step where there are several.", default=None)
    customer_id: CustomerId | None = arg("For whom the office books; left out by everybody else.", default=None)


@dataclass(frozen=True, slots=True)
class SeeBooking:
    """A booking to look at."""

    booking_draft_id: BookingDraftId


@dataclass(frozen=True, slots=True)
class ExpireBooking:
    """A booking whose time may be over."""

    booking_draft_id: BookingDraftId


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE, secret=True)
async def open_booking(tx: Tx, input: OpenBooking) -> BookingDraftId:
    """Begin a booking (R41): it can be saved and resumed at each step until it expires.

    A visitor's draft has the id that their token will name. A customer who is signed in books for themself, and the
    first step is saved already where they are known well enough; the office books for whom it names.
    """
    whose = await _whose(tx, input.customer_id)
    place = None if input.market_id is None else (await live_market(tx, input.market_id)).id
    expires_at = tx.now + (await tenant_policy(tx)).booking.draft_life
    own_id = {"id": tx.actor.person} if tx.actor.role is Role.ANONYMOUS else {}
    async with tx.as_system():
        made = await tx.insert(
            booking_draft,
            **own_id,
            customer_id=None if whose is None else whose.id,
            market_id=place,
            status=DraftStatus.OPEN.value,
            steps={} if whose is None else _known(whose),
            expires_at=expires_at,
            created_at=tx.now,
        )
        tell_draft(tx, await tx.get(booking_draft, made))
    tx.later(EXPIRE_TASK, {"draft": str(made)}, run_at=expires_at, dedupe_key=f"expire-booking:{made}")
    return BookingDraftId(made)


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE, secret=True, when_unpaid=True)
async def see_booking(tx: Tx, input: SeeBooking) -> BookingDraftId:
    """That there is such a booking for the actor."""
    await tx.get(booking_draft, input.booking_draft_id, "bookingDraftId")
    return input.booking_draft_id


@command(Role.SYSTEM)
async def expire_booking(tx: Tx, input: ExpireBooking) -> BookingDraftId:
    """End a booking that nobody went on with in its time."""
    row = await tx.get(booking_draft, input.booking_draft_id, lock=True)
    if row.status in LIVE and tx.now >= row.expires_at:
        await move_draft(tx, row, DraftStatus.EXPIRED)
    return input.booking_draft_id


async def hold_draft(tx: Tx, id: BookingDraftId, *, live: bool = True) -> Row[Any]:
    """The draft, locked, if the actor may see it: `NotFound` else (R3). `IllegalTransition` once its time is over."""
    await tx.get(booking_draft, id, "bookingDraftId")
    async with tx.as_system():
        row = await tx.get(booking_draft, id, "bookingDraftId", lock=True)
    if live and row.status in LIVE and tx.now >= row.expires_at:
        message = "This booking is too old; begin a new one."
        raise IllegalTransition(message, field=("bookingDraftId",), details={"status": DraftStatus.EXPIRED.value})
    return row


def content_of(row: Row[Any]) -> BookingDraft:
    """What the draft's steps say."""
    return draft_from_json(DraftStatus(row.status), row.steps)


async def save(tx: Tx, row: Row[Any], content: Any, **values: Any) -> BookingDraftId:
    """Keep a step of a locked draft, and the price as it is with it (R41, R42). Raises `Invalid`, `IllegalTransition`.

    A draft that waited for the office's price is open again where the price book has one now.
    """
    after = save_step(content_of(row), content)
    price = await _live_price(tx, row, after)
    values |= {"steps": draft_to_json(after), "price": None if price is None else price_to_json(price)}
    status = DraftStatus.OPEN if price is not None and not price.is_custom_quote else DraftStatus(row.status)
    if status != row.status:
        await _ask_no_more(tx, row)
    await move_draft(tx, row, status, failure=None, **values)
    return BookingDraftId(row.id)


async def _ask_no_more(tx: Tx, row: Row[Any]) -> None:
    """Nobody has to name a price any more."""
    asked = await standing_request(tx, quote_request.c.draft_id == row.id)
    if asked is not None:
        why = "The home was changed into one that has a price."
        await move_request(tx, asked, QuoteRequestStatus.DECLINED, reason=why)


async def move_draft(tx: Tx, row: Row[Any], status: DraftStatus, **values: Any) -> None:
    """Change a locked draft, its status as the table allows (R260), and tell of it."""
    before = DraftStatus(row.status)
    if status is not before:
        ensure_draft_transition(before, status)
    async with tx.as_system():
        await tx.change(booking_draft, row.id, status=status.value, **values)
        tell_draft(tx, await tx.get(booking_draft, row.id))


def tell_draft(tx: Tx, row: Row[Any]) -> None:
    """Event and audit line of a booking as it is now; what it says is not in them."""
    tx.audit("BookingDraft", row.id, detail={"status": row.status})
    card = {
        "id": str(row.id),
        "status": row.status,
        "saved": sorted(row.steps),
        "customer_id": None if row.customer_id is None else str(row.customer_id),
        "market_id": None if row.market_id is None else str(row.market_id),
        "quote_id": None if row.quote_id is None else str(row.quote_id),
        "service_plan_id": None if row.plan_id is None else str(row.plan_id),
        "expires_at": row.expires_at.isoformat(),
        "version": row.version,
    }
    people = () if row.customer_id is None else (row.customer_id,)
    tx.emit(Event(EventType.BOOKING_CHANGED, "BookingDraft", row.id, card, people))


async def live_market(tx: Tx, id: MarketId | UUID | None) -> Row[Any]:
    """The market, if it is open; without an id the only one. `Invalid` where one has to be chosen."""
    async with tx.as_system():
        if id is not None:
            row = await tx.get(market, id, "marketId")
        else:
            open_ones = await tx.all(select(market).where(tx.own(market), market.c.archived_at.is_(None)).limit(2))
            if len(open_ones) != 1:
                raise Invalid("Choose the market that the home is in.", field=("marketId",))
            row = open_ones[0]
    if row.archived_at is not None:
        raise Conflict("This market is archived.", field=("marketId",))
    return row


async def _live_price(tx: Tx, row: Row[Any], draft: BookingDraft) -> Price | None:
    """The price of what is saved so far: the office's own where it has named one for this very home (A31)."""
    facts = home_of(draft)
    if facts is None:
        return None
    named = await _named(tx, row, tx.now)
    if named is not None and named.home == facts.to_json():
        return price_from_json(named.price)
    return price_of(facts, (await book_in_force(tx)).book, draft.terms.term if draft.terms else None)


async def _named(tx: Tx, row: Row[Any], now: datetime) -> Row[Any] | None:
    async with tx.as_system():
        return await tx.one(
            select(quote).where(
                tx.own(quote),
                quote.c.id == row.quote_id,
                quote.c.is_custom,
                quote.c.status == QuoteStatus.OPEN,
                quote.c.expires_at > now,
            )
        )


async def _whose(tx: Tx, named: CustomerId | None) -> Row[Any] | None:
    if tx.actor.role is Role.CUSTOMER:
        return await tx.get(customer, tx.actor.person)
    if named is None:
        return None
    if tx.actor.role is Role.ANONYMOUS:
        raise NotFound(field=("customerId",))
    row = await tx.get(customer, named, "customerId")
    if row.archived_at is not None:
        raise Conflict("This customer is archived.", field=("customerId",))
    return row


def _known(whose: Row[Any]) -> dict[str, Any]:
    """The first step of somebody who is known; nothing where something of it is missing."""
    try:
        step = CustomerStep(whose.name, whose.email or "", whose.phone or "")
        return draft_to_json(save_step(BookingDraft(), step))
    except Refused:
        return {}
