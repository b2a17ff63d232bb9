"""A round of the demo: two weeks of jobs, shifts on the market, and when everybody can work.

A round lies in the first two whole weeks that nobody works in yet, so that it fits whatever was done to earlier ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from asyncpg import Record

from domain.actors import Role
from domain.availability import Period, WindowState, period_containing
from domain.errors import Refused
from domain.ids import AssignmentId, CleanerId, JobId, MarketId, PropertyId
from domain.wallclock import instant_of, local_day
from sandbox.demo_desk import Standing, standing
from sandbox.demo_people import Founded, email_of
from sandbox.demo_plan import LEAST_PENDING, BusinessPlan, CleanerPlan, HomePlan, SoonVisit, Visit, Wanted
from services.availability import (
    AvailabilitySlot,
    SetAvailability,
    SubmitAvailability,
    calendar_of,
    set_availability,
    submit_availability,
    window_of,
)
from services.scheduling import AssignCleaner, CreateJob, assign_cleaner, create_job
from services.swaps import OfferSwap, OpenCover, offer_swap, open_cover

WEEKS = 2
SOONEST = timedelta(hours=4)
"""A cleaner's offer ends two hours before the shift (A27): an urgent one should stay on the market for a while."""


Place = tuple[int, datetime]
"""Whose shift, by the cleaner's number, and when it starts."""


@dataclass(frozen=True, slots=True)
class PlannedShift:
    """A job of the round at its instant."""

    starts_at: datetime
    hours: Decimal
    home: HomePlan
    cleaner: int | None
    offered: str | None
    by_office: bool = False
    """Whether the office, and not the cleaner, puts it on the market."""
    wants: tuple[Place, ...] = ()
    """What makes the offer a TRADE."""


async def add_round(business: Founded) -> bool:
    """Add a round of jobs and offers if fewer than three offers are open; whether it was needed."""
    here = await standing(business.desk.runner, business.desk.tenant)
    if here.pending >= LEAST_PENDING:
        return False
    monday = free_monday(here.now, here.starts, business.plan.markets[0].zone)
    planned: dict[Place, AssignmentId] = {}
    for shift in planned_shifts(business.plan, here.now, monday):
        if shift.home.name in here.homes:
            await _plan(business, here, shift, planned)
    await _say_when(business, here, monday)
    return True


def free_monday(now: datetime, starts: Sequence[datetime], zone: str) -> date:
    """The first Monday after today from which no shift starts for two weeks."""
    today = local_day(zone, now)
    taken = {local_day(zone, instant) for instant in starts}
    monday = today + timedelta(days=7 - today.weekday())
    while any(monday <= day < monday + timedelta(weeks=WEEKS) for day in taken):
        monday += timedelta(weeks=1)
    return monday


def planned_shifts(plan: BusinessPlan, now: datetime, monday: date) -> list[PlannedShift]:
    """The plan's shifts for the round that begins on this Monday, and the urgent ones of now."""
    zones = {market.name: market.zone for market in plan.markets}
    homes = {home.name: home for home in plan.homes}

    def planned(visit: Visit | SoonVisit) -> PlannedShift:
        home = homes[visit.home]
        zone = zones[home.market]
        shown = (visit.hours, home, visit.cleaner, visit.offered)
        if isinstance(visit, SoonVisit):
            return PlannedShift(_soon(now, zone), *shown, by_office=visit.by_office)
        wants = tuple((wanted.cleaner, _at(wanted, monday, zone)) for wanted in visit.wants)
        return PlannedShift(_at(visit, monday, zone), *shown, by_office=visit.cleaner is None, wants=wants)

    return [*map(planned, plan.soon), *map(planned, plan.visits)]


def _at(visit: Visit | Wanted, monday: date, zone: str) -> datetime:
    return instant_of(datetime.combine(monday + timedelta(weeks=visit.week, days=visit.day), visit.at), zone)


def _soon(now: datetime, zone: str) -> datetime:
    """The next full hour from 8 to 17 that is at least four hours away: always less than a day (A22)."""
    whole = (now + SOONEST).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    hours = (whole + timedelta(hours=ahead) for ahead in range(24))
    return next(hour for hour in hours if 8 <= hour.astimezone(ZoneInfo(zone)).hour <= 17)


