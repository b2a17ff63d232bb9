"""Standing bids ("take any of these for me") and the draw among those who want a shift (A29).

The fastest thumb is seldom the one that is cleaning: where a tenant asks for it, those who want a shift are collected
for a few minutes, and one of them is drawn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from domain.actors import CleanerId
from domain.errors import Invalid
from domain.ids import MarketId
from domain.scheduling import Shift

DAY_MINUTES = 1_440


@dataclass(frozen=True, slots=True)
class StandingBid:
    """Which shifts of a market a cleaner wants, all by the market's wall clock.

    `weekdays` counts from 1 for Monday; the minutes count from midnight of the day on which the shift starts, and
    `latest_minute`, by when it must have ended, may reach into the next day.
    """

    cleaner_id: CleanerId
    market_id: MarketId
    weekdays: frozenset[int]
    earliest_minute: int = 0
    latest_minute: int = 2 * DAY_MINUTES
    from_day: date | None = None
    until_day: date | None = None

    def wants(self, shift: Shift, zone: str) -> bool:
        """Whether it is made for this shift of its market, which lies in this zone."""
        starts, ends = shift.starts_at.astimezone(ZoneInfo(zone)), shift.ends_at.astimezone(ZoneInfo(zone))
        day = starts.date()
        return (
            day.isoweekday() in self.weekdays
            and (self.from_day is None or self.from_day <= day)
            and (self.until_day is None or day <= self.until_day)
            and self.earliest_minute <= _minute(starts, day)
            and _minute(ends, day) <= self.latest_minute
        )


def ensure_standing_bid(bid: StandingBid, today: date) -> None:
    """Refuse a bid that no shift could ever fit: unknown weekdays, hours or days in the wrong order, a past end."""
    if not bid.weekdays or not bid.weekdays <= set(range(1, 8)):
        raise Invalid("Name at least one weekday, from 1 for Monday to 7 for Sunday.", field=("weekdays",))
    if not 0 <= bid.earliest_minute < DAY_MINUTES:
        raise Invalid(f"This must be 0 to {DAY_MINUTES - 1}.", field=("earliestMinute",))
    if not bid.earliest_minute < bid.latest_minute <= 2 * DAY_MINUTES:
        raise Invalid(
            f"This must be later than the earliest start and at most {2 * DAY_MINUTES}.", field=("latestMinute",)
        )
    if bid.until_day is not None and bid.until_day < max(bid.from_day or today, today):
        raise Invalid("The last day must not lie before the first, nor in the past.", field=("untilDay",))


def draw_order(seed: bytes, wanting: Iterable[CleanerId]) -> list[CleanerId]:
    """Those who want a shift in the order of the draw: everybody has the same chance, whenever they asked.

    Whoever knows the seed, which the audit keeps, can draw again and comes to the same order.
    """
    return sorted(set(wanting), key=lambda cleaner: sha256(seed + cleaner.bytes).digest())


def _minute(moment: datetime, day: date) -> int:
    """Wall-clock minutes after the day's midnight."""
    return int((moment.replace(tzinfo=None) - datetime.combine(day, time.min)) / timedelta(minutes=1))
