"""What the fields of a filter input mean: by convention a column, or the condition that the registry names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_list_type,
)
from sqlalchemy import Table
from sqlalchemy.types import Uuid

from domain.errors import Refused
from resolvers.engine.scope import RowText, Scope, written
from resolvers.engine.sources import Filter, Registry
from resolvers.engine.tables import foreign_keys
from resolvers.engine.values import parameter
from schema.types.relay import decode_id

BACKREF = "strawberry-definition"
_COMPARED = (("_from", ">="), ("_before", "<"))
_SQL_TYPES = {
    "ID": "text",
    "String": "text",
    "Int": "bigint",
    "Float": "float8",
    "Boolean": "boolean",
    "DateTime": "timestamptz",
    "Date": "date",
    "Time": "time",
    "Decimal": "numeric",
    "UUID": "uuid",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter field: the parameter's SQL type, how the client's value becomes one, and the text around it."""

    sql_type: str
    take: Callable[[Any], Any]
    text: Callable[[Scope, str], str]


def conditions_of(
    type_: GraphQLInputObjectType | None,
    table: Table,
    registry: Registry,
    types_on: Callable[[Table], tuple[str, ...]],
) -> tuple[dict[str, Condition], list[str]]:
    """Conditions by the filter field's name in the contract, and the faults found."""
    found: dict[str, Condition] = {}
    faults: list[str] = []
    if type_ is None:
        return found, faults
    named = registry.filtered.get(type_.extensions[BACKREF].origin, {})
    for name, definition in type_.fields.items():
        python_name = definition.extensions[BACKREF].python_name
        if python_name in named:
            found[name] = _named(named[python_name], definition.type)
        elif (condition := _convention(python_name, definition.type, table, types_on)) is not None:
            found[name] = condition
        else:
            faults.append(f"{type_.name}.{name} is no column of {table.name}; say what it means with filters(...)")
    known = {definition.extensions[BACKREF].python_name for definition in type_.fields.values()}
    faults += [f"{type_.name} has no field {name}" for name in named if name not in known]
    return found, faults


def _named(condition: Filter, type_: GraphQLInputType) -> Condition:
    sql_type = "uuid" + "[]" * _is_list(type_) if condition.id_of else _sql_type(type_)
    take = partial(_take_id, condition.id_of) if condition.id_of else parameter

    def text(scope: Scope, value: str) -> str:
        return f"({written(condition.write, row=RowText(scope), value=value)})"

    return Condition(sql_type, take, text)


def _convention(
    name: str,
    type_: GraphQLInputType,
    table: Table,
    types_on: Callable[[Table], tuple[str, ...]],
) -> Condition | None:
    column, operator = name, "="
    if name not in table.c:
        suffix = next(((end, sign) for end, sign in _COMPARED if name.endswith(end)), None)
        if suffix is None or name.removesuffix(suffix[0]) not in table.c:
            return None
        column, operator = name.removesuffix(suffix[0]), suffix[1]
    is_id = get_named_type(type_).name == "ID" and isinstance(table.c[column].type, Uuid)
    sql_type = "uuid" + "[]" * _is_list(type_) if is_id else _sql_type(type_)
    take = partial(_take_id, types_on(_pointed_at(table, column))) if is_id else parameter
    shape = "{column} = ANY({value})" if _is_list(type_) else f"{{column}} {operator} {{value}}"

    def text(scope: Scope, value: str) -> str:
        return shape.replace("{column}", scope.column(column)).replace("{value}", value)

    return Condition(sql_type, take, text)


def _pointed_at(table: Table, column: str) -> Table:
    key = foreign_keys(table).get(column)
    return table if key is None else key[0]


def _take_id(type_names: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, list):
        return [_take_id(type_names, item) for item in value if item is not None]
    return decode_id(value, *type_names)


def _is_list(type_: GraphQLInputType) -> bool:
    return is_list_type(get_nullable_type(type_))


def _sql_type(type_: GraphQLInputType) -> str:
    named = get_named_type(type_)
    base = "text" if is_enum_type(named) else _SQL_TYPES.get(named.name, "text")
    return base + "[]" * _is_list(type_)


def located(error: Refused, *path: str) -> Refused:
    """The refusal, naming the argument that it speaks of unless it already does."""
    if not error.field:
        error.field = path
    return error
