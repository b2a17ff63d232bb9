"""Payment intents: their routes. What an attempt does is in `attempts`."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.attempts import (
    Attempt,
    attempt,
    cancel_intent,
    capture_intent,
    ensure_state,
    state_error,
)
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources.payment_methods import new_method, resolve
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx, digest

LEAST = {"usd": 50, "cad": 50, "eur": 50, "gbp": 30, "aud": 50}
MOST = 99_999_999
_UNSUPPORTED = ("transfer_data", "application_fee_amount", "on_behalf_of", "confirmation_token", "mandate")
_PLAIN = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "shipping")
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@route("POST", "/v1/payment_intents", "PaymentIntentCreateParams")
def create_intent(tx: Tx, ask: Ask) -> Json:
    """Create, and with `confirm` try at once."""
    _ensure_supported(ask)
    for name in ("off_session", "return_url", "mandate_data", "error_on_requires_action"):
        if name in ask.params and not ask.get("confirm"):
            raise invalid(f"You cannot set `{name}` unless `confirm` is true.", None, name)
    intent = _created(tx, ask)
    if ask.get("confirm"):
        intent = attempt(tx, intent, _attempt_of(ask, intent))
    return shown(tx, intent)


@route("GET", "/v1/payment_intents/{intent}", "PaymentIntentRetrieveParams")
def retrieve_intent(tx: Tx, ask: Ask) -> Json:
    """One."""
    return shown(tx, tx.get("payment_intents", ask.args["intent"], "intent"))


@route("GET", "/v1/payment_intents", "PaymentIntentListParams")
def list_intents(tx: Tx, ask: Ask) -> Json:
    """By customer."""
    return page(tx, ask, tx.where("payment_intents", customer=ask.get("customer")))


@route("POST", "/v1/payment_intents/{intent}", "PaymentIntentUpdateParams")
def update_intent(tx: Tx, ask: Ask) -> Json:
    """Metadata and description at any time; the rest only before it is authorized."""
    intent = tx.get("payment_intents", ask.args["intent"], "intent")
    _ensure_supported(ask)
    changes = _changes(tx, ask, intent)
    if changes.keys() - {"metadata", "description", "receipt_email"}:
        ensure_state(tx, intent, _OPEN, "update")
    intent = tx.change("payment_intents", intent["id"], **changes)
    return shown(tx, intent)


@route("POST", "/v1/payment_intents/{intent}/confirm", "PaymentIntentConfirmParams")
def confirm_intent(tx: Tx, ask: Ask) -> Json:
    """Try (again) with this or the given payment method."""
    intent = tx.get("payment_intents", ask.args["intent"], "intent")
    _ensure_supported(ask)
    ensure_state(tx, intent, _OPEN, "confirm")
    changes = _changes(tx, ask, intent)
    if changes:
        intent = tx.change("payment_intents", intent["id"], **changes)
    return shown(tx, attempt(tx, intent, _attempt_of(ask, intent)))


@route("POST", "/v1/payment_intents/{intent}/capture", "PaymentIntentCaptureParams")
def capture(tx: Tx, ask: Ask) -> Json:
    """Take what was authorized, or less: then the rest is released."""
    intent = tx.get("payment_intents", ask.args["intent"], "intent")
    if ask.get("final_capture") is False:
        raise invalid("This PaymentIntent is not eligible for multicapture.", None, "final_capture")
    ensure_state(tx, intent, ("requires_capture",), "capture")
    amount = ask.get("amount_to_capture", intent["amount_capturable"])
    if amount < 1:
        raise invalid("This value must be at least 1.", "parameter_invalid_integer", "amount_to_capture")
    if amount > intent["amount_capturable"]:
        raise StripeError(
            400,
            "The amount_to_capture must not be greater than the amount that can be captured "
            f"({intent['amount_capturable']}).",
            "amount_too_large",
            param="amount_to_capture",
        )
    if ask.params.get("metadata") is not None:
        metadata = merged_metadata(intent["metadata"], ask.params["metadata"])
        intent = tx.change("payment_intents", intent["id"], metadata=metadata)
    return shown(tx, capture_intent(tx, intent, amount))


@route("POST", "/v1/payment_intents/{intent}/cancel", "PaymentIntentCancelParams")
def cancel(tx: Tx, ask: Ask) -> Json:
    """Give it up; a hold is released without a refund object."""
    intent = tx.get("payment_intents", ask.args["intent"], "intent")
    ensure_state(tx, intent, (*_OPEN, "requires_capture"), "cancel")
    return shown(tx, cancel_intent(tx, intent, ask.get("cancellation_reason")))


@route("POST", "/v1/payment_intents/{intent}/increment_authorization", "PaymentIntentIncrementAuthorizationParams")
def increment(tx: Tx, ask: Ask) -> Json:
    """Not for accounts without IC+ pricing: always refused."""
    intent = tx.get("payment_intents", ask.args["intent"], "intent")
    raise state_error(tx, intent, "This PaymentIntent is not eligible for incremental authorization.")


def pay(
    tx: Tx,
    customer: str | None,
    payment_method: str | None,
    amount: int,
    currency: str,
    *,
    off_session: bool = True,
    id: str | None = None,
    **fields: Any,
) -> Json:
    """Create (or, with `id`, take again) an intent and confirm it, for invoices, subscriptions and checkout.

    Never raises for a refusal of the card: look at `status` and `last_payment_error`.
    """
    if id is None:
        intent = blank_intent(tx, amount, currency) | {"customer": customer} | fields
        intent = tx.put("payment_intents", intent)
        tx.emit("payment_intent.created", intent)
    else:
        intent = tx.get("payment_intents", id)
    if payment_method is None:
        return intent
    method = resolve(tx, payment_method)
    intent = tx.change("payment_intents", intent["id"], payment_method=method["id"])
    try:
        return attempt(tx, intent, Attempt(off_session=off_session, return_url="https://stripe.sandbox/done"))
    except StripeError:
        return tx.get("payment_intents", intent["id"])


def blank_intent(tx: Tx, amount: int, currency: str) -> Json:
    """An intent with every field there."""
    id = tx.new_id("pi")
    return {
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{id}_secret_{digest(tx.store.seed, id, 'secret', length=25)}",
        "confirmation_method": "automatic",
        "created": tx.now,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def ensure_currency(currency: str) -> str:
    """A currency that the sandbox knows, in lower case."""
    if currency.lower() not in LEAST:
        raise invalid(f"Invalid currency: {currency}.", None, "currency")
    return currency.lower()


def _created(tx: Tx, ask: Ask) -> Json:
    currency = ensure_currency(ask.params["currency"])
    _ensure_amount(ask.params["amount"], currency)
    intent = blank_intent(tx, ask.params["amount"], currency)
    types = ask.get("allowed_payment_method_types")
    automatic = ask.get("automatic_payment_methods", {} if types else {"enabled": True})
    intent["automatic_payment_methods"] = (
        {"allow_redirects": automatic.get("allow_redirects", "always"), "enabled": True}
        if automatic.get("enabled")
        else None
    )
    intent["allowed_payment_method_types"] = types
    intent["capture_method"] = ask.get("capture_method", "automatic")
    if intent["capture_method"] == "automatic_async":
        intent["capture_method"] = "automatic"
    intent["confirmation_method"] = ask.get("confirmation_method", "automatic")
    intent["transfer_group"] = ask.get("transfer_group")
    if ask.get("customer"):
        intent["customer"] = tx.get("customers", ask.get("customer"), "customer")["id"]
    tx.put("payment_intents", intent)
    # The new intent has no transfer group of its own to be refused: changes are the same as an update's.
    intent = tx.change("payment_intents", intent["id"], **_changes(tx, ask, intent))
    tx.emit("payment_intent.created", intent)
    return intent


def _changes(tx: Tx, ask: Ask, intent: Json) -> Json:
    changes: Json = {name: ask.get(name) for name in _PLAIN if name in ask.params}
    if "metadata" in ask.params:
        changes["metadata"] = merged_metadata(intent["metadata"], ask.params["metadata"])
    if "amount" in ask.params:
        _ensure_amount(ask.params["amount"], intent["currency"])
        changes["amount"] = ask.params["amount"]
    if "currency" in ask.params:
        changes["currency"] = ensure_currency(ask.params["currency"])
    if "transfer_group" in ask.params:
        changes["transfer_group"] = ask.get("transfer_group")
    if "capture_method" in ask.params:
        changes["capture_method"] = ask.params["capture_method"].removesuffix("_async")
    if ask.get("customer"):
        changes["customer"] = tx.get("customers", ask.get("customer"), "customer")["id"]
    if "setup_future_usage" in ask.params:
        changes["setup_future_usage"] = ask.get("setup_future_usage")
    _options(ask, intent, changes)
    _method(tx, ask, intent, changes)
    return changes


def _options(ask: Ask, intent: Json, changes: Json) -> None:
    given = (ask.get("payment_method_options") or {}).get("card") or {}
    if not given:
        return
    saves = changes.get("setup_future_usage", intent["setup_future_usage"]) or given.get("setup_future_usage")
    if given.get("setup_credential_usage") and not saves:
        raise invalid(
            "You can only set `setup_credential_usage` together with `setup_future_usage`.",
            None,
            "payment_method_options[card][setup_credential_usage]",
        )
    changes["payment_method_options"] = {"card": {**intent["payment_method_options"]["card"], **given}}


def _method(tx: Tx, ask: Ask, intent: Json, changes: Json) -> None:
    if ask.get("payment_method_data"):
        method = new_method(tx, "visa", ask.get("payment_method_data").get("billing_details"))
    elif ask.get("payment_method"):
        method = resolve(tx, ask.get("payment_method"))
    else:
        return
    ensure_usable(method, changes.get("customer", intent["customer"]))
    changes["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        changes["status"] = "requires_confirmation"


def ensure_usable(method: Json, customer: str | None) -> None:
    """The card is this customer's, or nobody's and never used."""
    if method["customer"] and not customer:
        raise invalid(
            f"The PaymentMethod {method['id']} belongs to the Customer {method['customer']}. Please include the "
            "Customer in the `customer` parameter on the PaymentIntent.",
            None,
            "payment_method",
        )
    if method["customer"] and method["customer"] != customer:
        raise invalid(
            f"The provided PaymentMethod {method['id']} does not belong to the Customer {customer}.",
            None,
            "payment_method",
        )
    if method["_used"] and not method["customer"]:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be "
            "used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
            None,
            "payment_method",
        )


def _attempt_of(ask: Ask, intent: Json) -> Attempt:
    automatic = intent["automatic_payment_methods"]
    may_redirect = bool(automatic and automatic["allow_redirects"] == "always")
    off_session = bool(ask.get("off_session", False))
    if may_redirect and not off_session and not ask.get("return_url"):
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
            "`never` when creating Setup Intents and Payment Intents.",
            None,
            "return_url",
        )
    return Attempt(
        off_session=off_session,
        return_url=ask.get("return_url"),
        error_on_requires_action=bool(ask.get("error_on_requires_action", False)),
        use_sdk=bool(ask.get("use_stripe_sdk", False)),
    )


def _ensure_amount(amount: int, currency: str) -> None:
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", "parameter_invalid_integer", "amount")
    if amount < LEAST[currency]:
        least = f"{LEAST[currency] / 100:.2f} {currency}"
        raise invalid(f"Amount must be at least {least}", "amount_too_small", "amount")
    if amount > MOST:
        raise invalid("Amount must be no more than 999,999.99", "amount_too_large", "amount")


def _ensure_supported(ask: Ask) -> None:
    for name in _UNSUPPORTED:
        if name in ask.params:
            raise invalid(f"The sandbox does not support `{name}`.", None, name)
