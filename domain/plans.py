"""Cleaning plans: how often a customer's home is cleaned, on which days, and what a clean that falls out costs.

A plan is a customer's service subscription (R45, R65), not to be confused with a business's own with the platform. Days
are those of the market's calendar and the start is what its clocks show, so that a clean at nine stays at nine when the
clocks change (A25).
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from domain.money import percent
from domain.policy import CancellationPolicy
from domain.scheduling import ensure_transition
from domain.wallclock import instant_of, local_day


class Frequency(StrEnum):
    """How often a home is cleaned (R45)."""

    ONCE = "ONCE"
    WEEKLY = "WEEKLY"
    BIWEEKLY = "BIWEEKLY"
    """Every second week."""
    FOUR_WEEKLY = "FOUR_WEEKLY"
    """Every fourth week: thirteen times a year."""
    MONTHLY = "MONTHLY"
    """Once a month on the same weekday of the month, as the second Tuesday; a fifth one becomes the last."""


class Term(StrEnum):
    """For how long a customer signs up (R37, R65)."""

    MONTHLY = "MONTHLY"
    """From month to month, until somebody ends it."""
    ANNUAL = "ANNUAL"
    """For a year."""


class PlanStatus(StrEnum):
    """Where a plan stands (A50)."""

    PENDING_PAYMENT = "PENDING_PAYMENT"
    """The first clean is not paid yet: nothing of the plan is active (R49)."""
    ACTIVE = "ACTIVE"
    """Its cleans are planned."""
    PAUSED = "PAUSED"
    """No cleans for the time being."""
    ENDED = "ENDED"
    """Its term is over."""
    CANCELED = "CANCELED"
    """Ended before its time, or never paid for."""


PLAN_TRANSITIONS: Mapping[PlanStatus, frozenset[PlanStatus]] = {
    PlanStatus.PENDING_PAYMENT: frozenset({PlanStatus.ACTIVE, PlanStatus.CANCELED}),
    PlanStatus.ACTIVE: frozenset({PlanStatus.PAUSED, PlanStatus.ENDED, PlanStatus.CANCELED}),
    PlanStatus.PAUSED: frozenset({PlanStatus.ACTIVE, PlanStatus.ENDED, PlanStatus.CANCELED}),
    PlanStatus.ENDED: frozenset(),
    PlanStatus.CANCELED: frozenset(),
}

_EVERY: Mapping[Frequency, timedelta] = {
    Frequency.WEEKLY: timedelta(weeks=1),
    Frequency.BIWEEKLY: timedelta(weeks=2),
    Frequency.FOUR_WEEKLY: timedelta(weeks=4),
}


def ensure_plan_transition(before: PlanStatus, after: PlanStatus) -> None:
    """Raise `IllegalTransition` unless a plan may move so (R260, A50)."""
    ensure_transition(PLAN_TRANSITIONS, before, after)


@dataclass(frozen=True, slots=True)
class PlanSchedule:
    """When a plan's cleans take place; all days are the market's."""

    frequency: Frequency
    first_on: date
    at_minute: int
    """Minutes after local midnight by what the clocks show: 540 is nine o'clock, whatever the day."""
    zone: str
    ends_on: date | None = None
    """The last day on which a clean may fall; None where the plan goes on until it is ended."""
    paused_on: date | None = None
    """From this day on there are no cleans; None while the plan is not paused."""
    resumes_on: date | None = None
    """From this day on there are again; None while nobody knows."""
    skips: frozenset[date] = frozenset()
    """Days of the plan that are left out; they do not shift the others."""

    def takes_place(self, day: date) -> bool:
        """Whether the plan's clean of this day is neither skipped, nor in a pause, nor after the end."""
        if day in self.skips or (self.ends_on is not None and day > self.ends_on):
            return False
        paused = self.paused_on is not None and day >= self.paused_on
        return not paused or (self.resumes_on is not None and day >= self.resumes_on)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One clean of a plan: its day names it for good, also when the job is moved (R64), and its start in UTC."""

    on: date
    starts_at: datetime


def occurrences(plan: PlanSchedule, since: datetime, until: datetime) -> tuple[Occurrence, ...]:
    """The plan's cleans that start at `since` or later and before `until`, in order.

    The same instants always give the same days, whatever was generated before (R63, R64). Skips and pauses leave days
    out and never shift the rhythm. A time that the clocks jump over is the instant of the jump.
    """
    wall = time(plan.at_minute // 60, plan.at_minute % 60)
    found = []
    for day in _days(plan, local_day(plan.zone, since) - timedelta(days=1), local_day(plan.zone, until)):
        starts_at = instant_of(datetime.combine(day, wall), plan.zone)
        if since <= starts_at < until and plan.takes_place(day):
            found.append(Occurrence(day, starts_at))
    return tuple(found)


def occurrence_on(plan: PlanSchedule, day: date) -> Occurrence | None:
    """The plan's clean of this day; None where the plan has none then."""
    midnight = instant_of(datetime.combine(day, time.min), plan.zone)
    near = occurrences(plan, midnight - timedelta(hours=3), midnight + timedelta(hours=30))
    return next((one for one in near if one.on == day), None)


