"""A subscription as a document: what a new one holds, its items with their periods and lines, and how it is sent."""

from dataclasses import dataclass, field

from sandbox.stripe import Json
from sandbox.stripe.errors import refused
from sandbox.stripe.resources.invoiceitems import line
from sandbox.stripe.routes import view
from sandbox.stripe.store import Tx


@dataclass(frozen=True)
class Beginning:
    """What a new subscription is made of; `lines` are (price, quantity, metadata)."""

    customer: str
    lines: list[tuple[Json, int, Json]]
    trial_end: int | None = None
    payment_behavior: str = "allow_incomplete"
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    off_session: bool = True
    more: Json = field(default_factory=dict)


def items_of(tx: Tx, id: str) -> list[Json]:
    """The items, oldest first."""
    return [*reversed([*tx.where("subscription_items", subscription=id)])]


def period_of(tx: Tx, id: str) -> tuple[int, int]:
    """The current period."""
    first = items_of(tx, id)[0]
    return first["current_period_start"], first["current_period_end"]


def add_item(tx: Tx, sub: Json, price: Json, quantity: int, metadata: Json, period: tuple[int, int]) -> Json:
    """One more item; all of a subscription share currency and interval here."""
    if price["recurring"] is None:
        raise refused("The price specified is set to `type=one_time` but this field only accepts `type=recurring`.")
    others = items_of(tx, sub["id"])
    same = ("interval", "interval_count")
    if others and any(others[0]["price"]["recurring"][name] != price["recurring"][name] for name in same):
        raise refused("The sandbox bills all items of a subscription by one interval.")
    return tx.put(
        "subscription_items",
        {
            "id": tx.new_id("si"),
            "object": "subscription_item",
            "billing_thresholds": None,
            "created": tx.now,
            "current_period_end": period[1],
            "current_period_start": period[0],
            "discounts": [],
            "metadata": metadata,
            "price": price,
            "quantity": quantity,
            "subscription": sub["id"],
            "tax_rates": [],
        },
    )


def item_line(tx: Tx, sub: Json, item: Json) -> Json:
    """The line of an item for its current period; nothing to pay while in trial."""
    price, trial = item["price"], sub["status"] == "trialing"
    unit = 0 if trial else price["unit_amount"]
    product = tx.get("products", price["product"])
    interval = price["recurring"]["interval"]
    text = f"Trial period for {product['name']}" if trial else f"{item['quantity']} × {product['name']} (at "
    if not trial:
        text += f"{price['unit_amount'] / 100:.2f} / {interval})"
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": sub["id"],
        "subscription_item": item["id"],
    }
    return line(
        tx,
        {
            "amount": unit * item["quantity"],
            "currency": sub["currency"],
            "description": text,
            "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
            "parent": {"invoice_item_details": None, "subscription_item_details": details, "type": _ITEM},
            "pricing": {
                "price_details": {"price": price["id"], "product": price["product"]},
                "type": "price_details",
                "unit_amount_decimal": str(unit),
            },
            "quantity": item["quantity"],
            "subscription": sub["id"],
        },
    )


@view("subscription")
def sent_subscription(tx: Tx, doc: Json) -> Json:
    """With its items."""
    items = items_of(tx, doc["id"])
    url = f"/v1/subscription_items?subscription={doc['id']}"
    return {**doc, "items": {"object": "list", "data": items, "has_more": False, "url": url}}


_ITEM = "subscription_item_details"
TRIAL: Json = {"end_behavior": {"missing_payment_method": "create_invoice"}}
BLANK: Json = {
    **dict.fromkeys(
        (
            *("application", "application_fee_percent", "billing_cycle_anchor_config", "billing_thresholds"),
            *("cancel_at", "canceled_at", "default_payment_method", "default_source", "description", "ended_at"),
            *("latest_invoice", "next_pending_invoice_item_invoice", "on_behalf_of", "pause_collection"),
            *("pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule", "test_clock"),
            "transfer_data",
        )
    ),
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
    "billing_schedules": [],
    "cancel_at_period_end": False,
    "cancellation_details": {"comment": None, "feedback": None, "reason": None},
    "default_tax_rates": [],
    "discounts": [],
    "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
    "livemode": False,
    "metadata": {},
    "payment_settings": {
        "payment_method_options": None,
        "payment_method_types": None,
        "save_default_payment_method": "off",
    },
    "trial_settings": TRIAL,
}
