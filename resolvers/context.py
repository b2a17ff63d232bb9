"""What a resolver can reach in one request or one operation of a socket. Nothing here is shared between requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from db.runner import Runner
from domain.actors import Actor
from domain.errors import Unauthenticated
from resolvers.engine.engine import Engine


class Auth(Protocol):
    """Signing in and out: hashing and token signing around the identity commands."""

    def __getattr__(self, name: str, /) -> Callable[..., Awaitable[Any]]: ...


class Control(Protocol):
    """What ops see and do of the scheduled work, across tenants and without business data."""

    async def overview(self) -> dict[str, Any]: ...

    async def tasks(self, state: str | None, first: int) -> list[dict[str, Any]]: ...

    async def retry(self, actor: Actor, task_id: Any, request_id: str) -> Any: ...

    async def run_now(self, actor: Actor, market_id: Any, duty: str, request_id: str) -> Any: ...


@dataclass(slots=True)
class Services:
    """What one process has once."""

    runner: Runner
    engine: Engine
    reads: asyncpg.Pool
    auth: Auth
    control: Control


@dataclass(slots=True)
class Context:
    """One operation's surroundings."""

    services: Services
    actor: Actor | None
    request_id: str
    source: str
    """The client's network address."""
    reauthenticate: Callable[[str], Awaitable[None]] | None = None
    """Renews the credential of the open socket; None over HTTP."""

    @property
    def signed_in(self) -> Actor:
        """The actor. Raises `Unauthenticated` where there is none."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor
