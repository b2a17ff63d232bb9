"""Payment methods: cards only. A `pm_card_*` name becomes a payment method of its own wherever it is used."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.stripe import Json
from sandbox.stripe.cards import CARDS, DECLINES, NUMBERS, card_fields, card_named, card_of
from sandbox.stripe.errors import StripeError, invalid, missing, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, control, route
from sandbox.stripe.store import Tx

if TYPE_CHECKING:
    from sandbox.stripe.sandbox import Sandbox

_BILLING = ("address", "email", "name", "phone", "tax_id")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


@route("POST", "/v1/payment_methods", "PaymentMethodCreateParams")
def create_method(tx: Tx, ask: Ask) -> Json:
    """From a test number or a token."""
    given = ask.get("card")
    if ask.get("type") != "card" or not given:
        raise invalid("The sandbox takes cards only: type=card and card[number] or card[token].", None, "type")
    return shown(tx, _from_card(tx, given, ask))


@route("GET", "/v1/payment_methods/{payment_method}", "PaymentMethodRetrieveParams")
def retrieve_method(tx: Tx, ask: Ask) -> Json:
    """One."""
    return shown(tx, tx.get("payment_methods", ask.args["payment_method"]))


@route("POST", "/v1/payment_methods/{payment_method}", "PaymentMethodUpdateParams")
def update_method(tx: Tx, ask: Ask) -> Json:
    """Metadata, billing details, expiry."""
    method = tx.get("payment_methods", ask.args["payment_method"])
    changes: Json = {"metadata": merged_metadata(method["metadata"], ask.params.get("metadata"))}
    if ask.get("billing_details"):
        changes["billing_details"] = billing_details(method["billing_details"], ask.get("billing_details"))
    if ask.get("card"):
        expiry = {name: value for name, value in ask.get("card").items() if name in {"exp_month", "exp_year"}}
        changes["card"] = {**method["card"], **expiry}
    method = tx.change("payment_methods", method["id"], **changes)
    tx.emit("payment_method.updated", method)
    return shown(tx, method)


@route("GET", "/v1/payment_methods", "PaymentMethodListParams")
def list_methods(tx: Tx, ask: Ask) -> Json:
    """Of a customer, by type."""
    return page(tx, ask, tx.where("payment_methods", customer=ask.get("customer"), type=ask.get("type")))


@route("GET", "/v1/customers/{customer}/payment_methods", "CustomerPaymentMethodListParams")
def list_customer_methods(tx: Tx, ask: Ask) -> Json:
    """The same, under its customer."""
    tx.get("customers", ask.args["customer"], "customer")
    return page(tx, ask, tx.where("payment_methods", customer=ask.args["customer"], type=ask.get("type")))


@route("GET", "/v1/customers/{customer}/payment_methods/{payment_method}", "CustomerPaymentMethodRetrieveParams")
def retrieve_customer_method(tx: Tx, ask: Ask) -> Json:
    """One of this customer's."""
    method = tx.get("payment_methods", ask.args["payment_method"], "payment_method")
    if method["customer"] != ask.args["customer"]:
        raise missing("PaymentMethod", method["id"], "payment_method")
    return shown(tx, method)


@route("POST", "/v1/payment_methods/{payment_method}/attach", "PaymentMethodAttachParams")
def attach_method(tx: Tx, ask: Ask) -> Json:
    """Save a card; cards that decline outright cannot be."""
    return shown(tx, attach(tx, resolve(tx, ask.args["payment_method"]), ask.get("customer")))


@route("POST", "/v1/payment_methods/{payment_method}/detach", "PaymentMethodDetachParams")
def detach_method(tx: Tx, ask: Ask) -> Json:
    """Forget a card; it can never be used again."""
    method = tx.get("payment_methods", ask.args["payment_method"])
    if method["customer"] is None:
        raise refused("The payment method you provided is not attached to a customer so detachment is impossible.")
    owner = method["customer"]
    method = tx.change("payment_methods", method["id"], customer=None, _used=True)
    customer = tx.find("customers", owner)
    if customer and customer["invoice_settings"]["default_payment_method"] == method["id"]:
        settings = {**customer["invoice_settings"], "default_payment_method": None}
        tx.change("customers", owner, invoice_settings=settings)
    tx.emit("payment_method.detached", method, {"customer": owner})
    return shown(tx, method)


