"""Many live subscriptions in a process of their own, which notes when each frame arrived.

Speaks graphql-transport-ws over bare transports: a websocket library's work for each frame would be taken for the
server's. For the same reason what arrives is only noted with its instant, and looked at when nothing more comes. Orders
come as lines of JSON on standard input, and each is answered by one line.
"""

import asyncio
import base64
import gc
import os
import re
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, cast
from uuid import uuid4

import orjson
import uvloop

from benchmarks.figures import percentile

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MASK = bytes(4)
"""A mask of zeros is as valid as any, and costs nothing."""
CONNECTING_AT_ONCE = 50
PATIENCE = 60.0
GLANCE_SECONDS = 0.002
STRETCH_NS = 500_000
"""How long one look at what has arrived may take."""
OLD_NS = 1_000_000_000
"""What waits so long is looked at though more is arriving: the server's pings want an answer."""
_CURSOR = re.compile(rb'"cursor":"([^"]*)"')
_PREVIOUS = re.compile(rb'"previous":"([^"]*)"')
_NOTE = re.compile(rb'"note":"([^"]*)"')
_HEAD = 200
"""Within so many bytes a frame says what it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and to what."""

    port: int
    path: str
    document: str


@dataclass(slots=True)
class Arrivals:
    """What has come: first as it came, then as frames; instants are nanoseconds of the machine's monotonic clock."""

    waiting: deque[tuple[int, "Listener", bytes]] = field(default_factory=deque)
    frames: list[tuple[int, "Listener", bytes]] = field(default_factory=list)
    events: int = 0
    chunks: int = 0
    last_at: int = 0

    def note(self, listener: "Listener", data: bytes) -> None:
        """Keep for later what a socket has received just now."""
        self.last_at = time.monotonic_ns()
        self.chunks += 1
        self.waiting.append((self.last_at, listener, data))

    def look(self) -> None:
        """Cut some of what waits into frames."""
        end = time.monotonic_ns() + STRETCH_NS
        while self.waiting and time.monotonic_ns() < end:
            at, listener, data = self.waiting.popleft()
            listener.take_in(at, data)

    def frame(self, at: int, listener: "Listener", payload: bytes) -> None:
        """Keep a frame of the feed."""
        self.frames.append((at, listener, payload))
        self.events += b"SwapListed" in payload[:_HEAD]


