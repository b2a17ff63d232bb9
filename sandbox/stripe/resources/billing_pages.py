"""The pages of checkout, of an invoice and of the billing portal, and the same actions by the control API."""

import html
from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, invalid
from sandbox.stripe.hosted import Reply, Visit, choices, document, gone, hosted, money, redirect
from sandbox.stripe.present import shown
from sandbox.stripe.resources import checkout, invoicing
from sandbox.stripe.resources import subscription_cycle as cycle
from sandbox.stripe.resources.payment_methods import attach, resolve
from sandbox.stripe.resources.subscription_shapes import period_of
from sandbox.stripe.routes import control
from sandbox.stripe.store import Tx

GOOD, BAD = "pm_card_visa", "pm_card_chargeCustomerFail"
_PORTAL = {
    "cancel": "Cancel at the end of the period",
    "keep": "Keep my plan",
    "good_card": "Use a card that works",
    "bad_card": "Use a card that is refused",
    "leave": "Back",
}


@hosted("GET", "/c/pay/{session}")
def show_checkout(sandbox: Any, visit: Visit) -> Reply:
    """What is bought, and three buttons."""
    session = _find(sandbox, visit.args["session"], "checkout_sessions")
    if session is None or session[1]["status"] != "open":
        return gone("Checkout")
    return _checkout(session[1])


@hosted("POST", "/c/pay/{session}")
def press_checkout(sandbox: Any, visit: Visit) -> Reply:
    """Pay: to success_url; fail: the page again with the refusal; cancel: to cancel_url, the session stays open."""
    found = _find(sandbox, visit.args["session"], "checkout_sessions")
    if found is None or found[1]["status"] != "open":
        return gone("Checkout")
    account, session = found
    choice = visit.form.get("choice")
    if choice == "cancel":
        return redirect(session["cancel_url"]) if session["cancel_url"] else _checkout(session)
    if choice not in {"pay", "fail"}:
        return document("Checkout", "<p>No such choice.</p>", 400)
    with sandbox.tx(account, f"page: checkout {choice}") as tx:
        session = checkout.complete(tx, session["id"], GOOD if choice == "pay" else BAD, visit.form.get("email"))
    if session["status"] != "complete":
        return _checkout(session)
    return redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


@hosted("GET", "/i/{invoice}")
def show_invoice(sandbox: Any, visit: Visit) -> Reply:
    """An invoice, with buttons while it is open."""
    found = _find(sandbox, visit.args["invoice"], "invoices")
    return _invoice(found[1]) if found else gone("Invoice")


@hosted("POST", "/i/{invoice}")
def press_invoice(sandbox: Any, visit: Visit) -> Reply:
    """Pay or fail."""
    found = _find(sandbox, visit.args["invoice"], "invoices")
    if found is None or found[1]["status"] != "open":
        return gone("Invoice")
    account, invoice = found
    card = GOOD if visit.form.get("choice") == "pay" else BAD
    with sandbox.tx(account, "page: invoice") as tx:
        method = attach(tx, resolve(tx, card), invoice["customer"])
        planned = invoice["next_payment_attempt"]
        invoice = invoicing.collect(tx, invoice["id"], method["id"], off_session=False)
        if invoice["status"] == "open":
            invoice = tx.change("invoices", invoice["id"], next_payment_attempt=planned)
    return _invoice(invoice)


@hosted("GET", "/i/{invoice}/pdf")
def invoice_file(sandbox: Any, visit: Visit) -> Reply:
    """The sandbox has no PDF: the page instead."""
    return show_invoice(sandbox, visit)


@hosted("GET", "/p/session/{session}")
def show_portal(sandbox: Any, visit: Visit) -> Reply:
    """The customer's subscriptions, with buttons."""
    found = _find(sandbox, visit.args["session"], "portal_sessions")
    if found is None:
        return gone("Billing")
    account, session = found
    with sandbox.tx(account, "page: portal") as tx:
        return _portal(tx, session)


@hosted("POST", "/p/session/{session}")
def press_portal(sandbox: Any, visit: Visit) -> Reply:
    """Cancel, keep, another card (good or bad), or leave."""
    found = _find(sandbox, visit.args["session"], "portal_sessions")
    if found is None:
        return gone("Billing")
    account, session = found
    choice = visit.form.get("choice", "")
    if choice == "leave":
        return redirect(session["return_url"]) if session["return_url"] else document("Billing", "<p>Bye.</p>")
    if choice not in _PORTAL:
        return document("Billing", "<p>No such choice.</p>", 400)
    with sandbox.tx(account, f"page: portal {choice}") as tx:
        for sub in [*tx.where("subscriptions", customer=session["customer"])]:
            if sub["status"] in cycle.RUNNING and choice in {"cancel", "keep"}:
                _plan_end(tx, sub, ends=choice == "cancel")
        if choice in {"good_card", "bad_card"}:
            _replace_card(tx, session["customer"], GOOD if choice == "good_card" else BAD)
        return _portal(tx, session)


