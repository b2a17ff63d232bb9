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
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
)
from graphql.execution.values import get_variable_values
from strawberry.extensions import SchemaExtension

from app.limits import DOCUMENT_BYTES, TOKENS, checked, root_fields
from domain.actors import Role
from domain.errors import Code, Refused, Unauthenticated, Unavailable
from resolvers.context import Context
from resolvers.visitors import VISITING

OPERATION_SECONDS = 10
CHARACTERS_KEPT = 1_000_000
"""Of all remembered documents together. Parsed they take up to 130 bytes a character."""
INTROSPECTING = frozenset({Role.OWNER, Role.ADMIN, Role.INTEGRATOR, Role.OPS})
"""Who may ask the schema about itself where that is not open to everybody (R256)."""
INTROSPECTION = frozenset({"__schema", "__type"})

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
        self._characters = 0

    async def execute(self, operation: Operation, context: Context, *, read_only: bool = False) -> dict[str, Any]:
        """The response; without "data" nothing was executed. `read_only` refuses mutations (for GET)."""
        try:
            document = self._document(operation.query, keep=_is_known(context))
            selected = self._selected(document, operation, context, read_only=read_only)
            self._ensure_values(selected, operation.variables)
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
        if result.data is not None or not _is_of_request(result, selected):
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

    def _document(self, query: str, *, keep: bool) -> DocumentNode:
        """The valid document. What callers without a credential send is not kept: they could fill the memory."""
        found = self._known.get(query)
        if found is not None:
            self._known.move_to_end(query)
            return found
        if len(query.encode()) > DOCUMENT_BYTES:
            raise GraphQLError(f"A document has at most {DOCUMENT_BYTES} bytes.")
        document = parse(query, max_tokens=TOKENS)
        errors = checked(
            self._schema._schema,  # noqa: SLF001 (strawberry has no public way to it)
            document,
            hide_suggestions=not self._open_introspection,
        )
        if errors:
            raise _Invalid(errors)
        if keep:
            self._remember(query, document)
        return document

    def _remember(self, query: str, document: DocumentNode) -> None:
        self._known[query] = document
        self._characters += len(query)
        while self._characters > CHARACTERS_KEPT:
            oldest, _ = self._known.popitem(last=False)
            self._characters -= len(oldest)

    def _selected(
        self, document: DocumentNode, operation: Operation, context: Context, *, read_only: bool
    ) -> OperationDefinitionNode:
        """The operation that is to run, seen to be allowed."""
        selected = get_operation_ast(document, operation.name)
        if selected is None:
            raise GraphQLError("operationName must name one of the document's operations.")
        if read_only and selected.operation is not OperationType.QUERY:
            raise GraphQLError("GET runs queries only.")
        if selected.operation is OperationType.SUBSCRIPTION:
            raise GraphQLError("Subscriptions run over the websocket (graphql-transport-ws).")
        if context.actor is not None and context.actor.role is Role.ANONYMOUS:
            _ensure_visiting(document, selected)
        if not self._open_introspection and not INTROSPECTION.isdisjoint(root_fields(document, selected)):
            role = context.actor.role if context.actor else None
            if role not in INTROSPECTING:
                raise GraphQLError("Introspection is not open to you.", extensions={"code": str(Code.FORBIDDEN)})
        return selected

    def _ensure_values(self, selected: OperationDefinitionNode, variables: dict[str, Any]) -> None:
        """Judge variables here where the schema is closed: the execution would suggest names with its errors."""
        if self._open_introspection:
            return
        schema, wanted = self._schema._schema, selected.variable_definitions or ()  # noqa: SLF001 (as above)
        values = get_variable_values(schema, wanted, variables, hide_suggestions=True)
        if isinstance(values, list):
            raise _Invalid(values)

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
        _log.error("internal_error", error_id=number, exc_info=cause, **_whose(context))
        public: dict[str, Any] = {key: value for key, value in shown.items() if key in {"path", "locations"}}
        return {**public, "message": "Internal error.", "extensions": {"code": "INTERNAL", "errorId": number}}


def _is_known(context: Context) -> bool:
    """Whether somebody has signed in; a booking's token is anybody's for the asking."""
    return context.actor is not None and context.actor.role is not Role.ANONYMOUS


def _ensure_visiting(document: DocumentNode, selected: OperationDefinitionNode) -> None:
    """Refuse whoever holds a booking's token alone all that is for people who have signed in (R41)."""
    if root_fields(document, selected) - INTROSPECTION - VISITING:
        refusal = Unauthenticated()
        raise GraphQLError(refusal.message, original_error=refusal)


class _Invalid(Exception):
    """A document with faults."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("invalid document")
        self.errors = errors


def _is_of_request(result: ExecutionResult, selected: OperationDefinitionNode) -> bool:
    """Whether the errors are of the request as a whole, so that there is no data, not even null.

    So is a session that is over, where it stopped the only field: nothing else can have been done before it.
    """
    errors = result.errors or []
    roots = selected.selection_set.selections
    alone = len(roots) == 1 and isinstance(roots[0], FieldNode)
    return bool(errors) and all(
        not error.path or (alone and isinstance(error.original_error, Unauthenticated)) for error in errors
    )


def _whose(context: Context) -> dict[str, str | None]:
    tenant = str(context.actor.tenant) if context.actor else None
    return {"request_id": context.request_id, "tenant": tenant}


def _error(message: str, code: Code) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": str(code)}}
