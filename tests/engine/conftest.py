"""A real PostgreSQL with the toy trade in it: two tenants, forced row-level security, a role without power."""

import json
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest
import strawberry
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from domain.actors import Actor, Role
from resolvers.engine.engine import Engine
from sandbox.environment import open_environment, remove_environment
from tests.engine import toy

TABLES = [table.name for table in toy.metadata.sorted_tables]
TENANT = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"
ACTOR = "(select nullif(current_setting('app.actor_id', true), '')::uuid)"
ROLE = "(select current_setting('app.role', true))"
SESSIONS = {Role.OWNER: 1, Role.DISPATCHER: 2, Role.CLEANER: 3}
BASE = datetime(2026, 6, 1, 9, tzinfo=UTC)


def number(tenant: int, kind: int, index: int) -> UUID:
    """An id that says what it is."""
    return UUID(f"{tenant:08x}-{kind:04x}-7000-8000-{index:012x}")


def person(tenant: int) -> UUID:
    """The cleaner that acts in this tenant."""
    return number(tenant, TABLES.index("cleaner"), 0)


def an_actor(tenant: int = 1, role: Role = Role.OWNER) -> Actor:
    return toy.actor(number(tenant, 99, 0), role, person(tenant), number(tenant, 98, SESSIONS[role]))


@dataclass
class Context:
    """What a request of the toy API carries."""

    actor: Actor
    pool: Any
    engine: Engine

    @property
    def stamp(self) -> tuple[str, str, str, str]:
        return str(self.actor.tenant), str(self.actor.person), str(self.actor.role), str(self.actor.session)


class CountingPool:
    """Counts the statements that go through a pool, and keeps the last one."""

    def __init__(self, pool: Any) -> None:
        self.pool, self.statements = pool, 0
        self.rewrite: Any = None

    async def fetchval(self, text: str, *values: Any) -> Any:
        self.statements += 1
        return await self.pool.fetchval(self.rewrite(text) if self.rewrite else text, *values)

    def acquire(self) -> Any:
        return self.pool.acquire()


@dataclass
class Toy:
    """The toy API with its database."""

    schema: strawberry.Schema
    engine: Engine
    pool: CountingPool
    superuser: CountingPool

    async def execute(
        self, text: str, variables: dict[str, Any] | None = None, actor: Actor | None = None, pool: Any = None
    ) -> Any:
        context = Context(actor or an_actor(), pool or self.pool, self.engine)
        return await self.schema.execute(text, variables, context)


@pytest.fixture(scope="package")
def databases() -> Iterator[tuple[str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="cleanshift-engine-"))
    try:
        with open_environment(folder, redis=False, durable=False) as servers:
            yield servers.database_url, servers.superuser_url
    finally:
        remove_environment(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
async def api(databases: tuple[str, str]) -> AsyncIterator[Toy]:
    app, superuser = databases
    connection = await asyncpg.connect(superuser)
    await connection.execute("DROP DATABASE IF EXISTS toy")
    await connection.execute("CREATE DATABASE toy")
    await connection.close()
    app_pool, superuser_pool = await _pool(_toy(app)), await _pool(_toy(superuser))
    async with superuser_pool.acquire() as made:
        await _create(made)
        for tenant in (1, 2):
            await _fill(made, tenant)
        await made.execute("ANALYZE")
    schema, engine = toy.schema_and_engine()
    yield Toy(schema, engine, CountingPool(app_pool), CountingPool(superuser_pool))
    await app_pool.close()
    await superuser_pool.close()


def _toy(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path="/toy"))


async def _keep(_connection: Any) -> None:
    return None


async def _pool(url: str) -> Any:
    return await asyncpg.create_pool(
        url, min_size=1, max_size=3, reset=_keep, server_settings={"timezone": "America/New_York", "jit": "off"}
    )


