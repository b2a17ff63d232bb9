"""That one cannot get in, as an outcome of its own: with a check-in, some patience, a photo and a note."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import Conflict, EvidenceIncomplete
from domain.events import EventType
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import (
    EvidenceStatus,
    Missing,
    PhotoStage,
    RequirementCode,
)
from domain.ids import AssignmentId, VisitId
from domain.payments.holding import LetGo
from domain.policy import FieldworkPolicy
from domain.scheduling import JobStatus, ensure_job_transition
from models import job, photo, visit
from services.cards import job_progressed, tell_job
from services.checks import text
from services.fieldwork.chain import append, hold_packet
from services.fieldwork.holding import Held
from services.fieldwork.packet import anchor, change_packet, describe, is_somebody_there, submit
from services.fieldwork.reliability import rate_crew_later
from services.fieldwork.steps import begin, expect
from services.fieldwork.told import Device, FixTold, position_of
from services.fieldwork.visits import DEPARTURE, DEVICE, MINE, leave
from services.inputs import arg
from services.payments.releases import let_go, no_access_fee
from services.scheduling import tenant_policy


@dataclass(frozen=True, slots=True)
class ReportNoAccess:
    """A home that cannot be entered."""

    assignment_id: AssignmentId = arg(MINE)
    note: str = arg("What was tried, at most 1,000 characters.")
    fix: FixTold | None = arg(DEPARTURE, default=None)
    device: Device | None = arg(DEVICE, default=None)


@command(Role.CLEANER, when_unpaid=True)
async def report_no_access(tx: Tx, input: ReportNoAccess) -> VisitId:
    """Report that one cannot get in, with a photo that shows why, some minutes after check-in and start of the job.

    Where nobody else has got in either, the job ends so, and the office is told at once; but not as long as nobody
    responsible has come, who may have the key (A11). Refused with CONFLICT where
    the tenant does not know this outcome or it is too early, with EVIDENCE_INCOMPLETE without a stored ACCESS photo.
    """
    note = text(input.note, "note", most=1000)
    held = await begin(tx, input.assignment_id)
    here = expect(held, VisitPhase.NO_ACCESS)
    _ensure_patient(held, (await tenant_policy(tx)).fieldwork, tx)
    await _ensure_shown(tx, here)
    async with tx.as_system():
        payload = {"visitId": str(here.id), "cleanerId": str(here.cleaner_id), "note": note}
        await append(tx, held.job.id, EntryKind.NO_ACCESS_REPORTED, payload, input.device)
        await leave(tx, held, VisitPhase.NO_ACCESS, position_of(input.fix), input.device)
        await _conclude(tx, held, note)
    return VisitId(here.id)


def _ensure_patient(held: Held, policy: FieldworkPolicy, tx: Tx) -> None:
    here = held.visit
    if not policy.no_access:
        raise Conflict("This business does not know this outcome: call the office.", field=("assignmentId",))
    if here is None or here.checked_in_at is None:
        lacking = Missing(RequirementCode.CHECK_IN, "You have not checked in.")
        raise EvidenceIncomplete(lacking.message, field=("assignmentId",), details={"missing": [describe(lacking)]})
    # Whoever is early does not end a job that has not begun.
    possible_at = max(here.checked_in_at, held.job.starts_at) + timedelta(minutes=policy.no_access_wait_minutes)
    if tx.now < possible_at:
        message = f"Wait {policy.no_access_wait_minutes} min from the start, or from a later check-in; keep trying."
        raise Conflict(message, field=("assignmentId",), details={"possibleAt": possible_at.isoformat()})


async def _ensure_shown(tx: Tx, here: Row[Any]) -> None:
    shown = select(photo.c.id).where(
        tx.own(photo),
        photo.c.visit_id == here.id,
        photo.c.stage == PhotoStage.ACCESS,
        photo.c.status == PhotoStatus.STORED,
    )
    if await tx.one(shown) is None:
        lacking = Missing(RequirementCode.ACCESS_PHOTO, "No photo shows why you cannot get in.")
        raise EvidenceIncomplete(lacking.message, field=("assignmentId",), details={"missing": [describe(lacking)]})


async def _conclude(tx: Tx, held: Held, note: str) -> None:
    """The job ends so if everybody who came stood before a closed door; else it goes on, or is judged as it is."""
    job_id = held.job.id
    if await _somebody_got_in(tx, job_id):
        if await submit(tx, job_id) is None:
            await job_progressed(tx, job_id)
        return
    if await is_somebody_there(tx, job_id) or not await _somebody_responsible_came(tx, job_id):
        await job_progressed(tx, job_id)
        return
    ensure_job_transition(JobStatus(held.job.status), JobStatus.NO_ACCESS)
    await tx.change(job, job_id, status=JobStatus.NO_ACCESS)
    packet = await hold_packet(tx, job_id)
    await change_packet(tx, packet.id, status=EvidenceStatus.NO_ACCESS, no_access_note=note)
    await anchor(tx, job_id)
    await let_go(tx, job_id, LetGo.NO_ACCESS, await no_access_fee(tx, held.job))
    await tell_job(tx, EventType.JOB_NOT_ACCESSIBLE, job_id)
    await rate_crew_later(tx, job_id)
    tx.later("notify_no_access", {"job_id": str(job_id)}, dedupe_key=f"no_access:{job_id}")


async def _somebody_got_in(tx: Tx, job_id: Any) -> bool:
    inside = select(visit.c.id).where(tx.own(visit), visit.c.job_id == job_id, visit.c.started_at.is_not(None))
    return await tx.one(inside) is not None


async def _somebody_responsible_came(tx: Tx, job_id: Any) -> bool:
    came = select(visit.c.id).where(
        tx.own(visit), visit.c.job_id == job_id, visit.c.is_responsible, visit.c.checked_in_at.is_not(None)
    )
    return await tx.one(came) is not None
