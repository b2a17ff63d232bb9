"""What a resolver can reach in one request or one operation of a socket. Nothing here is shared between requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg
from graphql import DocumentNode

from db.runner import Runner
from domain.actors import NOWHERE, Actor, Origin
from domain.errors import Unauthenticated
from domain.ids import MarketId, TaskId
from domain.return_pages import ReturnPages
from domain.tasks import TaskState
from gateways.geocoding import Geocoder
from gateways.links import Links
from resolvers.engine.engine import Engine
from services.cursors import Cursors
from services.identity.forms import SignIns


class Control(Protocol):
    """What ops see and do of the scheduled work, across tenants and without business data."""

    async def overview(self, actor: Actor) -> dict[str, Any]:
        """Queues, workers and duties."""

    async def tasks(self, actor: Actor, state: TaskState | None = None, first: int = 50) -> list[dict[str, Any]]:
        """The newest tasks."""

    async def retry(self, actor: Actor, task_id: TaskId) -> TaskId:
        """Give a dead task its attempts back."""

    async def run_now(self, actor: Actor, market_id: MarketId, duty: str) -> TaskId:
        """Do a duty now."""


class Limiter(Protocol):
    """Counts what strangers may do only so often."""

    def ensure(self, source: str) -> None:
        """Count one of this network address. Raises `RateLimited`."""
        ...


class VisitLimits(Protocol):
    """Counts what who books for themself may ask for only so often."""

    def ensure(self, booking: str, source: str) -> None:
        """Count one of this booking (or customer) and network address. Raises `RateLimited`."""
        ...


@dataclass(slots=True)
class Services:
    """What one process has once."""

    runner: Runner
    engine: Engine
    reads: asyncpg.Pool
    auth: SignIns
    control: Control
    sign_ups: Limiter | None = None
    """How often businesses may sign themselves up; None where this installation bills no plans (A42)."""
    geocoder: Geocoder | None = None
    """Knows where addresses are (R27); None where nobody was named."""
    visits: VisitLimits | None = None
    """How often who books for themself may ask for what costs something; None where nobody counts."""
    pages: ReturnPages = field(default_factory=ReturnPages)
    """Which pages people may be sent back to from their bank's; none unless told."""

    @property
    def links(self) -> Links:
        """Makes addresses of objects, and knows their store."""
        links: Links = self.engine.lent.links
        return links

    @property
    def cursors(self) -> Cursors:
        """Writes and reads places in the log, as the feeds do."""
        return Cursors(self.runner.secrets)


@dataclass(slots=True)
class Context:
    """One operation's surroundings."""

    services: Services
    actor: Actor | None
    request_id: str
    source: str
    """The client's network address."""
    document: DocumentNode | None = None
    """The operation's document, parsed and found valid before."""
    reauthenticate: Callable[[str], Awaitable[None]] | None = None
    """Renews the credential of the open socket; None over HTTP."""
    origin: Origin = NOWHERE
    """Where the request comes from, for what is signed."""

    @property
    def signed_in(self) -> Actor:
        """The actor. Raises `Unauthenticated` where there is none."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor
