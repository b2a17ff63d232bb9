"""The arithmetic of billing: periods by the calendar, prorations in whole cents."""

import calendar
from datetime import UTC, datetime, timedelta

from sandbox.stripe import Json

_MONTHS = {"month": 1, "year": 12}


def step(anchor: int, interval: str, count: int) -> int:
    """`count` intervals after `anchor`; the anchor's day of the month, or the month's last."""
    start = datetime.fromtimestamp(anchor, UTC)
    if interval not in _MONTHS:
        return int((start + timedelta(**{f"{interval}s": count})).timestamp())
    months = start.year * 12 + start.month - 1 + _MONTHS[interval] * count
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def period_after(anchor: int, price: Json, at: int) -> int:
    """The first end of a period later than `at`, counted from `anchor`."""
    interval, count = price["recurring"]["interval"], price["recurring"]["interval_count"]
    turns = 1
    while step(anchor, interval, turns * count) <= at:
        turns += 1
    return step(anchor, interval, turns * count)


def share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole` in whole cents, half away from zero."""
    if whole <= 0:
        return 0
    cents = (2 * abs(amount) * part + whole) // (2 * whole)
    return cents if amount >= 0 else -cents
