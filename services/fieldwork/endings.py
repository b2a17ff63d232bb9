"""What ends with a job that somebody else ends while its crew is still there: the timer, and being watched."""

from uuid import UUID

from sqlalchemy import delete, select

from db.tx import Tx
from domain.fieldwork.chain import EntryKind
from models import live_location, visit
from services.fieldwork.chain import append


async def end_visits(tx: Tx, job_id: UUID) -> None:
    """Stop every timer that still runs, as an entry of the chain by whoever ends the job (R127); nobody is watched on.

    The job's row is held before it. A visit stays in the phase in which it was: its cleaner has gone no further.
    """
    await tx.write(delete(live_location).where(tx.own(live_location), live_location.c.job_id == job_id))
    running = select(visit).where(
        tx.own(visit), visit.c.job_id == job_id, visit.c.started_at.is_not(None), visit.c.finished_at.is_(None)
    )
    for row in await tx.all(running.order_by(visit.c.id)):
        whose = {"visitId": str(row.id), "assignmentId": str(row.assignment_id), "cleanerId": str(row.cleaner_id)}
        await append(tx, job_id, EntryKind.WORK_FINISHED, whose)
        await tx.change(visit, row.id, finished_at=tx.now)
