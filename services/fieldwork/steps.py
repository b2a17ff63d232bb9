"""What the steps of a visit share: whose turn it is, whether the job still runs, where the home is, what is told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete

from db.tx import Tx
from domain.errors import Conflict, IllegalTransition
from domain.fieldwork.geofence import Fence, Fix, Sighting
from domain.fieldwork.phases import VisitPhase, ensure_visit_transition
from domain.geo import Position, rounded
from domain.ids import AssignmentId
from domain.policy import FieldworkPolicy
from domain.scheduling import JobStatus
from models import live_location, visit
from models import property as home
from services.fieldwork.holding import Held, hold_shift
from services.gate import ensure_onboarded
from services.scheduling import tenant_policy

WORKABLE = frozenset({JobStatus.UNASSIGNED, JobStatus.ASSIGNED, JobStatus.IN_PROGRESS, JobStatus.NO_SHOW})
"""States of a job in which its crew may go on; an unassigned one may have a backup who comes all the same (A11)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visit has to be, and the numbers that its business has chosen."""

    fence: Fence
    policy: FieldworkPolicy


async def begin(tx: Tx, assignment_id: AssignmentId) -> Held:
    """The acting cleaner's own shift, its job locked and not over yet (R18, R104)."""
    await ensure_onboarded(tx)
    held = await hold_shift(tx, assignment_id)
    ensure_workable(held.job)
    return held


def ensure_workable(job_row: Row[Any]) -> None:
    """Refuse to go on with a job that is over."""
    if job_row.status not in WORKABLE:
        raise Conflict("This job is over.", field=("assignmentId",), details={"status": job_row.status})


def ensure_not_missed(job_row: Row[Any]) -> None:
    """Refuse to check in to a job that counts as a no-show, until it is planned anew or overridden (A46)."""
    if job_row.status == JobStatus.NO_SHOW:
        message = "This job counts as a no-show: ask the office to let you in all the same."
        raise Conflict(message, field=("assignmentId",), details={"status": job_row.status})


def ensure_open(job_row: Row[Any], policy: FieldworkPolicy, now: datetime) -> None:
    """Refuse what comes earlier than the tenant's lead before the start (R105)."""
    opens_at = job_row.starts_at - policy.access_lead
    if now < opens_at:
        message = f"This shift opens {policy.access_lead_minutes} min before its start."
        raise Conflict(message, field=("assignmentId",), details={"opensAt": opens_at.isoformat()})


def expect(held: Held, after: VisitPhase) -> Row[Any]:
    """The visit, if its next phase may be this one; raises `IllegalTransition` (R104)."""
    return expect_visit(held.visit, after)


def expect_visit(row: Row[Any] | None, after: VisitPhase) -> Row[Any]:
    """The visit, if it has begun and may go on to this phase; raises `IllegalTransition` (R104)."""
    if row is None:
        raise IllegalTransition(
            "The instructions have not been opened yet.",
            details={"from": None, "to": after.value, "allowed": [VisitPhase.INSTRUCTION.value]},
        )
    ensure_visit_transition(VisitPhase(row.phase), after)
    return row


async def place_of(tx: Tx, job_row: Row[Any]) -> Place:
    """The fence around the job's home: its own radius, or else the tenant's (R29, R106, A20)."""
    policy = (await tenant_policy(tx)).fieldwork
    where = await tx.get(home, job_row.property_id)
    radius = where.geofence_metres or policy.geofence_metres
    return Place(Fence(Position(where.latitude, where.longitude), radius, policy.accuracy_metres), policy)


def spot(prefix: str, fix: Fix, seen: Sighting) -> dict[str, Any]:
    """The columns of a visit that keep a position: seven decimals of a degree are a centimetre."""
    return {
        f"{prefix}_latitude": rounded(fix.position.latitude, 7),
        f"{prefix}_longitude": rounded(fix.position.longitude, 7),
        f"{prefix}_accuracy_metres": rounded(fix.accuracy_metres, 2),
        f"{prefix}_distance_metres": rounded(seen.distance_metres, 1),
    }


def spot_payload(place: Place, fix: Fix, seen: Sighting) -> dict[str, Any]:
    """The same for the chain, with the fence that it was held against and what speaks against it."""
    return {
        "latitude": rounded(fix.position.latitude, 7),
        "longitude": rounded(fix.position.longitude, 7),
        "accuracyMetres": rounded(fix.accuracy_metres, 2),
        "distanceMetres": rounded(seen.distance_metres, 1),
        "radiusMetres": place.fence.radius_metres,
        "flags": [flag.value for flag in seen.flags],
    }


async def move(tx: Tx, row: Row[Any], phase: VisitPhase, **values: Any) -> None:
    """Bring the visit into a phase."""
    await tx.change(visit, row.id, phase=phase, **values)


async def hide(tx: Tx, row: Row[Any]) -> None:
    """Whoever has left is not watched any more."""
    await tx.write(delete(live_location).where(tx.own(live_location), live_location.c.visit_id == row.id))
