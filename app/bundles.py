"""The bundle of a job's evidence: one zip that somebody outside can check without us (R127, R247).

In it: the chain as `manifest.json`, signed; every photo as it was taken; every track; a paper for people; and
`verify.py`, which computes all of it again. It is built on disk, a photo at a time, so that its size costs no memory.
"""

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.tokens import SigningKey
from db.runner import Call, Runner
from db.secrets import url_safe
from domain.actors import Actor, TenantId
from domain.errors import NotFound, Unavailable
from domain.fieldwork.chain import canonical
from domain.fieldwork.photos import Keys
from domain.ids import JobId
from gateways.links import LinkRefused, Links
from gateways.objects import ObjectMissing
from services.fieldwork.bundle import Bundle, Came, Picture, manifest, read_bundle, signed_part
from services.fieldwork.verify import ReadPacket
from services.paper import Paper, printed

VERIFY = Path(__file__).parent / "verify_bundle.py"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundles:
    """The routes of bundles. `press` is asked anew for each request: it is there once the server has begun."""

    press: Callable[[], "Press"]

    def routes(self) -> list[Route]:
        """What the application serves."""
        return [Route("/bundles/{token}", self.give), Route("/evidence-key", self.public_key)]

    async def give(self, request: Request) -> Response:
        """The bundle that a signed address leads to; 404 for every other address."""
        try:
            bundle, file = await self.press().made(request.path_params["token"])
        except (LinkRefused, NotFound):
            return JSONResponse({"error": "There is nothing at this address, or not any more."}, 404)
        except Unavailable as trouble:
            return JSONResponse({"error": str(trouble)}, 503)
        return FileResponse(
            file,
            media_type="application/zip",
            filename=f"evidence-{bundle.packet.job_id}.zip",
            headers={"cache-control": "private, no-store", "x-content-type-options": "nosniff"},
            background=BackgroundTask(file.unlink),
        )

    async def public_key(self, _request: Request) -> Response:
        """What the signatures of bundles are checked with."""
        public = self.press().key.public
        return JSONResponse({"kid": public.kid, "key": public.text(), "algorithm": "Ed25519"})


@dataclass(frozen=True, slots=True)
class Press:
    """Makes the bundles of one installation, signed with its key."""

    runner: Runner
    links: Links
    key: SigningKey

    async def made(self, token: str) -> tuple[Bundle, Path]:
        """The bundle that the token of an address names, as a file to be deleted. `LinkRefused`, `NotFound`."""
        permit = self.links.read_bundle(token)
        tenant, job_id = TenantId(UUID(permit.tenant)), JobId(UUID(permit.job))
        call = Call(Actor.system(tenant), read_bundle, ReadPacket(job_id), request_id=f"bundle:{uuid4().hex}")
        bundle = await self.runner.run(call)
        return bundle, await self._write(bundle)

    async def _write(self, bundle: Bundle) -> Path:
        with tempfile.NamedTemporaryFile(prefix="cleanshift-bundle-", suffix=".zip", delete=False) as made:
            path = Path(made.name)
        try:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
                await self._fill(archive, bundle)
        except BaseException:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise
        return path

    async def _fill(self, archive: zipfile.ZipFile, bundle: Bundle) -> None:
        said = orjson.dumps(manifest(bundle.packet, self._signature(bundle)), option=orjson.OPT_INDENT_2)
        _put(archive, "manifest.json", said)
        _put(archive, "verify.py", VERIFY.read_bytes())
        for batch_id, points in bundle.points.items():
            _put(archive, f"tracks/{batch_id}.json", points)
        small: list[tuple[str, bytes]] = []
        for picture in bundle.pictures:
            await self._put_photo(archive, bundle, picture)
            small += await self._thumbnail(bundle, picture)
        _put(archive, "evidence.pdf", await asyncio.to_thread(printed, paper(bundle, small)))

    async def _put_photo(self, archive: zipfile.ZipFile, bundle: Bundle, picture: Picture) -> None:
        keys = _keys(bundle, picture)
        # The absence of one is a finding of `verify.py`, not a reason to give nothing.
        if await self.links.store.size(keys.original) is None:
            return
        with archive.open(_named(f"photos/{picture.id}"), "w") as file:
            async for chunk in self.links.store.read(keys.original):
                await asyncio.to_thread(file.write, chunk)

    async def _thumbnail(self, bundle: Bundle, picture: Picture) -> list[tuple[str, bytes]]:
        try:
            small = await _whole(self.links.store.read(_keys(bundle, picture).thumb))
            return [(f"{picture.stage.lower()}: {picture.zone}", small)]
        except ObjectMissing:
            return []

    def _signature(self, bundle: Bundle) -> str:
        return url_safe(self.key.private.sign(canonical(signed_part(bundle.packet))))


def paper(bundle: Bundle, pictures: list[tuple[str, bytes]]) -> Paper:
    """The proof as people read it: who was there, when, and what is shown; times by the market's clock."""
    zone = ZoneInfo(bundle.zone)
    packet = bundle.packet
    visits = [
        f"{came.name} ({came.role.lower()}): in {_told(came.checked_in_at, zone)}{_distance(came)},"
        f" out {_told(came.checked_out_at, zone)}"
        for came in bundle.visits
    ]
    items = [f"[{'x' if item['done_at'] else ' '}] {item['zone']}: {item['label']}" for item in packet.checklist]
    lacking = [f"Missing: {one['message']}" for one in bundle.missing]
    accepted = [f"Accepted as it is: {bundle.override_reason}"] if bundle.override_reason else []
    return Paper(
        title=f"Evidence of a clean: {bundle.address}",
        paragraphs=[
            f"{bundle.business}. Planned for {_told(bundle.starts_at, zone)}.",
            *visits,
            *items,
            *lacking,
            *accepted,
        ],
        facts=[
            ("Job", str(packet.job_id)),
            ("State", packet.outcome.status),
            ("Entries of the chain", str(packet.count)),
            ("Head of the chain", packet.head.hex()),
            ("How to check", "run verify.py in this folder; the issuer's key is at its /evidence-key"),
        ],
        at=bundle.completed_at or bundle.starts_at,
        pictures=pictures,
    )


def _keys(bundle: Bundle, picture: Picture) -> Keys:
    return Keys(bundle.packet.tenant, bundle.packet.job_id, picture.id)


def _told(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}" if at else "not yet"


def _distance(came: Came) -> str:
    return "" if came.distance_metres is None else f" ({came.distance_metres:.0f} m from the home)"


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_named(name), content)


def _named(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _ZIP_EPOCH)


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])
