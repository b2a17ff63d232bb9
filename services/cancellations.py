"""A clean that will not be done, or not to its end (A17)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

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
from services.payments.releases import call_off
from services.scheduling import release_crew


@dataclass(frozen=True, slots=True)
class CancelJob:
    """A clean that will not be done."""

    job_id: JobId = arg("The job to cancel; its cleaners are taken off and its swaps withdrawn.")
    reason: str = arg("Why, for the audit; at most 500 characters.")
    waive_fee: bool = arg("Whether a clean that is called off late costs nothing all the same (A50).", default=False)


@command(*OFFICE, when_unpaid=True)
async def cancel_job(tx: Tx, input: CancelJob) -> JobId:
    """Cancel a clean (A17): nobody is on it any more, nobody can take it, and nothing of it is deleted (A16).

    Of one that runs the timers stop, and nobody on it is watched any more (R108, R117). Its hold is let go; called off
    late it costs what the business's policy says, unless that is waived (A50).
    """
    before = await tx.get(job, input.job_id, "jobId", lock=True)
    await strike(tx, before, text(input.reason, "reason", most=500))
    await call_off(tx, input.job_id, is_waived=input.waive_fee)
    return input.job_id


async def strike(tx: Tx, clean: Row[Any], reason: str, **values: Any) -> None:
    """Take a clean off the schedule; its row is held. Its money is the caller's to let go.

    `values` are what else becomes different of it. Raises `IllegalTransition` for one that cannot be canceled any more.
    """
    ensure_job_transition(JobStatus(clean.status), JobStatus.CANCELED)
    async with tx.as_system():
        await take_off(tx, (swap.c.job_id == clean.id) & swap.c.assignment_id.is_(None))
        crew = await release_crew(tx, clean.id)
        await end_visits(tx, JobId(clean.id))
        await tx.change(job, clean.id, status=JobStatus.CANCELED, canceled_at=tx.now, **values)
    await tell_job(tx, EventType.JOB_CANCELED, clean.id, people=tuple(crew), reason=reason)
