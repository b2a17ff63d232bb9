"""The demo's day: jobs of right now, worked through the very commands that cleaners' phones send.

Whatever the hour, one job is about to begin, one is under way, one is proven, and one has a cleaner who does not come.
Another such day follows as soon as no job of the demo begins within some hours.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from asyncpg import Record

from domain.actors import Role
from domain.errors import Refused
from domain.fieldwork.photos import Keys, Seen
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, ChecklistItemId, CleanerId, JobId, PropertyId
from gateways import image_check
from gateways.images import COPY_TYPE
from gateways.objects import ObjectStore
from sandbox.demo_desk import Desk, Standing, standing
from sandbox.demo_people import Founded, email_of
from sandbox.demo_pictures import room
from sandbox.demo_plan import DayVisit, Reached
from sandbox.stamped import looking
from services.fieldwork.photo_checks import SettlePhoto, settle_photo
from services.fieldwork.photos import RequestPhoto, request_photo
from services.fieldwork.ticking import TickItem, tick_item
from services.fieldwork.told import FixTold
from services.fieldwork.tracks import PointTold, SendTrack, send_track
from services.fieldwork.visits import (
    AcknowledgeInstructions,
    CheckIn,
    CheckOut,
    FinishWork,
    OpenInstructions,
    StartWork,
    acknowledge_instructions,
    check_in,
    check_out,
    finish_work,
    open_instructions,
    start_work,
)
from services.scheduling import AssignCleaner, CreateJob, assign_cleaner, create_job

BEHIND, AHEAD = timedelta(hours=2), timedelta(hours=3)
NEAR_DEGREES = 0.0001
"""About 11 metres to the north."""
ACCURACY_METRES = 9.0
STEP_SECONDS = 20

_seeds = count(1)


@dataclass(frozen=True, slots=True)
class _Shift:
    """A shift of the day, and who works it where."""

    business: Founded
    objects: ObjectStore
    cleaner: CleanerId
    job: JobId
    id: AssignmentId
    where: tuple[float, float]

    async def does(self, command: Any, input: Any) -> Any:
        """The cleaner does this."""
        return await self.business.desk.run(self.cleaner, Role.CLEANER, command, input)

    async def read(self, query: str) -> list[Record]:
        """Rows about the job, which is `$2`."""
        desk = self.business.desk
        async with looking(desk.runner.engine, desk.tenant) as (rows, _now):
            found: list[Record] = await rows.fetch(query, desk.tenant, self.job)
            return found


async def add_day(business: Founded, objects: ObjectStore) -> bool:
    """Add the jobs of right now unless some begin about now already; whether they were needed."""
    if not business.plan.day or await _has_day(business):
        return False
    here = await standing(business.desk.runner, business.desk.tenant)
    for visit in business.plan.day:
        if visit.home in here.homes and visit.cleaner in business.qr_tokens:
            await _add(business, objects, here, visit)
    return True


async def _now(desk: Desk) -> datetime:
    """The business's time: the scenes before this one may have taken a minute."""
    async with looking(desk.runner.engine, desk.tenant) as (_rows, now):
        return now


async def _has_day(business: Founded) -> bool:
    async with looking(business.desk.runner.engine, business.desk.tenant) as (rows, now):
        found: bool = await rows.fetchval(_JOBS_NOW, business.desk.tenant, now - BEHIND, now + AHEAD)
        return found


async def _add(business: Founded, objects: ObjectStore, here: Standing, visit: DayVisit) -> None:
    desk, owner = business.desk, business.owner
    home = next(one for one in business.plan.homes if one.name == visit.home)
    cleaner = CleanerId(here.cleaners[email_of(f"cleaner-{visit.cleaner}", business.plan)]["id"])
    try:
        now = await _now(desk)
        starts_at = now + visit.starts_in
        form = CreateJob(PropertyId(here.homes[visit.home]), starts_at, visit.hours, instructions=visit.instructions)
        job: JobId = await desk.run(owner, Role.OWNER, create_job, form)
        assigned: AssignmentId = await desk.run(owner, Role.OWNER, assign_cleaner, AssignCleaner(job, cleaner))
        shift = _Shift(business, objects, cleaner, job, assigned, home.position)
        if visit.reached is not Reached.NOTHING:
            await _work(shift, visit.reached, now)
    except Refused:
        # A skill taken away, a home archived, a clock moved: the demo has to start all the same, with less to see.
        return


