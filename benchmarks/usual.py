"""The usual way, as Strawberry's and SQLAlchemy's documentation teach it: the other side of the comparison.

ORM objects, one session a request, a resolver and a DataLoader for each field that is another object, Strawberry's own
ASGI view with its caches of parsed and validated documents. Credentials, the stamp of tenant and session, row-level
security, request log and server settings are the product's own. Run by itself: `python -m benchmarks.usual`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import strawberry
import uvicorn
from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache

import models
from app.logs import RequestLog, configure_logs
from app.settings import Settings
from app.tokens import TokenVerifier, utc_now
from benchmarks.installation import signing_key
from db.stamp import OPEN
from domain.actors import Actor, CleanerId
from domain.eligibility import ReasonCode, reasons_not_to_take
from domain.errors import Unauthenticated
from domain.geo import Position
from domain.ids import AssignmentId, MarketId
from domain.scheduling import AssignmentRole, Laundry, Shift, required_skills
from domain.swaps import SwapFacts, SwapOpener, SwapStatus
from services.swap_facts import ViewerFacts, viewer_facts, viewer_facts_sql

_mapped = registry()


class SwapRow:
    """A swap as the ORM knows it."""

    if TYPE_CHECKING:
        tenant_id: UUID
        id: UUID
        status: str
        role: str
        note: str
        job_id: UUID
        assignment_id: UUID
        market_id: UUID
        owner_id: UUID
        taker_id: UUID | None
        opened_at: datetime
        expires_at: datetime


class JobRow:
    """A job as the ORM knows it."""

    if TYPE_CHECKING:
        id: UUID
        property_id: UUID
        starts_at: datetime
        ends_at: datetime
        expected_hours: Decimal
        is_urgent: bool


class PropertyRow:
    """A home as the ORM knows it."""

    if TYPE_CHECKING:
        id: UUID
        city: str
        bedrooms: int
        bathrooms: int
        latitude: float
        longitude: float
        laundry: str
        laundry_loads: int
        hot_tub: bool


class CleanerRow:
    """A cleaner as the ORM knows them."""

    if TYPE_CHECKING:
        id: UUID
        name: str


class MarketRow:
    """A market as the ORM knows it."""

    if TYPE_CHECKING:
        id: UUID
        zone: str


TABLES: dict[type[Any], Table] = {
    SwapRow: models.swap,
    JobRow: models.job,
    PropertyRow: models.property,
    CleanerRow: models.cleaner,
    MarketRow: models.market,
}
for _class, _table in TABLES.items():
    _mapped.map_imperatively(_class, _table)


class Loaders:
    """One loader a kind of object, for one request."""

    def __init__(self, context: "RequestContext") -> None:
        self.job = DataLoader(load_fn=_by_id(context, JobRow))
        self.property = DataLoader(load_fn=_by_id(context, PropertyRow))
        self.cleaner = DataLoader(load_fn=_by_id(context, CleanerRow))
        self.market = DataLoader(load_fn=_by_id(context, MarketRow))


class RequestContext:
    """What resolvers reach in one request."""

    def __init__(self, actor: Actor, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.actor = actor
        self.sessions = sessions
        self.session: AsyncSession
        self.now: datetime
        # A session runs one statement at a time, loaders dispatch side by side.
        self.turn = asyncio.Lock()
        self.loaders = Loaders(self)
        self._facts: asyncio.Task[ViewerFacts | None] | None = None

    async def all(self, statement: Any) -> Sequence[Any]:
        """Every object of a statement."""
        async with self.turn:
            return (await self.session.scalars(statement)).all()

    def facts(self) -> "asyncio.Task[ViewerFacts | None]":
        """The acting cleaner's facts, read once a request."""
        if self._facts is None:
            self._facts = asyncio.create_task(self._read_facts())
        return self._facts

    async def _read_facts(self) -> ViewerFacts | None:
        async with self.turn:
            return viewer_facts(await self.session.scalar(STAMPED_FACTS))


Info = strawberry.Info[RequestContext, None]


def _by_id(context: RequestContext, row: type[Any]) -> Callable[[list[UUID]], Any]:
    async def load(ids: list[UUID]) -> list[Any]:
        found = await context.all(select(row).where(row.tenant_id == context.actor.tenant, row.id.in_(ids)))
        known = {one.id: one for one in found}
        return [known.get(id) for id in ids]

    return load


class InTransaction(SchemaExtension):
    """One session and one stamped transaction an operation."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Around the whole operation."""
        context, actor = self.execution_context.context, self.execution_context.context.actor
        async with context.sessions() as session, session.begin():
            stamp = {"p1": str(actor.tenant), "p2": str(actor.person), "p3": str(actor.role), "p4": str(actor.session)}
            opened = (await session.execute(STAMPED_OPEN, stamp)).first()
            if opened is None:
                raise Unauthenticated
            context.session, context.now = session, opened.business_now
            yield


def _with_names(statement: str) -> str:
    for place in range(1, 5):
        statement = statement.replace(f"${place}", f":p{place}")
    return statement.replace("::uuid", "\\:\\:uuid").replace("::text", "\\:\\:text")


