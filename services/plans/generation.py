"""A plan's cleans become jobs, some weeks ahead, and again whenever the plan changes; each day's clean once (R63, R64).

Whoever tends a plan holds its row, so that two who do it at once come one after the other; a unique key of plan and day
stands behind that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.events import EventType
from domain.ids import MarketId
from domain.plans import Frequency, PlanSchedule, PlanStatus, ensure_plan_transition, occurrences
from domain.scheduling import JobStatus
from domain.wallclock import local_day
from models import job, market, service_plan, service_plan_skip
from services.booking.cleans import book_clean, tell_plan
from services.cancellations import strike
from services.cards import tell_job
from services.payments.holds import hold_now
from services.payments.releases import call_off
from services.policies import tenant_policy

LIVE = (PlanStatus.ACTIVE, PlanStatus.PAUSED)
PAGE = 20
"""So many plans are tended in one transaction."""
FIRST = UUID(int=0)
NOT_BEGUN = (JobStatus.UNASSIGNED, JobStatus.ASSIGNED)
"""A clean in one of these can still be called off as a clean of its plan."""


@dataclass(frozen=True, slots=True)
class TendPlans:
    """A market's plans, a page at a time."""

    market_id: MarketId
    after: UUID = FIRST


@command(Role.SYSTEM)
async def tend_plans(tx: Tx, input: TendPlans) -> UUID | None:
    """Make the jobs of the coming weeks, and move on whose pause or term is over; where to go on if there are more."""
    due = (service_plan.c.market_id == input.market_id, service_plan.c.status.in_([str(one) for one in LIVE]))
    page = (
        select(service_plan)
        .where(tx.own(service_plan), *due, service_plan.c.first_on.is_not(None), service_plan.c.id > input.after)
        .order_by(service_plan.c.id)
        .limit(PAGE)
        .with_for_update()
    )
    plans = await tx.all(page)
    place = await tx.get(market, input.market_id, "marketId")
    for plan in plans:
        before = plan.status
        tended = await tend(tx, plan, place.zone)
        if tended.status != before:
            tell_plan(tx, tended)
    return plans[-1].id if len(plans) == PAGE else None


async def tend(tx: Tx, plan: Row[Any], zone: str, *, is_waived: bool = True) -> Row[Any]:
    """Bring a plan that is held up to now: its status, the jobs that are to be, and those that are not to be any more.

    A clean that falls out costs the late fee of the business's policy (A50), unless that is waived. The plan as it is
    then.
    """
    async with tx.as_system():
        schedule = await schedule_of(tx, plan, zone)
        values = _settled(plan, schedule, tx.now)
        until = tx.now + timedelta(days=(await tenant_policy(tx)).booking.plan_days)
        values |= {"planned_until": local_day(zone, until)}
        if any(getattr(plan, name) != value for name, value in values.items()):
            await tx.change(service_plan, plan.id, **values)
            plan = await tx.get(service_plan, plan.id)
        await _call_off_fallen(tx, plan, schedule, is_waived=is_waived)
        if plan.status in LIVE:
            await _make_jobs(tx, plan, schedule, until)
    return plan


async def schedule_of(tx: Tx, plan: Row[Any], zone: str) -> PlanSchedule:
    """When the plan's cleans take place, as it is now."""
    skips = select(service_plan_skip.c.on_day).where(tx.own(service_plan_skip), service_plan_skip.c.plan_id == plan.id)
    days = [row.on_day for row in await tx.all(skips)]
    return schedule_with(plan, zone, days)


def schedule_with(plan: Row[Any], zone: str, skips: Sequence[date]) -> PlanSchedule:
    """The same, where the skipped days are known."""
    return PlanSchedule(
        Frequency(plan.frequency),
        plan.first_on,
        plan.at_minute,
        zone,
        ends_on=plan.ends_on,
        paused_on=plan.paused_on,
        resumes_on=plan.resumes_on,
        skips=frozenset(skips),
    )


def _settled(plan: Row[Any], schedule: PlanSchedule, now: datetime) -> dict[str, Any]:
    """What of a plan follows from the day: whether it is paused now, and whether it is over."""
    today = local_day(schedule.zone, now)
    status = PlanStatus(plan.status)
    if status not in LIVE:
        return {}
    values: dict[str, Any] = {}
    last = plan.first_on if schedule.frequency is Frequency.ONCE else plan.ends_on
    if last is not None and last < today:
        values["status"] = PlanStatus.ENDED
    elif plan.resumes_on is not None and plan.resumes_on <= today:
        values |= {"status": PlanStatus.ACTIVE, "paused_on": None, "resumes_on": None}
    else:
        paused = plan.paused_on is not None and plan.paused_on <= today
        values["status"] = PlanStatus.PAUSED if paused else PlanStatus.ACTIVE
    if values["status"] is not status:
        ensure_plan_transition(status, values["status"])
    if values["status"] is PlanStatus.ENDED:
        values["ended_at"] = now
    return {**values, "status": str(values["status"])}


async def _make_jobs(tx: Tx, plan: Row[Any], schedule: PlanSchedule, until: datetime) -> None:
    made = select(job.c.planned_on).where(tx.own(job), job.c.plan_id == plan.id, job.c.planned_on.is_not(None))
    known = {row.planned_on for row in await tx.all(made)}
    for one in occurrences(schedule, tx.now, until):
        if one.on not in known:
            clean = await book_clean(tx, plan, one)
            await tell_job(tx, EventType.JOB_CREATED, clean)
            await hold_now(tx, clean)


async def _call_off_fallen(tx: Tx, plan: Row[Any], schedule: PlanSchedule, *, is_waived: bool) -> None:
    """Take the jobs off the schedule whose day is skipped, in a pause, or after the end."""
    over = plan.status not in LIVE
    rows = await tx.all(
        select(job)
        .where(
            tx.own(job),
            job.c.plan_id == plan.id,
            job.c.planned_on.is_not(None),
            job.c.starts_at > tx.now,
            job.c.status.in_([str(one) for one in NOT_BEGUN]),
        )
        .order_by(job.c.id)
        .with_for_update()
    )
    for row in rows:
        if over or not schedule.takes_place(row.planned_on):
            # Its day is free again: unskipped or resumed, the plan makes another job for it.
            await strike(tx, row, "The plan has no clean on this day.", planned_on=None)
            await call_off(tx, row.id, is_waived=is_waived)
