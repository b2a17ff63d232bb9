"""Pages: how large, which way, and from where. A cursor names its order, so that one of another list is refused."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson

from domain.errors import Invalid
from resolvers.engine.values import parameter
from schema.types.relay import DEFAULT_PAGE, MAX_PAGE


@dataclass(frozen=True, slots=True)
class Order:
    """A column or named expression and a direction; the id follows in the same direction."""

    name: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> "Order":
        """Read "created_at desc"."""
        name, _, direction = text.partition(" ")
        if direction not in {"", "asc", "desc"}:
            raise ValueError(f"{text!r} is no order; write 'created_at desc'")
        return cls(name, direction == "desc")

    @property
    def tag(self) -> str:
        """How a cursor names this order."""
        return f"{self.name} desc" if self.descending else self.name


def page_size(arguments: dict[str, Any]) -> int:
    """How many rows the client wants; raises `Invalid` for none, negative, or more than 100."""
    name = "last" if arguments.get("last") is not None else "first"
    size = arguments.get(name)
    if size is None:
        return DEFAULT_PAGE
    if not 1 <= size <= MAX_PAGE:
        raise Invalid(f"A page has 1 to {MAX_PAGE} rows.", field=(name,))
    return int(size)


def is_backward(arguments: dict[str, Any]) -> bool:
    """Whether the page is read from the end; raises `Invalid` when both ends are asked for."""
    if arguments.get("last") is None:
        return False
    if arguments.get("first") is not None:
        raise Invalid("Give first or last, not both.", field=("last",))
    return True


def encode_cursor(tag: str, key: Any, row_id: str) -> str:
    """The place of a row in a list of this order."""
    return base64.urlsafe_b64encode(orjson.dumps([tag, key, row_id])).decode()


def decode_cursor(text: str, tag: str, kind: type, name: str) -> tuple[Any, UUID]:
    """Key and id of a cursor; raises `Invalid` for one that this order did not make."""
    try:
        found_tag, key, row_id = orjson.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        if found_tag == tag:
            return _key(key, kind), UUID(row_id)
    except (ValueError, TypeError, AttributeError, binascii.Error, InvalidOperation, OverflowError, Invalid):
        pass
    raise Invalid("This cursor is not of this list.", field=(name,))


def _key(key: Any, kind: type) -> Any:
    if key is None or isinstance(key, (list, dict)):
        raise ValueError(key)
    if kind is datetime:
        return datetime.fromisoformat(key).replace(tzinfo=UTC)
    if kind is date:
        return date.fromisoformat(key)
    if kind is UUID:
        return UUID(key)
    if kind is Decimal:
        number = Decimal(key)
        if not number.is_finite():
            raise ValueError(key)
        return number
    if kind is time:
        return time.fromisoformat(key)
    if kind is float:
        return float(key)
    if type(key) is not kind:
        raise TypeError(key)
    return parameter(key)
