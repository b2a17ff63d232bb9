"""What a business's plan includes, asked where something is added (A42). Who is on no plan has no limits."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from db.tx import Tx
from domain.billing import PLANS, Feature, Plan
from domain.errors import PlanLimit
from domain.scheduling import JobStatus
from models import cleaner, job, staff, tenant_subscription


async def ensure_seat(tx: Tx) -> None:
    """Raise `PlanLimit` where the plan has no seat for one more person of office or field."""
    plan = await _plan(tx, lock=True)
    if plan is None or plan.seats is None:
        return
    if await seats_taken(tx) >= plan.seats:
        raise PlanLimit(details={"limit": "seats", "included": plan.seats, "plan": plan.name})


async def ensure_jobs(tx: Tx, starts_at: datetime, more: int = 1) -> None:
    """Raise `PlanLimit` where the plan has no room for so many more cleans in the month that this one begins in."""
    plan = await _plan(tx, lock=True)
    if plan is None or plan.jobs_a_month is None:
        return
    if await _jobs_of_month(tx, starts_at) + more > plan.jobs_a_month:
        raise PlanLimit(details={"limit": "jobsAMonth", "included": plan.jobs_a_month, "plan": plan.name})


async def ensure_feature(tx: Tx, feature: Feature) -> None:
    """Raise `PlanLimit` where the plan does not include this."""
    plan = await _plan(tx)
    if plan is not None and feature not in plan.features:
        raise PlanLimit(details={"limit": "features", "feature": feature.value, "plan": plan.name})


async def seats_taken(tx: Tx) -> int:
    """How many people the business has."""
    async with tx.as_system():
        office = select(func.count()).where(tx.own(staff), staff.c.archived_at.is_(None))
        field = select(func.count()).where(tx.own(cleaner), cleaner.c.archived_at.is_(None))
        return int(await tx.scalar(select(office.scalar_subquery() + field.scalar_subquery())))


async def _plan(tx: Tx, *, lock: bool = False) -> Plan | None:
    """The business's plan; None where it is on none. With `lock` two who take the last seat wait for each other."""
    found = select(tenant_subscription.c.plan).where(tx.own(tenant_subscription))
    async with tx.as_system(wholly=True):
        name = await tx.scalar(found.with_for_update() if lock else found)
    return None if name is None else PLANS.get(name)


async def _jobs_of_month(tx: Tx, starts_at: datetime) -> int:
    first = starts_at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    booked = select(func.count()).where(
        tx.own(job),
        job.c.starts_at >= first,
        job.c.starts_at < following,
        job.c.status != JobStatus.CANCELED.value,
    )
    async with tx.as_system():
        return int(await tx.scalar(booked))
