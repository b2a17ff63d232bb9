"""The row of a request for the office's price: moved as its table allows, and told (R260, A31)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.tx import Tx
from domain.events import Event, EventType
from domain.quotes import QuoteRequestStatus, ensure_quote_request_transition
from models import quote_request

STANDING = frozenset({QuoteRequestStatus.REQUESTED, QuoteRequestStatus.QUOTED})
"""Not answered to the end."""


async def standing_request(tx: Tx, which: Any) -> Row[Any] | None:
    """The request for which this holds that is not answered to the end, locked."""
    of_these = tx.own(quote_request), which, quote_request.c.status.in_(sorted(STANDING))
    async with tx.as_system():
        return await tx.one(select(quote_request).where(*of_these).with_for_update())


async def hold_request(tx: Tx, id: UUID) -> Row[Any]:
    """The request, locked, whoever asks: for who has seen its quote."""
    async with tx.as_system():
        return await tx.get(quote_request, id, lock=True)


async def move_request(
    tx: Tx, row: Row[Any], status: QuoteRequestStatus, *, reason: str | None = None, **values: Any
) -> None:
    """Move a locked request as its table allows (R260), and tell of it."""
    ensure_quote_request_transition(QuoteRequestStatus(row.status), status)
    async with tx.as_system():
        await tx.change(quote_request, row.id, status=status.value, **values)
        tell_request(tx, await tx.get(quote_request, row.id), reason)


def tell_request(tx: Tx, row: Row[Any], reason: str | None = None) -> None:
    """Event and audit line of a request as it is now."""
    tx.audit("QuoteRequest", row.id, reason=reason or None, detail={"status": row.status})
    card = {
        "id": str(row.id),
        "status": row.status,
        "customer_id": None if row.customer_id is None else str(row.customer_id),
        "booking_draft_id": None if row.draft_id is None else str(row.draft_id),
        "quote_id": None if row.quote_id is None else str(row.quote_id),
        "version": row.version,
    }
    people = () if row.customer_id is None else (row.customer_id,)
    tx.emit(Event(EventType.QUOTE_CHANGED, "QuoteRequest", row.id, card, people))
