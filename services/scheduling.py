"""Jobs and their assignments: what the office plans (R70 to R76).

Whoever changes a cleaner's schedule first locks that cleaner's row, in the order of ids, so that rules which sum a
schedule cannot be overtaken; the exclusion constraint on assignments stands behind them. Rows are locked in the order
job, cleaners, swap, assignment by everybody, so that nobody waits in a circle.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE
from domain.errors import Conflict, Invalid
from domain.events import EventType
from domain.ids import AssignmentId, CleanerId, JobId, PropertyId, ServiceId
from domain.pricing import price_to_json
from domain.scheduling import (
    AssignmentRole,
    JobStatus,
    Laundry,
    PaymentStatus,
    ensure_hours,
    ensure_schedulable,
    is_urgent,
    required_skills,
)
from domain.swaps import OPEN_SWAP_STATES, SwapOpener, SwapStatus, expiry_of
from models import assignment, cleaner, cleaner_market, cleaner_skill, customer, job, market, service, swap
from models import property as home
from services.billing.limits import ensure_jobs
from services.cards import refresh_swap_cards, take_off, tell_job
from services.checks import changes, text
from services.homes import price_there
from services.inputs import arg
from services.payments.holds import hold_now
from services.policies import tenant_policy

__all__ = ["tenant_policy"]

PLANNED = frozenset({JobStatus.UNASSIGNED, JobStatus.ASSIGNED})
"""Nobody has come yet: all of it may be different."""
VACANT = frozenset({JobStatus.UNASSIGNED, JobStatus.NO_SHOW})
"""Somebody is needed who is responsible for it."""
STAFFABLE = PLANNED | VACANT | {JobStatus.IN_PROGRESS}
"""Somebody may be sent there: also to help, or in place of who has fallen ill on the spot."""


@dataclass(frozen=True, slots=True)
class CreateJob:
    """A clean to be done."""

    property_id: PropertyId = arg("The home to clean.")
    starts_at: datetime = arg("When the clean starts, with its UTC offset; in the future, within two years.")
    expected_hours: Decimal | None = arg(
        "Hours per head, more than 0 and at most 24, at most two decimals; the service's unless told.", default=None
    )
    is_urgent: bool = arg(
        "Urgent whatever the time left; a job less than a day away is urgent by itself (A22).", default=False
    )
    instructions: str = arg("What is special this time, at most 5,000 characters.", default="")
    service_id: ServiceId | None = arg("Which service of the catalogue it is.", default=None)


@dataclass(frozen=True, slots=True)
class UpdateJob:
    """What is to be different; what is left out stays."""

    job_id: JobId = arg("The job to change.")
    starts_at: datetime | None = arg("When the clean starts, with its UTC offset.", default=None)
    expected_hours: Decimal | None = arg("Hours per head.", default=None)
    is_urgent: bool | None = arg("Whether the urgent bonus is paid.", default=None)
    instructions: str | None = arg("What is special this time.", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the job has another version.", default=None)


@dataclass(frozen=True, slots=True)
class AssignCleaner:
    """A cleaner for a job."""

    job_id: JobId = arg("The job, not yet started.")
    cleaner_id: CleanerId = arg("A cleaner of the job's market with the skills that the home demands.")
    role: AssignmentRole = arg("What the cleaner is on the job (R74).", default=AssignmentRole.PRIMARY)


@dataclass(frozen=True, slots=True)
class ReleaseCleaner:
    """A cleaner to be taken off a job."""

    assignment_id: AssignmentId = arg("The live assignment to end; its swap, if any, is withdrawn.")


@command(*OFFICE)
async def create_job(tx: Tx, input: CreateJob) -> JobId:
    """Plan a clean (R70, R76). Urgent if it starts within a day (A22).

    Its price is that of the book in force, and stays (R60); there is none where the office names it (A31).
    """
    where = await _hold_home(tx, input.property_id)
    policy = await tenant_policy(tx)
    hours = await _hours_of(tx, input)
    ensure_schedulable(input.starts_at, hours, tx.now, policy.scheduling.horizon_days)
    await ensure_jobs(tx, input.starts_at)
    price = await price_there(tx, where)
    made = JobId(
        await tx.insert(
            job,
            price_cents=None if price is None else price.total_cents,
            price=None if price is None else price_to_json(price),
            currency=None if price is None else price.currency,
            property_id=where.id,
            customer_id=where.customer_id,
            market_id=where.market_id,
            service_id=input.service_id,
            starts_at=input.starts_at,
            ends_at=_end(input.starts_at, hours),
            expected_hours=hours,
            is_urgent=input.is_urgent or is_urgent(tx.now, input.starts_at, policy.scheduling.urgent_within),
            instructions=text(input.instructions, "instructions", least=0, most=5000),
            status=JobStatus.UNASSIGNED,
            payment_status=PaymentStatus.PENDING,
            created_at=tx.now,
        )
    )
    await tell_job(tx, EventType.JOB_CREATED, made)
    # Booked after the night's run, it is held at once (A1).
    await hold_now(tx, made)
    return made


@command(*OFFICE)
async def update_job(tx: Tx, input: UpdateJob) -> JobId:
    """Change or move a clean that has not started (R76). Refused where one of its cleaners would be in two places.

    Its swaps on the market follow: their cards change, and one whose time to be taken is over now expires.
    """
    changes(_given(input))
    before = await _lock_in(tx, input.job_id, PLANNED)
    starts_at = input.starts_at or before.starts_at
    hours = before.expected_hours if input.expected_hours is None else ensure_hours(input.expected_hours)
    moved = (starts_at, hours) != (before.starts_at, before.expected_hours)
    if moved:
        await lock_cleaners(tx, await _crew(tx, before.id))
        ensure_schedulable(starts_at, hours, tx.now, (await tenant_policy(tx)).scheduling.horizon_days)
    values = {
        "starts_at": starts_at,
        "ends_at": _end(starts_at, hours),
        "expected_hours": hours,
        "is_urgent": before.is_urgent if input.is_urgent is None else input.is_urgent,
        "instructions": before.instructions
        if input.instructions is None
        else text(input.instructions, "instructions", least=0, most=5000),
    }
    if moved:
        # Before the job, in the order in which an accept locks: swap, then assignment.
        await _move_swaps(tx, before.id, starts_at, _end(starts_at, hours))
    await tx.change(job, before.id, input.expected_version, **values)
    await tell_job(tx, EventType.JOB_CHANGED, before.id)
    await refresh_swap_cards(tx, job.c.id == before.id)
    if moved:
        await hold_now(tx, before.id)
    return input.job_id


@command(*OFFICE)
async def assign_cleaner(tx: Tx, input: AssignCleaner) -> AssignmentId:
    """Put a cleaner on a job (R74, R80): onboarded, of its market, with its skills, and nowhere else at that time.

    Also on one that runs, and on one that counts as a no-show, which is planned anew thereby.
    """
    planned = await _lock_in(tx, input.job_id, STAFFABLE)
    await lock_cleaners(tx, [input.cleaner_id])
    await _ensure_fit(tx, planned, input.cleaner_id)
    # The place that the office was looking to fill on the market is filled.
    vacancy = (swap.c.job_id == planned.id) & swap.c.assignment_id.is_(None) & (swap.c.role == input.role)
    await take_off(tx, vacancy)
    made = AssignmentId(
        await tx.insert(
            assignment,
            job_id=planned.id,
            customer_id=planned.customer_id,
            cleaner_id=input.cleaner_id,
            role=input.role,
            starts_at=planned.starts_at,
            ends_at=planned.ends_at,
            created_at=tx.now,
        )
    )
    if planned.status in VACANT and input.role is not AssignmentRole.BACKUP:
        await tx.change(job, planned.id, status=JobStatus.ASSIGNED)
    await tell_job(tx, EventType.CLEANER_ASSIGNED, planned.id, people=(input.cleaner_id,))
    return made


@command(*OFFICE)
async def release_cleaner(tx: Tx, input: ReleaseCleaner) -> JobId:
    """Take a cleaner off a job that nobody has come to; the job is unassigned again when nobody is left.

    Re-opened less than a day before its start, it becomes urgent (A22).
    """
    gone = await tx.get(assignment, input.assignment_id, "assignmentId")
    planned = await _lock_in(tx, gone.job_id, PLANNED | {JobStatus.NO_SHOW})
    gone = await tx.get(assignment, input.assignment_id, "assignmentId")
    if gone.released_at is not None:
        raise Conflict("This assignment has ended.", field=("assignmentId",))
    if await _release(tx, gone.id) != gone.cleaner_id:
        raise Conflict("This shift has just been taken by somebody else.", field=("assignmentId",))
    working = (
        select(func.count())
        .select_from(assignment)
        .where(tx.own(assignment), *_live(planned.id), assignment.c.role != AssignmentRole.BACKUP)
    )
    if planned.status == JobStatus.ASSIGNED and not await tx.scalar(working):
        urgent_within = (await tenant_policy(tx)).scheduling.urgent_within
        urgent = planned.is_urgent or is_urgent(tx.now, planned.starts_at, urgent_within)
        await tx.change(job, planned.id, status=JobStatus.UNASSIGNED, is_urgent=urgent)
    await tell_job(tx, EventType.CLEANER_RELEASED, planned.id, people=(gone.cleaner_id,))
    return JobId(planned.id)


async def _hours_of(tx: Tx, input: CreateJob) -> Decimal:
    """The hours that were given, or else those of the service (R24)."""
    offered = await tx.get(service, input.service_id, "serviceId") if input.service_id else None
    if offered is not None and offered.archived_at is not None:
        raise Conflict("This service is archived.", field=("serviceId",))
    if input.expected_hours is not None:
        return ensure_hours(input.expected_hours)
    if offered is None:
        raise Invalid("Say how many hours it takes, or which service it is.", field=("expectedHours",))
    hours: Decimal = offered.expected_hours
    return hours


async def lock_cleaners(tx: Tx, ids: Iterable[UUID]) -> None:
    """Lock these cleaners' rows, in the order of their ids. Raises `NotFound` for one that is not there."""
    for id in sorted(set(ids)):
        await tx.get(cleaner, id, "cleanerId", lock=True)


