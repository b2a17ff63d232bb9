"""Photos as evidence: announced in their phase, uploaded, checked, kept, flagged (R107, R109, R125, R128, A18)."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.errors import Code, Refused
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import MOST_A_VISIT, Expected, PhotoFlag, Seen, odd_claims
from domain.fieldwork.requirements import PhotoStage
from domain.geo import Position
from gateways.images import Images, Unreadable
from gateways.objects import FolderStore, ObjectExists
from services.fieldwork import photo_checks
from services.fieldwork.told import Device
from tests.fieldwork import pictures
from tests.fieldwork.camera import Camera, Glance, a_camera, raw
from tests.fieldwork.site import Site
from tests.product.world import MIAMI

OpenCamera = Callable[..., Awaitable[Camera]]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.at(tmp_path / "objects")


@pytest.fixture
def opened(site: Site, store: FolderStore) -> OpenCamera:
    async def make(phase: VisitPhase = VisitPhase.ARRIVAL, **more: Any) -> Camera:
        return await a_camera(site, store, phase, **{"images": Glance(), **more})

    return make


def payload(row: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["payload"])
    return found


async def test_a_photo_that_was_announced_is_checked_kept_and_chained(site: Site, opened: OpenCamera) -> None:
    """R107, R125, A18: the original, a copy without EXIF, a small one; the facts in the chain; the feed told."""
    camera = await opened(images=Images())
    bytes_ = raw()
    id = await camera.request(bytes_)
    before = await camera.row(id)
    assert (before["status"], before["stage"], before["zone"]) == ("REQUESTED", "BEFORE", "kitchen")
    assert before["expires_at"] - before["requested_at"] == timedelta(minutes=10)

    await camera.upload(id, bytes_)
    await camera.confirm(id)
    assert (await camera.row(id))["status"] == "UPLOADED"
    await camera.inspect(id)

    row = await camera.row(id)
    assert (row["status"], row["width"], row["height"], row["flags"], row["refusal"]) == ("STORED", 640, 480, [], None)
    assert row["stored_at"] >= row["uploaded_at"] >= row["requested_at"]
    assert await camera.kept(id) == {"original", "served", "thumb"}
    job = await site.job_of(camera.shift)
    entry = (await site.chain(job))[-1]
    assert (entry["kind"], entry["actor_role"]) == ("PHOTO_STORED", "system")
    said = payload(entry)
    assert (said["photoId"], said["stage"], said["zone"]) == (str(id), "BEFORE", "kitchen")
    assert (said["sha256"], said["sizeBytes"]) == (row["sha256"].hex(), len(bytes_))
    assert (said["width"], said["height"], said["flags"], said["claims"]) == (640, 480, [], {})
    assert (await site.events(job))[-1] == "JobProgressed"


PHASES: dict[PhotoStage, set[VisitPhase]] = {
    PhotoStage.BEFORE: {VisitPhase.ARRIVAL},
    PhotoStage.AFTER: {VisitPhase.IN_PROGRESS, VisitPhase.COMPLETION},
    PhotoStage.ACCESS: {VisitPhase.ARRIVAL},
}


@pytest.mark.parametrize("phase", [VisitPhase.ARRIVAL, VisitPhase.IN_PROGRESS, VisitPhase.COMPLETION])
async def test_each_stage_has_its_phases_and_is_refused_in_every_other(
    site: Site, opened: OpenCamera, phase: VisitPhase
) -> None:
    """R104, R107, R109."""
    camera = await opened(phase)
    for stage, allowed in PHASES.items():
        if phase in allowed:
            assert (await camera.row(await camera.request(raw(), stage)))["flags"] == []
        else:
            async with site.refused(Code.ILLEGAL_TRANSITION):
                await camera.request(raw(), stage)


@pytest.mark.parametrize("step", ["nothing", "open", "acknowledge"])
async def test_before_the_check_in_there_are_no_before_photos(site: Site, store: FolderStore, step: str) -> None:
    """R107: the check-in comes first; why one cannot get in may be shown from the door on."""
    who = await site.town.cleaner()
    camera = Camera(site, who, await site.shift(who), store)
    if step != "nothing":
        await site.open(who, camera.shift)
    if step == "acknowledge":
        await site.acknowledge(who, camera.shift)
        await camera.request(raw(), PhotoStage.ACCESS, "the gate is locked")

    async with site.refused(Code.ILLEGAL_TRANSITION):
        await camera.request(raw())
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await camera.request(raw(), PhotoStage.AFTER)


@pytest.mark.parametrize("zone", ["attic", "", " ", "Kitchen", "k" * 41, "kitchen\0"])
async def test_a_zone_that_the_job_does_not_name_is_refused(site: Site, opened: OpenCamera, zone: str) -> None:
    """R109."""
    camera = await opened()
    async with site.refused(Code.INVALID) as caught:
        await camera.request(raw(), zone=zone)
    assert caught[0].field == ("zone",)


async def test_what_can_never_be_a_photo_is_refused_when_it_is_announced(site: Site, opened: OpenCamera) -> None:
    """R19, A18: type and size; the rest of the cases stand beside the domain's own tests."""
    camera = await opened()
    async with site.refused(Code.INVALID):
        await camera.request(raw(), kind="image/heic")
    async with site.refused(Code.INVALID):
        await camera.request(b"")


