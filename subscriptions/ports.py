"""What the socket needs of the rest of the application, and what it lets one client do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain.actors import Actor
from subscriptions.plans import Planner


class Verified(Protocol):
    """A credential that has proven itself."""

    @property
    def actor(self) -> Actor:
        """Who it is."""

    @property
    def expires_at(self) -> datetime:
        """Until when it holds."""


class TokenVerifier(Protocol):
    """Knows access tokens."""

    def verify(self, token: str, now: datetime) -> Verified:
        """Who the token stands for; raises `Unauthenticated` for anything but a good one."""


class Connected(Protocol):
    """What an operation on a socket can do with its socket."""

    async def reauthenticate(self, token: str) -> datetime:
        """Go on under a newer token of the same person; until when. See `Connection.reauthenticate`."""


class Operations(Protocol):
    """Runs queries and mutations."""

    async def execute(self, actor: Actor, connected: Connected, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The response of `{query, operationName, variables}`, as over HTTP; without "data" it was not executed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may do, and the rhythm of its life."""

    message_bytes: int = 262_144
    operations: int = 50
    init_seconds: float = 10.0
    heartbeat_seconds: float = 15.0
    heartbeat_buckets: int = 15
    allowed_origins: frozenset[str] = frozenset()
    """As browsers send them; the server's own origin is always allowed."""

    @property
    def tick_seconds(self) -> float:
        """How often the ticker looks: each time at another bucket's heartbeats, and at every socket's end."""
        return min(1.0, self.heartbeat_seconds / self.heartbeat_buckets)


@dataclass(frozen=True, slots=True)
class Ports:
    """What the socket needs of the rest of the application."""

    planner: Planner
    verifier: TokenVerifier
    operations: Operations
