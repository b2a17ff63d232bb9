"""What every list and every object of the contract has in common: global ids, connections, cursors, pages.

Nothing here knows where a value comes from; `resolvers.engine` does.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, NewType, TypeVar
from uuid import UUID

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from domain.errors import InvalidId
from schema.types.described import described

T = TypeVar("T")

DEFAULT_PAGE = 20
MAX_PAGE = 100

Cursor = NewType("Cursor", str)
"""A place in a list or a feed. Opaque: clients keep it and hand it back."""

SCALARS: dict[object, Any] = {
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A place in a list or a feed. Opaque: keep it and hand it back.",
        serialize=str,
        parse_value=str,
    ),
}
"""For `StrawberryConfig(scalar_map=SCALARS)`: the scalars that are no Python class of their own."""


def encode_id(type_name: str, key: UUID | str) -> strawberry.ID:
    """The global id of one object: opaque, and the same wherever the object is met."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode())


def split_id(text: str) -> tuple[str, UUID]:
    """Type name and key of a global id; raises `InvalidId` for anything else (R19)."""
    try:
        type_name, _, key = base64.b64decode(text, altchars=b"-_", validate=True).decode("ascii").partition(":")
        decoded = UUID(key)
    except (ValueError, binascii.Error):
        raise InvalidId from None
    if not type_name or str(decoded) != key:
        raise InvalidId
    return type_name, decoded


def decode_id(text: str, *type_names: str) -> UUID:
    """The key of a global id that must be of one of these types; raises `InvalidId` otherwise (R19)."""
    type_name, key = split_id(text)
    if type_name not in type_names:
        raise InvalidId
    return key


@described
@strawberry.interface(description="An object that can be fetched again by its id alone.")
class Node:
    """Whatever `Query.node` can return."""

    id: strawberry.ID
    """Its global id: opaque, and the same wherever the object is met."""


@described
@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's page description."""

    has_next_page: bool
    """Whether rows follow behind the page."""
    has_previous_page: bool
    """Whether rows lie in front of the page."""
    start_cursor: Cursor | None
    """The place of the page's first row; null where the page is empty."""
    end_cursor: Cursor | None
    """The place of the page's last row; null where the page is empty."""


@described
@strawberry.type(description="One row of a page, with its place.")
class Edge(Generic[T]):
    """Relay's edge."""

    cursor: Cursor
    """The row's place, for `after` and `before`."""
    node: T
    """The row."""


@described
@strawberry.type(description="A page of a list: at most 100 rows, in a stable order.")
class Connection(Generic[T]):
    """Relay's connection; `nodes` is the short way for clients that need no cursors inside the page."""

    edges: list[Edge[T]]
    """The page's rows with their places."""
    nodes: list[T]
    """The page's rows alone."""
    page_info: PageInfo
    """Where the page lies."""
    total_count: int
    """How many rows the whole list has for you."""


@dataclass(frozen=True, slots=True)
class Paged:
    """What a connection field was declared with; read by the engine from the field's metadata."""

    filter: type | None = None
    order: type | None = None


def _argument(name: str, annotation: object, description: str | None) -> StrawberryArgument:
    return StrawberryArgument(name, None, StrawberryAnnotation(annotation), description=description)


def arguments(*, description: str | None = None, words: Mapping[str, str] | None = None, **types: object) -> Any:
    """Declare a field with plain arguments and no resolver of its own; `words` describes them by name.

    `jobs_of: list[Job] = arguments(day=date)`. An argument whose type allows None may be left out.
    """
    said = words or {}
    field = StrawberryField(description=description)
    field.arguments = [_argument(name, kind, said.get(name)) for name, kind in types.items()]
    return field


def by_id(description: str | None = None) -> Any:
    """Declare the object with a global id, null if the actor sees none.

    `job: Job | None = by_id()`
    """
    return arguments(description=description, words={"id": "Its global id."}, id=strawberry.ID)


def by_ids(description: str | None = None) -> Any:
    """Declare an object or null for each of at most 100 ids, in their order.

    `nodes: list[Node | None] = by_ids()`
    """
    return arguments(description=description, words={"ids": "Their global ids, at most 100."}, ids=list[strawberry.ID])


def paged(
    filter: type | None = None,
    order: type | None = None,
    *,
    description: str | None = None,
    **extra: object,
) -> Any:
    """Declare the arguments of a connection.

    `swaps: Connection[Swap] = paged(SwapFilter, SwapOrder)`

    `first`/`after` read forwards, `last`/`before` backwards; 20 rows unless told, at most 100. `extra` names further
    arguments by their type, for `many(..., where=...)`. The order, where the client names none: that of `many(order=)`,
    else the enum's first value, else by id.
    """
    field = StrawberryField(description=description, metadata={"paged": Paged(filter, order)})
    found = [
        _argument("first", int | None, "The first rows of the list, at most 100."),
        _argument("after", Cursor | None, "Only rows behind this cursor."),
        _argument("last", int | None, "The last rows of the list, at most 100."),
        _argument("before", Cursor | None, "Only rows in front of this cursor."),
    ]
    if filter is not None:
        found.append(_argument("filter", filter | None, "Only rows that satisfy every field given; null is no demand."))
    if order is not None:
        found.append(_argument("order_by", order | None, "The order; the enum's first value unless told."))
    found += [StrawberryArgument(name, None, StrawberryAnnotation(kind)) for name, kind in extra.items()]
    field.arguments = found
    return field
