"""Who is told what became of a clean's evidence: whoever can mend what is missing, and the office (R122, R123)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.fieldwork.requirements import EvidenceStatus, Missing
from domain.ids import JobId
from domain.notifications import NotificationKind
from models import evidence, job, market, visit
from models import property as home
from services.fieldwork.packet import missing_of
from services.notifications import QueueNotifications, office, queue


@dataclass(frozen=True, slots=True)
class NotifyEvidence:
    """A submission in which something was missing."""

    job_id: JobId
    submission: int


@dataclass(frozen=True, slots=True)
class NotifyNoAccess:
    """A job at which nobody could get in."""

    job_id: JobId


@command(Role.SYSTEM)
async def notify_evidence(tx: Tx, input: NotifyEvidence) -> int:
    """Tell who was there, and the office, what is missing now; nobody where it has come meanwhile (R122)."""
    status = await tx.scalar(select(evidence.c.status).where(tx.own(evidence), evidence.c.job_id == input.job_id))
    if status != EvidenceStatus.INCOMPLETE:
        return 0
    card = await _card(tx, input.job_id, await missing_of(tx, input.job_id))
    topic = f"evidence:{input.job_id}:{input.submission}"
    crew = QueueNotifications(NotificationKind.EVIDENCE_MISSING, topic, card, await _who_came(tx, input.job_id))
    staff = QueueNotifications(NotificationKind.EVIDENCE_INCOMPLETE, topic, card, await office(tx))
    return await queue(tx, crew) + await queue(tx, staff)


@command(Role.SYSTEM)
async def notify_no_access(tx: Tx, input: NotifyNoAccess) -> int:
    """Alert the office that nobody could get in, with what was tried."""
    note = await tx.scalar(select(evidence.c.no_access_note).where(tx.own(evidence), evidence.c.job_id == input.job_id))
    card = {**await _card(tx, input.job_id, ()), "note": note or ""}
    topic = f"no_access:{input.job_id}"
    return await queue(tx, QueueNotifications(NotificationKind.NO_ACCESS, topic, card, await office(tx)))


async def _card(tx: Tx, job_id: UUID, missing: Sequence[Missing]) -> Mapping[str, Any]:
    row = await tx.get(job, job_id)
    where, place = await tx.get(home, row.property_id), await tx.get(market, row.market_id)
    return {
        "city": where.city,
        "starts_at": row.starts_at.isoformat(),
        "zone": place.zone,
        "missing": [one.message for one in missing],
    }


async def _who_came(tx: Tx, job_id: UUID) -> list[UUID]:
    came = select(visit.c.cleaner_id).where(tx.own(visit), visit.c.job_id == job_id, visit.c.checked_in_at.is_not(None))
    return [row.cleaner_id for row in await tx.all(came.order_by(visit.c.cleaner_id))]
