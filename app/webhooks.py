"""Where the payment provider tells us what has happened: POST /webhooks/stripe/... and /webhooks/platform (R183).

The signature is proven on the very bytes that came, the notice is kept once, and the answer is 200; the work is a task.
What is forged, stale or too long is refused, and nothing of it is left.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.running import Running
from db.runner import Call
from domain.actors import PLATFORM_TENANT, Actor, TenantId
from domain.errors import NotFound, Refused, Unauthenticated, Unavailable
from domain.payments.webhooks import Notice, notice_of
from gateways.webhook_check import Forged, Stale, read_event
from services.identity import tokens
from services.payments.accounts import WebhookDoor, open_webhook_door
from services.payments.notices import KeepNotice, keep_notice

BODY_BYTES = 512 * 1024
"""Far more than any event of the provider's has."""
SIGNATURE = "stripe-signature"

log = structlog.get_logger("webhooks")


def utc_now() -> datetime:
    """The real time, by which the provider signs: a business's clock may be moved in the sandbox."""
    return datetime.now(UTC)


class Webhooks:
    """The two doors. `platform_secrets` are of the account that bills the plans; without any its door is closed."""

    def __init__(
        self,
        running: Callable[[], Running | None],
        platform_secrets: Sequence[str],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._running = running
        self._platform_secrets = tuple(platform_secrets)
        self._now = now

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/webhooks/platform", self._platform, methods=["POST"], max_body_size=BODY_BYTES),
            Route("/webhooks/stripe/{path}", self._business, methods=["POST"], max_body_size=BODY_BYTES),
        ]

    async def _platform(self, request: Request) -> Response:
        return await self._answer(request, PLATFORM_TENANT, self._platform_secrets)

    async def _business(self, request: Request) -> Response:
        path = request.path_params["path"]
        tenant, running = tokens.tenant_of(path, tokens.WEBHOOK), self._running()
        if running is None:
            return _said(503, "Try again later.")
        if tenant is None:
            return _said(404, "There is no such webhook.")
        try:
            door = Call(Actor.anonymous(tenant), open_webhook_door, WebhookDoor(path))
            secrets = await running.runner.run(door)
        except (NotFound, Unauthenticated):
            return _said(404, "There is no such webhook.")
        except Unavailable:
            return _said(503, "Try again later.")
        return await self._answer(request, tenant, secrets)

    async def _answer(self, request: Request, tenant: TenantId, secrets: Sequence[str]) -> Response:
        running = self._running()
        if running is None:
            return _said(503, "Try again later.")
        try:
            notice = await self._notice(request, secrets)
        except (Forged, Stale, ClientDisconnect) as refused:
            log.warning("webhook_refused", tenant=str(tenant), reason=repr(refused))
            return _said(400, "This is not a signed event for this address.")
        keep = Call(
            Actor.system(tenant), keep_notice, KeepNotice(notice), request_id=request.scope.get("request_id", "")
        )
        try:
            is_new = await running.runner.run(keep)
        except (Refused, Unavailable) as trouble:
            # The provider comes again.
            log.warning("webhook_not_kept", tenant=str(tenant), reason=repr(trouble))
            return _said(503, "Try again later.")
        return JSONResponse({"received": True, "known": not is_new}, 200, {"cache-control": "no-store"})

    async def _notice(self, request: Request, secrets: Sequence[str]) -> Notice:
        event = read_event(await request.body(), request.headers.get(SIGNATURE), secrets, self._now())
        notice = notice_of(event)
        if notice is None:
            raise Forged("an event whose id or type cannot be kept")
        return notice


def _said(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status, {"cache-control": "no-store"})
