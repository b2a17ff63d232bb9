"""A clean that will not be done, or not to its end (A17)."""

from dataclasses import dataclass

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE
from domain.events import EventType
from domain.ids import JobId
from domain.scheduling import JobStatus, ensure_job_transition
from models import job, swap
from services.cards import take_off, tell_job
from services.checks import text
from services.fieldwork.endings import end_visits
from services.inputs import arg
from services.scheduling import release_crew


@dataclass(frozen=True, slots=True)
class CancelJob:
    """A clean that will not be done."""

    job_id: JobId = arg("The job to cancel; its cleaners are taken off and its swaps withdrawn.")
    reason: str = arg("Why, for the audit; at most 500 characters.")


@command(*OFFICE)
async def cancel_job(tx: Tx, input: CancelJob) -> JobId:
    """Cancel a clean (A17): nobody is on it any more, nobody can take it, and nothing of it is deleted (A16).

    Of one that runs the timers stop, and nobody on it is watched any more (R108, R117).
    """
    before = await tx.get(job, input.job_id, "jobId", lock=True)
    ensure_job_transition(JobStatus(before.status), JobStatus.CANCELED)
    reason = text(input.reason, "reason", most=500)
    await take_off(tx, (swap.c.job_id == input.job_id) & swap.c.assignment_id.is_(None))
    crew = await release_crew(tx, input.job_id)
    await end_visits(tx, input.job_id)
    await tx.change(job, input.job_id, status=JobStatus.CANCELED, canceled_at=tx.now)
    await tell_job(tx, EventType.JOB_CANCELED, input.job_id, people=tuple(crew), reason=reason)
    return input.job_id