def resolve(tx: Tx, id: str, param: str = "payment_method") -> Json:
    """The payment method of an id; a test name (`pm_card_visa`) becomes a fresh one."""
    card = card_named(id.removeprefix("pm_card_")) if id.startswith("pm_card_") else None
    if card is None:
        return tx.get("payment_methods", id, param)
    name = next(name for name, known in CARDS.items() if known is card)
    return new_method(tx, name)


def new_method(tx: Tx, card: str, billing: Json | None = None, metadata: Any = None) -> Json:
    """A card as it is before it belongs to anybody."""
    return tx.put(
        "payment_methods",
        {
            "id": tx.new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": billing_details({}, billing or {}),
            "card": card_fields(card, datetime.fromtimestamp(tx.at, UTC).year),
            "created": tx.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": merged_metadata({}, metadata),
            "type": "card",
            "_card": card,
            "_used": False,
            "_set_up": False,
        },
    )


def attach(tx: Tx, method: Json, customer: str | None) -> Json:
    """Give the card to a customer; raises a card error for cards that fail at once."""
    if not customer:
        raise invalid("Missing required param: customer.", "parameter_missing", "customer")
    tx.get("customers", customer, "customer")
    if method["customer"] == customer:
        return method
    if method["customer"] or method["_used"]:
        raise refused(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again."
            if method["_used"]
            else "The payment method you provided has already been attached to a customer."
        )
    card = card_of(method)
    if not card.attaches and card.declines:
        decline = DECLINES[card.declines]
        raise StripeError(
            402, decline.message, decline.code, type="card_error", payment_method=shown(tx, method), **decline.fields()
        )
    method = tx.change("payment_methods", method["id"], customer=customer)
    tx.emit("payment_method.attached", method)
    return method


def billing_details(before: Json, given: Json) -> Json:
    """Billing details with every field there."""
    details = {name: given.get(name, before.get(name)) or None for name in _BILLING}
    address = details["address"] or {}
    details["address"] = {name: address.get(name) or None for name in _ADDRESS}
    return details


@control("POST", "payment_methods/{id}")
def set_outcome(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """`{outcome: ok | authentication_required | a decline code | null, times: n}`: what a saved card does from now on.

    With `times` only the next n charges; null makes it its test card again.
    """
    account, collection = sandbox.store.whereabouts(args["id"]) or ("", "")
    if collection != "payment_methods":
        raise missing("PaymentMethod", args["id"])
    outcome = body.get("outcome")
    if outcome not in {None, "ok", *DECLINES}:
        raise StripeError(400, f"outcome must be ok or one of {', '.join(DECLINES)}")
    with sandbox.tx(account, "control: outcome") as tx:
        override = {"outcome": outcome, "times": body.get("times")} if outcome else None
        return shown(tx, tx.change("payment_methods", args["id"], _outcome=override))


@control("POST", "payment_methods/{id}/update")
def update_automatically(sandbox: "Sandbox", args: Json, body: Json) -> Json:
    """The network sends a new card for an old one: `payment_method.automatically_updated`; declines end."""
    account, collection = sandbox.store.whereabouts(args["id"]) or ("", "")
    if collection != "payment_methods":
        raise missing("PaymentMethod", args["id"])
    with sandbox.tx(account, "control: automatically_updated") as tx:
        before = tx.get("payment_methods", args["id"])["card"]
        card = {**before, "exp_year": before["exp_year"] + 4}
        method = tx.change("payment_methods", args["id"], card=card, _outcome={"outcome": "ok", "times": None})
        tx.emit("payment_method.automatically_updated", method, {"card": {"exp_year": before["exp_year"]}})
        return shown(tx, method)


def _from_card(tx: Tx, given: Json, ask: Ask) -> Json:
    if "token" in given:
        card = card_named(given["token"].removeprefix("tok_"))
        if card is None:
            raise invalid(f"No such token: '{given['token']}'", "resource_missing", "card[token]")
        name = next(name for name, known in CARDS.items() if known is card)
        return new_method(tx, name, ask.get("billing_details"), ask.params.get("metadata"))
    if given.get("number") not in NUMBERS:
        raise StripeError(
            402, "Your card number is incorrect.", "incorrect_number", type="card_error", param="number", stored=False
        )
    method = new_method(tx, NUMBERS[given["number"]], ask.get("billing_details"), ask.params.get("metadata"))
    expiry = {name: given[name] for name in ("exp_month", "exp_year") if name in given}
    return tx.change("payment_methods", method["id"], card={**method["card"], **expiry})
