"""The signed link in a message to a customer: opens one payment, for a while, and nothing else (A36)."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from db.command import command
from db.secrets import Secrets, url_safe
from db.tx import Tx
from domain.actors import Role, TenantId
from domain.errors import LinkInvalid, PaymentState
from domain.ids import PaymentId
from models import payment
from services.inputs import arg
from services.payments.cards import page
from services.payments.declines import confirm_present

LABEL = "payment-link"


@dataclass(frozen=True, slots=True, repr=False)
class OpenPayment:
    """A payment that its customer opens by the link in a message."""

    token: str = arg("What stands behind the # of the link.")
    return_url: str = arg("The page to come back to from the bank's.")


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What a link says: whose business, which payment, until when."""

    tenant: TenantId
    payment: PaymentId
    until: datetime


@dataclass(frozen=True, slots=True)
class PaymentShown:
    """What the bearer of a link is shown: nothing of the customer or their home."""

    status: str
    amount_cents: int
    currency: str
    action_url: str | None
    action_until: datetime | None


def link_token(secrets: Secrets, claim: LinkClaim) -> str:
    """The token of a link; whoever has it may confirm the payment, and do nothing else."""
    until = int(claim.until.timestamp())
    return f"{claim.tenant.hex}.{claim.payment.hex}.{until}.{url_safe(_mac(secrets, claim))}"


def read_token(secrets: Secrets, token: str, now: datetime) -> LinkClaim:
    """What a token says. Raises `LinkInvalid` for one that is forged, foreign, garbled or too old."""
    parts = token.split(".")
    try:
        tenant, opened, until, mac = parts
        claim = LinkClaim(
            TenantId(UUID(hex=tenant)), PaymentId(UUID(hex=opened)), datetime.fromtimestamp(int(until), UTC)
        )
    except (ValueError, OverflowError, OSError):
        raise LinkInvalid(field=("token",)) from None
    if not hmac.compare_digest(mac.encode(), url_safe(_mac(secrets, claim)).encode()) or claim.until <= now:
        raise LinkInvalid(field=("token",))
    return claim


@command(Role.ANONYMOUS, secret=True, when_unpaid=True)
async def open_payment(tx: Tx, input: OpenPayment) -> PaymentShown:
    """Go to the bank's page for a payment that awaits its customer, by the link in a message (A36).

    `actionUrl` is null until the bank's page is known; ask again a moment later. What is settled meanwhile is shown
    as it is.
    """
    claim = read_token(tx.secrets, input.token, tx.now)
    if claim.tenant != tx.actor.tenant:
        raise LinkInvalid(field=("token",))
    back = page(input.return_url, "returnUrl")
    async with tx.as_system(wholly=True):
        try:
            row = await confirm_present(tx, claim.payment, back)
        except PaymentState:
            row = await tx.get(payment, claim.payment, "token")
    return PaymentShown(row.status, row.amount_cents, row.currency, row.action_url, row.action_until)


def _mac(secrets: Secrets, claim: LinkClaim) -> bytes:
    until = str(int(claim.until.timestamp()))
    return secrets.mac(LABEL, claim.tenant.bytes, claim.payment.bytes, until)
