"""The whole product as its users meet it: an API process (and workers) over real servers, and two businesses in it."""

import asyncio
import base64
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
from argon2 import PasswordHasher

from app.auth import Auth
from app.passwords import Passwords, SourceLimiter
from app.settings import Keys
from app.tokens import SigningKey, TokenSigner, TokenVerifier
from db.engine import write_engine
from db.ids import new_id
from db.runner import Call, Runner
from db.secrets import Secrets
from domain.actors import PLATFORM_TENANT, Actor, CleanerId, Role, StaffRole, TenantId
from domain.ids import AssignmentId, JobId, MarketId, PropertyId, SwapId
from domain.scheduling import AssignmentRole, Laundry, Skill
from sandbox.environment import Servers
from schema.types.relay import encode_id
from services import customers, scheduling, swaps
from services.identity import business, cleaners, staff
from services.identity.command_line import PersonWanted, open_session_for
from services.identity.links import FindInvitation, find_invitation, link_token
from tests.ports import free_port

KEY = bytes(range(32))
SECRET_KEY = base64.urlsafe_b64encode(KEY).decode()
PATIENCE = 60.0
ROOT = Path(__file__).parent.parent.parent
MIAMI = (25.7617, -80.1918)


@dataclass
class World:
    """The installation under test."""

    servers: Servers
    runner: Runner
    auth: Auth
    root: asyncpg.Connection
    """A superuser's connection, to look at everything and to move clocks."""
    data: Path
    counter: Any = field(default_factory=itertools.count)

    async def run(self, actor: Actor, command: Any, input: Any, **more: Any) -> Any:
        return await self.runner.run(Call(actor, command, input, **more))

    async def session_of(self, tenant: TenantId, role: Role, person: Any = None) -> Actor:
        """A signed-in actor of the tenant."""
        wanted = PersonWanted(role, None if person is None else str(person))
        signed = await self.run(Actor.system(tenant), open_session_for, wanted)
        return Actor(signed.tenant, signed.role, signed.person_id, signed.session_id)

    def token(self, actor: Actor) -> str:
        if actor.role is Role.ANONYMOUS:
            return self.auth.booking_token(actor, datetime.now(UTC) + timedelta(days=30))
        return self.auth.signer.sign(actor)

    async def now(self, tenant: TenantId) -> datetime:
        now: datetime = await self.root.fetchval("select now() + clock_offset from tenant where tenant_id = $1", tenant)
        return now

    async def move_clock(self, tenant: TenantId, by: timedelta) -> None:
        await self.root.execute("update tenant set clock_offset = clock_offset + $2 where tenant_id = $1", tenant, by)

    async def found(self) -> "Town":
        """A business with an owner, one market and its zone."""
        tenant, slug = TenantId(new_id()), f"t-{new_id().hex[-12:]}"
        form = business.FoundBusiness(slug, f"Business {slug}", "Owner 1", f"owner@{slug}.example", "Miami")
        founded = await self.run(Actor.system(tenant), business.found_business, form)
        owner = await self.session_of(tenant, Role.OWNER)
        assert founded.market_id is not None
        return Town(self, tenant, slug, owner, founded.market_id)

    async def count(self, table: str, tenant: TenantId, where: str = "true") -> int:
        found: int = await self.root.fetchval(f"select count(*) from {table} where tenant_id = $1 and {where}", tenant)
        return found

    async def picture(self, *tenants: UUID, tables: Sequence[str] = ()) -> dict[str, tuple[int, int]]:
        """Of each table, or of these, how many rows are these businesses' and a sum over all that is in them."""
        parts = [
            f"select '{name}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {name} t"
            " where tenant_id = any($1::uuid[])"
            for name in tables or await self._tables()
        ]
        rows = await self.root.fetch(" union all ".join(parts), list(tenants))
        return {name: (many, int(total)) for name, many, total in rows}

    async def _tables(self) -> list[str]:
        rows = await self.root.fetch(
            """select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
               where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"""
        )
        return [row["relname"] for row in rows]

    async def trace(self, tenant: TenantId) -> dict[str, int]:
        """How much there is of everything that a write leaves behind: to see that a refusal left nothing."""
        tables = ("event", "audit", "task", "swap", "assignment", "job", "availability_submission", "mutation_receipt")
        return {table: await self.count(table, tenant) for table in tables}


