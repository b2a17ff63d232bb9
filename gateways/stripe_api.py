"""Stripe, through its own library (R157, R159).

The one place where asks become calls: a table from verb to method of the library. Nothing is retried here, results are
plain JSON, and every error is sorted into a definite refusal (a readable 4xx other than 409 and 429) or unknown.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

import httpx2
import stripe

from domain.errors import Unavailable
from domain.payments.ask import Ask, Thing, Verb
from domain.payments.asks_accounts import SEEN
from domain.payments.outcomes import Answered, Doubt, Outcome, Refusal, Unknown
from gateways.pacing import Pacer
from gateways.payments import Credentials, Object, Provider, RefusedByProvider
from gateways.stripe_http import CallFailed, Httpx2Client

API_VERSION = "2026-10-28.endive"
CALL_SECONDS = 30.0
"""The longest that one call may take; shorter than the lease of whoever makes it."""
PAGE = 100
MISSING = frozenset({"resource_missing", "not_found"})

METHODS: Mapping[Verb, str] = {
    Verb.CREATE_CUSTOMER: "v1.customers.create_async",
    Verb.UPDATE_CUSTOMER: "v1.customers.update_async",
    Verb.ATTACH_METHOD: "v1.payment_methods.attach_async",
    Verb.DETACH_METHOD: "v1.payment_methods.detach_async",
    Verb.CREATE_SETUP: "v1.setup_intents.create_async",
    Verb.CREATE_INTENT: "v1.payment_intents.create_async",
    Verb.UPDATE_INTENT: "v1.payment_intents.update_async",
    Verb.CONFIRM_INTENT: "v1.payment_intents.confirm_async",
    Verb.CAPTURE_INTENT: "v1.payment_intents.capture_async",
    Verb.CANCEL_INTENT: "v1.payment_intents.cancel_async",
    Verb.CREATE_REFUND: "v1.refunds.create_async",
    Verb.CREATE_TRANSFER: "v1.transfers.create_async",
    Verb.REVERSE_TRANSFER: "v1.transfers.reversals.create_async",
    Verb.SUBMIT_DISPUTE: "v1.disputes.update_async",
    Verb.CLOSE_DISPUTE: "v1.disputes.close_async",
    Verb.CREATE_ACCOUNT: "v2.core.accounts.create_async",
    Verb.CREATE_ACCOUNT_V1: "v1.accounts.create_async",
    Verb.CREATE_ACCOUNT_LINK: "v2.core.account_links.create_async",
    Verb.CREATE_ACCOUNT_LINK_V1: "v1.account_links.create_async",
    Verb.CREATE_PRODUCT: "v1.products.create_async",
    Verb.CREATE_PRICE: "v1.prices.create_async",
    Verb.CREATE_SUBSCRIPTION: "v1.subscriptions.create_async",
    Verb.UPDATE_SUBSCRIPTION: "v1.subscriptions.update_async",
    Verb.CANCEL_SUBSCRIPTION: "v1.subscriptions.cancel_async",
    Verb.CREATE_CHECKOUT: "v1.checkout.sessions.create_async",
    Verb.CREATE_PORTAL: "v1.billing_portal.sessions.create_async",
    Verb.CREATE_WEBHOOK_ENDPOINT: "v1.webhook_endpoints.create_async",
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where things of one kind are read, and what is asked for with them."""

    service: str
    wants: Mapping[str, Any]
    page: Mapping[str, Any]
    reads: str = "retrieve_async"


def _shelf(service: str, *expand: str) -> Shelf:
    return Shelf(service, {"expand": list(expand)} if expand else {}, {"limit": PAGE})


