"""Real PostgreSQL and Redis, API processes of their own, and a writer in the test's process."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.migrate import head
from db.engine import write_engine
from db.runner import Runner
from domain.actors import TenantId
from models import ddl
from models.base import APP
from sandbox.environment import Servers, open_environment, remove_environment
from subscriptions.wake import Wake
from tests.clock import set_clocks
from tests.product.world import World, a_world
from tests.product.world import an_api as a_whole_api
from tests.subscriptions.bell import Bell
from tests.subscriptions.town import Business, a_business
from tests.subscriptions.toy import SECRETS, Wiring

StartApi = Callable[..., Awaitable[int]]


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    place = tmp_path_factory.mktemp("feeds")
    with open_environment(place, durable=False) as running:
        asyncio.run(_create_schema(running.database_owner_url))
        yield running
    remove_environment(place)


async def _create_schema(url: str) -> None:
    owner = await asyncpg.connect(url)
    for statement in ddl.statements():
        await owner.execute(statement)
    await owner.close()


@pytest.fixture(scope="package")
def wiring(servers: Servers) -> Wiring:
    return Wiring(servers.database_url, servers.database_feed_url)


@pytest.fixture(scope="package")
async def db(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    """The superuser, for what no command makes."""
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/cleanshift")
    yield connection
    await connection.close()


@pytest.fixture(scope="package")
async def wake(servers: Servers) -> AsyncIterator[Wake]:
    async with Wake(servers.redis_url) as made:
        yield made


@pytest.fixture(scope="package")
async def runner(servers: Servers, wake: Wake) -> AsyncIterator[Runner]:
    engine = write_engine(servers.database_url, size=5)

    def after_commit(tenant: TenantId, *, events: bool, tasks: bool) -> None:
        if events:
            wake.publish(tenant)

    yield Runner(engine, SECRETS, after_commit)
    await engine.dispose()


@pytest.fixture
async def ours(db: asyncpg.Connection, runner: Runner) -> Business:
    """The business that a test is about."""
    return await a_business(db, runner, "ours")


@pytest.fixture
async def theirs(db: asyncpg.Connection, runner: Runner) -> Business:
    """Another business, whose events and people must never meet ours."""
    return await a_business(db, runner, "theirs")


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Bell]:
    """A Redis that the test may kill."""
    made = Bell(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def start_api(wiring: Wiring) -> AsyncIterator[StartApi]:
    """Start an API process with these changes to the usual wiring, until the test is over; its port."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(**changes: object) -> int:
            return await stack.enter_async_context(an_api(replace(wiring, **changes)))  # type: ignore[arg-type]

        yield start


@contextlib.asynccontextmanager
async def an_api(wiring: Wiring) -> AsyncIterator[int]:
    """An API process; its port."""
    async with an_api_process(wiring) as (_process, port):
        yield port


@contextlib.asynccontextmanager
async def an_api_process(wiring: Wiring) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """An API process and its port. The block may end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.subscriptions.server",
        env={**os.environ, "FEED_WIRING": wiring.text()},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = await process.stdout.readline()
    assert line.startswith(b"PORT "), line
    try:
        yield process, int(line.split()[1])
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


@pytest.fixture(scope="package")
async def api(wiring: Wiring, servers: Servers) -> AsyncIterator[int]:
    """The usual API process: Redis, a poll a second."""
    async with an_api(replace(wiring, redis_url=servers.redis_url)) as port:
        yield port


@pytest.fixture(scope="package")
async def world(servers: Servers, wake: Wake, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The product on these servers; its commits ring, and several can look behind the walls at once."""
    await _say_current(servers.database_owner_url)
    await set_clocks(servers.superuser_url)
    async with a_world(servers, tmp_path_factory.mktemp("product")) as made:

        def ring(tenant: TenantId, *, events: bool, tasks: bool) -> None:
            if events:
                wake.publish(tenant)

        behind: Any = await asyncpg.create_pool(servers.superuser_url.rsplit("/", 1)[0] + "/cleanshift")
        yield replace(made, root=behind, runner=replace(made.runner, after_commit=ring))
        await behind.close()


async def _say_current(owner_url: str) -> None:
    """The tables here are made without a migration, and the product starts on a migrated database only."""
    owner = await asyncpg.connect(owner_url)
    await owner.execute("create table if not exists alembic_version (version_num varchar(32) not null primary key)")
    await owner.execute("insert into alembic_version values ($1) on conflict do nothing", head())
    await owner.execute(f"grant select on alembic_version to {APP}")
    await owner.close()


@pytest.fixture(scope="package")
async def ports(world: World) -> AsyncIterator[list[int]]:
    """Two API processes of the product that say often how far they are."""
    async with contextlib.AsyncExitStack() as stack:
        apis = await asyncio.gather(
            *(stack.enter_async_context(a_whole_api(world, HEARTBEAT_SECONDS="0.5")) for _ in range(2))
        )
        yield [api.port for api in apis]
