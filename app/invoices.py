"""The paper of an invoice, at a short-lived address that only who sees the invoice is given (R180, R206)."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.documents import HEADERS
from app.running import Running
from db.runner import Call
from domain.actors import Actor, TenantId
from domain.errors import NotFound
from domain.ids import InvoiceId
from gateways.links import LinkRefused, Links
from services.payments.invoice_paper import ReadInvoice, read_invoice


@dataclass(frozen=True, slots=True)
class InvoiceFiles:
    """The route of invoices. What it needs is asked anew for each request: it is there once the server runs."""

    links: Callable[[], Links]
    running: Callable[[], Running | None]

    def route(self) -> Route:
        """Where they are."""
        return Route("/invoices/{token}", self.give)

    async def give(self, request: Request) -> Response:
        """The paper that a signed address leads to; 404 for every other address."""
        running = self.running()
        if running is None:
            return JSONResponse({"error": "Try again later."}, 503)
        try:
            permit = self.links().read_invoice(request.path_params["token"])
            actor = Actor.system(TenantId(UUID(permit.tenant)))
            wish = ReadInvoice(InvoiceId(UUID(permit.invoice)))
            pdf = await running.runner.run(Call(actor, read_invoice, wish, request_id=f"invoice:{uuid4().hex}"))
        except (LinkRefused, NotFound):
            return JSONResponse({"error": "There is nothing at this address, or not any more."}, 404)
        named = {"content-disposition": 'inline; filename="invoice.pdf"'}
        return Response(pdf, 200, {**HEADERS, **named}, "application/pdf")
