"""Who of a crew is paid for a clean: who came and left, never a mere backup (A11, invariant of check-in and check-out).

A shift may have changed hands before the clean, and a crew may have been changed in the middle of it: what counts is
each cleaner's own visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, or_, select

from db.tx import Tx
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import EvidenceStatus
from domain.payments.payouts import Part, Participation, took_part
from domain.scheduling import AssignmentRole
from models import assignment, cleaner, evidence, visit

SHORTEST = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Member:
    """A cleaner who is paid for a job, and as what."""

    cleaner_id: UUID
    assignment_id: UUID
    role: AssignmentRole
    tier: str
    hours: Decimal | None = None
    """From check-in to check-out, where both are known."""


async def paid_crew(tx: Tx, job_id: UUID, participation: Participation) -> tuple[Member, ...]:
    """Who is paid for a job that is done, each cleaner once, by the order of their assignments (R154, A11)."""
    async with tx.as_system(wholly=True):
        overridden = await _is_overridden(tx, job_id)
        rows = await tx.all(_parts(tx, job_id))
    members: dict[UUID, Member] = {}
    for row in rows:
        if _is_paid(row, participation, overridden=overridden):
            role, hours = AssignmentRole(row.role), _hours(row)
            member = Member(row.cleaner_id, row.assignment_id, role, row.pay_tier, hours)
            members.setdefault(row.cleaner_id, member)
    return tuple(members.values())


def laundry_lead(crew: Sequence[Member]) -> UUID | None:
    """The one whose bonus the laundry is: of a job there is at most one (R162, A12)."""
    return next((one.cleaner_id for one in crew if one.role is AssignmentRole.LAUNDRY_LEAD), None)


def _is_paid(row: Row[Any], participation: Participation, *, overridden: bool) -> bool:
    """A part that was given up or taken away counts only for what was worked on it."""
    is_live = row.released_at is None
    part = Part(
        role=AssignmentRole(row.role),
        checked_in=row.checked_in_at is not None,
        checked_out=row.checked_out_at is not None,
        overridden=overridden and is_live,
    )
    return took_part(part, participation if is_live else Participation.PARTICIPATED)


def _hours(row: Row[Any]) -> Decimal | None:
    """How long somebody was there, to two decimals, a hundredth at least."""
    if row.checked_in_at is None or row.checked_out_at is None:
        return None
    seconds = int((row.checked_out_at - row.checked_in_at).total_seconds())
    return max(SHORTEST, (Decimal(seconds) / 3600).quantize(SHORTEST))


def _parts(tx: Tx, job_id: UUID) -> Any:
    """Everybody who is on the job, or came to it: live parts first, each with the visit of that cleaner."""
    came = and_(
        visit.c.tenant_id == assignment.c.tenant_id,
        visit.c.assignment_id == assignment.c.id,
        visit.c.cleaner_id == assignment.c.cleaner_id,
        # Who could not get in has not cleaned.
        visit.c.phase != VisitPhase.NO_ACCESS,
    )
    who = and_(cleaner.c.tenant_id == assignment.c.tenant_id, cleaner.c.id == assignment.c.cleaner_id)
    return (
        select(
            assignment.c.id.label("assignment_id"),
            assignment.c.cleaner_id,
            assignment.c.role,
            assignment.c.released_at,
            cleaner.c.pay_tier,
            visit.c.checked_in_at,
            visit.c.checked_out_at,
        )
        .select_from(assignment.join(cleaner, who).outerjoin(visit, came))
        .where(
            tx.own(assignment),
            assignment.c.job_id == job_id,
            or_(assignment.c.released_at.is_(None), visit.c.checked_out_at.is_not(None)),
        )
        .order_by(assignment.c.released_at.is_not(None), assignment.c.id)
    )


async def _is_overridden(tx: Tx, job_id: UUID) -> bool:
    status = await tx.scalar(select(evidence.c.status).where(tx.own(evidence), evidence.c.job_id == job_id))
    return bool(status == EvidenceStatus.OVERRIDDEN)