@dataclass
class Town:
    """One business, and how the tests furnish it. Shifts lie `days` ahead at 14:00 UTC unless told."""

    world: World
    tenant: TenantId
    slug: str
    owner: Actor
    market: MarketId

    async def cleaner(self, *skills: Skill, markets: list[MarketId] | None = None) -> Actor:
        """An onboarded cleaner, signed in."""
        number = next(self.world.counter)
        form = cleaners.CreateCleaner(
            f"Cleaner {number}",
            email=f"c{number}@{self.slug}.example",
            market_ids=markets or [self.market],
            skills=list(skills),
        )
        made: CleanerId = await self.world.run(self.owner, cleaners.create_cleaner, form)
        await self.world.run(
            self.owner, cleaners.complete_onboarding, cleaners.CompleteOnboarding(made, "Known for years.")
        )
        await self._credential(made)
        return await self.world.session_of(self.tenant, Role.CLEANER, made)

    async def _credential(self, person: CleanerId) -> None:
        from services.identity.qr import IssueQr, issue_qr

        await self.world.run(self.owner, issue_qr, IssueQr(person))

    async def dispatcher(self) -> Actor:
        """Somebody of the office, signed in."""
        number = next(self.world.counter)
        form = staff.InviteStaff(f"Dispatcher {number}", f"d{number}@{self.slug}.example", StaffRole.DISPATCHER)
        made = await self.world.run(self.owner, staff.invite_staff, form)
        return await self.world.session_of(self.tenant, Role.DISPATCHER, made)

    async def home(self, *, position: tuple[float, float] = MIAMI, hot_tub: bool = False) -> PropertyId:
        """A home of a new customer."""
        number = next(self.world.counter)
        whose = await self.world.run(
            self.owner, customers.create_customer, customers.CreateCustomer(f"Customer {number}")
        )
        form = customers.CreateProperty(
            whose,
            self.market,
            f"Home {number}",
            f"{number} Ocean Drive",
            "Miami",
            "33139",
            *position,
            2,
            1,
            900,
            laundry=Laundry.NONE,
            hot_tub=hot_tub,
            notes=f"Key under mat {number}",
        )
        made: PropertyId = await self.world.run(self.owner, customers.create_property, form)
        return made

    async def job(self, starts_at: datetime | None = None, hours: str = "3", home: PropertyId | None = None) -> JobId:
        """A job nobody is on; three days ahead unless told."""
        start = starts_at or await self.day(3)
        form = scheduling.CreateJob(home or await self.home(), start, Decimal(hours))
        made: JobId = await self.world.run(self.owner, scheduling.create_job, form)
        return made

    async def shift(self, who: Actor, starts_at: datetime | None = None, hours: str = "3", **more: Any) -> AssignmentId:
        """A job with this cleaner on it."""
        job = await self.job(starts_at, hours, **more)
        form = scheduling.AssignCleaner(job, CleanerId(who.person), AssignmentRole.PRIMARY)
        made: AssignmentId = await self.world.run(self.owner, scheduling.assign_cleaner, form)
        return made

    async def offer(self, who: Actor, starts_at: datetime | None = None, hours: str = "3", **more: Any) -> SwapId:
        """A shift of this cleaner on the market."""
        shift = await self.shift(who, starts_at, hours, **more)
        made: SwapId = await self.world.run(who, swaps.offer_swap, swaps.OfferSwap(shift))
        return made

    async def day(self, days: int, hour: int = 14) -> datetime:
        """An hour (UTC) on the day so many days from the tenant's today."""
        today = (await self.world.now(self.tenant)).astimezone(UTC)
        return (today + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)


