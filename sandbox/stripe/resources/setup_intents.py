"""Setup intents: a card saved without a charge."""

from sandbox.stripe import Json
from sandbox.stripe.cards import DECLINES, card_of
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.hosted import link
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources.intents import ensure_usable
from sandbox.stripe.resources.payment_methods import attach, new_method, resolve
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx, digest

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@route("POST", "/v1/setup_intents", "SetupIntentCreateParams")
def create_setup(tx: Tx, ask: Ask) -> Json:
    """Create, and with `confirm` try at once."""
    id = tx.new_id("seti")
    types = ask.get("allowed_payment_method_types")
    automatic = ask.get("automatic_payment_methods", {} if types else {"enabled": True})
    setup: Json = {
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": types,
        "application": None,
        "automatic_payment_methods": {
            "allow_redirects": automatic.get("allow_redirects", "always"),
            "enabled": True,
        }
        if automatic.get("enabled")
        else None,
        "cancellation_reason": None,
        "client_secret": f"{id}_secret_{digest(tx.store.seed, id, 'secret', length=25)}",
        "created": tx.now,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": ask.get("usage", "off_session"),
    }
    tx.put("setup_intents", setup)
    setup = tx.change("setup_intents", id, **_changes(tx, ask, setup))
    tx.emit("setup_intent.created", setup)
    return shown(tx, _confirmed(tx, setup, ask) if ask.get("confirm") else setup)


@route("GET", "/v1/setup_intents/{intent}", "SetupIntentRetrieveParams")
def retrieve_setup(tx: Tx, ask: Ask) -> Json:
    """One."""
    return shown(tx, tx.get("setup_intents", ask.args["intent"], "intent"))


@route("GET", "/v1/setup_intents", "SetupIntentListParams")
def list_setups(tx: Tx, ask: Ask) -> Json:
    """By customer, payment_method."""
    filters = {"customer": ask.get("customer"), "payment_method": ask.get("payment_method")}
    return page(tx, ask, tx.where("setup_intents", **filters))


@route("POST", "/v1/setup_intents/{intent}", "SetupIntentUpdateParams")
def update_setup(tx: Tx, ask: Ask) -> Json:
    """Before it has succeeded; metadata at any time."""
    setup = tx.get("setup_intents", ask.args["intent"], "intent")
    changes = _changes(tx, ask, setup)
    if changes.keys() - {"metadata", "description"}:
        _ensure_open(tx, setup)
    return shown(tx, tx.change("setup_intents", setup["id"], **changes))


@route("POST", "/v1/setup_intents/{intent}/confirm", "SetupIntentConfirmParams")
def confirm_setup(tx: Tx, ask: Ask) -> Json:
    """Save the card; or ask the customer to authenticate."""
    setup = tx.get("setup_intents", ask.args["intent"], "intent")
    _ensure_open(tx, setup)
    changes = _changes(tx, ask, setup)
    setup = tx.change("setup_intents", setup["id"], **changes) if changes else setup
    return shown(tx, _confirmed(tx, setup, ask))


@route("POST", "/v1/setup_intents/{intent}/cancel", "SetupIntentCancelParams")
def cancel_setup(tx: Tx, ask: Ask) -> Json:
    """Give it up."""
    setup = tx.get("setup_intents", ask.args["intent"], "intent")
    _ensure_open(tx, setup)
    reason = ask.get("cancellation_reason")
    setup = tx.change("setup_intents", setup["id"], status="canceled", cancellation_reason=reason, next_action=None)
    tx.emit("setup_intent.canceled", setup)
    return shown(tx, setup)


def authenticated_setup(tx: Tx, setup: Json, *, ok: bool) -> Json:
    """The customer went through (or failed) the bank's page."""
    method = tx.get("payment_methods", setup["payment_method"])
    if ok:
        return _succeeded(tx, setup, method)
    error: Json = {
        "type": "invalid_request_error",
        "code": "setup_intent_authentication_failure",
        "message": "The latest attempt to set up the payment method has failed because authentication failed.",
        "payment_method": shown(tx, method),
    }
    return _failed(tx, setup, error)


def _confirmed(tx: Tx, setup: Json, ask: Ask) -> Json:
    automatic = setup["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and not ask.get("return_url"):
        raise invalid(
            "This SetupIntent is configured to accept payment methods enabled in your Dashboard. Because some of these "
            "payment methods might redirect your customer off of your page, you must provide a `return_url`.",
            None,
            "return_url",
        )
    if setup["payment_method"] is None:
        raise _state_error(tx, setup, "You cannot confirm this SetupIntent because it's missing a payment method.")
    method = tx.get("payment_methods", setup["payment_method"])
    card = card_of(method)
    if card.declines and not card.attaches:
        decline = DECLINES[card.declines]
        error = StripeError(402, decline.message, decline.code, type="card_error", keeps=True, **decline.fields())
        error.error["payment_method"] = shown(tx, method)
        setup = _failed(tx, setup, dict(error.error))
        error.error["setup_intent"] = shown(tx, setup)
        raise error
    if card.authentication is None:
        return _succeeded(tx, setup, method)
    url = link(tx, f"/authenticate/{setup['client_secret']}")
    action: Json = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": ask.get("return_url")}}
    if not ask.get("return_url"):
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}
    setup = tx.change("setup_intents", setup["id"], status="requires_action", next_action=action)
    tx.emit("setup_intent.requires_action", setup)
    return setup


def _succeeded(tx: Tx, setup: Json, method: Json) -> Json:
    if setup["customer"] and method["customer"] is None:
        method = attach(tx, method, setup["customer"])
    tx.change("payment_methods", method["id"], _set_up=True)
    setup = tx.change("setup_intents", setup["id"], status="succeeded", next_action=None, last_setup_error=None)
    tx.emit("setup_intent.succeeded", setup)
    return setup


def _failed(tx: Tx, setup: Json, error: Json) -> Json:
    setup = tx.change(
        "setup_intents",
        setup["id"],
        status="requires_payment_method",
        payment_method=None,
        last_setup_error=error,
        next_action=None,
    )
    tx.emit("setup_intent.setup_failed", setup)
    return setup


def _changes(tx: Tx, ask: Ask, setup: Json) -> Json:
    changes: Json = {"description": ask.get("description")} if "description" in ask.params else {}
    if "metadata" in ask.params:
        changes["metadata"] = merged_metadata(setup["metadata"], ask.params["metadata"])
    if ask.get("customer"):
        changes["customer"] = tx.get("customers", ask.get("customer"), "customer")["id"]
    options = (ask.get("payment_method_options") or {}).get("card") or {}
    if options:
        changes["payment_method_options"] = {"card": {**setup["payment_method_options"]["card"], **options}}
    if ask.get("payment_method_data"):
        method = new_method(tx, "visa", ask.get("payment_method_data").get("billing_details"))
    elif ask.get("payment_method"):
        method = resolve(tx, ask.get("payment_method"))
    else:
        return changes
    ensure_usable(method, changes.get("customer", setup["customer"]))
    changes["payment_method"] = method["id"]
    if setup["status"] == "requires_payment_method":
        changes["status"] = "requires_confirmation"
    return changes


def _ensure_open(tx: Tx, setup: Json) -> None:
    if setup["status"] not in _OPEN:
        raise _state_error(
            tx, setup, f"You cannot change this SetupIntent because it has a status of {setup['status']}."
        )


def _state_error(tx: Tx, setup: Json, message: str) -> StripeError:
    return StripeError(400, message, "setup_intent_unexpected_state", setup_intent=shown(tx, setup))
