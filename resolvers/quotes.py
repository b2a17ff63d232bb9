"""Promised prices and requests for one: where their fields come from, and their mutations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.quotes import QuoteStatus
from models import booking_draft, quote, quote_request
from resolvers.engine.sources import computed, one
from resolvers.expose import expose
from resolvers.places import seldom
from resolvers.prices import shown_price
from resolvers.registry import registry
from schema.inputs import camel
from schema.types.drafts import BookingDraft
from schema.types.quotes import Contact, Quote, QuotedHome, QuoteRequest
from schema.types.scheduling import Job
from services.booking import cleans, quotes, requests


def home_of(home: Mapping[str, Any]) -> QuotedHome:
    """The facts of a home, as they are kept."""
    return QuotedHome(**{name: home[camel(name)] for name in QuotedHome.__annotations__})


def contact_of(contact: Mapping[str, Any]) -> Contact:
    """Who asks, as it is kept."""
    return Contact(**contact)


def is_good(status: str, expires_at: datetime, now: datetime) -> bool:
    """Whether a quote can be booked with (A33)."""
    return status == QuoteStatus.OPEN and now < expires_at


registry.sources(
    Quote,
    quote,
    home=computed(home_of),
    price=computed(shown_price),
    is_good=computed(is_good),
    booking_draft=one(booking_draft, on="draft_id"),
)
registry.sources(
    QuoteRequest,
    quote_request,
    home=computed(home_of),
    contact=computed(contact_of),
    booking_draft=one(booking_draft, on="draft_id"),
)

MUTATIONS = {
    "plan_first_clean": expose(cleans.plan_first_clean, Job),
    "quote_price": expose(quotes.quote_price, Quote, before=seldom),
    "request_quote": expose(requests.request_quote, QuoteRequest),
    "name_quote": expose(requests.name_quote, Quote),
    "accept_quote": expose(requests.accept_quote, BookingDraft),
    "decline_quote": expose(requests.decline_quote, Quote),
    "decline_quote_request": expose(requests.decline_quote_request, QuoteRequest),
}
