"""What feeds read besides the log, each as the subscriber: what is known of the viewer, and snapshots.

Statements run in tasks of their own: a client's cancel must never kill one, for that would cost its connection.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from db.engine import GONE
from db.stamp import STAMP, VERIFIED
from domain.actors import Actor
from domain.errors import Unauthenticated, Unavailable
from subscriptions.standings import Standing, Standings, standing_statement

Result = TypeVar("Result")

READ_SECONDS = 10.0
# PostgreSQL's classes of "not now": connection, resources, operator intervention, system.
_NOT_NOW = ("08", "53", "57", "58")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A feed's state with its place in the log, both of one MVCC snapshot; `read_at` is the event loop's clock."""

    epoch: int
    seq: int
    now: datetime
    rows: Any
    read_at: float


@dataclass(frozen=True, slots=True)
class Rows:
    """What a snapshot selects: an SQL expression (json, over `stamp` and `live.business_now`), and its $5 and on."""

    sql: str
    values: tuple[object, ...] = ()


class Reads:
    """Stamped statements on the application's read pool.

    `viewer_facts` is an SQL expression over `stamp` and `live.business_now` that yields json (or null).
    """

    def __init__(self, pool: asyncpg.Pool, viewer_facts: str) -> None:
        self._pool = pool
        self._standing = standing_statement(viewer_facts)
        self._standings = Standings(self._ask)
        self._running: set[asyncio.Task[Any]] = set()

    async def standing(self, actor: Actor) -> Standing:
        """What is known of the actor now. Raises `Unauthenticated` if the session is over, or `Unavailable`.

        Sockets of one person that ask at once are answered by one statement.
        """
        return await self._standings.of(actor)

    async def snapshot(self, actor: Actor, rows: Rows) -> Snapshot:
        """The state that these rows yield to the actor."""
        row = await self.shielded(self._one(actor, _statement(rows.sql), *rows.values))
        if row is None:
            raise Unauthenticated
        read_at = asyncio.get_running_loop().time()
        return Snapshot(row["epoch"], row["seq"], row["business_now"], row["found"], read_at)

    async def shielded(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for the work in a task of its own, which goes on if the waiter is cancelled."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    async def _ask(self, actor: Actor, sessions: frozenset[UUID]) -> Standing | None:
        row = await self._one(actor, self._standing, list(sessions))
        if row is None:
            return None
        return Standing(row["found"], row["seq"], row["business_now"], frozenset(row["sessions"]))

    async def _one(self, actor: Actor, statement: str, *more: object) -> asyncpg.Record | None:
        stamp = (str(actor.tenant), str(actor.person), str(actor.role), str(actor.session))
        try:
            return await self._pool.fetchrow(statement, *stamp, *more, timeout=READ_SECONDS)
        except GONE as error:
            raise Unavailable("The database does not answer.") from error
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "").startswith(_NOT_NOW):
                raise Unavailable("The database does not answer.") from error
            raise


def _statement(expression: str) -> str:
    return f"""select live.business_now, coalesce(head.epoch, 0) as epoch, coalesce(head.seq, 0) as seq,
        ({expression}) as found
    from {STAMP} {VERIFIED}
    left join lateral (select h.epoch, h.seq from tenant_head h where h.tenant_id = stamp.tenant_id
        offset 0) head on true"""
