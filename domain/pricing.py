"""The price of a clean: one engine for quote, booking and nightly hold, over prices that are data (R51 to R61).

All amounts are integer cents. A home that the book has no price for has none until the office names one (A31).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.errors import CustomQuoteNeeded, PriceChanged
from domain.money import LEAST_CHARGE_CENTS, ensure_cents, percent, written
from domain.plans import Term
from domain.price_book import DEFAULT_BOOK, HomeFacts, PriceBook
from domain.scheduling import Laundry

__all__ = [
    "DEFAULT_BOOK",
    "REASON_WORDS",
    "CustomReason",
    "HomeFacts",
    "LineCode",
    "LineDifference",
    "Price",
    "PriceBook",
    "PriceLine",
    "agreed_price",
    "chargeable_cents",
    "differences",
    "ensure_price_seen",
    "price_from_json",
    "price_of",
    "price_to_json",
]


class LineCode(StrEnum):
    """What a line of a price is for."""

    BASE = "BASE"
    BEDROOMS = "BEDROOMS"
    BATHROOMS = "BATHROOMS"
    SQUARE_FEET = "SQUARE_FEET"
    LAUNDRY = "LAUNDRY"
    HOT_TUB = "HOT_TUB"
    DRAIN = "DRAIN"
    DISCOUNT = "DISCOUNT"
    AGREED = "AGREED"
    """The whole price, as the office named it (A31)."""


class CustomReason(StrEnum):
    """Why a book has no price for a home (A31)."""

    BEDROOMS = "BEDROOMS"
    BATHROOMS = "BATHROOMS"
    SQUARE_FEET = "SQUARE_FEET"
    NO_PRICE = "NO_PRICE"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price: `amount_cents` is quantity by unit; what is taken off is negative. A code stands once."""

    code: LineCode
    label: str
    quantity: int
    unit_cents: int

    @property
    def amount_cents(self) -> int:
        """Quantity by unit."""
        return self.quantity * self.unit_cents

    def in_words(self) -> str:
        """The line for people, as `Bedrooms: 3 x 15.00 = 45.00`."""
        if self.quantity == 1:
            return f"{self.label}: {written(self.amount_cents)}"
        return f"{self.label}: {self.quantity} x {written(self.unit_cents)} = {written(self.amount_cents)}"


@dataclass(frozen=True, slots=True)
class Price:
    """What a clean costs, line by line (R52). A custom quote has no lines and no total: there is nothing to charge."""

    currency: str
    lines: tuple[PriceLine, ...]
    custom_reasons: tuple[CustomReason, ...] = ()

    @property
    def is_custom_quote(self) -> bool:
        """Whether the office has to name the price (A31)."""
        return bool(self.custom_reasons)

    @property
    def base_cents(self) -> int:
        """The home itself: base, bedrooms and bathrooms (R53); or all that was agreed."""
        return self._sum(LineCode.BASE, LineCode.BEDROOMS, LineCode.BATHROOMS, LineCode.AGREED)

    @property
    def square_feet_surcharge_cents(self) -> int:
        """What a large area adds (R54)."""
        return self._sum(LineCode.SQUARE_FEET)

    @property
    def laundry_cents(self) -> int:
        """All loads (R55, R56)."""
        return self._sum(LineCode.LAUNDRY)

    @property
    def hot_tub_cents(self) -> int:
        """Service and drain (R57)."""
        return self._sum(LineCode.HOT_TUB, LineCode.DRAIN)

    @property
    def discount_cents(self) -> int:
        """What is taken off, as a positive number (A32)."""
        return -self._sum(LineCode.DISCOUNT)

    @property
    def total_cents(self) -> int | None:
        """The four parts less the discount (R52); None for a custom quote."""
        return None if self.is_custom_quote else sum(line.amount_cents for line in self.lines)

    def _sum(self, *codes: LineCode) -> int:
        return sum(line.amount_cents for line in self.lines if line.code in codes)


def price_of(facts: HomeFacts, book: PriceBook = DEFAULT_BOOK, term: Term | None = None) -> Price:
    """What one clean of the home costs by this book (R51 to R58, R60). Raises `Invalid` for an impossible home."""
    home = facts.ensure()
    if reasons := tuple(_custom_reasons(home, book)):
        return Price(book.currency, (), reasons)
    lines = tuple(line for line in _lines(home, book) if line.quantity and line.unit_cents)
    before = sum(line.amount_cents for line in lines)
    off = percent(before, book.annual_discount_hundredths) if term is Term.ANNUAL else 0
    if before - off < LEAST_CHARGE_CENTS:
        return Price(book.currency, (), (CustomReason.NO_PRICE,))
    discount = (PriceLine(LineCode.DISCOUNT, "Discount for a year", 1, -off),) if off else ()
    return Price(book.currency, (*lines, *discount))


def agreed_price(total_cents: int, currency: str) -> Price:
    """A price that the office named (A31), as one line."""
    total = ensure_cents(total_cents, "totalCents", LEAST_CHARGE_CENTS)
    return Price(currency, (PriceLine(LineCode.AGREED, "Agreed price", 1, total),))


def chargeable_cents(price: Price) -> int:
    """The total; `CustomQuoteNeeded` where there is none, so that nothing is charged without a price (A31)."""
    if price.total_cents is None:
        reasons = [{"code": reason.value, "message": REASON_WORDS[reason]} for reason in price.custom_reasons]
        raise CustomQuoteNeeded(details={"reasons": reasons})
    return price.total_cents


