"""Where cleaners were while they worked: tracks, kept as they came, and the one live position (R117, A20, A40)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import Conflict, IllegalTransition, Invalid
from domain.events import Event, EventType
from domain.fieldwork.chain import EntryKind
from domain.fieldwork.device import is_instant
from domain.fieldwork.geofence import Fix
from domain.fieldwork.tracks import (
    Point,
    Surroundings,
    Verdict,
    as_json,
    digest_of,
    ensure_batch,
    judge_track,
    newest_live,
)
from domain.geo import Position
from domain.ids import AssignmentId, TrackBatchId
from domain.policy import FieldworkPolicy
from domain.scheduling import JobStatus
from models import live_location, track_batch
from services.checks import within
from services.fieldwork.chain import append
from services.fieldwork.holding import Held, hold_shift
from services.fieldwork.steps import WORKABLE, Place, place_of
from services.fieldwork.told import Device
from services.gate import ensure_onboarded
from services.inputs import arg

MOST_BATCHES = 100_000
FORGOTTEN_AFTER = timedelta(hours=1)
"""A position that is not told anew for so long is not live, whatever has become of its visit."""


@dataclass(frozen=True, slots=True)
class PointTold:
    """One position of a track, as the device tells it."""

    at: datetime = arg("When, by the device's clock, with its UTC offset.")
    latitude: float = arg("Degrees north (WGS 84).")
    longitude: float = arg("Degrees east (WGS 84).")
    accuracy_metres: float = arg("The radius in metres within which the device is likely to be.")
    is_mock: bool = arg("Whether the system says that the position is made up.", default=False)


@dataclass(frozen=True, slots=True)
class SendTrack:
    """A part of where a device went."""

    assignment_id: AssignmentId = arg("The acting cleaner's own live shift.")
    sequence: int = arg("The device's own count of its batches of this visit, from 1; the same again is the same one.")
    points: list[PointTold] = arg("1 to 500 positions in the order of time.")
    device: Device | None = arg("The device's own clock.", default=None)


@dataclass(frozen=True, slots=True)
class ForgetLocations:
    """Positions of visits that have ended without saying so."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is kept."""

    sequence: int
    points: Sequence[Point]
    kept: Sequence[Mapping[str, Any]]
    digest: bytes

    @classmethod
    def of(cls, input: SendTrack) -> "Batch":
        """The batch that was told. Raises `Invalid` with the path of the field."""
        points = [_point(place, told) for place, told in enumerate(input.points)]
        ensure_batch(points)
        kept = as_json(points)
        return cls(within(input.sequence, "sequence", 1, MOST_BATCHES), points, kept, digest_of(kept))


@command(Role.CLEANER, when_unpaid=True)
async def send_track(tx: Tx, input: SendTrack) -> TrackBatchId:
    """Keep where the device went since the check-in, with how far that can be believed (R117, A20).

    The same sequence with the same points is the same batch; with others it is refused with CONFLICT (A39). What comes
    after the check-out, or after the job is over, is kept and flagged (A40). The newest position is shown live while
    the job runs.
    """
    await ensure_onboarded(tx)
    batch = Batch.of(input)
    held = await hold_shift(tx, input.assignment_id, live=False)
    here = _arrived(held)
    known = await _known(tx, here.id, batch)
    if known is not None:
        return known
    async with tx.as_system():
        # The home of a job that was canceled is not theirs to see any more.
        place = await place_of(tx, held.job)
    verdict = await _judged(tx, held, batch, place)
    made = await _keep(tx, here, batch, verdict)
    await _chain(tx, here, (made, batch, verdict), input.device)
    await _show_live(tx, held, batch, place.policy, _sent_at(tx, input.device))
    return made


@command(Role.SYSTEM)
async def forget_locations(tx: Tx, input: ForgetLocations) -> int:
    """Forget live positions that nobody has told anew for an hour; how many there were."""
    old = live_location.c.at < tx.now - FORGOTTEN_AFTER
    return await tx.write(delete(live_location).where(tx.own(live_location), old))


def _point(place: int, told: PointTold) -> Point:
    at = ("points", str(place))
    if not is_instant(told.at):
        raise Invalid("Tell a time of this age, with its UTC offset.", field=(*at, "at"))
    try:
        fix = Fix(Position(told.latitude, told.longitude), told.accuracy_metres, told.is_mock)
    except Invalid as refusal:
        raise Invalid(refusal.message, field=(*at, refusal.field[-1])) from None
    return Point(told.at, fix)


def _arrived(held: Held) -> Row[Any]:
    if held.visit is None or held.visit.checked_in_at is None:
        raise IllegalTransition("You have not checked in yet.")
    return held.visit


