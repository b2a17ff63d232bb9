"""The ASGI application: GraphQL over HTTP and websocket, health, and the static pages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from app.boot import ensure_servable
from app.bundles import Bundles, Press
from app.container import Container, open_container
from app.demo import DemoDoor
from app.documents import Documents
from app.http import BODY_BYTES, GraphQLOverHTTP
from app.invoices import InvoiceFiles
from app.logs import RequestLog, configure_logs
from app.payroll import PayrollFiles
from app.settings import ConfigurationError, Settings
from app.uploads import Transfers
from app.webhooks import Webhooks
from db.engine import GONE
from gateways.links import Links
from resolvers.context import Services

WEB = Path(__file__).parent.parent / "web"
PAGE_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:{store}; img-src 'self'{store}; base-uri 'none';"
    " frame-ancestors 'none'"
)
PAGES = {
    "/": "index.html",
    "/board": "board.html",
    "/work": "work.html",
    "/office": "office.html",
    "/book": "book.html",
    "/money": "money.html",
    "/earnings": "earnings.html",
    "/billing": "billing.html",
    "/pay": "pay.html",
    "/proof": "proof.html",
    "/invite": "welcome.html",
    "/reset": "welcome.html",
    "/sign-in": "enter.html",
}
SHUTDOWN_SECONDS = 5
READY_SECONDS = 2
MESSAGE_BYTES = 256 * 1024

_log = structlog.get_logger("api")


class Application:
    """One API process: built when the server starts it, let go when the server stops it.

    Under whatever server it runs, a wrong installation ends the start in one line (R243), unless `is_checked` says that
    this has been seen to.
    """

    def __init__(self, settings: Settings, *, is_checked: bool = False) -> None:
        self._settings = settings
        self._is_checked = is_checked
        self._refusal = ""
        self._container: Container | None = None
        origins = list(settings.allowed_origins)
        cors = Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["authorization", "content-type", "x-request-id"],
        )
        self._http: ASGIApp = Starlette(
            routes=self._routes(),
            middleware=[cors] if origins else [],
            lifespan=self._lifespan,
            max_body_size=BODY_BYTES,
        )
        self._edge = RequestLog(self._route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._edge(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] != "websocket":
            await self._http(scope, receive, send)
        elif scope["path"] == "/graphql" and self._container is not None:
            await self._container.socket(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 4404})

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and stop with the server, which logs what it is told: a refusal's one line, not where it was raised."""

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed" and self._refusal:
                message = {**message, "message": self._refusal}
            await send(message)

        # Starlette raises again what it has told the server.
        with suppress(ConfigurationError):
            await self._http(scope, receive, tell)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        try:
            if not self._is_checked:
                await ensure_servable(self._settings)
        except ConfigurationError as error:
            self._refusal = f"cleanshift: {error}"
            raise
        async with open_container(self._settings) as container:
            self._container = container
            self._endpoint = GraphQLOverHTTP(container.executor, container.services, container.auth)
            if self._settings.is_development_unsaid:
                _log.warning(
                    "environment_not_set",
                    meaning="development: introspection is open, tokens are given out; set ENVIRONMENT=production",
                )
            _log.info("api_ready", port=self._settings.port, redis=bool(self._settings.redis_url))
            yield
            self._container = None

    def _routes(self) -> list[Route | Mount]:
        policy = PAGE_POLICY.format(store=_store_origin(self._settings))
        return [
            Route("/graphql", self._graphql, methods=["GET", "POST"]),
            Route("/healthz", _alive),
            Route("/readyz", self._ready),
            *DemoDoor(self._settings, lambda: self._container.auth if self._container else None).routes(),
            *Transfers(self._links).routes(),
            *Bundles(self._press).routes(),
            *(Route(path, _page(WEB / name, policy)) for path, name in PAGES.items()),
            Documents(self._links, self._running).route(),
            PayrollFiles(self._links, self._running).route(),
            InvoiceFiles(self._links, self._running).route(),
            *Webhooks(self._running, self._settings.stripe_webhook_secrets).routes(),
            Mount("/web", StaticFiles(directory=WEB)),
        ]

    def _running(self) -> Services | None:
        return self._container.services if self._container else None

    def _press(self) -> Press:
        """What makes bundles of evidence; once the server has started."""
        assert self._container is not None  # noqa: S101 (no request comes before the start)
        return self._container.press

    def _links(self) -> Links:
        """How this process's addresses of objects are read; once it has started."""
        assert self._container is not None  # noqa: S101 (no request comes before the start)
        return self._container.links

    async def _graphql(self, request: Request) -> Response:
        wants_page = request.method == "GET" and "query" not in request.query_params
        if wants_page and self._settings.environment == "development":
            return HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"))
        return await self._endpoint(request)

    async def _ready(self, _request: Request) -> Response:
        """Ready when the database answers; Redis only makes things faster, so it is told and not demanded."""
        ready = self._container is not None and await _answers(self._container.reads)
        body = {"ready": ready, "redis": bool(self._settings.redis_url)}
        return JSONResponse(body, 200 if ready else 503)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})


async def _answers(pool: asyncpg.Pool) -> bool:
    try:
        # Waiting for a free connection counts too: who has none to answer with is not ready.
        async with asyncio.timeout(READY_SECONDS):
            return bool(await pool.fetchval("select true") is True)
    except (asyncpg.PostgresError, *GONE):
        return False


def _store_origin(settings: Settings) -> str:
    """Where photos are put and had, if that is not here: what a page's policy has to name."""
    if settings.object_store_url is None:
        return ""
    if settings.object_store_endpoint is None:
        return " https://*.amazonaws.com"
    where = urlsplit(settings.object_store_endpoint)
    return f" {where.scheme}://{where.netloc}"


def _page(path: Path, policy: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return FileResponse(path, headers={"cache-control": "no-cache", "content-security-policy": policy})

    return answer


def serve(settings: Settings) -> None:
    """Serve an installation that `ensure_servable` has let pass, until SIGTERM or SIGINT."""
    configure_logs(settings.log_format)
    uvicorn.run(
        Application(settings, is_checked=True),
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        server_header=False,
        access_log=False,
        log_level="warning",
    )
