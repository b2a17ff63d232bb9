"""Two businesses with people who can sign in, on a real PostgreSQL with real commits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

from app.auth import Auth
from app.passwords import Passwords, SourceLimiter
from app.tokens import SigningKey, TokenSigner, TokenVerifier
from db.engine import write_engine
from db.runner import Runner
from db.secrets import Secrets
from domain.actors import TenantId
from models import ddl
from sandbox.environment import Servers, open_environment, remove_environment
from tests.identity.house import SEED, Business, Expect, House


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    place = tmp_path_factory.mktemp("identity")
    with open_environment(place, redis=False, durable=False) as running:
        asyncio.run(_create_schema(running.database_owner_url))
        yield running
    remove_environment(place)


async def _create_schema(url: str) -> None:
    owner = await asyncpg.connect(url)
    for statement in ddl.statements():
        await owner.execute(statement)
    await owner.close()


@pytest.fixture(scope="package")
async def house(servers: Servers) -> AsyncIterator[House]:
    engine = write_engine(servers.database_url, size=25)
    told: list[tuple[TenantId, bool, bool]] = []

    def after_commit(tenant: TenantId, *, events: bool, tasks: bool) -> None:
        told.append((tenant, events, tasks))

    runner = Runner(engine, Secrets(b"k" * 32, b"s" * 32), after_commit)
    key = SigningKey.from_seed(SEED)
    clock = [datetime(2026, 5, 1, 12, tzinfo=UTC)]
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    auth = Auth(
        runner,
        TokenSigner(key, now=lambda: clock[0]),
        TokenVerifier([key.public]),
        Passwords(runner.secrets, hasher=cheap, queue=1000),
        SourceLimiter(burst=1_000_000),
        production=False,
        now=lambda: clock[0],
    )
    superuser = servers.superuser_url.rsplit("/", 1)[0] + "/cleanshift"
    root = await asyncpg.connect(superuser)
    yield House(auth, runner, root, told, clock)
    auth.passwords.close()
    await root.close()
    await engine.dispose()


@pytest.fixture
async def ours(house: House) -> Business:
    """The business that a test is about."""
    return await house.found()


@pytest.fixture
async def theirs(house: House) -> Business:
    """Another business, which must not notice anything."""
    other = await house.found()
    await house.engage(other)
    return other


@pytest.fixture
def refused(house: House) -> Expect:
    """Expect a refusal, and that the database is exactly as it was before."""

    async def expect(kind: type[Exception], attempt: Awaitable[Any]) -> Any:
        before = await house.everything()
        with pytest.raises(kind) as caught:
            await attempt
        assert await house.everything() == before
        return caught.value

    return expect
