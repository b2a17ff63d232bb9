"""The office puts shifts on the market: for who cannot come, and for jobs that nobody is on (A22, A27)."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date as SqlDate
from sqlalchemy import Row, cast, func, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE
from domain.errors import Conflict, Invalid, NotFound
from domain.events import EventType
from domain.ids import AssignmentId, CleanerId, JobId, SwapId
from domain.policy import TenantPolicy
from domain.scheduling import AssignmentRole, JobStatus, is_urgent
from domain.swaps import OPEN_SWAP_STATES, SwapOpener
from models import assignment, cleaner, job, market, swap
from services.cards import Aside, record_swap_move, refresh_swap_cards, take_off, tell_job
from services.checks import text
from services.inputs import arg
from services.scheduling import tenant_policy
from services.swaps.listing import Listing, list_shift, live_shift

COVERABLE = frozenset({JobStatus.UNASSIGNED, JobStatus.ASSIGNED, JobStatus.NO_SHOW})


@dataclass(frozen=True, slots=True)
class OpenCover:
    """A shift that the office wants covered: of a cleaner who cannot come, or of a job that lacks one."""

    assignment_id: AssignmentId | None = arg("Whose shift it is, a live assignment; or else `jobId`.", default=None)
    job_id: JobId | None = arg("A job that lacks a cleaner; or else `assignmentId`.", default=None)
    role: AssignmentRole = arg("What the taker will be on a job that lacks one.", default=AssignmentRole.PRIMARY)
    note: str = arg("What takers should know, at most 500 characters.", default="")


@dataclass(frozen=True, slots=True)
class CoverSickCall:
    """A cleaner who cannot come."""

    cleaner_id: CleanerId = arg("Who cannot come.")
    day: date | None = arg("The market-local day of the shifts; today unless told.", default=None)
    note: str = arg("What takers should know, at most 500 characters.", default="")


@command(*OFFICE)
async def open_cover(tx: Tx, input: OpenCover) -> SwapId:
    """Put a shift on the market for the office (A27): until the job's end, and urgent if it starts soon (A22).

    Whoever holds it stays responsible until it is taken; an offer of their own gives way to the cover.
    """
    note = text(input.note, "note", least=0, most=500)
    if (input.assignment_id is None) == (input.job_id is None):
        raise Invalid("Name either a shift or a job.", field=("assignmentId",))
    policy = await tenant_policy(tx)
    if input.job_id is not None:
        return await _open_vacancy(tx, input, note, policy)
    shift = await live_shift(tx, assignment.c.id == input.assignment_id)
    if shift is None:
        raise NotFound(field=("assignmentId",))
    return await _cover(tx, shift.id, note, policy)


@command(*OFFICE)
async def cover_sick_call(tx: Tx, input: CoverSickCall) -> CleanerId:
    """Put every shift of a cleaner's day on the market, as covers (A22, A27). CONFLICT if there is none to cover."""
    note = text(input.note, "note", least=0, most=500)
    await tx.get(cleaner, input.cleaner_id, "cleanerId")
    policy = await tenant_policy(tx)
    shifts = await _shifts_of_day(tx, input)
    if not shifts:
        raise Conflict("This cleaner has no shift to cover on that day.", field=("cleanerId",))
    for shift in shifts:
        await _cover(tx, shift, note, policy)
    return input.cleaner_id


async def _shifts_of_day(tx: Tx, input: CoverSickCall) -> list[UUID]:
    def local_day(instant: Any) -> Any:
        return cast(func.timezone(market.c.zone, instant), SqlDate)

    rows = await tx.all(
        select(assignment.c.id)
        .join(job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id))
        .join(market, (market.c.tenant_id == job.c.tenant_id) & (market.c.id == job.c.market_id))
        .where(
            tx.own(assignment),
            assignment.c.cleaner_id == input.cleaner_id,
            assignment.c.released_at.is_(None),
            assignment.c.role != AssignmentRole.BACKUP,
            assignment.c.ends_at > tx.now,
            job.c.status.in_(COVERABLE),
            local_day(assignment.c.starts_at) == (local_day(tx.now) if input.day is None else input.day),
        )
        # Everybody locks jobs in one order.
        .order_by(job.c.id)
    )
    return [row.id for row in rows]