@control("POST", "checkout/{id}")
def control_checkout(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{result: pay|fail|expire|async|async_succeed|async_fail, payment_method?: pm_card_..., email?}`."""
    found = _find(sandbox, args["id"], "checkout_sessions")
    if found is None:
        raise StripeError(404, f"No such checkout.session: '{args['id']}'", "resource_missing")
    result = body.get("result", "pay")
    with sandbox.tx(found[0], f"control: checkout {result}") as tx:
        match result:
            case "pay" | "fail":
                card = body.get("payment_method", GOOD if result == "pay" else BAD)
                session = checkout.complete(tx, args["id"], card, body.get("email"))
            case "expire":
                session = checkout.expire(tx, args["id"])
            case "async":
                session = checkout.complete_later(tx, args["id"])
            case "async_succeed" | "async_fail":
                session = checkout.arrive(tx, args["id"], succeeds=result == "async_succeed")
            case _:
                raise invalid(f"No such result: {result}", param="result")
        return shown(tx, session) | {"refusal": session["_refusal"]}


@control("POST", "customers/{id}/card")
def control_card(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{payment_method: pm_card_...}`: the customer replaces the card of everything, as in the portal."""
    found = _find(sandbox, args["id"], "customers")
    if found is None:
        raise StripeError(404, f"No such customer: '{args['id']}'", "resource_missing")
    with sandbox.tx(found[0], "control: card") as tx:
        return shown(tx, _replace_card(tx, args["id"], body.get("payment_method", GOOD)))


def _plan_end(tx: Tx, sub: Json, *, ends: bool) -> None:
    reason = "cancellation_requested" if ends else None
    cycle.change(
        tx,
        sub["id"],
        cancel_at_period_end=ends,
        cancel_at=period_of(tx, sub["id"])[1] if ends else None,
        canceled_at=tx.now if ends else None,
        cancellation_details={**sub["cancellation_details"], "reason": reason},
    )


def _replace_card(tx: Tx, customer: str, card: str) -> Json:
    method = attach(tx, resolve(tx, card), customer)
    owner = tx.get("customers", customer)
    settings = {**owner["invoice_settings"], "default_payment_method": method["id"]}
    tx.emit("customer.updated", tx.change("customers", customer, invoice_settings=settings))
    for sub in [*tx.where("subscriptions", customer=customer)]:
        if sub["status"] not in cycle.OVER and sub["default_payment_method"]:
            cycle.change(tx, sub["id"], default_payment_method=method["id"])
    return method


def _checkout(session: Json) -> Reply:
    lines = "".join(
        f"<li>{item['quantity']} × {html.escape(item['description'])}: {money(item, 'amount_total')}</li>"
        for item in session["_items"]
    )
    refusal = f'<p role="alert">{html.escape(session["_refusal"])}</p>' if session["_refusal"] else ""
    form = choices(f"/c/pay/{session['id']}", "choice", {"pay": "Pay", "fail": "Fail", "cancel": "Cancel"})
    body = f"<p>Stripe sandbox.</p>{refusal}<ul>{lines}</ul><p>To pay now: {money(session, 'amount_total')}</p>{form}"
    return document("Checkout", body)


def _invoice(invoice: Json) -> Reply:
    lines = "".join(
        f"<li>{html.escape(line['description'] or '')}: {money(line, 'amount')}</li>" for line in invoice["_lines"]
    )
    form = choices(f"/i/{invoice['id']}", "choice", {"pay": "Pay", "fail": "Fail"})
    summary = f"<p>{invoice['status']}: {money(invoice, 'amount_remaining')} to pay</p>"
    return document(f"Invoice {invoice['number']}", f"<ul>{lines}</ul>{summary}{form * (invoice['status'] == 'open')}")


def _portal(tx: Tx, session: Json) -> Reply:
    rows = "".join(
        f"<li>{sub['id']}: {sub['status']}{', ends with its period' if sub['cancel_at_period_end'] else ''}</li>"
        for sub in tx.where("subscriptions", customer=session["customer"])
    )
    return document("Billing", f"<ul>{rows}</ul>" + choices(f"/p/session/{session['id']}", "choice", _PORTAL))


def _find(sandbox: Any, id: str, collection: str) -> tuple[str, Json] | None:
    place = sandbox.store.whereabouts(id)
    if place is None or place[1] != collection:
        return None
    return place[0], sandbox.store.collection(*place)[id]
