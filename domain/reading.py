"""Frozen dataclasses from JSON and back: what is stored or submitted is read field by field, and refused by path (R19).

Each field names its reader in its metadata: `rest: int = field(default=10, metadata=whole(0, 24))`. In JSON a field has
its name in camelCase. A class may have a method `check(path)`, which says what its fields must be to each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from typing import Any, TypeVar
from uuid import UUID

from domain.errors import Invalid
from domain.money import ensure_cents, ensure_currency

Path = tuple[str, ...]
Reader = Callable[[Any, Path], Any]
Way = dict[str, Any]
"""What stands in a field's metadata: `read`, a Reader, and `write` where JSON has no form of its own for the value."""
ReadT = TypeVar("ReadT")


def camel(name: str) -> str:
    """The name as JSON and GraphQL have it: `rest_hours` is `restHours`."""
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def read(cls: type[ReadT], value: Any, path: Path = ()) -> ReadT:
    """Build the dataclass; a name it does not have, a value missing or bad: `Invalid` with the path of the field."""
    if not isinstance(value, Mapping):
        raise Invalid("This must be an object.", field=path)
    known: dict[str, Field[Any]] = {camel(f.name): f for f in fields(cls)}  # type: ignore[arg-type]
    for name in value:
        if name not in known:
            raise Invalid("There is no such field.", field=(*path, str(name)))
    for name, f in known.items():
        if name not in value and f.default is MISSING and f.default_factory is MISSING:
            raise Invalid("This is required.", field=(*path, name))
    made = cls(**{f.name: f.metadata["read"](value[name], (*path, name)) for name, f in known.items() if name in value})
    if check := getattr(made, "check", None):
        check(path)
    return made


def write(record: Any) -> dict[str, Any]:
    """The dataclass as JSON in full, every default written out; `read` of it gives the same."""
    return {camel(f.name): f.metadata.get("write", _plain)(getattr(record, f.name)) for f in fields(record)}


def _plain(value: Any) -> Any:
    match value:
        case Decimal() | UUID():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return dict(value)
        case _ if is_dataclass(value):
            return write(value)
        case _:
            return value


def whole(low: int, high: int) -> Way:
    """A whole number between the two, both included."""

    def parse(value: Any, path: Path) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Invalid(f"This must be a whole number from {low} to {high}.", field=path)
        return value

    return {"read": parse}


def cents(high: int, low: int = 0) -> Way:
    """An amount of money in whole cents."""

    def parse(value: Any, path: Path) -> int:
        return ensure_cents(value, path, low, high)

    return {"read": parse}


def decimal(low: int, high: int) -> Way:
    """An exact number, written as a number or in a string."""

    def parse(value: Any, path: Path) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not low <= number <= high:
            raise Invalid(f"This must be a number from {low} to {high}.", field=path)
        return number

    return {"read": parse}


def degrees(most: int) -> Way:
    """A coordinate, from -`most` to `most`."""

    def parse(value: Any, path: Path) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not -most <= value <= most:
            raise Invalid(f"This must be a number from -{most} to {most}.", field=path)
        return float(value)

    return {"read": parse}


def claim() -> Way:
    """True or false."""

    def parse(value: Any, path: Path) -> bool:
        if not isinstance(value, bool):
            raise Invalid("This must be true or false.", field=path)
        return value

    return {"read": parse}


def text(most: int, least: int = 1) -> Way:
    """Words, without white space around them and without control characters."""

    def parse(value: Any, path: Path) -> str:
        trimmed = value.strip() if isinstance(value, str) else None
        if trimmed is None or not least <= len(trimmed) <= most:
            raise Invalid(f"This must have {least} to {most} characters.", field=path)
        if any(character < " " and character not in "\n\t" for character in trimmed):
            raise Invalid("This must not contain control characters.", field=path)
        return trimmed

    return {"read": parse}


def one_of(kind: type[StrEnum]) -> Way:
    """A word of this enum."""

    def parse(value: Any, path: Path) -> StrEnum:
        if not isinstance(value, str) or value not in list(kind):
            raise Invalid(f"This must be one of {', '.join(kind)}.", field=path)
        return kind(value)

    return {"read": parse}


def whole_list(low: int, high: int, most: int) -> Way:
    """A list of whole numbers, in the order in which they are given."""

    def parse(value: Any, path: Path) -> tuple[int, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise Invalid(f"This must be a list of at most {most} whole numbers.", field=path)
        one = whole(low, high)["read"]
        return tuple(one(item, (*path, str(place))) for place, item in enumerate(value))

    return {"read": parse, "write": list}


def currency() -> Way:
    """A currency whose amounts have cents (A43)."""
    return {"read": ensure_currency}


def _iso(value: Any, path: Path, parse: Callable[[str], Any], example: str) -> Any:
    try:
        return parse(value)
    except (TypeError, ValueError):
        raise Invalid(f"Write this as {example}.", field=path) from None


def day() -> Way:
    """A date, as 2026-11-22."""
    return {"read": lambda value, path: _iso(value, path, date.fromisoformat, "2026-11-22")}


def wall_time() -> Way:
    """What a clock on the wall shows, to the minute, as 09:30."""

    def parse(value: Any, path: Path) -> time:
        shown: time = _iso(value, path, time.fromisoformat, "09:30")
        if shown.tzinfo is not None or shown.second or shown.microsecond:
            raise Invalid("Write this as 09:30: minutes, and no zone.", field=path)
        return shown

    return {"read": parse, "write": lambda value: f"{value:%H:%M}"}


def identity() -> Way:
    """An id of ours."""
    return {"read": lambda value, path: _iso(value, path, UUID, "an id")}


def or_nothing(way: Way) -> Way:
    """The same, or null."""
    parse, show = way["read"], way.get("write", _plain)
    return {
        "read": lambda value, path: None if value is None else parse(value, path),
        "write": lambda value: None if value is None else show(value),
    }


def section(cls: type[Any]) -> Way:
    """A dataclass inside of a dataclass."""

    def parse(value: Any, path: Path) -> Any:
        return read(cls, value, path)

    return {"read": parse}
