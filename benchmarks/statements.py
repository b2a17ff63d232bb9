"""How many statements PostgreSQL was sent, as its own log counts them (begin and commit are statements, too)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.gauges import grown
from benchmarks.installation import Installation

_STATEMENT = re.compile(r"LOG:  (?:execute [^:]*|statement): ")


@dataclass(slots=True)
class Counted:
    """The statements of a block, once it has ended."""

    count: int = 0


@asynccontextmanager
async def counted_statements(place: Installation) -> AsyncIterator[Counted]:
    """Count all statements of the block. Logging slows the database: what is counted is not timed."""
    await _log_statements(place, "all")
    counted, before = Counted(), place.postgres_log.stat().st_size
    try:
        yield counted
        counted.count = len(_STATEMENT.findall(grown(place.postgres_log, before)))
    finally:
        await _log_statements(place, "none")


async def _log_statements(place: Installation, which: str) -> None:
    await place.root.execute(f"alter system set log_statement = '{which}'")
    await place.root.execute("select pg_reload_conf()")
    async with asyncio.timeout(10):
        while await place.root.fetchval("show log_statement") != which:  # noqa: ASYNC110 - only PostgreSQL knows when
            await asyncio.sleep(0.05)