async def test_nobody_takes_photos_on_anothers_shift_or_in_anothers_business(
    site: Site, opened: OpenCamera, store: FolderStore
) -> None:
    """R3: a colleague's shift, a foreign business's shift, a colleague's and a foreign photo."""
    camera = await opened()
    mine = await camera.request(raw())
    colleague = Camera(site, await site.town.cleaner(), camera.shift, store)
    theirs = Site(site.other, site.town)
    abroad = await a_camera(theirs, store)
    foreign = await abroad.request(raw())

    for stranger in (
        colleague,
        Camera(site, camera.who, abroad.shift, store),
        Camera(site, abroad.who, camera.shift, store),
    ):
        async with site.refused(Code.NOT_FOUND):
            await stranger.request(raw())
    for who, id in ((colleague, mine), (camera, foreign), (abroad, mine)):
        async with site.refused(Code.NOT_FOUND):
            await who.confirm(id)
    with pytest.raises(Refused, match="Your role"):
        await Camera(site, site.town.owner, camera.shift, store).request(raw())


async def test_who_was_taken_off_the_job_photographs_it_no_more(site: Site, opened: OpenCamera) -> None:
    camera = await opened()
    id = await camera.request(raw())
    await site.world.root.execute("update assignment set released_at = now() where id = $1", camera.shift)

    async with site.refused(Code.CONFLICT):
        await camera.request(raw())
    async with site.refused(Code.NOT_FOUND):
        await camera.confirm(id)


async def test_a_visit_has_room_for_so_many_photos_and_no_more(site: Site, opened: OpenCamera) -> None:
    camera = await opened()
    visit = await site.visit_of(camera.shift, camera.who)
    await site.photo(visit, PhotoStage.BEFORE, many=MOST_A_VISIT - 1)
    await camera.request(raw())

    async with site.refused(Code.CONFLICT):
        await camera.request(raw(2))


async def test_a_request_and_a_confirmation_that_come_again_change_nothing(site: Site, opened: OpenCamera) -> None:
    """R19: the same key is the same photo; a second word that it is there starts no second check."""
    camera = await opened()
    id = await camera.request(raw(), key="one")
    assert await camera.request(raw(), key="one") == id
    await camera.upload(id, raw())
    await camera.confirm(id)
    before = await site.picture()

    await camera.confirm(id)
    await camera.inspect(id)
    stored = await site.picture()
    await camera.confirm(id)
    await camera.inspect(id)
    await camera.sweep()

    assert stored != before
    assert await site.picture() == stored
    tasks = "select count(*) from task where kind = 'inspect_photo' and payload->>'photo_id' = $1"
    assert await site.value(tasks, str(id)) == 1


