"""What a booking page has to know before anybody books: where, in which currency, which words, and which card."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.consent import CONSENT_VERSION, card_consent_text, consent_text
from domain.payments.states import ProviderMode
from models import market, provider_account, tenant
from services.booking.price_books import book_in_force


@dataclass(frozen=True, slots=True)
class ReadBookingForm:
    """The booking page of the actor's business."""


@dataclass(frozen=True, slots=True)
class FormFacts:
    """What is told to everybody."""

    business: str
    currency: str
    markets: Sequence[Row[Any]]
    consent_version: str
    consent_text: str
    card_consent_text: str
    can_pay: bool
    is_test: bool
    publishable_key: str | None


@command(Role.ANONYMOUS, Role.CUSTOMER, *OFFICE, secret=True, when_unpaid=True)
async def read_booking_form(tx: Tx, input: ReadBookingForm) -> FormFacts:
    """What is told to everybody who opens the business's booking page (R33 to R38)."""
    currency = (await book_in_force(tx)).book.currency
    async with tx.as_system(wholly=True):
        business: str = await tx.scalar(select(tenant.c.name).where(tx.own(tenant)))
        markets = await tx.all(
            select(market.c.id, market.c.name, market.c.zone)
            .where(tx.own(market), market.c.archived_at.is_(None))
            .order_by(market.c.name)
        )
        account = await tx.one(
            select(provider_account.c.mode, provider_account.c.publishable_key).where(tx.own(provider_account))
        )
    return FormFacts(
        business=business,
        currency=currency,
        markets=markets,
        consent_version=CONSENT_VERSION,
        consent_text=consent_text(business),
        card_consent_text=card_consent_text(business),
        can_pay=account is not None,
        is_test=account is not None and account.mode == ProviderMode.TEST,
        publishable_key=None if account is None else account.publishable_key,
    )