STAMPED_OPEN = text(_with_names(OPEN))
"""The product's stamp as SQLAlchemy's statement, with parameters `p1` to `p4`."""
STAMPED_FACTS = text(
    "SELECT "
    + viewer_facts_sql(
        *(
            f"CAST(current_setting('app.{name}') AS {kind})"
            for name, kind in (("tenant_id", "uuid"), ("actor_id", "uuid"), ("now", "timestamptz"))
        )
    ).replace("::text", "\\:\\:text")
)
"""The acting cleaner's facts inside a stamped transaction."""


strawberry.enum(SwapStatus)
strawberry.enum(ReasonCode)


@strawberry.type
class Property:
    """A home."""

    id: strawberry.ID
    city: str
    bedrooms: int
    bathrooms: int


@strawberry.type
class Cleaner:
    """A cleaner."""

    id: strawberry.ID
    name: str


@strawberry.type
class Job:
    """A clean."""

    id: strawberry.ID
    starts_at: datetime
    ends_at: datetime
    expected_hours: Decimal
    is_urgent: bool

    @strawberry.field
    async def property(self, info: Info) -> Property:
        """The home."""
        row = cast("JobRow", self)
        return cast("Property", await info.context.loaders.property.load(row.property_id))


@strawberry.type
class Reason:
    """Why a shift cannot be taken."""

    code: ReasonCode
    message: str


@strawberry.type
class CanTake:
    """Whether a shift can be taken."""

    ok: bool
    reasons: list[Reason]


@strawberry.type
class Swap:
    """An offered shift."""

    id: strawberry.ID
    status: SwapStatus
    note: str
    opened_at: datetime
    expires_at: datetime

    @strawberry.field
    async def job(self, info: Info) -> Job:
        """The job."""
        return cast("Job", await info.context.loaders.job.load(cast("SwapRow", self).job_id))

    @strawberry.field
    async def owner(self, info: Info) -> Cleaner:
        """Who offers it."""
        return cast("Cleaner", await info.context.loaders.cleaner.load(cast("SwapRow", self).owner_id))

    @strawberry.field
    async def viewer_can_take(self, info: Info) -> CanTake | None:
        """Whether the acting cleaner may take it, by the product's own rules."""
        row, viewer = cast("SwapRow", self), await info.context.facts()
        if viewer is None:
            return None
        reasons = reasons_not_to_take(
            await _facts_of(info.context, row), viewer.taker, viewer.policy.swaps, info.context.now
        )
        return CanTake(ok=not reasons, reasons=[Reason(code=one.code, message=one.message) for one in reasons])


async def _facts_of(context: RequestContext, row: SwapRow) -> SwapFacts:
    job: JobRow = await context.loaders.job.load(row.job_id)
    home: PropertyRow = await context.loaders.property.load(job.property_id)
    market: MarketRow = await context.loaders.market.load(row.market_id)
    place = Position(home.latitude, home.longitude)
    return SwapFacts(
        status=SwapStatus(row.status),
        shift=Shift(AssignmentId(row.assignment_id), job.starts_at, job.ends_at, job.expected_hours, place),
        role=AssignmentRole(row.role),
        owner_id=CleanerId(row.owner_id),
        taker_id=None if row.taker_id is None else CleanerId(row.taker_id),
        market_id=MarketId(row.market_id),
        zone=market.zone,
        opened_by=SwapOpener.CLEANER,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        skills=required_skills(has_hot_tub=home.hot_tub, laundry=Laundry(home.laundry)),
        job_is_urgent=job.is_urgent,
        laundry_loads=home.laundry_loads,
    )


@strawberry.enum
class SwapOrder(Enum):
    """The order of swaps."""

    EXPIRES_AT_ASC = "expires_at"


@strawberry.input
class SwapFilter:
    """Which swaps."""

    status: list[SwapStatus]


@strawberry.type
class SwapPage:
    """A page of swaps."""

    nodes: list[Swap]


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def swaps(self, info: Info, first: int, filter: SwapFilter, order_by: SwapOrder) -> SwapPage:
        """The swap market."""
        table: Any = SwapRow
        page = (
            select(SwapRow)
            .where(table.tenant_id == info.context.actor.tenant, table.status.in_([str(one) for one in filter.status]))
            .order_by(getattr(table, order_by.value), table.id)
            .limit(first)
        )
        return SwapPage(nodes=cast("list[Swap]", await info.context.all(page)))


class UsualGraphQL(GraphQL[Any, None]):
    """Strawberry's view with a context of ours."""

    def __init__(
        self, schema: strawberry.Schema, verifier: TokenVerifier, sessions: async_sessionmaker[AsyncSession]
    ) -> None:
        super().__init__(schema, graphql_ide=None)
        self._verifier = verifier
        self._sessions = sessions

    async def get_context(self, request: Any, response: Any) -> Any:
        """The actor of the bearer token, and where sessions come from."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        actor = self._verifier.verify(token, utc_now()).actor
        request.scope["actor"] = actor
        return RequestContext(actor, self._sessions)


def application(settings: Settings) -> RequestLog:
    """The usual application over the settings' database, with the product's request log around it."""
    assert settings.database_url is not None
    engine = create_async_engine(
        settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=settings.pool_size
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    schema = strawberry.Schema(query=Query, extensions=[ParserCache, ValidationCache, InTransaction])
    view = UsualGraphQL(schema, verifier=TokenVerifier([signing_key().public]), sessions=sessions)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    routes: Iterable[Any] = [Route("/readyz", _ready), Mount("/graphql", app=view)]
    return RequestLog(Starlette(routes=list(routes), lifespan=lifespan))


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
        server_header=False,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
