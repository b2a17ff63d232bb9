"""The usual live feed, as Strawberry's and broadcaster's documentation teach it: the other side of the comparison.

An async generator a subscriber over a channel of `Broadcast("redis://...")`, Strawberry's own ASGI view with its
graphql-transport-ws, which executes the selection for every subscriber and event. The event carries the card, so that
nothing is read from the database once the snapshot is out. Credentials, the stamp, row-level security and the request
log are the product's own; the schema has only what the benchmark selects. Run by itself:
`python -m benchmarks.usual_live`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast

import orjson
import strawberry
import uvicorn
from broadcaster import Broadcast
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.types.unset import UNSET, UnsetType

from app.logs import RequestLog, configure_logs
from app.settings import Settings
from app.tokens import TokenVerifier, utc_now
from benchmarks.installation import signing_key
from benchmarks.usual import STAMPED_FACTS, STAMPED_OPEN, CanTake, Reason
from domain.actors import Actor, TenantId
from domain.eligibility import reasons_not_to_take
from domain.errors import Refused
from domain.feeds import HandOverRole, ResyncReason
from domain.swaps import SwapStatus
from services.cards import SWAP_CARD, SWAP_CARD_FROM
from services.swap_facts import ViewerFacts, swap_facts, viewer_facts

Card = Mapping[str, Any]
PENDING = text(
    f"""select coalesce(json_agg({SWAP_CARD} order by s.expires_at, s.id), '[]') from {SWAP_CARD_FROM}
    where s.tenant_id = current_setting('app.tenant_id')\\:\\:uuid and s.status = 'PENDING'
    and exists (select from cleaner_market cm where cm.tenant_id = s.tenant_id and cm.market_id = s.market_id
                and cm.cleaner_id = current_setting('app.actor_id')\\:\\:uuid)""".replace("::text", "\\:\\:text")
)

strawberry.enum(HandOverRole)
strawberry.enum(ResyncReason)


class SocketContext(dict[str, Any]):
    """What resolvers reach: Strawberry's own dictionary, and who it is once the socket is acknowledged."""

    actor: Actor
    facts: ViewerFacts | None
    markets: frozenset[str]


@strawberry.type
class SwapCard:
    """What the market shows of a shift."""

    id: strawberry.ID
    status: SwapStatus
    note: str
    owner_name: str
    market_name: str
    starts_at: datetime
    ends_at: datetime
    expected_hours: Decimal
    city: str
    bedrooms: int
    expires_at: datetime
    card: strawberry.Private[Card]

    @strawberry.field
    def viewer_can_take(self, info: strawberry.Info) -> CanTake | None:
        """Whether the acting cleaner may take it, by the product's own rules."""
        viewer = cast("SocketContext", info.context).facts
        if viewer is None:
            return None
        reasons = reasons_not_to_take(swap_facts(self.card), viewer.taker, viewer.policy.swaps, utc_now())
        return CanTake(ok=not reasons, reasons=[Reason(code=one.code, message=one.message) for one in reasons])


@strawberry.type
class SwapMarketSnapshot:
    """The open swaps."""

    cursor: str
    swaps: list[SwapCard]


@strawberry.type
class SwapListed:
    """A swap is open."""

    cursor: str
    previous: str
    swap: SwapCard


@strawberry.type
class SwapGone:
    """A swap is not open any more."""

    cursor: str
    previous: str
    swap_id: strawberry.ID


@strawberry.type
class SwapHandedOver:
    """A shift has changed hands."""

    cursor: str
    previous: str
    swap_id: strawberry.ID
    job_id: strawberry.ID
    viewer_role: HandOverRole


@strawberry.type
class Heartbeat:
    """The line is alive."""

    cursor: str


@strawberry.type
class Resync:
    """What is missing cannot be replayed."""

    reason: ResyncReason


Frame = Annotated[
    SwapMarketSnapshot | SwapListed | SwapGone | SwapHandedOver | Heartbeat | Resync,
    strawberry.union("SwapMarketFrame"),
]


def channel_of(tenant: TenantId) -> str:
    """Where the events of a business are published."""
    return f"swap-market-{tenant}"


