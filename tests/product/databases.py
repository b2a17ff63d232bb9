"""Databases beside the installation's own, for what is about making one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from sandbox.environment import Servers
from sandbox.roles import DATABASE, DATABASE_RULES


@asynccontextmanager
async def an_empty_database(servers: Servers, name: str) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    """A database of this name that belongs to the owner: the owner's address, and a superuser's connection to it."""
    root = await asyncpg.connect(servers.superuser_url)
    await root.execute(f"create database {name} owner cleanshift_owner")
    connection = await asyncpg.connect(servers.superuser_url, database=name)
    for rule in DATABASE_RULES:
        await connection.execute(rule.replace(f"DATABASE {DATABASE} ", f"DATABASE {name} "))
    try:
        yield f"{servers.database_owner_url.rsplit('/', 1)[0]}/{name}", connection
    finally:
        await connection.close()
        await root.execute(f"drop database {name} with (force)")
        await root.close()