async def test_two_workers_that_check_one_photo_record_it_once(site: Site, opened: OpenCamera) -> None:
    """Each may have been given the task; a sweep may come between them."""
    camera = await opened()
    id = await camera.request(raw())
    await camera.upload(id, raw())
    await camera.confirm(id)

    await camera.inspect_at_once(id, id, id)

    assert (await camera.row(id))["status"] == "STORED"
    assert (await site.kinds(await site.job_of(camera.shift))).count("PHOTO_STORED") == 1
    assert await camera.kept(id) == {"original", "served", "thumb"}


async def test_one_file_announced_twice_at_once_counts_once(site: Site, opened: OpenCamera) -> None:
    """Both are checked at the same moment: one of them is the duplicate."""
    camera = await opened()
    ids = [await camera.request(raw()) for _ in range(2)]
    for id in ids:
        await camera.upload(id, raw())
        await camera.confirm(id)

    await camera.inspect_at_once(*ids)

    found = {((await camera.row(id))["status"], (await camera.row(id))["refusal"]) for id in ids}
    assert found == {("STORED", None), ("REJECTED", "DUPLICATE")}


REFUSED = {
    "shorter": (lambda whole: whole[:-1], "SIZE_MISMATCH"),
    "longer": (lambda whole: whole + b"!", "SIZE_MISMATCH"),
    "empty": (lambda whole: b"", "SIZE_MISMATCH"),
    "other bytes": (lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]), "HASH_MISMATCH"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_bytes_that_were_not_announced_are_refused_and_nothing_of_them_is_kept(
    site: Site, opened: OpenCamera, name: str
) -> None:
    """A18: what the route would have refused is refused again."""
    camera = await opened()
    changed, refusal = REFUSED[name]

    row = await camera.take(raw(), sent=changed(raw()))

    assert (row["status"], row["refusal"], row["width"], row["stored_at"]) == ("REJECTED", refusal, None, None)
    assert await camera.kept(row["id"]) == set()
    entry = (await site.chain(await site.job_of(camera.shift)))[-1]
    assert (entry["kind"], payload(entry)["refusal"]) == ("PHOTO_REFUSED", refusal)


async def test_a_hostile_file_is_refused_and_counts_for_nothing(site: Site, opened: OpenCamera) -> None:
    """A18: the decoder's word decides; each of its codes has a test of its own beside it."""
    camera = await opened(images=Images())

    row = await camera.take(pictures.jpeg_and_zip())

    assert (row["status"], row["refusal"]) == ("REJECTED", "POLYGLOT")
    assert await camera.kept(row["id"]) == set()


async def test_a_decoder_that_dies_is_asked_again_and_believed_at_last(site: Site, opened: OpenCamera) -> None:
    """The machine may be at fault; after the last attempt the file is."""

    class Dying:
        async def look(self, *_given: Any) -> Seen:
            raise Unreadable("The image could not be read.")

    camera = await opened(images=Dying())
    id = await camera.request(raw())
    await camera.upload(id, raw())
    await camera.confirm(id)
    before = await site.picture()

    with pytest.raises(Unreadable):
        await camera.inspect(id)
    assert await site.picture() == before
    await camera.inspect(id, attempt=camera.last)

    assert (await camera.row(id))["refusal"] == "UNREADABLE"


async def test_an_attempt_that_died_after_it_kept_the_bytes_is_finished_by_the_next(
    opened: OpenCamera,
) -> None:
    """Bytes first, then the row; whatever is there already is left."""
    camera = await opened()
    id = await camera.request(raw())
    await camera.upload(id, raw())
    await camera.confirm(id)
    keys = await camera.keys(id)
    await camera.store.put(keys.original, _one(raw()), "image/jpeg")
    await camera.store.delete(keys.incoming)

    await camera.inspect(id)

    assert (await camera.row(id))["status"] == "STORED"
    assert await camera.kept(id) == {"original", "served", "thumb"}


async def test_what_was_kept_is_never_replaced(opened: OpenCamera) -> None:
    """A18: write-once, by the store itself."""
    camera = await opened()
    row = await camera.take(raw())
    keys = await camera.keys(row["id"])

    with pytest.raises(ObjectExists):
        await camera.store.put(keys.original, _one(b"other"), "image/jpeg")

    assert b"".join([piece async for piece in camera.store.read(keys.original)]) == raw()


