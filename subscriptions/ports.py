"""What the socket needs of the rest of the application, and what it lets one client do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Final, Protocol

from domain.actors import Actor, Origin
from subscriptions.plans import Planner

LEAST_BUCKETS: Final = 5


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

    @property
    def origin(self) -> Origin:
        """Where the socket comes from."""

    async def reauthenticate(self, token: str) -> datetime:
        """Go on under a newer token of the same person; until when. See `Connection.reauthenticate`."""


class Operations(Protocol):
    """Runs queries and mutations."""

    async def execute(self, actor: Actor, connected: Connected, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The response of `{query, operationName, variables}`, as over HTTP; without "data" it was not executed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may do, how many there may be, and the rhythm of their lives."""

    message_bytes: int = 262_144
    id_characters: int = 256
    """Of an operation, whose id is sent with each of its frames."""
    operations: int = 50
    """At once."""
    messages_a_second: float = 100.0
    messages_at_once: float = 1_000.0
    """What a socket may say beyond that in one go; as much again is refused, and then it is closed."""
    sockets_a_person: int = 20
    sockets_a_tenant: int = 10_000
    sockets_an_address: int = 10_000
    """Of one process, each: a client that is refused may find room at another."""
    stall_seconds: float = 10.0
    """A socket that takes nothing for so long is dropped."""
    waiting_bytes: int = 8 * 2**20
    """A socket for which more waits to be sent is dropped at once."""
    init_seconds: float = 10.0
    heartbeat_seconds: float = 5.0
    """In which a client learns that a frame was lost on its way to it: a heartbeat names the one before."""
    allowed_origins: frozenset[str] = frozenset()
    """As browsers send them; the server's own origin is always allowed."""

    @property
    def heartbeat_buckets(self) -> int:
        """Sockets beat in so many turns, so that thousands do not fall into one instant."""
        return max(LEAST_BUCKETS, ceil(self.heartbeat_seconds))

    @property
    def tick_seconds(self) -> float:
        """How often the ticker looks, once a second or oftener: at another bucket's heartbeats, and at every end."""
        return self.heartbeat_seconds / self.heartbeat_buckets


@dataclass(frozen=True, slots=True)
class Ports:
    """What the socket needs of the rest of the application."""

    planner: Planner
    verifier: TokenVerifier
    operations: Operations
