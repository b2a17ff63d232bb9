"""An invoice as a document: what a new one holds, its payments, and how it is sent."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.present import sublist
from sandbox.stripe.routes import view
from sandbox.stripe.store import Tx


@dataclass(frozen=True)
class Draft:
    """What an invoice is made of."""

    customer: str
    currency: str
    reason: str
    lines: list[Json] = field(default_factory=list)
    subscription: str | None = None
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    auto_advance: bool = True
    period: tuple[int, int] | None = None
    more: Json = field(default_factory=dict)


def record(tx: Tx, invoice: Json, intent: Json) -> Json:
    """The invoice payment of an attempt: one for each payment intent."""
    paid = intent["status"] == "succeeded"
    before = next(tx.where("invoice_payments", invoice=invoice["id"], _intent=intent["id"]), None)
    payment = tx.put(
        "invoice_payments",
        {
            "id": before["id"] if before else tx.new_id("inpay"),
            "object": "invoice_payment",
            "amount_paid": intent["amount"] if paid else None,
            "amount_requested": intent["amount"],
            "created": before["created"] if before else tx.now,
            "currency": intent["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            "status": "paid" if paid else "open",
            "status_transitions": {"canceled_at": None, "paid_at": tx.now if paid else None},
            "_intent": intent["id"],
        },
    )
    if paid:
        tx.emit("invoice_payment.paid", payment)
    return payment


@view("invoice")
def sent_invoice(tx: Tx, doc: Json) -> Json:
    """With its lines, its payments and (open) the secret of its payment intent."""
    lines, url = doc["_lines"], f"/v1/invoices/{doc['id']}"
    intent = tx.find("payment_intents", doc["_intent"])
    secret = {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None
    payments = tx.where("invoice_payments", invoice=doc["id"])
    return {
        **doc,
        "confirmation_secret": secret,
        "lines": {"object": "list", "data": lines[:10], "has_more": len(lines) > 10, "url": f"{url}/lines"},
        "payments": sublist(tx, payments, "/v1/invoice_payments"),
    }


BLANK: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("account_tax_ids", "application", "custom_fields", "customer_shipping", "default_payment_method"),
            *("default_source", "description", "due_date", "effective_at", "ending_balance", "footer", "from_invoice"),
            *("hosted_invoice_url", "invoice_pdf", "last_finalization_error", "latest_revision", "number"),
            *("next_payment_attempt", "on_behalf_of", "receipt_number", "rendering", "shipping_cost"),
            *("shipping_details", "statement_descriptor", "test_clock", "webhooks_delivered_at", "_intent", "_error"),
        )
    ),
    "account_country": "US",
    "account_name": "Sandbox platform",
    "amount_overpaid": 0,
    "amount_paid": 0,
    "amount_paid_off_stripe": 0,
    "amount_shipping": 0,
    "attempt_count": 0,
    "attempted": False,
    "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None},
    "customer_tax_ids": [],
    "default_tax_rates": [],
    "discounts": [],
    "issuer": {"type": "self"},
    "livemode": False,
    "metadata": {},
    "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
    "post_payment_credit_notes_amount": 0,
    "pre_payment_credit_notes_amount": 0,
    "status": "draft",
    "status_transitions": {
        "finalized_at": None,
        "marked_uncollectible_at": None,
        "paid_at": None,
        "voided_at": None,
    },
    "total_discount_amounts": [],
    "total_pretax_credit_amounts": [],
    "total_taxes": [],
}
