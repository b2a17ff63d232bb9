"""A small contract and small ports, so that the feeds are tested as themselves: real sockets, log and hub, no more."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from graphql import DocumentNode, ExecutionResult, GraphQLResolveInfo, build_schema, execute_sync

from db.engine import read_pool
from db.secrets import Secrets
from domain.actors import Actor, Role, TenantId
from domain.errors import Unauthenticated
from services.cursors import Cursors
from services.swap_facts import viewer_facts_sql
from subscriptions.feeds.availability import AvailabilityFeed
from subscriptions.feeds.swaps import SwapMarketFeed
from subscriptions.hub import Hub, Parts
from subscriptions.log import Log
from subscriptions.plans import Planner
from subscriptions.reads import Reads
from subscriptions.socket import Connected, Limits, Ports, Socket
from subscriptions.wake import Wake

SECRETS = Secrets(b"feeds" * 8, b"s" * 32)
FACTS = viewer_facts_sql("stamp.tenant_id", "stamp.actor_id", "live.business_now")
SCHEMA = build_schema("""
scalar Cursor
scalar Time
type SwapCard { id: ID! marketId: ID! marketName: String! ownerId: ID! jobId: ID! status: String! note: String!
  startsAt: Time! viewerSkills: [String!] }
type SubmissionCard { id: ID! cleanerId: ID! slots: [Slot!]! isLate: Boolean! }
type Slot { startsAt: Time! }
type WindowCard { marketId: ID! number: Int zone: String state: String }
type SwapMarketSnapshot { cursor: Cursor! swaps: [SwapCard!]! serverTime: Time! }
type SwapListed { cursor: Cursor! previous: Cursor! swap: SwapCard! }
type SwapGone { cursor: Cursor! previous: Cursor! swapId: ID! }
type SwapHandedOver { cursor: Cursor! previous: Cursor! swapId: ID! jobId: ID! swap: SwapCard! viewerRole: String! }
type AvailabilitySnapshot { cursor: Cursor! serverTime: Time! windows: [WindowCard!]! submissions: [SubmissionCard!]! }
type AvailabilitySubmitted { cursor: Cursor! previous: Cursor! submission: SubmissionCard! }
type AvailabilityWindowChanged { cursor: Cursor! previous: Cursor! window: WindowCard! }
type Heartbeat { cursor: Cursor! serverTime: Time! }
type Resync { reason: String! }
union SwapMarketFrame = SwapMarketSnapshot | SwapListed | SwapGone | SwapHandedOver | Heartbeat | Resync
union AvailabilityFrame =
  AvailabilitySnapshot | AvailabilitySubmitted | AvailabilityWindowChanged | Heartbeat | Resync
type Query { hello: String! }
type Mutation { reauthenticate(token: String!): Time }
type Subscription { swapMarket(after: Cursor): SwapMarketFrame! availability(after: Cursor): AvailabilityFrame!
  unwatched: Int }
""")

SWAP_FIELDS = "id marketId marketName ownerId jobId status note startsAt"
COMMON = "... on Heartbeat { cursor } ... on Resync { reason }"


def market_query(extra: str = "") -> str:
    """The usual subscription of the swap market; `extra` are further fields of the card."""
    card = f"{{ {SWAP_FIELDS} {extra} }}"
    return f"""subscription Market($after: Cursor) {{ swapMarket(after: $after) {{ __typename
        ... on SwapMarketSnapshot {{ cursor serverTime swaps {card} }}
        ... on SwapListed {{ cursor previous swap {card} }}
        ... on SwapGone {{ cursor previous swapId }}
        ... on SwapHandedOver {{ cursor previous swapId jobId viewerRole swap {card} }}
        {COMMON} }} }}"""


MARKET = market_query()
PERSONAL_MARKET = market_query("viewerSkills")
AVAILABILITY = f"""subscription Availability($after: Cursor) {{ availability(after: $after) {{ __typename
    ... on AvailabilitySnapshot {{ cursor windows {{ marketId zone state }} submissions {{ id cleanerId isLate
        slots {{ startsAt }} }} }}
    ... on AvailabilitySubmitted {{ cursor previous submission {{ id cleanerId isLate slots {{ startsAt }} }} }}
    ... on AvailabilityWindowChanged {{ cursor previous window {{ marketId number }} }}
    {COMMON} }} }}"""


def _read(source: Any, info: GraphQLResolveInfo) -> Any:
    if info.parent_type.name == "Subscription":
        return source
    if info.field_name == "viewerSkills":
        return sorted((info.context or {}).get("skills", []))
    name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in info.field_name)
    value = source.get(name)
    return value.isoformat() if isinstance(value, datetime) else value


def _type(value: Any, info: GraphQLResolveInfo, _type: Any) -> str:
    return value["__typename"]


@dataclass(frozen=True)
class ToyRendering:
    """One operation."""

    document: DocumentNode
    operation_name: str | None
    variables: dict[str, Any] | None
    needs_viewer: bool

    def render(self, value: Mapping[str, Any], viewer: Any = None, now: datetime | None = None) -> ExecutionResult:
        result = execute_sync(
            SCHEMA,
            self.document,
            value,
            viewer,
            self.variables,
            self.operation_name,
            field_resolver=_read,
            type_resolver=_type,
        )
        assert result.errors is None, result.errors
        return result

    def template(self, value: Mapping[str, Any], now: datetime | None = None) -> None:
        return None


class ToyRenderer:
    """Compiles nothing."""

    def renderer(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        variables: dict[str, Any] | None = None,
        role: str | None = None,
    ) -> ToyRendering:
        personal = "viewerSkills" in document.loc.source.body if document.loc else False
        return ToyRendering(document, operation_name, variables, personal)


@dataclass(frozen=True)
class ToyVerified:
    actor: Actor
    expires_at: datetime


def token_of(actor: Actor, expires_at: datetime) -> str:
    """A token that this toy's verifier accepts."""
    claims = {
        "tenant": str(actor.tenant),
        "role": actor.role,
        "person": str(actor.person),
        "session": str(actor.session),
        "exp": expires_at.timestamp(),
    }
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()


