"""Reading and writing as the installation itself, on a bare connection: for what is looked up or made in bulk here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from db.stamp import OPEN, OPEN_NEW
from domain.actors import NOBODY, Actor, Role, TenantId


@asynccontextmanager
async def stamped(connection: asyncpg.Connection, actor: Actor) -> AsyncIterator[datetime]:
    """A transaction of the actor: everything is written at its end or nothing is. Yields the tenant's business time."""
    async with connection.transaction():
        stamp = (str(actor.tenant), str(actor.person), str(actor.role), str(actor.session))
        opened = await connection.fetchrow(OPEN, *stamp) or await connection.fetchrow(OPEN_NEW, *stamp)
        yield next(iter(opened))


@asynccontextmanager
async def looking(engine: AsyncEngine, tenant: TenantId) -> AsyncIterator[tuple[asyncpg.Connection, datetime]]:
    """A connection on which the installation looks at one tenant's rows, and the tenant's business time."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)  # noqa: S101 (narrows the driver's type)
        async with stamped(driver, Actor(tenant, Role.SYSTEM, NOBODY, NOBODY)) as now:
            yield driver, now
