"""A job's evidence packet: opened with the first visit, and judged anew with every fact (R112, R118, R119, A19, A21).

`missing_of` is what everybody asks: the cleaner's app, the office, and whoever wants to capture money (R113, R123).
"""

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import insert

from db.ids import new_id
from db.tx import Tx
from domain.events import EventType
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import (
    EvidenceStatus,
    Facts,
    Missing,
    PhotoStage,
    Size,
    VisitFacts,
    ZoneCount,
    missing,
    required_photos,
)
from domain.scheduling import AssignmentRole, JobStatus, Laundry, ensure_job_transition
from models import checklist_item, evidence, job, photo, visit
from models import property as home
from services.cards import tell_job
from services.fieldwork.chain import append, hold_packet
from services.fieldwork.checklists import copy_checklist
from services.fieldwork.reliability import rate_crew_later
from services.payments.captures import capture_proven
from services.payouts.terms import terms_now
from services.scheduling import tenant_policy

WAITING = frozenset({EvidenceStatus.OPEN, EvidenceStatus.INCOMPLETE})
"""A packet that is not decided yet."""

RESPONSIBLE = (AssignmentRole.PRIMARY, AssignmentRole.BACKUP)
"""Roles whose check-in counts for the job; a backup who has checked in stands for the primary (A11)."""


async def open_packet(tx: Tx, job_row: Row[Any]) -> None:
    """Open the job's packet with its first visit: what it must show is fixed from here on. Again changes nothing."""
    async with tx.as_system(wholly=True):
        where = await tx.get(home, job_row.property_id)
        zones = (await tenant_policy(tx)).fieldwork.photo_zones
        size = Size(where.bedrooms, where.bathrooms, where.hot_tub, where.laundry != Laundry.NONE)
        required = [
            {"zone": count.zone, "before": count.before, "after": count.after} for count in required_photos(zones, size)
        ]
        opened = await tx.write(
            insert(evidence)
            .values(
                tenant_id=tx.actor.tenant,
                id=new_id(),
                job_id=job_row.id,
                customer_id=job_row.customer_id,
                status=EvidenceStatus.OPEN,
                requirements=required,
                created_at=tx.now,
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "job_id"])
        )
        if not opened:
            return
        items = await copy_checklist(tx, job_row)
    await append(tx, job_row.id, EntryKind.PACKET_OPENED, {"requirements": required, "checklist": items})


async def facts_of(tx: Tx, job_id: UUID) -> Facts:
    """Everything that decides whether the job is proven; empty requirements where no visit has begun."""
    async with tx.as_system(wholly=True):
        packet = await tx.one(select(evidence).where(tx.own(evidence), evidence.c.job_id == job_id))
        return Facts(
            required=tuple(ZoneCount(**zone) for zone in (packet.requirements if packet else ())),
            photos=await _photos(tx, job_id),
            open_items=await _open_items(tx, job_id),
            visits=await _visits(tx, job_id),
        )


async def missing_of(tx: Tx, job_id: UUID) -> tuple[Missing, ...]:
    """All that still stands between the job and its proof (R112)."""
    return missing(await facts_of(tx, job_id))


async def submit(tx: Tx, job_id: UUID) -> tuple[Missing, ...] | None:
    """Judge the packet after somebody left or something came late; what is missing (R115, R119).

    Complete evidence completes the job; otherwise the packet waits, and whoever can mend it is told (R122). None where
    there is nothing to judge: somebody is still there, a photo is still being checked, or it is decided already.
    """
    async with tx.as_system(wholly=True):
        packet = await hold_packet(tx, job_id)
        if packet.status not in WAITING or await is_somebody_there(tx, job_id):
            return None
        if packet.submissions == 0 and await is_photo_unchecked(tx, job_id):
            # Whoever checks it last submits: what was uploaded in time must not count as missing at first (A47).
            return None
        if (await tx.get(job, job_id)).status != JobStatus.IN_PROGRESS:
            return None
        open_points = await missing_of(tx, job_id)
        await append(tx, job_id, EntryKind.SUBMITTED, {"missing": [describe(one) for one in open_points]})
        await _keep_submission(tx, packet, open_points)
        if open_points:
            await tell_job(tx, EventType.JOB_SUBMITTED, job_id)
        else:
            await complete_job(tx, job_id)
        return open_points


async def _keep_submission(tx: Tx, packet: Row[Any], open_points: tuple[Missing, ...]) -> None:
    """What the judgement says of the packet; where something is missing, cleaner and office are to hear of it."""
    number = packet.submissions + 1
    first = {} if packet.submissions else {"submitted_at": tx.now, "complete_at_first": not open_points}
    if not open_points:
        status = EvidenceStatus.COMPLETE
        await change_packet(tx, packet.id, status=status, submissions=number, completed_at=tx.now, **first)
        return
    await change_packet(tx, packet.id, status=EvidenceStatus.INCOMPLETE, submissions=number, **first)
    payload = {"job_id": str(packet.job_id), "submission": number}
    tx.later("notify_evidence", payload, dedupe_key=f"evidence:{packet.job_id}:{number}")


