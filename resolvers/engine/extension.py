"""The hook: a query's rows are fetched before the executor runs, and are the answer where nothing is missing."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from graphql import ExecutionResult, print_ast
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionContext

from domain.errors import Refused, Unavailable
from resolvers.engine.engine import Engine, Fetching, Request, as_graphql_error


def read_extension(engine_of: Callable[[], Engine], pool_of: Callable[[Any], Fetching]) -> type[SchemaExtension]:
    """The extension class for `strawberry.Schema(extensions=[...])`.

    The engine is asked for late, because it is built from the schema; `pool_of(context)` gives the pool of a request.
    """

    class Reads(SchemaExtension):
        """Fetches what a query selects by one statement."""

        async def on_execute(self) -> AsyncIterator[None]:
            await answer_query(engine_of(), pool_of, self.execution_context)
            yield

    return Reads


async def answer_query(engine: Engine, pool_of: Callable[[Any], Fetching], request: ExecutionContext) -> None:
    """Put a query's rows where the executor looks for them, or the whole answer where it is complete."""
    if request.graphql_document is None or request.result is not None:
        return
    document, actor = request.graphql_document, engine.actor_of(request.context)
    text = request.query or (document.loc.source.body if document.loc is not None else print_ast(document))
    try:
        sent = Request(text, document, request.operation_name, request.variables)
        prepared = engine.prepare(sent, str(actor.role))
        if prepared is None:
            return
        answer = await engine.fetch(pool_of(request.context), prepared, actor)
    except (Refused, Unavailable) as error:
        raise as_graphql_error(error) from error
    request.root_value = answer.shaped
    if answer.is_final:
        request.result = ExecutionResult(answer.shaped, None)
