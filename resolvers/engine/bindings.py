"""Declarations and contract brought together: every field of every sourced type with the word that fills it.

Done once, at start. Whatever is missing, misspelt or impossible is said then, all at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy import Table
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from resolvers.engine.conditions import BACKREF, Condition, conditions_of
from resolvers.engine.keyset import Order
from resolvers.engine.scope import STAMP_COLUMNS, Draft
from resolvers.engine.sources import SPECIAL, Column, Computed, Gate, Many, One, Registry, Same, Source, Sql, Word
from resolvers.engine.tables import foreign_keys
from schema.types.relay import Connection, Paged


class IncompleteSources(Exception):
    """The declarations do not fit the contract; the message lists every fault."""


@dataclass(frozen=True, slots=True)
class ById:
    """A root field that finds one row by the global id in its argument `id`, or a list by `ids`."""

    plural: bool = False
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A field with its word. `target` is the type of the rows it leads to; `paged` what its connection accepts."""

    name: str
    python_name: str
    definition: GraphQLField
    word: Word | ById
    target: GraphQLNamedType | None = None
    connection: GraphQLObjectType | None = None
    via: tuple[str, str] | None = None
    orders: tuple[Order, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    expressions: Mapping[str, Sql] = field(default_factory=dict)

    @property
    def gate(self) -> Gate | None:
        """Who may read it."""
        return self.word.gate

    @property
    def is_nullable(self) -> bool:
        """Whether the contract lets it be null."""
        return not is_non_null_type(self.definition.type)


@dataclass(frozen=True, slots=True)
class Entity:
    """A type of the contract with its table and its bound fields, by their names in the contract."""

    type: GraphQLObjectType
    table: Table | None
    fields: Mapping[str, Bound]


@dataclass(frozen=True, slots=True)
class Bindings:
    """All of it: what the compiler reads."""

    schema: GraphQLSchema
    entities: Mapping[str, Entity]
    cards: Mapping[str, Mapping[str, Computed]]
    registry: Registry

    def implementing(self, type_: GraphQLNamedType) -> tuple[str, ...]:
        """The sourced types that a value of this type can be."""
        if isinstance(type_, (GraphQLInterfaceType, GraphQLUnionType)):
            names = (possible.name for possible in self.schema.get_possible_types(type_))
            return tuple(name for name in names if name in self.entities and self.entities[name].table is not None)
        return (type_.name,)


def bind(registry: Registry, schema: GraphQLSchema) -> Bindings:
    """Bring declarations and contract together; raises `IncompleteSources` with every fault found."""
    return _Binder(registry, schema).run()


def definition_of(type_: GraphQLNamedType) -> StrawberryObjectDefinition | None:
    """The Strawberry definition behind a type, if it has one."""
    found = type_.extensions.get(BACKREF)
    return found if isinstance(found, StrawberryObjectDefinition) else None


def python_name(definition: GraphQLField, fallback: str) -> str:
    """The Python name of a field of the contract."""
    declared: StrawberryField | None = definition.extensions.get(BACKREF)
    return declared.python_name if declared is not None else fallback


def node_type(type_: GraphQLNamedType) -> GraphQLNamedType | None:
    """The type of a connection's rows, or None where the type is no connection."""
    definition = definition_of(type_)
    origin = definition.concrete_of.origin if definition is not None and definition.concrete_of else None
    if origin is not Connection or not isinstance(type_, GraphQLObjectType):
        return None
    rows: GraphQLNamedType = get_named_type(type_.fields["nodes"].type)
    return rows


class _Binder:
    def __init__(self, registry: Registry, schema: GraphQLSchema) -> None:
        self.registry, self.schema = registry, schema
        self.faults: list[str] = []
        objects = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
        self.by_class = {d.origin: kind for kind in objects if (d := definition_of(kind)) is not None}
        self.source_of = {self.by_class[cls].name: s for cls, s in registry.declared.items() if cls in self.by_class}

    def run(self) -> Bindings:
        for cls in [*self.registry.declared, *self.registry.cards]:
            if cls not in self.by_class:
                self.faults.append(f"{cls.__name__} has sources, but is no type of the contract")
        query = self.schema.query_type
        if query is not None and query.name not in self.source_of:
            self.faults.append(f"no sources for {query.name}")
        entities = {name: self._entity(self.by_class[source.type], source) for name, source in self.source_of.items()}
        cards = {self.by_class[cls].name: words for cls, words in self.registry.cards.items() if cls in self.by_class}
        self._check_cards(cards)
        if self.faults:
            raise IncompleteSources("\n".join(self.faults))
        return Bindings(self.schema, entities, cards, self.registry)

    def _entity(self, type_: GraphQLObjectType, source: Source) -> Entity:
        names = {python_name(definition, name) for name, definition in type_.fields.items()}
        self.faults += [f"{type_.name} has no field {word}" for word in source.words if word not in names]
        fields = {
            name: bound
            for name, definition in type_.fields.items()
            if (bound := self._field(source, type_, name, definition))
        }
        return Entity(type_, source.table, fields)

    def _field(self, source: Source, type_: GraphQLObjectType, name: str, definition: GraphQLField) -> Bound | None:
        declared: StrawberryField | None = definition.extensions.get(BACKREF)
        if declared is not None and declared.base_resolver is not None:
            if type_ is not self.schema.query_type:
                self.faults.append(f"{type_.name}.{name} has a resolver of its own; only fields of the root may")
            return None
        bound = self._resolve(source, type_, Bound(name, python_name(definition, name), definition, Word()))
        if bound is None:
            self.faults.append(f"no source for {type_.name}.{name}")
        elif bound.gate is not None and not bound.is_nullable:
            self.faults.append(f"{type_.name}.{name} is for some roles only, so it must be nullable")
        if bound is not None:
            self._try_text(source, type_, bound)
        return bound

    def _resolve(self, source: Source, type_: GraphQLObjectType, blank: Bound) -> Bound | None:
        word = source.words.get(blank.python_name)
        named = get_named_type(blank.definition.type)
        match word:
            case Column():
                return self._column(source, blank, word)
            case Sql() | Computed():
                return replace(blank, word=word)
            case Same():
                return self._same(source, type_, blank, word, named)
            case One():
                return self._one(blank, word, named)
            case Many():
                return self._many(source, type_, blank, word)
        return self._convention(source, type_, blank, named)

    def _convention(
        self, source: Source, type_: GraphQLObjectType, blank: Bound, named: GraphQLNamedType
    ) -> Bound | None:
        if node_type(named) is not None:
            return self._many(source, type_, blank, Many())
        if source.table is None:
            return self._root(source, type_, blank, named)
        if blank.python_name in source.table.c and named.name not in self.source_of:
            return self._column(source, blank, Column())
        if is_leaf_type(named):
            return None
        if is_list_type(get_nullable_type(blank.definition.type)):
            return self._many(source, type_, blank, Many())
        return self._foreign_key(source.table, blank, named)

    def _column(self, source: Source, blank: Bound, word: Column) -> Bound | None:
        name = word.name or blank.python_name
        known = STAMP_COLUMNS if source.table is None else source.table.c
        return replace(blank, word=replace(word, name=name)) if name in known else None

    def _root(self, source: Source, type_: GraphQLObjectType, blank: Bound, named: GraphQLNamedType) -> Bound | None:
        if is_leaf_type(named):
            return self._column(source, blank, Column())
        arguments = argument_names(blank.definition)
        plural = is_list_type(get_nullable_type(blank.definition.type))
        if ("ids" if plural else "id") in arguments:
            return replace(blank, word=ById(plural), target=named)
        return self._many(source, type_, blank, Many()) if plural else None

    def _same(
        self, source: Source, type_: GraphQLObjectType, blank: Bound, word: Same, named: GraphQLNamedType
    ) -> Bound | None:
        target = self.source_of.get(named.name)
        if target is None or target.table is not source.table:
            self.faults.append(f"{type_.name}.{blank.name}: {named.name} is not declared on the same row")
            return None
        return replace(blank, word=word, target=named)

    def _one(self, blank: Bound, word: One, named: GraphQLNamedType) -> Bound | None:
        target = self.source_of.get(named.name)
        if target is None or target.table is not word.table:
            self.faults.append(f"{blank.name}: {named.name} is not declared on {word.table.name}")
            return None
        return replace(blank, word=word, target=named)

    def _foreign_key(self, table: Table, blank: Bound, named: GraphQLNamedType) -> Bound | None:
        target = self.source_of.get(named.name)
        if target is None or target.table is None:
            return None
        key = foreign_keys(table).get(f"{blank.python_name}_id")
        if key is None or key[0] is not target.table:
            return None
        return replace(blank, word=One(table=target.table, on=f"{blank.python_name}_id", to=key[1]), target=named)

    def _many(self, source: Source, type_: GraphQLObjectType, blank: Bound, word: Many) -> Bound | None:
        named = get_named_type(blank.definition.type)
        rows = node_type(named)
        target = self.source_of.get((rows or named).name)
        if target is None or target.table is None or word.table not in {None, target.table}:
            return None
        via = self._via(source, target.table, word)
        if source.table is not None and via is None:
            self.faults.append(
                f"{type_.name}.{blank.name}: say many(via=...), there is not exactly one foreign key back"
            )
        connection = named if rows is not None and isinstance(named, GraphQLObjectType) else None
        bound = replace(
            blank, word=replace(word, table=target.table), target=rows or named, connection=connection, via=via
        )
        return self._paged(bound, target.table, word)

    def _via(self, source: Source, table: Table, word: Many) -> tuple[str, str] | None:
        if source.table is None:
            return None if word.via is None else (word.via, "actor_id")
        back = {on: to for on, (to_table, to) in foreign_keys(table).items() if to_table is source.table}
        if word.via is not None:
            return word.via, back.get(word.via, "id")
        return next(iter(back.items())) if len(back) == 1 else None

    def _paged(self, bound: Bound, table: Table, word: Many) -> Bound:
        declared: StrawberryField | None = bound.definition.extensions.get(BACKREF)
        paged: Paged = (declared.metadata if declared is not None else {}).get("paged", Paged())
        texts = [] if paged.order is None else [str(member.value) for member in paged.order]  # type: ignore[attr-defined]
        first = [word.order] if word.order else texts[:1] or ["id"]
        orders = [Order.parse(text) for text in [*first, *texts]]
        self._check_orders(bound, table, paged, orders)
        filter_type = (
            get_named_type(bound.definition.args["filter"].type) if "filter" in bound.definition.args else None
        )
        input_type = filter_type if isinstance(filter_type, GraphQLInputObjectType) else None
        found, faults = conditions_of(input_type, table, self.registry, self._types_on)
        self.faults += faults
        named = self.registry.ordered.get(paged.order, {}) if paged.order is not None else {}
        return replace(bound, orders=tuple(orders), conditions=found, expressions=named)

    def _check_orders(self, bound: Bound, table: Table, paged: Paged, orders: list[Order]) -> None:
        named = self.registry.ordered.get(paged.order, {}) if paged.order else {}
        for order in orders:
            column = table.c.get(order.name)
            if order.name not in named and (column is None or column.nullable):
                self.faults.append(
                    f"{bound.name}: cannot order by {order.name}, which is no NOT NULL column of {table.name}"
                )

    def _types_on(self, table: Table) -> tuple[str, ...]:
        return tuple(name for name, source in self.source_of.items() if source.table is table)

    def _check_cards(self, cards: Mapping[str, Mapping[str, Computed]]) -> None:
        for name, words in cards.items():
            type_ = self.schema.type_map[name]
            if not isinstance(type_, GraphQLObjectType):
                continue
            names = {python_name(definition, field_name) for field_name, definition in type_.fields.items()}
            self.faults += [f"{name} has no field {word}" for word in words if word not in names]

    def _try_text(self, source: Source, type_: GraphQLObjectType, bound: Bound) -> None:
        """Write each expression once, so that an unknown column is found at start and not by a client."""
        draft = Draft(source.table)
        try:
            for word in _written(bound):
                draft.write(word.write)
            for name in _hidden_columns(bound):
                draft.row.column(name)
            if bound.gate is not None and bound.gate.own is not None:
                draft.row.column(bound.gate.own)
        except LookupError as error:
            self.faults.append(f"{type_.name}.{bound.name}: {error.args[0]}")


def _written(bound: Bound) -> Iterator[Sql]:
    if isinstance(bound.word, Sql):
        yield bound.word
    if isinstance(bound.word, Computed):
        yield from (word for word in bound.word.hidden.values() if isinstance(word, Sql))


def _hidden_columns(bound: Bound) -> Iterable[str]:
    if not isinstance(bound.word, Computed):
        return ()
    return [
        (word.name or name) if isinstance(word := bound.word.hidden.get(name, Column()), Column) else name
        for name in bound.word.parameters
        if name not in SPECIAL and isinstance(bound.word.hidden.get(name, Column()), Column)
    ]


def argument_names(definition: GraphQLField) -> dict[str, str]:
    """The contract's name of each argument by its Python name."""
    return {
        argument.extensions[BACKREF].python_name if BACKREF in argument.extensions else name: name
        for name, argument in definition.args.items()
    }
