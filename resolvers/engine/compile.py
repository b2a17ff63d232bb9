"""A selection becomes one SQL statement: the stamp is the root row, and every scan hangs on its parent's tenant.

The text is made of our tables' names and authors' expressions only; whatever a client wrote is a parameter.
"""

from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from graphql import GraphQLError, GraphQLList, get_named_type, get_nullable_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetails
from sqlalchemy import Table
from sqlalchemy.types import BigInteger, Uuid

from domain.errors import Invalid, InvalidId, Refused
from resolvers.engine import pages
from resolvers.engine.bindings import Bindings, Bound, ById, Entity, argument_names
from resolvers.engine.level import Level
from resolvers.engine.parameters import STAMP_PARAMETERS, ArgsText, Parameters, taking
from resolvers.engine.plain import PlainCompiler
from resolvers.engine.scope import RowText, Scope, written
from resolvers.engine.selection import Grouped, Selection
from resolvers.engine.shape import (
    Field,
    Reader,
    State,
    checked,
    constant,
    flat,
    forbidden,
    object_reader,
    publish,
    reader_of,
    refusing,
    unless_refused,
    where_own,
)
from resolvers.engine.sources import Column, Computed, Many, One, Same, Sql
from resolvers.engine.tables import foreign_keys, has_tenant, quoted, table_text
from resolvers.engine.values import Convert, Leaf, column_kind, output_leaf, python_leaf
from schema.types.relay import MAX_PAGE, decode_id, encode_id, split_id


@dataclass(frozen=True, slots=True)
class Site:
    """A field being compiled: its word, the row it hangs on, the array it goes into, its nodes and arguments."""

    bound: Bound
    scope: Scope
    level: Level
    details: list[FieldDetails]
    slot: int | None


@dataclass(slots=True)
class Compiled:
    """A statement without its root row, and how to read its one answer."""

    root: Level
    parameters: Parameters
    reader: Reader
    viewer_at: int | None
    now_at: int | None
    is_complete: bool
    """False where the executor must fill in fields that have no source, like introspection."""


