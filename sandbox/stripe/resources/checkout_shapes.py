"""A checkout session as a document: what a new one holds, its line items, and how it is sent."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import invalid
from sandbox.stripe.resources.prices import price_of
from sandbox.stripe.routes import view
from sandbox.stripe.store import Tx


def line_item(tx: Tx, given: Json, param: str) -> Json:
    """What a line of the request means."""
    price = price_of(tx, given, param)
    quantity = given.get("quantity", 1)
    if quantity < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", f"{param}[quantity]")
    amount = price["unit_amount"] * quantity
    return {
        "id": tx.new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": tx.get("products", price["product"])["name"],
        "price": price,
        "quantity": quantity,
    }


@view("checkout.session")
def sent_session(tx: Tx, doc: Json) -> Json:
    """With its line items."""
    url = f"/v1/checkout/sessions/{doc['id']}/line_items"
    return {**doc, "line_items": {"object": "list", "data": doc["_items"][:10], "has_more": False, "url": url}}


DETAILS = ("address", "business_name", "email", "individual_name", "name", "phone", "tax_exempt", "tax_ids")
BLANK: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("adaptive_pricing", "after_expiration", "client_secret", "collected_information", "consent"),
            *("consent_collection", "currency_conversion", "discounts", "invoice", "invoice_creation"),
            *("origin_context", "payment_intent", "payment_link", "payment_method_configuration_details"),
            *("permissions", "recovered_from", "saved_payment_method_options", "setup_intent"),
            *("shipping_address_collection", "shipping_cost", "submit_type", "subscription", "wallet_options"),
        )
    ),
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "custom_fields": [],
    "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
    "livemode": False,
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "payment_method_types": ["card"],
    "payment_status": "unpaid",
    "phone_number_collection": {"enabled": False},
    "shipping_options": [],
    "status": "open",
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
}
