"""Deltas of live feeds: a subscription's selection over an event's mapping, compiled once, without SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails

from resolvers.engine.bindings import Bindings
from resolvers.engine.executor import RowExecutor
from resolvers.engine.plain import PlainCompiler
from resolvers.engine.selection import Selection
from resolvers.engine.shape import HOLE, Holes, Reader, Shaped, State

_HOLE = f'"{HOLE}"'.encode()


class Template:
    """One answer for many viewers: what they share is rendered and encoded once."""

    __slots__ = ("_holes", "_pieces")

    def __init__(self, pieces: list[bytes], holes: list[tuple[Reader, Any]]) -> None:
        assert len(pieces) == len(holes) + 1  # noqa: S101 - each hole was left in its place
        self._pieces, self._holes = pieces, holes

    def fill(self, viewer: Any, now: datetime | None = None) -> bytes | None:
        """The answer as this viewer reads it, as JSON; None if a part of it is refused or missing."""
        state = State(viewer=viewer, now=now)
        parts = [self._pieces[0]]
        for piece, (reader, value) in zip(self._pieces[1:], self._holes, strict=True):
            parts += (orjson.dumps(reader(value, state)), piece)
        return None if state.dirty else b"".join(parts)


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

    def template(self, value: Mapping[str, Any], now: datetime | None = None) -> "Template | None":
        """The answer as JSON with what depends on the viewer left open; None if it is not clean."""
        state = State(now=now, holes=Holes())
        shaped = Shaped()
        for key, reader in self._fields:
            shaped[key] = reader(value, state)
        if state.dirty or state.holes is None:
            return None
        return Template(orjson.dumps({"data": shaped}).split(_HOLE), state.holes.readers)

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
