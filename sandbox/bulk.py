"""Businesses of any size within seconds, for benchmarks: rows as the commands would have left them, but no events.

They are written under the stamp of each tenant by the application's own role, so that no row-level policy, foreign key
or exclusion constraint is passed by. COPY does not work under row-level security: rows come as arrays.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from domain.actors import Actor, TenantId
from models import metadata
from sandbox import SandboxError
from sandbox.bulk_business import Row, Size
from sandbox.bulk_rows import rows_of
from sandbox.stamped import stamped

SEED = 20_260_104
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def seed_bulk(
    app_url: str,
    *,
    tenants: int,
    cleaners: int,
    properties: int,
    jobs: int,
    swaps: int,
    progress: bool = True,
    seed: int = SEED,
) -> list[str]:
    """Make the businesses `bulk-1` and on, each of the given size; the slugs of those that were not there before.

    The same seed on the same day makes the same rows. Each business is one transaction: an interrupted run leaves
    whole ones. Raises SandboxError, one line, for numbers that do not go together.
    """
    size = _ensure_possible(Size(cleaners, properties, jobs, swaps))
    made: list[str] = []
    connection = await asyncpg.connect(app_url)
    try:
        with _bar(tenants, shown=progress) as advance:
            for number in range(1, tenants + 1):
                slug = await _make(connection, number, size, seed)
                made += [slug] if slug else []
                advance()
    finally:
        await connection.close()
    return made


def _ensure_possible(size: Size) -> Size:
    if size.jobs and not size.properties:
        raise SandboxError("Jobs need homes: ask for at least one property.")
    if size.swaps and not size.cleaners:
        raise SandboxError("Swaps need cleaners: ask for at least one.")
    if size.swaps > size.jobs:
        raise SandboxError(f"A job has one open swap at most: ask for at least {size.swaps} jobs.")
    return size


async def _make(connection: asyncpg.Connection, number: int, size: Size, seed: int) -> str | None:
    """Make one business; its slug, or None if there is one of this name."""
    slug = f"bulk-{number}"
    if await connection.fetchval("select tenant_by_slug($1)", slug) is not None:
        return None
    now = await connection.fetchval("select date_trunc('minute', clock_timestamp())")
    tenant, rows = await asyncio.to_thread(rows_of, number, size, now, seed)
    async with stamped(connection, Actor.system(TenantId(tenant))):
        founded = {"tenant_id": tenant, "slug": slug, "name": f"Bulk {number}", "created_at": now}
        await _insert(connection, metadata.tables["tenant"], [founded])
        await _insert(
            connection, metadata.tables["tenant_head"], [{"tenant_id": tenant, "epoch": int(now.timestamp())}]
        )
        for table in metadata.sorted_tables:
            for part in rows.get(table.name, []):
                part["tenant_id"] = tenant
            await _insert(connection, table, rows.get(table.name, []))
    return slug


async def _insert(connection: asyncpg.Connection, table: Table, rows: list[Row]) -> None:
    """Insert rows that all have the same columns, in one statement."""
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    arrays = ", ".join(f"${place}::{one.type.compile(_DIALECT)}[]" for place, one in enumerate(columns, 1))
    names = ", ".join(one.name for one in columns)
    values = [[row[one.name] for row in rows] for one in columns]
    await connection.execute(f"insert into {table.name} ({names}) select * from unnest({arrays})", *values)


@contextmanager
def _bar(total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """A bar over the businesses; what it yields counts one."""
    columns = (TextColumn("Making businesses"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=not shown) as progress:
        bar = progress.add_task("businesses", total=total)
        yield lambda: progress.advance(bar)
