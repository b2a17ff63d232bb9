"""Schedules by a market's own wall clock (A1, A25): pure functions from a stretch of time to the due times in it.

Each yields the due times after `since` and up to `until`, in order, one by one, so that asking for the next is cheap.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from domain.actors import TenantId
from domain.availability import MarketCalendar, next_reminder, next_transition
from domain.ids import MarketId
from domain.wallclock import instant_of, local_day

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MarketClock:
    """A market's calendar and its business time."""

    tenant: TenantId
    market: MarketId
    calendar: MarketCalendar
    created_at: datetime
    now: datetime


Schedule = Callable[[MarketClock, datetime, datetime], Iterator[datetime]]


def daily(hour: int, minute: int = 0) -> Schedule:
    """Each market-local day at this time; once on a day that has it twice, at the jump on a day that lacks it."""

    def due_times(clock: MarketClock, since: datetime, until: datetime) -> Iterator[datetime]:
        zone = clock.calendar.zone
        day = local_day(zone, since)
        while (due := instant_of(datetime.combine(day, time(hour, minute)), zone)) <= until:
            if due > since:
                yield due
            day += timedelta(days=1)

    return due_times


def every(minutes: int) -> Schedule:
    """At each whole multiple of so many minutes; no clock change moves it."""

    def due_times(clock: MarketClock, since: datetime, until: datetime) -> Iterator[datetime]:
        step = timedelta(minutes=minutes)
        due = EPOCH + ((since - EPOCH) // step + 1) * step
        while due <= until:
            yield due
            due += step

    return due_times


def window_transitions(clock: MarketClock, since: datetime, until: datetime) -> Iterator[datetime]:
    """Whenever the market's availability window opens, enters its grace period, or closes (R92)."""
    while (change := next_transition(clock.calendar, since)).at <= until:
        yield change.at
        since = change.at


def window_reminders(clock: MarketClock, since: datetime, until: datetime) -> Iterator[datetime]:
    """Whenever those who have not submitted are to be reminded of the window's deadline (R84, R85)."""
    while (reminder := next_reminder(clock.calendar, since)).at <= until:
        yield reminder.at
        since = reminder.at
