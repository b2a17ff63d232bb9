"""Whether a clean is proven: the one question that money asks of the field (R113, R120 to R123)."""

from uuid import UUID

from sqlalchemy import select

from db.tx import Tx
from domain.fieldwork.requirements import PROVEN
from domain.fieldwork.verification import verify
from domain.ids import JobId
from models import evidence
from services.fieldwork.verify import packet_of


async def is_proven(tx: Tx, job_id: UUID) -> bool:
    """Whether money may be captured for the job (R113, R120 to R123): complete, or accepted by an administrator.

    And only as long as the chain still leads to it: a row that somebody has changed proves nothing.
    """
    async with tx.as_system(wholly=True):
        status = await tx.scalar(select(evidence.c.status).where(tx.own(evidence), evidence.c.job_id == job_id))
    return status in PROVEN and not verify(await packet_of(tx, JobId(job_id)))
