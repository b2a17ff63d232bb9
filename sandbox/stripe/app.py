"""The sandbox on the network: an ASGI application, with the pump that delivers webhooks."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from sandbox.stripe import Json, control, hosted
from sandbox.stripe.edge import Answer, Request
from sandbox.stripe.errors import StripeError
from sandbox.stripe.sandbox import Sandbox
from sandbox.stripe.wire import body_json, encoded

PUMP_SECONDS = 0.2
DELIVERIES_AT_ONCE = 8
_log = logging.getLogger(__name__)
_API = ("/v1/", "/v2/")
_CONTROL = "/__sandbox/"


async def answered(sandbox: Sandbox, request: Request) -> Answer:
    """Any request: of the API, or of the control API."""
    if request.path.startswith(_API):
        return sandbox.answer(request)
    if not request.path.startswith(_CONTROL):
        return _page(sandbox, request)
    try:
        handler, args = control.find(request.method, request.path.removeprefix(_CONTROL))
        given = _given(request)
        sandbox.tick()
        result = handler(sandbox, args, given)
        result = await result if inspect.isawaitable(result) else result
    except StripeError as error:
        return Answer(error.status, encoded(error.body))
    if isinstance(result, Answer):
        return result
    return Answer(200, encoded(result))


def stripe_app(sandbox: Sandbox, *, pump: bool = False) -> Starlette:
    """The ASGI application; with `pump` (under a server) due webhooks are delivered in the background."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        answer = await answered(sandbox, await _request(scope, receive))
        if answer.delay:
            await asyncio.sleep(answer.delay)
        headers = {"content-type": "application/json", **answer.headers}
        if answer.cut:
            # The server closes a connection whose answer stops short; the proxy makes a true reset of it.
            headers |= {"content-length": "1", "x-sandbox-fault": "reset" if answer.reset else "drop"}
            await send({"type": "http.response.start", "status": 502, "headers": _raw(headers)})
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": _raw(headers)})
        await send({"type": "http.response.body", "body": answer.body})

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        pumping = asyncio.create_task(_pump(sandbox)) if pump else None
        yield
        if pumping:
            pumping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pumping
        await sandbox.courier.close()
        sandbox.close()

    return Starlette(routes=[Mount("/", app=endpoint)], lifespan=lifespan)


def _page(sandbox: Sandbox, request: Request) -> Answer:
    """A page for people: onboarding, checkout, portal."""
    sandbox.tick()
    posted = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    reply = hosted.answer(sandbox, request.method, request.path, dict(parse_qsl(request.query)), posted)
    if reply is None:
        return sandbox.answer(request)
    headers = {"content-type": "text/html; charset=utf-8"}
    return Answer(reply.status, reply.html.encode(), headers | ({"location": reply.location} if reply.location else {}))


def _given(request: Request) -> Json:
    if request.method == "GET":
        return control.query(request.query)
    return body_json(request.body)


async def _pump(sandbox: Sandbox) -> None:
    while True:
        try:
            sandbox.tick()
            await sandbox.courier.deliver_due(at_once=DELIVERIES_AT_ONCE)
        except Exception:  # noqa: BLE001 - the edge of a task: one bad timer must not end all deliveries unheard
            _log.exception("The sandbox's pump stumbled.")
        await asyncio.sleep(PUMP_SECONDS)


async def _request(scope: Scope, receive: Receive) -> Request:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
