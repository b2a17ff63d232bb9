"""Invoices: the routes. What happens to an invoice is in invoicing.py."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources import invoicing
from sandbox.stripe.resources.invoice_shapes import Draft
from sandbox.stripe.resources.invoiceitems import take, waiting_lines
from sandbox.stripe.routes import Ask, control, route
from sandbox.stripe.store import Tx

_PLAIN = ("description", "footer", "statement_descriptor", "number", "custom_fields", "due_date")


@route("POST", "/v1/invoices", "InvoiceCreateParams")
def create_invoice(tx: Tx, ask: Ask) -> Json:
    """A draft, with the customer's waiting items where they are asked for (always with `subscription`)."""
    customer = tx.get("customers", ask.get("customer") or "", "customer")
    owner, method = ask.get("subscription"), ask.get("collection_method", "charge_automatically")
    if method == "send_invoice" and not ask.get("days_until_due") and not ask.get("due_date"):
        raise refused("You must pass days_until_due or due_date when collection_method is send_invoice.")
    if owner:
        tx.get("subscriptions", owner, "subscription")
    currency = ask.get("currency") or customer["currency"] or "usd"
    wants = owner or ask.get("pending_invoice_items_behavior") == "include"
    waiting = waiting_lines(tx, customer["id"], currency, owner) if wants else []
    more = {name: ask.get(name) for name in _PLAIN if name in ask.params}
    invoice = invoicing.draft(
        tx,
        Draft(
            customer=customer["id"],
            currency=currency,
            reason="manual" if not owner else "subscription_update",
            lines=[line for _, line in waiting],
            subscription=owner,
            collection_method=method,
            days_until_due=ask.get("days_until_due"),
            auto_advance=ask.get("auto_advance", False),
            more={
                **more,
                "metadata": merged_metadata({}, ask.params.get("metadata")),
                "default_payment_method": ask.get("default_payment_method"),
            },
        ),
    )
    take(tx, invoice["id"], waiting)
    return shown(tx, invoice)


@route("GET", "/v1/invoices/{invoice}", "InvoiceRetrieveParams")
def retrieve_invoice(tx: Tx, ask: Ask) -> Json:
    """One invoice."""
    return shown(tx, tx.get("invoices", ask.args["invoice"], "invoice"))


@route("POST", "/v1/invoices/{invoice}", "InvoiceUpdateParams")
def update_invoice(tx: Tx, ask: Ask) -> Json:
    """Change a draft; of a finalized invoice the metadata, auto_advance and card only."""
    invoice = tx.get("invoices", ask.args["invoice"], "invoice")
    free = {"metadata", "auto_advance", "default_payment_method", "expand"}
    if invoice["status"] != "draft" and ask.params.keys() - free:
        raise refused("Finalized invoices can't be updated in this way.", "invoice_not_editable")
    changed = {
        name: ask.get(name)
        for name in (*_PLAIN, "auto_advance", "default_payment_method", "collection_method")
        if name in ask.params
    }
    changed |= {"_days_until_due": ask.get("days_until_due")} if "days_until_due" in ask.params else {}
    metadata = merged_metadata(invoice["metadata"], ask.params.get("metadata"))
    invoice = tx.put("invoices", {**invoice, **changed, "metadata": metadata})
    tx.emit("invoice.updated", invoice)
    return shown(tx, invoice)


@route("GET", "/v1/invoices", "InvoiceListParams")
def list_invoices(tx: Tx, ask: Ask) -> Json:
    """Newest first; by customer, subscription, status and how they are collected."""
    found = tx.where(
        "invoices",
        customer=ask.get("customer"),
        _subscription=ask.get("subscription"),
        status=ask.get("status"),
        collection_method=ask.get("collection_method"),
    )
    return page(tx, ask, found)


@route("DELETE", "/v1/invoices/{invoice}", "InvoiceDeleteParams")
def delete_invoice(tx: Tx, ask: Ask) -> Json:
    """Take a draft away; its items wait again."""
    invoice = tx.get("invoices", ask.args["invoice"], "invoice")
    if invoice["status"] != "draft" or invoice["_subscription"]:
        raise refused("You can only delete one-off draft invoices.", "invoice_not_editable")
    for item in [*tx.where("invoiceitems", invoice=invoice["id"])]:
        tx.change("invoiceitems", item["id"], invoice=None)
    tx.emit("invoice.deleted", invoice)
    tx.remove("invoices", invoice["id"])
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


@route("GET", "/v1/invoices/{invoice}/lines", "InvoiceLineItemListParams")
def list_lines(tx: Tx, ask: Ask) -> Json:
    """All lines."""
    return page(tx, ask, tx.get("invoices", ask.args["invoice"], "invoice")["_lines"])


@route("POST", "/v1/invoices/{invoice}/finalize", "InvoiceFinalizeInvoiceParams")
def finalize_invoice(tx: Tx, ask: Ask) -> Json:
    """Open a draft; with auto_advance it is charged or sent at once."""
    id = ask.args["invoice"]
    if ask.get("auto_advance") is not None:
        tx.get("invoices", id, "invoice")
        tx.change("invoices", id, auto_advance=ask.get("auto_advance"))
    invoice = invoicing.finalize(tx, id)
    if invoice["status"] == "draft":
        raise StripeError(400, "Planned failure.", invoicing.TAX_FAILURE, keeps=True)
    return shown(tx, invoicing.advance(tx, invoice))


