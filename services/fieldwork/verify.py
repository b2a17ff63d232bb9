"""Reads a job's whole packet, for whoever wants to check that it still says what was written down (R127, R247)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.errors import NotFound
from domain.fieldwork.chain import Entry
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.tracks import digest_of
from domain.fieldwork.verification import Anchor, KeptPhoto, Outcome, Packet
from domain.ids import JobId
from models import audit, checklist_item, evidence, evidence_entry, photo, track_batch, visit
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class ReadPacket:
    """The packet of one job."""

    job_id: JobId = arg("The job.")


@command(*OFFICE, Role.CLEANER, Role.CUSTOMER, Role.SYSTEM)
async def read_packet(tx: Tx, input: ReadPacket) -> Packet:
    """All that is kept of a job's proof. `NotFound` for who may not see it: a customer before it is complete, say."""
    if await tx.one(select(evidence.c.id).where(tx.own(evidence), evidence.c.job_id == input.job_id)) is None:
        raise NotFound(field=("jobId",))
    return await packet_of(tx, input.job_id)


async def packet_of(tx: Tx, job_id: JobId) -> Packet:
    """The packet, read whole: whoever may see it may have it checked against the audit log too, which they may not."""
    async with tx.as_system(wholly=True):
        # The head first and locked: what is appended meanwhile would look like an entry too many.
        head = await tx.one(select(evidence).where(tx.own(evidence), evidence.c.job_id == job_id).with_for_update())
        if head is None:
            raise NotFound(field=("jobId",))
        return Packet(
            tenant=tx.actor.tenant,
            job_id=job_id,
            outcome=Outcome(
                status=head.status,
                requirements=head.requirements,
                submissions=head.submissions,
                complete_at_first=head.complete_at_first,
                override_reason=head.override_reason,
                no_access_note=head.no_access_note,
            ),
            links=[_link(row) for row in await _of_job(tx, evidence_entry, job_id, "seq")],
            head=head.head,
            count=head.entries,
            photos=[
                KeptPhoto(row.id, row.visit_id, row.sha256, row.size_bytes, row.stage, row.zone)
                for row in await _of_job(tx, photo, job_id, "id")
                if row.status == PhotoStatus.STORED
            ],
            tracks={row.id: digest_of(row.points) for row in await _of_job(tx, track_batch, job_id, "id")},
            checklist=[dict(row._mapping) for row in await _of_job(tx, checklist_item, job_id, "place")],  # noqa: SLF001
            visits={row.id: dict(row._mapping) for row in await _of_job(tx, visit, job_id, "id")},  # noqa: SLF001
            anchors=await _anchors(tx, head.id),
        )


async def _of_job(tx: Tx, table: Table, job_id: UUID, order: str) -> Sequence[Row[Any]]:
    return await tx.all(select(table).where(tx.own(table), table.c.job_id == job_id).order_by(table.c[order]))


async def _anchors(tx: Tx, evidence_id: UUID) -> list[Anchor]:
    lines = select(audit.c.detail).where(
        tx.own(audit), audit.c.entity == "Evidence", audit.c.entity_id == evidence_id, audit.c.detail.has_key("head")
    )
    kept = [row.detail for row in await tx.all(lines)]
    # What this very transaction anchors is written with its commit, or not at all.
    staged = [line["detail"] for line in tx.staged.audit if line["entity_id"] == str(evidence_id)]
    found = [*kept, *(detail for detail in staged if "head" in detail)]
    return [Anchor(detail["entries"], bytes.fromhex(detail["head"])) for detail in found]


def _link(row: Row[Any]) -> tuple[Entry, bytes]:
    entry = Entry(
        seq=row.seq,
        kind=row.kind,
        payload=row.payload,
        captured_at=row.captured_at,
        received_at=row.received_at,
        skew_ms=row.skew_ms,
        flags=tuple(row.flags),
        actor_id=row.actor_id,
        actor_role=row.actor_role,
    )
    return entry, row.hash
