"""Cleaners' accounts with the payment provider: what a provider must promise, and the sandbox's one (R131, R135).

Bank details, tax form and proof of identity are given on the provider's own pages and never reach us (A48).
"""

import asyncio
import base64
import hmac
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import orjson

from db.secrets import Secrets, url_safe
from domain.errors import Unavailable
from domain.onboarding import PayoutAccountStatus

LINK_LIVES = timedelta(minutes=30)


class AccountRefused(Exception):
    """The provider will not have this account, and asking again would change nothing; the message is for people."""


@dataclass(frozen=True, slots=True)
class AccountWish:
    """An account that is wanted."""

    key: UUID
    """Our own id of it: asked twice with the same one, the provider answers with the same account."""
    tenant: UUID
    name: str
    email: str | None


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """An account as the provider has it."""

    id: str
    status: PayoutAccountStatus
    requirements: tuple[str, ...] = ()
    """What it still wants of the cleaner, in words for people."""


@dataclass(frozen=True, slots=True)
class OnboardingLink:
    """The provider's own page for the cleaner."""

    url: str
    lives: timedelta


class PayoutAccounts(Protocol):
    """Opens accounts and tells how they stand.

    Raises `AccountRefused` where the answer is a definite no, and `domain.errors.Unavailable` where nobody knows; then
    the same is asked again with the same key.
    """

    async def open(self, wish: AccountWish) -> ProviderAccount:
        """The account of this key, opened unless it is already."""
        ...

    async def link(self, account_id: str) -> OnboardingLink:
        """A new page for the cleaner; an earlier one may be good for nothing from now on."""
        ...

    async def read(self, account_id: str) -> ProviderAccount:
        """The account as it stands."""
        ...


WANTED = ("bank account", "proof of identity", "tax form (W-9)")


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """One account of the sandbox, as its page shows it."""

    tenant: UUID
    key: UUID
    name: str
    status: PayoutAccountStatus
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SandboxPayouts:
    """The sandbox's provider: a file an account, and a page of ours on which the cleaner "finishes"."""

    folder: Path
    secrets: Secrets
    public_url: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def open(self, wish: AccountWish) -> ProviderAccount:
        """Open the account, or find it open."""
        fresh = SandboxAccount(wish.tenant, wish.key, wish.name, PayoutAccountStatus.OPEN, WANTED)
        return _as_provider(await asyncio.to_thread(self._opened, fresh))

    async def link(self, account_id: str) -> OnboardingLink:
        """A signed address of our own page."""
        account = await self._existing(account_id)
        until = int((self.clock() + LINK_LIVES).timestamp())
        raw = account.key.bytes + until.to_bytes(8, "big")
        return OnboardingLink(f"{self.public_url}/sandbox/payouts/{url_safe(raw + self._mac(raw))}", LINK_LIVES)

    async def read(self, account_id: str) -> ProviderAccount:
        """The account as its file has it."""
        return _as_provider(await self._existing(account_id))

    async def by_token(self, token: str) -> SandboxAccount | None:
        """The account that a page's address is for; None for one that was not made here or is too old."""
        raw = _bytes(token)
        body, mac = raw[:24], raw[24:]
        if len(body) != 24 or not hmac.compare_digest(mac, self._mac(body)):
            return None
        if int.from_bytes(body[16:], "big") <= self.clock().timestamp():
            return None
        return await asyncio.to_thread(self._read, UUID(bytes=body[:16]))

    async def finish(self, account: SandboxAccount, *, leaves_out: bool = False) -> None:
        """What the cleaner does on the page: everything, or all but the tax form."""
        status = PayoutAccountStatus.RESTRICTED if leaves_out else PayoutAccountStatus.READY
        wanted = WANTED[-1:] if leaves_out else ()
        done = SandboxAccount(account.tenant, account.key, account.name, status, wanted)
        await asyncio.to_thread(self._write, done)

    async def _existing(self, account_id: str) -> SandboxAccount:
        try:
            key = UUID(account_id.removeprefix("sandbox_"))
        except ValueError:
            raise AccountRefused("There is no such account.") from None
        account = await asyncio.to_thread(self._read, key)
        if account is None:
            raise AccountRefused("There is no such account.")
        return account

    def _opened(self, fresh: SandboxAccount) -> SandboxAccount:
        try:
            self._write(fresh, new=True)
        except FileExistsError:
            return self._read(fresh.key) or fresh
        return fresh

    def _read(self, key: UUID) -> SandboxAccount | None:
        try:
            said = orjson.loads(self._path(key).read_bytes())
        except FileNotFoundError:
            return None
        return SandboxAccount(
            UUID(said["tenant"]),
            UUID(said["key"]),
            said["name"],
            PayoutAccountStatus(said["status"]),
            tuple(said["requirements"]),
        )

    def _write(self, account: SandboxAccount, *, new: bool = False) -> None:
        """Whole or not at all; with `new`, `FileExistsError` if somebody was first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{uuid4().hex}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(orjson.dumps(asdict(account), default=str))
                file.flush()
                os.fsync(file.fileno())
            if new:
                os.link(draft, self._path(account.key))
            else:
                draft.replace(self._path(account.key))
        except FileExistsError:
            raise
        except OSError as error:
            raise Unavailable("The sandbox's accounts cannot be written.") from error
        finally:
            draft.unlink(missing_ok=True)

    def _path(self, key: UUID) -> Path:
        return self.folder / f"{key.hex}.json"

    def _mac(self, raw: bytes) -> bytes:
        return self.secrets.mac("sandbox-payouts", raw)[:16]


def _as_provider(account: SandboxAccount) -> ProviderAccount:
    return ProviderAccount(f"sandbox_{account.key.hex}", account.status, account.requirements)


def _bytes(token: str) -> bytes:
    if len(token) > 100:
        return b""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
