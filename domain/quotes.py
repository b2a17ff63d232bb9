"""Promised prices, and requests for one by the office: their states, and how long a promise stands (A31, A33, R182)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from domain.errors import QuoteExpired
from domain.scheduling import ensure_transition


class QuoteStatus(StrEnum):
    """Where a promised price stands (A33, R182)."""

    OPEN = "OPEN"
    """Promised until it expires."""
    ACCEPTED = "ACCEPTED"
    """Booked with: a quote is used once."""
    DECLINED = "DECLINED"
    """The customer does not want it."""
    EXPIRED = "EXPIRED"
    """Its time is over."""
    REPLACED = "REPLACED"
    """A later quote for the same booking or request stands in its place."""


QUOTE_TRANSITIONS: Mapping[QuoteStatus, frozenset[QuoteStatus]] = {
    QuoteStatus.OPEN: frozenset(
        {QuoteStatus.ACCEPTED, QuoteStatus.DECLINED, QuoteStatus.EXPIRED, QuoteStatus.REPLACED}
    ),
    # A payment that is definitely refused gives the quote back with its draft (R49).
    QuoteStatus.ACCEPTED: frozenset({QuoteStatus.OPEN}),
    QuoteStatus.DECLINED: frozenset(),
    QuoteStatus.EXPIRED: frozenset(),
    QuoteStatus.REPLACED: frozenset(),
}


class QuoteRequestStatus(StrEnum):
    """Where a request for a price by the office stands (A31, R182)."""

    REQUESTED = "REQUESTED"
    """The office has to name a price."""
    QUOTED = "QUOTED"
    """It has named one, and the customer has to answer."""
    ACCEPTED = "ACCEPTED"
    """The customer wants it at the named price."""
    DECLINED = "DECLINED"
    """The office has no price for it, or the customer does not want it."""
    EXPIRED = "EXPIRED"
    """The price was not accepted in time."""


QUOTE_REQUEST_TRANSITIONS: Mapping[QuoteRequestStatus, frozenset[QuoteRequestStatus]] = {
    QuoteRequestStatus.REQUESTED: frozenset(
        {QuoteRequestStatus.QUOTED, QuoteRequestStatus.DECLINED, QuoteRequestStatus.EXPIRED}
    ),
    QuoteRequestStatus.QUOTED: frozenset(
        {
            QuoteRequestStatus.QUOTED,  # another price replaces the one before
            QuoteRequestStatus.ACCEPTED,
            QuoteRequestStatus.DECLINED,
            QuoteRequestStatus.EXPIRED,
        }
    ),
    QuoteRequestStatus.ACCEPTED: frozenset(),
    QuoteRequestStatus.DECLINED: frozenset(),
    # The office may name a price anew.
    QuoteRequestStatus.EXPIRED: frozenset({QuoteRequestStatus.QUOTED}),
}


def ensure_quote_transition(before: QuoteStatus, after: QuoteStatus) -> None:
    """Raise `IllegalTransition` unless a quote may move so (R260)."""
    ensure_transition(QUOTE_TRANSITIONS, before, after)


def ensure_quote_request_transition(before: QuoteRequestStatus, after: QuoteRequestStatus) -> None:
    """Raise `IllegalTransition` unless a request may move so (R260)."""
    ensure_transition(QUOTE_REQUEST_TRANSITIONS, before, after)


def ensure_quote_stands(status: QuoteStatus, expires_at: datetime, now: datetime) -> None:
    """Raise `QuoteExpired` unless the quote is open and its time is not over (A33); it ends the instant it expires."""
    if status is not QuoteStatus.OPEN or now >= expires_at:
        raise QuoteExpired(field=("quoteId",), details={"status": status.value, "expiresAt": expires_at.isoformat()})
