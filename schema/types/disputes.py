"""Disputes, as administrators see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.payments.states import DisputeStatus
from schema.types.described import described
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.customers import Customer
    from schema.types.payments import Payment
    from schema.types.scheduling import Job


@described
@strawberry.type
class Dispute(Node):
    """A customer's bank that asks, or has taken money back; for owners and administrators."""

    status: DisputeStatus
    """Where it stands, as the provider says."""
    payment: Annotated["Payment", strawberry.lazy("schema.types.payments")]
    """The payment that it is about."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean, if it is about one."""
    customer: Annotated["Customer", strawberry.lazy("schema.types.customers")]
    """Whose bank it is."""
    provider_id: str
    """The provider's id of it."""
    reason: str
    """Why, by the bank's own word: fraudulent, product_not_received and so on."""
    amount_cents: int
    """How much it is about, in cents."""
    currency: str
    """The currency, as a code in lower case: usd."""
    withdrawn_cents: int
    """What the bank has of it now."""
    fee_cents: int
    """What the provider took for it, won or lost."""
    draft: str | None
    """The proof of the clean in words: what the bank is told unless something else is said."""
    due_by: datetime | None
    """Until when it can be answered."""
    answered_at: datetime | None
    """When it was answered; that can be done once."""
    opened_at: datetime
    """When it was opened."""
    closed_at: datetime | None
    """When it was decided."""
    version: int
    """Counts changes."""
