"""The life of an invoice: drafted, finalized, paid or not, retried, void; whoever waits for its outcome is told."""

from collections.abc import Callable

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY, HOUR
from sandbox.stripe.errors import refused
from sandbox.stripe.events import LISTENERS
from sandbox.stripe.hosted import link
from sandbox.stripe.resources import intents
from sandbox.stripe.resources.invoice_shapes import BLANK, Draft, record
from sandbox.stripe.routes import timer
from sandbox.stripe.store import Tx

DUNNING: Json = {"id": "dunning", "retry_days": [3, 5, 7], "after_retries": "cancel"}
"""When a failed payment is tried again (days after each failure), and what becomes of the subscription at the end."""
_NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method."
)
TAX_FAILURE = "customer_tax_location_invalid"
Outcome = Callable[[Tx, Json, str], None]
WATCHERS: list[Outcome] = []
"""Told `(tx, invoice, "paid" | "failed" | "exhausted" | "void" | "uncollectible" | "overdue")`."""


def watcher(handler: Outcome) -> Outcome:
    """Register who is told of an invoice's outcome."""
    WATCHERS.append(handler)
    return handler


def dunning(tx: Tx) -> Json:
    """This account's retry rules."""
    return tx.find("billing_settings", "dunning") or DUNNING


def draft(tx: Tx, wanted: Draft) -> Json:
    """A draft; with auto_advance it finalizes itself an hour later."""
    customer = tx.get("customers", wanted.customer, "customer")
    start, end = wanted.period or (tx.now, tx.now)
    invoice: Json = {
        "id": tx.new_id("in"),
        "object": "invoice",
        **BLANK,
        "auto_advance": wanted.auto_advance,
        "automatically_finalizes_at": tx.now + HOUR if wanted.auto_advance else None,
        "billing_reason": wanted.reason,
        "collection_method": wanted.collection_method,
        "created": tx.now,
        "currency": wanted.currency,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_tax_exempt": customer["tax_exempt"],
        "parent": None,
        "period_end": end,
        "period_start": start,
        "_days_until_due": wanted.days_until_due,
        "_lines": [],
        "_subscription": wanted.subscription,
        **wanted.more,
    }
    if wanted.subscription:
        owner = tx.get("subscriptions", wanted.subscription, "subscription")
        details = {"metadata": owner["metadata"], "subscription": wanted.subscription}
        invoice["parent"] = {"quote_details": None, "subscription_details": details, "type": "subscription_details"}
    invoice = with_lines(tx, tx.put("invoices", invoice), wanted.lines)
    tx.emit("invoice.created", invoice)
    if wanted.auto_advance:
        tx.at_time(tx.now + HOUR, "finalize_invoice", invoice["id"])
    return invoice


def with_lines(tx: Tx, invoice: Json, lines: list[Json]) -> Json:
    """The draft with these lines added and its sums made anew; the customer's balance counts."""
    kept = [*invoice["_lines"], *({**line, "invoice": invoice["id"]} for line in lines)]
    total = sum(line["amount"] for line in kept)
    balance = tx.get("customers", invoice["customer"])["balance"]
    due = max(0, total + balance)
    return tx.change(
        "invoices",
        invoice["id"],
        _lines=kept,
        subtotal=total,
        total=total,
        subtotal_excluding_tax=total,
        total_excluding_tax=total,
        starting_balance=balance,
        amount_due=due,
        amount_remaining=due,
    )


