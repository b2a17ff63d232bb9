"""The demo's door, in development alone: logins, tokens for its customers, who have no password, and test cards.

A card comes to a page from the provider's own field, which hands out another id each time; here is what stands in its
place before the sandbox.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.auth import Auth
from app.settings import Settings
from domain.actors import Role
from domain.errors import Refused
from gateways.stripe_api import API_VERSION

FORM_BYTES = 4096
NO_STORE = {"cache-control": "no-store"}
SECONDS = 10


def demo_key(tenant: str) -> str:
    """The key of a demo business in the sandbox: an account springs up for it."""
    return f"sk_test_{tenant}"


class DemoDoor:
    """Answers 404 in production, and where there is no demo."""

    def __init__(self, settings: Settings, auth: Callable[[], Auth | None]) -> None:
        self._kept: Path | None = settings.data / "demo.json" if settings.environment == "development" else None
        self._sandbox = settings.stripe_url
        self._auth = auth

    def routes(self) -> list[Route]:
        """Where it is."""
        return [
            Route("/demo.json", self._logins),
            Route("/demo/customer", self._customer, methods=["POST"], max_body_size=FORM_BYTES),
            Route("/demo/card", self._card, methods=["POST"], max_body_size=FORM_BYTES),
        ]

    async def _logins(self, _request: Request) -> Response:
        """The logins for the sign-in pages."""
        if self._kept is None or not self._kept.is_file():
            return _nothing()
        return FileResponse(self._kept, headers=NO_STORE)

    async def _customer(self, request: Request) -> Response:
        """A token of one of the demo's own customers: `{tenant, email}` to `{accessToken}`."""
        auth = self._auth()
        if self._kept is None or not self._kept.is_file() or auth is None:
            return _nothing()
        if not _is_json(request):
            return _other_kind()
        wanted = _json(await request.body())
        known = _json(self._kept.read_bytes()).get("customers", ())
        found = next((one for one in known if all(one[name] == wanted.get(name) for name in ("tenant", "email"))), None)
        if found is None:
            return _nothing()
        try:
            tokens = await auth.issue_token(found["tenant"], Role.CUSTOMER, found["email"])
        except Refused as refusal:
            return JSONResponse({"error": refusal.message}, 404)
        return JSONResponse({"accessToken": tokens.access_token}, headers=NO_STORE)

    async def _card(self, request: Request) -> Response:
        """A fresh test card of one of the demo's businesses: `{tenant, card}` to `{paymentMethodId}`."""
        if self._kept is None or not self._kept.is_file() or self._sandbox is None:
            return _nothing()
        if not _is_json(request):
            return _other_kind()
        wanted = _json(await request.body())
        tenant, card = wanted.get("tenant"), wanted.get("card")
        known = _json(self._kept.read_bytes()).get("tenants", ())
        if not isinstance(tenant, str) or tenant not in known or not isinstance(card, str):
            return _nothing()
        headers = {"authorization": f"Bearer {demo_key(tenant)}", "stripe-version": API_VERSION}
        asked = {"type": "card", "card[token]": f"tok_{card}"}
        async with httpx2.AsyncClient(base_url=self._sandbox, timeout=SECONDS, trust_env=False) as http:
            try:
                answer = await http.post("/v1/payment_methods", data=asked, headers=headers)
            except httpx2.HTTPError:
                return JSONResponse({"error": "The payments sandbox does not answer."}, 503)
        if answer.status_code != 200:
            return JSONResponse({"error": "The payments sandbox knows no such card."}, 422)
        return JSONResponse({"paymentMethodId": answer.json()["id"]}, headers=NO_STORE)


def _is_json(request: Request) -> bool:
    """A page of somebody else's cannot send this without being asked for first."""
    return request.headers.get("content-type", "").partition(";")[0] == "application/json"


def _other_kind() -> Response:
    return JSONResponse({"error": "Send JSON."}, 415)


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _nothing() -> Response:
    return JSONResponse({"error": "There is no demo here."}, 404)
