"""A client of graphql-transport-ws that keeps all it was sent, and finds out whether anything was lost."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PATIENCE = 60.0
GRAPHQL_WS = Subprotocol("graphql-transport-ws")

Frame = dict[str, Any]


class Feed:
    """One subscription: its frames without heartbeats, and what ended it."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.heartbeats: list[Frame] = []
        self.errors: list[Any] | None = None
        self.last: str | None = None
        self.holes = 0
        self.changed = asyncio.Event()

    def take(self, frame: Frame) -> None:
        if "previous" in frame and frame["previous"] != self.last:
            self.holes += 1
        self.last = frame.get("cursor", self.last)
        (self.heartbeats if frame["__typename"] == "Heartbeat" else self.frames).append(frame)

    def kinds(self) -> list[str]:
        return [frame["__typename"] for frame in self.frames]


class Client:
    """One socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.feeds: dict[str, Feed] = {}
        self.replies: list[dict[str, Any]] = []
        self.order: list[tuple[str, str]] = []
        """What came, in its order: the operation's id, and the frame's or message's type."""
        self.moved = asyncio.Event()
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._ids = itertools.count(1)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, port: int, token: str | None, **options: Any) -> "Client":
        """Connect; with a token also initialise, and wait for the acknowledgement or the close."""
        client = cls(await connect_to(port, **options))
        if token is not None:
            await client.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
            await client.until(lambda: client.close_code is not None or client.acknowledged)
        return client

    @property
    def acknowledged(self) -> bool:
        return {"type": "connection_ack"} in self.replies

    async def send(self, message: Any) -> None:
        await self.connection.send(orjson.dumps(message).decode())

    async def subscribe(self, query: str, after: str | None = None, **variables: Any) -> Feed:
        """Begin an operation."""
        operation, feed = str(next(self._ids)), Feed()
        feed.last = after
        self.feeds[operation] = feed
        given = variables | ({} if after is None else {"after": after})
        await self.send({"id": operation, "type": "subscribe", "payload": {"query": query, "variables": given}})
        return feed

    async def begun(self, query: str, after: str | None = None) -> Feed:
        """Begin an operation and wait for its first frame."""
        feed = await self.subscribe(query, after)
        await self.until(lambda: bool(feed.frames))
        return feed

    async def run(self, query: str, **variables: Any) -> Any:
        """Run a query or mutation: its `next` payload, or its errors."""
        operation = str(next(self._ids))
        await self.send({"id": operation, "type": "subscribe", "payload": {"query": query, "variables": variables}})
        await self.until(lambda: self.close_code is not None or bool(self._answers(operation)))
        return next(iter(self._answers(operation)), None)

    async def frames(self, feed: Feed, count: int) -> None:
        """Wait until the feed has so many frames."""
        await self.until(lambda: len(feed.frames) >= count)

    def _answers(self, operation: str) -> list[Any]:
        return [reply["payload"] for reply in self.replies if reply.get("id") == operation and "payload" in reply]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for the condition, looking at it after each message."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                self.moved.clear()
                await self.moved.wait()

    async def closed(self) -> int | None:
        """Wait for the server to close; its code."""
        await self.until(lambda: self.close_code is not None)
        return self.close_code

    async def close(self) -> None:
        await self.connection.close()
        await self._reading

    def cut(self) -> None:
        """Lose the connection without a word."""
        self.connection.transport.abort()

    def stop_reading(self) -> None:
        """Leave what comes in the kernel's buffers, and beyond them with the server."""
        transport: Any = self.connection.transport
        transport.pause_reading()
        # The library would resume by itself.
        self._resume = transport.resume_reading
        transport.resume_reading = lambda: None

    def read_on(self) -> None:
        """Read what has come meanwhile."""
        transport: Any = self.connection.transport
        transport.resume_reading = self._resume
        if not transport.is_closing():
            transport.resume_reading()

    async def _read(self) -> None:
        try:
            async for text in self.connection:
                self._take(orjson.loads(text))
                self.moved.set()
        except ConnectionClosed:
            pass
        self.close_code, self.close_reason = self.connection.close_code, self.connection.close_reason
        self.moved.set()

    def _take(self, message: dict[str, Any]) -> None:
        kind, feed = message["type"], self.feeds.get(message.get("id", ""))
        if feed is None:
            self.replies.append(message)
        elif message["type"] == "next":
            assert "errors" not in message["payload"], message
            (frame,) = message["payload"]["data"].values()
            feed.take(frame)
            kind = frame["__typename"]
        else:
            feed.errors = message.get("payload", [])
        self.order.append((message.get("id", ""), kind))


async def connect_to(port: int, **options: Any) -> ClientConnection:
    """A bare websocket that asks for the protocol."""
    given = {"subprotocols": [GRAPHQL_WS], "compression": None, "max_size": None, **options}
    return await connect(f"ws://127.0.0.1:{port}/graphql", **given)
