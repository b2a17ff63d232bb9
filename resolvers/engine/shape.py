"""From PostgreSQL's JSON arrays to the answer: one small function a field, composed once when the plan is compiled.

What cannot be answered as it stands (a refusal, a null where the contract has none) is left in place and marked
`dirty`; the executor then completes the answer, with paths and propagation as GraphQL demands.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from domain.errors import Forbidden, Refused
from resolvers.engine.values import Convert


class Shaped(dict[str, Any]):
    """An object of the answer by response keys, its leaves in their final form; knows its type where that may vary."""

    __slots__ = ("typename",)
    typename: str


class Aliased:
    """A payload's entity as each alias of its field selected it."""

    __slots__ = ("by_key",)

    def __init__(self, by_key: Mapping[str, Any]) -> None:
        self.by_key = by_key


Reader = Callable[[Any, "State"], Any]

HOLE = os.urandom(16).hex()
"""Stands for what depends on the viewer while the rest is rendered: unguessable, so that no text is taken for it."""


@dataclass(slots=True)
class Holes:
    """What a template leaves open, in the order of the answer."""

    readers: list[tuple[Reader, Any]] = field(default_factory=list)

    def leave(self, reader: Reader, value: Any) -> str:
        """Leave this to be read for each viewer; what stands in its place meanwhile."""
        self.readers.append((reader, value))
        return HOLE


@dataclass(slots=True)
class State:
    """What the functions of one request share. With `holes`, what depends on the viewer is left open."""

    arguments: list[Mapping[str, Any]] = field(default_factory=list)
    errors: dict[int, Exception] = field(default_factory=dict)
    viewer: Any = None
    now: datetime | None = None
    dirty: bool = False
    holes: Holes | None = None
    lent: Any = None
    """What the process lends to computed functions; nothing where deltas are rendered."""


class Field(NamedTuple):
    """One response key: either a place in the row with its finish, or a function of the row."""

    key: str
    place: int = 0
    finish: Convert | None = None
    reader: Reader | None = None


def reader_of(item: Field) -> Reader:
    """The field as a function of the row, whatever it was."""
    if item.reader is not None:
        return item.reader
    place, finish = item.place, item.finish
    if finish is None:
        return lambda values, _state: values[place]
    return lambda values, _state: finish(values[place])


def object_reader(fields: list[Field], typename: str) -> Reader:
    """Makes the object of a row."""

    def read(values: Any, state: State) -> Shaped:
        shaped = Shaped()
        shaped.typename = typename
        for key, place, finish, reader in fields:
            if reader is not None:
                shaped[key] = reader(values, state)
            elif finish is None:
                shaped[key] = values[place]
            else:
                shaped[key] = finish(values[place])
        return shaped

    return read


def checked(reader: Reader, *, nullable: bool) -> Reader:
    """Marks the request where the value is an error, or null against the contract."""

    def read(values: Any, state: State) -> Any:
        value = reader(values, state)
        if (
            (value is None and not nullable)
            or isinstance(value, Exception)
            or (type(value) is list and _has_hole(value))
        ):
            state.dirty = True
        return value

    return read


def _has_hole(values: list[Any]) -> bool:
    return any(value is None or isinstance(value, Exception) for value in values)


def refusing(error: Exception) -> Reader:
    """Always this refusal."""
    if isinstance(error, Refused):
        publish(error)

    def read(_values: Any, state: State) -> Exception:
        state.dirty = True
        return error

    return read


def unless_refused(slot: int, reader: Reader) -> Reader:
    """The value, or what its arguments were refused for."""

    def read(values: Any, state: State) -> Any:
        error = state.errors.get(slot)
        if error is None:
            return reader(values, state)
        state.dirty = True
        return error

    return read


def where_own(index: int, reader: Reader) -> Reader:
    """The value in rows of the actor's own, null elsewhere (R20)."""
    return lambda values, state: reader(values, state) if values[index] else None


def forbidden() -> Reader:
    """A field of other roles (R20)."""
    return refusing(Forbidden("Your role may not read this."))


def constant(value: Any) -> Reader:
    """The same in every row."""
    return lambda _values, _state: value


def flat(parts: list[list[Any]]) -> list[Any]:
    """A row that was too wide for one array."""
    return [value for part in parts for value in part]


def publish(error: Refused) -> Refused:
    """Give a refusal the extensions that clients branch on; graphql-core copies them into the answer."""
    error.extensions = {"code": str(error.code), "field": list(error.field)}  # type: ignore[attr-defined]
    if not error.field:
        error.extensions.pop("field")  # type: ignore[attr-defined]
    return error
