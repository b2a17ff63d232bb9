"""The bi-weekly submission window, by the market's own wall clock (R84 to R91, A23 to A25).

Every answer is a function of the market's calendar and an instant; the caller brings the instant, so that no device
clock, locale or daylight-saving day can move a deadline. Cycles run in both directions from the epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import AvailabilityWindowClosed, Invalid
from domain.wallclock import instant_of, local_day

CYCLE_DAYS = 14
SUNDAY = 6
DEFAULT_EPOCH = date(2026, 1, 4)
"""A submission Sunday; all others lie a multiple of 14 days away (R88)."""
REMINDER_LEADS = (timedelta(hours=24), timedelta(hours=2), timedelta(minutes=15))
"""How long before the deadline those are reminded who have not submitted: a day, to think two weeks over and ask at
home; two hours, to find the time; a quarter of an hour, which is all that it takes. Real hours, on clock-change days
too: who is promised a day has one."""


class WindowState(StrEnum):
    """What a submission made now would meet (R87)."""

    OPEN = "OPEN"
    GRACE = "GRACE"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class MarketCalendar:
    """When a market takes submissions: its IANA zone, a submission Sunday, and the hours of that day (R85, R86, A23).

    `lead_days` opens the window that many days before the submission Sunday, on which the grace period ends.
    """

    zone: str
    epoch: date = DEFAULT_EPOCH
    lead_days: int = 0
    deadline_hour: int = 18
    grace_minutes: int = 60

    def __post_init__(self) -> None:
        if self.epoch.weekday() != SUNDAY:
            raise Invalid("The epoch must be a Sunday.", field=("epoch",))
        if not 0 <= self.lead_days < CYCLE_DAYS:
            raise Invalid("The lead must be between 0 and 13 days.", field=("leadDays",))
        if not 1 <= self.deadline_hour <= 23:
            raise Invalid("The deadline must be an hour between 1 and 23.", field=("deadlineHour",))
        if not 0 <= self.grace_minutes <= 60 * (24 - self.deadline_hour):
            raise Invalid("The grace period must end on the submission Sunday.", field=("graceMinutes",))


@dataclass(frozen=True, slots=True)
class Period:
    """The market-local days, both inclusive, that one submission is for (A23b)."""

    starts_on: date
    ends_on: date
    zone: str


@dataclass(frozen=True, slots=True)
class Window:
    """The window as of `server_time`; all instants are UTC.

    When OPEN or GRACE, `opens_at` to `period_end` describe the current window. When CLOSED they describe the next one,
    because the last is of no use any more. `next_opens_at` and `next_deadline_at` are always those of the first window
    that opens after `server_time`, so when CLOSED they repeat `opens_at` and `deadline_at`.
    """

    state: WindowState
    opens_at: datetime
    deadline_at: datetime
    grace_ends_at: datetime
    period_start: date
    period_end: date
    next_opens_at: datetime
    next_deadline_at: datetime
    server_time: datetime
    zone: str

    @property
    def period(self) -> Period:
        """The 14 market-local days from the Monday after the deadline (A23b)."""
        return Period(self.period_start, self.period_end, self.zone)


@dataclass(frozen=True, slots=True)
class Transition:
    """The instant at which the window's state changes, the new state, and the window as it is then."""

    at: datetime
    state: WindowState
    window: Window


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder of a window's deadline, due so long before it: from `at` on it is true, until `ends_at` of use.

    It ends when the next one falls due, the last one at the deadline.
    """

    lead: timedelta
    at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """Aware start and end of a stretch of time in which a cleaner can work."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many slots one submission may have, and how short one may be."""

    most_slots: int = 84
    least_minutes: int = 15