async def test_one_file_counts_once_for_a_stage_and_is_flagged_for_another(site: Site, opened: OpenCamera) -> None:
    """A18: twice the same kitchen is refused; the state before, shown as the state after, is kept and flagged."""
    camera = await opened()
    one, two = [await camera.request(raw(), zone=zone) for zone in ("kitchen", "living")]
    for id in (one, two):
        await camera.upload(id, raw())
        await camera.confirm(id)
        await camera.inspect(id)
    assert (await camera.row(two))["refusal"] == "DUPLICATE"
    assert await camera.kept(two) == set()
    async with site.refused(Code.ALREADY_EXISTS):
        await camera.request(raw(), zone="bedroom")
    visit = await site.visit_of(camera.shift, camera.who)
    await site.photos(visit, PhotoStage.BEFORE)
    await site.start(camera.who, camera.shift)

    after = await camera.take(raw(), PhotoStage.AFTER)

    assert (after["status"], after["flags"]) == ("STORED", ["REUSED"])


async def test_a_photo_of_another_job_is_kept_and_flagged_the_file_as_well_as_its_look(
    site: Site, opened: OpenCamera, store: FolderStore
) -> None:
    """A18: never across businesses."""
    images = Images()
    first = await opened(images=images)
    await first.take(pictures.jpeg(7))
    abroad = await a_camera(Site(site.other, site.town), store, images=images)
    assert (await abroad.take(pictures.jpeg(7)))["flags"] == []

    again = await opened(images=images)
    same = await again.take(pictures.jpeg(7))
    alike = await again.take(pictures.jpeg(7, quality=35), zone="living")
    fresh = await again.take(pictures.jpeg(8), zone="bedroom")

    assert [row["flags"] for row in (same, alike, fresh)] == [["REUSED"], ["REUSED"], []]
    assert {row["status"] for row in (same, alike, fresh)} == {"STORED"}


async def test_before_and_after_may_look_alike_and_that_is_no_reuse(site: Site, opened: OpenCamera) -> None:
    """A18: they are taken from the same spot."""
    camera = await opened(images=Images())
    await camera.take(pictures.jpeg(9))
    await site.photos(await site.visit_of(camera.shift, camera.who), PhotoStage.BEFORE)
    await site.start(camera.who, camera.shift)

    assert (await camera.take(pictures.jpeg(9, quality=35), PhotoStage.AFTER))["flags"] == []


async def test_one_picture_does_not_show_two_rooms_however_it_is_encoded(site: Site, opened: OpenCamera) -> None:
    """A18: within a stage of one job; kept, flagged, and the chain says so."""
    camera = await opened(images=Images())
    first = await camera.take(pictures.jpeg(9))
    encoded = await camera.take(pictures.jpeg(9, quality=35), zone="living")
    padded = await camera.take(pictures.jpeg(9, comment=b"another"), zone="bedroom")
    other = await camera.take(pictures.jpeg(10), zone="bathroom")

    assert [row["flags"] for row in (first, encoded, padded, other)] == [[], ["REUSED"], ["REUSED"], []]
    assert {row["status"] for row in (first, encoded, padded, other)} == {"STORED"}
    chain = await site.chain(await site.job_of(camera.shift))
    said = [json.loads(row["payload"])["flags"] for row in chain if row["kind"] == "PHOTO_STORED"]
    assert said == [[], ["REUSED"], ["REUSED"], []]


