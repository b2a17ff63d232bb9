"""A business's prices in editions: published, never changed, and the last one in force (R59, A30)."""

from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, OFFICE, Role
from domain.errors import Conflict, Invalid
from domain.events import Event, EventType
from domain.ids import PriceBookId
from domain.plans import Term
from domain.price_book import DEFAULT_BOOK, HomeFacts, PriceBook
from domain.pricing import Price, price_of
from domain.scheduling import Drain, HotTubService, Laundry
from models import price_book, tenant
from services.checks import text
from services.inputs import arg
from services.policies import tenant_policy


@dataclass(frozen=True, slots=True)
class PublishPriceBook:
    """New prices, in whole cents; what is left out stays as it is in force."""

    currency: str | None = arg('The code of a known currency whose amounts have cents, as "usd".', default=None)
    base_cents: int | None = arg("For every clean.", default=None)
    per_bedroom_cents: int | None = arg("For each bedroom.", default=None)
    per_bathroom_cents: int | None = arg("For each bathroom.", default=None)
    in_unit_load_cents: int | None = arg("For a load of laundry in the home.", default=None)
    off_site_load_cents: int | None = arg("For a load of laundry away from the home.", default=None)
    free_square_feet: int | None = arg("Up to and with this area there is no surcharge.", default=None)
    surcharge_step_square_feet: int | None = arg("How large a step of the surcharge is.", default=None)
    surcharge_step_cents: int | None = arg("For each step that is begun above the free area.", default=None)
    hot_tub_basic_cents: int | None = arg("For the basic service of a hot tub.", default=None)
    hot_tub_standard_cents: int | None = arg("For the standard service.", default=None)
    hot_tub_premium_cents: int | None = arg("For the premium service.", default=None)
    drain_monthly_cents: int | None = arg("What draining it monthly adds to each clean.", default=None)
    drain_quarterly_cents: int | None = arg("What draining it quarterly adds to each clean.", default=None)
    custom_from_bedrooms: int | None = arg("From so many bedrooms on the office names the price.", default=None)
    custom_from_bathrooms: int | None = arg("From so many bathrooms on the office names the price.", default=None)
    custom_above_square_feet: int | None = arg("Above this area the office names the price.", default=None)
    annual_discount_hundredths: int | None = arg(
        "What is taken off for a year's term, in hundredths of a percent.", default=None
    )
    note: str = arg("Why the prices change, for the office; at most 1,000 characters.", default="")


@dataclass(frozen=True, slots=True)
class QuotedHome:
    """What of a home the price depends on."""

    bedrooms: int = arg("How many bedrooms, 1 to 50.")
    bathrooms: int = arg("How many bathrooms, 1 to 50.")
    square_feet: int = arg("The area in square feet, 1 to 100,000.")
    laundry: Laundry = arg("Where the laundry is done.", default=Laundry.NONE)
    laundry_loads: int = arg("Loads of laundry a clean; 0 where laundry is NONE.", default=0)
    hot_tub: HotTubService = arg("Which service its hot tub gets.", default=HotTubService.NONE)
    drain: Drain = arg("How often the hot tub is drained.", default=Drain.NONE)

    def facts(self, *path: str) -> HomeFacts:
        """The same as the price engine takes it; `Invalid` names the field that cannot be a home's."""
        return HomeFacts(**{f.name: getattr(self, f.name) for f in fields(self)}).ensure(path)


@dataclass(frozen=True, slots=True)
class TellPrice:
    """A home, and for how long its cleans would be booked."""

    home: QuotedHome = arg("The home.")
    term: Term | None = arg("For how long one would sign up.", default=None)


@dataclass(frozen=True, slots=True)
class InForce:
    """The prices that hold now; without an id they are the product's own, as long as none are published."""

    id: UUID | None
    edition: int
    book: PriceBook


@command(*ADMINS)
async def publish_price_book(tx: Tx, input: PublishPriceBook) -> PriceBookId:
    """Publish the next edition of the business's prices (R59, A30); it is in force at once.

    They are in the currency of the setting `pay.currency`: INVALID in any other (A43).
    Earlier editions stay, unchanged. Quotes and plans keep the price that they were made with.
    """
    # One after the other, so that no two are the same edition and none is made of prices that are over.
    await tx.one(select(tenant.c.tenant_id).where(tx.own(tenant)).with_for_update())
    before = await book_in_force(tx)
    given = {f.name: getattr(input, f.name) for f in fields(PriceBook) if getattr(input, f.name) is not None}
    if not given and before.id is not None:
        raise Invalid("Nothing is to be changed.")
    book = PriceBook.from_json(replace(before.book, **given).to_json())
    own = (await tenant_policy(tx)).pay.currency
    if book.currency != own:
        raise Invalid(f"The business is paid and pays in {own}; so are its prices.", field=("currency",))
    note = text(input.note, "note", most=1000, least=0)
    edition = before.edition + 1
    made = await tx.insert(price_book, edition=edition, rules=book.to_json(), note=note, published_at=tx.now)
    tx.audit("PriceBook", made, detail={"edition": edition})
    card = {"id": str(made), "edition": edition, "currency": book.currency}
    tx.emit(Event(EventType.PRICE_BOOK_PUBLISHED, "PriceBook", made, card))
    return PriceBookId(made)


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE, secret=True, when_unpaid=True)
async def tell_price(tx: Tx, input: TellPrice) -> Price:
    """What a clean of such a home costs now (R51 to R61, A30); nothing is promised by it, and nothing kept."""
    return price_of(input.home.facts("home"), (await book_in_force(tx)).book, input.term)


async def book_in_force(tx: Tx) -> InForce:
    """The edition published last, else the product's own prices, in the business's currency (A30, A43)."""
    row = await _last_edition(tx)
    if row is None:
        return InForce(None, 0, replace(DEFAULT_BOOK, currency=(await tenant_policy(tx)).pay.currency))
    return InForce(row.id, row.edition, PriceBook.from_json(row.rules))


async def ensure_currency_of_prices(tx: Tx, currency: str) -> None:
    """Raise `Conflict` where the prices in force are published in another currency: nobody would be charged in one
    and paid in the other (A43). The tenant's row is locked.
    """
    row = await _last_edition(tx)
    if row is None:
        return
    published = PriceBook.from_json(row.rules).currency
    if published != currency:
        details = {"currency": published, "edition": row.edition}
        message = f"The price book in force is in {published}."
        raise Conflict(message, field=("settings", "pay", "currency"), details=details)


async def _last_edition(tx: Tx) -> Row[Any] | None:
    last = select(price_book).where(tx.own(price_book)).order_by(price_book.c.edition.desc()).limit(1)
    async with tx.as_system():
        return await tx.one(last)
