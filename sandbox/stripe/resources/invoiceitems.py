"""Invoice items: amounts that wait for a customer's next invoice, and the lines they become."""

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, invalid, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources.invoicing import with_lines
from sandbox.stripe.resources.prices import price_of
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx


@route("POST", "/v1/invoiceitems", "InvoiceItemCreateParams")
def create_item(tx: Tx, ask: Ask) -> Json:
    """Create for the next invoice of the customer, or on a draft named here."""
    customer = tx.get("customers", ask.get("customer") or "", "customer")
    quantity = ask.get("quantity", 1)
    price = _price(tx, ask)
    if price is None and ask.get("amount") is None:
        raise invalid("Missing required param: amount.", "parameter_missing", "amount")
    unit = price["unit_amount"] if price else ask.get("amount")
    period = ask.get("period") or {"start": tx.now, "end": tx.now}
    item = make_item(
        tx,
        {
            "amount": unit * quantity if price else unit,
            "currency": (price or {}).get("currency") or ask.get("currency", "usd"),
            "customer": customer["id"],
            "description": ask.get("description"),
            "metadata": merged_metadata({}, ask.params.get("metadata")),
            "period": period,
            "price": price,
            "quantity": quantity,
            "subscription": ask.get("subscription"),
        },
    )
    if ask.get("invoice"):
        invoice = tx.get("invoices", ask.get("invoice"), "invoice")
        if invoice["status"] != "draft":
            raise refused("This invoice is no longer editable.", "invoice_not_editable", param="invoice")
        item = tx.change("invoiceitems", item["id"], invoice=invoice["id"])
        with_lines(tx, invoice, [line_of(tx, item)])
    return shown(tx, item)


@route("GET", "/v1/invoiceitems/{invoiceitem}", "InvoiceItemRetrieveParams")
def retrieve_item(tx: Tx, ask: Ask) -> Json:
    """One item."""
    return shown(tx, tx.get("invoiceitems", ask.args["invoiceitem"]))


@route("GET", "/v1/invoiceitems", "InvoiceItemListParams")
def list_items(tx: Tx, ask: Ask) -> Json:
    """Newest first; by customer, invoice, and whether they still wait (`pending`)."""
    found = tx.where("invoiceitems", customer=ask.get("customer"), invoice=ask.get("invoice"))
    pending = ask.get("pending")
    return page(tx, ask, (doc for doc in found if pending is None or (doc["invoice"] is None) == pending))


@route("DELETE", "/v1/invoiceitems/{invoiceitem}", "InvoiceItemDeleteParams")
def delete_item(tx: Tx, ask: Ask) -> Json:
    """Take away one that no invoice has yet."""
    item = tx.get("invoiceitems", ask.args["invoiceitem"])
    if item["invoice"]:
        raise StripeError(400, "This invoice item is on an invoice and cannot be deleted.", "invoice_not_editable")
    tx.remove("invoiceitems", item["id"])
    tx.emit("invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def make_item(tx: Tx, given: Json) -> Json:
    """Store an item; `given`: amount, currency, customer, description, period, price, quantity, subscription ..."""
    price, quantity = given.get("price"), given.get("quantity", 1)
    unit = price["unit_amount"] if price else given["amount"]
    owner = given.get("subscription")
    pricing = {"price": price["id"], "product": price["product"]} if price else None
    item = tx.put(
        "invoiceitems",
        {
            "id": tx.new_id("ii"),
            "object": "invoiceitem",
            "amount": given["amount"],
            "currency": given["currency"],
            "customer": given["customer"],
            "date": tx.now,
            "description": given.get("description"),
            "discountable": not given.get("proration", False),
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": given.get("metadata", {}),
            "net_amount": given["amount"],
            "parent": owner
            and {
                "subscription_details": {"subscription": owner, "subscription_item": given.get("subscription_item")},
                "type": "subscription_details",
            },
            "period": {"start": given["period"]["start"], "end": given["period"]["end"]},
            "pricing": pricing
            and {"price_details": pricing, "type": "price_details", "unit_amount_decimal": str(unit)},
            "proration": given.get("proration", False),
            "quantity": quantity,
            "quantity_decimal": str(quantity),
            "tax_rates": [],
            "test_clock": None,
            "_subscription": owner,
            "_subscription_item": given.get("subscription_item"),
        },
    )
    if owner and not given.get("subscription_item"):
        item = tx.change(
            "invoiceitems",
            item["id"],
            parent={"subscription_details": {"subscription": owner}, "type": "subscription_details"},
        )
    tx.emit("invoiceitem.created", item)
    return item


def waiting_lines(tx: Tx, customer: str, currency: str, subscription: str | None) -> list[tuple[str, Json]]:
    """(item id, line) of what waits for this customer: of the subscription, or of none."""
    found = [
        doc
        for doc in tx.where("invoiceitems", customer=customer)
        if doc["invoice"] is None
        and doc["currency"] == currency
        and doc["_subscription"] in ({subscription, None} if subscription else {None})
    ]
    return [(doc["id"], line_of(tx, doc)) for doc in reversed(found)]


def take(tx: Tx, invoice: str, waiting: list[tuple[str, Json]]) -> None:
    """These items are on that invoice now."""
    for id, _ in waiting:
        tx.change("invoiceitems", id, invoice=invoice)


def line_of(tx: Tx, item: Json) -> Json:
    """The line that an item becomes."""
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": None},
        "subscription": item["_subscription"],
    }
    return line(
        tx,
        {
            "amount": item["amount"],
            "currency": item["currency"],
            "description": item["description"],
            "metadata": item["metadata"],
            "period": item["period"],
            "pricing": item["pricing"],
            "quantity": item["quantity"],
            "subscription": item["_subscription"],
            "parent": {
                "invoice_item_details": details,
                "subscription_item_details": None,
                "type": "invoice_item_details",
            },
        },
    )


def line(tx: Tx, given: Json) -> Json:
    """One line of an invoice."""
    return {
        "id": tx.new_id("il"),
        "object": "line_item",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity_decimal": str(given["quantity"]),
        "subtotal": given["amount"],
        "taxes": [],
        **given,
    }


def _price(tx: Tx, ask: Ask) -> Json | None:
    if ask.get("price_data"):
        return price_of(tx, {"price_data": ask.get("price_data")}, "price_data")
    named = ask.get("pricing", {}).get("price")
    return price_of(tx, {"price": named}, "pricing") if named else None
