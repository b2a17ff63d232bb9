"""Signed documents as files, for whoever was given their address (R7, R234)."""

from collections.abc import Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.running import Running
from db.runner import Call
from domain.actors import Actor, TenantId
from domain.errors import NotFound, Unauthenticated, Unavailable
from gateways.links import LinkRefused, Links
from services.onboarding.documents import OpenSignedDocument, open_signed_document

HEADERS = {
    "cache-control": "private, no-store",
    "content-disposition": 'inline; filename="signed-document.pdf"',
    "content-security-policy": "default-src 'none'; sandbox",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Documents:
    """Serves a paper under the stamp of the tenant that its address names."""

    def __init__(self, links: Callable[[], Links], running: Callable[[], Running | None]) -> None:
        self._links, self._running = links, running

    def route(self) -> Route:
        """Where the papers are."""
        return Route("/documents/{token}", self._serve)

    async def _serve(self, request: Request) -> Response:
        running = self._running()
        if running is None:
            return JSONResponse({"error": "Try again later."}, 503)
        try:
            permit = self._links().read_document(request.path_params["token"])
            wish = OpenSignedDocument(UUID(permit.document))
            actor = Actor.system(TenantId(UUID(permit.tenant)))
            pdf = await running.runner.run(Call(actor, open_signed_document, wish))
        except (LinkRefused, NotFound, Unauthenticated):
            return JSONResponse({"error": "There is no such document, or its address has ended."}, 404)
        except Unavailable:
            return JSONResponse({"error": "Try again later."}, 503)
        return Response(pdf, 200, HEADERS, "application/pdf")
