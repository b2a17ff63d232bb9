"""A subscribe message understood: which feed, from which cursor, and what of it is shared with other subscribers."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_argument_values,
    get_variable_values,
    is_non_null_type,
    parse,
    type_from_ast,
    validate,
    visit,
)

from domain.errors import Code
from subscriptions.feeds import Feed

MOST_DOCUMENTS: Final = 256
MOST_CHARACTERS: Final = 1_048_576
"""Of all documents kept; a parsed document takes some fifty times its text."""
LONGEST_DOCUMENT: Final = 65_536
MOST_TOKENS: Final = 4_000
MOST_SELECTIONS: Final = 500
"""Of a subscription. Validation compares selections of one name pair by pair: thousands would hold everybody up."""
CURSOR_ARGUMENT: Final = "after"

Validate = Callable[[GraphQLSchema, DocumentNode], Sequence[GraphQLError]]


class Template(Protocol):
    """One answer for many viewers: what they share is rendered and encoded once."""

    def fill(self, viewer: Any, now: datetime | None = None) -> bytes | None:
        """The answer as this viewer reads it, as JSON; None if it must be rendered as a whole."""


class Rendering(Protocol):
    """One operation's selection, compiled for one role; the read engine makes them."""

    @property
    def needs_viewer(self) -> bool:
        """Whether the selection holds fields that are computed from the viewer's facts."""

    def render(self, value: Mapping[str, Any], viewer: Any = None, now: datetime | None = None) -> ExecutionResult:
        """The answer of the operation whose single root field has this value. No SQL."""

    def template(self, value: Mapping[str, Any], now: datetime | None = None) -> Template | None:
        """The same with what depends on the viewer left open; None if it must be rendered as a whole."""


class Renderer(Protocol):
    """Compiles selections; the read engine is one."""

    def renderer(
        self,
        document: DocumentNode,
        operation_name: str | None = None,
        variables: dict[str, Any] | None = None,
        role: str | None = None,
    ) -> Rendering:
        """The selection of a valid operation with these valid variables, as this role may see it."""


class Unacceptable(Exception):
    """The operation cannot be run; `errors` are as GraphQL formats them."""

    def __init__(self, errors: list[Any]) -> None:
        super().__init__("unacceptable operation")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Request:
    """The payload of a subscribe message, its types checked."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]

    def payload(self) -> dict[str, Any]:
        """As an HTTP request would carry it."""
        return {"query": self.query, "operationName": self.operation_name, "variables": dict(self.variables)}


@dataclass(frozen=True, slots=True)
class Document:
    """A subscription operation, prepared once a document. `cursor_variable` feeds the cursor and nothing else."""

    text: str
    parsed: DocumentNode
    operation_name: str | None
    operation: OperationDefinitionNode
    node: FieldNode
    feed: Feed
    cursor_variable: str | None
    cursor_required: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """One subscriber's operation. Plans of equal `key` show the same things to viewers of one class."""

    document: Document
    variables: dict[str, Any]
    after: str | None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The field's other arguments, coerced."""

    @property
    def key(self) -> tuple[str, str | None, bytes]:
        """Document, operation and variables without the cursor, so that a reconnect storm shares its frames."""
        variables = orjson.dumps(self.variables, option=orjson.OPT_SORT_KEYS)
        return self.document.text, self.document.operation_name, variables


