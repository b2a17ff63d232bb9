"""`verifyEvidence` and the bundle over real rows and files: each kind of tampering is found, nothing else is."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.bundles import Press
from app.tokens import SigningKey
from db.tx import Tx
from domain.actors import Actor
from domain.errors import Code, Refused
from domain.fieldwork.chain import Fault
from domain.fieldwork.photos import Seen
from domain.fieldwork.requirements import PhotoStage
from domain.fieldwork.verification import Packet, verify
from domain.ids import JobId
from gateways.images import Copies
from gateways.links import BundlePermit, LinkRefused, Links
from gateways.objects import FolderStore
from services.fieldwork import tracks
from services.fieldwork.proof import is_proven
from services.fieldwork.verify import ReadPacket, read_packet
from tests.fieldwork import pictures
from tests.fieldwork.camera import Camera, Glance, raw
from tests.fieldwork.site import Site, command_of
from tests.fieldwork.test_fieldwork_tracks import points

KEY = SigningKey.from_seed("A" * 43)
VERIFY = "query($job: ID!) { verifyEvidence(jobId: $job) { isIntact entries photosRead problems { fault entry } } }"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.at(tmp_path / "objects")


class Small(Glance):
    """Instead of a decoder, with a small copy that a paper can show."""

    async def look(self, file: Any, content_type: str, copies: Copies) -> Seen:
        seen = await super().look(file, content_type, copies)
        copies.thumb.write_bytes(pictures.jpeg(1))
        return seen


async def _a_proven_clean(site: Site, store: FolderStore) -> tuple[Camera, JobId]:
    """From the instructions to the proof, with two rooms to photograph, every item done and a track."""
    await site.settings(photoZones=[{"zone": "kitchen"}, {"zone": "bathroom", "after": 1}], locationSeconds=1)
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    camera = Camera(site, who, shift, store, images=Small())
    await site.arrive(who, shift)
    for place, zone in enumerate(("kitchen", "bathroom")):
        await camera.take(raw(place + 1), PhotoStage.BEFORE, zone)
    await site.start(who, shift)
    await site.do(who, tracks.send_track, tracks.SendTrack(shift, 1, await points(site, 0, 5, 9)))
    await site.tick_all(who, job)
    await site.finish(who, shift)
    for place, zone in enumerate(("kitchen", "bathroom")):
        await camera.take(raw(place + 11), PhotoStage.AFTER, zone)
    await site.check_out(who, shift)
    assert await site.status(job) == ("COMPLETED", "COMPLETE")
    return camera, job


async def _packet(site: Site, who: Actor, job: JobId) -> Packet:
    found: Packet = await site.do(who, read_packet, ReadPacket(job))
    return found


async def _faults(site: Site, job: JobId) -> set[Fault]:
    return {problem.fault for problem in verify(await _packet(site, site.town.owner, job))}


TAMPERINGS: dict[str, tuple[str, Fault]] = {
    "a check-in is moved nearer in its entry": (
        "update evidence_entry set payload = jsonb_set(payload, '{distanceMetres}', '1') where kind = 'CHECKED_IN'",
        Fault.ENTRY_CHANGED,
    ),
    "an entry comes earlier": (
        "update evidence_entry set received_at = received_at - interval '1 hour' where kind = 'WORK_STARTED'",
        Fault.ENTRY_CHANGED,
    ),
    "an entry is deleted": ("delete from evidence_entry where kind = 'ITEM_TICKED'", Fault.ENTRY_MISSING),
    "the tail is deleted": ("delete from evidence_entry where kind = 'COMPLETED'", Fault.TAIL_MISSING),
    "the tail is deleted and the head set back": (
        """with cut as (delete from evidence_entry where kind = 'COMPLETED' returning tenant_id, job_id, seq)
        update evidence e set entries = cut.seq - 1, head = (select before.hash from evidence_entry before
            where before.tenant_id = cut.tenant_id and before.job_id = cut.job_id and before.seq = cut.seq - 1)
        from cut where e.tenant_id = cut.tenant_id and e.job_id = cut.job_id""",
        Fault.HEAD_CHANGED,
    ),
    "a photo's row names other bytes": (
        "update photo set sha256 = sha256('other') where stage = 'AFTER'",
        Fault.PHOTO_CHANGED,
    ),
    "a photo is deleted": ("delete from photo where stage = 'BEFORE'", Fault.PHOTO_MISSING),
    "a photo shows another room": ("update photo set zone = 'bathroom' where zone = 'kitchen'", Fault.PHOTO_CHANGED),
    "a photo is added": (
        """insert into photo select (jsonb_populate_record(p, jsonb_build_object('id', uuidv7()))).*
        from photo p where stage = 'AFTER'""",
        Fault.PHOTO_CHANGED,
    ),
    "a track's points are others": (
        "update track_batch set points = jsonb_set(points, '{0,latitude}', '1')",
        Fault.TRACK_CHANGED,
    ),
    "a track is deleted": ("delete from track_batch", Fault.TRACK_CHANGED),
    "an item is opened": ("update checklist_item set done_at = null", Fault.CHECKLIST_CHANGED),
    "an item is deleted": ("delete from checklist_item where place = 1", Fault.CHECKLIST_CHANGED),
    "an item is not required": ("update checklist_item set required = not required", Fault.CHECKLIST_CHANGED),
    "a check-in is earlier": (
        "update visit set checked_in_at = checked_in_at - interval '1 hour'",
        Fault.VISIT_CHANGED,
    ),
    "a check-out is elsewhere": ("update visit set check_out_latitude = 1", Fault.VISIT_CHANGED),
    "less was required": ("update evidence set requirements = '[]'", Fault.OUTCOME_CHANGED),
    "an administrator accepted it": (
        "update evidence set status = 'OVERRIDDEN', override_reason = 'Fine'",
        Fault.OUTCOME_CHANGED,
    ),
    "a visit was never finished": ("update visit set finished_at = null", Fault.VISIT_CHANGED),
}
"""What somebody with the whole database might do; each statement is held to the job by its own clause."""


async def test_a_clean_that_nobody_touched_stands_and_so_does_the_neighbours(site: Site, store: FolderStore) -> None:
    """R127, R247: nothing is found, by whoever may see the packet; others find no packet at all (R3)."""
    camera, job = await _a_proven_clean(site, store)
    for who in (site.town.owner, await site.town.dispatcher(), camera.who):
        assert verify(await _packet(site, who, job)) == ()
    for stranger in (site.other.owner, await site.town.cleaner()):
        with pytest.raises(Refused) as refused:
            await _packet(site, stranger, job)
        assert refused.value.code is Code.NOT_FOUND


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_each_tampering_with_the_database_is_found(site: Site, store: FolderStore, how: str) -> None:
    """R127, R247: by its own name."""
    _, job = await _a_proven_clean(site, store)
    statement, fault = TAMPERINGS[how]
    await _tamper(site, job, statement)
    assert fault in await _faults(site, job)


async def test_a_packet_that_somebody_has_declared_complete_proves_nothing(site: Site) -> None:
    """R113, A19: money asks `is_proven`, and a row without its chain is no proof."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    job = await site.job_of(shift)
    await site.arrive(who, shift)
    declared = "update evidence set status = 'COMPLETE', requirements = '[]', completed_at = now()"
    await _tamper(site, job, declared)

    async def ask(tx: Tx, input: None) -> bool:
        return await is_proven(tx, job)

    assert await _faults(site, job) == {Fault.OUTCOME_CHANGED, Fault.HEAD_CHANGED}
    assert not await site.do(Actor.system(site.town.tenant), command_of(ask), None)


