"""Invoices: where their fields come from, and their mutations."""

from uuid import UUID

from domain.payments.states import InvoiceStatus
from gateways.links import InvoicePermit
from models import invoice
from resolvers.engine.sources import computed, sql
from resolvers.expose import expose
from resolvers.lent import Lent
from resolvers.registry import registry
from schema.types.invoices import Invoice
from schema.types.relay import encode_id
from services.payments import invoices


def pdf_url(tenant_id: UUID, id: UUID, lent: Lent) -> str:
    """The address of the paper, which only who sees the row is given."""
    return lent.links.invoice(InvoicePermit(str(tenant_id), str(id)))


def pay_url(id: UUID, status: str) -> str | None:
    """The customer's page, opened at this invoice."""
    return f"/billing#invoice={encode_id('Invoice', id)}" if status == InvoiceStatus.OPEN else None


registry.sources(
    Invoice,
    invoice,
    lines=sql(lambda row: f"{row.lines}::json"),
    pdf_url=computed(pdf_url),
    pay_url=computed(pay_url),
)

MUTATIONS = {
    "create_invoice": expose(invoices.create_invoice, Invoice),
    "issue_invoice": expose(invoices.issue_invoice, Invoice),
    "void_invoice": expose(invoices.void_invoice, Invoice),
    "pay_invoice": expose(invoices.pay_invoice, Invoice),
}
