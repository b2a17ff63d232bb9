"""Where the bytes of photos and documents lie: an S3-compatible store, or a folder in development (R125, A18).

Everything in it is private. An object is written once: nothing here replaces the bytes under a key.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from domain.errors import Unavailable

CHUNK = 256 * 1024
"""How much of an object is in memory at once, in bytes."""
_MISSING = (FileNotFoundError, NotFoundError)
_TROUBLE = (BaseError, OSError)


class ObjectExists(Exception):
    """There is an object under this key already; it is left as it was."""


class ObjectMissing(Exception):
    """There is no object under this key."""


class ObjectStore(Protocol):
    """What a store must promise. `domain.errors.Unavailable` wherever it does not answer."""

    def upload_url(self, key: str, lasts: timedelta) -> str | None:
        """Where a device may PUT this one object for so long; None where our own route must take it."""
        ...

    def download_url(self, key: str, lasts: timedelta) -> str | None:
        """Where one object may be had for so long; None where our own route must give it."""
        ...

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        """Write an object, all of it or nothing. Raises `ObjectExists`, and whatever the chunks raise."""
        ...

    async def size(self, key: str) -> int | None:
        """Its size in bytes; None if it is not there."""
        ...

    def read(self, key: str) -> AsyncIterator[bytes]:
        """Its bytes, a piece at a time. Raises `ObjectMissing`."""
        ...

    async def delete(self, key: str) -> None:
        """Remove it, if it is there."""
        ...


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Objects as files of one folder, which API and workers of this machine share. It cannot sign addresses."""

    store: LocalStore

    @classmethod
    def at(cls, folder: Path) -> "FolderStore":
        """The store in this folder, which is made if need be, for nobody else's eyes."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Empty folders are left: who tidies them up takes them from under another's hands.
        return cls(LocalStore(folder.resolve()))

    def upload_url(self, key: str, lasts: timedelta) -> str | None:
        """None: our own route takes it."""
        return None

    def download_url(self, key: str, lasts: timedelta) -> str | None:
        """None: our own route gives it."""
        return None

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        """Stream beside, then move into place, which fails if somebody was faster."""
        beside = f"writing/{uuid4().hex}"
        with _answering():
            async with obstore.open_writer_async(self.store, beside, buffer_size=CHUNK, max_concurrency=1) as file:
                async for chunk in chunks:
                    await file.write(chunk)
            try:
                await obstore.rename_async(self.store, beside, key, overwrite=False)
            except AlreadyExistsError:
                await obstore.delete_async(self.store, beside)
                raise ObjectExists(key) from None

    async def size(self, key: str) -> int | None:
        """See `ObjectStore`."""
        return await _size(self.store, key)

    def read(self, key: str) -> AsyncIterator[bytes]:
        """See `ObjectStore`."""
        return _read(self.store, key)

    async def delete(self, key: str) -> None:
        """See `ObjectStore`."""
        await _delete(self.store, key)


@dataclass(frozen=True, slots=True)
class BucketStore:
    """Objects in a private bucket of an S3-compatible store. Give `incoming/` there a lifecycle of a day."""

    store: S3Store

    @classmethod
    def at(cls, url: str, **config: Any) -> "BucketStore":
        """The bucket at `s3://bucket/prefix`; `config` is what S3 clients are told, e.g. `endpoint`. ValueError."""
        plain = str(config.get("endpoint", "")).startswith("http://")
        try:
            return cls(S3Store.from_url(url, client_options={"allow_http": plain}, **config))
        except BaseError as error:
            raise ValueError(str(error)) from None

    def upload_url(self, key: str, lasts: timedelta) -> str | None:
        """A presigned PUT. Its signature covers key and time only: length, type and hash are checked on arrival."""
        return obstore.sign(self.store, "PUT", key, lasts)

    def download_url(self, key: str, lasts: timedelta) -> str | None:
        """A presigned GET."""
        return obstore.sign(self.store, "GET", key, lasts)

    async def put(self, key: str, chunks: AsyncIterator[bytes], content_type: str) -> None:
        """One conditional PUT (`If-None-Match: *`), so that the store itself says who was first."""
        told = {"Content-Type": content_type, "Content-Disposition": "inline", "Cache-Control": "private, max-age=600"}
        with _answering():
            try:
                await obstore.put_async(self.store, key, chunks, attributes=told, mode="create")
            except AlreadyExistsError:
                raise ObjectExists(key) from None

    async def size(self, key: str) -> int | None:
        """See `ObjectStore`."""
        return await _size(self.store, key)

    def read(self, key: str) -> AsyncIterator[bytes]:
        """See `ObjectStore`."""
        return _read(self.store, key)

    async def delete(self, key: str) -> None:
        """See `ObjectStore`."""
        await _delete(self.store, key)


async def _size(store: LocalStore | S3Store, key: str) -> int | None:
    with _answering():
        try:
            return (await obstore.head_async(store, key))["size"]
        except _MISSING:
            return None


async def _read(store: LocalStore | S3Store, key: str) -> AsyncIterator[bytes]:
    with _answering():
        try:
            found = await obstore.get_async(store, key)
        except _MISSING:
            raise ObjectMissing(key) from None
        async for chunk in found.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)


async def _delete(store: LocalStore | S3Store, key: str) -> None:
    with _answering(), contextlib.suppress(*_MISSING):
        await obstore.delete_async(store, key)


@contextlib.contextmanager
def _answering() -> Any:
    try:
        yield
    except _TROUBLE as error:
        raise Unavailable("The object store does not answer.") from error
