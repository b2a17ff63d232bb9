"""Deltas of live feeds: a subscription's selection over an event's mapping, compiled once, without SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from graphql import ExecutionResult, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails

from resolvers.engine.bindings import Bindings
from resolvers.engine.executor import RowExecutor
from resolvers.engine.plain import PlainCompiler
from resolvers.engine.selection import Selection
from resolvers.engine.shape import Reader, Shaped, State


class Renderer:
    """Renders the values of one operation's root field."""

    def __init__(self, bindings: Bindings, selection: Selection, role: str | None) -> None:
        self._selection, self._schema = selection, bindings.schema
        root = bindings.schema.get_root_type(selection.operation.node.operation)
        assert root is not None  # noqa: S101 - the document was validated
        compiler = PlainCompiler(selection, bindings.cards, role)
        self._fields = [(key, self._reader(compiler, root, found)) for key, found in selection.root(root).items()]
        self.needs_viewer = compiler.uses_viewer
        """Whether two viewers may read the same event differently."""
        self.needs_now = compiler.uses_now

    def render(self, value: Mapping[str, Any], viewer: Any = None, now: datetime | None = None) -> ExecutionResult:
        """The answer for one value of the root field; a union's value names its type under `__typename`."""
        state = State(viewer=viewer, now=now)
        shaped = Shaped()
        for key, reader in self._fields:
            shaped[key] = reader(value, state)
        return self._completed(shaped) if state.dirty else ExecutionResult(dict(shaped), None)

    def _reader(self, compiler: PlainCompiler, root: GraphQLObjectType, details: list[FieldDetails]) -> Reader:
        name = details[0].node.name.value
        if name == "__typename":
            return lambda _value, _state: root.name
        return compiler.value(root.fields[name].type, details)

    def _completed(self, shaped: Shaped) -> ExecutionResult:
        operation = self._selection.operation
        executor = RowExecutor(
            self._schema,
            {name: found.definition for name, found in operation.fragments.items()},
            operation.fragments,
            shaped,
            None,
            operation.node,
            self._selection.variables,
            _absent,
            _absent,
            _absent,
        )
        result = executor.execute_operation(serially=False)
        assert isinstance(result, ExecutionResult)  # noqa: S101 - nothing in a shaped value is awaitable
        return result


def _absent(*_args: Any, **_kwargs: Any) -> None:
    return None
