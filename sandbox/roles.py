"""The database and its roles, as the embedded superuser makes them: none of the roles we work with has any power.

`cleanshift_owner` migrates, `cleanshift_app` serves, `cleanshift_feed` reads the events, `cleanshift_ops` runs tasks;
`cleanshift_definer` cannot sign in and only owns the few functions that look across tenants.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg

from sandbox import SandboxError
from sandbox.passwords import Passwords

DATABASE = "cleanshift"
POWERLESS = "NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT"
DATABASE_RULES = (
    # Temporary objects could shadow ours in a function without a fixed search_path.
    f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO cleanshift_app, cleanshift_feed, cleanshift_ops",
    "ALTER SCHEMA public OWNER TO cleanshift_owner",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    # A function's new owner must be one that the old owner can become, and may create in the function's schema.
    "GRANT cleanshift_definer TO cleanshift_owner WITH INHERIT FALSE, SET TRUE",
    "GRANT USAGE, CREATE ON SCHEMA public TO cleanshift_definer",
    "CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public",
)


def prepare_database(superuser_url: str, passwords: Passwords) -> None:
    """Make the database and its roles, or bring them to what they should be; may be called from a running event loop.

    Raises SandboxError if the kept password is not the cluster's.
    """
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_run, _prepare(superuser_url, passwords)).result()


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except asyncpg.InvalidPasswordError as error:
        raise SandboxError(
            "The kept passwords do not fit the PostgreSQL cluster: remove the data folder, or choose another DATA=."
        ) from error
    except asyncpg.UndefinedFileError as error:
        raise SandboxError("This PostgreSQL lacks the extension btree_gist: install its contrib package.") from error


async def _prepare(superuser_url: str, passwords: Passwords) -> None:
    server = await asyncpg.connect(superuser_url)
    try:
        await _ensure_roles(server, passwords)
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await server.execute(f"CREATE DATABASE {DATABASE} OWNER cleanshift_owner")
    finally:
        await server.close()
    database = await asyncpg.connect(superuser_url, database=DATABASE)
    try:
        async with database.transaction():
            for rule in DATABASE_RULES:
                await database.execute(rule)
    finally:
        await database.close()


async def _ensure_roles(server: asyncpg.Connection, passwords: Passwords) -> None:
    logins = {"owner": passwords.owner, "app": passwords.app, "feed": passwords.feed, "ops": passwords.ops}
    existing = {row["rolname"] for row in await server.fetch("SELECT rolname FROM pg_roles")}
    for name, password in logins.items():
        verb = "ALTER" if f"cleanshift_{name}" in existing else "CREATE"
        await server.execute(f"{verb} ROLE cleanshift_{name} LOGIN {POWERLESS} PASSWORD '{password}'")
    verb = "ALTER" if "cleanshift_definer" in existing else "CREATE"
    await server.execute(f"{verb} ROLE cleanshift_definer NOLOGIN {POWERLESS}")
