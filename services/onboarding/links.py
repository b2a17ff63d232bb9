"""Addresses of signed documents: short-lived, and opened under the stamp of the tenant that they name (R7, R234).

Who may read the row gets the address from the API; who has the address can fetch the file until its time is over. That
time is the tenant's business time, in which it is written by the read and judged by the command that opens the file.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db.secrets import Secrets
from domain.actors import TenantId
from domain.errors import NotFound

LIFE = timedelta(minutes=10)
LONGEST_TOKEN = 200
_MAC_BYTES = 16
_RAW_BYTES = 16 + 16 + 8


@dataclass(frozen=True, slots=True)
class Place:
    """What a signed address leads to, and until when (business time)."""

    tenant: TenantId
    id: UUID
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentLinks:
    """Writes and reads the addresses of this installation's signed documents."""

    secrets: Secrets

    def path(self, tenant: UUID, id: UUID, now: datetime) -> str:
        """A path of ours, good for ten minutes from business time `now`."""
        raw = tenant.bytes + id.bytes + int((now + LIFE).timestamp()).to_bytes(8, "big")
        return f"/documents/{base64.urlsafe_b64encode(raw + self._mac(raw)).rstrip(b'=').decode()}"

    def read(self, token: str) -> Place:
        """What the token of a path leads to. Raises `NotFound` for everything that was not written here."""
        if len(token) > LONGEST_TOKEN:
            raise NotFound
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise NotFound from None
        body, mac = raw[:_RAW_BYTES], raw[_RAW_BYTES:]
        if len(body) != _RAW_BYTES or not hmac.compare_digest(mac, self._mac(body)):
            raise NotFound
        ends_at = datetime.fromtimestamp(int.from_bytes(body[32:], "big"), UTC)
        return Place(TenantId(UUID(bytes=body[:16])), UUID(bytes=body[16:32]), ends_at)

    def _mac(self, raw: bytes) -> bytes:
        return self.secrets.mac("signed-document", raw)[:_MAC_BYTES]
