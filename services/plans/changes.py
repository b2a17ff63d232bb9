"""What customer and office do with a plan: pause, resume, skip, end, renew (A50, R63, R65).

A customer does it with their own plans, within the business's policy: a clean that falls out is free until so long
before its start, and costs the late fee from then on. The office may waive that.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.errors import Conflict, Forbidden, IllegalTransition, Invalid
from domain.ids import ServicePlanId
from domain.notifications import NotificationKind
from domain.plans import PlanStatus, Term, ensure_plan_transition, occurrence_on, term_end
from domain.wallclock import local_day
from models import job, market, service_plan, service_plan_skip
from services.booking.cleans import tell_plan
from services.checks import text
from services.inputs import arg
from services.notifications import QueueNotifications, queue
from services.plans.generation import LIVE, NOT_BEGUN, schedule_of, tend

PEOPLE = (Role.CUSTOMER, *sorted(OFFICE))
PLAN = "The plan; a customer's own."
FURTHEST = timedelta(days=3 * 366)
"""So far ahead at most a plan is renewed, or a day of it changed."""
WAIVE = "Whether cleans that fall out late cost nothing all the same (A50); for the office."


@dataclass(frozen=True, slots=True)
class PausePlan:
    """A time without cleans."""

    service_plan_id: ServicePlanId = arg(PLAN)
    from_on: date = arg("The first day without cleans, by the market's calendar; today at the earliest.")
    resumes_on: date | None = arg("The first day with cleans again; until it is resumed unless told.", default=None)
    waive_fee: bool = arg(WAIVE, default=False)


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """The end of a pause."""

    service_plan_id: ServicePlanId = arg(PLAN)
    resumes_on: date | None = arg(
        "The first day with cleans again, by the market's calendar; today unless told.", default=None
    )


@dataclass(frozen=True, slots=True)
class SkipClean:
    """One clean that is left out."""

    service_plan_id: ServicePlanId = arg(PLAN)
    on: date = arg(
        "The day of the clean, by the market's calendar, as the plan has it; the others stay where they are."
    )
    waive_fee: bool = arg(WAIVE, default=False)


@dataclass(frozen=True, slots=True)
class UnskipClean:
    """A clean that takes place after all."""

    service_plan_id: ServicePlanId = arg(PLAN)
    on: date = arg("The day that was skipped.")


@dataclass(frozen=True, slots=True)
class EndPlan:
    """The end of a plan."""

    service_plan_id: ServicePlanId = arg(PLAN)
    reason: str = arg("Why, for the audit; at most 500 characters.")
    ends_on: date | None = arg(
        "The last day on which a clean may be, by the market's calendar; at once unless told.", default=None
    )
    waive_fee: bool = arg(WAIVE, default=False)


@dataclass(frozen=True, slots=True)
class RenewPlan:
    """Another year of a plan whose term has an end."""

    service_plan_id: ServicePlanId = arg(PLAN)


@dataclass(frozen=True, slots=True)
class _Held:
    """A plan that is about to be changed, its row held, with its market's zone and today's date there."""

    plan: Row[Any]
    zone: str
    today: date


@command(*PEOPLE)
async def pause_plan(tx: Tx, input: PausePlan) -> ServicePlanId:
    """Have no cleans for a while (A50): those that are planned already are called off. Another pause replaces it."""
    held = await _hold(tx, input.service_plan_id, waive=input.waive_fee)
    _ensure_ahead(held, input.from_on, "fromOn")
    if input.resumes_on is not None and input.resumes_on <= input.from_on:
        raise Invalid("Cleans begin again after the first day without them.", field=("resumesOn",))
    if input.resumes_on is not None:
        _ensure_ahead(held, input.resumes_on, "resumesOn")
    values = {"paused_on": input.from_on, "resumes_on": input.resumes_on}
    until = "" if input.resumes_on is None else f" until {_day(input.resumes_on)}"
    words = f"There are no cleans from {_day(input.from_on)}{until}."
    return await _change(tx, held, values, words, is_waived=input.waive_fee)


@command(*PEOPLE)
async def resume_plan(tx: Tx, input: ResumePlan) -> ServicePlanId:
    """End a pause (A50); the days of the plan's rhythm have cleans again."""
    held = await _hold(tx, input.service_plan_id)
    if held.plan.paused_on is None:
        raise IllegalTransition("This plan is not paused.", field=("servicePlanId",))
    on = input.resumes_on or held.today
    _ensure_ahead(held, on, "resumesOn")
    still_to_come = on > max(held.plan.paused_on, held.today)
    paused_on = held.plan.paused_on if still_to_come else None
    values = {"paused_on": paused_on, "resumes_on": on if still_to_come else None}
    return await _change(tx, held, values, f"There are cleans again from {_day(on)}.", is_waived=True)


@command(*PEOPLE)
async def skip_clean(tx: Tx, input: SkipClean) -> ServicePlanId:
    """Leave one clean out (A50). Skipping it again changes nothing; one that has begun cannot be skipped."""
    held = await _hold(tx, input.service_plan_id, waive=input.waive_fee)
    async with tx.as_system():
        schedule = await schedule_of(tx, held.plan, held.zone)
    if input.on in schedule.skips:
        return input.service_plan_id
    _ensure_ahead(held, input.on, "on")
    clean = occurrence_on(schedule, input.on)
    if clean is None or clean.starts_at <= tx.now:
        raise Invalid("The plan has no clean on this day that is still to come.", field=("on",))
    await _ensure_not_begun(tx, held.plan, input.on)
    row = {"tenant_id": tx.actor.tenant, "plan_id": held.plan.id, "on_day": input.on}
    async with tx.as_system():
        await tx.write(
            insert(service_plan_skip)
            .values(**row, customer_id=held.plan.customer_id, created_at=tx.now)
            .on_conflict_do_nothing()
        )
    words = f"The clean of {_day(input.on)} is left out."
    return await _change(tx, held, {}, words, is_waived=input.waive_fee)


