"""The tokens that people carry: how they are written, and that each names the tenant under which it is looked up.

None is stored as it is, only as a keyed hash.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from db.secrets import Secrets
from domain.actors import SessionId, TenantId
from domain.ids import BookingDraftId

LONGEST_TOKEN = 512
QR, REFRESH, LINK, WEBHOOK, BOOKING = "qr1", "rt1", "ml1", "wh1", "bk1"
MOST_DIGITS = 11
"""Of the seconds at which a booking token ends."""


@dataclass(frozen=True, slots=True)
class RefreshClaim:
    """What a genuine refresh token says: which generation of which session it is."""

    session_id: SessionId
    generation: int


@dataclass(frozen=True, slots=True)
class BookingClaim:
    """What a genuine booking token says: whose booking it is, and until when it is good (R41)."""

    tenant: TenantId
    draft: BookingDraftId
    expires_at: datetime


def tenant_of(token: str, kind: str) -> TenantId | None:
    """The tenant that a token of this kind names, or None if it is no such token. Proves nothing."""
    parts = token.split(".", 2) if len(token) <= LONGEST_TOKEN else []
    tenant = _unpacked(parts[1]) if len(parts) == 3 and parts[0] == kind else None
    return TenantId(tenant) if tenant else None


def new_qr_token(tenant: TenantId) -> str:
    """A fresh QR token of 256 random bits (R10, A8)."""
    return f"{QR}.{_packed(tenant)}.{Secrets.fresh_token()}"


def new_webhook_path(tenant: TenantId) -> str:
    """The unguessable end of the address at which the provider tells this business of its payments (R183)."""
    return f"{WEBHOOK}.{_packed(tenant)}.{Secrets.fresh_token()}"


def qr_login(secrets: Secrets, token: str) -> str:
    """What is stored of a QR token: found by it, and useless to who reads it."""
    return secrets.mac("qr-token", token).hex()


def refresh_token(secrets: Secrets, tenant: TenantId, claim: RefreshClaim) -> str:
    """The token of this generation: derived, so that an honest repeat can be given the same successor (A6)."""
    named = f"{REFRESH}.{_packed(tenant)}.{_packed(claim.session_id)}.{claim.generation}"
    return f"{named}.{_text(secrets.mac('refresh-token', named))}"


def refresh_claim(secrets: Secrets, tenant: TenantId, token: str) -> RefreshClaim | None:
    """What the token claims, if this installation made it for this tenant; None for anything else."""
    parts = token.split(".")
    session = _unpacked(parts[2]) if len(parts) == 5 else None
    if session is None or not (parts[3].isascii() and parts[3].isdigit() and len(parts[3]) <= 9):
        return None
    claim = RefreshClaim(SessionId(session), int(parts[3]))
    genuine = refresh_token(secrets, tenant, claim)
    return claim if hmac.compare_digest(genuine.encode(), token.encode()) else None


def link_token(secrets: Secrets, tenant: TenantId, link_id: UUID) -> str:
    """The token inside a mailed link: derived, so that who sends the mail can make it and nobody has to store it."""
    named = f"{LINK}.{_packed(tenant)}.{_packed(link_id)}"
    return f"{named}.{_text(secrets.mac('mailed-link', named))}"


def booking_token(secrets: Secrets, claim: BookingClaim) -> str:
    """What a visitor holds of their booking, good until its end to the second: derived, so nobody has to store it."""
    named = f"{BOOKING}.{_packed(claim.tenant)}.{_packed(claim.draft)}.{int(claim.expires_at.timestamp())}"
    return f"{named}.{_text(secrets.mac('booking-token', named))}"


def booking_claim(secrets: Secrets, token: str) -> BookingClaim | None:
    """What the token says, if this installation made it; None for anything else. Whether it is over is not asked."""
    parts = token.split(".")
    if len(parts) != 5 or parts[0] != BOOKING or len(token) > LONGEST_TOKEN:
        return None
    tenant, draft, end = _unpacked(parts[1]), _unpacked(parts[2]), parts[3]
    if tenant is None or draft is None or not (end.isascii() and end.isdigit() and len(end) <= MOST_DIGITS):
        return None
    claim = BookingClaim(TenantId(tenant), BookingDraftId(draft), datetime.fromtimestamp(int(end), UTC))
    return claim if hmac.compare_digest(booking_token(secrets, claim).encode(), token.encode()) else None


def stored(secrets: Secrets, token: str) -> bytes:
    """What is kept of a refresh token or a mailed link."""
    return secrets.mac("stored-token", token)


def _packed(id: UUID) -> str:
    return _text(id.bytes)


def _unpacked(text: str) -> UUID | None:
    try:
        found = UUID(bytes=base64.b64decode(text + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None
    # One id, one spelling: the last character of 22 has bits to spare.
    return found if _packed(found) == text else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