class Planner:
    """Understands documents; keeps the last few hundred. `validates` may add limits to the specification's rules."""

    def __init__(self, schema: GraphQLSchema, feeds: Sequence[Feed], validates: Validate = validate) -> None:
        self._schema = schema
        self._feeds = {feed.field: feed for feed in feeds}
        self._validates = validates
        self._known: OrderedDict[tuple[str, str | None], Document | None] = OrderedDict()
        self._characters = 0

    def knows(self, request: Request) -> bool:
        """Whether planning this costs next to nothing, because its document was planned before."""
        return (request.query, request.operation_name) in self._known

    def plan(self, request: Request) -> Plan | None:
        """The plan of a subscription; None for a query or mutation. Raises `Unacceptable`."""
        document = self._document(request)
        if document is None:
            return None
        coerced = get_variable_values(
            self._schema, document.operation.variable_definitions or (), dict(request.variables), hide_suggestions=True
        )
        if isinstance(coerced, list):
            raise Unacceptable([_invalid(error) for error in coerced])
        assert self._schema.subscription_type is not None  # noqa: S101 (the document is one)
        asked = self._schema.subscription_type.fields[document.feed.field]
        try:
            arguments = get_argument_values(asked, document.node, coerced)
        except GraphQLError as error:
            raise Unacceptable([_invalid(error)]) from error
        after = arguments.pop(CURSOR_ARGUMENT, None)
        shared = _shared(document, request.variables)
        return Plan(document, shared, None if after is None else str(after), arguments)

    def _document(self, request: Request) -> Document | None:
        key = (request.query, request.operation_name)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        document = self._read(request)
        self._known[key] = document
        self._characters += len(request.query)
        while len(self._known) > MOST_DOCUMENTS or self._characters > MOST_CHARACTERS:
            (text, _), _ = self._known.popitem(last=False)
            self._characters -= len(text)
        return document

    def _read(self, request: Request) -> Document | None:
        if len(request.query) > LONGEST_DOCUMENT:
            raise _refusal(f"The document is longer than {LONGEST_DOCUMENT} characters.")
        try:
            parsed = parse(request.query, max_tokens=MOST_TOKENS)
        except GraphQLError as error:
            raise Unacceptable([_invalid(error)]) from error
        operation = _operation(parsed, request.operation_name)
        if operation.operation is not OperationType.SUBSCRIPTION:
            return None
        if _selections(parsed) > MOST_SELECTIONS:
            raise _refusal(f"A subscription's document selects at most {MOST_SELECTIONS} fields and fragments.")
        errors = self._validates(self._schema, parsed)
        if errors:
            raise Unacceptable([_invalid(error) for error in errors])
        return self._subscription(request, parsed, operation)

    def _subscription(self, request: Request, parsed: DocumentNode, operation: OperationDefinitionNode) -> Document:
        node = _root_field(parsed, operation)
        feed = self._feeds.get(node.name.value)
        if feed is None:
            raise _refusal(f"There is no live feed {node.name.value!r} here.")
        variable, required = self._cursor_variable(parsed, operation, node)
        return Document(request.query, parsed, request.operation_name, operation, node, feed, variable, required)

    def _cursor_variable(
        self, parsed: DocumentNode, operation: OperationDefinitionNode, node: FieldNode
    ) -> tuple[str | None, bool]:
        """The variable of the cursor argument, if it is used nowhere else, and whether it must not be null."""
        given = next((one.value for one in node.arguments or () if one.name.value == CURSOR_ARGUMENT), None)
        if not isinstance(given, VariableNode):
            return None, False
        name = given.name.value
        definitions = [one for one in operation.variable_definitions or () if one.variable.name.value == name]
        # Each use, and the definition's own.
        if _uses(parsed, name) != len(definitions) + 1 or not definitions:
            return None, False
        return name, is_non_null_type(type_from_ast(self._schema, definitions[0].type))


class _Uses(Visitor):
    """Counts where a variable stands in a document."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.count = 0

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        """Count one."""
        self.count += node.name.value == self._name


def _uses(parsed: DocumentNode, name: str) -> int:
    counting = _Uses(name)
    visit(parsed, counting)
    return counting.count


class _Selections(Visitor):
    """Counts what a document selects."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        """Count all of one set."""
        self.count += len(node.selections)


def _selections(parsed: DocumentNode) -> int:
    counting = _Selections()
    visit(parsed, counting)
    return counting.count


def _shared(document: Document, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that the operation declares, without the cursor: what else a client sends means nothing."""
    name = document.cursor_variable
    declared = {one.variable.name.value for one in document.operation.variable_definitions or ()} - {name}
    shared = {key: value for key, value in variables.items() if key in declared}
    if name is not None and document.cursor_required:
        shared[name] = ""
    return shared


def _operation(parsed: DocumentNode, name: str | None) -> OperationDefinitionNode:
    found = [one for one in parsed.definitions if isinstance(one, OperationDefinitionNode)]
    if name is not None:
        found = [one for one in found if one.name is not None and one.name.value == name]
    if len(found) != 1:
        raise _refusal("The document has no such operation." if not found else "Name the operation to run.")
    return found[0]


def _root_field(parsed: DocumentNode, operation: OperationDefinitionNode) -> FieldNode:
    fragments = {one.name.value: one for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)}
    nodes = list(_fields(operation.selection_set, fragments))
    # Several nodes of one response key are legal; the arguments are then the same.
    if any(node.directives for node in nodes) or nodes[0].name.value.startswith("__"):
        raise _refusal("A subscription selects one field of the schema, without directives.")
    return nodes[0]


def _fields(selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    for selection in selected.selections:
        if isinstance(selection, FieldNode):
            yield selection
            continue
        if selection.directives:
            raise _refusal("A subscription selects one field of the schema, without directives.")
        if isinstance(selection, InlineFragmentNode):
            yield from _fields(selection.selection_set, fragments)
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields(fragments[selection.name.value].selection_set, fragments)


def _invalid(error: GraphQLError) -> dict[str, Any]:
    formatted: dict[str, Any] = {**error.formatted}
    return {**formatted, "extensions": {"code": Code.INVALID, **formatted.get("extensions", {})}}


def _refusal(message: str) -> Unacceptable:
    return Unacceptable([{"message": message, "extensions": {"code": Code.INVALID}}])
