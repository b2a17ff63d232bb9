"""GraphQL over websockets: the protocol graphql-transport-ws on plain ASGI, and nothing of feeds.

Malformed messages get the protocol's close codes. Queries and mutations run beside the subscriptions. A socket never
outlives its credential: it ends with 4403 (clients take 4401 and 4500 for final), or 1013 for "try later".
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import orjson
import structlog
from starlette.types import Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin, normalize_origin

from domain.errors import RateLimited, Refused, Unauthenticated, Unavailable
from subscriptions.frames import ACK, PROTOCOL, complete_message, error_message, next_message, next_prefix, pong_message
from subscriptions.hub import Hub
from subscriptions.messages import (
    BAD_REQUEST,
    FORBIDDEN,
    ID_TAKEN,
    INIT_AGAIN,
    INIT_TIMEOUT,
    INTERNAL_ERROR,
    TRY_LATER,
    UNAUTHORIZED,
    UNKNOWN_PROTOCOL,
    ProtocolError,
    bearer,
    optional,
    parsed,
    request_of,
    text_of,
)
from subscriptions.outlet import AsgiOutlet, Outlet, open_outlet
from subscriptions.plans import Request, Unacceptable
from subscriptions.ports import Connected, Limits, Operations, Ports, TokenVerifier, Verified
from subscriptions.sessions import Session, refused

__all__ = ["Connected", "Limits", "Operations", "Ports", "Socket", "TokenVerifier", "Verified"]

_log = structlog.get_logger("subscriptions.socket")


def utc_now() -> datetime:
    """This machine's clock, which tokens are measured by."""
    return datetime.now(UTC)


