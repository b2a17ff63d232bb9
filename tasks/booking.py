"""Bookings and quotes whose time is over (A33, R41)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import BookingDraftId, QuoteId
from services.booking.drafts import ExpireBooking, expire_booking
from services.booking.requests import ExpireQuote, expire_quote
from tasks.context import TaskContext


async def end_booking(context: TaskContext, _tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """End a booking that nobody went on with."""
    await context.run(expire_booking, ExpireBooking(BookingDraftId(UUID(payload["draft"]))))


async def end_quote(context: TaskContext, _tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """End a quote that nobody booked with."""
    await context.run(expire_quote, ExpireQuote(QuoteId(UUID(payload["quote"]))))
