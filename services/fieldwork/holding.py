"""Takes hold of a job and one cleaner's part in it, in the order in which everybody locks: job, packet, visit."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.tx import Tx
from domain.errors import Conflict, NotFound
from domain.ids import AssignmentId
from models import assignment, job, visit


@dataclass(frozen=True, slots=True)
class Held:
    """A cleaner's own shift, with its job locked, and the visit if it has begun."""

    job: Row[Any]
    assignment: Row[Any]
    visit: Row[Any] | None


async def hold_shift(tx: Tx, assignment_id: AssignmentId, *, live: bool = True) -> Held:
    """The acting cleaner's own shift. `NotFound` for anybody else's, `Conflict` for one that has ended (R3).

    Unless `live` is not asked: what happened before a job was canceled may be told afterwards (A40).
    """
    shift = await tx.get(assignment, assignment_id, "assignmentId")
    job_row = await hold_job(tx, shift.job_id)
    shift = await tx.get(assignment, assignment_id, "assignmentId")
    if shift.cleaner_id != tx.actor.cleaner_id:
        raise NotFound(field=("assignmentId",))
    if live and shift.released_at is not None:
        raise Conflict("This shift is not yours any more.", field=("assignmentId",))
    return Held(job_row, shift, await visit_of(tx, shift))


async def hold_job(tx: Tx, job_id: UUID) -> Row[Any]:
    """The job, which the actor may only read, locked until the end: what happens to it happens one after the other."""
    async with tx.as_system():
        return await tx.get(job, job_id, "jobId", lock=True)


async def hold_own_part(tx: Tx, job_id: UUID) -> Held:
    """The acting cleaner's own live shift on a job, the job locked. `NotFound` for a job that they are not on (R3)."""
    await tx.get(job, job_id, "jobId")
    job_row = await hold_job(tx, job_id)
    mine = select(assignment).where(
        tx.own(assignment),
        assignment.c.job_id == job_id,
        assignment.c.cleaner_id == tx.actor.cleaner_id,
        assignment.c.released_at.is_(None),
    )
    shift = await tx.one(mine)
    if shift is None:
        raise NotFound(field=("jobId",))
    return Held(job_row, shift, await visit_of(tx, shift))


async def visit_of(tx: Tx, shift: Row[Any]) -> Row[Any] | None:
    """The visit of whoever holds the shift now; None if they have not begun."""
    theirs = select(visit).where(
        tx.own(visit), visit.c.assignment_id == shift.id, visit.c.cleaner_id == shift.cleaner_id
    )
    return await tx.one(theirs)