async def _work(shift: _Shift, reached: Reached, now: datetime) -> None:
    await shift.does(open_instructions, OpenInstructions(shift.id))
    await shift.does(acknowledge_instructions, AcknowledgeInstructions(shift.id))
    await shift.does(check_in, CheckIn(shift.id, _fix(shift, 1)))
    await _photos(shift, PhotoStage.BEFORE)
    await shift.does(start_work, StartWork(shift.id))
    await shift.does(send_track, SendTrack(shift.id, 1, _walk(shift, now)))
    is_over = reached is Reached.PROOF
    await _ticks(shift, all_of_them=is_over)
    if not is_over:
        await _photos(shift, PhotoStage.AFTER, most=2)
        return
    await shift.does(finish_work, FinishWork(shift.id))
    await _photos(shift, PhotoStage.AFTER)
    await shift.does(check_out, CheckOut(shift.id, _fix(shift, 2)))


async def _ticks(shift: _Shift, *, all_of_them: bool) -> None:
    items = await shift.read(_ITEMS)
    for item in items if all_of_them else items[: len(items) // 2]:
        await shift.does(tick_item, TickItem(ChecklistItemId(item["id"]), done=True))


async def _photos(shift: _Shift, stage: PhotoStage, most: int | None = None) -> None:
    wanted = [
        row["zone"]
        for row in await shift.read(_ZONES)
        for _ in range(row["before" if stage is PhotoStage.BEFORE else "after"])
    ]
    for zone in wanted[:most]:
        await _photo(shift, stage, zone)


async def _photo(shift: _Shift, stage: PhotoStage, zone: str) -> None:
    """Announce a photo, and have it looked at and kept as the worker does."""
    taken = room(zone, next(_seeds) + shift.job.int % 100_000, tidy=stage is PhotoStage.AFTER)
    announced = RequestPhoto(shift.id, stage, zone, COPY_TYPE, len(taken), _digest(taken))
    id = await shift.does(request_photo, announced)
    keys = Keys(UUID(str(shift.business.desk.tenant)), shift.job, id)
    with tempfile.TemporaryDirectory(prefix="cleanshift-demo-") as folder:
        original, shown, small = (Path(folder) / name for name in ("original", "shown", "small"))
        original.write_bytes(taken)
        found = await asyncio.to_thread(image_check.main, original, COPY_TYPE, shown, small)
        for key, file in ((keys.original, original), (keys.served, shown), (keys.thumb, small)):
            await shift.objects.put(key, _bytes(file), COPY_TYPE)
    seen = Seen(found["width"], found["height"], found["look"], found["claims"])
    await shift.business.desk.as_system(settle_photo, SettlePhoto(id, seen))


async def _bytes(file: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(file.read_bytes)


def _digest(taken: bytes) -> str:
    """The hash that a phone would announce."""
    return hashlib.sha256(taken).hexdigest()


def _fix(shift: _Shift, steps: int) -> FixTold:
    latitude, longitude = shift.where
    return FixTold(latitude + steps * NEAR_DEGREES, longitude, ACCURACY_METRES)


def _walk(shift: _Shift, now: datetime) -> list[PointTold]:
    """Some steps through the home."""
    latitude, longitude = shift.where
    steps = ((1, 0), (0.5, 0.6), (-0.3, 0.9), (-0.8, 0.2), (-0.4, -0.7), (0.4, -0.4))
    return [
        PointTold(now + timedelta(seconds=place * STEP_SECONDS), latitude + north * NEAR_DEGREES,
                  longitude + east * NEAR_DEGREES, ACCURACY_METRES)
        for place, (north, east) in enumerate(steps)
    ]  # fmt: skip


_JOBS_NOW = (
    "select exists (select from job where tenant_id = $1 and starts_at between $2 and $3 and canceled_at is null)"
)
_ITEMS = "select id from checklist_item where tenant_id = $1 and job_id = $2 order by place"
_ZONES = """select one->>'zone' as zone, (one->>'before')::int as before, (one->>'after')::int as after
    from evidence, jsonb_array_elements(requirements) one where tenant_id = $1 and job_id = $2"""
