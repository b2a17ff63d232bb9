"""The event log as the feeds read it: all tenants' news in one statement, as a role that may read nothing else."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from db.engine import BY_KEY, GONE, read_pool
from domain.actors import TenantId
from domain.errors import Unavailable

NEWS = """
select w.tenant_id, h.epoch, h.seq as head, h.first_seq, e.seq, e.type, e.entity_id, e.at,
    (e.payload->'card')::text as card, e.payload->'people' as people
from unnest($1::uuid[], $2::bigint[]) w(tenant_id, after)
join tenant_head h on h.tenant_id = w.tenant_id
left join lateral (
    select * from event where tenant_id = w.tenant_id and seq > w.after order by seq limit $3) e on true
order by w.tenant_id, e.seq
"""
HEADS = "select tenant_id, epoch, seq, first_seq from tenant_head where tenant_id = any($1::uuid[])"
READ_SECONDS = 5.0
CONNECTIONS = 2
PARSED = 512


@dataclass(frozen=True, slots=True)
class Head:
    """Where a tenant's log stands: its epoch, its last event and the oldest one kept."""

    epoch: int = 0
    seq: int = 0
    first_seq: int = 1


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One committed event. Its card stays text: rings hold many events, and each is looked at for a moment only."""

    seq: int
    type: str
    entity_id: UUID
    text: str
    people: tuple[UUID, ...]
    at: datetime

    @property
    def card(self) -> Mapping[str, Any]:
        """The public card of what it happened to."""
        return _parsed(self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """Events behind a place, dense and in order, with the head of the same moment."""

    head: Head
    events: tuple[LogEvent, ...]


class Log:
    """Reads the log of any tenant; outlives restarts of PostgreSQL. Every method raises `Unavailable` meanwhile."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def news(self, after: Mapping[TenantId, int], limit: int) -> dict[TenantId, Page]:
        """For each tenant at most `limit` events behind its place; a tenant that has no log is left out."""
        rows = await self._fetch(NEWS, list(after), list(after.values()), limit)
        pages: dict[TenantId, tuple[Head, list[LogEvent]]] = {}
        for row in rows:
            head = Head(row["epoch"], row["head"], row["first_seq"])
            _, events = pages.setdefault(row["tenant_id"], (head, []))
            if row["seq"] is not None:
                events.append(_event(row))
        return {tenant: Page(head, tuple(events)) for tenant, (head, events) in pages.items()}

    async def heads(self, tenants: Collection[TenantId]) -> dict[TenantId, Head]:
        """Where these tenants' logs stand."""
        rows = await self._fetch(HEADS, list(tenants))
        return {row["tenant_id"]: Head(row["epoch"], row["seq"], row["first_seq"]) for row in rows}

    async def close(self) -> None:
        """Let the connections go, also those that hang."""
        if self._pool is not None:
            self._pool.terminate()

    async def _fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        try:
            pool = self._pool or await self._open()
            rows: list[asyncpg.Record] = await pool.fetch(statement, *arguments, timeout=READ_SECONDS)
        except (asyncpg.PostgresError, *GONE) as error:
            raise Unavailable("The event log cannot be read.") from error
        return rows

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await read_pool(self._url, size=CONNECTIONS, name="cleanshift-feed", settings=BY_KEY)
            return self._pool


@lru_cache(maxsize=PARSED)
def _parsed(text: str) -> Mapping[str, Any]:
    card: Mapping[str, Any] = orjson.loads(text)
    return card


def _event(row: asyncpg.Record) -> LogEvent:
    people = tuple(UUID(person) for person in row["people"])
    return LogEvent(row["seq"], row["type"], row["entity_id"], row["card"], people, row["at"])
