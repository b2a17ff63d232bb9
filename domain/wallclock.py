"""A market's wall clock: from what its clocks show to the instant in UTC, and back, on every day of the year (A25)."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=4_096)
def local_day(zone: str, instant: datetime) -> date:
    """The date in the zone at an aware instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def instant_of(wall: datetime, zone: str) -> datetime:
    """The first instant, in UTC, at which the zone's clocks show this naive time, or at which they jump over it."""
    place = ZoneInfo(zone)
    first = wall.replace(tzinfo=place).astimezone(UTC)
    if first.astimezone(place).replace(tzinfo=None) == wall:
        return first
    return _jump_over(wall, place)


def _jump_over(wall: datetime, place: ZoneInfo) -> datetime:
    """The instant of the jump: it lies between `wall` read with the offset after the jump and with the one before."""
    later = wall.replace(tzinfo=place).astimezone(UTC)
    earlier = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    while later - earlier > timedelta(seconds=1):
        middle = earlier + (later - earlier) // 2
        if middle.astimezone(place).replace(tzinfo=None) < wall:
            earlier = middle
        else:
            later = middle
    return later.replace(microsecond=0)