class ToyVerifier:
    """Believes every well-formed token until it expires."""

    def verify(self, token: str, now: datetime) -> ToyVerified:
        try:
            claims = json.loads(base64.urlsafe_b64decode(token))
        except ValueError as error:
            raise Unauthenticated from error
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        if expires_at <= now:
            raise Unauthenticated
        actor = Actor(
            TenantId(UUID(claims["tenant"])), Role(claims["role"]), UUID(claims["person"]), UUID(claims["session"])
        )
        return ToyVerified(actor, expires_at)


class ToyOperations:
    """Answers `hello`, refuses nonsense, breaks or stalls on demand, and lets a socket reauthenticate."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.socket: Socket | None = None

    def census(self) -> dict[str, int]:
        """What the process has in hand for its sockets."""
        assert self.socket is not None
        waiting = [connection.outlet.waiting_bytes for connection in self.socket.connections]
        return {"sockets": len(waiting), "waiting": sum(waiting), "tasks": len(asyncio.all_tasks())}

    async def execute(self, actor: Actor, connected: Connected, payload: Mapping[str, Any]) -> dict[str, Any]:
        if "census" in payload["query"]:
            return {"data": self.census()}
        if "reauthenticate" in payload["query"]:
            try:
                return {"data": {"reauthenticate": await connected.reauthenticate(payload["variables"]["token"])}}
            except Unauthenticated as refusal:
                return {"data": None, "errors": [{"message": refusal.message, "extensions": {"code": refusal.code}}]}
        if "stall" in payload["query"]:
            await self.let_go.wait()
        if "release" in payload["query"]:
            self.let_go.set()
        if "break" in payload["query"]:
            raise ValueError("secret detail")
        if "hello" not in payload["query"]:
            return {"errors": [{"message": "No such field."}]}
        return {"data": {"hello": f"{actor.role}"}}


def window_card(market: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {"market_id": market["id"], "zone": market["zone"], "state": "OPEN", "number": 0}


@dataclass(frozen=True)
class Wiring:
    """How one API process of the tests is set up; goes to it as JSON."""

    database_url: str
    feed_url: str
    redis_url: str | None = None
    poll_seconds: float = 1.0
    heartbeat_seconds: float = 5.0
    init_seconds: float = 10.0
    stall_seconds: float = 10.0
    transport: bool = True
    allowed_origins: tuple[str, ...] = ()
    grace_seconds: int = 2
    """How long the server itself waits for its connections when it is told to stop."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Further limits, by their names."""

    def text(self) -> str:
        return orjson.dumps(self).decode()


@contextlib.asynccontextmanager
async def open_socket(wiring: Wiring) -> AsyncIterator[Socket]:
    """Everything that an API process needs for its sockets, put together as the application does."""
    pool: asyncpg.Pool = await read_pool(wiring.database_url, size=4)
    parts = Parts(Log(wiring.feed_url), Reads(pool, FACTS), Wake(wiring.redis_url), ToyRenderer(), Cursors(SECRETS))
    planner = Planner(SCHEMA, [SwapMarketFeed(), AvailabilityFeed(window_card)])
    limits = Limits(
        init_seconds=wiring.init_seconds,
        heartbeat_seconds=wiring.heartbeat_seconds,
        stall_seconds=wiring.stall_seconds,
        allowed_origins=frozenset(wiring.allowed_origins),
        **wiring.limits,  # type: ignore[arg-type]
    )
    hub = Hub(parts, poll_seconds=wiring.poll_seconds, stall_seconds=wiring.stall_seconds)
    operations = ToyOperations()
    socket = operations.socket = Socket(hub, Ports(planner, ToyVerifier(), operations), limits)
    async with parts.wake, hub, socket:
        yield socket
    pool.terminate()
