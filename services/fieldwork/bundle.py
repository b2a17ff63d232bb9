"""What goes into a bundle of evidence that somebody outside can check: the manifest, and the facts for its paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.fieldwork.chain import FORMAT, canonical, document
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.verification import Packet
from domain.ids import JobId
from models import assignment, cleaner, job, market, photo, tenant, track_batch, visit
from models import property as home
from services.fieldwork.packet import describe, missing_of
from services.fieldwork.verify import ReadPacket, packet_of


@dataclass(frozen=True, slots=True)
class Came:
    """One cleaner's visit, for the paper."""

    name: str
    role: str
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    distance_metres: float | None


@dataclass(frozen=True, slots=True)
class Picture:
    """One stored photo: its id, file type and what it shows."""

    id: UUID
    content_type: str
    stage: str
    zone: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A job's proof as a whole."""

    packet: Packet
    business: str
    address: str
    zone: str
    """The market's IANA zone: the paper's times are told by it."""
    starts_at: datetime
    completed_at: datetime | None
    override_reason: str | None
    missing: Sequence[Mapping[str, Any]]
    visits: Sequence[Came]
    pictures: Sequence[Picture]
    points: Mapping[UUID, bytes]
    """The bytes of each track: the canonical JSON whose sha256 the chain names."""


@command(Role.SYSTEM)
async def read_bundle(tx: Tx, input: ReadPacket) -> Bundle:
    """Everything for the bundle of one job. As the system: whoever was given the link has been judged before."""
    packet = await packet_of(tx, input.job_id)
    row = await tx.get(job, input.job_id, "jobId")
    where = await tx.get(home, row.property_id)
    return Bundle(
        packet=packet,
        business=await tx.scalar(select(tenant.c.name).where(tx.own(tenant))),
        address=f"{where.address}, {where.postal_code} {where.city}",
        zone=(await tx.get(market, row.market_id)).zone,
        starts_at=row.starts_at,
        completed_at=row.completed_at,
        override_reason=packet.outcome.override_reason,
        missing=[describe(one) for one in await missing_of(tx, row.id)],
        visits=await _visits(tx, input.job_id),
        pictures=await _pictures(tx, input.job_id),
        points=await _points(tx, input.job_id),
    )


def signed_part(packet: Packet) -> dict[str, Any]:
    """What the issuer signs: which chain it is, and where it stands."""
    return {
        "format": FORMAT,
        "tenant": str(packet.tenant),
        "job": str(packet.job_id),
        "count": packet.count,
        "head": packet.head.hex(),
    }


def manifest(packet: Packet, signature: str) -> dict[str, Any]:
    """The chain as JSON, entry by entry with its hash; `signature` is over `signed_part`, in base64url."""
    entries = [{**document(entry), "hash": link.hex()} for entry, link in packet.links]
    return {**signed_part(packet), "status": packet.outcome.status, "signature": signature, "entries": entries}


def track_bytes(points: Sequence[Any]) -> bytes:
    """A track's points as the canonical JSON whose sha256 the chain names."""
    return canonical({"points": list(points)})


async def _visits(tx: Tx, job_id: JobId) -> list[Came]:
    rows = await tx.all(
        select(visit, cleaner.c.name, assignment.c.role)
        .join(cleaner, (cleaner.c.tenant_id == visit.c.tenant_id) & (cleaner.c.id == visit.c.cleaner_id))
        .join(assignment, (assignment.c.tenant_id == visit.c.tenant_id) & (assignment.c.id == visit.c.assignment_id))
        .where(tx.own(visit), visit.c.job_id == job_id)
        .order_by(visit.c.begun_at, visit.c.id)
    )
    return [
        Came(row.name, row.role, row.checked_in_at, row.checked_out_at, row.check_in_distance_metres) for row in rows
    ]


async def _pictures(tx: Tx, job_id: JobId) -> list[Picture]:
    stored = (
        select(photo)
        .where(tx.own(photo), photo.c.job_id == job_id, photo.c.status == PhotoStatus.STORED)
        .order_by(photo.c.stage.desc(), photo.c.zone, photo.c.id)
    )
    return [Picture(row.id, row.content_type, row.stage, row.zone) for row in await tx.all(stored)]


async def _points(tx: Tx, job_id: JobId) -> dict[UUID, bytes]:
    rows = await tx.all(select(track_batch).where(tx.own(track_batch), track_batch.c.job_id == job_id))
    return {row.id: track_bytes(row.points) for row in rows}
