"""What feeds read besides the log, each as the subscriber: what is known of the viewer, and snapshots.

Statements run in tasks of their own: a client's cancel must never kill one, for that would cost its connection.
"""

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import asyncpg

from db.engine import GONE
from db.stamp import STAMP, VERIFIED
from domain.actors import Actor, Role, TenantId
from domain.errors import Unauthenticated, Unavailable
from subscriptions.rounds import Rounds
from subscriptions.standings import (
    CLASS_STATEMENT,
    Person,
    Standing,
    columns,
    person_of,
    told,
    whole_statement,
)

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
        self._whole_statement = whole_statement(viewer_facts)
        self._classes: Rounds[TenantId, Actor, Standing] = Rounds(self._read_classes)
        self._wholes: Rounds[Person, Actor, Standing] = Rounds(self._read_whole)
        self._running: set[asyncio.Task[Any]] = set()

    async def standing(self, actor: Actor, *, whole: bool = False) -> Standing:
        """What is known of the actor now. Raises `Unauthenticated` if the session is over, or `Unavailable`.

        Sockets of one tenant that ask at once are answered by one statement; for the `whole`, sockets of one person.
        """
        asking = self._wholes.of(person_of(actor), actor) if whole else self._classes.of(actor.tenant, actor)
        standing = await asking
        if standing is None:
            raise Unauthenticated
        return standing

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

    async def _read_classes(self, asked: Collection[Actor]) -> Mapping[Actor, Standing]:
        tenant = next(iter(asked)).tenant
        rows = await self._rows(Actor.system(tenant), CLASS_STATEMENT, *columns(asked))
        return told(asked, ((_person(tenant, row), row["sessions"], _standing(row, is_whole=False)) for row in rows))

    async def _read_whole(self, asked: Collection[Actor]) -> Mapping[Actor, Standing]:
        actor = next(iter(asked))
        rows = await self._rows(actor, self._whole_statement, [one.session for one in asked])
        return told(asked, ((person_of(actor), row["sessions"], _standing(row, is_whole=True)) for row in rows))

    async def _one(self, actor: Actor, statement: str, *more: object) -> asyncpg.Record | None:
        return next(iter(await self._rows(actor, statement, *more)), None)

    async def _rows(self, actor: Actor, statement: str, *more: object) -> list[asyncpg.Record]:
        stamp = (str(actor.tenant), str(actor.person), str(actor.role), str(actor.session))
        try:
            rows: list[asyncpg.Record] = await self._pool.fetch(statement, *stamp, *more, timeout=READ_SECONDS)
        except GONE as error:
            raise Unavailable("The database does not answer.") from error
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "").startswith(_NOT_NOW):
                raise Unavailable("The database does not answer.") from error
            raise
        return rows


def _person(tenant: TenantId, row: asyncpg.Record) -> Person:
    return tenant, row["person"], Role(row["role"])


def _standing(row: asyncpg.Record, *, is_whole: bool) -> Standing:
    return Standing(row["found"], row["seq"], row["business_now"], is_whole)


def _statement(expression: str) -> str:
    return f"""select live.business_now, coalesce(head.epoch, 0) as epoch, coalesce(head.seq, 0) as seq,
        ({expression}) as found
    from {STAMP} {VERIFIED}
    left join lateral (select h.epoch, h.seq from tenant_head h where h.tenant_id = stamp.tenant_id
        offset 0) head on true"""