class Compiler:
    """Compiles one operation for one role and one shape of its variables."""

    def __init__(self, bindings: Bindings, selection: Selection, role: str) -> None:
        self.bindings, self.selection, self.role = bindings, selection, role
        self.parameters = Parameters(selection.variables, STAMP_PARAMETERS)
        self.root = Level()
        self.stamp = Scope("stamp", None)
        self.plain = PlainCompiler(selection, bindings.cards, role)
        self.is_complete = True
        self.uses_rows = False
        self._numbers = count(1)

    def query(self) -> Compiled:
        """The whole operation."""
        root = self.bindings.entities[self.bindings.schema.query_type.name]  # type: ignore[union-attr]
        return self.finish(self.entity(root, self.stamp, self.root, self.selection.root(root.type)))

    def finish(self, reader: Reader) -> Compiled:
        """What was compiled so far, with this reader over the root row."""
        facts = self.bindings.registry.facts
        viewer_at = now_at = None
        if self.plain.uses_viewer and facts is not None:
            viewer_at = self.root.add(f"({written(facts.write, row=RowText(self.stamp))})")
        if self.plain.uses_now:
            now_at = self.root.add("(live.\"business_now\" AT TIME ZONE 'UTC')")
        return Compiled(self.root, self.parameters, reader, viewer_at, now_at, self.is_complete)

    def alias(self, letter: str) -> str:
        """A name that no other row of the statement has."""
        return f"{letter}{next(self._numbers)}"

    def entity(self, entity: Entity, scope: Scope, level: Level, grouped: Grouped) -> Reader:
        """The object of a row of this type."""
        fields: list[Field] = []
        for key, details in grouped.items():
            name = details[0].node.name.value
            if name == "__typename":
                fields.append(Field(key, reader=constant(entity.type.name)))
            elif name in entity.fields:
                self.uses_rows = True
                fields.append(self._field(key, entity.fields[name], scope, level, details))
            else:
                self.is_complete = False
        return object_reader(fields, entity.type.name)

    def under(self, bound: Bound, details: list[FieldDetails], type_name: str | None = None) -> tuple[Entity, Grouped]:
        """The entity behind a field and what is selected of it."""
        entity = self.bindings.entities[type_name or bound.target.name]  # type: ignore[union-attr]
        return entity, self.selection.under(entity.type, details)

    def _field(self, key: str, bound: Bound, scope: Scope, level: Level, details: list[FieldDetails]) -> Field:
        gate = bound.gate
        is_open = gate is None or self.role in gate.roles
        if not is_open and gate is not None and gate.own is None:
            return Field(key, reader=forbidden())
        try:
            slot = self.parameters.slot(bound.definition, details[0]) if bound.definition.args else None
            item = self._word(key, Site(bound, scope, level, details, slot))
        except (GraphQLError, Refused) as error:
            return Field(key, reader=refusing(error))
        if not is_open and gate is not None and gate.own is not None:
            own = level.add(f"({scope.column(gate.own)} = {self.stamp.column('actor_id')})")
            item = Field(key, reader=where_own(own, reader_of(item)))
        return item if slot is None else Field(key, reader=unless_refused(slot, reader_of(item)))

    def _word(self, key: str, site: Site) -> Field:
        match site.bound.word:
            case Column(name=str() as name):
                return self._column(key, site, name)
            case Sql() as word:
                return self._expression(key, site, self.write(word, site.scope, site.slot), None, proven=False)
            case Computed() as word:
                return Field(key, reader=self._computed(site, word))
            case One() as word:
                return Field(key, reader=self._one(site, word))
            case Same():
                entity, grouped = self.under(site.bound, site.details)
                return Field(key, reader=self.entity(entity, site.scope, site.level, grouped))
            case ById(plural=plural):
                return Field(key, reader=self._by_ids(site) if plural else self._by_id(site))
            case Many() if site.bound.connection is not None:
                return Field(key, reader=pages.connection(self, site))
            case Many():
                return Field(key, reader=pages.listed(self, site))
        raise AssertionError(site.bound)

    def write(self, word: Sql, scope: Scope, slot: int | None) -> str:
        """An author's expression over a row."""
        places: dict[str, Any] = {"row": RowText(scope)}
        if slot is not None:
            places["args"] = ArgsText(self.parameters, slot)
        return f"({written(word.write, **places)})"

    def _column(self, key: str, site: Site, name: str) -> Field:
        table, expression = site.scope.table, site.scope.column(name)
        if table is None:
            return self._expression(key, site, expression, None, proven=True)
        column = table.c[name]
        if get_named_type(site.bound.definition.type).name == "ID" and isinstance(column.type, Uuid):
            return self._global_id(key, site, table, name, expression)
        return self._expression(key, site, expression, column.type, proven=not column.nullable)

    def _global_id(self, key: str, site: Site, table: Table, name: str, expression: str) -> Field:
        pointed = foreign_keys(table).get(name)
        names = [
            entity.type.name
            for entity in self.bindings.entities.values()
            if entity.table is (table if name == "id" or pointed is None else pointed[0])
        ]
        own = site.bound.python_name == "id" and name == "id"
        type_name = self._owner(site) if own else (names[0] if len(names) == 1 else "")
        finish = _global_ids(type_name) if type_name else None
        return self._finished(key, site, site.level.add(expression), finish, proven=not table.c[name].nullable)

    def _owner(self, site: Site) -> str:
        return next(name for name, entity in self.bindings.entities.items() if site.bound in entity.fields.values())

    def _expression(self, key: str, site: Site, expression: str, kind: Any, *, proven: bool) -> Field:
        type_ = site.bound.definition.type
        if not is_leaf_type(get_named_type(type_)):
            index, finish = site.level.add(expression), self.plain.value(type_, site.details)
            return Field(key, reader=lambda values, state: finish(values[index], state))
        leaf = output_leaf(type_, kind)
        if isinstance(get_nullable_type(type_), GraphQLList) or isinstance(kind, BigInteger):
            proven = False
        return self._finished(
            key, site, site.level.add(leaf.select(expression)), leaf.finish, proven=proven and not leaf.may_fail
        )

    def _finished(self, key: str, site: Site, index: int, finish: Any, *, proven: bool) -> Field:
        item = Field(key, index, finish)
        if proven:
            return item
        return Field(key, reader=checked(reader_of(item), nullable=site.bound.is_nullable))

    def _computed(self, site: Site, word: Computed) -> Reader:
        takes = [self._hidden(site, word, name) for name in word.parameters]
        finish = self.plain.value(site.bound.definition.type, site.details)
        call = word.call

        def read(values: Any, state: State) -> Any:
            try:
                result = call(*[take(values, state) for take in takes])
            except Refused as error:
                state.dirty = True
                return publish(error)
            return finish(result, state)

        return read

    def _hidden(self, site: Site, word: Computed, name: str) -> Reader:
        if name == "viewer":
            self.plain.uses_viewer = True
            return lambda _values, state: state.viewer
        if name == "now":
            self.plain.uses_now = True
            return lambda _values, state: state.now
        if name == "lent":
            return lambda _values, state: state.lent
        if name == "args":
            return self._arguments(site)
        expression, leaf = self._hidden_expression(site, word, name)
        return reader_of(Field(name, site.level.add(leaf.select(expression)), leaf.finish))

    def _hidden_expression(self, site: Site, word: Computed, name: str) -> tuple[str, Leaf]:
        given = word.hidden.get(name)
        if isinstance(given, Sql):
            return self.write(given, site.scope, site.slot), python_leaf(given.kind)
        column = given.name if isinstance(given, Column) and given.name else name
        table = site.scope.table
        kind = None if table is None else column_kind(table.c[column].type) if column in table.c else None
        return site.scope.column(column), python_leaf(kind)

    def _arguments(self, site: Site) -> Reader:
        slot, names = site.slot, argument_names(site.bound.definition)
        if slot is None:
            return constant({})

        def read(_values: Any, state: State) -> dict[str, Any]:
            given = state.arguments[slot]
            return {python: given.get(name) for python, name in names.items()}

        return read

    def _one(self, site: Site, word: One) -> Reader:
        entity, grouped = self.under(site.bound, site.details)
        base, row = Scope(self.alias("b"), word.table), Scope(self.alias("t"), word.table)
        rules = [*self.tenant_rule(base, site.scope), f"{base.column(word.to)} = {site.scope.column(word.on)}"]
        if word.where is not None:
            rules.append(f"({written(word.where, row=RowText(base))})")
        first = "OFFSET 0" if word.to == "id" else f"ORDER BY {base.column(presence(word.table))} LIMIT 1"
        return self.single(site, entity, grouped, row, lambda: _lateral(row, base, rules, first))

    def single(self, site: Site, entity: Entity, grouped: Grouped, row: Scope, join: Callable[[], str]) -> Reader:
        """The object of a joined row, or null where there is none."""
        site.level.join(join)
        present = site.level.add(row.column(presence(entity.table)))
        reader = self.entity(entity, row, site.level, grouped)
        nullable = site.bound.is_nullable

        def read(values: Any, state: State) -> Any:
            if values[present] is not None:
                return reader(values, state)
            if not nullable:
                state.dirty = True
            return None

        return read

    def _by_id(self, site: Site) -> Reader:
        possible, slot = self._possible(site), _slot(site)
        name = argument_names(site.bound.definition)["id"]
        type_name = possible[0]
        if len(possible) > 1:
            type_name = _prefix(self.parameters.slots[slot].first[name])
        if type_name not in possible:
            raise InvalidId(field=(name,))
        entity, grouped = self.under(site.bound, site.details, type_name)
        table = table_of(entity)
        base, row = Scope(self.alias("b"), table), Scope(self.alias("t"), table)
        place = self.parameters.place(slot, "uuid", taking(name, partial(_decoded, type_name)))
        rules = [*self.tenant_rule(base, site.scope), f"{base.column('id')} = {place}"]
        return self.single(site, entity, grouped, row, lambda: _lateral(row, base, rules, "OFFSET 0"))

    def _by_ids(self, site: Site) -> Reader:
        slot, name = _slot(site), argument_names(site.bound.definition)["ids"]
        self.parameters.slots[slot].checks.append(partial(_check_ids, name, self._possible(site)))
        wanted = {_prefix(text) for text in self.parameters.slots[slot].first[name]}
        found = [(kind, *self._rows_by_ids(site, kind, name)) for kind in self._possible(site) if kind in wanted]

        def read(values: Any, state: State) -> list[Any]:
            rows: dict[str, Any] = {}
            for kind, index, at, reader in found:
                rows |= {encode_id(kind, row[at]): reader(row, state) for row in values[index] or ()}
            answer = [rows.get(text) for text in state.arguments[slot][name]]
            state.dirty = state.dirty or None in answer
            return answer

        return read

    def _rows_by_ids(self, site: Site, kind: str, name: str) -> tuple[int, int, Reader]:
        entity, grouped = self.under(site.bound, site.details, kind)
        table = table_of(entity)
        base, row, level, found = Scope(self.alias("b"), table), Scope(self.alias("p"), table), Level(), self.alias("a")
        place = self.parameters.place(_slot(site), "uuid[]", taking(name, partial(_keys_of, kind)))
        rules = [*self.tenant_rule(base, site.scope), f"{base.column('id')} = ANY({place})"]
        at = level.add(row.column("id"))
        reader = self.entity(entity, row, level, grouped)
        site.level.join(
            lambda: (
                f"""LEFT JOIN LATERAL (SELECT json_agg({level.array()}) AS j
FROM (SELECT {selected(row, base)} FROM {table_text(table)} {base.alias}
WHERE {" AND ".join(rules)} OFFSET 0) {row.alias} {level.joins()}) {found} ON true"""
            )
        )
        return site.level.add(f"{found}.j"), at, _widened(reader) if level.is_wide else reader

    def _possible(self, site: Site) -> tuple[str, ...]:
        return self.bindings.implementing(site.bound.target)  # type: ignore[arg-type]

    def tenant_rule(self, base: Scope, parent: Scope) -> list[str]:
        """The predicate that every scan of a tenant's rows carries, on the parent's row and so on the stamp."""
        table = base.table
        if table is None or not has_tenant(table):
            return []
        above = parent if parent.table is None or has_tenant(parent.table) else self.stamp
        return [f"{base.column('tenant_id')} = {above.column('tenant_id')}"]


