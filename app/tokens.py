"""Access tokens: signed by the installation's EdDSA key, good for ten minutes, and good for nothing else (R9).

A token says who acts, under which session. Whether that session still stands, the stamp of every transaction asks.
"""

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from db.secrets import url_safe
from domain.actors import SIGNED_IN, Actor, Role, TenantId
from domain.errors import Unauthenticated

ISSUER = "cleanshift"
AUDIENCE = "cleanshift-api"
TYPE = "at+jwt"
LIFETIME = timedelta(minutes=10)
LONGEST_TOKEN = 2048
MOST_HEADERS = 16
_SKEW = timedelta(seconds=30)
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "tenant", "role", "sid"]

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The process's clock: tokens live by it, not by a tenant's movable business time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key whose signatures are accepted, named by `kid`."""

    kid: str
    key: Ed25519PublicKey

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From 32 bytes in base64url. Raises ValueError."""
        return cls.of(Ed25519PublicKey.from_public_bytes(_bytes(text)))

    @classmethod
    def of(cls, key: Ed25519PublicKey) -> Self:
        """Name a key by its fingerprint."""
        return cls(url_safe(hashlib.sha256(key.public_bytes_raw()).digest()[:12]), key)

    def text(self) -> str:
        """As `from_text` reads it: what a rotation puts into the settings of every node."""
        return url_safe(self.key.public_bytes_raw())


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """The private key that this installation signs with."""

    private: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, seed: str) -> Self:
        """From 32 random bytes in base64url. Raises ValueError."""
        return cls(Ed25519PrivateKey.from_private_bytes(_bytes(seed)))

    @property
    def public(self) -> PublicKey:
        """What verifies this key's signatures."""
        return PublicKey.of(self.private.public_key())


class TokenSigner:
    """Signs access tokens with one key."""

    def __init__(self, key: SigningKey, *, lifetime: timedelta = LIFETIME, now: Clock = utc_now) -> None:
        self._key = key
        self._kid = key.public.kid
        self._now = now
        self.lifetime = lifetime

    def sign(self, actor: Actor) -> str:
        """A token for this actor, good for `lifetime` from now."""
        now = self._now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(actor.person),
            "tenant": str(actor.tenant),
            "role": str(actor.role),
            "sid": str(actor.session),
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
        }
        headers = {"kid": self._kid, "typ": TYPE}
        return jwt.encode(claims, self._key.private, algorithm="EdDSA", headers=headers)


@dataclass(frozen=True, slots=True)
class Verified:
    """Who a token speaks for, and until when."""

    actor: Actor
    expires_at: datetime


class TokenVerifier:
    """Verifies access tokens of the accepted keys; what was verified is remembered until it expires, boundedly."""

    def __init__(self, accepted: Iterable[PublicKey], *, capacity: int = 10_000) -> None:
        self._keys = {key.kid: key.key for key in accepted}
        self._capacity = capacity
        self._verified: OrderedDict[str, Verified] = OrderedDict()
        self._headers: OrderedDict[str, Ed25519PublicKey] = OrderedDict()
        """Headers of good tokens as they stood there: the next of the same key has the same one."""

    def verify(self, token: str, now: datetime) -> Verified:
        """Who the token speaks for. Raises `Unauthenticated` for everything that is not exactly right."""
        known = self._verified.get(token) or self._remember(token, self._decoded(token, now))
        if known.expires_at <= now:
            self._verified.pop(token, None)
            raise Unauthenticated
        return known

    def _remember(self, token: str, verified: Verified) -> Verified:
        self._verified[token] = verified
        # All live equally long, so the oldest is the first to expire.
        while len(self._verified) > self._capacity:
            self._verified.popitem(last=False)
        return verified

    def _decoded(self, token: str, now: datetime) -> Verified:
        if len(token) > LONGEST_TOKEN:
            raise Unauthenticated
        try:
            claims = self._claims(token)
            actor = Actor(
                TenantId(UUID(claims["tenant"])), Role(claims["role"]), UUID(claims["sub"]), UUID(claims["sid"])
            )
            issued, expires = (datetime.fromtimestamp(int(claims[name]), UTC) for name in ("iat", "exp"))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise Unauthenticated from None
        if actor.role not in SIGNED_IN or issued > now + _SKEW or expires <= now:
            raise Unauthenticated
        return Verified(actor, expires)

    def _claims(self, token: str) -> dict[str, Any]:
        header = token.partition(".")[0]
        key = self._headers.get(header) or self._key_of(token)
        # Times are compared with the caller's clock, not with the library's own.
        options: Any = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER, options=options
        )
        # Signed by us: nobody else can fill this with headers.
        self._headers[header] = key
        while len(self._headers) > MOST_HEADERS:
            self._headers.popitem(last=False)
        return claims

    def _key_of(self, token: str) -> Ed25519PublicKey:
        header = jwt.get_unverified_header(token)
        key = self._keys.get(str(header.get("kid")))
        if key is None or header.get("typ") != TYPE:
            raise jwt.InvalidTokenError
        return key


def _bytes(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ValueError("A key is 32 bytes in base64url.") from error
    if len(raw) != 32:
        raise ValueError("A key is 32 bytes in base64url.")
    return raw