def finalize(tx: Tx, id: str) -> Json:
    """Number it and open it; nothing to pay makes it paid at once. A planned failure leaves it a draft."""
    invoice = tx.get("invoices", id, "invoice")
    if invoice["status"] != "draft":
        raise refused("This invoice is already finalized.", "invoice_not_editable")
    if invoice.get("_finalization_fails"):
        error = {"type": "invalid_request_error", "code": TAX_FAILURE, "message": "Planned failure."}
        invoice = tx.change("invoices", id, last_finalization_error=error, _finalization_fails=False)
        tx.emit("invoice.finalization_failed", invoice)
        return invoice
    customer = tx.get("customers", invoice["customer"])
    sequence = customer["next_invoice_sequence"]
    balance = invoice["total"] + invoice["starting_balance"] - invoice["amount_due"]
    tx.change("customers", customer["id"], next_invoice_sequence=sequence + 1, balance=balance)
    by_letter = invoice["collection_method"] == "send_invoice"
    due_at = tx.now + (invoice["_days_until_due"] or 0) * DAY if by_letter and not invoice["due_date"] else None
    invoice = tx.change(
        "invoices",
        id,
        status="open",
        number=invoice["number"] or f"{customer['invoice_prefix']}-{sequence:04d}",
        automatically_finalizes_at=None,
        effective_at=tx.now,
        ending_balance=balance,
        due_date=due_at or invoice["due_date"],
        hosted_invoice_url=link(tx, f"/i/{id}"),
        invoice_pdf=link(tx, f"/i/{id}/pdf"),
        last_finalization_error=None,
        next_payment_attempt=tx.now if invoice["auto_advance"] and not by_letter else None,
        status_transitions={**invoice["status_transitions"], "finalized_at": tx.now},
    )
    tx.emit("invoice.finalized", invoice)
    if invoice["due_date"]:
        tx.at_time(invoice["due_date"], "invoice_overdue", id)
    return settled(tx, id) if invoice["amount_due"] == 0 else invoice


def collect(tx: Tx, id: str, payment_method: str | None = None, *, off_session: bool = True) -> Json:
    """Try to pay an open invoice: paid, or one attempt more on its count. Look at `status` and `_error`."""
    invoice = tx.get("invoices", id, "invoice")
    method = payment_method or default_method(tx, invoice)
    tx.change("invoices", id, attempt_count=invoice["attempt_count"] + 1, attempted=True)
    intent: Json | None = None
    if method:
        invoice = with_intent(tx, id)
        # Its success settles the invoice: see intent_succeeded.
        intent = intents.pay(
            tx,
            invoice["customer"],
            method,
            invoice["amount_remaining"],
            invoice["currency"],
            off_session=off_session,
            id=invoice["_intent"],
        )
    invoice = tx.get("invoices", id)
    return invoice if invoice["status"] == "paid" else _failed(tx, invoice, intent)


def with_intent(tx: Tx, id: str) -> Json:
    """The invoice with its payment intent, which waits for a card."""
    invoice = tx.get("invoices", id)
    if invoice["_intent"]:
        return invoice
    text = invoice["description"] or f"Invoice {invoice['number']}"
    intent = intents.pay(
        tx, invoice["customer"], None, invoice["amount_remaining"], invoice["currency"], description=text
    )
    invoice = tx.change("invoices", id, _intent=intent["id"])
    record(tx, invoice, intent)
    return invoice


def intent_succeeded(tx: Tx, intent: Json) -> None:
    """Whoever confirmed it: an invoice whose own intent succeeded is paid."""
    payment = next(tx.where("invoice_payments", _intent=intent["id"]), None)
    if payment is None:
        return
    invoice = tx.get("invoices", payment["invoice"])
    record(tx, invoice, intent)
    if invoice["status"] in {"open", "uncollectible"}:
        settled(tx, invoice["id"])


LISTENERS.setdefault("payment_intent.succeeded", []).append(intent_succeeded)


def settled(tx: Tx, id: str, *, elsewhere: bool = False) -> Json:
    """It is paid (or, `elsewhere`, paid outside of Stripe)."""
    invoice = tx.get("invoices", id)
    invoice = tx.change(
        "invoices",
        id,
        status="paid",
        amount_paid=invoice["amount_due"],
        amount_paid_off_stripe=invoice["amount_due"] if elsewhere else 0,
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        _error=None,
        status_transitions={**invoice["status_transitions"], "paid_at": tx.now},
    )
    tx.emit("invoice.paid", invoice)
    tx.emit("invoice.payment_succeeded", invoice)
    _tell(tx, invoice, "paid")
    return invoice