def upcoming(plan: PlanSchedule, now: datetime, count: int) -> tuple[Occurrence, ...]:
    """The next cleans of the plan, at most so many, none further away than three years."""
    found: list[Occurrence] = []
    since = now
    while len(found) < count and since < now + timedelta(days=3 * 366):
        found += occurrences(plan, since, since + timedelta(days=61))
        since += timedelta(days=61)
    return tuple(found[:count])


def _days(plan: PlanSchedule, since: date, until: date) -> Iterator[date]:
    """The days of the plan's rhythm between the two, both included, pauses and skips not yet left out."""
    if plan.frequency is Frequency.ONCE:
        days: Iterator[date] = iter((plan.first_on,))
    elif plan.frequency is Frequency.MONTHLY:
        days = _months(plan.first_on, since, until)
    else:
        days = _steps(plan.first_on, _EVERY[plan.frequency], since, until)
    return (day for day in days if max(since, plan.first_on) <= day <= until)


def _steps(first: date, step: timedelta, since: date, until: date) -> Iterator[date]:
    day = first + max(0, (since - first) // step) * step
    while day <= until:
        yield day
        day += step


def _months(first: date, since: date, until: date) -> Iterator[date]:
    """The first day's weekday of the month in each month; where it was the fifth of its kind, the last."""
    start = max(first, since)
    year, month = start.year, start.month
    while (year, month) <= (until.year, until.month):
        yield _weekday_of_month(year, month, first)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _weekday_of_month(year: int, month: int, like: date) -> date:
    weekday_of_first, length = monthrange(year, month)
    day = 1 + (like.weekday() - weekday_of_first) % 7 + (like.day - 1) // 7 * 7
    return date(year, month, day if day <= length else day - 7)


def term_end(first_on: date, term: Term | None) -> date | None:
    """The last day of the term (R37); None where it goes from month to month. A year ends the day before its date."""
    if term is not Term.ANNUAL:
        return None
    leap_day = (first_on.month, first_on.day) == (2, 29)
    again = date(first_on.year + 1, 3, 1) if leap_day else first_on.replace(year=first_on.year + 1)
    return again - timedelta(days=1)


def cancellation_fee(policy: CancellationPolicy, price_cents: int, starts_at: datetime, now: datetime) -> int:
    """Cents to keep of a clean that is called off at `now`: none until exactly `free_hours` before the start (A50)."""
    if now <= starts_at - timedelta(hours=policy.free_hours):
        return 0
    return percent(price_cents, policy.late_fee_percent * 100)


def no_access_fee(policy: CancellationPolicy, price_cents: int) -> int:
    """Cents to keep of a clean for which somebody came and could not get in (A50)."""
    return percent(price_cents, policy.no_access_fee_percent * 100)