class Socket:
    """The ASGI application for websockets; `async with` keeps its ticker going."""

    def __init__(
        self, hub: Hub, ports: Ports, limits: Limits | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.hub = hub
        self.ports = ports
        self.limits = limits or Limits()
        self.clock = clock
        self.connections: set[Connection] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._opened = 0
        self._late: list[Session] = []

    async def __aenter__(self) -> Self:
        """Start the ticker."""
        self._ticker = asyncio.create_task(self._tick_for_ever(), name="socket-ticker")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop the ticker and let what runs come to its end."""
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
        if self._running:
            await asyncio.wait(self._running)

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
        self._opened += 1
        connection = Connection(self, scope, open_outlet(send), self._opened % self.limits.heartbeat_buckets)
        self.connections.add(connection)
        try:
            await connection.listen(receive)
        except asyncio.CancelledError:
            # An outlet that cannot abort a transport leaves the application instead.
            if not (isinstance(connection.outlet, AsgiOutlet) and connection.outlet.aborted):
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
        horizon = self.clock().timestamp() + self.limits.tick_seconds
        late, self._late = self._late, []
        for connection in list(self.connections):
            connection.tick(horizon)
            session = connection.session
            due = session is not None and not session.closed and (connection.bucket == bucket or session in late)
            if session is not None and due and not self.hub.beat(session):
                self._late.append(session)


class Connection:
    """One websocket: its handshake, its messages, its operations."""

    def __init__(self, socket: Socket, scope: Scope, outlet: Outlet, bucket: int) -> None:
        self.outlet = outlet
        self.bucket = bucket
        self.session: Session | None = None
        """There once the socket is acknowledged."""
        self._socket = socket
        self._scope = scope
        self._init_received = False
        self._closing = False
        self._opened_at = asyncio.get_running_loop().time()
        self._running: dict[str, Request] = {}
        """The queries and mutations whose answers are still wanted, by id."""
        self._executing = 0
        """How many run, wanted or not: who takes an id back does not stop what was begun."""

    async def listen(self, receive: Receive) -> None:
        """Take messages until the socket is gone."""
        while (message := await receive())["type"] != "websocket.disconnect":
            if self._closing:
                continue
            try:
                await self._take(message)
            except ProtocolError as error:
                self.close(error.code, error.reason)
            except Exception:  # noqa: BLE001 - logged with its trace
                # The edge of a socket: a bug ends it, is logged, and tells the client nothing.
                _log.exception("socket.failed")
                self.close(INTERNAL_ERROR, "Internal error")

    def close(self, code: int, reason: str) -> None:
        """End the socket; what comes in meanwhile is not looked at."""
        if not self._closing:
            self._closing = True
            if self.session is not None:
                self.session.closed = True
            self._socket.spawn(self.outlet.close(code, reason))

    def over(self) -> None:
        """The socket is gone."""
        self._closing = True
        if self.session is not None:
            self._socket.hub.detach(self.session)

    def tick(self, horizon: float) -> None:
        """End what waited too long for its init, or whose token ends before `horizon`."""
        if self._closing:
            return
        if self.session is not None:
            if self.session.expires_at.timestamp() <= horizon:
                self.close(FORBIDDEN, "Token expired")
        elif asyncio.get_running_loop().time() - self._opened_at > self._socket.limits.init_seconds:
            self.close(INIT_TIMEOUT, "Connection initialisation timeout")

    async def reauthenticate(self, token: str) -> datetime:
        """Go on under this token, for as long as it holds; its role counts from now.

        Raises `Unauthenticated` for a bad token (the socket keeps its old one) and for another tenant's or
        person's, which ends the socket with 4403.
        """
        session = self.session
        if session is None or self._closing:
            raise Unauthenticated
        verified = self._socket.ports.verifier.verify(token, self._socket.clock())
        actor = verified.actor
        if (actor.tenant, actor.person) != (session.actor.tenant, session.actor.person):
            self.close(FORBIDDEN, "Forbidden")
            raise Unauthenticated
        session.actor, session.expires_at = actor, verified.expires_at
        self._socket.hub.reconsider(session)
        return session.expires_at

    async def _take(self, received: Mapping[str, Any]) -> None:
        message = parsed(received, self._socket.limits.message_bytes)
        match message.get("type"):
            case "connection_init":
                await self._init(message)
            case "ping":
                self.outlet.write([pong_message(optional(message, "payload", dict))])
            case "pong":
                optional(message, "payload", dict)
            case "subscribe":
                self._subscribe(message)
            case "complete":
                self._complete(text_of(message, "id"))
            case _:
                raise ProtocolError(BAD_REQUEST, "Unknown message type")

    async def _init(self, message: Mapping[str, Any]) -> None:
        if self._init_received:
            raise ProtocolError(INIT_AGAIN, "Too many initialisation requests")
        self._init_received = True
        payload = optional(message, "payload", dict) or {}
        try:
            verified = self._socket.ports.verifier.verify(bearer(payload), self._socket.clock())
            session = Session(verified.actor, verified.expires_at, self.outlet)
            session.on_end = self.close
            await self._socket.hub.attach(session)
        except Refused as error:
            raise ProtocolError(FORBIDDEN, "Forbidden") from error
        except Unavailable as error:
            raise ProtocolError(TRY_LATER, "Try again later") from error
        self.session = session
        # Who it was, for the log's line at the socket's end.
        self._scope["actor"] = session.actor
        session.closed = self._closing
        if not self._closing:
            self.outlet.write([ACK])

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        operation, request = text_of(message, "id"), request_of(message)
        if self.session is None:
            raise ProtocolError(UNAUTHORIZED, "Unauthorized")
        if operation in self._running or operation in self.session.subscribers:
            raise ProtocolError(ID_TAKEN, f"Subscriber for {operation[:64]} already exists")
        try:
            self._begin(self.session, operation, request)
        except Unacceptable as error:
            self.outlet.write([error_message(operation, error.errors)])
        except Refused as refusal:
            self.outlet.write([error_message(operation, [refused(refusal)])])

    def _begin(self, session: Session, id: str, request: Request) -> None:
        if self._executing + len(session.subscribers) >= self._socket.limits.operations:
            raise RateLimited(f"A socket runs at most {self._socket.limits.operations} operations at once.")
        plan = self._socket.ports.planner.plan(request)
        if plan is not None:
            self._socket.hub.subscribe(session, id, plan)
            return
        self._running[id] = request
        self._executing += 1
        self._socket.spawn(self._execute(session, id, request))

    async def _execute(self, session: Session, id: str, request: Request) -> None:
        """Run a query or mutation to its end, whether or not its client still waits for it."""
        try:
            response = await self._socket.ports.operations.execute(session.actor, self, request.payload())
        except Exception:  # noqa: BLE001 - logged with its trace
            # The edge of an operation: a bug is logged here and masked for the client.
            _log.exception("socket.operation_failed")
            response = {"errors": [{"message": "Internal error.", "extensions": {"code": "INTERNAL"}}]}
        finally:
            self._executing -= 1
        # The id may be another operation's by now.
        if self._running.get(id) is not request or self._closing:
            return
        del self._running[id]
        if "data" in response:
            self.outlet.write([next_message(next_prefix(id), orjson.dumps(response)), complete_message(id)])
        else:
            self.outlet.write([error_message(id, response["errors"])])

    def _complete(self, id: str) -> None:
        self._running.pop(id, None)
        if self.session is not None and id in self.session.subscribers:
            self._socket.hub.unsubscribe(self.session.subscribers[id])