async def _create(connection: Any) -> None:
    for table in toy.metadata.sorted_tables:
        await connection.execute(str(CreateTable(table).compile(dialect=postgresql.dialect())))
    await connection.execute("CREATE TABLE session (tenant_id uuid, id uuid, role text, PRIMARY KEY (tenant_id, id))")
    for name in [*TABLES, "session"]:
        await connection.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        await connection.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        await connection.execute(f"CREATE POLICY own ON {name} USING (tenant_id = {TENANT})")
        await connection.execute(f"GRANT SELECT, UPDATE ON {name} TO cleanshift_app")
    await connection.execute(
        f"""CREATE POLICY seen ON swap AS RESTRICTIVE USING ({ROLE} <> 'cleaner' OR (
            (status = 'open' OR owner_id = {ACTOR}) AND EXISTS (
            SELECT FROM job j WHERE j.tenant_id = swap.tenant_id AND j.id = swap.job_id)))"""
    )
    await connection.execute(
        f"""CREATE POLICY seen ON job AS RESTRICTIVE USING ({ROLE} <> 'cleaner' OR status <> 'gone' OR EXISTS (
            SELECT FROM shift s WHERE s.tenant_id = {TENANT} AND s.job_id = job.id AND s.cleaner_id = {ACTOR}))"""
    )


async def _fill(connection: Any, tenant: int) -> None:
    """Rows with ties, nulls, fractions that end in zeros, and text that hurts."""
    for role, place in SESSIONS.items():
        await connection.execute(
            "INSERT INTO session VALUES ($1, $2, $3)", number(tenant, 99, 0), number(tenant, 98, place), str(role)
        )
    for table, rows in _rows(random.Random(tenant), tenant).items():  # noqa: S311 - repeatable on purpose
        names = list(rows[0])
        marks = ", ".join(f"${place + 1}" for place in range(len(names)))
        await connection.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", [tuple(row.values()) for row in rows]
        )


def _rows(chance: random.Random, tenant: int) -> dict[str, list[dict[str, Any]]]:
    def key(table: str, index: int) -> UUID:
        return number(tenant, TABLES.index(table), index)

    def some(table: str, size: int) -> UUID:
        return key(table, chance.randrange(size))

    def maybe(value: Any) -> Any:
        return value if chance.random() < 0.7 else None

    def moment() -> datetime:
        return BASE + timedelta(
            hours=chance.randrange(8), microseconds=chance.choice([0, 0, 120_000, 123_456, 500_000])
        )

    def row(table: str, index: int, **values: Any) -> dict[str, Any]:
        return {"tenant_id": number(tenant, 99, 0), "id": key(table, index), **values}

    words = ["", 'call "first"', "it's open", "Grüße 🧹", "100% \\ done", "open"]
    states = ["open", "open", "taken", "gone"]
    return {
        "market": [row("market", i, name=f"Market {i}", zone=maybe("Europe/Berlin")) for i in range(3)],
        "cleaner": [
            row(
                "cleaner",
                i,
                market_id=some("market", 3),
                name=chance.choice(words),
                email=maybe(f"c{i}@x.test"),
                rating=maybe(chance.choice([2.0, 4.5, 3.25])),
                rate=maybe(Decimal(chance.choice(["21.50", "30.00"]))),
                skills=chance.sample(["LAUNDRY", "HOT_TUB", 'a"b'], chance.randrange(3)),
            )
            for i in range(6)
        ],
        "home": [
            row(
                "home",
                i,
                market_id=some("market", 3),
                street=chance.choice(words),
                facts=maybe(json.dumps({"bedrooms": i, "pets": chance.choice([None, ["cat", "dog"], []])})),
                built_on=maybe(date(1990 + i, 2, 3)),
            )
            for i in range(5)
        ],
        "job": [
            row(
                "job",
                i,
                home_id=some("home", 5),
                starts_at=moment(),
                status=chance.choice(states),
                cents=chance.choice([9900, 12050, 2**31 - 1]),
                note=maybe(chance.choice(words)),
                urgent=chance.random() < 0.4,
            )
            for i in range(24)
        ],
        "shift": [
            row("shift", i, job_id=some("job", 24), cleaner_id=some("cleaner", 6), place=chance.randrange(4))
            for i in range(50)
        ],
        "swap": [
            row(
                "swap",
                i,
                job_id=some("job", 24),
                owner_id=some("cleaner", 6),
                taker_id=maybe(some("cleaner", 6)),
                status=chance.choice(states),
                created_at=moment(),
                closed_at=maybe(moment()),
                note=maybe(chance.choice(words)),
            )
            for i in range(60)
        ],
    }
