"""Structured logs: one line a request, with tenant and request id; no personal data, no documents, no secrets."""

import logging
import time
from typing import Literal

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http import request_id_of

SIGNED = (
    "/uploads/",
    "/files/",
    "/documents/",
    "/bundles/",
    "/invoices/",
    "/payroll/",
    "/webhooks/stripe/",
)
"""Paths that end in a token."""


def configure_logs(form: Literal["console", "json"], *, level: int = logging.INFO) -> None:
    """Lines for people or for machines; the libraries' own warnings come the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


class RequestLog:
    """ASGI middleware around everything: gives each request its id, and logs it when it ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger("request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(Headers(scope=scope))
        scope["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            # Feeds write through the server's own object, so that a socket's `send` must stay what the server gave.
            await self._app(scope, receive, answer if scope["type"] == "http" else send)
        except Exception:
            status = 500
            raise
        finally:
            actor = scope.get("actor")
            self._log.info(
                scope["type"],
                path=_shown(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
                request_id=request_id,
                tenant=str(actor.tenant) if actor else None,
                role=str(actor.role) if actor else None,
            )
            structlog.contextvars.clear_contextvars()


def _shown(path: str) -> str:
    """The path without a token at its end: whoever reads logs must not be able to fetch what it opens."""
    return next((prefix + "…" for prefix in SIGNED if path.startswith(prefix)), path)
