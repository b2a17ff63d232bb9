"""Checkout sessions: made by the API, finished on a page of the sandbox or by the control API."""

from sandbox.stripe import Json
from sandbox.stripe.cards import card_of
from sandbox.stripe.clock import DAY, MINUTE
from sandbox.stripe.errors import StripeError, invalid, refused
from sandbox.stripe.hosted import link
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources import intents
from sandbox.stripe.resources import subscription_cycle as cycle
from sandbox.stripe.resources.checkout_shapes import BLANK, DETAILS, line_item
from sandbox.stripe.resources.customers import create_customer
from sandbox.stripe.resources.invoiceitems import make_item
from sandbox.stripe.resources.payment_methods import attach, resolve
from sandbox.stripe.resources.subscription_shapes import Beginning
from sandbox.stripe.resources.subscriptions import trial_end_of
from sandbox.stripe.routes import Ask, route, timer
from sandbox.stripe.store import Tx

_PAYMENT = ("metadata", "description", "capture_method", "setup_future_usage", "transfer_group", "receipt_email")


@route("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams")
def create_session(tx: Tx, ask: Ask) -> Json:
    """Mode payment or subscription, on the hosted page."""
    mode, given = ask.get("mode", "payment"), ask.get("line_items")
    if mode == "setup":
        raise refused("The sandbox's checkout knows the modes payment and subscription.", param="mode")
    if not given:
        raise invalid("Missing required param: line_items.", "parameter_missing", "line_items")
    if ask.get("ui_mode", "hosted_page") != "hosted_page" or not ask.get("success_url"):
        raise refused("The sandbox has the hosted page only: success_url is required.", param="success_url")
    if ask.get("customer") and ask.get("customer_email"):
        raise refused("You may only specify one of these parameters: customer, customer_email.")
    expires_at = ask.get("expires_at", tx.now + DAY)
    if not tx.now + 30 * MINUTE <= expires_at <= tx.now + DAY:
        raise invalid("expires_at must be between 30 minutes and 24 hours from now.", param="expires_at")
    email = ask.get("customer_email")
    if ask.get("customer"):
        email = tx.get("customers", ask.get("customer"), "customer")["email"]
    items = [line_item(tx, line, f"line_items[{place}]") for place, line in enumerate(given)]
    recurring = [item["price"]["recurring"] is not None for item in items]
    if (mode == "subscription") != any(recurring):
        raise refused("Prices of `type=recurring` need `mode=subscription`, and it needs at least one.", param="mode")
    trial = trial_end_of(tx, ask.get("subscription_data", {})) if mode == "subscription" else None
    total = sum(item["amount_total"] for item in items if not (trial and item["price"]["recurring"]))
    id = f"cs_test_{tx.new_id('a')[2:]}"
    session = tx.put(
        "checkout_sessions",
        {
            "id": id,
            "object": "checkout.session",
            **BLANK,
            "allow_promotion_codes": ask.get("allow_promotion_codes"),
            "amount_subtotal": total,
            "amount_total": total,
            "billing_address_collection": ask.get("billing_address_collection"),
            "cancel_url": ask.get("cancel_url"),
            "client_reference_id": ask.get("client_reference_id"),
            "created": tx.now,
            "currency": items[0]["currency"],
            "customer": ask.get("customer"),
            "customer_creation": ask.get("customer_creation", "always" if mode == "subscription" else "if_required"),
            "customer_details": {**dict.fromkeys(DETAILS), "email": email, "tax_exempt": "none"} if email else None,
            "customer_email": ask.get("customer_email"),
            "expires_at": expires_at,
            "locale": ask.get("locale"),
            "metadata": merged_metadata({}, ask.params.get("metadata")),
            "mode": mode,
            "payment_method_collection": ask.get("payment_method_collection", "always")
            if mode == "subscription"
            else "if_required",
            "success_url": ask.params["success_url"],
            "url": link(tx, f"/c/pay/{id}"),
            "_items": items,
            "_payment": ask.get("payment_intent_data", {}),
            "_subscription": ask.get("subscription_data", {}),
            "_refusal": None,
        },
    )
    tx.at_time(expires_at, "checkout_expires", id)
    return shown(tx, session)


@route("GET", "/v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams")
def retrieve_session(tx: Tx, ask: Ask) -> Json:
    """One session."""
    return shown(tx, tx.get("checkout_sessions", ask.args["session"], "session"))


@route("GET", "/v1/checkout/sessions", "checkout.SessionListParams")
def list_sessions(tx: Tx, ask: Ask) -> Json:
    """Newest first; by customer, status, payment intent and subscription."""
    names = ("customer", "status", "payment_intent", "subscription")
    return page(tx, ask, tx.where("checkout_sessions", **{name: ask.get(name) for name in names}))


@route("GET", "/v1/checkout/sessions/{session}/line_items", "checkout.SessionListLineItemsParams")
def list_line_items(tx: Tx, ask: Ask) -> Json:
    """What is bought."""
    return page(tx, ask, tx.get("checkout_sessions", ask.args["session"], "session")["_items"])


@route("POST", "/v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams")
def expire_session(tx: Tx, ask: Ask) -> Json:
    """Close an open one."""
    session = tx.get("checkout_sessions", ask.args["session"], "session")
    if session["status"] != "open":
        raise refused(f'Only Checkout Sessions with a status in ["open"] can be expired: {session["status"]}.')
    return shown(tx, expire(tx, session["id"]))


@timer("checkout_expires")
def checkout_expires(tx: Tx, subject: str) -> None:
    """Nobody finished it."""
    if tx.get("checkout_sessions", subject)["status"] == "open":
        expire(tx, subject)


