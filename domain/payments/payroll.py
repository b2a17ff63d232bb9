"""What a business takes over into its own payroll: one line for each cleaner and clean, as a CSV file (A41).

Amounts stand twice: in cents for programs, and with a decimal point for people. A field that a spreadsheet would take
for a formula is marked as text.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.money import written

PARTS = ("base", "urgent", "laundry", "tip", "total")
COLUMNS = (
    "cleaner_id",
    "cleaner",
    "job_id",
    "day",
    "market",
    "role",
    "tier",
    "hours",
    "rate_cents",
    *(f"{part}_cents" for part in PARTS),
    *PARTS,
    "currency",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class PayLine:
    """What one cleaner gets of one clean, tips included."""

    cleaner_id: UUID
    cleaner: str
    job_id: UUID
    day: date
    """On which the clean began, by its market's clock."""
    market: str
    role: str
    tier: str
    hours: Decimal
    rate_cents: int
    base_cents: int
    urgent_cents: int
    laundry_cents: int
    tip_cents: int
    currency: str

    @property
    def total_cents(self) -> int:
        """All parts together."""
        return self.base_cents + self.urgent_cents + self.laundry_cents + self.tip_cents


def payroll_csv(lines: Iterable[PayLine]) -> str:
    """The file: a line of names, then the lines in the order given, each ended as the format wants it."""
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(line) for line in lines)
    return page.getvalue()


def _cells(line: PayLine) -> Sequence[object]:
    cents = (line.base_cents, line.urgent_cents, line.laundry_cents, line.tip_cents, line.total_cents)
    return (
        line.cleaner_id,
        _plain(line.cleaner),
        line.job_id,
        line.day.isoformat(),
        _plain(line.market),
        line.role,
        _plain(line.tier),
        line.hours,
        line.rate_cents,
        *cents,
        *(written(amount).replace(",", "") for amount in cents),
        line.currency,
    )


def _plain(words: str) -> str:
    """Words that no spreadsheet takes for a formula."""
    return f"'{words}" if words.startswith(_FORMULA) else words