async def complete_job(tx: Tx, job_id: UUID) -> None:
    """The job is proven: it is completed, and its chain's head goes into the audit log (R113, R127)."""
    async with tx.as_system(wholly=True):
        await append(tx, job_id, EntryKind.COMPLETED, {})
        row = await tx.get(job, job_id)
        ensure_job_transition(JobStatus(row.status), JobStatus.COMPLETED)
        # Whenever its money comes: what was earned by it is settled now.
        terms = (await terms_now(tx, row)).to_json()
        await tx.change(job, job_id, status=JobStatus.COMPLETED, completed_at=tx.now, pay_terms=terms)
        await anchor(tx, job_id)
        await tell_job(tx, EventType.JOB_COMPLETED, job_id)
        await rate_crew_later(tx, job_id)
    await capture_proven(tx, job_id)


async def anchor(tx: Tx, job_id: UUID) -> None:
    """Write the chain's head into the audit log, which is chained itself: a chain cut short is found by it."""
    packet = await hold_packet(tx, job_id)
    tx.audit("Evidence", packet.id, detail={"jobId": str(job_id), "entries": packet.entries, "head": packet.head.hex()})


async def change_packet(tx: Tx, id: UUID, **values: Any) -> None:
    """Change a packet; only the server derives what it says (A19)."""
    async with tx.as_system(wholly=True):
        await tx.change(evidence, id, **values)


def describe(one: Missing) -> dict[str, Any]:
    """One missing thing as JSON."""
    return {
        "code": one.code.value,
        "message": one.message,
        "zone": one.zone,
        "required": one.required,
        "present": one.present,
    }


async def _photos(tx: Tx, job_id: UUID) -> tuple[ZoneCount, ...]:
    counted = (
        select(photo.c.stage, photo.c.zone, func.count().label("many"))
        .where(tx.own(photo), photo.c.job_id == job_id, photo.c.status == PhotoStatus.STORED)
        .group_by(photo.c.stage, photo.c.zone)
    )
    there = {PhotoStage.BEFORE: Counter[str](), PhotoStage.AFTER: Counter[str](), PhotoStage.ACCESS: Counter[str]()}
    for row in await tx.all(counted):
        there[PhotoStage(row.stage)][row.zone] = row.many
    before, after = there[PhotoStage.BEFORE], there[PhotoStage.AFTER]
    return tuple(ZoneCount(zone, before[zone], after[zone]) for zone in sorted(before.keys() | after.keys()))


async def _open_items(tx: Tx, job_id: UUID) -> tuple[str, ...]:
    rows = await tx.all(
        select(checklist_item.c.label)
        .where(
            tx.own(checklist_item),
            checklist_item.c.job_id == job_id,
            checklist_item.c.required,
            checklist_item.c.done_at.is_(None),
        )
        .order_by(checklist_item.c.place)
    )
    return tuple(row.label for row in rows)


async def _visits(tx: Tx, job_id: UUID) -> tuple[VisitFacts, ...]:
    rows = await tx.all(
        select(visit).where(tx.own(visit), visit.c.job_id == job_id).order_by(visit.c.begun_at, visit.c.id)
    )
    return tuple(
        VisitFacts(
            # Who could not get in has not done it.
            is_responsible=row.is_responsible and row.phase != VisitPhase.NO_ACCESS,
            checked_in=row.checked_in_at is not None,
            in_position=row.check_in_latitude is not None or row.check_in_overridden,
            checked_out=row.checked_out_at is not None,
            out_position=row.check_out_latitude is not None,
        )
        for row in rows
    )


async def is_photo_unchecked(tx: Tx, job_id: UUID) -> bool:
    """Whether a photo is uploaded and nobody has looked at it yet."""
    uploaded = select(photo.c.id).where(tx.own(photo), photo.c.job_id == job_id, photo.c.status == PhotoStatus.UPLOADED)
    return await tx.one(uploaded.limit(1)) is not None


async def is_somebody_there(tx: Tx, job_id: UUID) -> bool:
    """Whether somebody has checked in and not left yet."""
    there = select(visit.c.id).where(
        tx.own(visit), visit.c.job_id == job_id, visit.c.checked_in_at.is_not(None), visit.c.checked_out_at.is_(None)
    )
    async with tx.as_system(wholly=True):
        return await tx.one(there) is not None