def expire(tx: Tx, id: str) -> Json:
    """It can no longer be finished."""
    session = tx.change("checkout_sessions", id, status="expired", url=None)
    tx.emit("checkout.session.expired", session)
    return session


def complete(tx: Tx, id: str, card: str = "pm_card_visa", email: str | None = None) -> Json:
    """Pay with a test card: complete, or still open with the card's refusal in `_refusal`."""
    session = _open(tx, id)
    if session["customer"] is None:
        details = {**dict.fromkeys(DETAILS), "tax_exempt": "none", **(session["customer_details"] or {})}
        details["email"] = details["email"] or email or "customer@example.com"
        session = tx.change("checkout_sessions", id, customer_details=details)
    try:
        paid = _paid_once(tx, session, card) if session["mode"] == "payment" else _subscribed(tx, session, card)
    except StripeError as error:
        return tx.change("checkout_sessions", id, _refusal=error.error["message"])
    if paid is None:
        return tx.get("checkout_sessions", id)
    session = tx.change("checkout_sessions", id, status="complete", url=None, _refusal=None, **paid)
    tx.emit("checkout.session.completed", session)
    return session


def complete_later(tx: Tx, id: str) -> Json:
    """A payment that takes days: complete, but unpaid until `arrive`."""
    session = _open(tx, id)
    if session["mode"] != "payment":
        raise refused("Only mode payment can be paid later.")
    session = tx.change("checkout_sessions", id, status="complete", url=None, payment_status="unpaid", _later=True)
    tx.emit("checkout.session.completed", session)
    return session


def arrive(tx: Tx, id: str, *, succeeds: bool) -> Json:
    """The late payment came, or did not."""
    session = tx.get("checkout_sessions", id, "session")
    if not session.get("_later"):
        raise refused("This session does not wait for a late payment.")
    paid = _paid_once(tx, session, "pm_card_visa") if succeeds else None
    session = tx.change("checkout_sessions", id, _later=False, **(paid or {}))
    tx.emit(f"checkout.session.async_payment_{'succeeded' if succeeds else 'failed'}", session)
    return session


def _open(tx: Tx, id: str) -> Json:
    session = tx.get("checkout_sessions", id, "session")
    if session["status"] != "open":
        raise refused(f"This session is {session['status']}.")
    return session


def _paid_once(tx: Tx, session: Json, card: str) -> Json | None:
    given, customer = session["_payment"], session["customer"]
    keeps = given.get("setup_future_usage") or session["customer_creation"] == "always"
    if customer is None and keeps:
        customer = _customer(tx, session)
    method = resolve(tx, card)
    if customer and given.get("setup_future_usage"):
        method = attach(tx, method, customer)
    intent = intents.pay(
        tx,
        customer,
        method["id"],
        session["amount_total"],
        session["currency"],
        off_session=False,
        id=session["payment_intent"],
        **{name: given[name] for name in _PAYMENT if name in given},
    )
    if intent["status"] not in {"succeeded", "requires_capture"}:
        error = intent["last_payment_error"] or {"message": "This card needs authentication."}
        tx.change("checkout_sessions", session["id"], payment_intent=intent["id"], _refusal=error["message"])
        return None
    status = "paid" if intent["status"] == "succeeded" else "unpaid"
    return {"customer": customer, "payment_intent": intent["id"], "payment_status": status}


def _subscribed(tx: Tx, session: Json, card: str) -> Json | None:
    given = session["_subscription"]
    customer = session["customer"] or _customer(tx, session)
    tx.change("checkout_sessions", session["id"], customer=customer)
    needs_card = session["payment_method_collection"] == "always" or session["amount_total"] > 0
    method = attach(tx, resolve(tx, card), customer)["id"] if needs_card else None
    if session["amount_total"] and not _would_pay(tx, session, customer, method):
        return None
    behavior = (given.get("trial_settings") or {}).get("end_behavior")
    more: Json = {
        "default_payment_method": method,
        "metadata": merged_metadata({}, given.get("metadata")),
        "description": given.get("description"),
    }
    more |= {"trial_settings": {"end_behavior": behavior}} if behavior else {}
    for item in session["_items"]:
        if item["price"]["recurring"] is None:
            _once(tx, session, customer, item)
    sub = cycle.begin(
        tx,
        Beginning(
            customer=customer,
            lines=[(item["price"], item["quantity"], {}) for item in session["_items"] if item["price"]["recurring"]],
            trial_end=trial_end_of(tx, given),
            off_session=False,
            more=more,
        ),
    )
    paid = "paid" if session["amount_total"] else "no_payment_required"
    return {"subscription": sub["id"], "invoice": sub["latest_invoice"], "customer": customer, "payment_status": paid}


def _would_pay(tx: Tx, session: Json, customer: str, method: str | None) -> bool:
    """Whether the card takes it: a refused one leaves no subscription behind, only the refusal."""
    card = card_of(tx.get("payment_methods", method or ""))
    if not card.declines:
        return True
    intent = intents.pay(tx, customer, method, session["amount_total"], session["currency"], off_session=False)
    error = intent["last_payment_error"] or {"message": "This card needs authentication."}
    tx.change("checkout_sessions", session["id"], _refusal=error["message"])
    return False


def _once(tx: Tx, session: Json, customer: str, item: Json) -> None:
    make_item(
        tx,
        {
            "amount": item["amount_total"],
            "currency": session["currency"],
            "customer": customer,
            "description": item["description"],
            "period": {"start": tx.now, "end": tx.now},
            "price": item["price"],
            "quantity": item["quantity"],
        },
    )


def _customer(tx: Tx, session: Json) -> str:
    details = {"email": session["customer_details"]["email"]} if session["customer_details"] else {}
    return str(create_customer(tx, Ask("POST", "/v1/customers", details))["id"])
