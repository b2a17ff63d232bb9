"""The asks that we make of the payment provider, each shaped as the provider takes it (R157 to R159).

Pure functions: what they return is frozen with its op and sent as it is. Amounts are whole cents; a fraction, a truth
or a negative amount raises `TypeError` or `ValueError`, as does a combination that the provider would refuse. A payment
is made known first and confirmed in a second ask: whatever is unknown afterwards is then one read by id.
"""

from collections.abc import Mapping
from typing import Literal

from domain.payments.ask import Ask, Thing, Verb, cents, checked, currency_code, given, metadata
from domain.payments.asks_accounts import create_account, create_account_link, create_account_link_v1, create_account_v1
from domain.payments.asks_plans import (
    cancel_subscription,
    create_checkout,
    create_portal,
    create_price,
    create_product,
    create_subscription,
    create_webhook_endpoint,
    update_subscription,
)

__all__ = [
    "Ask",
    "Thing",
    "Verb",
    "attach_method",
    "cancel_intent",
    "cancel_subscription",
    "capture_intent",
    "close_dispute",
    "confirm_intent",
    "create_account",
    "create_account_link",
    "create_account_link_v1",
    "create_account_v1",
    "create_checkout",
    "create_customer",
    "create_intent",
    "create_portal",
    "create_price",
    "create_product",
    "create_refund",
    "create_setup",
    "create_subscription",
    "create_transfer",
    "create_webhook_endpoint",
    "detach_method",
    "metadata",
    "reverse_transfer",
    "submit_dispute",
    "update_customer",
    "update_intent",
    "update_subscription",
]

Capture = Literal["manual", "automatic"]
Usage = Literal["recurring", "unscheduled", "installment"]
"""How a saved card will be, or is, charged: at a fixed interval, or when a clean falls due."""
CancelReason = Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"]
RefundReason = Literal["duplicate", "fraudulent", "requested_by_customer"]

CARDS = ("card",)
WITH_CHARGE = ("latest_charge.balance_transaction",)
"""The answer then says until when a hold can be captured, and what the provider has kept of a charge."""


def create_customer(
    *, metadata: Mapping[str, str], name: str | None = None, email: str | None = None, phone: str | None = None
) -> Ask:
    """A customer becomes known to the provider."""
    params = given(name=name, email=email, phone=phone)
    return Ask(Verb.CREATE_CUSTOMER, None, {**params, "metadata": checked(metadata)})


def update_customer(
    customer: str,
    *,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    default_method: str | None = None,
) -> Ask:
    """New particulars, or the card that invoices are charged to."""
    settings = None if default_method is None else {"default_payment_method": default_method}
    params = given(name=name, email=email, phone=phone, invoice_settings=settings)
    return Ask(Verb.UPDATE_CUSTOMER, customer, _not_empty(params))


def attach_method(method: str, *, customer: str) -> Ask:
    """A card is kept for a customer."""
    return Ask(Verb.ATTACH_METHOD, method, {"customer": customer})


def detach_method(method: str) -> Ask:
    """A kept card is taken off; it cannot be charged again."""
    return Ask(Verb.DETACH_METHOD, method, {})


def create_setup(
    *,
    customer: str,
    usage: Usage,
    metadata: Mapping[str, str],
    method: str | None = None,
    return_url: str | None = None,
) -> Ask:
    """The customer agrees that a card is charged later without them (R264).

    With `method` and `return_url` it is confirmed at once: no money moves by it. Without, the customer's own page does.
    The answer says what people know the card by.
    """
    if (method is None) is not (return_url is None):
        raise ValueError("a card and the page to come back to go together")
    confirm = None if method is None else True
    params = given(payment_method=method, return_url=return_url, confirm=confirm)
    agreed = {"usage": "off_session", "payment_method_options": {"card": {"setup_credential_usage": usage}}}
    fixed = {"customer": customer, "allowed_payment_method_types": CARDS, "metadata": checked(metadata)}
    return Ask(Verb.CREATE_SETUP, None, {**params, **agreed, **fixed, "expand": ("payment_method",)})


def create_intent(
    *,
    amount_cents: int,
    currency: str,
    customer: str,
    metadata: Mapping[str, str],
    method: str | None = None,
    capture: Capture = "manual",
    transfer_group: str | None = None,
    setup_usage: Usage | None = None,
    stored_usage: Usage | None = None,
    description: str | None = None,
) -> Ask:
    """A payment is made known; nothing is asked of the card yet (R138, R159).

    `setup_usage` where the customer is present and agrees that the card is kept for later; `stored_usage` where a card
    that was kept so will be charged without them. Whether they are absent is said when it is confirmed: the provider
    takes `off_session` with a confirmation only.
    """
    if setup_usage is not None and stored_usage is not None:
        raise ValueError("a card is being kept, or was kept before: not both")
    params = given(payment_method=method, transfer_group=transfer_group, description=description)
    return Ask(
        Verb.CREATE_INTENT,
        None,
        {
            "amount": cents(amount_cents),
            "currency": currency_code(currency),
            "customer": customer,
            "capture_method": capture,
            "allowed_payment_method_types": CARDS,
            **params,
            **_agreement(setup_usage, stored_usage),
            "metadata": checked(metadata),
        },
    )


