"""GraphQL over HTTP: bodies and media types by the specification, the actor from the header, a context a request."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
import structlog
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.auth import Auth
from app.execution import Executor, Operation
from domain.actors import Actor, origin_of
from domain.errors import Code, Unauthenticated
from resolvers.context import Context, Services

BODY_BYTES = 1024 * 1024
RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"
_REQUEST_ID = re.compile(r"[\w.-]{1,64}")


class GraphQLOverHTTP:
    """The endpoint `/graphql` for POST and GET."""

    def __init__(self, executor: Executor, services: Services, auth: Auth) -> None:
        self._executor = executor
        self._services = services
        self._auth = auth

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        media = RESPONSE_JSON if RESPONSE_JSON in request.headers.get("accept", "") else PLAIN_JSON
        try:
            operation = Operation.of(await _body(request))
        except GraphQLError as error:
            return _response(
                {"errors": [{"message": error.message, "extensions": {"code": "BAD_REQUEST"}}]}, 400, media
            )
        try:
            actor = self._auth.actor_of(request.headers.get("authorization"))
        except Unauthenticated as refusal:
            return _response(
                {"errors": [{"message": refusal.message, "extensions": {"code": str(refusal.code)}}]}, 401, media
            )
        request.scope["actor"] = actor
        structlog.contextvars.bind_contextvars(tenant=str(actor.tenant) if actor else None)
        answer = await self._executor.execute(
            operation, self._context(request, actor), read_only=request.method == "GET"
        )
        return _response(answer, _status(answer, media), media)

    def _context(self, request: Request, actor: Actor | None) -> Context:
        source = request.client.host if request.client else ""
        origin = origin_of(source, request.headers.get("user-agent", ""))
        return Context(self._services, actor, request.scope.get("request_id", ""), source, origin=origin)


def request_id_of(headers: Mapping[str, str]) -> str:
    """The caller's own request id if it is a plain one, or a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


async def _body(request: Request) -> Any:
    if request.method == "GET":
        return _from_query(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PLAIN_JSON:
        raise GraphQLError("Send the request as application/json.")
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise GraphQLError("The body is not JSON.") from None
    except ClientDisconnect:
        raise GraphQLError("The body did not arrive.") from None


def _from_query(request: Request) -> dict[str, Any]:
    asked: dict[str, Any] = dict(request.query_params)
    try:
        asked["variables"] = orjson.loads(asked["variables"]) if asked.get("variables") else None
    except orjson.JSONDecodeError:
        raise GraphQLError("variables is not JSON.") from None
    return asked


def _status(answer: Mapping[str, Any], media: str) -> int:
    if "data" in answer:
        return 200
    codes = {(error.get("extensions") or {}).get("code") for error in answer["errors"]}
    if str(Code.UNAUTHENTICATED) in codes:
        return 401
    if str(Code.UNAVAILABLE) in codes:
        return 503
    # The older media type tells clients of failures in the body alone.
    return 400 if media == RESPONSE_JSON else 200


def _response(answer: Mapping[str, Any], status: int, media: str) -> Response:
    # What a client keeps for a while, such as its jobs for a day (R191), is a copy of its own, told stale by `version`.
    headers = {"cache-control": "no-store", "vary": "accept"}
    return Response(orjson.dumps(answer), status, headers, f"{media}; charset=utf-8")
