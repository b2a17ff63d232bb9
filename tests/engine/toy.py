"""A small trade of its own: six tables, two tenants, every kind of declaration the engine knows."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from strawberry.schema.config import StrawberryConfig

from domain.actors import Actor, PersonId, Role, SessionId, TenantId
from resolvers.engine.engine import Engine, Stamps
from resolvers.engine.executor import RowExecutor
from resolvers.engine.extension import read_extension
from resolvers.engine.sources import Registry, column, computed, many, one, same, sql, where
from schema.types.relay import SCALARS, Connection, Cursor, Node, by_id, by_ids, paged

metadata = MetaData()


def _table(name: str, *items: Any) -> Table:
    return Table(
        name,
        metadata,
        Column("tenant_id", Uuid, nullable=False),
        Column("id", Uuid, nullable=False),
        *items,
        PrimaryKeyConstraint("tenant_id", "id"),
    )


def _points(column_name: str, target: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column_name], [f"{target}.tenant_id", f"{target}.id"])


market = _table("market", Column("name", Text, nullable=False), Column("zone", Text))
cleaner = _table(
    "cleaner",
    Column("market_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("rating", Float),
    Column("rate", Numeric(10, 2)),
    Column("skills", ARRAY(Text), nullable=False),
    _points("market_id", "market"),
)
home = _table(
    "home",
    Column("market_id", Uuid, nullable=False),
    Column("street", Text, nullable=False),
    Column("facts", JSON),
    Column("built_on", Date),
    _points("market_id", "market"),
)
job = _table(
    "job",
    Column("home_id", Uuid, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("note", Text),
    Column("urgent", Boolean, nullable=False),
    _points("home_id", "home"),
)
shift = _table(
    "shift",
    Column("job_id", Uuid, nullable=False),
    Column("cleaner_id", Uuid, nullable=False),
    Column("place", Integer, nullable=False),
    _points("job_id", "job"),
    _points("cleaner_id", "cleaner"),
)
swap = _table(
    "swap",
    Column("job_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("taker_id", Uuid),
    Column("status", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("note", Text),
    _points("job_id", "job"),
    _points("owner_id", "cleaner"),
    _points("taker_id", "cleaner"),
)


@strawberry.enum
class Status(Enum):
    OPEN = "open"
    TAKEN = "taken"
    GONE = "gone"


@strawberry.enum
class SwapOrder(Enum):
    NEWEST = "created_at desc"
    OLDEST = "created_at asc"
    BY_START = "job_starts_at asc"
    BY_STATUS = "status desc"


@strawberry.enum
class JobOrder(Enum):
    SOONEST = "starts_at asc"
    DEAREST = "cents desc"


@strawberry.input
class SwapFilter:
    status: Status | None = strawberry.UNSET
    statuses: list[Status] | None = strawberry.UNSET
    job_id: strawberry.ID | None = strawberry.UNSET
    owner_id: list[strawberry.ID] | None = strawberry.UNSET
    created_at_from: datetime | None = strawberry.UNSET
    created_at_before: datetime | None = strawberry.UNSET
    says: str | None = strawberry.UNSET
    market: strawberry.ID | None = strawberry.UNSET


@strawberry.input
class JobFilter:
    urgent: bool | None = strawberry.UNSET
    cents_from: int | None = strawberry.UNSET
    note: str | None = strawberry.UNSET


@strawberry.type
class Reason:
    code: str
    message: str


@strawberry.type
class CanTake:
    ok: bool
    reasons: list[Reason]
    since: datetime | None = None


@strawberry.type
class HomeFacts:
    bedrooms: int
    pets: list[str] | None


@strawberry.type
class Market(Node):
    name: str
    zone: str | None
    cleaners: Connection["Cleaner"] = paged()
    homes: list["Home"]


@strawberry.type
class Cleaner(Node):
    name: str
    email: str | None
    rating: float | None
    rate: Decimal | None
    skills: list[str]
    market: Market
    shifts: Connection["Shift"] = paged()
    owned: Connection["Swap"] = paged(SwapFilter, SwapOrder)
    is_me: bool


@strawberry.type
class Home(Node):
    street: str
    facts: HomeFacts | None
    built_on: date | None
    market: Market | None
    jobs: Connection["Job"] = paged(JobFilter, JobOrder)


@strawberry.type
class Job(Node):
    starts_at: datetime
    ends_at: datetime
    status: Status
    cents: int
    note: str | None
    urgent: bool
    home: Home
    shifts: list["Shift"]
    swaps: Connection["Swap"] = paged(SwapFilter, SwapOrder)


@strawberry.type
class Shift(Node):
    place: int
    job: Job
    cleaner: Cleaner | None


@strawberry.type
class Swap(Node):
    status: Status
    created_at: datetime
    closed_at: datetime | None
    note: str | None
    job: Job
    owner: Cleaner
    taker: Cleaner | None
    job_starts_at: datetime
    can_take: CanTake
    secret: str | None
    mine: str | None


@strawberry.type
class Viewer:
    role: str
    me: Cleaner | None


@strawberry.type
class Query:
    viewer: Viewer
    node: Node | None = by_id()
    nodes: list[Node | None] = by_ids()
    job: Job | None = by_id()
    swaps: Connection[Swap] = paged(SwapFilter, SwapOrder)
    jobs: Connection[Job] = paged(JobFilter, JobOrder)
    cleaners: Connection[Cleaner] = paged()
    my_swaps: Connection[Swap] = paged(SwapFilter, SwapOrder, at_least=int | None)
    markets: list[Market]

    @strawberry.field
    def version(self) -> str:
        return "toy"


@strawberry.type
class Payload:
    swap: Swap | None
    errors: list[str]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def touch(self, info: strawberry.Info, id: UUID, note: str) -> Payload:
        async with info.context.pool.acquire() as connection, connection.transaction():
            await connection.execute(STAMP_ALONE, *info.context.stamp)
            await connection.execute("UPDATE swap SET note = $1 WHERE id = $2", note, id)
            found = await info.context.engine.read_payload(connection, info, "Swap", id)
        return Payload(swap=found, errors=[])


@strawberry.type
class JobCard:
    id: strawberry.ID
    starts_at: datetime
    cents: int


@strawberry.type
class SwapCard:
    id: strawberry.ID
    status: Status
    created_at: datetime
    job: JobCard
    can_take: CanTake
    age_days: int


@strawberry.type
class Opened:
    cursor: Cursor
    swap: SwapCard


@strawberry.type
class Closed:
    cursor: Cursor
    id: strawberry.ID


Event = Annotated[Opened | Closed, strawberry.union("Event")]


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def market(self, after: Cursor | None = None) -> Event:  # type: ignore[misc]
        yield Closed(cursor=Cursor("1"), id=strawberry.ID("x"))


def ends_at(starts_at: datetime, cents: int) -> datetime:
    return starts_at + timedelta(minutes=cents % 100)


def can_take(
    viewer: Mapping[str, Any] | None, owner_id: UUID, created_at: datetime, job_starts_at: datetime, now: datetime
) -> CanTake:
    reasons = []
    if viewer is None:
        reasons.append(Reason(code="NOT_A_CLEANER", message="You are no cleaner."))
    elif str(owner_id) == viewer["id"]:
        reasons.append(Reason(code="OWN_SHIFT", message="This is your own shift."))
    if job_starts_at < now:
        reasons.append(Reason(code="TOO_LATE", message=f"It began {job_starts_at:%d %b}."))
    return CanTake(ok=not reasons, reasons=reasons, since=created_at)


def card_can_take(viewer: Mapping[str, Any] | None, owner_id: str) -> CanTake:
    own = viewer is not None and viewer["id"] == owner_id
    return CanTake(ok=not own, reasons=[Reason(code="OWN_SHIFT", message="Yours.")] if own else [])


def age_days(created_at: datetime, now: datetime) -> int:
    return (now - created_at).days


def _start_of_job(row: Any) -> str:
    return f"(SELECT j.starts_at FROM job j WHERE j.tenant_id = {row.tenant_id} AND j.id = {row.job_id})"


def declare() -> Registry:
    registry = Registry()
    registry.sources(
        Query,
        None,
        viewer=same(),
        my_swaps=many(
            where=lambda row, stamp, args: (
                f"{row.owner_id} = {stamp.actor_id}"
                + (f" AND length({row.status}) >= {args.bind('at_least', 'int')}" if args.given("at_least") else "")
            )
        ),
    )
    registry.sources(Viewer, None, me=one(cleaner, on="actor_id"))
    registry.sources(Market, market, zone=column("zone").only("owner", "dispatcher"))
    registry.sources(
        Cleaner,
        cleaner,
        owned=many(swap, via="owner_id"),
        is_me=sql(lambda row, stamp: f"{row.id} = {stamp.actor_id}"),
        email=column("email").only("owner", own="id"),
    )
    registry.sources(Home, home)
    registry.sources(Job, job, ends_at=computed(ends_at), shifts=many(shift, order="place desc", limit=3))
    registry.sources(Shift, shift)
    registry.sources(
        Swap,
        swap,
        job_starts_at=sql(_start_of_job),
        can_take=computed(can_take, job_starts_at=sql(_start_of_job, datetime)),
        secret=sql(lambda row: f"'secret of ' || {row.status}").only("owner"),
        mine=column("note").only("owner", own="owner_id"),
    )
    registry.filters(
        SwapFilter,
        says=where(lambda row, value: f"{row.note} ILIKE '%' || {value} || '%'"),
        statuses=where(lambda row, value: f"{row.status} = ANY({value})"),
        market=where(
            lambda row, value: (
                f"EXISTS (SELECT FROM job j JOIN home h ON h.tenant_id = j.tenant_id AND h.id = j.home_id"
                f" WHERE j.tenant_id = {row.tenant_id} AND j.id = {row.job_id} AND h.market_id = {value})"
            ),
            id_of="Market",
        ),
    )
    registry.orders(SwapOrder, job_starts_at=sql(_start_of_job, datetime))
    registry.viewer_facts(
        lambda stamp: (
            "SELECT json_build_object('id', c.id, 'name', c.name) FROM cleaner c"
            f" WHERE c.tenant_id = {stamp.tenant_id} AND c.id = {stamp.actor_id}"
        )
    )
    registry.card(SwapCard, can_take=computed(card_can_take), age_days=computed(age_days))
    return registry


STAMP = """(SELECT set_config('app.tenant_id', $1, true)::uuid AS tenant_id,
    set_config('app.actor_id', $2, true)::uuid AS actor_id,
    set_config('app.role', $3, true) AS role,
    set_config('app.session_id', $4, true)::uuid AS session_id OFFSET 0) stamp"""
STAMP_ALONE = f"SELECT FROM {STAMP}"
NOW = "2026-06-01T12:00:00Z"
VERIFIED = f"""JOIN LATERAL (SELECT '{NOW}'::timestamptz AS business_now FROM session s
    WHERE s.tenant_id = stamp.tenant_id AND s.id = stamp.session_id AND s.role = stamp.role OFFSET 0) live ON true"""
STAMPED = """(SELECT current_setting('app.tenant_id')::uuid AS tenant_id,
    current_setting('app.actor_id')::uuid AS actor_id,
    current_setting('app.role') AS role,
    current_setting('app.session_id')::uuid AS session_id OFFSET 0) stamp"""
TIMED = f"JOIN LATERAL (SELECT '{NOW}'::timestamptz AS business_now OFFSET 0) live ON true"
STAMPS = Stamps(STAMP, VERIFIED, STAMPED, TIMED)


def schema_and_engine(stamps: Stamps = STAMPS) -> tuple[strawberry.Schema, Engine]:
    """The toy contract with its engine wired in."""
    made: list[Engine] = []
    schema = strawberry.Schema(
        Query,
        Mutation,
        Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=RowExecutor,
        extensions=[read_extension(lambda: made[0], lambda context: context.pool)],
    )
    made.append(Engine(declare(), schema, stamps))
    return schema, made[0]


def actor(tenant: UUID, role: Role, person: UUID, session: UUID) -> Actor:
    return Actor(TenantId(tenant), role, PersonId(person), SessionId(session))
