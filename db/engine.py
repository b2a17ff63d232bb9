"""Connections: one engine for writes, one pool for compiled reads."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

STATEMENT_TIMEOUT_MS = 10_000
WRITES_PREPARED = 1_000
"""The statements that a connection keeps prepared: more than all commands have.

With the driver's 100 a worker would prepare and plan nearly all of them anew each time.
"""

GONE = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""How the driver says that a connection is lost: the second while the server has said farewell and not yet hung up."""
NOT_NOW = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError)
"""How the server says that it cannot answer at present: it starts, ends, was interrupted, or has no room."""


def write_engine(url: str, *, size: int = 10) -> AsyncEngine:
    """The engine that the runner uses. AUTOCOMMIT, because the runner itself says BEGIN and COMMIT."""
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        isolation_level="AUTOCOMMIT",
        pool_size=size,
        max_overflow=5,
        pool_timeout=20,
        pool_recycle=1800,
        # The connection that was used last knows most of the statements; the others may rest.
        pool_use_lifo=True,
        json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "prepared_statement_cache_size": WRITES_PREPARED,
            "server_settings": _settings("cleanshift-write"),
        },
    )


BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(
        ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "enable_sort"), "off"
    ),
}
"""Settings of connections whose every statement finds its rows by a primary key, or takes the first of an index.

A plan is kept for as long as the statistics are. One that was made while a table was small, or empty, reads all of it
each time, until it is analyzed: for a log that grows by hundreds of rows a second that is far too late.
"""


async def read_pool(
    url: str, *, size: int = 10, name: str = "cleanshift-read", settings: Mapping[str, str] = MappingProxyType({})
) -> asyncpg.Pool:
    """A pool for single statements, its connections made with these settings.

    Nothing is ever set at session level, so a connection needs no reset.
    """
    return await asyncpg.create_pool(
        url,
        # None yet: a database that is just restarting must not end whoever starts meanwhile.
        min_size=0,
        max_size=size,
        init=_decode_json,
        reset=_keep,
        # Compiled reads are long texts, and are to be prepared once a connection like any other.
        max_cacheable_statement_size=0,
        server_settings={**_settings(name), **settings},
    )


def _settings(name: str) -> dict[str, str]:
    return {
        "application_name": name,
        "timezone": "UTC",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(STATEMENT_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": "30000",
        "jit": "off",
    }


async def _decode_json(connection: Any) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
        )


async def _keep(_connection: Any) -> None:
    return None
