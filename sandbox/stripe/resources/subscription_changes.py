"""Another plan or quantity within a period: prorations in whole cents, billed now or with the next invoice."""

from dataclasses import dataclass, field

from sandbox.stripe import Json
from sandbox.stripe.errors import invalid, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources import invoicing
from sandbox.stripe.resources import subscription_cycle as cycle
from sandbox.stripe.resources.billing_periods import period_after, share
from sandbox.stripe.resources.invoiceitems import make_item
from sandbox.stripe.resources.prices import price_of
from sandbox.stripe.resources.subscription_shapes import add_item, items_of, period_of
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx


@dataclass
class Changed:
    """What a change of items did: fields of the subscription, and whether an invoice is due now (and a full one)."""

    fields: Json = field(default_factory=dict)
    bills_now: bool = False
    full: bool = False


def change_items(tx: Tx, sub: Json, items: list[Json], behavior: str) -> Changed:
    """Apply `items[...]` of an update: an id changes or deletes an item, no id adds one."""
    changed = Changed(bills_now=behavior == "always_invoice")
    for place, given in enumerate(items):
        before = _item(tx, sub, given["id"], place) if given.get("id") else None
        interval = _change(tx, sub, (before, given, f"items[{place}]"), behavior)
        changed.full = changed.full or interval
    if changed.full:
        changed.bills_now = True
        changed.fields["billing_cycle_anchor"] = tx.now
    return changed


def charge_changes(tx: Tx, id: str, changed: Changed, payment_behavior: str) -> None:
    """Make and collect the invoice that a change asks for at once."""
    sub = tx.get("subscriptions", id)
    if not changed.bills_now or sub["status"] == "trialing":
        return
    waiting = any(doc["invoice"] is None for doc in tx.where("invoiceitems", _subscription=id))
    if not changed.full and not waiting:
        return
    invoice = cycle.bill(tx, sub, "subscription_update", full=changed.full, at_once=True)
    invoice = invoicing.advance(tx, invoice)
    if payment_behavior == "error_if_incomplete" and invoice["status"] == "open":
        from sandbox.stripe.resources.invoices import payment_refused

        error = payment_refused(invoice, tx)
        error.keeps = False
        raise error


@route("POST", "/v1/subscription_items", "SubscriptionItemCreateParams")
def create_item(tx: Tx, ask: Ask) -> Json:
    """One more item."""
    sub = tx.get("subscriptions", ask.params["subscription"], "subscription")
    known = {item["id"] for item in items_of(tx, sub["id"])}
    _apply(tx, sub, {name: ask.params[name] for name in _ITEM if name in ask.params}, ask)
    return shown(tx, next(item for item in items_of(tx, sub["id"]) if item["id"] not in known))


@route("GET", "/v1/subscription_items", "SubscriptionItemListParams")
def list_items(tx: Tx, ask: Ask) -> Json:
    """Of one subscription."""
    tx.get("subscriptions", ask.params["subscription"], "subscription")
    return page(tx, ask, tx.where("subscription_items", subscription=ask.params["subscription"]))


@route("GET", "/v1/subscription_items/{item}", "SubscriptionItemRetrieveParams")
def retrieve_item(tx: Tx, ask: Ask) -> Json:
    """One item."""
    return shown(tx, tx.get("subscription_items", ask.args["item"]))


@route("POST", "/v1/subscription_items/{item}", "SubscriptionItemUpdateParams")
def update_item(tx: Tx, ask: Ask) -> Json:
    """Another price or quantity."""
    item = tx.get("subscription_items", ask.args["item"])
    sub = tx.get("subscriptions", item["subscription"])
    _apply(tx, sub, {"id": item["id"]} | {name: ask.params[name] for name in _ITEM if name in ask.params}, ask)
    return shown(tx, tx.get("subscription_items", item["id"]))


@route("DELETE", "/v1/subscription_items/{item}", "SubscriptionItemDeleteParams")
def delete_item(tx: Tx, ask: Ask) -> Json:
    """Take it off; the last one stays."""
    item = tx.get("subscription_items", ask.args["item"])
    _apply(tx, tx.get("subscriptions", item["subscription"]), {"id": item["id"], "deleted": True}, ask)
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


_ITEM = ("price", "price_data", "quantity", "metadata")


def _apply(tx: Tx, sub: Json, given: Json, ask: Ask) -> None:
    changed = change_items(tx, sub, [given], ask.get("proration_behavior", "create_prorations"))
    if changed.fields:
        tx.change("subscriptions", sub["id"], **changed.fields)
    tx.emit("customer.subscription.updated", tx.get("subscriptions", sub["id"]))
    charge_changes(tx, sub["id"], changed, ask.get("payment_behavior", "allow_incomplete"))


def _change(tx: Tx, sub: Json, asked: tuple[Json | None, Json, str], behavior: str) -> bool:
    """One item; True if its interval changed, so that a new period begins."""
    before, given, param = asked
    if given.get("deleted"):
        if before is None:
            raise invalid("Missing required param: id.", "parameter_missing", f"{param}[id]")
        if len(items_of(tx, sub["id"])) == 1:
            raise refused("A subscription must have at least one active plan.")
        tx.remove("subscription_items", before["id"])
        _prorate(tx, sub, before, None, behavior)
        return False
    named = given.get("price") or given.get("price_data")
    price = price_of(tx, given, param) if named or before is None else before["price"]
    quantity = given["quantity"] if "quantity" in given else (before or {"quantity": 1})["quantity"]
    if before is None:
        added = add_item(tx, sub, price, quantity, merged_metadata({}, given.get("metadata")), period_of(tx, sub["id"]))
        _prorate(tx, sub, None, added, behavior)
        return False
    if price["recurring"] is None:
        raise refused("This field only accepts prices of `type=recurring`.", param=f"{param}[price]")
    metadata = merged_metadata(before["metadata"], given.get("metadata"))
    after = tx.change("subscription_items", before["id"], price=price, quantity=quantity, metadata=metadata)
    same = ("interval", "interval_count")
    if all(price["recurring"][name] == before["price"]["recurring"][name] for name in same):
        if (price["id"], quantity) != (before["price"]["id"], before["quantity"]):
            _prorate(tx, sub, before, after, behavior)
        return False
    _prorate(tx, sub, before, None, behavior)
    cycle.start_period(tx, sub, tx.now, period_after(tx.now, price, tx.now))
    return True


def _prorate(tx: Tx, sub: Json, before: Json | None, after: Json | None, behavior: str) -> None:
    """Give back the unused rest of the old, charge the rest of the new."""
    if behavior == "none" or sub["status"] == "trialing":
        return
    for item, sign, text in ((before, -1, "Unused time on"), (after, 1, "Remaining time on")):
        if item is None:
            continue
        start, end = item["current_period_start"], item["current_period_end"]
        full = item["price"]["unit_amount"] * item["quantity"]
        name = tx.get("products", item["price"]["product"])["name"]
        make_item(
            tx,
            {
                "amount": sign * share(full, end - tx.now, end - start),
                "currency": sub["currency"],
                "customer": sub["customer"],
                "description": f"{text} {name}",
                "period": {"start": tx.now, "end": end},
                "price": item["price"],
                "proration": True,
                "quantity": item["quantity"],
                "subscription": sub["id"],
                "subscription_item": item["id"],
            },
        )


def _item(tx: Tx, sub: Json, id: str, place: int) -> Json:
    item = tx.find("subscription_items", id)
    if item is None or item["subscription"] != sub["id"]:
        raise invalid(f"No such subscription item: '{id}'", "resource_missing", f"items[{place}][id]")
    return item
