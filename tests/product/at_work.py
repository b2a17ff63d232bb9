"""The furniture of a business at work: a clean that runs, where its cleaner was, and how one gets into the home."""

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.actors import Actor, CleanerId
from domain.fieldwork.photos import Seen
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, JobId, PropertyId
from domain.scheduling import AssignmentRole
from services import scheduling
from services.fieldwork import codes, photos, templates, tracks, visits
from services.fieldwork.photo_checks import SettlePhoto, settle_photo
from services.fieldwork.reliability import RateCleaner, rate_cleaner
from services.fieldwork.told import FixTold
from services.scheduling import AssignCleaner, assign_cleaner
from tests.product.world import MIAMI

if TYPE_CHECKING:
    from tests.product.furnished import House


async def running(house: "House") -> None:
    """A shift of the cleaner at the customer's home that begins in an hour: they have come already."""
    run, owner, cleaner = house.world.run, house.town.owner, house.who["cleaner"]
    start = await house.world.now(house.town.tenant) + timedelta(hours=1)
    home = PropertyId(house.has["home of customer"])
    form = scheduling.CreateJob(home, start, instructions=f"{house.mark} behind the shed", expected_hours=Decimal(3))
    job: JobId = await run(owner, scheduling.create_job, form)
    shift: AssignmentId = await run(owner, assign_cleaner, AssignCleaner(job, CleanerId(cleaner.person)))
    house.has |= {"job of running shift": job, "running shift": shift}
    house.has["visit"] = await run(cleaner, visits.open_instructions, visits.OpenInstructions(shift))
    await run(cleaner, visits.acknowledge_instructions, visits.AcknowledgeInstructions(shift))
    await run(cleaner, visits.check_in, visits.CheckIn(shift, FixTold(*MIAMI, 8.0)))
    # It has begun an hour ago: only then one may say that nobody can get in. No clock is moved for it.
    await house.world.root.execute(
        """update job set starts_at = starts_at - interval '2 hours', ends_at = ends_at - interval '2 hours'
        where id = $1""",
        job,
    )


async def tracked(house: "House") -> None:
    """Where the cleaner was since, how one gets in, that they were shown it, and what all that says of them."""
    run, owner, cleaner = house.world.run, house.town.owner, house.who["cleaner"]
    points = [tracks.PointTold(await house.world.now(house.town.tenant), *MIAMI, 8.0)]
    sent = tracks.SendTrack(house.has["running shift"], 1, points)
    house.has["track"] = await run(cleaner, tracks.send_track, sent)
    home = PropertyId(house.has["home of customer"])
    await run(owner, codes.set_access_code, codes.SetAccessCode(home, f"{house.mark} 4711"))
    await run(cleaner, codes.reveal_access_code, codes.RevealAccessCode(house.has["job of running shift"]))
    rated = RateCleaner(CleanerId(cleaner.person))
    await run(Actor.system(house.town.tenant), rate_cleaner, rated)


async def photographed(house: "House") -> None:
    """Two photos of the kitchen: one is awaited, the other is kept."""
    run, cleaner, shift = house.world.run, house.who["cleaner"], house.has["running shift"]
    for number, word in enumerate(("awaited photo", "kept photo")):
        form = photos.RequestPhoto(shift, PhotoStage.BEFORE, "kitchen", "image/jpeg", 100, f"{number:064x}")
        house.has[word] = await run(cleaner, photos.request_photo, form)
    # The house is read for longer than the minutes that an address lasts.
    lasting = "update photo set expires_at = expires_at + interval '1 day' where id = $1"
    await house.world.root.execute(lasting, house.has["awaited photo"])
    await run(cleaner, photos.confirm_photo, photos.ConfirmPhoto(house.has["kept photo"]))
    claims = {"make": f"{house.mark} phone", "latitude": 0.0, "longitude": 0.0}
    seen = SettlePhoto(house.has["kept photo"], Seen(640, 480, 1, claims))
    await run(Actor.system(house.town.tenant), settle_photo, seen)


async def worked(house: "House") -> None:
    """A visit of the cleaner in each phase, each as backup: nobody is in two places, but stands by in many."""
    run, owner, mark, has = house.world.run, house.town.owner, house.mark, house.has
    lines = [templates.TemplateLine("kitchen", f"{mark} silver is polished")]
    form = templates.CreateChecklistTemplate(
        f"{mark} list", lines, PropertyId(has["home of neighbour"]), has["service"]
    )
    has["template"] = await run(owner, templates.create_checklist_template, form)
    for steps, word in enumerate(("waiting", "reading", "arriving", "working", "finishing", "left", "done")):
        shift = has[f"{word} shift"] = await _standing_by(house, f"job of {word} shift")
        await _go(house, shift, steps)
    has["packet"] = await _of_running(house, "evidence")
    has["checklist item"] = await _of_running(house, "checklist_item")
    shut = photos.RequestPhoto(has["running shift"], PhotoStage.ACCESS, f"{mark} door", "image/jpeg", 100, "7" * 64)
    has["photo of the door"] = await run(house.who["cleaner"], photos.request_photo, shut)
    await run(house.who["cleaner"], photos.confirm_photo, photos.ConfirmPhoto(has["photo of the door"]))
    await run(Actor.system(house.town.tenant), settle_photo, SettlePhoto(has["photo of the door"], Seen(640, 480, 2)))


async def _standing_by(house: "House", word: str) -> AssignmentId:
    run, owner = house.world.run, house.town.owner
    start = await house.world.now(house.town.tenant) + timedelta(hours=1)
    home = PropertyId(house.has["home of neighbour"])
    form = scheduling.CreateJob(home, start, Decimal(3), instructions=f"{house.mark} behind the shed")
    house.has[word] = await run(owner, scheduling.create_job, form)
    who = CleanerId(house.who["cleaner"].person)
    made: AssignmentId = await run(owner, assign_cleaner, AssignCleaner(house.has[word], who, AssignmentRole.BACKUP))
    return made


async def _go(house: "House", shift: AssignmentId, steps: int) -> None:
    """So far through a visit: not begun, instructions, arrival, at work, done with it, gone with something missing."""
    here = FixTold(*MIAMI, 8.0)
    every: tuple[tuple[Any, Any], ...] = (
        (visits.open_instructions, visits.OpenInstructions(shift)),
        (visits.acknowledge_instructions, visits.AcknowledgeInstructions(shift)),
        (visits.check_in, visits.CheckIn(shift, here)),
        (visits.start_work, visits.StartWork(shift)),
        (visits.finish_work, visits.FinishWork(shift)),
        (visits.check_out, visits.CheckOut(shift, here)),
    )
    for command, form in every[: (0, 1, 2, 4, 5, 6, 6)[steps]]:
        await house.world.run(house.who["cleaner"], command, form)


async def _of_running(house: "House", table: str) -> Any:
    return await house.world.root.fetchval(
        f"select id from {table} where job_id = $1 order by id limit 1", house.has["job of running shift"]
    )
