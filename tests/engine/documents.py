"""Random operations over a contract: fragments, aliases, merging, directives, variables, arguments that hurt."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

Values = Callable[[str, str], Any]


@dataclass
class Generated:
    """A document and several sets of variables for it."""

    text: str
    variables: list[dict[str, Any]]


@dataclass
class Generator:
    """Writes documents; `values(type_name, field_name)` offers a leaf value for an argument."""

    schema: GraphQLSchema
    chance: random.Random
    values: Values
    sets: int = 3
    declared: dict[str, str] = field(default_factory=dict)
    makers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)

    def document(self) -> Generated:
        self.declared, self.makers, self.fragments = {}, {}, []
        query = self.schema.query_type
        assert query is not None
        body = self.selection(query, 4, 1 if self.chance.random() < 0.5 else 3)
        head = ", ".join(f"${name}: {kind}" for name, kind in self.declared.items())
        text = f"query Q{f'({head})' if head else ''} {body}\n" + "\n".join(self.fragments)
        sets = [{name: make() for name, make in self.makers.items()} for _ in range(self.sets)]
        return Generated(text, [{k: v for k, v in given.items() if v is not ...} for given in sets])

    def selection(self, type_: Any, depth: int, most: int = 5) -> str:
        names = list(type_.fields) if not isinstance(type_, GraphQLInterfaceType) else ["id"]
        if depth <= 0:
            names = [name for name in names if is_leaf_type(get_named_type(type_.fields[name].type))] or names[:1]
        chosen = [self.chance.choice(names) for _ in range(self.chance.randint(1, most))]
        parts = [self.field(type_, name, depth, place) for place, name in enumerate(chosen)]
        if self.chance.random() < 0.2:
            parts.append(f"kind{depth}: __typename")
        if isinstance(type_, GraphQLInterfaceType):
            parts += [
                f"... on {possible.name} {self.selection(possible, depth - 1, 3)}"
                for possible in self.chance.sample(list(self.schema.get_possible_types(type_)), 3)
            ]
        elif self.chance.random() < 0.25 and isinstance(type_, GraphQLObjectType):
            parts = self.wrapped(type_, parts)
        return "{ " + " ".join(parts) + " }"

    def wrapped(self, type_: GraphQLObjectType, parts: list[str]) -> list[str]:
        cut = self.chance.randint(0, len(parts))
        inside = " ".join(parts[cut:] or ["__typename"])
        if self.chance.random() < 0.5:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_.name} {{ {inside} }}")
            return [*parts[:cut], f"...{name}{self.directive()}"]
        return [*parts[:cut], f"... on {type_.name}{self.directive()} {{ {inside} }}", *parts[:1]]

    def directive(self) -> str:
        if self.chance.random() < 0.6:
            return ""
        name = self.chance.choice(["include", "skip"])
        if self.chance.random() < 0.5:
            return f" @{name}(if: {self.chance.choice(['true', 'false'])})"
        return f" @{name}(if: {self.variable('Boolean!', lambda: self.chance.random() < 0.5)})"

    def field(self, type_: Any, name: str, depth: int, place: int) -> str:
        definition = type_.fields[name]
        arguments = self.arguments(definition, name)
        named = get_named_type(definition.type)
        # An alias of its own for each use: fields merge through fragments and repeated parts instead.
        alias = (
            f"{name}{place}{self.chance.randrange(10**6)}: "
            if arguments or not is_leaf_type(named) or self.chance.random() < 0.1
            else ""
        )
        below = "" if is_leaf_type(named) else " " + self.selection(named, depth - 1)
        return f"{alias}{name}{arguments}{self.directive() if self.chance.random() < 0.15 else ''}{below}"

    def arguments(self, definition: Any, field_name: str) -> str:
        given: list[str] = []
        for name, argument in definition.args.items():
            if not is_required_argument(argument) and self.chance.random() < 0.65:
                continue
            if name == "last" and any(part.startswith("first:") for part in given) and self.chance.random() < 0.9:
                continue
            order = "swap" if "SwapOrder" in {str(a.type) for a in definition.args.values()} else field_name
            given.append(f"{name}: {self.argument(argument.type, name, order)}")
        return f"({', '.join(given)})" if given else ""

    def argument(self, type_: Any, name: str, field_name: str) -> str:
        if self.chance.random() < 0.5:
            return self.variable(str(type_), lambda: self.value(type_, name, field_name))
        return literal(self.value(type_, name, field_name), type_)

    def variable(self, type_name: str, make: Callable[[], Any]) -> str:
        name = f"v{len(self.declared)}"
        self.declared[name] = type_name
        may_be_absent = not type_name.endswith("!")

        def value() -> Any:
            if may_be_absent and self.chance.random() < 0.25:
                return self.chance.choice([None, ...])
            return make()

        self.makers[name] = value
        return f"${name}"

    def value(self, type_: Any, name: str, field_name: str) -> Any:
        named = get_named_type(type_)
        if is_list_type(type_) or is_list_type(getattr(type_, "of_type", None)):
            return [self.one(named, name, field_name) for _ in range(self.chance.randint(0, 3))]
        return self.one(named, name, field_name)

    def one(self, named: Any, name: str, field_name: str) -> Any:
        if isinstance(named, GraphQLEnumType):
            return self.chance.choice(list(named.values))
        if isinstance(named, GraphQLInputObjectType):
            chosen = self.chance.sample(list(named.fields), self.chance.choice([0, 1, 1, 2]))
            return {key: self.value(named.fields[key].type, key, field_name) for key in chosen}
        return self.values(named.name, name if name not in {"after", "before"} else f"{name}:{field_name}")


def literal(value: Any, type_: Any) -> str:
    named = get_named_type(type_)
    if isinstance(value, list):
        return "[" + ", ".join(literal(item, named) for item in value) + "]"
    if isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {literal(v, named.fields[k].type)}" for k, v in value.items()) + "}"
    return str(value) if isinstance(named, GraphQLEnumType) else json.dumps(value, ensure_ascii=False)
