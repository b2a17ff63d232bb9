"""From the client's arguments to the statement's parameters: no text of a client ever becomes SQL.

Each field with arguments is a slot. Its arguments are coerced by graphql-core itself, so that they cannot differ from
what the executor would see; a value that is refused empties the slot, and the refusal is put where the field's value
would be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, VariableNode, Visitor, visit
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues, get_argument_values

from domain.errors import Refused
from resolvers.engine.bindings import argument_names
from resolvers.engine.conditions import located
from resolvers.engine.shape import publish
from resolvers.engine.values import parameter
from schema.types.relay import decode_id

STAMP_PARAMETERS = 4
Take = Callable[[Mapping[str, Any]], Any]


@dataclass(slots=True)
class Slot:
    """The arguments of one field, and the parameters made of them: a function and the value that stands in for it."""

    definition: GraphQLField
    details: FieldDetails
    first: Mapping[str, Any]
    constant: Mapping[str, Any] | None = None
    takers: list[tuple[int, Take, Any]] = field(default_factory=list)
    checks: list[Take] = field(default_factory=list)

    def arguments(self, variables: VariableValues) -> Mapping[str, Any]:
        """The field's arguments under these variables, by their names in the contract."""
        if self.constant is not None:
            return self.constant
        return get_argument_values(self.definition, self.details.node, variables, self.details.fragment_variable_values)


@dataclass(slots=True)
class Filled:
    """The parameters of one request, the arguments of each slot, and what was refused in which."""

    values: list[Any]
    arguments: list[Mapping[str, Any]]
    errors: dict[int, Exception]


class Parameters:
    """Collects the parameters of a statement while it is compiled; fills them for each request."""

    def __init__(self, variables: VariableValues, offset: int) -> None:
        self._variables, self._offset = variables, offset
        self.slots: list[Slot] = []
        self.count = 0

    def slot(self, definition: GraphQLField, details: FieldDetails) -> int:
        """A new slot for a field; raises GraphQLError where its arguments cannot be coerced at all."""
        first = get_argument_values(definition, details.node, self._variables, details.fragment_variable_values)
        constant = None if _has_variables(details.node) else first
        self.slots.append(Slot(definition, details, first, constant))
        return len(self.slots) - 1

    def place(self, slot: int, sql_type: str, take: Take, *, instead: Any = None) -> str:
        """A typed placeholder; `instead` is sent where the slot was refused."""
        self.slots[slot].takers.append((self.count, take, instead))
        self.count += 1
        return f"${self._offset + self.count}::{sql_type}"

    def fill(self, variables: VariableValues) -> Filled:
        """The parameters for one request's variables."""
        filled = Filled([None] * self.count, [], {})
        for index, slot in enumerate(self.slots):
            _fill_slot(index, slot, variables, filled)
        return filled


def _fill_slot(index: int, slot: Slot, variables: VariableValues, filled: Filled) -> None:
    arguments: Mapping[str, Any] = {}
    try:
        arguments = slot.arguments(variables)
        for check in slot.checks:
            check(arguments)
        for position, take, _ in slot.takers:
            filled.values[position] = take(arguments)
    except (Refused, GraphQLError) as error:
        filled.errors[index] = publish(error) if isinstance(error, Refused) else error
        for position, _, instead in slot.takers:
            filled.values[position] = instead
    filled.arguments.append(arguments)


class ArgsText:
    """An author's `args` for one field."""

    def __init__(self, parameters: Parameters, slot: int) -> None:
        self._parameters, self._slot = parameters, slot
        self._names = argument_names(parameters.slots[slot].definition)

    def bind(self, name: str, sql_type: str) -> str:
        """The argument as a typed placeholder."""
        return self._parameters.place(self._slot, sql_type, partial(_take, self._names[name], parameter))

    def id(self, name: str, *type_names: str) -> str:
        """The key inside a global id of one of these types."""
        convert = partial(_decode, type_names)
        return self._parameters.place(self._slot, "uuid", partial(_take, self._names[name], convert))

    def given(self, name: str) -> bool:
        """Whether the client gave a value."""
        return self._parameters.slots[self._slot].first.get(self._names[name]) is not None


def _take(name: str, convert: Callable[[Any], Any], arguments: Mapping[str, Any]) -> Any:
    value = arguments.get(name)
    try:
        return None if value is None else convert(value)
    except Refused as error:
        raise located(error, name) from None


def _decode(type_names: tuple[str, ...], text: str) -> Any:
    return decode_id(text, *type_names)


def taking(name: str, convert: Callable[[Any], Any]) -> Take:
    """Takes one argument, converted; a refusal names it."""
    return partial(_take, name, convert)


def taking_filter(name: str, convert: Callable[[Any], Any]) -> Take:
    """Takes one field of the argument `filter`."""

    def take(arguments: Mapping[str, Any]) -> Any:
        try:
            return convert(arguments["filter"][name])
        except Refused as error:
            raise located(error, "filter", name) from None

    return take


class _Variables(Visitor):
    found = False

    def enter_variable(self, node: VariableNode, *_args: Any) -> None:
        self.found = True


def _has_variables(node: FieldNode) -> bool:
    finder = _Variables()
    for argument in node.arguments or ():
        visit(argument, finder)
    return finder.found
