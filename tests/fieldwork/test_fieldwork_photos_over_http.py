"""Photos over a running API: GraphQL, the signed addresses, and who sees what when (R107, R125, A18)."""

import asyncio
import hashlib
from typing import Any

import pytest

from domain.actors import Actor, Role
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import PhotoId
from gateways.images import Images
from gateways.objects import FolderStore
from schema.types.relay import decode_id
from tests.fieldwork.camera import Camera, a_camera
from tests.fieldwork.pictures import claiming
from tests.fieldwork.site import Site
from tests.product.world import PATIENCE, Api, a_worker, gid

SEEN = """query ($job: ID!, $filter: PhotoFilter) { job(id: $job) { photos(filter: $filter) { nodes {
    id stage zone status refusal contentType sizeBytes sha256 width height flags claims uploadUrl url thumbnailUrl
    visit { id } cleaner { id } } } } }"""


@pytest.fixture
async def camera(site: Site) -> Camera:
    """Its bytes lie where the API process serves them from."""
    return await a_camera(site, FolderStore.at(site.world.data / "objects"), images=Images())


async def photos(api: Api, who: Actor, camera: Camera, **filter: Any) -> Any:
    job = gid("Job", await camera.site.job_of(camera.shift))
    found = (await api.data(who, SEEN, job=job, filter=filter or None))["job"]
    return found and found["photos"]["nodes"]


def asked(camera: Camera, raw: bytes, **more: Any) -> dict[str, Any]:
    return {
        "assignmentId": gid("Assignment", camera.shift),
        "stage": "BEFORE",
        "zone": "kitchen",
        "contentType": "image/jpeg",
        "sizeBytes": len(raw),
        "sha256": hashlib.sha256(raw).hexdigest(),
        **more,
    }


async def test_a_photo_goes_from_the_phone_to_the_office(api: Api, site: Site, camera: Camera) -> None:
    """R107, R125, A18: announced, put to its address, confirmed, checked, shown."""
    raw = claiming(3, taken="2020:01:01 10:00:00")
    made = await api.do(camera.who, "requestPhoto", asked(camera, raw), "photo { id status uploadUrl url }")
    assert made["errors"] == []
    assert made["photo"]["status"] == "REQUESTED"
    assert made["photo"]["url"] is None

    put = await api.http.put(made["photo"]["uploadUrl"], content=raw, headers={"content-type": "image/jpeg"})
    assert put.status_code == 201, put.text
    again = await api.http.put(made["photo"]["uploadUrl"], content=raw, headers={"content-type": "image/jpeg"})
    assert again.status_code == 409
    told = await api.do(camera.who, "confirmPhoto", {"photoId": made["photo"]["id"]}, "photo { status uploadUrl }")
    assert told == {"photo": {"status": "UPLOADED", "uploadUrl": None}, "errors": []}
    await camera.inspect(PhotoId(decode_id(made["photo"]["id"], "Photo")))

    (seen,) = await photos(api, site.town.owner, camera)
    assert (seen["status"], seen["width"], seen["height"]) == ("STORED", 640, 480)
    assert (seen["flags"], seen["claims"]["takenAt"]) == (["EXIF_TIME_FAR"], "2020-01-01T10:00:00")
    assert seen["sha256"] == asked(camera, raw)["sha256"]
    for url in (seen["url"], seen["thumbnailUrl"]):
        shown = await api.http.get(url)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert b"PearPhone" not in shown.content
    assert (await api.http.get("/files/x.y")).status_code == 403
    assert "errors" not in await api.ask(site.town.owner, SEEN, job=gid("Job", await site.job_of(camera.shift)))


async def test_a_page_of_photos_is_chosen_by_stage_zone_and_state(api: Api, site: Site, camera: Camera) -> None:
    visit = await site.visit_of(camera.shift, camera.who)
    await site.photo(visit, PhotoStage.BEFORE, "kitchen")
    await site.photo(visit, PhotoStage.BEFORE, "living")
    await camera.request(claiming(4), PhotoStage.ACCESS, "gate")

    for filter, zones in (
        ({"stage": ["BEFORE"]}, ["kitchen", "living"]),
        ({"zone": ["living", "gate"]}, ["living", "gate"]),
        ({"status": ["REQUESTED"]}, ["gate"]),
        ({"stage": ["AFTER"]}, []),
    ):
        assert sorted(one["zone"] for one in await photos(api, site.town.owner, camera, **filter)) == sorted(zones)


