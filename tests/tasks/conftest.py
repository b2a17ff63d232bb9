"""Real servers, the whole schema, and two businesses that must never meet."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.engine import read_pool, write_engine
from db.runner import Runner
from db.secrets import Secrets
from domain.actors import PLATFORM_TENANT
from gateways.objects import FolderStore
from models.ddl import statements
from sandbox.environment import Servers, open_environment, remove_environment
from tasks.context import Tools
from tests.tasks.business import Business, a_business
from tests.tasks.waiting import Recorder

SECRETS = Secrets(b"k" * 32, b"s" * 32)


@dataclass(frozen=True)
class Place:
    """The data folder of the session's servers, and their addresses."""

    folder: Path
    servers: Servers


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="cleanshift-tasks-"))
    try:
        with open_environment(folder, durable=False) as servers:
            asyncio.run(_create_schema(servers))
            yield Place(folder, servers)
        remove_environment(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _create_schema(servers: Servers) -> None:
    owner = await asyncpg.connect(servers.database_owner_url)
    for statement in statements():
        await owner.execute(statement)
    await owner.close()


@pytest.fixture
async def db(place) -> AsyncIterator[asyncpg.Connection]:
    """The embedded superuser, to arrange and to look with; every test begins with an empty database."""
    superuser = await asyncpg.connect(place.servers.superuser_url, database="cleanshift")
    for kind in ("json", "jsonb"):
        await superuser.set_type_codec(kind, schema="pg_catalog", encoder=str, decoder=json.loads)
    await superuser.execute("truncate tenant, worker cascade")
    await superuser.execute(
        "insert into tenant (tenant_id, slug, name, created_at) values ($1, 'platform', 'Platform', now())",
        PLATFORM_TENANT,
    )
    await superuser.execute("insert into tenant_head (tenant_id, epoch) values ($1, 1)", PLATFORM_TENANT)
    yield superuser
    await superuser.close()


@pytest.fixture
async def ops(place) -> AsyncIterator[asyncpg.Pool]:
    pool = await read_pool(place.servers.database_ops_url, size=6, name="tests-ops")
    yield pool
    await pool.close()


@pytest.fixture
async def runner(place) -> AsyncIterator[Runner]:
    engine = write_engine(place.servers.database_url, size=8)
    yield Runner(engine, SECRETS, _nobody)
    await engine.dispose()


def _nobody(tenant: Any, *, events: bool, tasks: bool) -> None:
    return None


@pytest.fixture
def outbox() -> Recorder:
    return Recorder()


@pytest.fixture
def objects(tmp_path) -> FolderStore:
    return FolderStore.at(tmp_path / "objects")


@pytest.fixture
def tools(runner, ops, outbox, objects) -> Tools:
    return Tools(runner, outbox, ops, "http://cleanshift.test", objects)


@pytest.fixture
async def ours(db) -> Business:
    return await a_business(db, "ours")


@pytest.fixture
async def theirs(db) -> Business:
    return await a_business(db, "theirs")