async def _tamper(site: Site, job: UUID, statement: str) -> None:
    """Run it as a superuser, past every grant and trigger, within this job alone."""
    await site.world.root.execute("set session_replication_role = replica")
    try:
        keyword = " where " if " where " not in statement else " and "
        held = f"job_id = '{job}'"
        text = statement if " returning " in statement else f"{statement}{keyword}{held}"
        if " returning " in statement:
            text = statement.replace("kind = 'COMPLETED' returning", f"kind = 'COMPLETED' and {held} returning")
        done = await site.world.root.execute(text)
        assert not done.endswith(" 0"), done
    finally:
        await site.world.root.execute("set session_replication_role = origin")


def _press(site: Site, store: FolderStore) -> Press:
    return Press(site.world.runner, Links(site.world.runner.secrets, store), KEY)


async def _bundle(site: Site, store: FolderStore, job: JobId) -> zipfile.ZipFile:
    press = _press(site, store)
    address = press.links.bundle(BundlePermit(str(site.town.tenant), str(job)))
    _, file = await press.made(address.removeprefix("/bundles/"))
    return zipfile.ZipFile(io.BytesIO(file.read_bytes()))


def _checked(folder: Path, *more: str) -> tuple[int, str]:
    """What the bundle's own script says, run as somebody outside would: nothing of ours can be imported."""
    run = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), str(folder), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


