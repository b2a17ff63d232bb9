"""A transaction as commands see it: statements, business time, and what it stages for its last round trip."""

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    CursorResult,
    Executable,
    Row,
    Select,
    SelectBase,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from db.ids import new_id
from db.secrets import Secrets
from domain.actors import NOWHERE, OFFICE, Actor, Origin, Role
from domain.errors import Conflict, NotFound, Refused
from domain.events import Event

SEES_ALL = frozenset({*OFFICE, Role.SYSTEM})
"""Whose policies show them every row of their tenant's business."""

KEPT = frozenset({"job", "payment"})
"""Tables whose locked rows a transaction remembers: nothing but statements that name them changes them, no trigger and
no cascade; who calls a function that does says so with `forget`. Everybody locks a clean and what it is paid with
again and again.
"""

_SEE_AS = select(func.set_config("app.role", bindparam("role", type_=Text), True))


@cache
def _by_id(table: Table, share: bool | None) -> Select[Any]:
    """A row by its id, locked (or shared) unless `share` is None; made once, since putting it together costs as much
    as having it answered.
    """
    found = select(table).where(table.c.tenant_id == bindparam("by_tenant"), table.c.id == bindparam("by_id"))
    return found if share is None else found.with_for_update(read=share)


@cache
def _changed(table: Table, names: tuple[str, ...]) -> ReturningUpdate[Any]:
    """The change of these columns of a row, which answers with the whole row; made once."""
    given = {name: bindparam(f"to_{name}", type_=table.c[name].type) for name in names}
    mine = (table.c.tenant_id == bindparam("by_tenant"), table.c.id == bindparam("by_id"))
    return update(table).where(*mine).values(**given, version=table.c.version + 1).returning(table)


