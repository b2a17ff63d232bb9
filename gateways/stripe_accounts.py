"""Cleaners' accounts at Stripe: opened for them, finished by them on its pages, and ready when it says so (R131, R135).

Accounts are of the second kind (v2) unless the business's platform was set up with the first, which stays for those
that were made with it. Ready is the state of the capability to be paid, as it is now: not the visit of a page, and not
something that was true once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from domain.errors import Unavailable
from domain.onboarding import PayoutAccountStatus
from domain.payments import asks
from domain.payments.ask import Ask, Thing, metadata
from domain.payments.keys import op_key
from domain.payments.outcomes import Answered, Fault, Refusal, Unknown, fault_of
from gateways.account_words import reason_words, requirement_words
from gateways.payments import Object, Provider, RefusedByProvider
from gateways.payout_accounts import AccountRefused, AccountWish, OnboardingLink, ProviderAccount

CHECKING = "The payment provider is checking what was given."
CLOSED = "The account is closed."
OURS = frozenset({401, 403})
"""The business's key is not good for this: nothing that a cleaner could help."""
OTHER_KIND = frozenset({400, 404})
"""How an account of one kind may be refused where the other is expected."""
FINAL = frozenset({"contact_stripe", "no_resolution"})


class AccountKind(StrEnum):
    """Which accounts a business's platform makes."""

    V2 = "V2"
    V1 = "V1"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """How a business's accounts are made, and where its cleaners come back to."""

    environment: str
    """Part of every key."""
    refresh_url: str
    """A page of ours, for who is signed in: it asks for a new link and leads there. Links open once only."""
    return_url: str
    """A page of ours, which says what the provider still wants; that it is visited means nothing."""
    country: str = "US"
    currency: str = "usd"
    kind: AccountKind = AccountKind.V2


@dataclass(frozen=True, slots=True)
class StripeAccounts:
    """The `PayoutAccounts` of one business; `provider` is its own account.

    Raises, besides what `PayoutAccounts` promises, `RefusedByProvider` where the business's key or set-up is at fault.
    """

    provider: Provider
    settings: AccountSettings

    async def open(self, wish: AccountWish) -> ProviderAccount:
        """The account of this key, opened unless it is already."""
        ask, key = self._creation(wish), self._key(wish, "open_account")
        outcome = await self.provider.send(ask, key)
        if isinstance(outcome, Refusal) and outcome.type == "idempotency_error":
            # Somebody's name or address has changed since an answer was lost: it may be there as it was asked then.
            found = await self._made(wish)
            if found is not None:
                return account_of(found)
            outcome = await self.provider.send(ask, self._key(wish, f"open_account-{ask.digest().hex()[:16]}"))
        return account_of(_done(outcome))

    async def link(self, account_id: str) -> OnboardingLink:
        """A new page for the cleaner: it opens once, for a few minutes."""
        where = {"account": account_id, "refresh_url": self.settings.refresh_url}
        new, old = (
            make(**where, return_url=self.settings.return_url)
            for make in (asks.create_account_link, asks.create_account_link_v1)
        )
        outcome = await self.provider.send(*_once(old if self.settings.kind is AccountKind.V1 else new))
        if self.settings.kind is AccountKind.V2 and isinstance(outcome, Refusal) and outcome.http_status in OTHER_KIND:
            before = await self.provider.send(*_once(old))
            outcome = outcome if isinstance(before, Refusal) else before
        made = _done(outcome)
        lives = _instant(made["expires_at"]) - _instant(made["created"])
        return OnboardingLink(made["url"], max(lives, timedelta(0)))

    async def read(self, account_id: str) -> ProviderAccount:
        """The account as it stands."""
        found = await self._read(account_id)
        if found is None:
            raise AccountRefused("There is no such account.")
        return account_of(found)

    async def _read(self, account_id: str) -> Object | None:
        if self.settings.kind is AccountKind.V2:
            try:
                found = await self.provider.read(Thing.ACCOUNT, account_id)
            except RefusedByProvider as error:
                if error.refusal.http_status not in OTHER_KIND:
                    raise
                found = None
            if found is not None and "configuration" in found:
                return found
        # Without the recipient's part it was made with the first kind: only there its capability is told.
        try:
            return await self.provider.read(Thing.ACCOUNT_V1, account_id)
        except RefusedByProvider as error:
            # "The key has no access, or there is no such account": the first kind does not tell them apart.
            if fault_of(error.refusal) is not Fault.HELD:
                raise
            return None

    async def _made(self, wish: AccountWish) -> Object | None:
        """The account that was made for this wish, whatever was asked then."""
        is_new = self.settings.kind is AccountKind.V2
        async for found in self.provider.pages(Thing.ACCOUNT if is_new else Thing.ACCOUNT_V1):
            if (found.get("metadata") or {}).get("payout_account_id") == str(wish.key):
                return await self._read(str(found["id"]))
        return None

    def _creation(self, wish: AccountWish) -> Ask:
        marks = metadata(wish.tenant, wish.key, payout_account_id=wish.key)
        settings = self.settings
        if settings.kind is AccountKind.V1:
            return asks.create_account_v1(country=settings.country, metadata=marks, email=wish.email)
        return asks.create_account(
            name=wish.name, country=settings.country, currency=settings.currency, metadata=marks, email=wish.email
        )

    def _key(self, wish: AccountWish, kind: str) -> str:
        return op_key(self.settings.environment, wish.tenant, kind, wish.key, 1)


