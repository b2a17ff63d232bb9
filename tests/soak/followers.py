"""Clients that follow a feed through everything: they lose their connection, come back with their cursor, keep count.

A follower trusts two signs only: `previous`, which shows a hole, and heartbeats, whose absence shows a dead line.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from domain.actors import Actor
from tests.soak.cluster import HEARTBEAT_SECONDS
from tests.soak.folding import Fold, Frame
from tests.subscriptions.client import GRAPHQL_WS

SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
CONNECT_SECONDS = 3.0
FRESH_SECONDS = 30.0
"""For a beginner right after the faults, when everything is catching up."""
GOING_AWAY = frozenset({1000, 1012, 1013})
NOT_HEARD = 1011, "keepalive ping timeout"
"""How a server may end a good client's connection: it stops, cannot serve now, or has not heard from it for long."""
OFTEN = 0.05, 0.3
"""How long to wait before coming back: between these, in seconds."""


class Lost(Exception):
    """This connection is of no use any more."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a tenant's log, as read out of a cursor (which clients take for opaque)."""

    epoch: int
    seq: int

    @classmethod
    def of(cls, cursor: str) -> "Place":
        epoch, seq, *_ = cursor.split(".")
        return cls(int(epoch), int(seq))


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame that was handled; a snapshot is about nothing in particular."""

    kind: str
    seq: int
    about: str | None = None


@dataclass(slots=True)
class Line:
    """Where a client finds the API, and how it proves who it is."""

    ports: list[int]
    token: Callable[[Actor], str]


@dataclass(slots=True)
class Device:
    """What a client runs on: its clock may be days wrong, and says so wherever a client could mention the time."""

    wrong_by: timedelta = timedelta()

    def now(self) -> datetime:
        """What the device takes for the time."""
        return datetime.now(UTC) + self.wrong_by

    def headers(self) -> dict[str, str]:
        """What goes with a request."""
        return {"date": format_datetime(self.now(), usegmt=True)}


@dataclass(slots=True)
class Follower:
    """One client with one subscription."""

    name: str
    actor: Actor
    fold: Fold
    line: Line
    chance: random.Random
    device: Device = field(default_factory=Device)
    seen: list[Seen] = field(default_factory=list)
    last: str | None = None
    connections: int = 0
    holes: int = 0
    """How often `previous` was not what this client had last."""
    silences: int = 0
    resyncs: int = 0
    complaints: list[Any] = field(default_factory=list)
    """Errors of the operation: there should be none."""
    _stopped: bool = False

    async def follow(self) -> None:
        """Go on until stopped."""
        while not self._stopped:
            try:
                await self._once()
            except ConnectionClosed as closed:
                self._judge(closed)
            except (OSError, WebSocketException, TimeoutError, Lost):
                pass
            await asyncio.sleep(self.chance.uniform(*OFTEN))

    def stop(self) -> None:
        """End with the next frame."""
        self._stopped = True

    async def fresh(self, port: int) -> dict[Any, Any]:
        """The state of somebody who begins now and comes as far as this follower, over a connection of its own."""
        beginner = Follower(f"{self.name}, anew", self.actor, self.fold.anew(), self.line, self.chance)
        async with asyncio.timeout(FRESH_SECONDS), beginner._subscribed(port, FRESH_SECONDS) as connection:
            # A snapshot may be a second old: what has happened since follows it.
            while beginner.seq < self.seq:
                beginner._take(await beginner._next(connection))
        return beginner.fold.state

    @property
    def seq(self) -> int:
        """How far it has been brought."""
        return -1 if self.last is None else Place.of(self.last).seq

    async def _once(self) -> None:
        async with self._subscribed(self.chance.choice(self.line.ports)) as connection:
            while not self._stopped:
                try:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        frame = await self._next(connection)
                except TimeoutError:
                    self.silences += 1
                    raise
                self._take(frame)

    @asynccontextmanager
    async def _subscribed(self, port: int, patience: float = CONNECT_SECONDS) -> AsyncIterator[ClientConnection]:
        address = f"ws://127.0.0.1:{port}/graphql"
        headers = self.device.headers()
        async with asyncio.timeout(patience):
            connection = await connect(
                address, subprotocols=[GRAPHQL_WS], additional_headers=headers, proxy=None, ping_interval=None
            )
        try:
            self.connections += 1
            async with asyncio.timeout(patience):
                await self._introduce(connection)
            yield connection
        finally:
            connection.transport.abort()
            await connection.wait_closed()

    async def _introduce(self, connection: ClientConnection) -> None:
        # The server must not care what else a client says, the time by its own clock for one.
        mine = {"clientTime": self.device.now(), "authorization": f"Bearer {self.line.token(self.actor)}"}
        await _send(connection, {"type": "connection_init", "payload": mine})
        if orjson.loads(await connection.recv())["type"] != "connection_ack":
            raise Lost
        wish = {"query": self.fold.query, "variables": {} if self.last is None else {"after": self.last}}
        await _send(connection, {"id": "1", "type": "subscribe", "payload": wish})

    async def _next(self, connection: ClientConnection) -> Frame:
        message = orjson.loads(await connection.recv())
        payload = message.get("payload")
        if message["type"] != "next" or "errors" in payload:
            self.complaints.append(message)
            raise Lost
        (frame,) = payload["data"].values()
        return frame

    def _judge(self, closed: ConnectionClosed) -> None:
        said = closed.rcvd
        if said and said.code not in GOING_AWAY and (said.code, said.reason) != NOT_HEARD:
            self.complaints.append(f"closed with {said}")

    def _take(self, frame: Frame) -> None:
        if "previous" in frame and frame["previous"] != self.last:
            self.holes += 1
            raise Lost
        kind, cursor = frame["__typename"], frame.get("cursor")
        if kind == "Resync":
            # Who looks through personal eyes may find on coming back that they have changed, and begins anew.
            self.resyncs += not (self.fold.is_personal and frame["reason"] == "VIEWER_CHANGED")
        elif kind.endswith("Snapshot"):
            self.fold.begin(frame)
            self.seen.append(Seen("snapshot", Place.of(frame["cursor"]).seq))
        elif kind != "Heartbeat":
            self.seen.append(Seen(kind, Place.of(frame["cursor"]).seq, self.fold.change(frame)))
        self.last = cursor or self.last


async def _send(connection: ClientConnection, message: Any) -> None:
    await connection.send(orjson.dumps(message).decode())
