"""The demo's door, in development alone: who can sign in, and tokens for its customers, who have no password."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.auth import Auth
from app.settings import Settings
from domain.actors import Role
from domain.errors import Refused

FORM_BYTES = 4096
NO_STORE = {"cache-control": "no-store"}


class DemoDoor:
    """Answers 404 in production, and where there is no demo."""

    def __init__(self, settings: Settings, auth: Callable[[], Auth | None]) -> None:
        self._kept: Path | None = settings.data / "demo.json" if settings.environment == "development" else None
        self._auth = auth

    def routes(self) -> list[Route]:
        """Where it is."""
        return [
            Route("/demo.json", self._logins),
            Route("/demo/customer", self._customer, methods=["POST"], max_body_size=FORM_BYTES),
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
        # A page of somebody else's cannot send this without being asked for first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "Send JSON."}, 415)
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


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _nothing() -> Response:
    return JSONResponse({"error": "There is no demo here."}, 404)
