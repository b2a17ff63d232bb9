"""A cleaner's camera: announces, uploads, confirms; and the worker that looks at what came."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from db.ids import new_id
from domain.actors import Actor
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import Keys, Seen
from domain.fieldwork.requirements import PhotoStage
from domain.ids import AssignmentId, PhotoId, TaskId
from gateways.images import Copies, Images
from gateways.objects import FolderStore
from services.fieldwork import photos
from services.fieldwork.told import Device
from tasks import photos as work
from tasks.context import TaskContext, Tools
from tasks.store import MOST_ATTEMPTS, Task
from tests.fieldwork import pictures
from tests.fieldwork.site import Site
from tests.product.world import Town


@dataclass
class Camera:
    """One cleaner's, on one shift; `store` is where the bytes go."""

    site: Site
    who: Actor
    shift: AssignmentId
    store: FolderStore
    images: Any = field(default_factory=Images)

    async def request(
        self,
        raw: bytes,
        stage: PhotoStage = PhotoStage.BEFORE,
        zone: str = "kitchen",
        kind: str = "image/jpeg",
        *,
        device: Device | None = None,
        **more: Any,
    ) -> PhotoId:
        form = photos.RequestPhoto(self.shift, stage, zone, kind, len(raw), hashlib.sha256(raw).hexdigest(), device)
        made: PhotoId = await self.site.do(self.who, photos.request_photo, form, **more)
        return made

    async def upload(self, id: PhotoId, raw: bytes) -> None:
        """The bytes, past the route: what it would refuse must be refused again."""
        await self.store.put((await self.keys(id)).incoming, _pieces(raw), "image/jpeg")

    async def confirm(self, id: PhotoId, **more: Any) -> None:
        await self.site.do(self.who, photos.confirm_photo, photos.ConfirmPhoto(id), **more)

    async def inspect(self, id: PhotoId, *, attempt: int = 1) -> None:
        await work.inspect(await self.context(attempt), self.site.town.tenant, {"photo_id": str(id)})

    async def inspect_at_once(self, *ids: PhotoId) -> None:
        contexts = [await self.context() for _ in ids]
        told = [{"photo_id": str(id)} for id in ids]
        tenant = self.site.town.tenant
        await asyncio.gather(*(work.inspect(context, tenant, one) for context, one in zip(contexts, told, strict=True)))

    async def sweep(self) -> None:
        await work.sweep(await self.context(), self.site.town.tenant, {})

    async def take(self, raw: bytes, *args: Any, sent: bytes | None = None, **more: Any) -> Any:
        """All of it; the photo's row. With `sent` other bytes arrive than were announced."""
        id = await self.request(raw, *args, **more)
        await self.upload(id, raw if sent is None else sent)
        await self.confirm(id)
        await self.inspect(id)
        return await self.row(id)

    async def row(self, id: PhotoId) -> Any:
        return await self.site.row("photo", id)

    async def keys(self, id: PhotoId) -> Keys:
        row = await self.row(id)
        return Keys(row["tenant_id"], row["job_id"], row["id"])

    async def kept(self, id: PhotoId) -> set[str]:
        """Which of the photo's objects there are."""
        keys = await self.keys(id)
        return {key.rsplit("/")[-1] if key != keys.incoming else "incoming" for key in keys.all if await self.has(key)}

    async def has(self, key: str) -> bool:
        return await self.store.size(key) is not None

    async def context(self, attempt: int = 1) -> TaskContext:
        town: Town = self.site.town
        now = await town.world.now(town.tenant)
        task = Task(town.tenant, TaskId(new_id()), "inspect_photo", {}, attempt, new_id(), now)
        tools = Tools(town.world.runner, SimpleNamespace(), SimpleNamespace(), "", self.store, images=self.images)
        return TaskContext(tools, task)

    @property
    def last(self) -> int:
        return MOST_ATTEMPTS


class Glance:
    """Instead of a decoder: every file is a picture of its own, so that tests of the rest are quick."""

    async def look(self, file: Any, content_type: str, copies: Copies) -> Seen:
        digest = hashlib.sha256(file.read_bytes()).digest()
        copies.served.write_bytes(b"served")
        copies.thumb.write_bytes(b"thumb")
        return Seen(640, 480, int.from_bytes(digest[:8], "big", signed=True), {})


async def a_camera(site: Site, store: FolderStore, phase: VisitPhase = VisitPhase.ARRIVAL, **more: Any) -> Camera:
    """On a shift of its own, checked in, and taken as far as told."""
    who = await site.town.cleaner()
    shift = await site.shift(who)
    if phase is VisitPhase.ARRIVAL:
        await site.arrive(who, shift)
    else:
        await site.reach(who, shift, phase)
    return Camera(site, who, shift, store, **more)


def raw(seed: int = 1) -> bytes:
    """A photo's bytes."""
    return pictures.jpeg(seed)


async def _pieces(raw: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(raw), 65_536):
        yield raw[at : at + 65_536]