def selected(row: Scope, base: Scope) -> str:
    """The columns that anybody named of a row, from its table's alias."""
    return ", ".join(f"{base.alias}.{quoted(name)}" for name in row.needed)


def presence(table: Table | None) -> str:
    """A column that is never null in a row, so that null says there is none."""
    assert table is not None  # noqa: S101 - rows are joined from tables only
    return "id" if "id" in table.c else list(table.primary_key.columns)[-1].name


def table_of(entity: Entity) -> Table:
    """The entity's table, where it must have one."""
    assert entity.table is not None  # noqa: S101 - checked when the declarations were bound
    return entity.table


def _lateral(row: Scope, base: Scope, rules: list[str], end: str) -> str:
    assert base.table is not None  # noqa: S101 - a base row is a table's
    return f"""LEFT JOIN LATERAL (SELECT {selected(row, base)} FROM {table_text(base.table)} {base.alias}
WHERE {" AND ".join(rules)} {end}) {row.alias} ON true"""


def _slot(site: Site) -> int:
    assert site.slot is not None  # noqa: S101 - the field has arguments
    return site.slot


def _widened(reader: Reader) -> Reader:
    return lambda values, state: reader(flat(values), state)


def _global_ids(type_name: str) -> Convert:
    """As `encode_id`, for hundreds in one answer."""
    prefix = f"{type_name}:"

    def finish(key: str | None) -> str | None:
        # Names and keys are ASCII without `>`, `?` and `~`: nothing of them becomes base64's `+` or `/`.
        return None if key is None else b2a_base64((prefix + key).encode(), newline=False).decode()

    return finish


def _decoded(type_name: str, text: str) -> Any:
    return decode_id(text, type_name)


def _prefix(text: str) -> str:
    try:
        return split_id(text)[0]
    except InvalidId:
        return ""


def _check_ids(name: str, possible: tuple[str, ...], arguments: Any) -> None:
    if len(arguments[name]) > MAX_PAGE:
        raise Invalid(f"At most {MAX_PAGE} ids at once.", field=(name,))
    for place, text in enumerate(arguments[name]):
        try:
            decode_id(text, *possible)
        except InvalidId as error:
            error.field = (name, str(place))
            raise


def _keys_of(type_name: str, texts: list[str]) -> list[Any]:
    return [key for kind, key in map(split_id, texts) if kind == type_name]
