"""How a table is declared here: tenant first in every key, its policies and grants beside it.

`tenant_table` makes the columns that every tenant table has; `protect` states who may do what with its rows. Both are
data: the migration prints them as SQL, and a test walks the catalogue of a migrated database against them (R2, R5, R6).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Uuid,
    text,
)
from sqlalchemy.schema import SchemaItem

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_1_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

metadata = MetaData(naming_convention=NAMING)

APP, FEED, OPS, DEFINER = "cleanshift_app", "cleanshift_feed", "cleanshift_ops", "cleanshift_definer"
"""The database roles. DEFINER cannot log in and owns the few trusted functions; another role migrates."""

# Sub-selects, so that the planner evaluates each once a statement; nullif, because an ended setting is ''.
TENANT = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"
ACTOR = "(select nullif(current_setting('app.actor_id', true), '')::uuid)"
ROLE = "(select current_setting('app.role', true))"

Verb = Literal["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"]


def role_is(*roles: str) -> str:
    """SQL that holds when the stamped role is one of these."""
    return f"{ROLE} in ({', '.join(repr(role) for role in roles)})"


SYSTEM = role_is("system")
ADMIN = role_is("owner", "admin", "system")
OFFICE = role_is("owner", "admin", "dispatcher", "system")
ANONYMOUS = role_is("anonymous")

# Nothing of jobs and market before onboarding is complete, whatever a resolver forgets (R18).
CLEANER = f"""{role_is("cleaner")} and (select me.onboarding = 'COMPLETE' from cleaner me
    where me.tenant_id = {TENANT} and me.id = {ACTOR})"""
ANY_CLEANER = role_is("cleaner")


@dataclass(frozen=True, slots=True)
class Policy:
    """One row-level policy: who (`to`) may do `verb` with rows for which `rule` holds, before and after the change.

    With `check`, `rule` is asked of the row as it was and `check` of the row as it becomes.
    """

    name: str
    verb: Verb
    rule: str
    to: str = APP
    restrictive: bool = False
    check: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a database role may do with a table at all: `verbs` as SQL lists them, each with columns if not for all."""

    to: str
    verbs: str


@dataclass(frozen=True, slots=True)
class Wall:
    """Everything that stands between a table and those who connect."""

    policies: tuple[Policy, ...]
    grants: tuple[Grant, ...]


walls: dict[str, Wall] = {}
"""The wall of each table, by table name; a table without one fails the catalogue test."""


def at(name: str, *, nullable: bool = False, doc: str = "") -> Column[Any]:
    """An instant, always with its zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable, comment=doc or None)


def ref(name: str, *, nullable: bool = False) -> Column[Any]:
    """The id of another row of the same tenant; its foreign key is declared with `belongs_to`."""
    return Column(name, Uuid, nullable=nullable)


def version() -> Column[Any]:
    """Counts the changes of a row, for clients that must not overwrite what they have not read (A28)."""
    return Column("version", Integer, nullable=False, server_default=text("1"))


def belongs_to(column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key that cannot leave the tenant: foreign keys are not subject to row-level security."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A text column that holds one of the enum's values and nothing else."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=f"{column}_known")


def tenant_table(name: str, *items: SchemaItem) -> Table:
    """A table of one tenant's rows with (tenant_id, id) as its key."""
    return Table(
        name,
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("id", Uuid, primary_key=True),
        *items,
        *([] if name == "tenant" else [ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"])]),
    )


def protect(table: Table, *policies: Policy, grants: tuple[Grant, ...] = ()) -> Table:
    """Put the tenant wall and these policies around the table; the application may do all unless `grants` says less."""
    wall = Policy("tenant_wall", "ALL", f"tenant_id = {TENANT}", restrictive=True)
    walls[table.name] = Wall((wall, *policies), grants or (Grant(APP, "SELECT, INSERT, UPDATE, DELETE"),))
    return table