async def _plan(business: Founded, here: Standing, shift: PlannedShift, planned: dict[Place, AssignmentId]) -> None:
    """Plan one job, assign and offer it as far as what visitors have changed in the demo allows."""
    desk, owner = business.desk, business.owner
    try:
        form = CreateJob(PropertyId(here.homes[shift.home.name]), shift.starts_at, shift.hours)
        job_id: JobId = await desk.run(owner, Role.OWNER, create_job, form)
        assigned = await _assign(business, here, shift, job_id)
        if assigned is not None and shift.cleaner is not None:
            planned[shift.cleaner, shift.starts_at] = assigned
        if shift.offered is None:
            return
        if shift.by_office:
            cover = OpenCover(assigned, None if assigned else job_id, note=shift.offered)
            await desk.run(owner, Role.OWNER, open_cover, cover)
        elif assigned is not None:
            wants = [planned[place] for place in shift.wants if place in planned]
            offer = OfferSwap(assigned, shift.offered, wants or None)
            await desk.run(_cleaner_of(business, here, shift), Role.CLEANER, offer_swap, offer)
    except Refused:
        # A skill taken away, a home archived: the demo has to start all the same, with one shift less.
        return


async def _assign(business: Founded, here: Standing, shift: PlannedShift, job_id: JobId) -> AssignmentId | None:
    """Put the shift's cleaner on its job; None where it has none, or a visitor has archived them."""
    if shift.cleaner is None or shift.cleaner not in business.qr_tokens:
        return None
    wanted = AssignCleaner(job_id, _cleaner_of(business, here, shift))
    assigned: AssignmentId = await business.desk.run(business.owner, Role.OWNER, assign_cleaner, wanted)
    return assigned


def _cleaner_of(business: Founded, here: Standing, shift: PlannedShift) -> CleanerId:
    return CleanerId(here.cleaners[email_of(f"cleaner-{shift.cleaner}", business.plan)]["id"])


async def _say_when(business: Founded, here: Standing, monday: date) -> None:
    """Let every cleaner have said when they can work in the round's weeks."""
    for one in business.plan.cleaners:
        for name in one.markets:
            if not one.is_joining and one.number in business.qr_tokens and name in here.markets:
                calendar = calendar_of(SimpleNamespace(**here.markets[name]))
                periods = {period_containing(calendar, monday + timedelta(weeks=week)) for week in range(WEEKS)}
                for period in sorted(periods, key=lambda period: period.starts_on):
                    await _submit(business, here, _Submission(one, here.markets[name], period))


@dataclass(frozen=True, slots=True)
class _Submission:
    who: CleanerPlan
    market: Record
    period: Period


async def _submit(business: Founded, here: Standing, wanted: _Submission) -> None:
    """Submit as the cleaner where the window is open, else as the office that bypasses it (R91)."""
    cleaner = CleanerId(here.cleaners[email_of(f"cleaner-{wanted.who.number}", business.plan)]["id"])
    market, period = MarketId(wanted.market["id"]), wanted.period
    if (cleaner, market, period.starts_on) in here.submissions:
        return
    slots = list(_days(wanted))
    window = window_of(SimpleNamespace(**wanted.market), here.now)
    try:
        if window.state is not WindowState.CLOSED and window.period == period:
            await business.desk.run(cleaner, Role.CLEANER, submit_availability, SubmitAvailability(market, slots))
        else:
            form = SetAvailability(cleaner, market, period.starts_on, slots, reason="demo")
            await business.desk.run(business.owner, Role.OWNER, set_availability, form)
    except Refused:
        # A visitor has taken the cleaner out of the market, or the window has just closed.
        return


def _days(wanted: _Submission) -> Iterator[AvailabilitySlot]:
    """From seven in the morning to eight in the evening on six days of the week, another day off for each cleaner."""
    zone, first = wanted.period.zone, wanted.period.starts_on
    for day in (first + timedelta(days=ahead) for ahead in range(7 * WEEKS)):
        if day.weekday() != (wanted.who.number + 5) % 7:
            yield AvailabilitySlot(
                instant_of(datetime.combine(day, time(7)), zone), instant_of(datetime.combine(day, time(20)), zone)
            )
