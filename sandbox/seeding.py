"""`main.py seed`: the demo, and with `--tenants` as much more as is wanted."""

import asyncio
from dataclasses import dataclass

from app.auth import Auth
from app.boot import ensure_servable, url_of
from app.command_line import with_auth
from app.settings import Settings
from app.storage import object_store
from db.runner import Runner
from sandbox.bulk import seed_bulk
from sandbox.demo import Demo, seed_demo
from sandbox.demo_money import add_money
from sandbox.demo_payments import connect_demo
from sandbox.servers import servers_for
from sandbox.welcome import welcome


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much data of each kind; all but the tenants are for each tenant."""

    tenants: int
    cleaners: int
    properties: int
    jobs: int
    swaps: int


def seed_database(settings: Settings, amounts: Amounts) -> None:
    """Make the demo, and more if more is wanted, with a bar where it takes long."""
    with servers_for(settings) as served:
        asyncio.run(_seed(served, amounts))


async def _seed(settings: Settings, amounts: Amounts) -> None:
    await ensure_servable(settings)
    await with_auth(settings, lambda runner, auth: seed_demo(runner, auth, settings.data, object_store(settings)))
    if amounts.tenants:
        await seed_bulk(
            url_of(settings.database_url, "DATABASE_URL"),
            tenants=amounts.tenants,
            cleaners=amounts.cleaners,
            properties=amounts.properties,
            jobs=amounts.jobs,
            swaps=amounts.swaps,
        )


async def seed_and_welcome(settings: Settings) -> str:
    """Make sure that the demo is there; what to tell whoever has started it."""
    objects = object_store(settings)

    async def seed(runner: Runner, auth: Auth) -> Demo:
        async def take_cards() -> None:
            await connect_demo(runner, auth, settings)
            await add_money(runner, auth, settings)

        return await seed_demo(runner, auth, settings.data, objects, founded=take_cards)

    return welcome(settings, await with_auth(settings, seed))
