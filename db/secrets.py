"""Keyed hashes: what is derived from the installation's secret, each use under its own label."""

import base64
import hashlib
import hmac
import secrets as random
from dataclasses import dataclass, field


def url_safe(raw: bytes) -> str:
    """Bytes as base64url without padding: what tokens and keys look like in addresses."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Secrets:
    """The installation's secret keys. Every use of `key` has a label, so that no value of one use passes for another's.

    Neither is in the object's own text, so that no log and no trace has them.
    """

    key: bytes = field(repr=False)
    sealing: bytes = field(repr=False)
    """The key-encryption key, 32 bytes: under it lie the keys that seal people's secrets (`db.sealing`)."""

    def mac(self, label: str, *parts: bytes | str) -> bytes:
        """A keyed hash of the parts; parts are length-prefixed, so they cannot run into each other."""
        digest = hmac.new(self.key, label.encode(), hashlib.sha256)
        for part in parts:
            raw = part.encode() if isinstance(part, str) else part
            digest.update(len(raw).to_bytes(8, "big") + raw)
        return digest.digest()

    @staticmethod
    def fresh_token() -> str:
        """A new random secret of 256 bits, safe in URLs."""
        return random.token_urlsafe(32)
