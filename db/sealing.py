"""Envelope encryption: what is secret of a person is sealed under a key of theirs alone, and that under ours (R4, R28).

Each subject has a data key of their own. It is kept wrapped: sealed itself under the installation's key-encryption key,
which is in no database. Whoever steals the tables, or a dump of them, can open nothing; and once a subject's wrapped
key is gone, whatever was sealed under it is noise, wherever it is kept.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = b"\x01"
"""AES-256-GCM: this byte, 12 bytes of nonce, then the ciphertext with its tag of 16 bytes."""
NONCE = 12
KEY = 32


class SealBroken(Exception):
    """Not sealed under this key for this place, or changed since. Nobody's mistake but ours, or an attack."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value stands: moved to another row, column, table or tenant, it does not open."""

    tenant: UUID
    table: str
    column: str
    row: UUID

    def bound(self) -> bytes:
        """The place as the cipher's additional data."""
        return f"{self.tenant}|{self.table}|{self.column}|{self.row}".encode()


def fresh_key() -> bytes:
    """A new data key of 256 bits."""
    return secrets.token_bytes(KEY)


def seal(key: bytes, place: Place, plain: bytes) -> bytes:
    """Seal a value for its place; the same value twice looks different."""
    nonce = secrets.token_bytes(NONCE)
    return FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, FORMAT + place.bound())


def open_sealed(key: bytes, place: Place, sealed: bytes) -> bytes:
    """The value that was sealed for this place. Raises `SealBroken` for any other, and for one that was changed."""
    form, nonce, rest = sealed[:1], sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
    if form != FORMAT:
        raise SealBroken
    try:
        return AESGCM(key).decrypt(nonce, rest, FORMAT + place.bound())
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error
