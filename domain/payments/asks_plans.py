"""Asks about what a business pays the platform for (A42), and about where the provider tells us what has happened."""

from collections.abc import Mapping, Sequence
from typing import Literal

from domain.payments.ask import Ask, Verb, cents, checked, currency_code, given

Interval = Literal["month", "year"]
Proration = Literal["create_prorations", "always_invoice", "none"]


def create_product(*, name: str, metadata: Mapping[str, str]) -> Ask:
    """A plan that can be paid for."""
    return Ask(Verb.CREATE_PRODUCT, None, {"name": name, "metadata": checked(metadata)})


def create_price(
    *,
    product: str,
    amount_cents: int,
    currency: str,
    metadata: Mapping[str, str],
    interval: Interval | None = None,
    lookup_key: str | None = None,
) -> Ask:
    """What a plan costs: by the month or year, or once."""
    recurring = None if interval is None else {"interval": interval}
    params = {
        "product": product,
        "unit_amount": cents(amount_cents, least=0),
        "currency": currency_code(currency),
        "metadata": checked(metadata),
    }
    return Ask(Verb.CREATE_PRICE, None, {**params, **given(recurring=recurring, lookup_key=lookup_key)})


def create_subscription(
    *,
    customer: str,
    price: str,
    metadata: Mapping[str, str],
    trial_days: int | None = None,
    method: str | None = None,
) -> Ask:
    """A business is on a plan, at first for nothing where there is a trial; a payment that fails ends nothing."""
    params = given(trial_period_days=_days(trial_days), default_payment_method=method)
    kept = {"payment_settings": {"save_default_payment_method": "on_subscription"}}
    fixed = {"customer": customer, "items": ({"price": price, "quantity": 1},), "metadata": checked(metadata)}
    behaviour = {"collection_method": "charge_automatically", "payment_behavior": "allow_incomplete"}
    return Ask(Verb.CREATE_SUBSCRIPTION, None, {**fixed, **behaviour, **kept, **params})


def update_subscription(
    subscription: str,
    *,
    item: str | None = None,
    price: str | None = None,
    proration: Proration = "create_prorations",
    ends_with_period: bool | None = None,
) -> Ask:
    """Another plan (`item` is the subscription's own line, `price` the new one), or whether it ends with its period."""
    if (item is None) is not (price is None):
        raise ValueError("another plan needs the line and its new price")
    if item is None and ends_with_period is None:
        raise ValueError("nothing is to be changed")
    change = {} if item is None else {"items": ({"id": item, "price": price},), "proration_behavior": proration}
    return Ask(Verb.UPDATE_SUBSCRIPTION, subscription, {**change, **given(cancel_at_period_end=ends_with_period)})


def cancel_subscription(subscription: str) -> Ask:
    """The plan ends now; nothing is paid back."""
    return Ask(Verb.CANCEL_SUBSCRIPTION, subscription, {"invoice_now": False, "prorate": False})


def refund_plan(intent: str, *, amount_cents: int, metadata: Mapping[str, str]) -> Ask:
    """What a business has paid for a plan goes back to it."""
    params = {"payment_intent": intent, "amount": cents(amount_cents), "reason": "duplicate"}
    return Ask(Verb.CREATE_REFUND, None, {**params, "metadata": checked(metadata)})


def create_checkout(
    *,
    customer: str,
    price: str,
    success_url: str,
    cancel_url: str,
    metadata: Mapping[str, str],
    trial_days: int | None = None,
) -> Ask:
    """The provider's page on which a business begins to pay for a plan.

    The subscription that comes of it carries the same marks, so that the two are matched whoever tells first.
    """
    marks = checked(metadata)
    params = {
        "mode": "subscription",
        "customer": customer,
        "client_reference_id": marks["tenant_id"],
        "line_items": ({"price": price, "quantity": 1},),
        "success_url": success_url,
        "cancel_url": cancel_url,
        "metadata": marks,
        "subscription_data": {"metadata": marks, **given(trial_period_days=_days(trial_days))},
    }
    return Ask(Verb.CREATE_CHECKOUT, None, params)


def create_portal(*, customer: str, return_url: str) -> Ask:
    """The provider's page on which a business changes its card, and sees what it has paid."""
    return Ask(Verb.CREATE_PORTAL, None, {"customer": customer, "return_url": return_url})


def create_webhook_endpoint(
    *,
    url: str,
    events: Sequence[str],
    metadata: Mapping[str, str],
    of_connected: bool = False,
    api_version: str | None = None,
) -> Ask:
    """Have the provider tell us at `url`: of its own account, or of those connected to it."""
    if not events:
        raise ValueError("an endpoint that is told nothing")
    params = {"url": url, "enabled_events": list(events), "connect": of_connected, "metadata": checked(metadata)}
    return Ask(Verb.CREATE_WEBHOOK_ENDPOINT, None, {**params, **given(api_version=api_version)})


def _days(trial_days: int | None) -> int | None:
    if trial_days is not None and (type(trial_days) is not int or not 1 <= trial_days <= 730):
        raise ValueError(f"a trial of {trial_days!r} days")
    return trial_days