async def _hold_home(tx: Tx, id: PropertyId) -> Row[Any]:
    """The home, if jobs can be planned there. Held with all that it belongs to: none is archived meanwhile.

    The customer is first, as where a customer is archived with their homes.
    """
    await tx.get(customer, (await tx.get(home, id, "propertyId")).customer_id, share=True)
    where = await tx.get(home, id, "propertyId", share=True)
    if where.archived_at is not None:
        raise Conflict("This property is archived.", field=("propertyId",))
    if (await tx.get(market, where.market_id, share=True)).archived_at is not None:
        raise Conflict("The property's market is archived.", field=("propertyId",))
    return where


async def _lock_in(tx: Tx, id: JobId, states: frozenset[JobStatus]) -> Row[Any]:
    """The job, locked, if it is in one of these states."""
    row = await tx.get(job, id, "jobId", lock=True)
    if row.status not in states:
        raise Conflict("This job cannot be planned any more.", field=("jobId",), details={"status": row.status})
    return row


def _given(input: UpdateJob) -> dict[str, Any]:
    return {
        "starts_at": input.starts_at,
        "expected_hours": input.expected_hours,
        "is_urgent": input.is_urgent,
        "instructions": input.instructions,
    }


async def _crew(tx: Tx, job_id: UUID) -> list[UUID]:
    rows = await tx.all(select(assignment.c.cleaner_id).where(tx.own(assignment), *_live(job_id)))
    return [row.cleaner_id for row in rows]


