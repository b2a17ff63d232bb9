"""Who does not come: the alert, the search for somebody else, and the no-show (A46).

A check-in and the watch meet at the job's row: whoever holds it first decides, and the other finds it decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.events import EventType
from domain.fieldwork.arrivals import Absence, ArrivalStep, step_due
from domain.ids import JobId, MarketId
from domain.payments.holding import LetGo
from domain.scheduling import AssignmentRole, JobStatus, ensure_job_transition
from domain.swaps import SwapStatus
from models import assignment, job, no_show, swap, visit
from services.cards import tell_job
from services.fieldwork.holding import hold_job
from services.fieldwork.reliability import rate_later
from services.payments.releases import let_go
from services.scheduling import tenant_policy
from services.swaps.covers import cover_absence

REACH = timedelta(days=2)
"""How long after its start a job is still watched: more than workers are ever away."""
WATCHED = frozenset({JobStatus.ASSIGNED, JobStatus.IN_PROGRESS})
NOTE = "Nobody has come yet."


@dataclass(frozen=True, slots=True)
class FindAbsences:
    """The jobs of a market at which somebody should be by now."""

    market_id: MarketId


@dataclass(frozen=True, slots=True)
class NoteAbsence:
    """A job at which perhaps nobody is."""

    job_id: JobId


@command(Role.SYSTEM)
async def find_absences(tx: Tx, input: FindAbsences) -> list[JobId]:
    """Jobs that began long enough ago and have no check-in of anybody responsible, the earliest first (A46)."""
    policy = (await tenant_policy(tx)).fieldwork
    began = job.c.starts_at <= tx.now - min(policy.late_alert, policy.no_show)
    rows = await tx.all(
        select(job.c.id)
        .where(tx.own(job), job.c.market_id == input.market_id, job.c.status.in_(WATCHED))
        .where(began, job.c.starts_at > tx.now - REACH, ~_came(tx))
        .order_by(job.c.starts_at, job.c.id)
    )
    return [JobId(row.id) for row in rows]


@command(Role.SYSTEM)
async def note_absence(tx: Tx, input: NoteAbsence) -> ArrivalStep | None:
    """Alert, or count as missed, a job at which nobody responsible has checked in; what was done, None if nothing.

    Judged anew under the job's lock: whoever checks in at the same moment has come (A46).
    """
    held = await hold_job(tx, input.job_id)
    if held.status not in WATCHED or await tx.one(select(job.c.id).where(job.c.id == held.id, tx.own(job), _came(tx))):
        return None
    policy = (await tenant_policy(tx)).fieldwork
    absent = await tx.all(_absent(tx, held))
    is_running = held.status == JobStatus.IN_PROGRESS
    waited = {row.id: await _expected_at(tx, held, row) for row in absent}
    primary = next((row.id for row in absent if row.role == AssignmentRole.PRIMARY), None)
    absence = Absence(waited.get(primary, held.starts_at), held.late_at, is_running)
    step = step_due(absence, policy, tx.now)
    match step:
        case ArrivalStep.LATE:
            await _alert(tx, held)
        case ArrivalStep.MISSED:
            # Who was put on the job just now is still on the way.
            due = tx.now - policy.no_show
            await _miss(tx, held, [row for row in absent if waited[row.id] <= due])
    return step


async def _alert(tx: Tx, held: Row[Any]) -> None:
    """Tell the office, and look for somebody else while there is time."""
    await tx.change(job, held.id, late_at=tx.now)
    await tell_job(tx, EventType.JOB_LATE, held.id)
    await cover_absence(tx, held, NOTE)
    _notify(tx, held.id, ArrivalStep.LATE)


async def _miss(tx: Tx, held: Row[Any], absent: Sequence[Row[Any]]) -> None:
    """Count the job as missed by those who were to come; a cover stays open until its end (A27)."""
    ensure_job_transition(JobStatus(held.status), JobStatus.NO_SHOW)
    await tx.change(job, held.id, status=JobStatus.NO_SHOW, missed_at=tx.now, late_at=held.late_at or tx.now)
    people = tuple(row.cleaner_id for row in absent)
    for person in people:
        row = {"tenant_id": tx.actor.tenant, "job_id": held.id, "cleaner_id": person, "at": tx.now}
        await tx.write(insert(no_show).values(row).on_conflict_do_nothing())
        rate_later(tx, person, f"missed:{held.id}")
    await let_go(tx, held.id, LetGo.MISSED)
    await tell_job(tx, EventType.JOB_MISSED, held.id, people=people)
    await cover_absence(tx, await tx.get(job, held.id), NOTE)
    _notify(tx, held.id, ArrivalStep.MISSED)


def _notify(tx: Tx, job_id: UUID, step: ArrivalStep) -> None:
    payload = {"job_id": str(job_id), "step": step.value, "at": tx.now.isoformat()}
    tx.later("notify_absence", payload, dedupe_key=f"absence:{step}:{job_id}:{tx.now.isoformat()}")


async def _expected_at(tx: Tx, held: Row[Any], shift: Row[Any]) -> datetime:
    """From when on somebody is waited for: the start, or when the shift got the cleaner that it has now."""
    taken = select(func.max(swap.c.closed_at)).where(
        tx.own(swap),
        swap.c.job_id == held.id,
        swap.c.taker_id == shift.cleaner_id,
        swap.c.status == SwapStatus.ACCEPTED,
    )
    known: list[datetime] = [held.starts_at, shift.created_at, *filter(None, [await tx.scalar(taken)])]
    return max(known)


def _absent(tx: Tx, held: Row[Any]) -> Select[Any]:
    """Who was to come and has not."""
    came = exists().where(
        tx.own(visit),
        visit.c.job_id == assignment.c.job_id,
        visit.c.cleaner_id == assignment.c.cleaner_id,
        visit.c.checked_in_at.is_not(None),
    )
    return (
        select(assignment)
        .where(tx.own(assignment), assignment.c.job_id == held.id, assignment.c.released_at.is_(None), ~came)
        .where(assignment.c.role != AssignmentRole.BACKUP)
        .order_by(assignment.c.id)
    )


def _came(tx: Tx) -> Any:
    """SQL: somebody responsible has checked in at the job (A11)."""
    return exists().where(
        tx.own(visit), visit.c.job_id == job.c.id, visit.c.is_responsible, visit.c.checked_in_at.is_not(None)
    )