SHELVES: Mapping[Thing, Shelf] = {
    Thing.CUSTOMER: _shelf("v1.customers"),
    Thing.METHOD: _shelf("v1.payment_methods"),
    Thing.SETUP: _shelf("v1.setup_intents"),
    Thing.INTENT: _shelf("v1.payment_intents", "latest_charge.balance_transaction"),
    Thing.CHARGE: _shelf("v1.charges", "balance_transaction"),
    Thing.REFUND: _shelf("v1.refunds", "balance_transaction"),
    Thing.TRANSFER: _shelf("v1.transfers"),
    Thing.REVERSAL: _shelf("v1.transfers.reversals"),
    Thing.DISPUTE: _shelf("v1.disputes"),
    Thing.BALANCE: _shelf("v1.balance"),
    Thing.BALANCE_TRANSACTION: _shelf("v1.balance_transactions"),
    Thing.PAYOUT: _shelf("v1.payouts"),
    Thing.OWN_ACCOUNT: Shelf("v1.accounts", {}, {}, "retrieve_current_async"),
    Thing.ACCOUNT: Shelf("v2.core.accounts", {"include": list(SEEN)}, {}),
    Thing.ACCOUNT_V1: _shelf("v1.accounts"),
    Thing.PRODUCT: _shelf("v1.products"),
    Thing.PRICE: _shelf("v1.prices"),
    Thing.SUBSCRIPTION: _shelf("v1.subscriptions"),
    Thing.INVOICE: _shelf("v1.invoices"),
    Thing.CHECKOUT: _shelf("v1.checkout.sessions"),
    Thing.WEBHOOK_ENDPOINT: _shelf("v1.webhook_endpoints"),
    Thing.EVENT: _shelf("v1.events"),
    Thing.EVENT_V2: Shelf("v2.core.events", {}, {}),
}


class StripeProviders:
    """Stripe for many businesses: a client each, one pool of connections for all."""

    def __init__(
        self,
        *,
        seconds: float = CALL_SECONDS,
        transport: httpx2.AsyncBaseTransport | None = None,
        a_second: float | None = None,
    ) -> None:
        """`a_second` is how many calls that change something one account gets in a second; None leaves it to them."""
        self._a_second = a_second
        self._pacers: dict[str, Pacer] = {}
        # The library would otherwise tell its makers of this machine, and keep a file about it.
        stripe.enable_telemetry = False
        self._http = Httpx2Client(seconds, transport)

    def of(self, credentials: Credentials) -> Provider:
        """The account that these credentials open."""
        bases: dict[str, str] = {} if credentials.base_url is None else {"api": credentials.base_url}
        client = stripe.StripeClient(
            credentials.secret_key,
            stripe_version=API_VERSION,
            base_addresses=bases,  # type: ignore[arg-type]  # a total=False map of the same keys
            max_network_retries=0,
            http_client=self._http,
        )
        return StripeProvider(client, self._pacer(credentials.secret_key))

    def _pacer(self, secret_key: str) -> Pacer | None:
        if self._a_second is None:
            return None
        # By a digest: the pool lives as long as the process, and keys need not.
        return self._pacers.setdefault(hashlib.sha256(secret_key.encode()).hexdigest(), Pacer(self._a_second))

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._http.close_async()


