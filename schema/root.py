"""The schema: the areas' types and mutations put together."""

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import create_type
from strawberry.types import ExecutionContext

from resolvers import AREAS, Query
from resolvers.engine.executor import RowExecutor
from schema.types import enums
from schema.types.relay import SCALARS
from schema.types.subscription import Subscription

__all__ = ["build_schema", "enums"]

Mutation = create_type(
    "Mutation",
    [field for area in AREAS for field in area.values()],
    description="Everything that can be done: each in one transaction, refusals as data in the payload.",
)


class Contract(strawberry.Schema):
    """Strawberry's schema without its log of every refusal: the edge knows a bug from a no, and logs bugs."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Leave the errors to whoever runs the operation."""


def build_schema(extensions: list[type[SchemaExtension]] | None = None) -> strawberry.Schema:
    """The whole contract. `extensions` run around each query and mutation."""
    return Contract(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=extensions or [],
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=RowExecutor,
    )
