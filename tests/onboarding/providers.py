"""Payment providers that misbehave, each in one way, over the sandbox."""

from dataclasses import dataclass, field

from domain.errors import Unavailable
from gateways.payments import Provider
from gateways.payout_accounts import AccountRefused, AccountWish, OnboardingLink, ProviderAccount
from gateways.stripe_accounts import AccountSettings, StripeAccounts


@dataclass
class Troubled:
    """Answers as the sandbox does, but for the troubles that are listed: each befalls one call of its name.

    "lost" happens before anything is done, "late" after it, and "refused" is a definite no.
    """

    troubles: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    inner: StripeAccounts = field(init=False)

    def over(self, provider: Provider, settings: AccountSettings) -> "Troubled":
        self.inner = StripeAccounts(provider, settings)
        return self

    async def open(self, wish: AccountWish) -> ProviderAccount:
        self.keys.add(str(wish.key))
        trouble = self._trouble("open")
        account = await self.inner.open(wish)
        _befall(trouble)
        return account

    async def link(self, account_id: str) -> OnboardingLink:
        trouble = self._trouble("link")
        link = await self.inner.link(account_id)
        _befall(trouble)
        return link

    async def read(self, account_id: str) -> ProviderAccount:
        trouble = self._trouble("read")
        account = await self.inner.read(account_id)
        _befall(trouble)
        return account

    def _trouble(self, name: str) -> str:
        self.asked.append(name)
        waiting = self.troubles.get(name, [])
        trouble = waiting.pop(0) if waiting else ""
        if trouble == "lost":
            raise Unavailable("The provider does not answer.")
        if trouble == "refused":
            raise AccountRefused("The country is not supported.")
        return trouble


def _befall(trouble: str) -> None:
    if trouble == "late":
        raise Unavailable("The provider's answer was lost.")
    if trouble == "crash":
        raise RuntimeError("the worker dies here")
