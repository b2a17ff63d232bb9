"""Prices: integer cents, once or for each period."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import invalid, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx


@route("POST", "/v1/prices", "PriceCreateParams")
def create_price(tx: Tx, ask: Ask) -> Json:
    """Create, for a product or with one (`product_data`)."""
    return shown(tx, make_price(tx, ask.params))


@route("GET", "/v1/prices/{price}", "PriceRetrieveParams")
def retrieve_price(tx: Tx, ask: Ask) -> Json:
    """One price."""
    return shown(tx, tx.get("prices", ask.args["price"], "price"))


@route("POST", "/v1/prices/{price}", "PriceUpdateParams")
def update_price(tx: Tx, ask: Ask) -> Json:
    """Change what is given; never the amount."""
    price = tx.get("prices", ask.args["price"], "price")
    named = ("active", "nickname", "tax_behavior")
    changed: Json = {name: ask.get(name) for name in named if name in ask.params}
    if "lookup_key" in ask.params:
        changed["lookup_key"] = _lookup_key(tx, ask.get("lookup_key"), transfer=bool(ask.get("transfer_lookup_key")))
    metadata = merged_metadata(price["metadata"], ask.params.get("metadata"))
    price = tx.put("prices", {**price, **changed, "metadata": metadata})
    tx.emit("price.updated", price)
    return shown(tx, price)


@route("GET", "/v1/prices", "PriceListParams")
def list_prices(tx: Tx, ask: Ask) -> Json:
    """Newest first; by product, lookup keys, activity, type, currency and interval."""
    keys, interval = ask.get("lookup_keys"), ask.get("recurring", {}).get("interval")
    found = tx.where(
        "prices",
        product=ask.get("product"),
        active=ask.get("active"),
        type=ask.get("type"),
        currency=ask.get("currency"),
    )
    return page(
        tx,
        ask,
        (
            doc
            for doc in found
            if (not keys or doc["lookup_key"] in keys)
            and (not interval or (doc["recurring"] or {}).get("interval") == interval)
        ),
    )


def make_price(tx: Tx, given: dict[str, Any]) -> Json:
    """A price from `prices.create` parameters or from an inline `price_data`."""
    amount = _amount(given)
    product = given.get("product") or _inline_product(tx, given.get("product_data"))
    tx.get("products", product, "product")
    recurring = given.get("recurring")
    price = tx.put(
        "prices",
        {
            "id": tx.new_id("price"),
            "object": "price",
            "active": given.get("active", True),
            "billing_scheme": "per_unit",
            "created": tx.now,
            "currency": given["currency"].lower(),
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": _lookup_key(tx, given.get("lookup_key"), transfer=bool(given.get("transfer_lookup_key"))),
            "metadata": merged_metadata({}, given.get("metadata")),
            "nickname": given.get("nickname"),
            "product": product,
            "recurring": recurring
            and {
                "interval": recurring["interval"],
                "interval_count": recurring.get("interval_count", 1),
                "meter": None,
                "trial_period_days": recurring.get("trial_period_days"),
                "usage_type": recurring.get("usage_type", "licensed"),
            },
            "tax_behavior": given.get("tax_behavior", "unspecified"),
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "recurring" if recurring else "one_time",
            "unit_amount": amount,
            "unit_amount_decimal": str(amount),
        },
    )
    tx.emit("price.created", price)
    return price


def price_of(tx: Tx, item: dict[str, Any], param: str) -> Json:
    """The price that a line names (`price`) or describes (`price_data`); an inactive one is refused."""
    if item.get("price_data"):
        return make_price(tx, item["price_data"])
    id = item.get("price")
    if not id:
        raise invalid(f"Missing required param: {param}[price].", "parameter_missing", f"{param}[price]")
    price = tx.get("prices", id, f"{param}[price]")
    if not price["active"]:
        raise refused(f"The price specified is inactive: {id}.", param=f"{param}[price]")
    return price


def _amount(given: dict[str, Any]) -> int:
    if given.get("billing_scheme") == "tiered" or given.get("custom_unit_amount"):
        raise refused("The sandbox knows prices per unit only.", param="billing_scheme")
    amount = given.get("unit_amount")
    if amount is None and given.get("unit_amount_decimal") not in {None, ""}:
        text = str(given["unit_amount_decimal"])
        if not text.isdigit():
            raise refused("The sandbox knows whole cents only.", param="unit_amount_decimal")
        amount = int(text)
    if amount is None:
        raise invalid("Missing required param: unit_amount.", "parameter_missing", "unit_amount")
    if amount < 0:
        raise invalid("Invalid non-negative integer", "parameter_invalid_integer", "unit_amount")
    return int(amount)


def _inline_product(tx: Tx, given: dict[str, Any] | None) -> str:
    # Here and not at the top: a product may bring its default price, a price may bring its product.
    from sandbox.stripe.resources.products import make_product

    if not given:
        raise invalid("You must specify either `product` or `product_data`.", "parameter_missing", "product")
    return str(make_product(tx, Ask("POST", "/v1/products", given))["id"])


def _lookup_key(tx: Tx, key: str | None, *, transfer: bool) -> str | None:
    if not key:
        return None
    holder = next(tx.where("prices", lookup_key=key), None)
    if holder and not transfer:
        raise refused(f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key")
    if holder:
        tx.change("prices", holder["id"], lookup_key=None)
    return key
