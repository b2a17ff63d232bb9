"""An invoice on paper: a PDF whose bytes depend on the invoice alone (R180)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import InvoiceId
from domain.money import written
from domain.payments.states import InvoiceStatus
from models import customer, invoice, tenant
from services.paper import Paper, printed


@dataclass(frozen=True, slots=True)
class ReadInvoice:
    """An invoice whose paper is fetched."""

    invoice: InvoiceId


@command(Role.SYSTEM)
async def read_invoice(tx: Tx, input: ReadInvoice) -> bytes:
    """The PDF of an invoice, as it stands now. Raises `NotFound`."""
    row = await tx.get(invoice, input.invoice)
    who = await tx.get(customer, row.customer_id)
    business = await tx.scalar(select(tenant.c.name).where(tx.own(tenant)))
    return printed(_paper(row, who, business))


def _paper(row: Row[Any], who: Row[Any], business: str) -> Paper:
    money = row.currency.upper()
    lines = [
        (one["label"], f"{one['quantity']} x {written(one['unit_cents'])} = {written(one['total_cents'])} {money}")
        for one in row.lines
    ]
    title = "Receipt" if row.status == InvoiceStatus.PAID else "Invoice"
    facts = [*lines, ("Total", f"{written(row.total_cents)} {money}"), ("Paid", f"{written(row.paid_cents)} {money}")]
    if row.due_on is not None and row.status == InvoiceStatus.OPEN:
        facts.append(("Due on", row.due_on.isoformat()))
    at = row.issued_at or row.created_at
    void = ["This invoice is void."] if row.status == InvoiceStatus.VOID else []
    paragraphs = [business, f"For {who.name}", f"Issued on {at:%Y-%m-%d}", *void]
    return Paper(f"{title} {row.number}", paragraphs, facts, at)
