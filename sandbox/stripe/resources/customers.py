"""Customers."""

from sandbox.stripe import Json
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx, digest

_PLAIN = ("name", "email", "phone", "description", "business_name", "individual_name")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


@route("POST", "/v1/customers", "CustomerCreateParams")
def create_customer(tx: Tx, ask: Ask) -> Json:
    """Create; a payment_method given here is attached."""
    id = tx.new_id("cus")
    customer = tx.put(
        "customers",
        {
            "id": id,
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": tx.now,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "email": None,
            "invoice_prefix": digest(id, length=8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
    )
    customer = tx.put("customers", _with(tx, customer, ask))
    tx.emit("customer.created", customer)
    return shown(tx, customer)


@route("GET", "/v1/customers/{customer}", "CustomerRetrieveParams")
def retrieve_customer(tx: Tx, ask: Ask) -> Json:
    """One customer; a deleted one as `{id, object, deleted}`."""
    return shown(tx, tx.get("customers", ask.args["customer"]))


@route("POST", "/v1/customers/{customer}", "CustomerUpdateParams")
def update_customer(tx: Tx, ask: Ask) -> Json:
    """Change what is given."""
    customer = tx.put("customers", _with(tx, tx.get("customers", ask.args["customer"]), ask))
    tx.emit("customer.updated", customer)
    return shown(tx, customer)


@route("GET", "/v1/customers", "CustomerListParams")
def list_customers(tx: Tx, ask: Ask) -> Json:
    """Newest first; by email."""
    return page(tx, ask, tx.where("customers", email=ask.get("email")))


def _with(tx: Tx, customer: Json, ask: Ask) -> Json:
    changed = {name: ask.get(name) for name in _PLAIN if name in ask.params}
    changed["metadata"] = merged_metadata(customer["metadata"], ask.params.get("metadata"))
    if "address" in ask.params:
        address = ask.get("address")
        changed["address"] = {field: address.get(field) for field in _ADDRESS} if address else None
    settings = ask.get("invoice_settings", {})
    if "default_payment_method" in settings:
        method = settings["default_payment_method"] or None
        if method:
            tx.get("payment_methods", method, "invoice_settings[default_payment_method]")
        changed["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": method}
    return {**customer, **changed}
