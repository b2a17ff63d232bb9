"""What a business brings along from elsewhere: customers, homes and jobs, a line each, as a spreadsheet writes them.

The file is RFC 4180 with a header; columns may come in any order, and most of them may be missing. A file that is none
is refused as a whole, a bad line for itself alone.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from io import StringIO
from typing import Any, TypeVar

from domain.errors import Code, Invalid
from domain.geo import Address
from domain.scheduling import Drain, HotTubService, Laundry
from domain.wallclock import instant_of

MOST_BYTES = 1024 * 1024
MOST_LINES = 2_000
BYTE_ORDER_MARK = "\ufeff"

COLUMNS: Mapping[str, str] = {
    "customer name": "Of the customer; on every line.",
    "email": "Where mail reaches the customer: the same address is the same customer.",
    "phone": "In international form (E.164).",
    "property name": "How the office calls the home; its address unless told.",
    "address": "Street and number: the same address of the same customer is the same home; without it there is none.",
    "city": "The city.",
    "postal code": "The postal code.",
    "latitude": "Degrees north; without coordinates the address is looked up.",
    "longitude": "Degrees east.",
    "bedrooms": "How many.",
    "bathrooms": "How many.",
    "square feet": "The area.",
    "laundry": "NONE, IN_UNIT or OFF_SITE.",
    "laundry loads": "Loads a clean.",
    "hot tub service": "NONE, BASIC, STANDARD or PREMIUM.",
    "drain": "NONE, MONTHLY or QUARTERLY.",
    "notes": "What a cleaner must know of the home.",
    "market": "The name of the home's market, where there are several.",
    "job starts at": "When a clean of the home starts: by the market's clocks, or with a UTC offset.",
    "hours": "How many hours the clean takes a head.",
    "service": "The name of the clean's service in the catalogue.",
}
"""Every column and what stands in it."""

OF_JOB = ("hours", "service")

EnumT = TypeVar("EnumT", bound=StrEnum)


class ImportOutcome(StrEnum):
    """What became of a line."""

    CREATED = "CREATED"
    """Something of it is new: the customer, the home, or the job."""
    UPDATED = "UPDATED"
    """What it speaks of was there and is different now."""
    UNCHANGED = "UNCHANGED"
    """All of it was there already."""
    REFUSED = "REFUSED"
    """Nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class LineReport:
    """What became of one line; `column` is what it was refused for."""

    line: int
    outcome: ImportOutcome
    code: Code | None = None
    column: str | None = None
    message: str | None = None
    ids: Mapping[str, Any] = field(default_factory=dict)
    """Of customer, property and job, as far as the line speaks of them."""


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One line as it stands in the file, from its number on; columns that are empty are left out."""

    number: int
    cells: Mapping[str, str]
    surplus: int = 0
    """How many cells it has more than the header."""

    @property
    def address(self) -> Address | None:
        """Where its home is, if it speaks of one."""
        street, city, code = (self.cells.get(column, "") for column in ("address", "city", "postal code"))
        return Address(street, city, code) if street else None

    def needs_look_up(self) -> bool:
        """Whether it speaks of a home without saying where that is."""
        return self.address is not None and "latitude" not in self.cells and "longitude" not in self.cells

    def text(self, column: str) -> str | None:
        """The cell; None where it is empty."""
        return self.cells.get(column)

    def whole(self, column: str) -> int | None:
        """The cell as a whole number; `Invalid` names the column."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        # As a spreadsheet writes thousands.
        digits = cell.replace(",", "")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
            raise Invalid("This must be a whole number.", field=(column,))
        return int(digits)

    def decimal(self, column: str) -> Decimal | None:
        """The cell as a number; `Invalid` names the column."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            number = Decimal(cell) if len(cell) <= 20 else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise Invalid("This must be a number, as 2.5.", field=(column,))
        return number

    def one_of(self, column: str, values: type[EnumT]) -> EnumT | None:
        """The cell as one of these words, in whatever case; `Invalid` names the column."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        word = cell.upper().replace("-", "_").replace(" ", "_")
        if word not in list(values):
            raise Invalid(f"This must be one of {', '.join(values)}.", field=(column,))
        return values(word)

    def instant(self, column: str, zone: str) -> datetime | None:
        """The cell as an instant: as it says, or where it has no UTC offset by the zone's clocks (A25)."""
        cell = self.cells.get(column)
        if cell is None:
            return None
        try:
            written = datetime.fromisoformat(cell)
        except ValueError:
            raise Invalid("Write day and time as 2027-03-14 09:30.", field=(column,)) from None
        if written.tzinfo is not None:
            return written
        if len(cell) <= len("2027-03-14"):
            raise Invalid("Write the time too, as 2027-03-14 09:30.", field=(column,))
        return instant_of(written, zone)

    def home_facts(self) -> dict[str, Any]:
        """What the line says of its home, by the words of the home's own inputs; what it does not say is left out."""
        tub = self.one_of("hot tub service", HotTubService)
        latitude, longitude = self.decimal("latitude"), self.decimal("longitude")
        said = {
            "name": self.text("property name"),
            "address": self.text("address"),
            "city": self.text("city"),
            "postal_code": self.text("postal code"),
            "latitude": None if latitude is None else float(latitude),
            "longitude": None if longitude is None else float(longitude),
            "bedrooms": self.whole("bedrooms"),
            "bathrooms": self.whole("bathrooms"),
            "square_feet": self.whole("square feet"),
            "laundry": self.one_of("laundry", Laundry),
            "laundry_loads": self.whole("laundry loads"),
            "hot_tub": True if tub not in (None, HotTubService.NONE) else None,
            "hot_tub_service": tub,
            "hot_tub_drain": self.one_of("drain", Drain),
            "notes": self.text("notes"),
        }
        return {name: value for name, value in said.items() if value is not None}


def read_csv(text: str) -> tuple[ImportLine, ...]:
    """The lines of a file. `Invalid` for a file that is none, or has a column that nobody knows, or too many lines."""
    if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise Invalid("A file has at most 1 MiB; split it.", field=("csv",))
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid("The file has characters that cannot be stored.", field=("csv",))
    rows = _rows(text.removeprefix(BYTE_ORDER_MARK))
    first = next(rows, None)
    if first is None:
        raise Invalid("The file is empty; its first line names the columns.", field=("csv",))
    header = _header(first[1])
    lines: list[ImportLine] = []
    for number, cells in rows:
        if len(lines) == MOST_LINES:
            raise Invalid(f"A file has at most {MOST_LINES:,} lines; split it.", field=("csv",))
        lines.append(_line(number, header, cells))
    return tuple(lines)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with the number of its first line."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    number = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise Invalid(f"Line {number} cannot be read: {error}.", field=("csv",)) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield number, cells
        number = reader.line_num + 1


def _header(cells: list[str]) -> list[str]:
    names = [" ".join(cell.replace("_", " ").replace("-", " ").casefold().split()) for cell in cells]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        known = ", ".join(COLUMNS)
        raise Invalid(f"There is no column {unknown[0][:60]!r}; the columns are {known}.", field=("csv",))
    if len(set(names)) < len(names):
        raise Invalid("Each column is named once.", field=("csv",))
    if "customer name" not in names:
        raise Invalid("There must be a column 'customer name'.", field=("csv",))
    return names


def _line(number: int, header: list[str], cells: list[str]) -> ImportLine:
    # Line breaks inside a cell are as the system wrote them that the file comes from.
    cells = [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells]
    said = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    return ImportLine(number, said, max(0, len(cells) - len(header)))
