"""GraphQL over websockets on plain ASGI: who may come in, and what happens by the clock.

`subscriptions.connection` is one socket. One ticker serves them all: timers of their own would cost more than they do.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, Self

import structlog
from starlette.types import Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from subscriptions.bounds import Crowd
from subscriptions.connection import Connection, House
from subscriptions.frames import PROTOCOL
from subscriptions.hub import Hub
from subscriptions.messages import FORBIDDEN, TRY_LATER, UNKNOWN_PROTOCOL
from subscriptions.outlet import AsgiOutlet, Outlet, open_outlet
from subscriptions.ports import Connected, Limits, Operations, Ports, TokenVerifier, Verified
from subscriptions.sessions import Session

__all__ = ["Connected", "Limits", "Operations", "Ports", "Socket", "TokenVerifier", "Verified"]

END_SECONDS: Final = 2.0

_log = structlog.get_logger("subscriptions.socket")


def utc_now() -> datetime:
    """This machine's clock, which tokens are measured by."""
    return datetime.now(UTC)


class Socket:
    """The ASGI application for websockets; `async with` keeps its ticker going."""

    def __init__(
        self, hub: Hub, ports: Ports, limits: Limits | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.limits = limits or Limits()
        self.connections: set[Connection] = set()
        self._crowd = Crowd(self.limits)
        self._house = House(hub, ports, self.limits, self._crowd, clock, self.spawn)
        self._running: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._opened = 0
        self._late: list[Session] = []

    async def __aenter__(self) -> Self:
        """Start the ticker."""
        self._ticker = asyncio.create_task(self._tick_for_ever(), name="socket-ticker")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the ticker, and give what runs a moment to come to its end."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
        if self._running:
            _done, unfinished = await asyncio.wait(self._running, timeout=END_SECONDS)
            for task in unfinished:
                task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket from its handshake to its end."""
        await receive()
        if not self._allows(scope):
            await send({"type": "websocket.close", "code": FORBIDDEN})
            return
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": UNKNOWN_PROTOCOL, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        address = scope["client"][0] if scope.get("client") else None
        if not self._crowd.come(address):
            reason = "Too many sockets from one address"
            await send({"type": "websocket.close", "code": TRY_LATER, "reason": reason})
            return
        try:
            await self._serve(scope, receive, open_outlet(send))
        finally:
            self._crowd.go(address)

    async def _serve(self, scope: Scope, receive: Receive, outlet: Outlet) -> None:
        self._opened += 1
        connection = Connection(self._house, scope, outlet, self._opened % self.limits.heartbeat_buckets)
        self.connections.add(connection)
        try:
            await connection.listen(receive)
        except asyncio.CancelledError:
            # An outlet that cannot abort a transport leaves the application instead.
            if not (isinstance(outlet, AsgiOutlet) and outlet.aborted):
                raise
        finally:
            self.connections.discard(connection)
            connection.over()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the sockets that must not be cancelled with one."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _allows(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None:
            return True
        text = origin.decode("latin-1")
        allowed = normalize_origin(text) in self.limits.allowed_origins
        return allowed or is_same_origin(text, headers.get(b"host", b"").decode("latin-1"))

    async def _tick_for_ever(self) -> None:
        bucket = 0
        while True:
            await asyncio.sleep(self.limits.tick_seconds)
            bucket = (bucket + 1) % self.limits.heartbeat_buckets
            try:
                self._tick(bucket)
            except Exception:  # noqa: BLE001 - logged with its trace
                # The edge of a task: one tick's bug must not end expiry for all sockets.
                _log.exception("socket.tick_failed")

    def _tick(self, bucket: int) -> None:
        # A token that ends before the next tick ends now, so that no frame leaves after its end.
        horizon = self._house.clock().timestamp() + self.limits.tick_seconds
        late, self._late = self._late, []
        for connection in list(self.connections):
            connection.tick(horizon)
            session = connection.session
            due = session is not None and not session.closed and (connection.beat == bucket or session in late)
            if session is not None and due and not self._house.hub.beat(session):
                self._late.append(session)
