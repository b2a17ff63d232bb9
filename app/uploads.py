"""Signed routes to single objects, where the store cannot sign addresses itself: PUT /uploads and GET /files (A18).

Whoever holds an address may do this one thing with this one object until its time is over, and nothing else. Bytes pass
through a piece at a time.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from domain.errors import Unavailable
from domain.fieldwork.photos import MOST_BYTES
from gateways.links import LASTS, FilePermit, LinkRefused, Links, UploadPermit
from gateways.objects import ObjectExists

UPLOAD_SECONDS = 300

log = structlog.get_logger(__name__)


class _No(Exception):
    """The request is refused."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class Transfers:
    """The two routes over one store. `links` is asked anew for each request: it is there once the server has begun."""

    links: Callable[[], Links]

    def routes(self) -> list[Route]:
        """What the application serves."""
        return [
            # The widest that any upload may be; each token says how wide its own is.
            Route("/uploads/{token}", _told(self.put), methods=["PUT"], max_body_size=MOST_BYTES),
            Route("/files/{token}", _told(self.get), methods=["GET"]),
        ]

    async def put(self, request: Request) -> Response:
        """Take exactly the announced bytes, once: 201, or 400, 403, 408, 409, 413, 415, 422 and nothing kept."""
        links = self.links()
        permit = links.read_upload(request.path_params["token"])
        _ensure_announced(request, permit)
        if await links.store.size(permit.key) is not None:
            raise ObjectExists
        async with asyncio.timeout(UPLOAD_SECONDS):
            await links.store.put(permit.key, _exactly(request, permit), permit.content_type)
        # Looked at meanwhile, and moved: what is evidence already is not uploaded again.
        if await links.store.size(permit.becomes) is not None:
            await links.store.delete(permit.key)
            raise ObjectExists
        return JSONResponse({"received": permit.size_bytes}, 201, {"cache-control": "no-store"})

    async def get(self, request: Request) -> Response:
        """Give one object; 403 without a good token, 404 if it is gone."""
        links = self.links()
        permit = links.read_file(request.path_params["token"])
        size = await links.store.size(permit.key)
        if size is None:
            raise _No(404, "There is no such file any more.")
        return StreamingResponse(links.store.read(permit.key), headers=_headers(permit, size))


def _headers(permit: FilePermit, size: int) -> dict[str, str]:
    return {
        "content-type": permit.content_type,
        "content-length": str(size),
        "content-disposition": f'{"inline" if permit.inline else "attachment"}; filename="{permit.name}"',
        "cache-control": f"private, max-age={int(LASTS.total_seconds())}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }


def _ensure_announced(request: Request, permit: UploadPermit) -> None:
    """Refuse by the headers alone what cannot be right, before a byte is read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != permit.content_type:
        raise _No(415, f"This address takes {permit.content_type}.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) != permit.size_bytes:
        raise _wrong_length(int(length), permit)


async def _exactly(request: Request, permit: UploadPermit) -> AsyncIterator[bytes]:
    """The body as it comes; raises at its end, or before, unless it is what was announced."""
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > permit.size_bytes:
            raise _wrong_length(size, permit)
        digest.update(chunk)
        yield chunk
    if size < permit.size_bytes:
        raise _wrong_length(size, permit)
    if digest.hexdigest() != permit.sha256:
        raise _No(422, "The bytes are not those that were announced.")


def _wrong_length(size: int, permit: UploadPermit) -> _No:
    if size > permit.size_bytes:
        return _No(413, f"More than the announced {permit.size_bytes} bytes.")
    return _No(400, f"Only {size} of the announced {permit.size_bytes} bytes.")


def _told(serve: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The route with its refusals as JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await serve(request)
        except _No as refusal:
            return _refused(refusal.status, refusal.reason)
        except LinkRefused:
            return _refused(403, "This address is not valid, or its time is over.")
        except ObjectExists:
            return _refused(409, "There is a file already, and it is not replaced.")
        except ClientDisconnect:
            return _refused(400, "The body did not arrive.")
        except TimeoutError:
            return _refused(408, "The body did not arrive in time.")
        except Unavailable as trouble:
            log.warning("object_store_trouble", error=repr(trouble.__cause__))
            return _refused(503, str(trouble))

    return answer


def _refused(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status, {"cache-control": "no-store"})
