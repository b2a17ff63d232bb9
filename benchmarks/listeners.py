"""Many live subscriptions in a process of their own, which notes when each frame arrived.

Speaks graphql-transport-ws over bare transports: a websocket library's work for each frame would be taken for the
server's. Commands come as lines of JSON on standard input, and each is answered by one line.
"""

import asyncio
import base64
import gc
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import uvloop

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MASK = bytes(4)
"""A mask of zeros is as valid as any, and costs nothing."""
CONNECTING_AT_ONCE = 25
PATIENCE = 60.0


@dataclass(slots=True)
class Arrivals:
    """Every frame with the instant of its arrival, in nanoseconds of the machine's monotonic clock."""

    frames: list[tuple[int, bytes]] = field(default_factory=list)


class Listener(asyncio.Protocol):
    """One socket with one subscription."""

    def __init__(self, token: str, document: str, arrivals: Arrivals) -> None:
        self._token = token
        self._document = document
        self._arrivals = arrivals
        self._pending = b""
        self._upgraded = False
        self._transport: asyncio.Transport
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports are none by inheritance.
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            (
                "GET /graphql HTTP/1.1\r\nhost: bench\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                f"sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
                "sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take what is whole."""
        now = time.monotonic_ns()
        self._pending += data
        if not self._upgraded:
            head, found, rest = self._pending.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.ready.set_exception(ConnectionError(head.decode()))
                return
            self._upgraded, self._pending = True, rest
            self._say({"type": "connection_init", "payload": {"authorization": f"Bearer {self._token}"}})
        while (frame := self._next()) is not None:
            self._take(*frame, now)

    def connection_lost(self, exc: Exception | None) -> None:
        """A socket that ends before its subscription has begun has failed."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the socket was closed"))

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _take(self, code: int, payload: bytes, now: int) -> None:
        if code == PING:
            self._send(PONG, payload)
        elif code == CLOSE and not self.ready.done():
            self.ready.set_exception(ConnectionError(payload.decode(errors="replace")))
        elif code == TEXT and b'"connection_ack"' in payload[:40]:
            self._say({"id": "1", "type": "subscribe", "payload": {"query": self._document}})
        elif code == TEXT:
            if not self.ready.done():
                self.ready.set_result(None)
            self._arrivals.frames.append((now, payload))

    def _next(self) -> tuple[int, bytes] | None:
        """The next whole frame of what has come; servers send theirs unmasked."""
        data = self._pending
        if len(data) < 2:
            return None
        length, start = data[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = int.from_bytes(data[2:start], "big")
        if len(data) < start + length:
            return None
        self._pending = data[start + length :]
        return data[0] & 0x0F, data[start : start + length]

    def _say(self, message: dict[str, Any]) -> None:
        self._send(TEXT, orjson.dumps(message))

    def _send(self, code: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(bytes([0x80 | code]) + length + MASK + payload)


class Crowd:
    """All the sockets of this process."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._arrivals = Arrivals()

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Open sockets (one a token), hand over what arrived, or close them all."""
        match order["do"]:
            case "open":
                for first in range(0, len(order["tokens"]), CONNECTING_AT_ONCE):
                    part = order["tokens"][first : first + CONNECTING_AT_ONCE]
                    await asyncio.gather(*(self._open(order["port"], token, order["document"]) for token in part))
            case "take":
                taken, self._arrivals.frames = self._arrivals.frames, []
                return {"frames": [[at, frame.decode()] for at, frame in taken]}
            case "count":
                return {"count": len(self._arrivals.frames)}
            case _:
                for one in self._listeners:
                    one.close()
                self._listeners = []
        return {}

    async def _open(self, port: int, token: str, document: str) -> None:
        loop = asyncio.get_running_loop()
        _, listener = await loop.create_connection(lambda: Listener(token, document, self._arrivals), "127.0.0.1", port)
        self._listeners.append(listener)
        async with asyncio.timeout(PATIENCE):
            await listener.ready


async def main() -> None:
    """Obey until the input ends."""
    # A collection's pause would be taken for the server's.
    gc.disable()
    loop, crowd = asyncio.get_running_loop(), Crowd()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        sys.stdout.buffer.write(orjson.dumps(await crowd.obey(orjson.loads(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