async def cover_absence(tx: Tx, job_row: Row[Any], note: str) -> SwapId | None:
    """Look for somebody else where nobody has come, as the system (A22, A46); its job is held by the caller.

    The job becomes urgent. None where a cover is open already, or the job is over.
    """
    if job_row.status not in COVERABLE or job_row.ends_at <= tx.now:
        return None
    policy = await tenant_policy(tx)
    primary = (swap.c.role == AssignmentRole.PRIMARY) & (swap.c.opened_by == SwapOpener.OFFICE)
    here = (swap.c.job_id == job_row.id) & swap.c.status.in_(OPEN_SWAP_STATES)
    if await tx.one(select(swap.c.id).where(tx.own(swap), here, primary)) is not None:
        await _hurry(tx, job_row.id, job_row, policy)
        await refresh_swap_cards(tx, job.c.id == job_row.id)
        return None
    theirs = (assignment.c.job_id == job_row.id) & (assignment.c.role == AssignmentRole.PRIMARY)
    shift = await live_shift(tx, theirs)
    if shift is None:
        return await _open_vacancy(tx, OpenCover(job_id=JobId(job_row.id)), note, policy)
    return await _cover(tx, shift.id, note, policy)


async def _cover(tx: Tx, shift_id: UUID, note: str, policy: TenantPolicy) -> SwapId:
    """Open a cover for somebody's shift, its job locked first."""
    known = await tx.get(assignment, shift_id, "assignmentId")
    await _hold(tx, known.job_id, "assignmentId")
    shift = await live_shift(tx, assignment.c.id == shift_id)
    if shift is None:
        raise Conflict("This assignment has ended.", field=("assignmentId",))
    if shift.role == AssignmentRole.BACKUP:
        raise Conflict("A backup's place needs no cover.", field=("assignmentId",))
    await take_off(tx, swap.c.assignment_id == shift.id, Aside(reason="The office opens a cover."))
    return await _list(
        tx,
        Listing(
            shift=shift,
            role=AssignmentRole(shift.role),
            opened_by=SwapOpener.OFFICE,
            note=note,
            assignment_id=shift.id,
            owner_id=shift.cleaner_id,
        ),
        policy,
    )


async def _open_vacancy(tx: Tx, input: OpenCover, note: str, policy: TenantPolicy) -> SwapId:
    """Open a cover for a place on a job that nobody has."""
    if input.role is AssignmentRole.BACKUP:
        raise Invalid("A backup's place needs no cover.", field=("role",))
    assert input.job_id is not None  # noqa: S101 (the caller has looked)
    await _hold(tx, input.job_id, "jobId")
    taken = (assignment.c.job_id == input.job_id) & (assignment.c.role == input.role)
    if await live_shift(tx, taken) is not None:
        raise Conflict("The job has a cleaner in this role: cover their shift instead.", field=("role",))
    shift = await tx.one(select(job, job.c.id.label("job_id")).where(tx.own(job), job.c.id == input.job_id))
    assert shift is not None  # noqa: S101 (it is locked)
    return await _list(tx, Listing(shift, input.role, SwapOpener.OFFICE, note), policy)


async def _hold(tx: Tx, job_id: UUID, field: str) -> Row[Any]:
    """Lock a job whose shifts may still change hands."""
    row = await tx.get(job, job_id, field, lock=True)
    if row.status not in COVERABLE or row.ends_at <= tx.now:
        raise Conflict("This job cannot be covered any more.", field=(field,), details={"status": row.status})
    return row


async def _list(tx: Tx, listing: Listing, policy: TenantPolicy) -> SwapId:
    await _hurry(tx, listing.shift.job_id, listing.shift, policy)
    made = await list_shift(tx, listing, policy)
    await record_swap_move(tx, EventType.SWAP_OFFERED, made)
    return made


async def _hurry(tx: Tx, job_id: UUID, shift: Row[Any], policy: TenantPolicy) -> None:
    """A job that looks for somebody late is urgent (A22)."""
    if not shift.is_urgent and is_urgent(tx.now, shift.starts_at, policy.scheduling.urgent_within):
        await tx.change(job, job_id, is_urgent=True)
        await tell_job(tx, EventType.JOB_CHANGED, job_id)