@dataclass
class Api:
    """A running API process."""

    world: World
    port: int
    process: subprocess.Popen[bytes]
    http: httpx2.AsyncClient

    async def post(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Any:
        headers = {"accept": "application/graphql-response+json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        return await self.http.post("/graphql", json={"query": query, "variables": variables or {}}, headers=headers)

    async def ask(self, actor: Actor | None, query: str, **variables: Any) -> Any:
        """The decoded answer."""
        answer = await self.post(query, variables, self.world.token(actor) if actor else None)
        return answer.json()

    async def data(self, actor: Actor | None, query: str, **variables: Any) -> Any:
        """The data; fails on errors."""
        answer = await self.ask(actor, query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def do(self, actor: Actor | None, mutation: str, input: dict[str, Any], select: str) -> Any:
        """A mutation's payload: `do(cleaner, "acceptSwap", {"swapId": id}, "swap { id }")`."""
        kind = mutation[0].upper() + mutation[1:]
        payload = f"{{ {select} errors {{ code message field }} }}"
        query = f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {payload} }}"
        return (await self.data(actor, query, input=input))[mutation]


def _unheard(tenant: TenantId, *, events: bool, tasks: bool) -> None:
    """The tests' own commits wake nobody: what follows from them is found by poll and sweep."""


def gid(kind: str, id: Any) -> str:
    return str(encode_id(kind, id))


def environment(servers: Servers, data: Path, **more: str) -> dict[str, str]:
    """The environment of a process of the product over these servers."""
    given = {
        "DATABASE_URL": servers.database_url,
        "DATABASE_FEED_URL": servers.database_feed_url,
        "DATABASE_OPS_URL": servers.database_ops_url,
        "DATABASE_OWNER_URL": servers.database_owner_url,
        "REDIS_URL": servers.redis_url or "",
        "SECRET_KEY": SECRET_KEY,
        "DATA": str(data),
        "LOG_FORMAT": "json",
        # Plans are billed, and nobody is reached: what these tests work on has no provider that answers.
        "STRIPE_KEY": "sk_test_platform",
        "STRIPE_URL": "http://127.0.0.1:9",
        "SIGN_UPS_AN_ADDRESS": "1000000",
        "VISITS_AN_ADDRESS": "1000000",
        "RETURN_ORIGINS": "https://cleanshift.test",
    }
    return {**os.environ, **given, **more}


@asynccontextmanager
async def an_api(world: World, **more: str) -> AsyncIterator[Api]:
    """An API process of its own; `more` is environment."""
    port = free_port()
    env = environment(world.servers, world.data, PORT=str(port), **more)
    log = (world.data / f"api-{port}.log").open("wb")
    process = subprocess.Popen([sys.executable, str(ROOT / "main.py"), "serve"], env=env, stdout=log, stderr=log)
    # The server hangs up after 5 s without a request: the client does so before, not at the same moment.
    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=2)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=60) as http:
            await until_ready(http, process, world.data / f"api-{port}.log")
            yield Api(world, port, process, http)
    finally:
        stop(process)
        log.close()


async def until_ready(http: httpx2.AsyncClient, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for /readyz; fail with the process's own words if it ends."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while asyncio.get_running_loop().time() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if (await http.get("/readyz")).status_code == 200:
                return
        except httpx2.TransportError:
            await asyncio.sleep(0.05)
    raise AssertionError(log.read_text())


@asynccontextmanager
async def a_worker(world: World, **more: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A worker process of its own."""
    log = (world.data / "worker.log").open("ab")
    env = environment(world.servers, world.data, **more)
    process = subprocess.Popen([sys.executable, str(ROOT / "main.py"), "worker"], env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        stop(process)
        log.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that the tests started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def a_world(servers: Servers, data: Path) -> AsyncIterator[World]:
    """The installation's commands and a look behind the walls, over migrated servers."""
    engine = write_engine(servers.database_url, size=20)
    keys = Keys.derive(KEY)
    seed = base64.urlsafe_b64encode(keys.signing).decode().rstrip("=")
    key = SigningKey.from_seed(seed)
    runner = Runner(engine, Secrets(keys.hashing, keys.sealing), _unheard)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    auth = Auth(
        runner,
        TokenSigner(key, lifetime=timedelta(hours=1)),
        TokenVerifier([key.public]),
        Passwords(runner.secrets, hasher=cheap, queue=1000),
        SourceLimiter(burst=1_000_000),
        production=False,
    )
    root = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/cleanshift")
    world = World(servers, runner, auth, root, data)
    try:
        yield world
    finally:
        await root.close()
        await engine.dispose()


async def ops(world: World) -> Actor:
    """The platform's first ops user, signed in."""
    if await world.count("staff", PLATFORM_TENANT) == 0:
        form = business.InviteOps("Ops 1", "ops@platform.example")
        await world.run(Actor.system(PLATFORM_TENANT), business.invite_ops, form)
    return await world.session_of(PLATFORM_TENANT, Role.OPS)


async def put_first(world: World, task: UUID) -> None:
    """Let the task be the newest of those that are dead: ops see the newest hundred of all businesses."""
    newest = (
        "update task set created_at = (select max(created_at) + '1 s' from task where state = 'DEAD') where id = $1"
    )
    await world.root.execute(newest, task)


async def invitation(world: World, tenant: TenantId, person: Any) -> str:
    """The token in the mail of a person's invitation."""
    link = await world.run(Actor.system(tenant), find_invitation, FindInvitation(person))
    return link_token(world.runner.secrets, tenant, link)