class Listener(asyncio.Protocol):
    """One socket with one subscription, from `after` if it is given."""

    def __init__(self, place: Place, token: str, arrivals: Arrivals, after: str | None = None) -> None:
        self.token = token
        self.cursor = after
        """The last that was judged, or where it resumed."""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._place = place
        self._arrivals = arrivals
        self._pending = b""
        self._upgraded = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports are none by inheritance.
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            (
                f"GET {self._place.path} HTTP/1.1\r\nhost: bench\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                f"sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
                "sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        """Answer at once while the subscription begins; later only keep what comes, with its instant."""
        if self.ready.done():
            self._arrivals.note(self, data)
        else:
            self.take_in(time.monotonic_ns(), data)

    def connection_lost(self, exc: Exception | None) -> None:
        """A socket that ends before its subscription has begun has failed."""
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError("the socket was closed"))

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def take_in(self, at: int, data: bytes) -> None:
        """Take what is whole."""
        self._pending += data
        if not self._upgraded:
            head, found, rest = self._pending.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head:
                self.ready.set_exception(ConnectionError(head.decode()))
                return
            self._upgraded, self._pending = True, rest
            self._say({"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}})
        while (frame := self._next()) is not None:
            self._take(*frame, at)

    def _take(self, code: int, payload: bytes, at: int) -> None:
        if code == PING:
            self._send(PONG, payload)
        elif code == CLOSE and not self.ready.done():
            self.ready.set_exception(ConnectionError(payload.decode(errors="replace")))
        elif code == TEXT and b'"connection_ack"' in payload[:40]:
            asked = {"query": self._place.document, "variables": {"after": self.cursor} if self.cursor else {}}
            # As clients do: an id of its own, so that no two sockets get the same bytes.
            self._say({"id": str(uuid4()), "type": "subscribe", "payload": asked})
        elif code == TEXT:
            if not self.ready.done():
                self.ready.set_result(None)
            self._arrivals.frame(at, self, payload)

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


@dataclass(slots=True)
class Verdict:
    """What the frames since the last time say."""

    commits: dict[str, int]
    chained: bool
    delays: list[float] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)
    seen: set[tuple[int, bytes]] = field(default_factory=set)
    gaps: int = 0
    duplicates: int = 0
    resyncs: int = 0

    def hear(self, at: int, listener: Listener, payload: bytes) -> None:
        """Judge one frame, in the order of its socket."""
        head, cursor = payload[:_HEAD], _CURSOR.search(payload)
        if b"SwapListed" in head:
            self._event(at, listener, payload)
        elif b"Resync" in head:
            self.resyncs += 1
        elif cursor is None:
            raise SystemExit(f"The server says: {payload[:500].decode(errors='replace')}")
        if cursor is not None:
            listener.cursor = cursor[1].decode()

    def _event(self, at: int, listener: Listener, payload: bytes) -> None:
        note, previous = _NOTE.search(payload), _PREVIOUS.search(payload)
        assert note is not None
        assert previous is not None
        if self.chained and listener.cursor is not None and previous[1].decode() != listener.cursor:
            self.gaps += 1
        if (id(listener), note[1]) in self.seen:
            self.duplicates += 1
            return
        self.seen.add((id(listener), note[1]))
        name = note[1].decode()
        if name in self.commits:
            delay = (at - self.commits[name]) / 1e6
            self.delays.append(delay)
            self.last[name] = max(delay, self.last.get(name, delay))

    def told(self) -> dict[str, Any]:
        """For the benchmark: milliseconds from commit to socket, and what was wrong."""
        delays = self.delays or [0.0]
        return {
            "delivered": len(self.seen),
            "timed": len(self.delays),
            "p50": percentile(delays, 0.5),
            "p99": percentile(delays, 0.99),
            "mean": fmean(delays),
            "most": max(delays),
            "last": self.last,
            "gaps": self.gaps,
            "duplicates": self.duplicates,
            "resyncs": self.resyncs,
        }


class Crowd:
    """All the sockets of this process."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._arrivals = Arrivals()
        self._left: list[tuple[str, str | None]] = []
        self._tending = asyncio.create_task(self._tend())

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """One order, and its answer."""
        match order["do"]:
            case "open":
                place = Place(order["port"], order["path"], order["document"])
                return await self._open(place, [(token, None) for token in order["tokens"]])
            case "resume":
                return await self._open(Place(order["port"], order["path"], order["document"]), self._left)
            case "wait":
                return await self._wait(order["count"], order["seconds"])
            case "sample":
                await self._looked_at()
                return {"frame": next(one[2] for one in self._arrivals.frames if b"SwapListed" in one[2]).decode()}
            case "judge":
                return await self._judge(order["commits"], chained=order["chained"])
            case _:
                return await self._close()

    async def _open(self, place: Place, wanted: list[tuple[str, str | None]]) -> dict[str, Any]:
        """A socket for each token; seconds until all have their first frame."""
        self._left = []
        began = time.monotonic_ns()
        turn = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def open_in_turn(token: str, after: str | None) -> None:
            async with turn:
                await self._open_one(place, token, after)

        # The next begins when any is done: rounds would wait for the slowest of each.
        await asyncio.gather(*(open_in_turn(*one) for one in wanted))
        return {"seconds": (time.monotonic_ns() - began) / 1e9}

    async def _open_one(self, place: Place, token: str, after: str | None) -> None:
        loop = asyncio.get_running_loop()
        _, listener = await loop.create_connection(
            lambda: Listener(place, token, self._arrivals, after), "127.0.0.1", place.port
        )
        self._listeners.append(listener)
        async with asyncio.timeout(PATIENCE):
            await listener.ready

    async def _wait(self, count: int, seconds: float) -> dict[str, Any]:
        """Until so many events have come since the last judgement; when the last of all had come."""
        end = time.monotonic() + seconds
        while self._arrivals.events < count and time.monotonic() < end:  # noqa: ASYNC110 - what arrives is only looked at
            await asyncio.sleep(GLANCE_SECONDS)
        return {"count": self._arrivals.events, "at": self._arrivals.last_at}

    async def _looked_at(self) -> None:
        while self._arrivals.waiting:
            self._arrivals.look()
            await asyncio.sleep(0)

    async def _judge(self, commits: dict[str, int], *, chained: bool) -> dict[str, Any]:
        await self._looked_at()
        verdict = Verdict(commits, chained)
        for frame in self._arrivals.frames:
            verdict.hear(*frame)
        self._arrivals.frames, self._arrivals.events = [], 0
        return verdict.told()

    async def _close(self) -> dict[str, Any]:
        """Hang up all, and remember where each was."""
        await self._judge({}, chained=False)
        for one in self._listeners:
            one.close()
        self._left = [(one.token, one.cursor) for one in self._listeners]
        self._listeners = []
        self._arrivals.waiting.clear()
        return {}

    async def _tend(self) -> None:
        """Look at what has arrived whenever nothing more does."""
        arrivals, seen = self._arrivals, 0
        while True:
            quiet, seen = seen == arrivals.chunks, arrivals.chunks
            if arrivals.waiting and (quiet or time.monotonic_ns() - arrivals.waiting[0][0] > OLD_NS):
                arrivals.look()
            await asyncio.sleep(0 if quiet and arrivals.waiting else GLANCE_SECONDS)


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