@command(*PEOPLE)
async def unskip_clean(tx: Tx, input: UnskipClean) -> ServicePlanId:
    """Have a clean after all that was to be left out (A50)."""
    held = await _hold(tx, input.service_plan_id)
    _ensure_ahead(held, input.on, "on")
    skipped = (service_plan_skip.c.plan_id == held.plan.id, service_plan_skip.c.on_day == input.on)
    async with tx.as_system():
        gone = await tx.write(delete(service_plan_skip).where(tx.own(service_plan_skip), *skipped))
    if not gone:
        raise Invalid("The clean of this day is not skipped.", field=("on",))
    return await _change(tx, held, {}, f"The clean of {_day(input.on)} takes place after all.", is_waived=True)


@command(*PEOPLE, when_unpaid=True)
async def end_plan(tx: Tx, input: EndPlan) -> ServicePlanId:
    """End a plan (A50): at once, or with its last clean on or before a day. What is planned beyond is called off."""
    held = await _hold(tx, input.service_plan_id, waive=input.waive_fee, has_days=False)
    reason = text(input.reason, "reason", most=500)
    if input.ends_on is None:
        ensure_plan_transition(PlanStatus(held.plan.status), PlanStatus.CANCELED)
        values: dict[str, Any] = {"status": str(PlanStatus.CANCELED), "ended_at": tx.now, "ends_on": held.today}
        words = "It has ended."
    else:
        _ensure_ahead(held, input.ends_on, "endsOn")
        if held.plan.ends_on is not None and input.ends_on > held.plan.ends_on:
            raise Invalid("The plan ends before that; renew it to go on.", field=("endsOn",))
        values, words = {"ends_on": input.ends_on}, f"It ends on {_day(input.ends_on)}."
    tx.audit("ServicePlan", held.plan.id, reason=reason)
    return await _change(tx, held, values, words, is_waived=input.waive_fee)


@command(*PEOPLE)
async def renew_plan(tx: Tx, input: RenewPlan) -> ServicePlanId:
    """Go on for another year at the same price (R65, A32): a term is never renewed by itself."""
    held = await _hold(tx, input.service_plan_id)
    if held.plan.ends_on is None:
        raise Conflict("This plan goes on until it is ended.", field=("servicePlanId",))
    ends_on = term_end(held.plan.ends_on + timedelta(days=1), Term.ANNUAL)
    assert ends_on is not None  # noqa: S101 (a year has an end)
    if ends_on > held.today + FURTHEST:
        raise Conflict("This plan is renewed already.", field=("servicePlanId",))
    values = {"ends_on": ends_on, "term": str(Term.ANNUAL)}
    return await _change(tx, held, values, f"It goes on until {_day(ends_on)}.", is_waived=True)


async def _hold(tx: Tx, id: ServicePlanId, *, waive: bool = False, has_days: bool = True) -> _Held:
    """The plan, if the actor may change it; `NotFound` for anybody else's (R3).

    One whose dates come from a calendar alone has no days that could be changed; it can be ended.
    """
    if waive and tx.actor.role not in OFFICE:
        raise Forbidden("Only the office can waive a fee.", field=("waiveFee",))
    await tx.get(service_plan, id, "servicePlanId")
    async with tx.as_system():
        plan = await tx.get(service_plan, id, "servicePlanId", lock=True)
        zone: str = (await tx.get(market, plan.market_id)).zone
    if plan.status not in LIVE or (has_days and plan.first_on is None):
        message = "This plan has no cleans that could be changed."
        raise IllegalTransition(message, field=("servicePlanId",), details={"status": plan.status})
    return _Held(plan, zone, local_day(zone, tx.now))


async def _change(tx: Tx, held: _Held, values: dict[str, Any], words: str, *, is_waived: bool) -> ServicePlanId:
    """Write it down, have the jobs follow, and tell the customer."""
    async with tx.as_system():
        # Also where only a day is skipped: whoever has read the plan has read its days.
        await tx.change(service_plan, held.plan.id, **values)
        plan = await tx.get(service_plan, held.plan.id)
    if plan.first_on is not None:
        plan = await tend(tx, plan, held.zone, is_waived=is_waived)
    tell_plan(tx, plan)
    topic = f"plan:{plan.id}:{plan.version}"
    async with tx.as_system(wholly=True):
        await queue(tx, QueueNotifications(NotificationKind.PLAN_CHANGED, topic, {"said": words}, [plan.customer_id]))
    return ServicePlanId(plan.id)


def _ensure_ahead(held: _Held, day: date, field: str) -> None:
    if day < held.today:
        raise Invalid("This day is over.", field=(field,))
    if day > held.today + FURTHEST:
        raise Invalid("This day is too far ahead.", field=(field,))


async def _ensure_not_begun(tx: Tx, plan: Row[Any], day: date) -> None:
    begun = select(job.c.status).where(
        tx.own(job),
        job.c.plan_id == plan.id,
        job.c.planned_on == day,
        job.c.status.not_in([str(one) for one in NOT_BEGUN]),
    )
    async with tx.as_system():
        status = await tx.scalar(begun)
    if status is not None:
        raise Conflict("This clean cannot be skipped any more.", field=("on",), details={"status": status})


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
