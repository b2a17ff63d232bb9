"""Invoices, as clients see them."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.payments.states import InvoiceStatus
from schema.types.described import described
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.customers import Customer
    from schema.types.scheduling import Job


@described
@strawberry.type
class InvoicedLine:
    """One line of an invoice."""

    label: str
    """What it is."""
    quantity: int
    """How many."""
    unit_cents: int
    """What one costs, in cents."""
    total_cents: int
    """What all of them cost."""


@described
@strawberry.type
class Invoice(Node):
    """What a customer is asked for, or has paid; for owners, administrators and the customer."""

    number: int
    """1, 2, 3 and so on of the business, without a gap."""
    status: InvoiceStatus
    """Where it stands."""
    customer: Annotated["Customer", strawberry.lazy("schema.types.customers")]
    """Who it is for."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean that it is about, if any."""
    currency: str
    """The currency, as a code in lower case: usd."""
    lines: list[InvoicedLine]
    """What it is for."""
    total_cents: int
    """What all lines cost."""
    paid_cents: int
    """What was paid of it."""
    due_on: date | None
    """Until when it is to be paid."""
    issued_at: datetime | None
    """When the customer got it; null for a draft."""
    paid_at: datetime | None
    """When it was paid."""
    created_at: datetime
    """When it was drawn up."""
    pdf_url: str
    """Where the paper can be fetched for ten minutes, without a token: a path of this server."""
    pay_url: str | None
    """The page on which its customer signs in and pays it: a path of this server; null where nothing is to be paid."""
    version: int
    """Counts changes."""
