"""Names inside one SQL text: which alias stands for which row, which columns are needed, what authors write."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import Table

from resolvers.engine.sources import Write
from resolvers.engine.tables import quoted

STAMP_COLUMNS = ("tenant_id", "actor_id", "role", "session_id")


class Scope:
    """A row under an alias; remembers the columns that anybody named, so that only those are selected."""

    def __init__(self, alias: str, table: Table | None) -> None:
        self.alias, self.table = alias, table
        self.needed: dict[str, None] = {}

    def column(self, name: str) -> str:
        """The qualified column; raises LookupError for one that the row does not have."""
        known = STAMP_COLUMNS if self.table is None else self.table.c
        if name not in known:
            owner = "the stamp" if self.table is None else self.table.name
            raise LookupError(f"{owner} has no column {name}")
        self.needed[name] = None
        return f"{self.alias}.{quoted(name)}"


class RowText:
    """An author's `row`: attributes render as columns of the scope."""

    def __init__(self, scope: Scope) -> None:
        self._column = scope.column

    def __getattr__(self, name: str) -> str:
        return self._column(name)


class StampText:
    """An author's `stamp`: the root row, and the business time that comes with it."""

    tenant_id = 'stamp."tenant_id"'
    actor_id = 'stamp."actor_id"'
    role = 'stamp."role"'
    session_id = 'stamp."session_id"'
    now = 'live."business_now"'


class DraftArgs:
    """An author's `args` while the declarations are checked: every argument is there."""

    def bind(self, name: str, sql_type: str) -> str:
        """Any value of the type."""
        return f"NULL::{sql_type}"

    def id(self, name: str, *type_names: str) -> str:
        """Any id."""
        return "NULL::uuid"

    def given(self, name: str) -> bool:
        """Always."""
        return True


class Draft:
    """Writes an expression for nobody, to see whether it names only what exists."""

    def __init__(self, table: Table | None) -> None:
        self.row = Scope("draft" if table is not None else "stamp", table)

    def write(self, write: Write) -> str:
        """The text; raises LookupError for an unknown column."""
        return written(write, row=RowText(self.row), args=DraftArgs(), value="NULL")


def written(write: Write, **places: Any) -> str:
    """Call an author's function with the places it asks for by name."""
    offered = {"stamp": StampText, **places}
    names = _parameters(write)
    if unknown := [name for name in names if name not in offered]:
        raise LookupError(f"an SQL expression may ask for row, stamp, args and value, not for {', '.join(unknown)}")
    return write(*[offered[name] for name in names])


@cache
def _parameters(write: Callable[..., str]) -> tuple[str, ...]:
    return tuple(inspect.signature(write).parameters)
