"""Charges: made by payment intents (and, on connected accounts, by transfers); read by everybody."""

from sandbox.stripe import Json
from sandbox.stripe.cards import Card, Decline, hold_seconds
from sandbox.stripe.ledger import card_money_at, fee_of, post
from sandbox.stripe.present import merged_metadata, page, shown, sublist
from sandbox.stripe.routes import Ask, includable, route
from sandbox.stripe.store import Tx


@route("GET", "/v1/charges/{charge}", "ChargeRetrieveParams")
def retrieve_charge(tx: Tx, ask: Ask) -> Json:
    """One charge."""
    return shown(tx, tx.get("charges", ask.args["charge"]))


@route("GET", "/v1/charges", "ChargeListParams")
def list_charges(tx: Tx, ask: Ask) -> Json:
    """By customer, payment_intent, transfer_group."""
    filters = {name: ask.get(name) for name in ("payment_intent", "customer", "transfer_group")}
    return page(tx, ask, tx.where("charges", **filters))


@route("POST", "/v1/charges/{charge}", "ChargeUpdateParams")
def update_charge(tx: Tx, ask: Ask) -> Json:
    """Description, metadata, receipt_email, transfer_group."""
    charge = tx.get("charges", ask.args["charge"])
    plain = ("description", "receipt_email", "transfer_group", "fraud_details")
    changes = {name: ask.get(name) for name in plain if name in ask.params}
    changes["metadata"] = merged_metadata(charge["metadata"], ask.params.get("metadata"))
    charge = tx.change("charges", charge["id"], **changes)
    tx.emit("charge.updated", charge)
    return shown(tx, charge)


@includable("charge", "refunds")
def refunds_of(tx: Tx, charge: Json) -> Json:
    """The refunds of a charge, sent where `expand[]` asks."""
    return sublist(tx, tx.where("refunds", charge=charge["id"]), f"/v1/charges/{charge['id']}/refunds")


def new_charge(tx: Tx, intent: Json, method: Json, *, decline: Decline | None, merchant_initiated: bool) -> Json:
    """The charge of one attempt: failed with `decline`, else authorized or (automatic capture) captured at once."""
    manual = intent["capture_method"] == "manual"
    brand = method["card"]["brand"]
    expires = tx.now + hold_seconds(brand, merchant_initiated) if manual and decline is None else None
    charge = tx.put(
        "charges",
        blank_charge(tx, tx.new_id("ch"), intent["amount"], intent["currency"])
        | {
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "customer": intent["customer"],
            "description": intent["description"],
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "metadata": intent["metadata"],
            "outcome": _outcome(decline),
            "paid": decline is None,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"card": _card_details(method, intent["amount"], expires), "type": "card"},
            "receipt_email": intent["receipt_email"],
            "shipping": intent["shipping"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "failed" if decline else "succeeded",
            "transfer_group": intent["transfer_group"],
            "_card": method["_card"],
        },
    )
    if decline:
        tx.emit("charge.failed", charge)
    elif manual:
        tx.emit("charge.succeeded", charge)
    return charge


def capture_charge(tx: Tx, charge: Json, amount: int, card: Card, *, event: str) -> Json:
    """Take `amount` of an authorized charge; what is left is released. Posts it to the balance."""
    settles = tx.now if card.after == "bypass_pending" else card_money_at(tx)
    entry = post(
        tx,
        type="charge",
        amount=amount,
        fee=fee_of(amount),
        source=charge["id"],
        available_on=settles,
        description=charge["description"],
        currency=charge["currency"],
    )
    charge = tx.change("charges", charge["id"], captured=True, amount_captured=amount, balance_transaction=entry["id"])
    tx.emit(event, charge)
    if card.after in {"dispute", "inquiry"}:
        tx.at_time(tx.now, "open_dispute", charge["id"])
    return charge


def blank_charge(tx: Tx, id: str, amount: int, currency: str) -> Json:
    """A charge with every field there."""
    return {
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": None,
        "captured": False,
        "created": tx.now,
        "currency": currency,
        "customer": None,
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": None,
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _card_details(method: Json, amount: int, capture_before: int | None) -> Json:
    card = method["card"]
    details: Json = {
        "amount_authorized": amount,
        "authorization_code": None,
        "brand": card["brand"],
        "checks": card["checks"],
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
    if capture_before is not None:
        details["capture_before"] = capture_before
    return details


def _outcome(decline: Decline | None) -> Json:
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": decline.advice,
        "network_advice_code": None,
        "network_decline_code": decline.network,
        "network_status": "not_sent_to_network" if decline.is_blocked else "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "highest" if decline.is_blocked else "normal",
        "risk_score": 92 if decline.is_blocked else 12,
        "seller_message": "Stripe blocked this payment as too risky."
        if decline.is_blocked
        else "The bank did not return any further details with this decline.",
        "type": "blocked" if decline.is_blocked else "issuer_declined",
    }
