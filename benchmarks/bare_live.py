"""The least that a fan-out can cost here: the same bytes to every socket's transport in a loop, and no feed at all.

What a feed costs above this is its own; what is below it belongs to the server, the event loop and the system. Run by
itself: `python -m benchmarks.bare_live`.
"""

import asyncio
from typing import Any

import orjson
import uvicorn
from starlette.types import Receive, Scope, Send

from app.settings import Settings
from subscriptions.frames import ACK, PROTOCOL

KEPT_SECONDS = 3600
FIRST = b'{"id":"1","type":"next","payload":{"data":{"swapMarket":{"__typename":"SwapMarketSnapshot","cursor":"0"}}}}'


class Bare:
    """An ASGI application: sockets come and stay, and a POST's body goes to all of them."""

    def __init__(self) -> None:
        self._transports: set[Any] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "websocket":
            await self._listen(receive, send)
        elif scope["type"] == "http":
            await self._spread(receive, send)

    async def _listen(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        server: Any = getattr(send, "__self__", None)
        self._transports.add(server.transport)
        while (message := await receive())["type"] != "websocket.disconnect":
            begun = orjson.loads(message["text"])["type"] == "connection_init"
            await send({"type": "websocket.send", "text": (ACK if begun else FIRST).decode()})
        self._transports.discard(server.transport)

    async def _spread(self, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        for count, transport in enumerate(list(self._transports) if body else (), 1):
            transport.write(body)
            if count % 256 == 0:
                await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


def main() -> None:
    """Serve as the product is served."""
    settings = Settings.read()
    uvicorn.run(
        Bare(),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        # The benchmark keeps its one connection while the other sides have their turns.
        timeout_keep_alive=KEPT_SECONDS,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
