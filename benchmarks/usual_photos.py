"""The usual way to take an upload: the whole body as bytes, its hash, a file. Run: `python -m benchmarks.usual_photos`.

Beside it, the usual way to give it back: the whole file as the body of a response.
"""

import asyncio
import hashlib
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.settings import Settings


def application(folder: Path) -> Starlette:
    """PUT and GET of `/photos/<name>`, as many tutorials show them."""

    async def put(request: Request) -> Response:
        body = await request.body()
        digest = hashlib.sha256(body).hexdigest()
        await asyncio.to_thread((folder / request.path_params["name"]).write_bytes, body)
        return JSONResponse({"sha256": digest}, 201)

    async def get(request: Request) -> Response:
        return Response(await asyncio.to_thread((folder / request.path_params["name"]).read_bytes))

    async def ready(_request: Request) -> Response:
        return JSONResponse({"ready": True})

    folder.mkdir(exist_ok=True)
    return Starlette(
        routes=[
            Route("/photos/{name}", put, methods=["PUT"]),
            Route("/photos/{name}", get),
            Route("/readyz", ready),
        ]
    )


if __name__ == "__main__":
    settings = Settings.read()
    uvicorn.run(application(settings.data / "usual"), port=settings.port, access_log=False, log_level="warning")
