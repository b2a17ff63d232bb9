"""How one gets into a home: sealed under its customer's key, and shown to who needs it, each time on record (R28, R4).

The code itself is in no event, audit line, receipt, log or message; whoever was shown it is told so, and of the
office's own looks the administrators are told too.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.sealing import Place
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.errors import Conflict, NotFound
from domain.fieldwork.access import Access, ensure_open
from domain.ids import JobId, PropertyId
from domain.scheduling import AssignmentRole, JobStatus
from models import access_code, access_code_view, assignment, job, visit
from models import property as home
from services.checks import text
from services.gate import ensure_onboarded
from services.inputs import arg
from services.scheduling import tenant_policy
from services.subjects import open_for, seal_for

MOST_CODE = 500


@dataclass(frozen=True, slots=True, repr=False)
class SetAccessCode:
    """How one gets into a home."""

    property_id: PropertyId = arg("The home.")
    code: str = arg("Door and alarm codes, where the key lies: 1 to 500 characters. What was known before is gone.")


@dataclass(frozen=True, slots=True)
class RemoveAccessCode:
    """A home that needs no code any more."""

    property_id: PropertyId = arg("The home.")


@dataclass(frozen=True, slots=True)
class RevealAccessCode:
    """A home that somebody has to get into."""

    job_id: JobId = arg("The job at the home: of a cleaner their own.")


@dataclass(frozen=True, slots=True, repr=False)
class AccessCodeShown:
    """A home's code, to be shown and not kept."""

    view_id: UUID
    code: str


@command(*OFFICE, secret=True)
async def set_access_code(tx: Tx, input: SetAccessCode) -> PropertyId:
    """Keep how one gets into a home, sealed (R28, R4); it replaces what was known before."""
    where = await _live_home(tx, input.property_id)
    code = text(input.code, "code", most=MOST_CODE)
    sealed = await seal_for(tx, where.customer_id, _place(tx, where.id), code)
    row = {"tenant_id": tx.actor.tenant, "property_id": where.id, "sealed": sealed, "changed_at": tx.now}
    kept = {"sealed": sealed, "changed_at": tx.now}
    keys = ["tenant_id", "property_id"]
    await tx.write(insert(access_code).values(row).on_conflict_do_update(index_elements=keys, set_=kept))
    tx.audit("Property", where.id)
    return input.property_id


@command(*OFFICE)
async def remove_access_code(tx: Tx, input: RemoveAccessCode) -> PropertyId:
    """Forget how one gets into a home. NOT_FOUND if nothing is known."""
    await tx.get(home, input.property_id, "propertyId", lock=True)
    gone = delete(access_code).where(tx.own(access_code), access_code.c.property_id == input.property_id)
    if not await tx.write(gone):
        raise NotFound("This home has no access code.", field=("propertyId",))
    tx.audit("Property", input.property_id)
    return input.property_id


@command(Role.CLEANER, *OFFICE, secret=True, when_unpaid=True)
async def reveal_access_code(tx: Tx, input: RevealAccessCode) -> AccessCodeShown:
    """Show how one gets into a job's home (R28): to the office, and to a cleaner on the job while they need it.

    From 2 hours before the shift to 1 hour after it; outside of that refused with ACCESS_CODE_CLOSED. A backup sees it
    once checked in. Each time is put on record, and whoever was shown it is told so. NOT_FOUND where there is no code.
    """
    if tx.actor.role is Role.CLEANER:
        await _ensure_needed(tx, input.job_id)
    async with tx.as_system():
        where = await tx.get(home, (await tx.get(job, input.job_id, "jobId")).property_id)
        code = await _code_of(tx, where)
    if code is None:
        raise NotFound("This home has no access code.", field=("jobId",))
    view = await tx.insert(
        access_code_view,
        property_id=where.id,
        job_id=input.job_id,
        viewer_id=tx.actor.person,
        viewer_role=tx.actor.role,
        at=tx.now,
    )
    tx.audit("Property", where.id, detail={"jobId": str(input.job_id)})
    tx.later("notify_access_code", {"view_id": str(view)}, dedupe_key=f"code:{view}")
    return AccessCodeShown(view, code)


async def _live_home(tx: Tx, id: PropertyId) -> Row[Any]:
    row = await tx.get(home, id, "propertyId", lock=True)
    if row.archived_at is not None:
        raise Conflict("This property is archived.", field=("propertyId",))
    return row


async def _ensure_needed(tx: Tx, job_id: JobId) -> None:
    """Refuse a cleaner who is not on the job, or need not get in now."""
    await ensure_onboarded(tx)
    mine = await tx.one(_part(tx, job_id))
    if mine is None:
        raise NotFound(field=("jobId",))
    policy = (await tenant_policy(tx)).fieldwork
    access = Access(JobStatus(mine.status), AssignmentRole(mine.role), mine.checked_in, mine.starts_at, mine.ends_at)
    ensure_open(access, policy.access_lead, policy.access_trail, tx.now)


def _part(tx: Tx, job_id: JobId) -> Any:
    """The acting cleaner's live part in a job; of two, the one that is more than to stand by."""
    came = (
        select(visit.c.id)
        .where(tx.own(visit), visit.c.job_id == job_id, visit.c.cleaner_id == tx.actor.cleaner_id)
        .where(visit.c.checked_in_at.is_not(None))
        .exists()
    )
    return (
        select(assignment.c.role, job.c.status, job.c.starts_at, job.c.ends_at, came.label("checked_in"))
        .join(job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id))
        .where(
            tx.own(assignment),
            assignment.c.job_id == job_id,
            assignment.c.cleaner_id == tx.actor.cleaner_id,
            assignment.c.released_at.is_(None),
        )
        .order_by(assignment.c.role == AssignmentRole.BACKUP)
    )


async def _code_of(tx: Tx, where: Row[Any]) -> str | None:
    found = select(access_code.c.sealed).where(tx.own(access_code), access_code.c.property_id == where.id)
    sealed = await tx.scalar(found)
    return None if sealed is None else await open_for(tx, where.customer_id, _place(tx, where.id), sealed)


def _place(tx: Tx, property_id: UUID) -> Place:
    return Place(tx.actor.tenant, "access_code", "sealed", property_id)
