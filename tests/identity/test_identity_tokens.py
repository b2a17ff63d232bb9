"""Access tokens and slow hashes: what is accepted, and what never is."""

import asyncio
import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from app.passwords import Passwords, SourceLimiter
from app.tokens import AUDIENCE, ISSUER, TYPE, PublicKey, SigningKey, TokenSigner, TokenVerifier
from db.secrets import Secrets
from domain.actors import Actor, Role, TenantId
from domain.errors import RateLimited, Unauthenticated
from tests.identity.house import an_id

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = SigningKey.from_seed(base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("="))
OTHER = SigningKey.from_seed(base64.urlsafe_b64encode(bytes(32)).decode())
ACTOR = Actor(TenantId(an_id()), Role.ADMIN, an_id(), an_id())


def claims(**changed: Any) -> dict[str, Any]:
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(ACTOR.person),
        "tenant": str(ACTOR.tenant),
        "role": "admin",
        "sid": str(ACTOR.session),
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=10)).timestamp()),
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(body: dict[str, Any], *, key: SigningKey = KEY, **header: Any) -> str:
    given = {"kid": KEY.public.kid, "typ": TYPE, **header}
    headers = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(body, key.private, algorithm="EdDSA", headers=headers)


def unsigned(header: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims())]
    return ".".join([*parts, ""])


def test_a_token_speaks_for_its_actor_for_ten_minutes() -> None:
    """R9: user, role and tenant; the clock is the caller's."""
    verifier = TokenVerifier([KEY.public])
    token = TokenSigner(KEY, now=lambda: NOW).sign(ACTOR)

    verified = verifier.verify(token, NOW + timedelta(minutes=9, seconds=59))

    assert verified.actor == ACTOR
    assert verified.expires_at == NOW + timedelta(minutes=10)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            verifier.verify(token, NOW + timedelta(minutes=10))
    with pytest.raises(Unauthenticated):
        TokenVerifier([KEY.public]).verify(token, NOW + timedelta(minutes=10))


BAD = {
    "another key": signed(claims(), key=OTHER),
    "an unknown kid": signed(claims(), kid="nobody"),
    "no kid": signed(claims(), kid=None),
    "another type": signed(claims(), typ="JWT"),
    "another issuer": signed(claims(iss="else")),
    "another audience": signed(claims(aud="else")),
    "no audience": signed(claims(aud=None)),
    "no expiry": signed(claims(exp=None)),
    "no session": signed(claims(sid=None)),
    "expired": signed(claims(exp=int(NOW.timestamp()))),
    "from the future": signed(claims(iat=int(NOW.timestamp()) + 300)),
    "an endless expiry": signed(claims(exp=10**30)),
    "a role that cannot sign in": signed(claims(role="system")),
    "an unknown role": signed(claims(role="emperor")),
    "a tenant that is no id": signed(claims(tenant="x")),
    "a tenant that is a number": signed(claims(tenant=1)),
    "no algorithm": unsigned({"alg": "none", "typ": TYPE, "kid": KEY.public.kid}),
    "a symmetric signature with the public key": jwt.encode(
        claims(), KEY.public.text() * 2, algorithm="HS256", headers={"kid": KEY.public.kid, "typ": TYPE}
    ),
    "another curve": jwt.encode(
        claims(), generate_private_key(SECP256R1()), algorithm="ES256", headers={"kid": KEY.public.kid, "typ": TYPE}
    ),
    "garbage": "garbage",
    "empty": "",
    "dots": "..",
    "huge": "x" * 100_000,
}


@pytest.mark.parametrize("kind", BAD)
def test_nothing_but_a_token_of_ours_is_accepted(kind: str) -> None:
    """Only EdDSA, only accepted keys, every claim required."""
    with pytest.raises(Unauthenticated):
        TokenVerifier([KEY.public]).verify(BAD[kind], NOW)


def test_keys_rotate_by_a_list_of_public_ones() -> None:
    """Both nodes accept both keys while one after the other starts to sign with the new one."""
    verifier = TokenVerifier([KEY.public, PublicKey.from_text(OTHER.public.text())])
    for key in (KEY, OTHER):
        assert verifier.verify(TokenSigner(key, now=lambda: NOW).sign(ACTOR), NOW).actor == ACTOR


def test_a_key_of_another_form_is_refused() -> None:
    for text in ("", "short", "ä" * 43, "A" * 44):
        with pytest.raises(ValueError, match="32 bytes"):
            SigningKey.from_seed(text)


def test_what_was_verified_is_remembered_boundedly() -> None:
    verifier = TokenVerifier([KEY.public], capacity=10)
    signer = TokenSigner(KEY, now=lambda: NOW)
    for _ in range(50):
        verifier.verify(signer.sign(Actor(ACTOR.tenant, Role.ADMIN, an_id(), an_id())), NOW)
    assert len(verifier._verified) == 10


class Gate(PasswordHasher):
    """A hasher that waits to be let through, and counts who is inside."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.open, self.two_inside, self.most, self.inside = threading.Event(), threading.Event(), 0, 0
        self.lock = threading.Lock()
        self.open.set()

    def hash(self, password: Any, **more: Any) -> str:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside == 2:
                self.two_inside.set()
        self.open.wait(30)
        try:
            return super().hash(password, **more)
        finally:
            with self.lock:
                self.inside -= 1


async def test_hashes_run_in_two_threads_behind_a_bounded_queue() -> None:
    """The event loop goes on, two hash, the others wait, and who comes too late is told to come again."""
    gate = Gate()
    passwords = Passwords(Secrets(b"k" * 32, b"s" * 32), hasher=gate, queue=5)
    gate.open.clear()
    waiting = [asyncio.ensure_future(passwords.hash(f"secret {turn}")) for turn in range(5)]
    assert await asyncio.to_thread(gate.two_inside.wait, 30)

    with pytest.raises(RateLimited) as caught:
        await passwords.hash("one too many")
    gate.open.set()
    await asyncio.gather(*waiting)

    assert caught.value.retry_after_ms
    assert gate.most == 2
    await passwords.hash("there is room again")
    passwords.close()


async def test_a_hash_is_of_this_installation_and_a_missing_one_matches_nothing() -> None:
    """A7: Argon2id over a keyed secret; the dummy is no back door."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    ours = Passwords(Secrets(b"k" * 32, b"s" * 32), hasher=cheap)
    others = Passwords(Secrets(b"o" * 32, b"s" * 32), hasher=cheap)
    stored = await ours.hash("a ﬁne secret")

    assert stored.startswith("$argon2id$")
    assert await ours.verify(stored, "a fine secret")
    assert not await ours.verify(stored, "a wrong secret")
    assert not await others.verify(stored, "a fine secret")
    assert not await ours.verify(None, "")
    assert not await ours.verify("no hash at all", "a fine secret")
    ours.close()
    others.close()


def test_a_source_has_a_burst_and_then_a_rate() -> None:
    """A7: by IPv4 address and by IPv6 network, with the time to wait."""
    clock = [0.0]
    limiter = SourceLimiter(burst=3, per_minute=60, capacity=2, now=lambda: clock[0])
    for _ in range(3):
        limiter.ensure("2001:db8::1")
    with pytest.raises(RateLimited) as caught:
        limiter.ensure("2001:db8::2")
    assert caught.value.retry_after_ms == 1000
    limiter.ensure("192.0.2.1")
    clock[0] = 1.0
    limiter.ensure("2001:db8::3")
    for source in ("192.0.2.2", "192.0.2.3", "unix socket"):
        limiter.ensure(source)
    assert len(limiter._sources) == 2
