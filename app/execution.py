"""One way to run an operation, for HTTP and for sockets: parse, limits, plan, execute, and errors that leak nothing."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import strawberry
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
)
from strawberry.extensions import SchemaExtension

from app.limits import DOCUMENT_BYTES, TOKENS, checked
from domain.actors import Role
from domain.errors import Code, Refused, Unavailable
from resolvers.context import Context

OPERATION_SECONDS = 10
DOCUMENTS_KEPT = 1_000
INTROSPECTING = frozenset({Role.OWNER, Role.ADMIN, Role.INTEGRATOR, Role.OPS})
"""Who may ask the schema about itself where that is not open to everybody (R256)."""

_log = structlog.get_logger("graphql")


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client asks, its outer types checked."""

    query: str
    name: str | None
    variables: dict[str, Any]

    @classmethod
    def of(cls, body: Any) -> "Operation":
        """From a decoded body. Raises `GraphQLError` with what is wrong."""
        if not isinstance(body, Mapping):
            raise GraphQLError("The body must be a JSON object.")
        query, name, variables = body.get("query"), body.get("operationName"), body.get("variables")
        if not isinstance(query, str) or not query:
            raise GraphQLError("query must be a text.")
        if name is not None and not isinstance(name, str):
            raise GraphQLError("operationName must be a text.")
        if variables is not None and not isinstance(variables, Mapping):
            raise GraphQLError("variables must be an object.")
        return cls(query, name, dict(variables or {}))


class Prepared(SchemaExtension):
    """Hands the executor the document that was parsed and validated here, so that neither is done again."""

    def on_operation(self) -> Iterator[None]:
        """Before parsing."""
        running = self.execution_context
        running.graphql_document = running.context.document
        running.pre_execution_errors = []
        yield


class Executor:
    """Runs operations against the schema; remembers documents that were found valid."""

    def __init__(self, schema: strawberry.Schema, *, open_introspection: bool) -> None:
        self._schema = schema
        self._open_introspection = open_introspection
        self._known: OrderedDict[str, DocumentNode] = OrderedDict()

    async def execute(self, operation: Operation, context: Context, *, read_only: bool = False) -> dict[str, Any]:
        """The response; without "data" nothing was executed. `read_only` refuses mutations (for GET)."""
        try:
            document = self._document(operation.query)
            self._ensure_allowed(document, operation, context, read_only=read_only)
            context.document = document
            async with asyncio.timeout(OPERATION_SECONDS):
                result = await self._run(operation, context)
        except _Invalid as faults:
            return {"errors": [self._public(error, context) for error in faults.errors]}
        except GraphQLError as error:
            return {"errors": [self._public(error, context)]}
        except TimeoutError:
            return {"errors": [_error("The operation took too long.", Code.UNAVAILABLE)]}
        response: dict[str, Any] = {}
        if result.errors:
            response["errors"] = [self._public(error, context) for error in result.errors]
        if result.data is not None or not _is_of_request(result):
            response["data"] = result.data
        return response

    async def _run(self, operation: Operation, context: Context) -> ExecutionResult:
        result: Any = await self._schema.execute(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
        )
        return ExecutionResult(result.data, result.errors)

    def _document(self, query: str) -> DocumentNode:
        found = self._known.get(query)
        if found is not None:
            self._known.move_to_end(query)
            return found
        if len(query.encode()) > DOCUMENT_BYTES:
            raise GraphQLError(f"A document has at most {DOCUMENT_BYTES} bytes.")
        document = parse(query, max_tokens=TOKENS)
        errors = checked(self._schema._schema, document)  # noqa: SLF001 (strawberry has no public way to it)
        if errors:
            raise _Invalid(errors)
        self._known[query] = document
        if len(self._known) > DOCUMENTS_KEPT:
            self._known.popitem(last=False)
        return document

    def _ensure_allowed(
        self, document: DocumentNode, operation: Operation, context: Context, *, read_only: bool
    ) -> None:
        if get_operation_ast(document, operation.name) is None:
            raise GraphQLError("operationName must name one of the document's operations.")
        kinds = {one.operation for one in document.definitions if isinstance(one, OperationDefinitionNode)}
        if read_only and kinds != {OperationType.QUERY}:
            raise GraphQLError("GET runs queries only.")
        if OperationType.SUBSCRIPTION in kinds:
            raise GraphQLError("Subscriptions run over the websocket (graphql-transport-ws).")
        if not self._open_introspection and "__schema" in operation.query:
            role = context.actor.role if context.actor else None
            if role not in INTROSPECTING:
                raise GraphQLError("Introspection is not open to you.", extensions={"code": str(Code.FORBIDDEN)})

    def _public(self, error: GraphQLError, context: Context) -> dict[str, Any]:
        """What the client may know: refusals and what is wrong with the request; of a bug only its number."""
        shown = error.formatted
        cause = error.original_error
        if isinstance(cause, Refused):
            return {
                **shown,
                "extensions": {"code": str(cause.code), **({"field": list(cause.field)} if cause.field else {})},
            }
        if isinstance(cause, Unavailable):
            return {**shown, "message": "Try again later.", "extensions": {"code": str(Code.UNAVAILABLE)}}
        if cause is None or isinstance(cause, GraphQLError):
            return {**shown, "extensions": {"code": "BAD_REQUEST", **(shown.get("extensions") or {})}}
        number = uuid4().hex
        _log.error("internal_error", error_id=number, request_id=context.request_id, exc_info=cause)
        public: dict[str, Any] = {key: value for key, value in shown.items() if key in {"path", "locations"}}
        return {**public, "message": "Internal error.", "extensions": {"code": "INTERNAL", "errorId": number}}


class _Invalid(Exception):
    """A document with faults."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("invalid document")
        self.errors = errors


def _is_of_request(result: ExecutionResult) -> bool:
    """Whether the errors are of the request as a whole, so that there is no data, not even null."""
    return bool(result.errors) and all(not error.path for error in result.errors or ())


def _error(message: str, code: Code) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": str(code)}}