@dataclass(frozen=True, slots=True)
class StripeProvider:
    """One business's account with Stripe."""

    client: stripe.StripeClient
    pacer: Pacer | None = None

    async def send(self, ask: Ask, key: str) -> Outcome:
        """Ask once, in one's turn; whatever comes of it is an outcome."""
        if self.pacer is not None:
            await self.pacer.turn()
        said = ask.to_json()
        target = () if ask.target is None else (ask.target,)
        call = attrgetter(METHODS[ask.verb])(self.client)
        try:
            made: stripe.StripeObject = await call(*target, said["params"], {"idempotency_key": key})
        except stripe.StripeError as error:
            return outcome_of(error)
        return Answered(_plain(made), _request_id(made))

    async def read(self, thing: Thing, id: str = "", *, account: str | None = None) -> Object | None:
        """The object as it stands; None where there is none."""
        shelf = SHELVES[thing]
        # A reversal is read below its transfer; there is one balance.
        names = id.split("/") if id else []
        call = attrgetter(f"{shelf.service}.{shelf.reads}")(self.client)
        try:
            found: stripe.StripeObject = await call(*names, dict(shelf.wants), _options(account))
        except stripe.StripeError as error:
            outcome = outcome_of(error)
            if isinstance(outcome, Refusal) and outcome.http_status == 404 and outcome.code in MISSING:
                return None
            raise _failure(outcome) from error
        return _plain(found)

    async def pages(self, thing: Thing, *, account: str | None = None, **filters: Any) -> AsyncIterator[Object]:
        """Every object of the list that fits, newest first."""
        shelf = SHELVES[thing]
        names = [filters.pop("transfer")] if thing is Thing.REVERSAL else []
        call = attrgetter(f"{shelf.service}.list_async")(self.client)
        try:
            first = await call(*names, {**shelf.page, **filters}, _options(account))
            async for one in first.auto_paging_iter():
                yield _plain(one)
        except stripe.StripeError as error:
            raise _failure(outcome_of(error)) from error


def outcome_of(error: stripe.StripeError) -> Refusal | Unknown:
    """What an error of the library's means: refused for certain, or nobody knows."""
    if isinstance(error, CallFailed):
        return Unknown(error.reason, message=str(error), request_id=error.request_id)
    said = _error(error)
    status = error.http_status
    if said is None or status is None:
        return Unknown(Doubt.UNREADABLE, message=str(error), request_id=error.request_id)
    if status in {409, 429} or status >= 500 or isinstance(error, stripe.RateLimitError):
        return _unknown(error, status, said)
    return Refusal(
        code=_word(said, "code"),
        decline_code=_word(said, "decline_code"),
        advice_code=_word(said, "advice_code"),
        network_decline_code=_word(said, "network_decline_code"),
        message=_word(said, "message") or "",
        http_status=status,
        object=_about(said),
        request_id=error.request_id,
        type=_word(said, "type"),
        param=_word(said, "param"),
    )


def _unknown(error: stripe.StripeError, status: int, said: Mapping[str, Any]) -> Unknown:
    reason = Doubt.RATE_LIMITED
    if status >= 500:
        reason = Doubt.SERVER_ERROR
    elif status == 409:
        reason = Doubt.CONFLICT
    return Unknown(
        reason,
        retry_after=_retry_after(error.headers or {}),
        is_replayed=(error.headers or {}).get("idempotent-replayed") == "true",
        message=_word(said, "message") or "",
        request_id=error.request_id,
    )


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Seconds, as Stripe gives them; anything else is left out."""
    with suppress(ValueError, OverflowError):
        seconds = float(headers.get("retry-after", ""))
        if 0 <= seconds <= 3_600:
            return timedelta(seconds=seconds)
    return None


def _failure(outcome: Refusal | Unknown) -> Exception:
    if isinstance(outcome, Refusal):
        return RefusedByProvider(outcome)
    return Unavailable(f"The payment provider does not answer: {outcome.reason}. {outcome.message}".strip())


def _error(error: stripe.StripeError) -> Mapping[str, Any] | None:
    body = error.json_body
    said = body.get("error") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else None


def _about(said: Mapping[str, Any]) -> Object | None:
    for name in ("payment_intent", "setup_intent"):
        if isinstance(said.get(name), dict):
            found: Object = said[name]
            return found
    return None


def _word(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    return value if isinstance(value, str) else None


def _options(account: str | None) -> dict[str, str]:
    return {} if account is None else {"stripe_account": account}


def _request_id(made: stripe.StripeObject) -> str | None:
    answer = made.last_response
    return None if answer is None else answer.request_id


def _plain(found: stripe.StripeObject) -> dict[str, Any]:
    """Plain JSON: the library's own decimals become words again."""
    return found.to_dict(for_json=True)
