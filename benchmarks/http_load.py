"""A client that costs little, so that what is measured is the server: HTTP/1.1 over kept connections."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Post:
    """One GraphQL request, ready to be sent."""

    path: str
    token: str
    body: bytes

    @classmethod
    def of(cls, token: str, document: str, variables: dict[str, Any], path: str = "/graphql") -> "Post":
        """From an operation."""
        return cls(path, token, orjson.dumps({"query": document, "variables": variables}))

    def wire(self) -> bytes:
        """The request as it goes over the wire."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {self.token}\r\n"
            f"content-type: application/json\r\naccept: application/json\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class Connection:
    """A kept connection: one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to a server of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**20))

    async def send(self, wire: bytes) -> bytes:
        """The answer's body; fails on any status but 200."""
        self._writer.write(wire)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        if b" 200 " not in head[:15]:
            raise AssertionError(f"{head.decode()}{body[:500].decode()}")
        return body

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


async def answer(port: int, post: Post) -> Any:
    """One request on a connection of its own; its decoded answer."""
    connection = await Connection.open(port)
    try:
        return orjson.loads(await connection.send(post.wire()))
    finally:
        await connection.close()


async def flood(port: int, post: Post, *, connections: int, go_on: Callable[[int], bool]) -> int:
    """Send the same request over and over on several connections, while `go_on(sent)`; how many were answered."""
    wire, sent, answered = post.wire(), 0, 0

    async def one() -> None:
        nonlocal sent, answered
        connection = await Connection.open(port)
        while go_on(sent):
            sent += 1
            await connection.send(wire)
            answered += 1
        await connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return answered


def for_seconds(seconds: float) -> Callable[[int], bool]:
    """Go on until the time is over."""
    end = time.perf_counter() + seconds
    return lambda _sent: time.perf_counter() < end