def update_intent(
    intent: str,
    *,
    amount_cents: int | None = None,
    method: str | None = None,
    metadata: Mapping[str, str] | None = None,
    description: str | None = None,
) -> Ask:
    """Another price or card for a payment that is not confirmed yet."""
    params = given(
        amount=None if amount_cents is None else cents(amount_cents),
        payment_method=method,
        description=description,
        metadata=None if metadata is None else checked(metadata),
    )
    return Ask(Verb.UPDATE_INTENT, intent, _not_empty(params))


def confirm_intent(
    intent: str, *, method: str | None = None, off_session: bool = False, return_url: str | None = None
) -> Ask:
    """The card is asked: for a hold or for the money, as the payment was made known.

    The customer is either absent (`off_session`), or present and comes back to `return_url`: one of the two.
    """
    if off_session is (return_url is not None):
        raise ValueError("either the customer is absent, or there is a page to come back to")
    params = given(payment_method=method, off_session=off_session or None, return_url=return_url)
    return Ask(Verb.CONFIRM_INTENT, intent, {**params, "expand": WITH_CHARGE})


def capture_intent(intent: str, *, amount_cents: int) -> Ask:
    """A hold becomes a charge of `amount_cents`; what was held beyond it is let go (R147)."""
    return Ask(Verb.CAPTURE_INTENT, intent, {"amount_to_capture": cents(amount_cents), "expand": WITH_CHARGE})


def cancel_intent(intent: str, *, reason: CancelReason) -> Ask:
    """A hold, or a payment that never came to be, is let go; no refund comes of it (R143)."""
    return Ask(Verb.CANCEL_INTENT, intent, {"cancellation_reason": reason, "expand": WITH_CHARGE})


def create_refund(charge: str, *, amount_cents: int, reason: RefundReason, metadata: Mapping[str, str]) -> Ask:
    """Money of a charge goes back to the customer; transfers that were made of it stay (A35)."""
    params = {"charge": charge, "amount": cents(amount_cents), "reason": reason, "metadata": checked(metadata)}
    return Ask(Verb.CREATE_REFUND, None, {**params, "expand": ("balance_transaction",)})


def create_transfer(
    *, amount_cents: int, currency: str, destination: str, charge: str | None, group: str, metadata: Mapping[str, str]
) -> Ask:
    """A cleaner is paid out of the charge that their work was paid with (R168).

    Named with its charge the transfer succeeds at once, and its money follows when the charge's does. Without one, for
    what the charge does not cover and somebody has decided to pay all the same, it is paid from what is available.
    """
    params = {
        "amount": cents(amount_cents),
        "currency": currency_code(currency),
        "destination": destination,
        "transfer_group": group,
        "metadata": checked(metadata, "payout_id"),
    }
    return Ask(Verb.CREATE_TRANSFER, None, {**params, **given(source_transaction=charge)})


def reverse_transfer(transfer: str, *, amount_cents: int, metadata: Mapping[str, str]) -> Ask:
    """A cleaner's pay, or a part of it, is taken back, as far as they still have it (A35)."""
    return Ask(Verb.REVERSE_TRANSFER, transfer, {"amount": cents(amount_cents), "metadata": checked(metadata)})


def submit_dispute(dispute: str, *, evidence: Mapping[str, str], metadata: Mapping[str, str]) -> Ask:
    """A dispute is answered, once and for all."""
    if not evidence:
        raise ValueError("a dispute is not answered with nothing")
    return Ask(
        Verb.SUBMIT_DISPUTE, dispute, {"evidence": dict(evidence), "submit": True, "metadata": checked(metadata)}
    )


def close_dispute(dispute: str) -> Ask:
    """A dispute is lost by our own will."""
    return Ask(Verb.CLOSE_DISPUTE, dispute, {})


def _agreement(setup_usage: Usage | None, stored_usage: Usage | None) -> dict[str, object]:
    if setup_usage is not None:
        card = {"setup_credential_usage": setup_usage}
        return {"setup_future_usage": "off_session", "payment_method_options": {"card": card}}
    if stored_usage is not None:
        return {"payment_method_options": {"card": {"stored_credential_usage": stored_usage}}}
    return {}


def _not_empty(params: dict[str, object]) -> dict[str, object]:
    if not params:
        raise ValueError("nothing is to be changed")
    return params
