"""How one value travels: from SQL through PostgreSQL's JSON to GraphQL's form or Python's, and back as a parameter.

PostgreSQL prints JSON its own way (fractions lose their zeros, numerics become floats), so each kind of leaf names the
expression that is selected and the function that finishes it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLLeafType,
    GraphQLList,
    GraphQLOutputType,
    GraphQLScalarType,
    get_nullable_type,
)
from sqlalchemy.types import BigInteger, Boolean, Date, DateTime, Float, Integer, Numeric, Time, TypeEngine, Uuid

from domain.errors import Invalid

Convert = Callable[[Any], Any]
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Leaf:
    """How a leaf is selected (`select(expression)`) and finished (`finish`, None where JSON's value is right)."""

    template: str = "{}"
    finish: Convert | None = None
    may_fail: bool = False

    def select(self, expression: str) -> str:
        """The expression that PostgreSQL puts into its JSON."""
        return expression if self.template == "{}" else self.template.replace("{}", expression)


def output_leaf(type_: GraphQLOutputType, column: TypeEngine[Any] | None) -> Leaf:
    """How a field of this GraphQL leaf type is read; `column` None means an author's expression."""
    bare = get_nullable_type(type_)
    if isinstance(bare, GraphQLList):
        return Leaf(finish=_each(_text_of(get_nullable_type(bare.of_type))), may_fail=True)
    if isinstance(bare, GraphQLEnumType):
        return Leaf(finish=enum_names(bare).get, may_fail=True)
    name = bare.name
    if name == "DateTime":
        return Leaf("({} AT TIME ZONE 'UTC')", utc_text)
    if name == "Decimal" or (name == "String" and column is not None and isinstance(column, (Numeric, Integer))):
        return Leaf("({})::text")
    if name == "Float":
        return Leaf("({})::float8", _finite, may_fail=True)
    if name == "Int" and (column is None or isinstance(column, BigInteger) or not isinstance(column, Integer)):
        return Leaf(finish=_int32, may_fail=True)
    return Leaf(finish=time_text) if name == "Time" else Leaf()


def python_leaf(kind: type | None) -> Leaf:
    """How a hidden value reaches a computed function as this Python type."""
    if kind is None or kind not in _PYTHON:
        return Leaf()
    template, parse = _PYTHON[kind]
    return Leaf(template, lambda value: None if value is None else parse(value))


def column_kind(column: TypeEngine[Any]) -> type | None:
    """The Python type of a column's values, where JSON's own would be poorer."""
    for family, kind in _FAMILIES:
        if isinstance(column, family):
            return kind
    return None


def utc_text(text: str | None) -> str | None:
    """ISO 8601 with the offset and, where there is a fraction, six digits, as `datetime.isoformat` prints it."""
    if text is None or len(text) == 19:
        return text and text + "+00:00"
    return text.ljust(26, "0") + "+00:00" if text[19:20] == "." else text


def time_text(text: str | None) -> str | None:
    """A time of day as `time.isoformat` prints it."""
    return text.ljust(15, "0") if text is not None and "." in text else text


def enum_names(type_: GraphQLEnumType) -> dict[Any, str]:
    """The contract's name for each stored value, member and name of an enum."""
    names: dict[Any, str] = {name: name for name in type_.values}
    for name, value in type_.values.items():
        names[value.value] = name
        if isinstance(value.value, Enum):
            names[value.value.value] = name
    wrapped = getattr(type_, "wrapped_cls", None)
    if wrapped is not None:
        names |= {member: names[member.value] for member in wrapped if member.value in names}
    return names


def serializer(type_: GraphQLLeafType) -> Convert:
    """Finishes a plain Python value; text that is already in the contract's form (from an event) passes."""
    if isinstance(type_, GraphQLEnumType):
        return _enum_serializer(type_)
    coerce = type_.coerce_output_value
    if type_.name in {"DateTime", "Date", "Time", "UUID", "Decimal", "String", "ID", "Cursor"}:
        return lambda value: value if type(value) is str else coerce(value)
    return coerce


def _enum_serializer(type_: GraphQLEnumType) -> Convert:
    names = enum_names(type_)

    def finish(value: Any) -> str:
        name = names.get(value)
        if name is None:
            raise GraphQLError(f"Enum '{type_.name}' cannot represent this value.")
        return name

    return finish


def parameter(value: Any) -> Any:
    """A client's value as a query parameter; raises `Invalid` for what PostgreSQL would refuse (R19)."""
    match value:
        case Enum():
            return parameter(value.value)
        case list() | tuple():
            return [parameter(item) for item in value]
        case str():
            return _storable(value)
        case bool():
            return value
        case int() if value not in _INT64:
            raise Invalid("The number is too large.")
        case datetime():
            return _instant(value)
    return value


def _storable(text: str) -> str:
    if "\x00" in text:
        raise Invalid("The text contains a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("The text is not valid Unicode.") from None
    return text


def _instant(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise Invalid("The time has no offset from UTC.")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Invalid("The time is out of range.") from None


def _int32(value: Any) -> Any:
    if value is None or (type(value) is int and value in _INT32):
        return value
    if type(value) is float and value.is_integer() and int(value) in _INT32:
        return int(value)
    return GraphQLError("Int cannot represent non 32-bit signed integer value.")


def _finite(value: Any) -> Any:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else GraphQLError("Float cannot represent a value that is not finite.")


def _each(finish: Convert | None) -> Convert | None:
    if finish is None:
        return None
    return lambda values: None if values is None else [None if value is None else finish(value) for value in values]


def _text_of(type_: GraphQLOutputType) -> Convert | None:
    if isinstance(type_, GraphQLEnumType):
        return _enum_serializer(type_)
    name = type_.name if isinstance(type_, GraphQLScalarType) else ""
    if name == "DateTime":
        return lambda text: datetime.fromisoformat(text).astimezone(UTC).isoformat()
    if name == "Float":
        return _finite
    if name == "Decimal":
        return str
    return _int32 if name == "Int" else None


_PYTHON: dict[type, tuple[str, Convert]] = {
    datetime: ("({} AT TIME ZONE 'UTC')", lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)),
    date: ("{}", date.fromisoformat),
    time: ("{}", time.fromisoformat),
    UUID: ("{}", UUID),
    Decimal: ("({})::text", Decimal),
    float: ("{}", float),
}
_FAMILIES: tuple[tuple[type, type], ...] = (
    (DateTime, datetime),
    (Date, date),
    (Time, time),
    (Uuid, UUID),
    (Float, float),
    (Numeric, Decimal),
)


def key_kind(column: TypeEngine[Any]) -> type:
    """The Python type of a column that a list is ordered by."""
    if isinstance(column, Integer):
        return int
    return bool if isinstance(column, Boolean) else column_kind(column) or str


KEY_TYPES: dict[type, str] = {
    datetime: "timestamptz",
    date: "date",
    time: "time",
    UUID: "uuid",
    Decimal: "numeric",
    float: "float8",
    int: "bigint",
    bool: "boolean",
    str: "text",
}
"""The SQL type of a cursor's key."""
