"""The words with which `resolvers/<area>.py` says where the fields of the contract come from.

By convention first, so that most fields need no word at all:

* a field named like a column is that column; `id` is the global id;
* an object field `job` on a table with a foreign key `job_id` is that row;
* a `Connection[Swap]` or `list[Swap]` whose table has exactly one foreign key back is those rows;
* on the root (a type registered with table None) `Connection[Swap]` is every row of the tenant that the policies show,
  and an object field with an argument `id` is the row with that global id;
* a type that is registered nowhere, but is what a `computed` field, a jsonb column or a card holds, is a plain value:
  its fields are read from the mapping's keys or the object's attributes by their Python names.

The GraphQL type is the allow-list: nothing is shown that the contract does not name.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol, Self

from sqlalchemy import Table

SPECIAL = frozenset({"viewer", "now", "args", "lent"})
"""Parameters of a computed function that are no columns: viewer facts, business time, the field's arguments, and what
the process lends (`resolvers.lent`)."""

PLACES = ("row", "stamp", "args", "value")
"""What a function that writes SQL may ask for by parameter name."""

LIST_LIMIT = 100


class Row(Protocol):
    """A row inside an SQL expression: every attribute renders as its quoted, qualified column (`b3."starts_at"`).

    Use it in f-strings only. Every FROM that an expression opens must join on `row.tenant_id`: the data dependency on
    the stamp is what keeps tenants apart even where a policy is forgotten.
    """

    def __getattr__(self, column: str, /) -> str: ...


class Stamp(Protocol):
    """Who asks, inside an SQL expression: the columns of the stamped root row, and the business time."""

    tenant_id: str
    actor_id: str
    role: str
    session_id: str
    now: str


class Args(Protocol):
    """The field's arguments inside an SQL expression. Each call makes a typed placeholder; none puts text into SQL."""

    def bind(self, name: str, sql_type: str) -> str:
        """The argument (its Python name) as a parameter of an SQL type, e.g. "text", "date", "timestamptz", "int[]"."""

    def id(self, name: str, *type_names: str) -> str:
        """The argument as the uuid inside a global id, which must be of one of these types (else INVALID_ID)."""

    def given(self, name: str) -> bool:
        """Whether the client gave a value other than null; plans differ by it."""


Write = Callable[..., str]
"""Writes SQL text; its parameters are named among `row`, `stamp`, `args` (and `value` in filters)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Which roles read a field; with `own`, everybody else reads it in rows whose column equals the actor's id."""

    roles: frozenset[str]
    own: str | None = None


@dataclass(frozen=True, kw_only=True)
class Word:
    """Where a field comes from."""

    gate: Gate | None = None

    def only(self, *roles: str, own: str | None = None) -> Self:
        """For these roles alone (R20): others read null and an error FORBIDDEN at the field's path.

        With `own="cleaner_id"` others read the value where that column equals their own id, and null without an error
        elsewhere. The field must be nullable in the contract.
        """
        return replace(self, gate=Gate(frozenset(str(role) for role in roles), own))


@dataclass(frozen=True, kw_only=True)
class Column(Word):
    """A column of the row. See `column`."""

    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sql(Word):
    """An expression over the row. See `sql`."""

    write: Write
    kind: type | None = None


