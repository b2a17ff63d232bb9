"""Cleaners' accounts with the payment provider: what a provider must promise (R131, R135).

Bank details, tax form and proof of identity are given on the provider's own pages and never reach us (A48).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from domain.onboarding import PayoutAccountStatus


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