@dataclass(slots=True)
class Staged:
    """What a transaction will append: events, audit lines, tasks."""

    events: list[Event] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Tx:
    """One stamped transaction. Only the runner makes, commits or rolls back one."""

    connection: AsyncConnection
    actor: Actor
    now: datetime
    request_id: str
    secrets: Secrets
    command: str = ""
    staged: Staged = field(default_factory=Staged)
    origin: Origin = NOWHERE
    is_as_system: bool = False
    """Whether a block of `as_system` is under way; one within it is the same one."""
    learnt: set[Hashable] = field(default_factory=set)
    """What one part of a command has found out for the parts after it, so that they need not ask again."""
    _held: dict[tuple[str, UUID, bool], Row[Any]] = field(default_factory=dict)

    async def all(self, statement: Executable) -> Sequence[Row[Any]]:
        """Every row of the statement's answer."""
        return (await self._run(statement)).all()

    async def one(self, statement: Executable, **parameters: Any) -> Row[Any] | None:
        """The first row, or None."""
        return (await self._run(statement, parameters)).first()

    async def scalar(self, statement: Executable, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        return (await self._run(statement, parameters)).scalar()

    async def write(self, statement: Executable) -> int:
        """Run a writing statement; the number of rows that it changed."""
        return (await self._run(statement)).rowcount

    async def _run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        if not isinstance(statement, SelectBase):
            self._forget(statement)
        return await self.connection.execute(statement, parameters)

    def own(self, table: Table) -> ColumnElement[bool]:
        """The tenant's rows of a table: beside the policy, so that indexes are used and two walls stand."""
        return table.c.tenant_id == self.actor.tenant

    async def insert(self, table: Table, **values: Any) -> UUID:
        """Insert a row of this tenant, with a new id unless one is given; the row's id."""
        row = {"tenant_id": self.actor.tenant, **values}
        if "id" in table.c:
            row.setdefault("id", new_id())
        await self._run(insert(table).values(row))
        made: UUID = row.get("id", self.actor.tenant)
        return made

    async def insert_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert many rows of this tenant in one statement."""
        if rows:
            stamped = [{"tenant_id": self.actor.tenant, **row} for row in rows]
            await self._run(insert(table).values(stamped))

    async def get(self, table: Table, id: UUID, *field_path: str, lock: bool = False, share: bool = False) -> Row[Any]:
        """The row with this id. Raises `NotFound` for a missing and a foreign one alike (R3).

        With `lock` nobody else can change or lock it until the end, with `share` nobody can change it. A locked row of
        a table that is `KEPT` is read once: until this transaction itself changes it, it stays what it is.
        """
        held = self.held(table, id)
        if held is not None:
            return held
        found = _by_id(table, share if lock or share else None)
        row = await self.one(found, by_tenant=self.actor.tenant, by_id=id)
        if row is None:
            raise NotFound(field=field_path)
        if lock:
            self.keep(table, row)
        return row

    def held(self, table: Table, id: UUID) -> Row[Any] | None:
        """The row as it is, where this transaction has locked it and remembers it."""
        return self._held.get((table.name, id, self.is_as_system))

    def held_ids(self, table: Table) -> list[UUID]:
        """The rows of a table that are locked and remembered."""
        return [id for name, id, seen_as in self._held if name == table.name and seen_as is self.is_as_system]

    def keep(self, table: Table, row: Row[Any]) -> None:
        """Remember a whole row that this transaction has just locked, where the table's are to be remembered."""
        if table.name in KEPT:
            # Apart by who sees it: what the system has locked, an actor may not be allowed to read.
            self._held[table.name, row.id, self.is_as_system] = row

    def forget(self) -> None:
        """Remember nothing any more: a savepoint was taken back, or a function of the database's has written."""
        self._held.clear()
        self.learnt.clear()

    def _forget(self, statement: Executable) -> None:
        """A statement that writes may change any row of its table; of one that does not say so, any row at all."""
        written = getattr(statement, "table", None)
        gone = KEPT if written is None else {written.name}
        for key in [key for key in self._held if key[0] in gone]:
            del self._held[key]

    async def change(self, table: Table, id: UUID, expected_version: int | None = None, **values: Any) -> None:
        """Change a row and count its version. Raises `NotFound`, or `Conflict` if its version is another (A28)."""
        if self.held(table, id) is not None and expected_version is None:
            await self._change_held(table, id, values)
            return
        statement = update(table).where(self.own(table), table.c.id == id).values(**values, version=table.c.version + 1)
        if expected_version is not None:
            statement = statement.where(table.c.version == expected_version)
        if await self.write(statement) == 0:
            await self.get(table, id, "id")
            raise Conflict(field=("expectedVersion",))

    async def _change_held(self, table: Table, id: UUID, values: Mapping[str, Any]) -> None:
        """Change a remembered row and remember what it is now."""
        for seen_as in (True, False):
            self._held.pop((table.name, id, seen_as), None)
        said = {name: value for name, value in values.items() if isinstance(value, ClauseElement)}
        given = {f"to_{name}": value for name, value in values.items() if name not in said}
        statement = _changed(table, tuple(name for name in values if name not in said))
        row = (
            await self.connection.execute(
                statement.values(said) if said else statement,
                {"by_tenant": self.actor.tenant, "by_id": id, **given},
            )
        ).first()
        if row is None:
            raise NotFound(field=("id",))
        self.keep(table, row)

    @asynccontextmanager
    async def as_system(self, *, wholly: bool = False) -> AsyncIterator[None]:
        """See the tenant's rows as its own system does, for as long as the block lasts.

        For rules that ask what their actor may not read: whether the other side of a trade can work. What is learned
        here decides, and is not told. Events and audit lines stay the actor's.

        The office sees all of its business and stays who it is, which saves two statements, unless `wholly` is asked:
        for what the system alone may write, or read.
        """
        if self.is_as_system or self.actor.role in ({Role.SYSTEM} if wholly else SEES_ALL):
            yield
            return
        await self._see_as(Role.SYSTEM)
        try:
            yield
        except Refused:
            await self._see_as(self.actor.role)
            raise
        await self._see_as(self.actor.role)

    async def _see_as(self, role: Role) -> None:
        await self.connection.execute(_SEE_AS, {"role": role.value})
        self.is_as_system = role is not self.actor.role

    def emit(self, event: Event) -> None:
        """Stage an event: it is appended to the log in the commit's own round trip, or not at all."""
        self.staged.events.append(event)

    def audit(
        self, entity: str, entity_id: UUID, *, reason: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Stage an audit line for this command."""
        line = {"action": self.command, "entity": entity, "entity_id": str(entity_id), "reason": reason}
        self.staged.audit.append({**line, "detail": dict(detail or {})})

    def later(
        self, kind: str, payload: Mapping[str, Any], *, run_at: datetime | None = None, dedupe_key: str | None = None
    ) -> None:
        """Stage a task: it is due at `run_at` (business time; at once if None) and written with this transaction."""
        self.staged.tasks.append(
            {
                "id": new_id(),
                "kind": kind,
                "payload": dict(payload),
                "run_at": run_at or self.now,
                "created_at": self.now,
                "dedupe_key": dedupe_key,
            }
        )