@pytest.mark.parametrize(
    ("claims", "flags"),
    [
        ({}, []),
        ({"takenAt": "2026-03-01T10:00:00"}, []),
        ({"takenAt": "2026-03-01T10:59:00"}, []),
        ({"takenAt": "2026-03-01T11:01:00"}, [PhotoFlag.EXIF_TIME_FAR]),
        ({"takenAt": "2026-03-01T10:00:00", "offset": "-05:00"}, []),
        ({"takenAt": "2026-03-01T10:00:00", "offset": "+01:00"}, [PhotoFlag.EXIF_TIME_FAR]),
        ({"takenAt": "2025-03-01T10:00:00"}, [PhotoFlag.EXIF_TIME_FAR]),
        ({"takenAt": "0000-00-00T00:00:00"}, []),
        ({"takenAt": "2026-03-01T10:00:00", "offset": "+99:99"}, []),
        ({"latitude": MIAMI[0], "longitude": MIAMI[1]}, []),
        ({"latitude": MIAMI[0] + 0.008, "longitude": MIAMI[1]}, []),
        ({"latitude": MIAMI[0] + 0.01, "longitude": MIAMI[1]}, [PhotoFlag.EXIF_PLACE_FAR]),
        ({"latitude": 0.0, "longitude": 0.0}, [PhotoFlag.EXIF_PLACE_FAR]),
        ({"latitude": 0.0}, []),
    ],
)
def test_what_a_file_claims_is_held_against_the_device_and_the_home(claims: Any, flags: list[PhotoFlag]) -> None:
    """A18: an hour, a kilometre; a local time is read by the home's clock, and nonsense says nothing."""
    expected = Expected(datetime(2026, 3, 1, 15, tzinfo=UTC), ZoneInfo("America/New_York"), Position(*MIAMI))
    assert list(odd_claims(claims, expected)) == flags


async def test_claims_are_kept_beside_the_photo_and_in_the_chain_and_odd_ones_flagged(
    site: Site, opened: OpenCamera
) -> None:
    camera = await opened(images=Images())

    row = await camera.take(pictures.claiming(11, taken="2020:01:01 10:00:00", place=(48.2, 16.4)))

    assert row["flags"] == ["EXIF_PLACE_FAR", "EXIF_TIME_FAR"]
    claims = json.loads(row["claims"])
    assert (claims["takenAt"], claims["make"]) == ("2020-01-01T10:00:00", "PearPhone")
    said = payload((await site.chain(await site.job_of(camera.shift)))[-1])
    assert (said["claims"], said["flags"]) == (claims, row["flags"])


async def test_a_device_with_a_wrong_clock_is_flagged_and_its_photo_kept(site: Site, opened: OpenCamera) -> None:
    """A40: both times are kept."""
    camera = await opened()
    now = await site.world.now(site.town.tenant)
    yesterday = now - timedelta(days=1)

    row = await camera.take(raw(), device=Device(yesterday - timedelta(minutes=30), yesterday))

    assert (row["status"], row["flags"]) == ("STORED", ["CLOCK_SKEW", "LATE"])
    assert row["captured_at"] == yesterday - timedelta(minutes=30)


async def test_a_photo_that_never_comes_expires_and_cannot_be_confirmed_any_more(
    site: Site, opened: OpenCamera
) -> None:
    camera = await opened()
    id = await camera.request(raw())
    await camera.sweep()
    assert (await camera.row(id))["status"] == "REQUESTED"
    await site.world.move_clock(site.town.tenant, timedelta(minutes=11))

    await camera.sweep()

    assert (await camera.row(id))["status"] == "EXPIRED"
    async with site.refused(Code.CONFLICT):
        await camera.confirm(id)


async def test_the_sweep_checks_what_came_and_was_never_confirmed(site: Site, opened: OpenCamera) -> None:
    """A confirmation may be lost with the signal; the photo is not."""
    camera = await opened()
    id = await camera.request(raw())
    await camera.upload(id, raw())
    await site.world.move_clock(site.town.tenant, timedelta(minutes=11))

    await camera.sweep()

    row = await camera.row(id)
    assert row["status"] == "STORED"
    assert row["uploaded_at"] is not None


async def test_the_sweep_begins_a_lost_check_again_and_gives_an_empty_word_up(site: Site, opened: OpenCamera) -> None:
    """One was confirmed and is there, the other was confirmed and never came."""
    camera = await opened()
    there, lost = await camera.request(raw(1)), await camera.request(raw(2))
    await camera.upload(there, raw(1))
    for id in (there, lost):
        await camera.confirm(id)
    await camera.inspect(lost)
    assert (await camera.row(lost))["status"] == "UPLOADED"
    await site.world.move_clock(site.town.tenant, timedelta(minutes=11))

    await camera.sweep()

    assert [(await camera.row(id))["status"] for id in (there, lost)] == ["STORED", "EXPIRED"]