REASON_WORDS: Mapping[CustomReason, str] = {
    CustomReason.BEDROOMS: "For so many bedrooms the office names the price.",
    CustomReason.BATHROOMS: "For so many bathrooms the office names the price.",
    CustomReason.SQUARE_FEET: "For so large a home the office names the price.",
    CustomReason.NO_PRICE: "By the price list this costs nothing; the office names the price.",
}


def _custom_reasons(home: HomeFacts, book: PriceBook) -> Iterator[CustomReason]:
    if home.bedrooms >= book.custom_from_bedrooms:
        yield CustomReason.BEDROOMS
    if home.bathrooms >= book.custom_from_bathrooms:
        yield CustomReason.BATHROOMS
    if home.square_feet > book.custom_above_square_feet:
        yield CustomReason.SQUARE_FEET


_LAUNDRY_LABELS = {
    Laundry.NONE: "Laundry",
    Laundry.IN_UNIT: "Loads of laundry in the home",
    Laundry.OFF_SITE: "Loads of laundry away from the home",
}


def _lines(home: HomeFacts, book: PriceBook) -> Iterator[PriceLine]:
    area = f"Each {book.surcharge_step_square_feet:,} square feet begun above {book.free_square_feet:,}"
    yield PriceLine(LineCode.BASE, "Base", 1, book.base_cents)
    yield PriceLine(LineCode.BEDROOMS, "Bedrooms", home.bedrooms, book.per_bedroom_cents)
    yield PriceLine(LineCode.BATHROOMS, "Bathrooms", home.bathrooms, book.per_bathroom_cents)
    yield PriceLine(LineCode.SQUARE_FEET, area, book.steps_above(home.square_feet), book.surcharge_step_cents)
    load = book.load_cents(home.laundry)
    yield PriceLine(LineCode.LAUNDRY, _LAUNDRY_LABELS[home.laundry], home.laundry_loads, load)
    service = f"Hot tub, {home.hot_tub.lower()} service"
    yield PriceLine(LineCode.HOT_TUB, service, 1, book.hot_tub_cents(home.hot_tub))
    yield PriceLine(LineCode.DRAIN, f"Hot tub drained {home.drain.lower()}", 1, book.drain_cents(home.drain))


@dataclass(frozen=True, slots=True)
class LineDifference:
    """How one line of a price has changed, in cents and in words; 0 where the line is not there."""

    code: LineCode
    before_cents: int
    after_cents: int
    message: str


def differences(before: Price, after: Price) -> tuple[LineDifference, ...]:
    """Every line that is different, so that a price that changed explains itself (A33); they sum to the difference."""
    old, new = ({line.code: line for line in price.lines} for price in (before, after))
    return tuple(_difference(code, old.get(code), new.get(code)) for code in LineCode if old.get(code) != new.get(code))


def _difference(code: LineCode, old: PriceLine | None, new: PriceLine | None) -> LineDifference:
    was, now = (line.amount_cents if line else 0 for line in (old, new))
    if old is None and new is not None:
        message = f"New: {new.in_words()}."
    elif new is None and old is not None:
        message = f"No longer: {old.in_words()}."
    else:
        message = f"{new.in_words()}, before {old.in_words()}." if old and new else ""
    return LineDifference(code, was, now, message)


def ensure_price_seen(submitted_cents: int, seen: Price, now: Price) -> int:
    """The total to charge; `PriceChanged` unless the submitted one is that, to the cent (R43, R61, A33).

    `seen` is the price that the customer was promised, `now` is the server's. `details["lines"]` explains what changed.
    """
    total = chargeable_cents(now)
    if ensure_cents(submitted_cents, "totalCents") == total and seen.currency == now.currency:
        return total
    lines = [
        {"code": one.code.value, "beforeCents": one.before_cents, "afterCents": one.after_cents, "message": one.message}
        for one in differences(seen, now)
    ]
    details = {"submittedCents": submitted_cents, "totalCents": total, "currency": now.currency, "lines": lines}
    raise PriceChanged(field=("totalCents",), details=details)


def price_to_json(price: Price) -> dict[str, Any]:
    """The breakdown as it is kept with a quote or a job: lines and totals."""
    return {
        "currency": price.currency,
        "lines": [
            {"code": line.code.value, "label": line.label, "quantity": line.quantity, "unitCents": line.unit_cents}
            | {"amountCents": line.amount_cents}
            for line in price.lines
        ],
        "baseCents": price.base_cents,
        "squareFeetSurchargeCents": price.square_feet_surcharge_cents,
        "laundryCents": price.laundry_cents,
        "hotTubCents": price.hot_tub_cents,
        "discountCents": price.discount_cents,
        "totalCents": price.total_cents,
        "isCustomQuote": price.is_custom_quote,
        "customReasons": [reason.value for reason in price.custom_reasons],
    }


def price_from_json(kept: Mapping[str, Any]) -> Price:
    """The price that `price_to_json` kept; its totals follow from its lines."""
    return Price(
        kept["currency"],
        tuple(
            PriceLine(LineCode(line["code"]), line["label"], line["quantity"], line["unitCents"])
            for line in kept["lines"]
        ),
        tuple(CustomReason(reason) for reason in kept["customReasons"]),
    )
