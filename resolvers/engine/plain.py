"""Values that are no rows: what computed functions return, json columns hold, and events carry (cards).

Their fields are read by Python names, from keys or attributes; a card may add functions of its own keys.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import get_argument_values

from domain.errors import Refused
from resolvers.engine.bindings import argument_names, python_name
from resolvers.engine.selection import Selection
from resolvers.engine.shape import Reader, Shaped, State, forbidden, publish
from resolvers.engine.sources import Computed
from resolvers.engine.values import serializer

_PARSERS: dict[str, Callable[[str], Any]] = {
    "DateTime": datetime.fromisoformat,
    "Date": date.fromisoformat,
    "Decimal": Decimal,
    "UUID": UUID,
}


@dataclass(slots=True)
class PlainCompiler:
    """Compiles selections over plain values; remembers whether one of them depends on the viewer or the time."""

    selection: Selection
    cards: Mapping[str, Mapping[str, Computed]]
    role: str | None
    uses_viewer: bool = field(default=False)
    uses_now: bool = field(default=False)

    def value(self, type_: GraphQLOutputType, details: list[FieldDetails]) -> Reader:
        """Finishes a value of this type under this selection."""
        if isinstance(type_, GraphQLNonNull):
            return _required(self.value(type_.of_type, details))
        if isinstance(type_, GraphQLList):
            return _listed(self.value(type_.of_type, details))
        if is_leaf_type(type_):
            return _leaf(serializer(type_))
        if is_abstract_type(type_):
            return self._abstract(type_, details)
        assert isinstance(type_, GraphQLObjectType)  # noqa: S101 - an output type has no sixth kind
        return _unless_absent(self.object(type_, details))

    def object(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Reader:
        """Makes the object of a mapping or of anything with attributes."""
        fields = [(key, self._field(type_, found)) for key, found in self.selection.under(type_, details).items()]
        typename = type_.name

        def read(value: Any, state: State) -> Shaped:
            shaped = Shaped()
            shaped.typename = typename
            for key, reader in fields:
                shaped[key] = reader(value, state)
            return shaped

        return read

    def _field(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Reader:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _value, _state: type_.name
        definition = type_.fields[name]
        attribute = python_name(definition, name)
        finish = self.value(definition.type, details)
        word = self.cards.get(type_.name, {}).get(attribute)
        if word is None:
            return lambda value, state: finish(_get(value, attribute), state)
        return self._computed(type_, word, details, finish)

    def _computed(
        self, type_: GraphQLObjectType, word: Computed, details: list[FieldDetails], finish: Reader
    ) -> Reader:
        if word.gate is not None and self.role is not None and self.role not in word.gate.roles:
            return forbidden()
        parsers = _parsers(type_)
        takes = [self._take(type_, name, details, parsers) for name in word.parameters]
        call = word.call

        def read(value: Any, state: State) -> Any:
            try:
                result = call(*[take(value, state) for take in takes])
            except Refused as error:
                state.dirty = True
                return publish(error)
            return finish(result, state)

        return _open_to_viewers(read) if "viewer" in word.parameters else read

    def _take(
        self,
        type_: GraphQLObjectType,
        name: str,
        details: list[FieldDetails],
        parsers: Mapping[str, Callable[[str], Any]],
    ) -> Reader:
        if name == "viewer":
            self.uses_viewer = True
            return lambda _value, state: state.viewer
        if name == "now":
            self.uses_now = True
            return lambda _value, state: state.now
        if name == "lent":
            return lambda _value, state: state.lent
        if name == "card":
            return lambda value, _state: value
        if name == "args":
            arguments = self.arguments(type_, details)
            return lambda _value, _state: arguments
        parse = parsers.get(name)
        if parse is None:
            return lambda value, _state: _get(value, name)
        return lambda value, _state: parse(found) if isinstance(found := _get(value, name), str) else found

    def arguments(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> Mapping[str, Any]:
        """A field's arguments by Python name."""
        node, _, fragment_values = details[0]
        definition = type_.fields[node.name.value]
        given = get_argument_values(definition, node, self.selection.variables, fragment_values)
        return {python: given.get(name) for python, name in argument_names(definition).items()}

    def _abstract(self, type_: Any, details: list[FieldDetails]) -> Reader:
        schema = self.selection.operation.schema
        readers = {kind.name: self.object(kind, details) for kind in schema.get_possible_types(type_)}

        def read(value: Any, state: State) -> Any:
            if value is None:
                return None
            reader = readers.get(_typename(value))
            if reader is None:
                state.dirty = True
                return GraphQLError(f"The value is no {type_.name}.")
            return reader(value, state)

        return read


def _open_to_viewers(reader: Reader) -> Reader:
    return lambda value, state: reader(value, state) if state.holes is None else state.holes.leave(reader, value)


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name)


def _typename(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("__typename"))
    return str(value.__strawberry_definition__.name)


def _parsers(type_: GraphQLObjectType) -> dict[str, Callable[[str], Any]]:
    """An event holds times as text; a function of a row or of a card receives the same Python value."""
    return {
        python_name(definition, name): _PARSERS[named.name]
        for name, definition in type_.fields.items()
        if (named := get_named_type(definition.type)).name in _PARSERS
        and not isinstance(get_nullable_type(definition.type), GraphQLList)
    }


def _leaf(finish: Callable[[Any], Any]) -> Reader:
    def read(value: Any, state: State) -> Any:
        if value is None:
            return None
        try:
            return finish(value)
        except (GraphQLError, TypeError, ValueError) as error:
            state.dirty = True
            return error

    return read


def _required(reader: Reader) -> Reader:
    def read(value: Any, state: State) -> Any:
        result = reader(value, state)
        if result is None:
            state.dirty = True
        return result

    return read


def _listed(reader: Reader) -> Reader:
    return lambda values, state: None if values is None else [reader(value, state) for value in values]


def _unless_absent(reader: Reader) -> Reader:
    return lambda value, state: None if value is None else reader(value, state)