async def test_a_bundle_checks_itself_outside_with_the_issuers_signature(
    site: Site, store: FolderStore, tmp_path: Path
) -> None:
    """R127, R247: photos, tracks, paper and chain; a wrong issuer's key is found."""
    _, job = await _a_proven_clean(site, store)
    (await _bundle(site, store, job)).extractall(tmp_path / "bundle")

    folder = tmp_path / "bundle"
    assert _checked(folder) == (0, "All is as it was written down; the signature was not asked for (--key).\n")
    assert _checked(folder, "--key", KEY.public.text())[0] == 0
    assert _checked(folder, "--key", SigningKey.from_seed("B" * 43).public.text()) == (
        1,
        "the signature is not this issuer's\n",
    )
    assert (folder / "evidence.pdf").read_bytes().startswith(b"%PDF")
    assert len(list((folder / "photos").iterdir())) == 4
    assert len(list((folder / "tracks").iterdir())) == 1


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


FORGERIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a photo": (lambda folder: next((folder / "photos").iterdir()).write_bytes(b"other"), "photos/"),
    "a photo left out": (lambda folder: next((folder / "photos").iterdir()).unlink(), "is missing"),
    "a track": (lambda folder: next((folder / "tracks").iterdir()).write_bytes(b"{}"), "tracks/"),
    "an entry": (
        lambda folder: _edit(folder, lambda said: said["entries"][3].update(receivedAt="2020-01-01T00:00:00+00:00")),
        "entry 4 has been changed",
    ),
    "an entry left out": (lambda folder: _edit(folder, lambda said: said["entries"].pop(3)), "entry 4 is missing"),
    "the end": (lambda folder: _edit(folder, lambda said: said["entries"].pop()), "ends at"),
    "the head": (lambda folder: _edit(folder, lambda said: said.update(head="00" * 32)), "the head is not"),
}


@pytest.mark.parametrize("what", FORGERIES)
async def test_whatever_is_changed_in_a_bundle_is_found_by_its_own_script(
    site: Site, store: FolderStore, tmp_path: Path, what: str
) -> None:
    """R247: without us, with nothing but Python."""
    _, job = await _a_proven_clean(site, store)
    folder = tmp_path / "bundle"
    (await _bundle(site, store, job)).extractall(folder)
    forge, words = FORGERIES[what]
    forge(folder)
    code, said = _checked(folder)
    assert (code, words in said) == (1, True), said


async def test_a_photo_that_is_gone_from_the_store_is_missing_from_the_bundle_and_said_so(
    site: Site, store: FolderStore, tmp_path: Path
) -> None:
    """R247: the rest is given all the same."""
    camera, job = await _a_proven_clean(site, store)
    gone = await site.value("select id from photo where job_id = $1 and stage = 'AFTER' limit 1", job)
    await store.delete((await camera.keys(gone)).original)
    (await _bundle(site, store, job)).extractall(tmp_path / "bundle")
    assert _checked(tmp_path / "bundle") == (1, f"photos/{gone} is missing\n")


async def test_an_address_of_a_bundle_is_good_for_its_job_alone(site: Site, store: FolderStore) -> None:
    """R3: no other words lead to one."""
    _, job = await _a_proven_clean(site, store)
    press = _press(site, store)
    token = press.links.bundle(BundlePermit(str(site.town.tenant), str(job))).removeprefix("/bundles/")
    for wrong in ("", "x", token[:-1], token.swapcase(), f"{token}A"):
        with pytest.raises(LinkRefused):
            await press.made(wrong)
    foreign = press.links.bundle(BundlePermit(str(site.other.tenant), str(job))).removeprefix("/bundles/")
    with pytest.raises(Refused) as refused:
        await press.made(foreign)
    assert refused.value.code is Code.NOT_FOUND
