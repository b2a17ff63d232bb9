"""One websocket of graphql-transport-ws: its handshake, its messages, its operations, and nothing of feeds.

Malformed messages get the protocol's close codes. Queries and mutations run beside the subscriptions. A socket never
outlives its credential: it ends with 4403 (clients take 4401 and 4500 for final), or 1013 for "try later". Who does not
read is not heard either, so that nothing piles up for them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

import orjson
import structlog
from starlette.types import Receive, Scope

from domain.actors import Actor, Origin, origin_of
from domain.errors import RateLimited, Refused, Unauthenticated, Unavailable
from subscriptions.bounds import DOCUMENT_CHARACTERS_A_TOKEN, MESSAGE_BYTES_A_TOKEN, Bucket, Crowd
from subscriptions.frames import ACK, complete_message, error_message, next_message, next_prefix, pong_message
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
    ProtocolError,
    bearer,
    id_of,
    optional,
    parsed,
    request_of,
)
from subscriptions.outlet import Outlet
from subscriptions.plans import Request, Unacceptable
from subscriptions.ports import Limits, Ports
from subscriptions.sessions import Session, refused

_log = structlog.get_logger("subscriptions.socket")


@dataclass(frozen=True, slots=True)
class House:
    """What all sockets of a process share."""

    hub: Hub
    ports: Ports
    limits: Limits
    crowd: Crowd
    clock: Callable[[], datetime]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    """Runs something beside the sockets that must not be cancelled with one."""


class Connection:
    """One websocket. `beat` is the heartbeats' bucket that it belongs to."""

    __slots__ = (
        "_bucket",
        "_closing",
        "_executing",
        "_guest",
        "_house",
        "_init_received",
        "_opened_at",
        "_running",
        "_scope",
        "beat",
        "origin",
        "outlet",
        "session",
    )

    def __init__(self, house: House, scope: Scope, outlet: Outlet, beat: int) -> None:
        self.outlet = outlet
        self.beat = beat
        self.session: Session | None = None
        """There once the socket is acknowledged."""
        self._house = house
        self._scope = scope
        self.origin = _origin_of(scope)
        """Where the socket comes from; its headers are let go once it is open."""
        self._guest: Actor | None = None
        """Who has a place among the sockets, if anybody yet."""
        self._init_received = False
        self._closing = False
        self._opened_at = _now()
        self._bucket = Bucket(house.limits.messages_a_second, house.limits.messages_at_once, self._opened_at)
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
                await self._pause()
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
            self._house.spawn(self.outlet.close(code, reason))

    def _drop(self) -> None:
        self._closing = True
        if self.session is not None:
            self.session.closed = True
        self.outlet.abort()

    def over(self) -> None:
        """The socket is gone, or the server is going."""
        self._closing = True
        self.outlet.leave()
        if self.session is not None:
            self._house.hub.detach(self.session)
        if self._guest is not None:
            self._house.crowd.leave(self._guest)
            self._guest = None

    def tick(self, horizon: float) -> None:
        """End what waited too long for its init, whose token ends before `horizon`, or for whom too much waits."""
        if self.outlet.is_closing:
            self.outlet.leave()
        elif self.outlet.waiting_bytes > self._house.limits.waiting_bytes:
            self._drop()
        if self._closing:
            return
        if self.session is not None:
            if self.session.expires_at.timestamp() <= horizon:
                self.close(FORBIDDEN, "Token expired")
        elif _now() - self._opened_at > self._house.limits.init_seconds:
            self.close(INIT_TIMEOUT, "Connection initialisation timeout")

    async def reauthenticate(self, token: str) -> datetime:
        """Go on under this token, for as long as it holds; its role counts from now.

        Raises `Unauthenticated` for a bad token (the socket keeps its old one) and for another tenant's or
        person's, which ends the socket with 4403.
        """
        session = self.session
        if session is None or self._closing:
            raise Unauthenticated
        verified = self._house.ports.verifier.verify(token, self._house.clock())
        actor = verified.actor
        if (actor.tenant, actor.person) != (session.actor.tenant, session.actor.person):
            self.close(FORBIDDEN, "Forbidden")
            raise Unauthenticated
        session.actor, session.expires_at = actor, verified.expires_at
        self._house.hub.reconsider(session)
        return session.expires_at

    async def _take(self, received: Mapping[str, Any]) -> None:
        message = parsed(received, self._house.limits.message_bytes)
        self._bucket.take(1 + len(received["text"]) // MESSAGE_BYTES_A_TOKEN, _now())
        if self._bucket.is_flooded:
            raise ProtocolError(TRY_LATER, "Too many messages")
        match message.get("type"):
            case "connection_init":
                await self._init(message)
            case "ping":
                self._pong(optional(message, "payload", dict))
            case "pong":
                optional(message, "payload", dict)
            case "subscribe":
                self._subscribe(message)
            case "complete":
                self._complete(id_of(message, self._house.limits.id_characters))
            case _:
                raise ProtocolError(BAD_REQUEST, "Unknown message type")

    def _pong(self, payload: dict[str, Any] | None) -> None:
        try:
            self.outlet.write([pong_message(payload)])
        except orjson.JSONEncodeError as error:
            raise ProtocolError(BAD_REQUEST, "Nested too deeply") from error

    async def _pause(self) -> None:
        """Let others go first after a client that says much, and hear no more of one that reads nothing."""
        if not await self.outlet.room(self._house.limits.stall_seconds):
            self._drop()
        elif self._bucket.is_hurried:
            await asyncio.sleep(0)

    async def _init(self, message: Mapping[str, Any]) -> None:
        if self._init_received:
            raise ProtocolError(INIT_AGAIN, "Too many initialisation requests")
        self._init_received = True
        payload = optional(message, "payload", dict) or {}
        try:
            verified = self._house.ports.verifier.verify(bearer(payload), self._house.clock())
            self._house.crowd.admit(verified.actor)
            self._guest = verified.actor
            session = Session(verified.actor, verified.expires_at, self.outlet)
            session.on_end = self.close
            await self._house.hub.attach(session)
        except RateLimited as error:
            raise ProtocolError(TRY_LATER, error.message) from error
        except Refused as error:
            raise ProtocolError(FORBIDDEN, "Forbidden") from error
        except Unavailable as error:
            raise ProtocolError(TRY_LATER, "Try again later") from error
        self.session = session
        # Who it was, for the log's line at the socket's end. The headers are as large as all the rest of a socket.
        self._scope["actor"], self._scope["headers"] = session.actor, []
        session.closed = self._closing
        if not self._closing:
            self.outlet.write([ACK])

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        operation, request = id_of(message, self._house.limits.id_characters), request_of(message)
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
        if self._executing + len(session.subscribers) >= self._house.limits.operations:
            raise RateLimited(f"A socket runs at most {self._house.limits.operations} operations at once.")
        if self._bucket.wait_seconds:
            raise RateLimited(retry_after_ms=ceil(self._bucket.wait_seconds * 1000))
        if not self._house.ports.planner.knows(request):
            self._bucket.take(len(request.query) / DOCUMENT_CHARACTERS_A_TOKEN, _now())
        plan = self._house.ports.planner.plan(request)
        if plan is not None:
            self._house.hub.subscribe(session, id, plan)
            return
        self._running[id] = request
        self._executing += 1
        self._house.spawn(self._execute(session, id, request))

    async def _execute(self, session: Session, id: str, request: Request) -> None:
        """Run a query or mutation to its end, whether or not its client still waits for it."""
        try:
            response = await self._house.ports.operations.execute(session.actor, self, request.payload())
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
            self._house.hub.unsubscribe(self.session.subscribers[id])


def _now() -> float:
    return asyncio.get_running_loop().time()


def _origin_of(scope: Scope) -> Origin:
    agent = dict(scope.get("headers", ())).get(b"user-agent", b"").decode("latin-1")
    return origin_of(scope["client"][0] if scope.get("client") else "", agent)
