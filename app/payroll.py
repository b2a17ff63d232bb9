"""The file of a payroll export, at a short-lived address that only who sees the export is given (A41)."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.running import Running
from db.runner import Call
from domain.actors import Actor, TenantId
from domain.errors import NotFound
from domain.ids import PayrollExportId
from gateways.links import LinkRefused, Links
from services.payouts.payroll import ReadExport, read_payroll


@dataclass(frozen=True, slots=True)
class PayrollFiles:
    """The route of payroll files. What it needs is asked anew for each request: it is there once the server runs."""

    links: Callable[[], Links]
    running: Callable[[], Running | None]

    def route(self) -> Route:
        """Where they are."""
        return Route("/payroll/{token}", self.give)

    async def give(self, request: Request) -> Response:
        """The file that a signed address leads to; 404 for every other address."""
        running = self.running()
        if running is None:
            return JSONResponse({"error": "Try again later."}, 503)
        try:
            permit = self.links().read_payroll(request.path_params["token"])
            actor = Actor.system(TenantId(UUID(permit.tenant)))
            wish = ReadExport(PayrollExportId(UUID(permit.export)))
            file = await running.runner.run(Call(actor, read_payroll, wish, request_id=f"payroll:{uuid4().hex}"))
        except (LinkRefused, NotFound):
            return JSONResponse({"error": "There is nothing at this address, or not any more."}, 404)
        return Response(
            file.content,
            media_type="text/csv; charset=utf-8",
            headers={
                "content-disposition": f'attachment; filename="{file.name}"',
                "cache-control": "private, no-store",
                "x-content-type-options": "nosniff",
            },
        )