@route("POST", "/v1/invoices/{invoice}/pay", "InvoicePayParams")
def pay_invoice(tx: Tx, ask: Ask) -> Json:
    """Pay now: a refusal is a 402 and counts as an attempt. A draft is finalized first."""
    invoice = tx.get("invoices", ask.args["invoice"], "invoice")
    if invoice["status"] == "draft":
        invoice = invoicing.finalize(tx, invoice["id"])
    elif invoice["status"] == "paid":
        raise refused("Invoice is already paid")
    if invoice["status"] not in {"open", "uncollectible", "paid"}:
        raise refused(f"This invoice cannot be paid: {invoice['status']}.")
    if invoice["status"] == "paid":
        return shown(tx, invoice)
    if ask.get("paid_out_of_band"):
        return shown(tx, invoicing.settled(tx, invoice["id"], elsewhere=True))
    method = ask.get("payment_method")
    if method is None and invoicing.default_method(tx, invoice) is None:
        raise refused(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method."
        )
    planned = invoice["next_payment_attempt"]
    invoice = invoicing.collect(tx, invoice["id"], method, off_session=ask.get("off_session", True))
    if invoice["status"] != "paid":
        raise payment_refused(tx.change("invoices", invoice["id"], next_payment_attempt=planned), tx)
    return shown(tx, invoice)


@route("POST", "/v1/invoices/{invoice}/send", "InvoiceSendInvoiceParams")
def send_invoice(tx: Tx, ask: Ask) -> Json:
    """Mail it (an event); a draft is finalized first."""
    invoice = tx.get("invoices", ask.args["invoice"], "invoice")
    if invoice["collection_method"] != "send_invoice":
        raise refused("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice["status"] == "draft":
        invoice = invoicing.finalize(tx, invoice["id"])
    tx.emit("invoice.sent", invoice)
    return shown(tx, invoice)


@route("POST", "/v1/invoices/{invoice}/void", "InvoiceVoidInvoiceParams")
def void_invoice(tx: Tx, ask: Ask) -> Json:
    """Nobody owes it any more."""
    return shown(tx, invoicing.drop(tx, ask.args["invoice"], "void"))


@route("POST", "/v1/invoices/{invoice}/mark_uncollectible", "InvoiceMarkUncollectibleParams")
def mark_uncollectible(tx: Tx, ask: Ask) -> Json:
    """It is owed, but nobody will pay."""
    return shown(tx, invoicing.drop(tx, ask.args["invoice"], "uncollectible"))


@route("GET", "/v1/invoice_payments", "InvoicePaymentListParams")
def list_payments(tx: Tx, ask: Ask) -> Json:
    """Newest first; by invoice, payment intent and status."""
    found = tx.where(
        "invoice_payments",
        invoice=ask.get("invoice"),
        status=ask.get("status"),
        _intent=ask.get("payment", {}).get("payment_intent"),
    )
    return page(tx, ask, found)


@route("GET", "/v1/invoice_payments/{invoice_payment}", "InvoicePaymentRetrieveParams")
def retrieve_payment(tx: Tx, ask: Ask) -> Json:
    """One payment of an invoice."""
    return shown(tx, tx.get("invoice_payments", ask.args["invoice_payment"]))


def payment_refused(invoice: Json, tx: Tx) -> StripeError:
    """The 402 of a refused payment; the attempt stays."""
    error: dict[str, Any] = dict(invoice["_error"])
    intent = tx.find("payment_intents", invoice["_intent"])
    known = ("decline_code", "advice_code", "network_decline_code", "charge", "doc_url")
    return StripeError(
        402,
        error.get("message", "The payment was refused."),
        error.get("code"),
        type=error.get("type", "card_error"),
        keeps=True,
        payment_intent=shown(tx, intent) if intent else None,
        **{name: error[name] for name in known if name != "doc_url" and name in error},
    )


@control("POST", "billing")
def control_dunning(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{account: key's account id, retry_days?: [3, 5, 7], after_retries?: cancel|unpaid|past_due}`."""
    given: Json = {name: body[name] for name in ("retry_days", "after_retries") if name in body}
    with sandbox.tx(body["account"], "control: dunning") as tx:
        rules: Json = tx.put("billing_settings", {**invoicing.dunning(tx), **given})
        return rules


@control("POST", "invoices/{id}")
def control_invoice(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{finalization: "fails"}`: the next finalization fails; `{finalize: true}`: a draft's hour is over now."""
    place = sandbox.store.whereabouts(args["id"])
    if place is None or place[1] != "invoices":
        raise StripeError(404, f"No such invoice: '{args['id']}'", "resource_missing")
    with sandbox.tx(place[0], "control: invoice") as tx:
        if body.get("finalization") == "fails":
            return shown(tx, tx.change("invoices", args["id"], _finalization_fails=True))
        return shown(tx, invoicing.advance(tx, invoicing.finalize(tx, args["id"])))