def drop(tx: Tx, id: str, status: str) -> Json:
    """Void an invoice, or mark it uncollectible."""
    invoice = tx.get("invoices", id, "invoice")
    allowed = {"void": {"open", "uncollectible"}, "uncollectible": {"open"}}[status]
    if invoice["status"] not in allowed:
        raise refused(f"You can only pass in open invoices. This invoice isn't open: {invoice['status']}.")
    moment = "voided_at" if status == "void" else "marked_uncollectible_at"
    invoice = tx.change(
        "invoices",
        id,
        status=status,
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions={**invoice["status_transitions"], moment: tx.now},
    )
    tx.emit("invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)
    _tell(tx, invoice, status)
    return invoice


def default_method(tx: Tx, invoice: Json) -> str | None:
    """Whose card pays: the invoice's, else the subscription's, else the customer's."""
    owner = tx.find("subscriptions", invoice["_subscription"]) or {}
    customer = tx.get("customers", invoice["customer"])
    found = (
        invoice["default_payment_method"]
        or owner.get("default_payment_method")
        or customer["invoice_settings"]["default_payment_method"]
    )
    # A card that was detached since cannot pay.
    kept = tx.find("payment_methods", found)
    return str(found) if kept and kept.get("customer") == invoice["customer"] else None


@timer("finalize_invoice")
def finalize_by_itself(tx: Tx, subject: str) -> None:
    """The hour of a draft is over."""
    invoice = tx.find("invoices", subject)
    if not invoice or invoice["status"] != "draft" or not invoice["auto_advance"]:
        return
    advance(tx, finalize(tx, subject))


@timer("retry_invoice")
def retry(tx: Tx, subject: str) -> None:
    """The next attempt is due, if it still stands."""
    invoice = tx.find("invoices", subject)
    due = (invoice or {}).get("next_payment_attempt")
    if invoice and invoice["status"] == "open" and due is not None and due <= tx.now:
        collect(tx, subject)


@timer("invoice_overdue")
def overdue(tx: Tx, subject: str) -> None:
    """A sent invoice is past its due date."""
    invoice = tx.get("invoices", subject)
    if invoice["status"] == "open" and invoice["collection_method"] == "send_invoice":
        tx.emit("invoice.overdue", invoice)
        _tell(tx, invoice, "overdue")


def advance(tx: Tx, invoice: Json) -> Json:
    """What an advancing invoice does once it is open: charge, or send itself."""
    if invoice["status"] != "open" or not invoice["auto_advance"]:
        return invoice
    if invoice["collection_method"] == "send_invoice":
        tx.emit("invoice.sent", invoice)
        return invoice
    return collect(tx, invoice["id"])


def _failed(tx: Tx, invoice: Json, intent: Json | None) -> Json:
    days, count = dunning(tx)["retry_days"], invoice["attempt_count"]
    retried = invoice["auto_advance"] and invoice["billing_reason"] != "subscription_create"
    following = tx.now + days[count - 1] * DAY if retried and count <= len(days) else None
    error = (intent or {}).get("last_payment_error") or {"type": "invalid_request_error", "message": _NO_METHOD}
    invoice = tx.change("invoices", invoice["id"], next_payment_attempt=following, _error=error)
    if following:
        tx.at_time(following, "retry_invoice", invoice["id"])
    tx.emit("invoice.payment_failed", invoice)
    if intent and (intent["status"] == "requires_action" or error.get("code") == "authentication_required"):
        tx.emit("invoice.payment_action_required", invoice)
    _tell(tx, invoice, "exhausted" if retried and following is None else "failed")
    return tx.get("invoices", invoice["id"])


def _tell(tx: Tx, invoice: Json, outcome: str) -> None:
    for told in WATCHERS:
        told(tx, invoice, outcome)