@strawberry.type
class Query:
    """A schema has one."""

    @strawberry.field
    def alive(self) -> bool:
        """Yes."""
        return True


@strawberry.type
class Subscription:
    """What can be listened to."""

    @strawberry.subscription
    async def swap_market(self, info: strawberry.Info) -> AsyncGenerator[Frame, None]:
        """The state, and every change of it."""
        context = cast("SocketContext", info.context)
        async with context["broadcast"].subscribe(channel=channel_of(context.actor.tenant)) as events:
            rows = await _snapshot(context)
            yield SwapMarketSnapshot(cursor="0", swaps=[_card(row) for row in rows])
            async for event in events:
                card = orjson.loads(event.message)
                if card["market_id"] in context.markets:
                    yield SwapListed(cursor=card["note"], previous="", swap=_card(card))


async def _snapshot(context: SocketContext) -> list[Card]:
    """The pending swaps of the viewer's markets, and the viewer's facts into the context, in one transaction."""
    actor = context.actor
    stamp = {"p1": str(actor.tenant), "p2": str(actor.person), "p3": str(actor.role), "p4": str(actor.session)}
    engine: AsyncEngine = context["engine"]
    async with engine.begin() as connection:
        if (await connection.execute(STAMPED_OPEN, stamp)).first() is None:
            raise ConnectionRejectionError
        facts = await connection.scalar(STAMPED_FACTS)
        context.facts, context.markets = viewer_facts(facts), frozenset(facts["markets"])
        rows: list[Card] = await connection.scalar(PENDING)
        return rows


def _card(row: Card) -> SwapCard:
    return SwapCard(
        id=strawberry.ID(row["id"]),
        status=SwapStatus(row["status"]),
        note=row["note"],
        owner_name=row["owner_name"],
        market_name=row["market_name"],
        starts_at=datetime.fromisoformat(row["starts_at"]),
        ends_at=datetime.fromisoformat(row["ends_at"]),
        expected_hours=Decimal(row["expected_hours"]),
        city=row["city"],
        bedrooms=row["bedrooms"],
        expires_at=datetime.fromisoformat(row["expires_at"]),
        card=row,
    )


class LiveGraphQL(GraphQL[Any, None]):
    """Strawberry's view with the credential of `connection_init`."""

    def __init__(self, schema: strawberry.Schema, verifier: TokenVerifier, shared: Mapping[str, Any]) -> None:
        super().__init__(schema, graphql_ide=None)
        self._verifier = verifier
        self._shared = shared

    async def get_context(self, request: Any, response: Any) -> Any:
        """What every operation of the socket shares."""
        return SocketContext(request=request, response=response, **self._shared)

    async def on_ws_connect(self, context: Any) -> UnsetType | dict[str, object] | None:
        """Who it is, or no socket."""
        token = str((context.get("connection_params") or {}).get("authorization", "")).partition(" ")[2]
        try:
            context.actor = self._verifier.verify(token, utc_now()).actor
        except Refused:
            raise ConnectionRejectionError from None
        context["request"].scope["actor"] = context.actor
        return UNSET


def application(settings: Settings) -> RequestLog:
    """The usual application over the settings' servers, with the product's request log around it."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    engine = create_async_engine(
        settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=settings.pool_size
    )
    broadcast = Broadcast(settings.redis_url)
    schema = strawberry.Schema(query=Query, subscription=Subscription)
    view = LiveGraphQL(schema, TokenVerifier([signing_key().public]), {"engine": engine, "broadcast": broadcast})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await broadcast.connect()
        yield
        await broadcast.disconnect()
        await engine.dispose()

    routes = [Route("/readyz", _ready), WebSocketRoute("/graphql", view), Mount("/graphql", app=view)]
    return RequestLog(Starlette(routes=routes, lifespan=lifespan))


async def _ready(_request: Request) -> Response:
    return JSONResponse({"ready": True})


def main() -> None:
    """Serve as the product is served."""
    settings = Settings.read()
    configure_logs(settings.log_format)
    uvicorn.run(
        application(settings),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        server_header=False,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