def _live(job_id: UUID) -> tuple[Any, ...]:
    return assignment.c.job_id == job_id, assignment.c.released_at.is_(None)


async def _ensure_fit(tx: Tx, planned: Row[Any], cleaner_id: CleanerId) -> None:
    who = await tx.get(cleaner, cleaner_id, "cleanerId")
    if who.archived_at is not None or who.onboarding != "COMPLETE":
        raise Conflict("This cleaner cannot be given work.", field=("cleanerId",))
    in_market = select(cleaner_market.c.market_id).where(
        tx.own(cleaner_market),
        cleaner_market.c.cleaner_id == cleaner_id,
        cleaner_market.c.market_id == planned.market_id,
    )
    if await tx.one(in_market) is None:
        raise Conflict("This cleaner does not work in the job's market.", field=("cleanerId",))
    where = await tx.get(home, planned.property_id)
    skills = await tx.all(
        select(cleaner_skill.c.skill).where(tx.own(cleaner_skill), cleaner_skill.c.cleaner_id == cleaner_id)
    )
    missing = required_skills(has_hot_tub=where.hot_tub, laundry=Laundry(where.laundry)) - {row.skill for row in skills}
    if missing:
        raise Conflict(f"The cleaner lacks: {', '.join(sorted(missing))}.", field=("cleanerId",))


async def release_crew(tx: Tx, job_id: UUID) -> list[UUID]:
    """Take everybody off a job; who they were. The job's row is held before it."""
    live = select(assignment.c.id).where(tx.own(assignment), *_live(job_id)).order_by(assignment.c.id)
    return [await _release(tx, one.id) for one in await tx.all(live)]


async def _release(tx: Tx, id: UUID) -> UUID:
    """End an assignment and take its swap off the market; whose it was.

    In the order in which an accept locks: swap, then assignment. An accept that was faster has made it the taker's.
    """
    await take_off(tx, swap.c.assignment_id == id)
    await tx.change(assignment, id, released_at=tx.now)
    gone = await tx.get(assignment, id)
    return UUID(str(gone.cleaner_id))


async def _move_swaps(tx: Tx, job_id: UUID, starts_at: datetime, ends_at: datetime) -> None:
    """Give the job's swaps the expiry that belongs to its new time (A27)."""
    lead = (await tenant_policy(tx)).swaps.cleaner_lead
    for opener in SwapOpener:
        expires_at = max(expiry_of(starts_at, ends_at, lead, opener), tx.now)
        of_job = (swap.c.job_id == job_id) & (swap.c.opened_by == opener)
        moved = await tx.all(
            update(swap)
            .where(tx.own(swap), of_job, swap.c.status.in_(OPEN_SWAP_STATES))
            .values(expires_at=expires_at, version=swap.c.version + 1)
            .returning(swap.c.id)
        )
        # A taken shift may come back to the market, and nothing else of its swap is different by then.
        taken = await tx.all(
            update(swap)
            .where(tx.own(swap), of_job, swap.c.status == SwapStatus.ACCEPTED, swap.c.expires_at != expires_at)
            .values(expires_at=expires_at)
            .returning(swap.c.id)
        )
        for row in (*moved, *taken):
            tx.later("expire_swap", {"swap_id": str(row.id)}, run_at=expires_at)


def _end(starts_at: datetime, hours: Decimal) -> datetime:
    return starts_at + timedelta(seconds=int(hours * 3600))
