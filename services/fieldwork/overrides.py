"""What administrators accept although it is not shown, with a reason that stays; and judging a packet again (A19, A20).

Both are in the audit log and in the evidence chain, whose head is anchored again.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.errors import Conflict, IllegalTransition
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import EvidenceStatus
from domain.ids import AssignmentId, EvidenceId, JobId, VisitId
from domain.scheduling import JobStatus, ensure_job_transition
from models import assignment, no_show, visit
from services.checks import text
from services.fieldwork.chain import append, hold_packet
from services.fieldwork.endings import end_visits
from services.fieldwork.holding import hold_job, hold_own_part, visit_of
from services.fieldwork.packet import WAITING, change_packet, complete_job, describe, missing_of, submit
from services.fieldwork.reliability import rate_later
from services.fieldwork.steps import ensure_workable, expect_visit
from services.fieldwork.visits import start_job
from services.gate import ensure_onboarded
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class OverrideCheckIn:
    """A cleaner who is at the home although their device does not show it."""

    assignment_id: AssignmentId = arg("Whose arrival it is: a live shift whose instructions were acknowledged.")
    reason: str = arg("How it is known, for audit and evidence; at most 500 characters.")


@dataclass(frozen=True, slots=True)
class OverrideEvidence:
    """A clean that is accepted as it is."""

    job_id: JobId = arg("A running job.")
    reason: str = arg("Why, for audit and evidence; at most 500 characters.")


@dataclass(frozen=True, slots=True)
class SubmitEvidence:
    """A packet to be judged again."""

    job_id: JobId = arg("A job that the acting cleaner is on.")


@command(*ADMINS, when_unpaid=True)
async def override_check_in(tx: Tx, input: OverrideCheckIn) -> VisitId:
    """Check a cleaner in without a position (A20); a job that counts as a no-show runs after all.

    What is certified thereby is that they were there: they have not missed it, and are rated anew (A46, A47).
    """
    reason = text(input.reason, "reason", most=500)
    job_row = await hold_job(tx, (await tx.get(assignment, input.assignment_id, "assignmentId")).job_id)
    shift = await tx.get(assignment, input.assignment_id, "assignmentId")
    if shift.released_at is not None:
        raise Conflict("This assignment has ended.", field=("assignmentId",))
    ensure_workable(job_row)
    here = expect_visit(await visit_of(tx, shift), VisitPhase.IN_PROGRESS)
    if here.checked_in_at is not None:
        raise IllegalTransition("They have checked in already.", details={"from": here.phase, "checkedIn": True})
    await tx.change(visit, here.id, checked_in_at=tx.now, check_in_overridden=True)
    payload = {"visitId": str(here.id), "cleanerId": str(shift.cleaner_id), "reason": reason}
    tx.audit("Visit", here.id, reason=reason, detail={"jobId": str(job_row.id)})
    async with tx.as_system(wholly=True):
        await append(tx, job_row.id, EntryKind.CHECK_IN_OVERRIDDEN, payload)
        await start_job(tx, job_row)
        await _disprove(tx, here)
    return VisitId(here.id)


@command(*ADMINS, when_unpaid=True)
async def override_evidence(tx: Tx, input: OverrideEvidence) -> EvidenceId:
    """Accept a clean although something is missing; the job is completed, and what was missing is written down.

    Timers that still run stop, and nobody on it is watched any more (R108, R117).
    """
    reason = text(input.reason, "reason", most=500)
    job_row = await hold_job(tx, input.job_id)
    ensure_job_transition(JobStatus(job_row.status), JobStatus.COMPLETED)
    async with tx.as_system(wholly=True):
        packet = await hold_packet(tx, input.job_id)
        lacking = [describe(one) for one in await missing_of(tx, input.job_id)]
        await end_visits(tx, input.job_id)
        await append(tx, input.job_id, EntryKind.OVERRIDDEN, {"reason": reason, "missing": lacking})
        accepted = {"status": EvidenceStatus.OVERRIDDEN, "override_reason": reason, "completed_at": tx.now}
        await change_packet(tx, packet.id, **accepted)
        tx.audit("Evidence", packet.id, reason=reason, detail={"jobId": str(input.job_id), "missing": lacking})
        await complete_job(tx, input.job_id)
    return EvidenceId(packet.id)


@command(Role.CLEANER, when_unpaid=True)
async def submit_evidence(tx: Tx, input: SubmitEvidence) -> EvidenceId:
    """Have the evidence judged again, after something came late: complete evidence completes the job (R119, A19).

    What the device claims is not asked. Refused with ILLEGAL_TRANSITION while somebody is still there, and for a packet
    that is decided.
    """
    await ensure_onboarded(tx)
    held = await hold_own_part(tx, input.job_id)
    packet = await hold_packet(tx, input.job_id)
    if packet.status not in WAITING:
        raise IllegalTransition(
            "The evidence is decided already.", field=("jobId",), details={"from": packet.status, "allowed": []}
        )
    ensure_workable(held.job)
    if held.job.status != JobStatus.IN_PROGRESS or await submit(tx, input.job_id) is None:
        raise IllegalTransition(
            "The evidence is judged once everybody who came has left and every photo is checked.",
            field=("jobId",),
            details={"from": packet.status},
        )
    return EvidenceId(packet.id)


async def _disprove(tx: Tx, here: Row[Any]) -> None:
    """Whoever was there after all has not missed the job."""
    missed = (no_show.c.job_id == here.job_id) & (no_show.c.cleaner_id == here.cleaner_id)
    if await tx.write(delete(no_show).where(tx.own(no_show), missed)):
        rate_later(tx, here.cleaner_id, f"came:{here.job_id}")
