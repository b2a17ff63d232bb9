"""Plans, kept by document, role and the shape of the variables; bounded by bytes, in two segments.

A document enters the proven segment at its second use, so that a flood of one-off documents evicts only its like.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from graphql import get_named_type
from graphql.execution.values import VariableValues

from domain.errors import InvalidId
from resolvers.engine.compile import Compiled
from resolvers.engine.selection import Operation
from schema.types.relay import split_id

MAX_VARIANTS = 32
DOCUMENT_FACTOR = 40
"""A parsed document weighs about this many times its text: measured on documents of 1 to 10 KiB."""


@dataclass(slots=True)
class Plan:
    """One compiled statement with its text; no text where nothing has to be fetched."""

    text: str | None
    compiled: Compiled

    @property
    def weight(self) -> int:
        """About how many bytes it keeps."""
        return 2_000 + (0 if self.text is None else 4 * len(self.text))


@dataclass(slots=True)
class Family:
    """All plans of one operation."""

    operation: Operation
    weight: int
    variants: OrderedDict[Hashable, Plan] = field(default_factory=OrderedDict)

    def find(self, key: Hashable) -> Plan | None:
        """The plan of this role and shape."""
        plan = self.variants.get(key)
        if plan is not None:
            self.variants.move_to_end(key)
        return plan

    def keep(self, key: Hashable, plan: Plan) -> None:
        """One more plan, at most 32."""
        self.variants[key] = plan
        self.weight += plan.weight
        if len(self.variants) > MAX_VARIANTS:
            _, oldest = self.variants.popitem(last=False)
            self.weight -= oldest.weight


class _Segment:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.families: OrderedDict[Hashable, Family] = OrderedDict()

    def put(self, key: Hashable, family: Family) -> None:
        self.families[key] = family
        self.families.move_to_end(key)
        while len(self.families) > 1 and self.weight > self.limit:
            self.families.popitem(last=False)

    @property
    def weight(self) -> int:
        return sum(family.weight for family in self.families.values())


class PlanCache:
    """At most `limit` bytes of plans, a quarter of them for documents seen once."""

    def __init__(self, limit: int) -> None:
        self._new, self._proven = _Segment(limit // 4), _Segment(limit - limit // 4)

    def find(self, key: Hashable) -> Family | None:
        """The family of a document, which is proven from now on."""
        family = self._proven.families.get(key)
        if family is not None:
            self._proven.families.move_to_end(key)
            return family
        family = self._new.families.pop(key, None)
        if family is not None:
            self._proven.put(key, family)
        return family

    def keep(self, key: Hashable, family: Family) -> None:
        """A family seen for the first time, or grown by a plan."""
        segment = self._proven if key in self._proven.families else self._new
        segment.put(key, family)

    @property
    def weight(self) -> int:
        """About how many bytes are kept."""
        return self._new.weight + self._proven.weight


def shape_of(operation: Operation, variables: VariableValues, types: frozenset[str]) -> Hashable:
    """What of the variables a statement's text can depend on: presence, directives, orders, the types of ids."""
    return tuple(
        (name, _shape(get_named_type(source.signature.type).name, variables.coerced[name], types))
        for name, source in variables.sources.items()
        if name in variables.coerced
    )


def _shape(type_name: str, value: Any, types: frozenset[str]) -> Hashable:
    if value is None or isinstance(value, (bool, Enum)):
        return value
    if isinstance(value, dict):
        return tuple(sorted((key, item is not None) for key, item in value.items()))
    if type_name == "ID" and isinstance(value, list):
        return frozenset(_id_type(item, types) for item in value)
    return _id_type(value, types) if type_name == "ID" else True


def _id_type(value: Any, types: frozenset[str]) -> str:
    try:
        name = split_id(str(value))[0]
    except InvalidId:
        return "?"
    return name if name in types else "?"
