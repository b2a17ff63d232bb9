"""The four phases of a visit, step by step: instructions, arrival, work, completion (R104 to R115, A20, A40).

Every step locks the job first, then its packet, then the visit; it moves the visit by its table of transitions, writes
its fact into the evidence chain, and tells the job's feeds. A step that is not the next one changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from db.command import Remembered, command
from db.tx import Tx
from domain.actors import Role
from domain.errors import Conflict, EvidenceIncomplete, IllegalTransition, OutsideGeofence, Refused
from domain.events import EventType
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.geofence import Fix, ensure_inside, sight
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import missing_before
from domain.ids import AssignmentId, VisitId
from domain.scheduling import JobStatus, ensure_job_transition
from models import job, swap, visit
from services.cards import Aside, job_progressed, take_off, tell_job
from services.fieldwork.chain import append, timing_of
from services.fieldwork.holding import Held
from services.fieldwork.packet import RESPONSIBLE, describe, facts_of, open_packet, submit
from services.fieldwork.steps import (
    begin,
    ensure_not_missed,
    ensure_open,
    expect,
    hide,
    move,
    place_of,
    spot,
    spot_payload,
)
from services.fieldwork.told import Device, FixTold, position_of
from services.inputs import arg
from services.scheduling import tenant_policy

MINE = "The acting cleaner's own live shift."
DEVICE = "The device's own clock."
DEPARTURE = "Where the device is; without it the departure counts, and its position is missing."


@dataclass(frozen=True, slots=True)
class OpenInstructions:
    """A shift that its cleaner begins with."""

    assignment_id: AssignmentId = arg(MINE)


@dataclass(frozen=True, slots=True)
class AcknowledgeInstructions:
    """Instructions that have been read."""

    assignment_id: AssignmentId = arg(MINE)


@dataclass(frozen=True, slots=True)
class CheckIn:
    """An arrival."""

    assignment_id: AssignmentId = arg(MINE)
    fix: FixTold = arg("Where the device is.")
    device: Device | None = arg(DEVICE, default=None)


@dataclass(frozen=True, slots=True)
class StartWork:
    """The timer is to run."""

    assignment_id: AssignmentId = arg(MINE)
    device: Device | None = arg(DEVICE, default=None)


@dataclass(frozen=True, slots=True)
class FinishWork:
    """The timer is to stop."""

    assignment_id: AssignmentId = arg(MINE)
    device: Device | None = arg(DEVICE, default=None)


@dataclass(frozen=True, slots=True)
class CheckOut:
    """A departure."""

    assignment_id: AssignmentId = arg(MINE)
    fix: FixTold | None = arg(DEPARTURE, default=None)
    device: Device | None = arg(DEVICE, default=None)


@command(Role.CLEANER, when_unpaid=True)
async def open_instructions(tx: Tx, input: OpenInstructions) -> VisitId:
    """Begin a visit with its instructions, at most so long before the start as the tenant allows (R105, R104).

    The job's packet is opened with its first visit: what it must show, and its checklist, are fixed from here on.
    """
    held = await begin(tx, input.assignment_id)
    ensure_open(held.job, (await tenant_policy(tx)).fieldwork, tx.now)
    if held.visit is not None:
        raise IllegalTransition("The instructions are open already.", details=_stands(held.visit))
    made = await _begin_visit(tx, held)
    async with tx.as_system():
        await open_packet(tx, held.job)
        await append(tx, held.job.id, EntryKind.INSTRUCTIONS_OPENED, {**_whose(made, held)})
        await job_progressed(tx, held.job.id)
    return made


@command(Role.CLEANER, when_unpaid=True)
async def acknowledge_instructions(tx: Tx, input: AcknowledgeInstructions) -> VisitId:
    """Say that the instructions have been read: the cleaner is on the way, or at the door (R105)."""
    held = await begin(tx, input.assignment_id)
    here = expect(held, VisitPhase.ARRIVAL)
    await move(tx, here, VisitPhase.ARRIVAL, instructed_at=tx.now)
    async with tx.as_system():
        await append(tx, held.job.id, EntryKind.INSTRUCTIONS_ACKNOWLEDGED, _whose(here.id, held))
        await job_progressed(tx, held.job.id)
    return VisitId(here.id)


@command(Role.CLEANER, when_unpaid=True)
async def check_in(tx: Tx, input: CheckIn) -> VisitId | Remembered:
    """Arrive: the position is held against the fence around the home (R106, R114, R129, A20).

    The first check-in starts the job. Refused with OUTSIDE_GEOFENCE and the distance where it is not at the place, too
    vague or made up, and with CONFLICT where the job counts as a no-show (A46); the attempt is kept in the audit log,
    of a late one all that it claims (A40). An administrator may override it.
    """
    held = await begin(tx, input.assignment_id)
    here = _arriving(held)
    place, fix = await place_of(tx, held.job), input.fix.fix()
    seen = sight(place.fence, fix)
    ensure_open(held.job, place.policy, tx.now)
    try:
        ensure_not_missed(held.job)
        ensure_inside(place.fence, fix)
    except Conflict as refusal:
        claim = {**spot_payload(place, fix, seen), **await _times(tx, input.device)}
        return _remember(tx, here, refusal, claim)
    except OutsideGeofence as refusal:
        return _remember(tx, here, refusal)
    await tx.change(visit, here.id, checked_in_at=tx.now, **spot("check_in", fix, seen))
    async with tx.as_system():
        payload = {**_whose(here.id, held), **spot_payload(place, fix, seen)}
        await append(tx, held.job.id, EntryKind.CHECKED_IN, payload, input.device)
        await start_job(tx, held.job)
    return VisitId(here.id)


@command(Role.CLEANER, when_unpaid=True)
async def start_work(tx: Tx, input: StartWork) -> VisitId:
    """Start the timer, once checked in and once the before photos are there (R107, R108).

    Refused with EVIDENCE_INCOMPLETE and all that is missing.
    """
    held = await begin(tx, input.assignment_id)
    here = expect(held, VisitPhase.IN_PROGRESS)
    lacking = missing_before(await facts_of(tx, held.job.id), checked_in=here.checked_in_at is not None)
    if lacking:
        details = {"missing": [describe(one) for one in lacking]}
        raise EvidenceIncomplete(lacking[0].message, field=("assignmentId",), details=details)
    await move(tx, here, VisitPhase.IN_PROGRESS, started_at=tx.now)
    await _tell_step(tx, held, EntryKind.WORK_STARTED, input.device)
    return VisitId(here.id)


@command(Role.CLEANER, when_unpaid=True)
async def finish_work(tx: Tx, input: FinishWork) -> VisitId:
    """Stop the timer: what is left are the after photos and the rest of the checklist (R109, R110)."""
    held = await begin(tx, input.assignment_id)
    here = expect(held, VisitPhase.COMPLETION)
    await move(tx, here, VisitPhase.COMPLETION, finished_at=tx.now)
    await _tell_step(tx, held, EntryKind.WORK_FINISHED, input.device)
    return VisitId(here.id)


@command(Role.CLEANER, when_unpaid=True)
async def check_out(tx: Tx, input: CheckOut) -> VisitId:
    """Leave, and submit the evidence once nobody is there any more (R115, R119).

    Complete evidence completes the job; if something is missing, the cleaner and the office are told what (R122). A
    position that is outside the fence, vague or made up is kept and flagged: somebody who has left cannot go back in
    time (A20). A device that cannot tell one lets its cleaner leave all the same; then it is missing (R121).
    """
    held = await begin(tx, input.assignment_id)
    here = expect(held, VisitPhase.DONE)
    await leave(tx, held, VisitPhase.DONE, position_of(input.fix), input.device)
    async with tx.as_system():
        if await submit(tx, held.job.id) is None:
            await job_progressed(tx, held.job.id)
    return VisitId(here.id)


async def leave(tx: Tx, held: Held, phase: VisitPhase, fix: Fix | None, device: Device | None) -> None:
    """End the visit in this phase, where the device says it is; nobody watches its cleaner from here on."""
    assert held.visit is not None  # noqa: S101 (the caller has looked)
    payload, columns = _whose(held.visit.id, held), {}
    if fix is not None:
        place = await place_of(tx, held.job)
        seen = sight(place.fence, fix)
        payload, columns = {**payload, **spot_payload(place, fix, seen)}, spot("check_out", fix, seen)
    await move(tx, held.visit, phase, checked_out_at=tx.now, **columns)
    await hide(tx, held.visit)
    async with tx.as_system():
        await append(tx, held.job.id, EntryKind.CHECKED_OUT, payload, device)


async def start_job(tx: Tx, job_row: Row[Any]) -> None:
    """The first check-in: the job runs, and nobody else can take one of its shifts any more (R71, R73).

    Later ones only go on with it.
    """
    if job_row.status == JobStatus.IN_PROGRESS:
        await job_progressed(tx, job_row.id)
        return
    before = JobStatus(job_row.status)
    if before is not JobStatus.ASSIGNED:
        # A backup who comes although nobody else was found, or somebody whom an administrator lets in late.
        ensure_job_transition(before, JobStatus.ASSIGNED)
        before = JobStatus.ASSIGNED
    ensure_job_transition(before, JobStatus.IN_PROGRESS)
    async with tx.as_system(wholly=True):
        await take_off(tx, swap.c.job_id == job_row.id, Aside(reason="Somebody has come."))
        await tx.change(job, job_row.id, status=JobStatus.IN_PROGRESS)
        await tell_job(tx, EventType.JOB_STARTED, job_row.id)


async def _begin_visit(tx: Tx, held: Held) -> VisitId:
    shift = held.assignment
    return VisitId(
        await tx.insert(
            visit,
            job_id=held.job.id,
            assignment_id=shift.id,
            customer_id=held.job.customer_id,
            cleaner_id=shift.cleaner_id,
            is_responsible=shift.role in RESPONSIBLE,
            phase=VisitPhase.INSTRUCTION,
            begun_at=tx.now,
        )
    )


async def _tell_step(tx: Tx, held: Held, kind: EntryKind, device: Device | None) -> None:
    assert held.visit is not None  # noqa: S101 (the caller has looked)
    async with tx.as_system():
        await append(tx, held.job.id, kind, _whose(held.visit.id, held), device)
        await job_progressed(tx, held.job.id)


def _remember(tx: Tx, here: Row[Any], refusal: Refused, claim: Mapping[str, Any] | None = None) -> Remembered:
    """Keep a check-in that was refused in the audit log, with what it claims."""
    tx.audit("Visit", here.id, detail={"refused": refusal.code, **refusal.details, **(claim or {})})
    return Remembered(refusal)


async def _times(tx: Tx, device: Device | None) -> dict[str, Any]:
    timing = await timing_of(tx, device)
    captured_at = None if timing.captured_at is None else timing.captured_at.isoformat()
    return {"capturedAt": captured_at, "skewMs": timing.skew_ms}


def _arriving(held: Held) -> Row[Any]:
    """The visit, if its cleaner has read the instructions and has not checked in yet."""
    here = expect(held, VisitPhase.IN_PROGRESS)
    if here.checked_in_at is not None:
        raise IllegalTransition("You have checked in already.", details=_stands(here))
    return here


def _stands(row: Row[Any]) -> dict[str, Any]:
    return {"from": row.phase, "checkedIn": row.checked_in_at is not None}


def _whose(visit_id: Any, held: Held) -> dict[str, Any]:
    """Whose step an entry of the chain is about."""
    return {
        "visitId": str(visit_id),
        "assignmentId": str(held.assignment.id),
        "cleanerId": str(held.assignment.cleaner_id),
    }
