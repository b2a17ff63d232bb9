"""One installation for all product tests; every test founds businesses of its own, always two of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.migrate import migrate
from sandbox.environment import Servers, open_environment, remove_environment
from tests.clock import set_clocks
from tests.product.ring import Game, Judge, Prepare, Ring, a_ring
from tests.product.world import Api, Town, World, a_world, an_api


@pytest.fixture(scope="package")
def product_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("product")


@pytest.fixture(scope="package")
def product_servers(product_data: Path) -> Iterator[Servers]:
    with open_environment(product_data, durable=False) as running:
        asyncio.run(migrate(running.database_owner_url))
        asyncio.run(set_clocks(running.superuser_url))
        yield running
    remove_environment(product_data)


@pytest.fixture(scope="package")
async def world(product_servers: Servers, product_data: Path) -> AsyncIterator[World]:
    async with a_world(product_servers, product_data) as made:
        yield made


@pytest.fixture(scope="package")
async def api(world: World) -> AsyncIterator[Api]:
    async with an_api(world) as running:
        yield running


@pytest.fixture
async def town(world: World) -> Town:
    """The business that a test is about."""
    return await world.found()


@pytest.fixture
async def other(world: World) -> Town:
    """The other business, which must never show."""
    return await world.found()


@pytest.fixture
async def alone(world: World, town: Town, other: Town) -> AsyncIterator[None]:
    """A worker that the test starts has nothing to do but for these two businesses, and for those founded later.

    What other tests have left is done, and while the test lasts nothing falls due in their markets: a worker would do
    all that first, and it is more with every test that has run before.
    """
    await world.root.execute("update task set state = 'DONE', finished_at = now() where state in ('READY', 'LEASED')")
    asleep = await world.root.fetch(
        "update market set archived_at = now() where archived_at is null and tenant_id <> all($1) returning id",
        [town.tenant, other.tenant],
    )
    yield
    await world.root.execute("update market set archived_at = null where id = any($1)", [row["id"] for row in asleep])


@pytest.fixture
async def ring(town: Town) -> Ring:
    """Where two transactions meet."""
    return await a_ring(town)


@pytest.fixture
def play(ring: Ring, other: Town) -> Callable[[Prepare, Judge], Awaitable[Counter[Any]]]:
    """Play a pair in many schedules; how often each outcome was met."""
    return Game(ring, other).play