async def test_a_customer_sees_what_is_kept_once_the_job_is_done_and_nobody_else_does(
    api: Api, site: Site, camera: Camera
) -> None:
    """A18: private by default; what was odd, and who took it, stays with the office."""
    job = await site.job_of(camera.shift)
    owner = (await site.row("job", job))["customer_id"]
    customer = await site.world.session_of(site.town.tenant, Role.CUSTOMER, owner)
    neighbour_home = await site.row("property", await site.home())
    neighbour = await site.world.session_of(site.town.tenant, Role.CUSTOMER, neighbour_home["customer_id"])
    colleague = await site.town.cleaner()
    await camera.take(claiming(5, taken="2020:01:01 10:00:00"))
    await camera.request(claiming(6))
    visit = await site.visit_of(camera.shift, camera.who)
    await site.photos(visit, PhotoStage.BEFORE)
    await site.start(camera.who, camera.shift)

    assert await photos(api, customer, camera) == []
    for stranger in (neighbour, colleague, site.other.owner):
        assert not await photos(api, stranger, camera)

    await site.tick_all(camera.who, job)
    await site.finish(camera.who, camera.shift)
    await site.photos(visit, PhotoStage.AFTER)
    await site.check_out(camera.who, camera.shift)
    assert (await site.status(job))[0] == "COMPLETED"

    answer = await api.ask(customer, SEEN, job=gid("Job", job))
    seen = answer["data"]["job"]["photos"]["nodes"]
    assert {one["status"] for one in seen} == {"STORED"}
    (real,) = [one for one in seen if one["width"]]
    assert (real["flags"], real["claims"], real["uploadUrl"]) == (None, None, None)
    assert (await api.http.get(real["url"])).status_code == 200
    for stranger in (neighbour, site.other.owner):
        assert not await photos(api, stranger, camera)


async def test_an_upload_address_is_for_who_announced_the_photo_alone(api: Api, site: Site, camera: Camera) -> None:
    """A colleague on the same job and the office see the photo, not where to put it."""
    await camera.request(claiming(7))
    for who, has in ((camera.who, True), (site.town.owner, False)):
        (seen,) = await photos(api, who, camera)
        assert bool(seen["uploadUrl"]) is has


async def test_bad_input_is_refused_by_code_and_field(api: Api, site: Site, camera: Camera) -> None:
    """R19: over GraphQL as by command."""
    raw = claiming(8)
    for more, code, field in (
        ({"contentType": "image/heic"}, "INVALID", ["contentType"]),
        ({"sizeBytes": 0}, "INVALID", ["sizeBytes"]),
        ({"sizeBytes": 11 * 2**20}, "INVALID", ["sizeBytes"]),
        ({"sha256": "zz"}, "INVALID", ["sha256"]),
        ({"zone": "roof"}, "INVALID", ["zone"]),
        ({"stage": "AFTER"}, "ILLEGAL_TRANSITION", []),
        ({"assignmentId": gid("Job", camera.shift)}, "INVALID_ID", ["assignmentId"]),
    ):
        answer = await api.do(camera.who, "requestPhoto", asked(camera, raw, **more), "photo { id }")
        assert answer["photo"] is None
        assert [(error["code"], error["field"]) for error in answer["errors"]] == [(code, field)]


async def test_a_phase_that_is_restored_shows_its_photos(api: Api, site: Site, camera: Camera) -> None:
    """R124: after a lost signal the phone reads what is there and what is awaited, with an address to go on."""
    await camera.take(claiming(9))
    await camera.request(claiming(10), zone="living")

    seen = {one["zone"]: one for one in await photos(api, camera.who, camera)}

    assert (seen["kitchen"]["status"], seen["living"]["status"]) == ("STORED", "REQUESTED")
    assert seen["kitchen"]["url"]
    assert seen["living"]["uploadUrl"]
    assert (await site.visit_of(camera.shift, camera.who))["phase"] == VisitPhase.ARRIVAL


@pytest.mark.usefixtures("alone")
async def test_the_worker_checks_what_was_confirmed(api: Api, site: Site, camera: Camera) -> None:
    """A18: as installed: API, worker and store are three."""
    raw = claiming(12)
    made = await api.do(camera.who, "requestPhoto", asked(camera, raw), "photo { id uploadUrl }")
    await api.http.put(made["photo"]["uploadUrl"], content=raw, headers={"content-type": "image/jpeg"})
    await api.do(camera.who, "confirmPhoto", {"photoId": made["photo"]["id"]}, "photo { status }")
    id = PhotoId(decode_id(made["photo"]["id"], "Photo"))

    async with a_worker(site.world), asyncio.timeout(PATIENCE):
        while (await camera.row(id))["status"] == "UPLOADED":
            await asyncio.sleep(0.05)

    assert (await camera.row(id))["status"] == "STORED"
    assert await camera.kept(id) == {"original", "served", "thumb"}