@dataclass(frozen=True, slots=True)
class _Cycle:
    """One submission Sunday's boundaries as instants."""

    sunday: date
    opens_at: datetime
    deadline_at: datetime
    grace_ends_at: datetime

    def state_at(self, instant: datetime) -> WindowState:
        if self.opens_at <= instant < self.deadline_at:
            return WindowState.OPEN
        if self.deadline_at <= instant < self.grace_ends_at:
            return WindowState.GRACE
        return WindowState.CLOSED


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def validate_zone(name: str, *, field: tuple[str, ...] = ("zone",)) -> str:
    """Return the name if it is an IANA zone of a place, or UTC; fixed offsets (`EST`, `Etc/GMT+5`) are not (A25)."""
    of_a_place = "/" in name and not name.startswith("Etc/")
    if (of_a_place or name == "UTC") and name in _zone_names():
        return name
    raise Invalid('Unknown time zone; name a place of the IANA list, as "America/New_York".', field=field)


def window_at(market: MarketCalendar, instant: datetime) -> Window:
    """The submission window of the market as of an aware instant (R85 to R89).

    A wall-clock time that a day has twice counts the first time; one that a day lacks counts at the gap, so that the
    state never goes back.
    """
    now = instant.astimezone(UTC)
    cycle = _first_unfinished(market, now)
    state = cycle.state_at(now)
    following = cycle if now < cycle.opens_at else _cycle(market, cycle.sunday + timedelta(days=CYCLE_DAYS))
    return Window(
        state=state,
        opens_at=cycle.opens_at,
        deadline_at=cycle.deadline_at,
        grace_ends_at=cycle.grace_ends_at,
        period_start=cycle.sunday + timedelta(days=1),
        period_end=cycle.sunday + timedelta(days=CYCLE_DAYS),
        next_opens_at=following.opens_at,
        next_deadline_at=following.deadline_at,
        server_time=now,
        zone=market.zone,
    )


def next_transition(market: MarketCalendar, instant: datetime) -> Transition:
    """The first change of state after the instant, for pushing it when it happens (R92)."""
    window = window_at(market, instant)
    boundary = {
        WindowState.OPEN: window.deadline_at,
        WindowState.GRACE: window.grace_ends_at,
        WindowState.CLOSED: window.opens_at,
    }[window.state]
    after = window_at(market, boundary)
    if after.state is window.state:
        # A clock change swallowed the whole window: nothing to announce, the next one counts.
        return next_transition(market, boundary)
    return Transition(boundary, after.state, after)


def next_reminder(market: MarketCalendar, instant: datetime) -> Reminder:
    """The first reminder that falls due after the instant (R84, R85)."""
    window = window_at(market, instant)
    ahead = [reminder for reminder in _reminders(window) if reminder.at > window.server_time]
    return ahead[0] if ahead else next_reminder(market, window.grace_ends_at)


def standing_reminder(window: Window) -> Reminder | None:
    """The reminder that has fallen due and is still true at the window's `server_time`: at most the newest one.

    None while the deadline is further off than the longest lead, and from the deadline on.
    """
    standing = (reminder for reminder in _reminders(window) if reminder.at <= window.server_time < reminder.ends_at)
    return next(standing, None)


def period_containing(market: MarketCalendar, day: date) -> Period:
    """The submission period that a market-local day belongs to: what an office edits that bypasses the window (A24)."""
    first_monday = market.epoch + timedelta(days=1)
    start = day - timedelta(days=(day - first_monday).days % CYCLE_DAYS)
    return Period(start, start + timedelta(days=CYCLE_DAYS - 1), market.zone)


def ensure_can_submit(window: Window, bypass: bool = False) -> bool:
    """Return whether the submission is late (A24), or raise `AvailabilityWindowClosed` with the next window (R90).

    `bypass` is the office's audited override (R91): never refused, never late, because the office answers for it.
    """
    if bypass or window.state is WindowState.OPEN:
        return False
    if window.state is WindowState.GRACE:
        return True
    raise AvailabilityWindowClosed(
        f"The availability window is closed. The next one opens on {_spoken(window.next_opens_at, window.zone)} "
        f"and ends on {_spoken(window.next_deadline_at, window.zone)} ({window.zone}).",
        details={
            "opensAt": window.next_opens_at.isoformat(),
            "deadlineAt": window.next_deadline_at.isoformat(),
            "serverTime": window.server_time.isoformat(),
        },
    )


