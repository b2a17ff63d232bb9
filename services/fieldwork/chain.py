"""Writes the evidence chain: the one place that appends to it, under the packet's row lock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from db.tx import Tx
from domain.errors import NotFound
from domain.fieldwork.chain import Entry, EntryKind, genesis, plain, seal
from domain.fieldwork.device import DeviceTime, Timing, is_instant, judge
from models import evidence, evidence_entry
from services.fieldwork.told import Device
from services.scheduling import tenant_policy


async def hold_packet(tx: Tx, job_id: UUID) -> Row[Any]:
    """The job's packet, locked until the end. `NotFound` where no visit has begun. The job's row is held before it."""
    async with tx.as_system(wholly=True):
        row = await tx.one(select(evidence).where(tx.own(evidence), evidence.c.job_id == job_id).with_for_update())
    if row is None:
        raise NotFound(field=("jobId",))
    return row


async def append(
    tx: Tx, job_id: UUID, kind: EntryKind, payload: Mapping[str, Any], device: Device | None = None
) -> Entry:
    """Append one fact to the job's chain; JSON values only in the payload. Its receipt time is the server's (A40)."""
    packet = await hold_packet(tx, job_id)
    timing = await timing_of(tx, device)
    entry = Entry(
        seq=packet.entries + 1,
        kind=kind,
        payload=plain(payload),
        captured_at=timing.captured_at,
        received_at=tx.now,
        skew_ms=timing.skew_ms,
        flags=tuple(timing.flags),
        actor_id=tx.actor.person,
        actor_role=tx.actor.role,
    )
    await _write(tx, packet, entry)
    return entry


async def timing_of(tx: Tx, device: Device | None) -> Timing:
    """What to make of the times that a device told."""
    if device is None:
        return Timing(None, None, ())
    tolerance = (await tenant_policy(tx)).fieldwork.clock_skew
    return judge(DeviceTime(_aware(device.captured_at), _aware(device.sent_at)), tx.now, tolerance)


async def _write(tx: Tx, packet: Row[Any], entry: Entry) -> None:
    link = seal(packet.head or genesis(tx.actor.tenant, packet.job_id), entry)
    async with tx.as_system(wholly=True):
        await tx.insert(
            evidence_entry,
            job_id=packet.job_id,
            customer_id=packet.customer_id,
            seq=entry.seq,
            kind=entry.kind,
            payload=dict(entry.payload),
            captured_at=entry.captured_at,
            received_at=entry.received_at,
            skew_ms=entry.skew_ms,
            flags=list(entry.flags),
            actor_id=entry.actor_id,
            actor_role=entry.actor_role,
            hash=link,
        )
        await tx.write(
            update(evidence)
            .where(tx.own(evidence), evidence.c.id == packet.id)
            .values(entries=entry.seq, head=link, version=evidence.c.version + 1)
        )


def _aware(at: datetime | None) -> datetime | None:
    # A device that sends a time without its offset, or one of another age, has told no instant.
    return at if at is not None and is_instant(at) else None
