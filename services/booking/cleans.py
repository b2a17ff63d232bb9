"""A plan's cleans become jobs, each with the price that was agreed on (R63, A10)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.booking import ensure_first_clean
from domain.errors import Conflict
from domain.events import Event, EventType
from domain.ids import JobId, ServicePlanId
from domain.payments.states import PaymentKind
from domain.plans import Occurrence, PlanStatus, Term, term_end
from domain.scheduling import JobStatus, PaymentStatus, is_urgent
from models import job, market, payment, service_plan
from services.booking.steps import bounds_of, read_calendar
from services.cards import tell_job
from services.inputs import arg
from services.payments.state import hold_payment, move_payment
from services.scheduling import tenant_policy


@dataclass(frozen=True, slots=True)
class PlanFirstClean:
    """When the first clean of a plan takes place whose day was not known when it was booked."""

    service_plan_id: ServicePlanId = arg("The plan; its dates come from a calendar so far.")
    first_on: date = arg("The day, by the market's calendar.")
    start_time: str = arg("What the market's clocks show when it starts, as 09:30.")


@command(Role.CUSTOMER, *OFFICE)
async def plan_first_clean(tx: Tx, input: PlanFirstClean) -> JobId:
    """Plan the first clean of a plan that was booked with a calendar alone (R36, A10): it is paid already."""
    await tx.get(service_plan, input.service_plan_id, "servicePlanId")
    async with tx.as_system():
        plan = await tx.get(service_plan, input.service_plan_id, "servicePlanId", lock=True)
        place = await tx.get(market, plan.market_id)
    if plan.status != PlanStatus.ACTIVE or plan.first_on is not None:
        details = {"status": plan.status}
        raise Conflict("The first clean of this plan is planned already.", field=("servicePlanId",), details=details)
    when = read_calendar(None, input.first_on, input.start_time)
    starts_at = ensure_first_clean(when, place.zone, await bounds_of(tx))
    assert starts_at is not None and when.first_on is not None and when.at is not None  # noqa: PT018, S101 (day and time)
    at_minute = when.at.hour * 60 + when.at.minute
    ends_on = term_end(when.first_on, None if plan.term is None else Term(plan.term))
    async with tx.as_system():
        await tx.change(service_plan, plan.id, first_on=when.first_on, at_minute=at_minute, ends_on=ends_on)
        planned = await tx.get(service_plan, plan.id)
    tell_plan(tx, planned)
    return await book_first_clean(tx, planned, Occurrence(when.first_on, starts_at))


async def book_first_clean(tx: Tx, plan: Row[Any], when: Occurrence) -> JobId:
    """Make the first clean of a plan and link it to what was paid for it: it is never held or captured again (A10)."""
    made = await book_clean(tx, plan, when)
    prepaid = (payment.c.plan_id == plan.id) & (payment.c.kind == PaymentKind.PREPAID) & payment.c.is_current
    async with tx.as_system(wholly=True):
        paid = await tx.scalar(select(payment.c.id).where(tx.own(payment), prepaid, payment.c.job_id.is_(None)))
        if paid is not None:
            await move_payment(tx, await hold_payment(tx, paid), job_id=made)
    await tell_job(tx, EventType.JOB_CREATED, made)
    return made


async def book_clean(tx: Tx, plan: Row[Any], when: Occurrence) -> JobId:
    """One clean of a plan at its frozen price, once for each of its days (R63, R64); whoever makes it tells of it."""
    urgent_within = (await tenant_policy(tx)).scheduling.urgent_within
    async with tx.as_system():
        known = await tx.scalar(
            select(job.c.id).where(tx.own(job), job.c.plan_id == plan.id, job.c.planned_on == when.on)
        )
        if known is not None:
            return JobId(known)
        return JobId(
            await tx.insert(
                job,
                property_id=plan.property_id,
                customer_id=plan.customer_id,
                market_id=plan.market_id,
                service_id=plan.service_id,
                plan_id=plan.id,
                quote_id=plan.quote_id,
                planned_on=when.on,
                price_cents=plan.price_cents,
                price=plan.price,
                currency=plan.currency,
                starts_at=when.starts_at,
                ends_at=_end(when.starts_at, plan),
                expected_hours=plan.expected_hours,
                is_urgent=is_urgent(tx.now, when.starts_at, urgent_within),
                status=JobStatus.UNASSIGNED.value,
                payment_status=PaymentStatus.PENDING.value,
                created_at=tx.now,
            )
        )


def tell_plan(tx: Tx, row: Row[Any]) -> None:
    """Event and audit line of a plan as it is now."""
    tx.audit("ServicePlan", row.id, detail={"status": row.status})
    card = {
        "id": str(row.id),
        "status": row.status,
        "frequency": row.frequency,
        "customer_id": str(row.customer_id),
        "property_id": str(row.property_id),
        "market_id": str(row.market_id),
        "price_cents": row.price_cents,
        "currency": row.currency,
        "first_on": None if row.first_on is None else row.first_on.isoformat(),
        "version": row.version,
    }
    tx.emit(Event(EventType.PLAN_CHANGED, "ServicePlan", row.id, card, (row.customer_id,)))


def _end(starts_at: datetime, plan: Row[Any]) -> datetime:
    return starts_at + timedelta(seconds=int(plan.expected_hours * 3600))
