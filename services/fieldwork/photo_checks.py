"""What becomes of an uploaded photo: recorded as stored or refused, with everything odd about it (A18).

Each step changes a photo only from the state it is meant for, so that any number of attempts end alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Row, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.sql.elements import ColumnElement

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.photos import (
    AWAITED,
    PHOTO_TRANSITIONS,
    SIMILAR_BITS,
    Expected,
    Keys,
    PhotoFlag,
    PhotoRefusal,
    PhotoStatus,
    Seen,
    is_plain,
    odd_claims,
)
from domain.geo import Position
from domain.ids import PhotoId
from domain.scheduling import ensure_transition
from models import job, market, photo, visit
from models import property as home
from services.cards import job_progressed
from services.fieldwork.chain import append, hold_packet
from services.fieldwork.holding import hold_job
from services.fieldwork.packet import is_photo_unchecked, missing_of, submit

SWEEP = 100
"""How many photos one sweep looks after."""
CHECK_OVERDUE = timedelta(minutes=5)
"""When a check of an uploaded photo is begun again: its task may be lost."""


@dataclass(frozen=True, slots=True)
class FindPhoto:
    """A photo to be checked."""

    photo_id: PhotoId


@dataclass(frozen=True, slots=True)
class FindOverduePhotos:
    """Photos that nobody has decided about for too long."""


@dataclass(frozen=True, slots=True)
class SettlePhoto:
    """What a look at the bytes found; `seen` and `refusal` both None: they never came."""

    photo_id: PhotoId
    seen: Seen | None = None
    refusal: PhotoRefusal | None = None


@dataclass(frozen=True, slots=True)
class PhotoToCheck:
    """What was announced, and where the bytes are to be found."""

    keys: Keys
    status: PhotoStatus
    content_type: str
    size_bytes: int
    sha256: bytes
    expires_at: datetime


@command(Role.SYSTEM)
async def find_photo(tx: Tx, input: FindPhoto) -> PhotoToCheck:
    """What is to be checked of a photo."""
    row = await tx.get(photo, input.photo_id)
    return PhotoToCheck(
        Keys(row.tenant_id, row.job_id, row.id),
        PhotoStatus(row.status),
        row.content_type,
        row.size_bytes,
        row.sha256,
        row.expires_at,
    )


@command(Role.SYSTEM)
async def find_overdue_photos(tx: Tx, input: FindOverduePhotos) -> list[PhotoId]:
    """Photos whose upload time is over, and those whose check was lost; at most 100, the oldest first."""
    overdue = or_(
        and_(photo.c.status == PhotoStatus.REQUESTED, photo.c.expires_at <= tx.now),
        and_(photo.c.status == PhotoStatus.UPLOADED, photo.c.uploaded_at <= tx.now - CHECK_OVERDUE),
    )
    rows = await tx.all(
        select(photo.c.id).where(tx.own(photo), overdue).order_by(photo.c.requested_at, photo.c.id).limit(SWEEP)
    )
    return [PhotoId(row.id) for row in rows]


@command(Role.SYSTEM)
async def settle_photo(tx: Tx, input: SettlePhoto) -> PhotoStatus:
    """Record what was found of a photo that is awaited; otherwise change nothing. Where it stands then.

    What was found goes into the job's chain. A late photo that was the last thing missing completes the job.
    """
    row = await tx.get(photo, input.photo_id)
    await hold_job(tx, row.job_id)
    await hold_packet(tx, row.job_id)
    row = await tx.get(photo, input.photo_id, lock=True)
    if PhotoStatus(row.status) not in AWAITED:
        return PhotoStatus(row.status)
    if input.seen is not None and await _is_duplicate(tx, row):
        input = SettlePhoto(input.photo_id, None, PhotoRefusal.DUPLICATE)
    if input.seen is not None:
        status = await _store(tx, row, input.seen)
    elif input.refusal is not None:
        status = await _reject(tx, row, input.refusal)
    else:
        status = await _change(tx, row, status=PhotoStatus.EXPIRED)
    await job_progressed(tx, row.job_id)
    await _submit_if_last(tx, row, status)
    return status


async def _store(tx: Tx, row: Row[Any], seen: Seen) -> PhotoStatus:
    flags = sorted({*row.flags, *await _odd(tx, row, seen)})
    await _change(
        tx,
        row,
        status=PhotoStatus.STORED,
        stored_at=tx.now,
        width=seen.width,
        height=seen.height,
        perceptual_hash=seen.look,
        claims=dict(seen.claims),
        flags=flags,
    )
    found = {
        "width": seen.width,
        "height": seen.height,
        "look": f"{seen.look & (2**64 - 1):016x}",
        "flags": flags,
        "claims": dict(seen.claims),
    }
    await append(tx, row.job_id, EntryKind.PHOTO_STORED, {**_announced(row), **found})
    return PhotoStatus.STORED


async def _reject(tx: Tx, row: Row[Any], refusal: PhotoRefusal) -> PhotoStatus:
    await _change(tx, row, status=PhotoStatus.REJECTED, refusal=refusal)
    said = {**_announced(row), "flags": list(row.flags), "refusal": refusal.value}
    await append(tx, row.job_id, EntryKind.PHOTO_REFUSED, said)
    return PhotoStatus.REJECTED


async def _change(tx: Tx, row: Row[Any], *, status: PhotoStatus, **values: Any) -> PhotoStatus:
    ensure_transition(PHOTO_TRANSITIONS, PhotoStatus(row.status), status)
    arrived = {} if status is PhotoStatus.EXPIRED else {"uploaded_at": row.uploaded_at or tx.now}
    await tx.change(photo, row.id, row.version, status=status, **arrived, **values)
    return status


def _announced(row: Row[Any]) -> dict[str, Any]:
    return {
        "photoId": str(row.id),
        "visitId": str(row.visit_id),
        "cleanerId": str(row.cleaner_id),
        "stage": row.stage,
        "zone": row.zone,
        "contentType": row.content_type,
        "sizeBytes": row.size_bytes,
        "sha256": row.sha256.hex(),
        "requestedAt": row.requested_at.isoformat(),
        "capturedAt": None if row.captured_at is None else row.captured_at.isoformat(),
    }


async def _is_duplicate(tx: Tx, row: Row[Any]) -> bool:
    same = select(photo.c.id).where(
        *_others(tx, row), photo.c.sha256 == row.sha256, photo.c.job_id == row.job_id, photo.c.stage == row.stage
    )
    return await tx.one(same) is not None


async def _odd(tx: Tx, row: Row[Any], seen: Seen) -> list[PhotoFlag]:
    place = await tx.one(
        select(home.c.latitude, home.c.longitude, market.c.zone)
        .join(job, and_(job.c.tenant_id == home.c.tenant_id, job.c.property_id == home.c.id))
        .join(market, and_(market.c.tenant_id == job.c.tenant_id, market.c.id == job.c.market_id))
        .where(tx.own(job), job.c.id == row.job_id)
    )
    assert place is not None  # noqa: S101 (keys hold all three together)
    where = Position(place.latitude, place.longitude)
    odd = odd_claims(seen.claims, Expected(row.captured_at or row.requested_at, ZoneInfo(place.zone), where))
    return [*odd, *([PhotoFlag.REUSED] if await _is_reused(tx, row, seen) else [])]


async def _is_reused(tx: Tx, row: Row[Any], seen: Seen) -> bool:
    """Whether the file shows something else already, or another photo looks like it: of another job, or of its stage.

    Before and after of the same job may look alike, for they are taken from the same spot; two zones may not.
    """
    same: list[ColumnElement[bool]] = [photo.c.sha256 == row.sha256]
    if not is_plain(seen.look):
        apart = photo.c.perceptual_hash.op("#")(cast(seen.look, BigInteger))
        alike = func.bit_count(cast(apart, BIT(64))) <= SIMILAR_BITS
        elsewhere = or_(photo.c.job_id != row.job_id, photo.c.stage == row.stage)
        same.append(and_(photo.c.perceptual_hash.is_not(None), elsewhere, alike))
    # One statement each: the first has an index, the second reads the hashes of the tenant.
    for each in same:
        if await tx.one(select(photo.c.id).where(*_others(tx, row), each).limit(1)) is not None:
            return True
    return False


def _others(tx: Tx, row: Row[Any]) -> tuple[ColumnElement[bool], ...]:
    return tx.own(photo), photo.c.id != row.id, photo.c.status == PhotoStatus.STORED


async def _submit_if_last(tx: Tx, row: Row[Any], status: PhotoStatus) -> None:
    """Judge the packet anew if everybody has left and this decided it, or was the last to be decided about."""
    seen_off = select(
        func.bool_and(visit.c.checked_out_at.is_not(None)).filter(visit.c.checked_in_at.is_not(None))
    ).where(tx.own(visit), visit.c.job_id == row.job_id)
    if not await tx.scalar(seen_off):
        return
    packet = await hold_packet(tx, row.job_id)
    is_first = packet.submissions == 0 and not await is_photo_unchecked(tx, row.job_id)
    if is_first or (status is PhotoStatus.STORED and not await missing_of(tx, row.job_id)):
        await submit(tx, row.job_id)