@dataclass(frozen=True, kw_only=True)
class Computed(Word):
    """A Python function of the row. See `computed`."""

    call: Callable[..., Any]
    hidden: Mapping[str, Word] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names the function asks for, in its order."""
        return tuple(inspect.signature(self.call).parameters)


@dataclass(frozen=True, kw_only=True)
class One(Word):
    """Another row. See `one`."""

    table: Table
    on: str
    to: str = "id"
    where: Write | None = None


@dataclass(frozen=True, kw_only=True)
class Many(Word):
    """Other rows. See `many`."""

    table: Table | None = None
    via: str | None = None
    where: Write | None = None
    order: str | None = None
    limit: int = LIST_LIMIT
    across_tenants: bool = False


@dataclass(frozen=True, kw_only=True)
class Same(Word):
    """The same row. See `same`."""


def column(name: str | None = None) -> Column:
    """The column of this name (or of the field's own name, where only `.only()` is to be said)."""
    return Column(name=name)


def sql(write: Write, kind: type | None = None) -> Sql:
    """An SQL expression: `sql(lambda row: f"lower({row.email})")`.

    `write` asks for `row`, `stamp`, `args` by parameter name and returns SQL text; client values enter through `args`
    alone. `kind` (datetime, date, UUID, Decimal, ...) says what a hidden parameter of a computed function becomes in
    Python; a field of the contract knows its own type. Lists: an SQL array; objects of plain types: json.
    """
    return Sql(write=write, kind=kind)


def one(
    table: Table,
    *,
    on: str,
    to: str = "id",
    where: Write | None = None,
) -> One:
    """The row of `table` whose column `to` equals this row's column `on`: `one(models.cleaner, on="actor_id")`.

    On the root, `on` is a column of the stamp. `where(row, stamp)` narrows further, `row` being the other row. If
    several rows match, the one with the least id is taken.
    """
    return One(table=table, on=on, to=to, where=where)


def many(
    table: Table | None = None,
    *,
    via: str | None = None,
    where: Write | None = None,
    order: str | None = None,
    limit: int = LIST_LIMIT,
    across_tenants: bool = False,
) -> Many:
    """The rows whose column `via` holds this row's id, for a Connection or a plain list.

    `where(row, stamp, args)` narrows; `order` is "starts_at asc" (by id unless told); `limit` bounds a plain list.
    `across_tenants` leaves the tenant to the policies alone, for operators' tables only.
    """
    return Many(table=table, via=via, where=where, order=order, limit=limit, across_tenants=across_tenants)


def same() -> Same:
    """The same row, seen as another type: `Query.viewer`, or a part of a wide row with a name of its own."""
    return Same()


def computed(call: Callable[..., Any], **hidden: Word) -> Computed:
    """A pure Python function of the row: `computed(viewer_can_take)`.

    The names of its parameters are the hidden columns it needs, as Python values (UUID, datetime, date, Decimal, ...);
    on a card they are keys of the mapping. Further: `viewer` (viewer facts, fetched once an operation), `now`
    (business time), `args` (the field's arguments as a mapping by Python name), `lent` (what the process lends: how it
    signs addresses), on a card `card` (the mapping itself), and names given here:
    `computed(fn, job_starts_at=sql(lambda row: ..., datetime))`. A parameter `viewer` makes a delta per viewer.
    """
    return Computed(call=call, hidden=MappingProxyType(hidden))


@dataclass(frozen=True, slots=True)
class Filter:
    """One field of a filter input that is no plain column."""

    write: Write
    id_of: tuple[str, ...] = ()


def where(write: Write, *, id_of: str | tuple[str, ...] = ()) -> Filter:
    """A condition for a filter field: `where(lambda row, value: f"{row.note} ILIKE {value}")`.

    `write` asks for `row`, `stamp` and `value` (the client's value as a typed placeholder) by name and returns a
    condition. `id_of` names the types that a global id in this field may be of.
    """
    return Filter(write, (id_of,) if isinstance(id_of, str) else id_of)


@dataclass(frozen=True, slots=True)
class Source:
    """A type of the contract, its table (None: the stamped root row) and the words for its fields."""

    type: type
    table: Table | None
    words: Mapping[str, Word]


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """How the facts about the viewer are fetched and read."""

    write: Write
    read: Callable[[Any], Any] | None = None


class Registry:
    """All declarations of the installation; one object, built in `resolvers/__init__.py` and passed on."""

    def __init__(self) -> None:
        self.declared: dict[type, Source] = {}
        self.cards: dict[type, Mapping[str, Computed]] = {}
        self.filtered: dict[type, Mapping[str, Filter]] = {}
        self.ordered: dict[type, Mapping[str, Sql]] = {}
        self.facts: ViewerFacts | None = None

    def sources(self, type: type, table: Table | None, /, **words: Word) -> None:
        """Say where the fields of a type come from; `table` None is the stamped root row (Query and its parts)."""
        if type in self.declared:
            raise ValueError(f"{type.__name__} has sources already")
        self.declared[type] = Source(type, table, MappingProxyType(words))

    def card(self, type: type, /, **computed: Computed) -> None:
        """Declare a type whose fields are read from an event's mapping, plus functions of its keys."""
        if type in self.cards:
            raise ValueError(f"{type.__name__} is a card already")
        self.cards[type] = MappingProxyType(computed)

    def filters(self, type: type, /, **conditions: Filter) -> None:
        """Say what the fields of a filter input mean that are no column, `<column>_from` or `<column>_before`."""
        self.filtered[type] = MappingProxyType({**self.filtered.get(type, {}), **conditions})

    def orders(self, type: type, /, **expressions: Sql) -> None:
        """Name expressions that an order enum's values use besides columns; they must never be null.

        `registry.orders(SwapOrder, job_starts_at=sql(lambda row: "(SELECT ...)", datetime))` for the enum value
        "job_starts_at asc".
        """
        self.ordered[type] = MappingProxyType(expressions)

    def viewer_facts(self, write: Write, read: Callable[[Any], Any] | None = None) -> None:
        """One SQL expression over the stamp that returns json: what computed functions know of the viewer.

        Fetched at most once an operation, and only if a selected function has a parameter `viewer`. `read` turns the
        decoded json into the object the functions receive.
        """
        self.facts = ViewerFacts(write, read)
