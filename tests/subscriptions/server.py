"""One API process of the tests: sockets at /graphql, and commits of other processes heard through Redis or the poll.

Reads its wiring as JSON from the environment, prints its port when it serves, and ends at SIGTERM.
"""

import asyncio
import os
import socket as sockets
import sys
from typing import Any

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

from subscriptions.socket import Socket
from tests.subscriptions.toy import Wiring, open_socket


class App:
    """The sockets, and nothing over HTTP."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.socket: Socket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        assert self.socket is not None
        if self.wiring.transport:
            await self.socket(scope, receive, send)
            return

        async def plain(message: Any) -> None:
            await send(message)

        await self.socket(scope, receive, plain)


async def main() -> None:
    """Serve until told to stop."""
    app = App(Wiring(**orjson.loads(os.environ["FEED_WIRING"])))
    listening = sockets.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    async with open_socket(app.wiring) as app.socket:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=300_000,
            log_level="warning",
            timeout_graceful_shutdown=app.wiring.grace_seconds,
        )
        server = uvicorn.Server(config)
        sys.stdout.write(f"PORT {listening.getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main())
