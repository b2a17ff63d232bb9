"""How a command's input says what each field means, once, for Python and for the schema."""

from dataclasses import MISSING, field
from typing import Any, NewType

JSON = NewType("JSON", dict[str, Any])
"""An object of the client's own making, checked by the command: the schema's JSON scalar."""


def arg(description: str, *, default: Any = MISSING) -> Any:
    """A field of an input dataclass with the description that the schema shows; optional where a default is given."""
    if default is MISSING:
        return field(metadata={"description": description})
    return field(default=default, metadata={"description": description})
