"""The schema: the areas' types and mutations put together."""

import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type

from resolvers import AREAS, Query
from schema.types import enums
from schema.types.relay import SCALARS
from schema.types.subscription import Subscription

__all__ = ["build_schema", "enums"]

Mutation = create_type(
    "Mutation",
    [field for area in AREAS for field in area.values()],
    description="Everything that can be done: each in one transaction, refusals as data in the payload.",
)


def build_schema(extensions: list[type[SchemaExtension]] | None = None) -> strawberry.Schema:
    """The whole contract. `extensions` run around each query and mutation."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=extensions or [],
        config=StrawberryConfig(scalar_map=SCALARS),
    )

