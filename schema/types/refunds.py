"""What goes back to customers, as clients see it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.payments.states import Bearer, RefundStatus
from schema.types.described import described
from schema.types.identity import Staff
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.customers import Customer
    from schema.types.payments import Payment
    from schema.types.scheduling import Job


@described
@strawberry.type
class Refund(Node):
    """Money that goes back to a customer; for owners, administrators and the customer."""

    status: RefundStatus
    """Where it stands."""
    payment: Annotated["Payment", strawberry.lazy("schema.types.payments")]
    """The payment that it is of."""
    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")] | None
    """The clean, if it is about one."""
    customer: Annotated["Customer", strawberry.lazy("schema.types.customers")]
    """Whose money it is."""
    amount_cents: int
    """How much, in cents."""
    currency: str
    """The currency, as a code in lower case: usd."""
    reason: str | None
    """Why; for owners and administrators."""
    bearer: Bearer | None
    """Who was to bear it; for owners and administrators."""
    from_reserve_cents: int | None
    """What the reserve bears; for owners and administrators."""
    from_business_cents: int | None
    """What the business itself bears, or no cleaner was to get of a tip; for owners and administrators."""
    from_cleaners_cents: int | None
    """What is taken back of the cleaners' pay; for owners and administrators."""
    requested_by: Staff | None
    """Who asked for it; null where it was made at the provider. For the office."""
    approved_by: Staff | None
    """Who else agreed; null where nobody had to. For the office."""
    provider_id: str | None
    """The provider's id of it; for owners and administrators."""
    failure_code: str | None
    """Why it failed; for owners and administrators."""
    created_at: datetime
    """When it was asked for."""
    finished_at: datetime | None
    """When it was decided."""
    version: int
    """Counts changes."""