async def _known(tx: Tx, visit_id: UUID, batch: Batch) -> TrackBatchId | None:
    """The batch that came under this number before; the job is held, so nobody else is about to write it."""
    same = (track_batch.c.visit_id == visit_id) & (track_batch.c.sequence == batch.sequence)
    row = await tx.one(select(track_batch.c.id, track_batch.c.digest).where(tx.own(track_batch), same))
    if row is None:
        return None
    if row.digest != batch.digest:
        raise Conflict("A batch of this number came before, with other points.", field=("sequence",))
    return TrackBatchId(row.id)


async def _judged(tx: Tx, held: Held, batch: Batch, place: Place) -> Verdict:
    here = _arrived(held)
    around = Surroundings(
        fence=place.fence,
        since=here.checked_in_at - place.policy.clock_skew,
        until=tx.now + place.policy.clock_skew,
        before=await _before(tx, here.id, batch.sequence),
        is_late=here.checked_out_at is not None or held.job.status not in WORKABLE,
    )
    return judge_track(batch.points, around)


async def _before(tx: Tx, visit_id: UUID, sequence: int) -> Point | None:
    """The last point of the visit's batch before this one: nobody jumps between two batches either."""
    earlier = (track_batch.c.visit_id == visit_id) & (track_batch.c.sequence < sequence)
    found = select(track_batch.c.points[-1]).where(tx.own(track_batch), earlier)
    last = await tx.scalar(found.order_by(track_batch.c.sequence.desc()).limit(1))
    if last is None:
        return None
    fix = Fix(Position(last["latitude"], last["longitude"]), last["accuracy"], last["mock"])
    return Point(datetime.fromisoformat(last["at"]), fix)


async def _keep(tx: Tx, here: Row[Any], batch: Batch, verdict: Verdict) -> TrackBatchId:
    return TrackBatchId(
        await tx.insert(
            track_batch,
            job_id=here.job_id,
            visit_id=here.id,
            customer_id=here.customer_id,
            cleaner_id=here.cleaner_id,
            sequence=batch.sequence,
            points=batch.kept,
            first_at=batch.points[0].at,
            last_at=batch.points[-1].at,
            received_at=tx.now,
            plausibility=verdict.plausibility,
            flags=[flag.value for flag in verdict.flags],
            digest=batch.digest,
        )
    )


async def _chain(tx: Tx, here: Row[Any], kept: tuple[UUID, Batch, Verdict], device: Device | None) -> None:
    id, batch, verdict = kept
    payload = {
        "batchId": str(id),
        "visitId": str(here.id),
        "cleanerId": str(here.cleaner_id),
        "sequence": batch.sequence,
        "points": len(batch.points),
        "digest": batch.digest.hex(),
        "plausibility": verdict.plausibility,
        "flags": [flag.value for flag in verdict.flags],
    }
    await append(tx, here.job_id, EntryKind.TRACK_RECEIVED, payload, device)


def _sent_at(tx: Tx, device: Device | None) -> datetime:
    told = None if device is None else device.sent_at
    return tx.now if told is None or not is_instant(told) else told


async def _show_live(tx: Tx, held: Held, batch: Batch, policy: FieldworkPolicy, sent_at: datetime) -> None:
    """Tell where the cleaner is, at most once in so many seconds: office and customer watch while the job runs."""
    here = held.visit
    newest = newest_live(batch.points, sent_at)
    is_shown = policy.live_location and held.job.status == JobStatus.IN_PROGRESS
    if newest is None or here is None or here.checked_out_at is not None or not is_shown:
        return
    if await _is_overtaken(tx, here.id, batch.sequence):
        return
    seen = batch.kept[-1]
    spot = {
        "latitude": seen["latitude"],
        "longitude": seen["longitude"],
        "accuracy_metres": seen["accuracy"],
        "at": tx.now,
    }
    whose = {"visit_id": here.id, "job_id": here.job_id, "customer_id": here.customer_id, "cleaner_id": here.cleaner_id}
    told = (
        insert(live_location)
        .values(tenant_id=tx.actor.tenant, **whose, **spot)
        .on_conflict_do_update(
            index_elements=["tenant_id", "visit_id"],
            set_=spot,
            where=live_location.c.at <= tx.now - timedelta(seconds=policy.location_seconds),
        )
    )
    if await tx.write(told):
        card = {**{name: str(id) for name, id in whose.items()}, **spot, "at": tx.now.isoformat()}
        tx.emit(Event(EventType.CLEANER_MOVED, "Job", here.job_id, card))


async def _is_overtaken(tx: Tx, visit_id: UUID, sequence: int) -> bool:
    """Whether a later batch is there already: nobody is shown to go back."""
    later = (track_batch.c.visit_id == visit_id) & (track_batch.c.sequence > sequence)
    return await tx.one(select(track_batch.c.id).where(tx.own(track_batch), later).limit(1)) is not None
