"""Tasks of photos: a look at what was uploaded, and the sweep behind it (A18)."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.fieldwork.photos import AWAITED, PhotoRefusal, PhotoStatus, Seen
from domain.ids import PhotoId
from gateways.images import COPY_TYPE, Copies, Unreadable
from gateways.objects import CHUNK, ObjectExists, ObjectMissing
from services.fieldwork.photo_checks import (
    FindOverduePhotos,
    FindPhoto,
    PhotoToCheck,
    SettlePhoto,
    find_overdue_photos,
    find_photo,
    settle_photo,
)
from tasks.context import TaskContext


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where one photo's bytes lie while they are looked at; gone afterwards."""

    original: Path
    copies: Copies

    @classmethod
    def in_folder(cls, folder: Path) -> "_Desk":
        return cls(folder / "original", Copies(folder / "served", folder / "thumb"))


async def inspect(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Check one photo that is said to be uploaded; nothing if it is decided already."""
    await _inspect(context, PhotoId(UUID(payload["photo_id"])))


async def sweep(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Check what arrived and was never confirmed, or whose check was lost; expire what never came."""
    for id in await context.run(find_overdue_photos, FindOverduePhotos()):
        await _inspect(context, id)


async def _inspect(context: TaskContext, id: PhotoId) -> None:
    found = await context.run(find_photo, FindPhoto(id))
    if found.status in AWAITED:
        settled = await _decide(context, id, found)
        if settled is None:
            return
        found = await context.run(find_photo, FindPhoto(id))
    await _tidy(context, found)


async def _decide(context: TaskContext, id: PhotoId, found: PhotoToCheck) -> PhotoStatus | None:
    """Where the photo stands then; None if it may still come."""
    objects, keys = context.tools.objects, found.keys
    # An attempt that died after it had kept the original goes on from there.
    key = keys.original if await objects.size(keys.original) is not None else keys.incoming
    size = await objects.size(key)
    if size is None:
        if context.now < found.expires_at:
            return None
        return await context.run(settle_photo, SettlePhoto(id))
    if size != found.size_bytes:
        return await context.run(settle_photo, SettlePhoto(id, refusal=PhotoRefusal.SIZE_MISMATCH))
    with tempfile.TemporaryDirectory(prefix="cleanshift-photo-") as folder:
        desk = _Desk.in_folder(Path(folder))
        try:
            seen = await _look(context, found, key, desk)
        except ObjectMissing:
            # Another worker has just decided, and tidied up; if it dies of it, the sweep comes by.
            return None
        if isinstance(seen, PhotoRefusal):
            return await context.run(settle_photo, SettlePhoto(id, refusal=seen))
        await _keep(context, found, desk)
    # Only what is kept is told of: the row comes after the bytes.
    return await context.run(settle_photo, SettlePhoto(id, seen))


async def _look(context: TaskContext, found: PhotoToCheck, key: str, desk: _Desk) -> Seen | PhotoRefusal:
    digest, size = hashlib.sha256(), 0
    with await asyncio.to_thread(desk.original.open, "wb") as file:
        async for chunk in context.tools.objects.read(key):
            size += len(chunk)
            if size > found.size_bytes:
                return PhotoRefusal.SIZE_MISMATCH
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    if size != found.size_bytes:
        return PhotoRefusal.SIZE_MISMATCH
    if digest.digest() != found.sha256:
        return PhotoRefusal.HASH_MISMATCH
    try:
        return await context.tools.images.look(desk.original, found.content_type, desk.copies)
    except Unreadable:
        # The machine may have been at fault, until it was tried often enough.
        if not context.is_last_attempt:
            raise
        return PhotoRefusal.UNREADABLE


async def _keep(context: TaskContext, found: PhotoToCheck, desk: _Desk) -> None:
    for key, file, content_type in (
        (found.keys.original, desk.original, found.content_type),
        (found.keys.served, desk.copies.served, COPY_TYPE),
        (found.keys.thumb, desk.copies.thumb, COPY_TYPE),
    ):
        try:
            await context.tools.objects.put(key, _chunks(file), content_type)
        except ObjectExists:
            # An attempt before this one has kept the same.
            continue


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


async def _tidy(context: TaskContext, found: PhotoToCheck) -> None:
    """Remove what is not evidence: the upload once it is kept, everything of what was refused."""
    rest = (found.keys.incoming,) if found.status is PhotoStatus.STORED else found.keys.all
    for key in rest:
        await context.tools.objects.delete(key)
