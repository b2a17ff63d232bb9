"""A cleaner announces a photo and says that it is uploaded (R107, R109, R125, A18). What it shows is checked later."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, update

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import AlreadyExists, Conflict, IllegalTransition, Invalid
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import (
    MOST_A_VISIT,
    MOST_ZONE_CHARACTERS,
    UPLOAD_LASTS,
    Announcement,
    PhotoFlag,
    PhotoStatus,
    ensure_may_take,
)
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, PhotoId
from models import evidence, photo
from services.checks import text
from services.fieldwork.chain import timing_of
from services.fieldwork.holding import Held
from services.fieldwork.packet import WAITING
from services.fieldwork.steps import begin
from services.fieldwork.told import Device
from services.gate import ensure_onboarded
from services.inputs import arg


@dataclass(frozen=True, slots=True)
class RequestPhoto:
    """A photo that is about to be uploaded."""

    assignment_id: AssignmentId = arg("The shift that it belongs to; your own.")
    stage: PhotoStage = arg("What it shows.")
    zone: str = arg("Of which room, as the evidence names its zones; of an ACCESS photo any words.")
    content_type: str = arg("image/jpeg, image/png or image/webp.")
    size_bytes: int = arg("How long it is, exactly; at most 10 MiB.")
    sha256: str = arg("The SHA-256 of its bytes, in hexadecimal.")
    device: Device | None = arg("The device's clock when it was taken, and when this is sent.", default=None)


@dataclass(frozen=True, slots=True)
class ConfirmPhoto:
    """A photo that is uploaded."""

    photo_id: PhotoId = arg("The photo; your own.")


@command(Role.CLEANER, when_unpaid=True)
async def request_photo(tx: Tx, input: RequestPhoto) -> PhotoId:
    """Announce a photo; its `uploadUrl` takes exactly these bytes for 10 minutes (R107, R109, R125, A18).

    Before photos between check-in and the start of the work, after photos from then on; after the check-out they are
    flagged LATE, and once the job is proven it takes no more. The zone must be one that the job's evidence names.
    """
    announced = Announcement.told(input.content_type, input.size_bytes, input.sha256)
    held = await begin(tx, input.assignment_id)
    if held.visit is None:
        raise IllegalTransition("Open the instructions and check in first.", details={"phase": None})
    phase = VisitPhase(held.visit.phase)
    late = ensure_may_take(input.stage, phase, checked_in=held.visit.checked_in_at is not None)
    packet = await _open_packet_of(tx, held)
    await _ensure_room(tx, held, input.stage, announced)
    timing = await timing_of(tx, input.device)
    flags = {*map(str, timing.flags), *([PhotoFlag.LATE.value] if late else [])}
    return PhotoId(
        await tx.insert(
            photo,
            job_id=held.job.id,
            visit_id=held.visit.id,
            customer_id=held.job.customer_id,
            cleaner_id=held.visit.cleaner_id,
            stage=input.stage,
            zone=_zone(input, packet),
            status=PhotoStatus.REQUESTED,
            content_type=announced.content_type,
            size_bytes=announced.size_bytes,
            sha256=announced.sha256,
            flags=sorted(flags),
            captured_at=timing.captured_at,
            requested_at=tx.now,
            expires_at=tx.now + UPLOAD_LASTS,
        )
    )


@command(Role.CLEANER, when_unpaid=True)
async def confirm_photo(tx: Tx, input: ConfirmPhoto) -> PhotoId:
    """Say that a photo is uploaded: it is checked at once. Saying so again changes nothing."""
    await ensure_onboarded(tx)
    mine = (tx.own(photo), photo.c.id == input.photo_id, photo.c.cleaner_id == tx.actor.cleaner_id)
    told = await tx.write(
        update(photo)
        .where(*mine, photo.c.status == PhotoStatus.REQUESTED)
        .values(status=PhotoStatus.UPLOADED, uploaded_at=tx.now, version=photo.c.version + 1)
    )
    if told:
        tx.later("inspect_photo", {"photo_id": str(input.photo_id)}, dedupe_key=f"photo:{input.photo_id}")
        return input.photo_id
    row = await tx.get(photo, input.photo_id, "photoId")
    if row.cleaner_id != tx.actor.cleaner_id or row.status == PhotoStatus.EXPIRED:
        raise Conflict("This photo cannot be uploaded any more: request another.", field=("photoId",))
    return input.photo_id


async def _open_packet_of(tx: Tx, held: Held) -> Row[Any]:
    """The job's packet, if more can still be shown."""
    packet = await tx.one(select(evidence).where(tx.own(evidence), evidence.c.job_id == held.job.id))
    if packet is None or packet.status not in WAITING:
        raise IllegalTransition("The evidence of this job is closed.", details={"job": held.job.status})
    return packet


async def _ensure_room(tx: Tx, held: Held, stage: PhotoStage, announced: Announcement) -> None:
    assert held.visit is not None  # noqa: S101 (the caller has seen to it)
    announced_so_far = select(func.count()).where(tx.own(photo), photo.c.visit_id == held.visit.id)
    if await tx.scalar(announced_so_far) >= MOST_A_VISIT:
        raise Conflict(f"A visit has at most {MOST_A_VISIT} photos.", field=("assignmentId",))
    same = select(photo.c.id).where(
        tx.own(photo),
        photo.c.sha256 == announced.sha256,
        photo.c.job_id == held.job.id,
        photo.c.stage == stage,
        photo.c.status == PhotoStatus.STORED,
    )
    if await tx.one(same) is not None:
        raise AlreadyExists("This very file is there already: take another photo.", field=("sha256",))


def _zone(input: RequestPhoto, packet: Row[Any]) -> str:
    zone = text(input.zone, "zone", most=MOST_ZONE_CHARACTERS)
    named = [one["zone"] for one in packet.requirements]
    if input.stage is not PhotoStage.ACCESS and zone not in named:
        raise Invalid(f"The zones of this job are {', '.join(named)}.", field=("zone",))
    return zone
