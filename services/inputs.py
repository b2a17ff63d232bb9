"""How a command's input says what each field means, once, for Python and for the schema."""

from dataclasses import MISSING, field
from typing import Any, NewType

JSON = NewType("JSON", dict[str, Any])
"""An object of the client's own making, checked by the command: the schema's JSON scalar."""


def arg(description: str, *, default: Any = MISSING, is_wish: bool = True) -> Any:
    """A field of an input dataclass with the description that the schema shows; optional where a default is given.

    What is no part of the wish (`is_wish=False`: when it was sent) may differ when the same `clientMutationId` comes
    again: the receipt is made over the input's repr.
    """
    if default is MISSING:
        return field(repr=is_wish, metadata={"description": description})
    return field(default=default, repr=is_wish, metadata={"description": description})
