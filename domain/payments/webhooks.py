"""What the payment provider is asked to tell us of, and which of its things each notice is about (R179, R183).

A notice is only ever a reason to look: what is true is read from the provider. So a notice that is late, repeated or
out of order says nothing wrong, and of a forged one nothing is left but a request that was refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.payments.ask import Thing

HEARD = (
    *(f"payment_intent.{each}" for each in ("succeeded", "amount_capturable_updated", "canceled", "payment_failed")),
    *(f"payment_intent.{each}" for each in ("requires_action", "processing")),
    *(f"charge.{each}" for each in ("captured", "expired", "refunded", "updated")),
    *(f"charge.dispute.{each}" for each in ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")),
    *(f"refund.{each}" for each in ("created", "updated", "failed")),
    *(f"transfer.{each}" for each in ("created", "updated", "reversed")),
    *(f"payout.{each}" for each in ("created", "paid", "failed", "canceled")),
    *(f"setup_intent.{each}" for each in ("succeeded", "setup_failed")),
    *(f"payment_method.{each}" for each in ("attached", "detached", "automatically_updated")),
)
"""Of a business's own account."""

HEARD_OF_CONNECTED = (
    "account.updated",
    "account.application.deauthorized",
    *(f"payout.{each}" for each in ("created", "updated", "paid", "failed", "canceled")),
)
"""Of the accounts of its cleaners."""

HEARD_THIN = (
    "v2.core.account[configuration.recipient].capability_status_updated",
    "v2.core.account[requirements].updated",
    "v2.core.account.closed",
)
"""Of the accounts of its cleaners, in the provider's newer form: notices that name the account and say nothing else."""

HEARD_OF_PLANS = (
    *(f"customer.subscription.{each}" for each in ("created", "updated", "deleted", "paused", "resumed")),
    "customer.subscription.trial_will_end",
    *(f"invoice.{each}" for each in ("paid", "payment_failed", "payment_action_required", "marked_uncollectible")),
    *(f"checkout.session.{each}" for each in ("completed", "expired", "async_payment_succeeded")),
    "checkout.session.async_payment_failed",
)
"""Of the platform's own account, which bills the plans (R178)."""

LONGEST_WORD = 255

READ_AS: Mapping[str, Thing] = {
    "payment_intent": Thing.INTENT,
    "charge": Thing.CHARGE,
    "setup_intent": Thing.SETUP,
    "payment_method": Thing.METHOD,
    "refund": Thing.REFUND,
    "dispute": Thing.DISPUTE,
    "transfer": Thing.TRANSFER,
    "payout": Thing.PAYOUT,
    "subscription": Thing.SUBSCRIPTION,
    "invoice": Thing.INVOICE,
    "checkout.session": Thing.CHECKOUT,
    "account": Thing.ACCOUNT,
}
"""How the thing that a notice is about is read, by the provider's name of its kind."""

OF_AN_ACCOUNT = frozenset({"account", "v2.core.account", "capability", "application", "bank_account", "person"})
"""Kinds of things that are about a connected account as a whole: the account is what is read."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider's event says: that something happened to a thing of an account. None of it is believed."""

    event: str
    type: str
    kind: str | None = None
    """The provider's name of the thing's kind, as `payment_intent`."""
    thing: str | None = None
    """Its id."""
    account: str | None = None
    """The connected account that it is of; None for the endpoint's own."""


def notice_of(event: Mapping[str, Any]) -> Notice | None:
    """The notice in a verified event, whole or thin; None where it has no id or type that could be kept.

    What it is about may be missing, or make no sense: then it is left out, and the notice leads to nothing.
    """
    id, type = _word(event.get("id")), _word(event.get("type"))
    if id is None or type is None:
        return None
    if event.get("object") == "v2.core.event":
        about, account = _map(event.get("related_object")), None
        kind, thing = _word(about.get("type")), _word(about.get("id"))
    else:
        about, account = _map(_map(event.get("data")).get("object")), _word(event.get("account"))
        kind, thing = _word(about.get("object")), _word(about.get("id"))
    if kind in OF_AN_ACCOUNT:
        kind, thing, account = "account", account or _word(about.get("account")) or thing, None
    return Notice(id, type, kind, thing, account)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_WORD and value.isprintable() else None