def ensure_slots(slots: Sequence[Slot], period: Period, limits: SlotLimits | None = None) -> tuple[Slot, ...]:
    """Return the slots in UTC, by start; refuse with the path of the first bad value (`slots`, `3`, `endsAt`).

    Each lies within one market-local day of the period (midnight may end it) and none overlaps another. No slots at all
    is a valid answer: the cleaner cannot work in this period.
    """
    limits = limits or SlotLimits()
    if len(slots) > limits.most_slots:
        raise Invalid(f"At most {limits.most_slots} slots can be submitted.", field=("slots",))
    numbered = sorted(
        ((_ensure_slot(slot, period, limits, ("slots", str(index))), index) for index, slot in enumerate(slots)),
        key=lambda pair: (pair[0].starts_at, pair[1]),
    )
    for (earlier, first), (later, second) in pairwise(numbered):
        if later.starts_at < earlier.ends_at:
            raise Invalid(f"Slot {second} overlaps slot {first}.", field=("slots", str(second), "startsAt"))
    return tuple(slot for slot, _ in numbered)


def _ensure_slot(slot: Slot, period: Period, limits: SlotLimits, path: tuple[str, ...]) -> Slot:
    starts_at = _ensure_near(slot.starts_at, period, (*path, "startsAt"))
    ends_at = _ensure_near(slot.ends_at, period, (*path, "endsAt"))
    if ends_at <= starts_at:
        raise Invalid("A slot must end after it starts.", field=(*path, "endsAt"))
    if ends_at - starts_at < timedelta(minutes=limits.least_minutes):
        raise Invalid(f"A slot must last at least {limits.least_minutes} minutes.", field=(*path, "endsAt"))
    day = local_day(period.zone, starts_at)
    if not period.starts_on <= day <= period.ends_on:
        raise _outside(period, (*path, "startsAt"))
    # Midnight belongs to the day that it ends, hence the last instant inside the slot is asked for its day.
    if local_day(period.zone, ends_at - timedelta.resolution) != day:
        raise Invalid("A slot must end on the day on which it starts.", field=(*path, "endsAt"))
    return Slot(starts_at, ends_at)


def _ensure_near(instant: datetime, period: Period, path: tuple[str, ...]) -> datetime:
    """In UTC; times far off are refused before any arithmetic, which fails at the ends of the calendar."""
    if instant.tzinfo is None:
        raise Invalid("The time must have a UTC offset.", field=path)
    if not period.starts_on - timedelta(days=2) <= instant.date() <= period.ends_on + timedelta(days=2):
        raise _outside(period, path)
    return instant.astimezone(UTC)


def _outside(period: Period, path: tuple[str, ...]) -> Invalid:
    return Invalid(f"The time must lie between {period.starts_on} and {period.ends_on} ({period.zone}).", field=path)


def _reminders(window: Window) -> list[Reminder]:
    """The window's reminders, in order; none if a clock change swallowed all the time before its deadline."""
    if window.opens_at == window.deadline_at:
        return []
    edges = [*(window.deadline_at - lead for lead in REMINDER_LEADS), window.deadline_at]
    return [Reminder(lead, *edge) for lead, edge in zip(REMINDER_LEADS, pairwise(edges), strict=True)]


def _first_unfinished(market: MarketCalendar, now: datetime) -> _Cycle:
    """The cycle whose grace period ends first after now."""
    today = local_day(market.zone, now)
    sunday = today - timedelta(days=(today - market.epoch).days % CYCLE_DAYS)
    cycle = _cycle(market, sunday)
    while cycle.grace_ends_at <= now:
        cycle = _cycle(market, cycle.sunday + timedelta(days=CYCLE_DAYS))
    return cycle


def _cycle(market: MarketCalendar, sunday: date) -> _Cycle:
    deadline = datetime.combine(sunday, time(market.deadline_hour))
    opens_at = instant_of(datetime.combine(sunday - timedelta(days=market.lead_days), time.min), market.zone)
    deadline_at = instant_of(deadline, market.zone)
    grace_ends_at = instant_of(deadline + timedelta(minutes=market.grace_minutes), market.zone)
    return _Cycle(sunday, opens_at, deadline_at, grace_ends_at)


def _spoken(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%A %d %B %Y at %H:%M")