async def test_a_late_photo_is_flagged_and_the_last_missing_one_completes_the_job(
    site: Site, opened: OpenCamera
) -> None:
    """R109, R112, R122: after the check-out one photo is missing; it comes, and the job is proven."""
    camera = await opened(VisitPhase.IN_PROGRESS)
    who, shift, job = camera.who, camera.shift, await site.job_of(camera.shift)
    await site.tick_all(who, job)
    await site.finish(who, shift)
    visit = await site.visit_of(shift, who)
    await site.photos(visit, PhotoStage.AFTER, but=2)
    await site.check_out(who, shift)
    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    asked = await site.kinds(job)
    required = json.loads(await site.value("select requirements from evidence where job_id = $1", job))
    wanted = [zone["zone"] for zone in required for _ in range(zone["after"])][-2:]

    first = await camera.take(raw(1), PhotoStage.AFTER, wanted[0])
    assert (first["status"], first["flags"]) == ("STORED", ["LATE"])
    assert await site.status(job) == ("IN_PROGRESS", "INCOMPLETE")
    assert (await site.kinds(job)).count("SUBMITTED") == asked.count("SUBMITTED")  # nobody is told anew
    async with site.refused(Code.ILLEGAL_TRANSITION):
        await camera.request(raw(5), PhotoStage.BEFORE)
    await camera.take(raw(2), PhotoStage.AFTER, wanted[1])

    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    assert (await site.kinds(job))[-3:] == ["PHOTO_STORED", "SUBMITTED", "COMPLETED"]
    async with site.refused(Code.CONFLICT):
        await camera.request(raw(3), PhotoStage.AFTER)


@pytest.mark.parametrize("arrives", [True, False])
async def test_who_leaves_while_a_photo_is_being_checked_is_judged_after_it(
    site: Site, opened: OpenCamera, *, arrives: bool
) -> None:
    """R112, A47: uploaded in time is not missing at first; one that never came is, once that is known."""
    camera = await opened(VisitPhase.IN_PROGRESS)
    who, shift, job = camera.who, camera.shift, await site.job_of(camera.shift)
    await site.tick_all(who, job)
    await site.finish(who, shift)
    required = json.loads(await site.value("select requirements from evidence where job_id = $1", job))
    zone = [zone["zone"] for zone in required for _ in range(zone["after"])][-1]
    await site.photos(await site.visit_of(shift, who), PhotoStage.AFTER, but=1)
    id = await camera.request(raw(), PhotoStage.AFTER, zone)
    if arrives:
        await camera.upload(id, raw())
    await camera.confirm(id)
    await site.check_out(who, shift)
    assert await site.status(job) == ("IN_PROGRESS", "OPEN")
    await site.world.move_clock(site.town.tenant, timedelta(minutes=11))

    await camera.sweep()

    packet = await site.row("evidence", job, "job_id")
    assert (packet["submissions"], packet["complete_at_first"]) == (1, arrives)
    assert await site.status(job) == (("COMPLETED", "COMPLETE") if arrives else ("IN_PROGRESS", "INCOMPLETE"))


async def test_a_photo_of_a_barred_way_submits_nothing(site: Site, opened: OpenCamera) -> None:
    camera = await opened()
    row = await camera.take(raw(), PhotoStage.ACCESS, "the gate")
    assert (row["status"], row["zone"]) == ("STORED", "the gate")
    assert "SUBMITTED" not in await site.kinds(await site.job_of(camera.shift))


async def test_only_the_system_decides_about_a_photo(site: Site, opened: OpenCamera) -> None:
    """A19: neither command nor policy lets a cleaner store their own."""
    camera = await opened()
    id = await camera.request(raw())
    for who in (camera.who, site.town.owner):
        async with site.refused(Code.FORBIDDEN):
            await site.do(who, photo_checks.settle_photo, photo_checks.SettlePhoto(id, Seen(1, 1, 1)))


def _one(piece: bytes) -> Any:
    async def pieces() -> Any:
        yield piece

    return pieces()