def account_of(found: Object) -> ProviderAccount:
    """How an account of either kind stands, in our words."""
    status, wanted = _standing_v2(found) if found.get("object") == "v2.core.account" else _standing_v1(found)
    return ProviderAccount(str(found["id"]), status, tuple(dict.fromkeys(wanted)))


def _standing_v2(found: Object) -> tuple[PayoutAccountStatus, list[str]]:
    if found.get("closed"):
        return PayoutAccountStatus.RESTRICTED, [CLOSED]
    capability = _at(found, "configuration", "recipient", "capabilities", "stripe_balance", "stripe_transfers")
    entries = [one for one in _at(found, "requirements").get("entries") or () if _is_due(one)]
    wanted = [requirement_words(one["description"]) for one in entries]
    details = capability.get("status_details") or ()
    reasons = [reason_words(one["code"]) for one in details if one.get("resolution") in FINAL]
    match capability.get("status"):
        case "active":
            return PayoutAccountStatus.READY, wanted
        case "pending":
            return PayoutAccountStatus.OPEN, wanted or [CHECKING]
    is_first_time = bool(entries) and not reasons and all(_is_onboarding(one) for one in entries)
    return (PayoutAccountStatus.OPEN if is_first_time else PayoutAccountStatus.RESTRICTED), wanted + reasons


def _is_due(entry: Mapping[str, Any]) -> bool:
    deadline = _at(entry, "minimum_deadline").get("status")
    return entry.get("awaiting_action_from") == "user" and deadline in {"currently_due", "past_due"}


def _is_onboarding(entry: Mapping[str, Any]) -> bool:
    return all(one.get("code") == "routine_onboarding" for one in entry.get("requested_reasons") or ())


def _standing_v1(found: Object) -> tuple[PayoutAccountStatus, list[str]]:
    needs = _at(found, "requirements")
    due = [*(needs.get("currently_due") or ()), *(needs.get("past_due") or ())]
    wanted = [requirement_words(one) for one in due]
    state = _at(found, "capabilities").get("transfers")
    if state == "active":
        return PayoutAccountStatus.READY, wanted
    if state == "pending":
        return PayoutAccountStatus.OPEN, wanted or [CHECKING]
    if not found.get("details_submitted") and due:
        return PayoutAccountStatus.OPEN, wanted
    reason = needs.get("disabled_reason")
    return PayoutAccountStatus.RESTRICTED, wanted + ([reason_words(reason)] if reason and not wanted else [])


def _at(found: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The map at the end of the path; an empty one where there is none."""
    here: Any = found
    for name in path:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else {}


def _done(outcome: Answered | Refusal | Unknown) -> Object:
    if isinstance(outcome, Answered):
        return outcome.object
    if isinstance(outcome, Unknown):
        raise Unavailable(f"The payment provider does not answer: {outcome.reason}.")
    is_ours = outcome.http_status in OURS and fault_of(outcome) is not Fault.HELD
    if is_ours or outcome.type == "idempotency_error":
        raise RefusedByProvider(outcome)
    raise AccountRefused(outcome.message or "The payment provider will not have this account.")


def _once(ask: Ask) -> tuple[Ask, str]:
    """With a key of its own each time: a page opens once, so that the same one again would be of no use."""
    return ask, f"link:{uuid4()}"


def _instant(said: str | int) -> datetime:
    """Seconds in v1, words in v2."""
    return datetime.fromtimestamp(said, UTC) if isinstance(said, int) else datetime.fromisoformat(said)
