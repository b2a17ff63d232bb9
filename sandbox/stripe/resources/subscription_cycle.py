"""The life of a subscription by the sandbox's clock: trial, periods, failed payments, the end."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY, HOUR
from sandbox.stripe.resources import invoicing
from sandbox.stripe.resources.billing_periods import period_after
from sandbox.stripe.resources.invoice_shapes import Draft
from sandbox.stripe.resources.invoiceitems import take, waiting_lines
from sandbox.stripe.resources.subscription_shapes import (
    BLANK,
    TRIAL,
    Beginning,
    add_item,
    item_line,
    items_of,
    period_of,
)
from sandbox.stripe.routes import timer
from sandbox.stripe.store import Tx

INCOMPLETE_HOURS = 23
TRIAL_WARNING_DAYS = 3
OVER = {"canceled", "incomplete_expired"}
RUNNING = {"trialing", "active", "past_due", "unpaid"}


def begin(tx: Tx, wanted: Beginning) -> Json:
    """Start it: trialing, or with a first invoice that decides between active and incomplete."""
    price = wanted.lines[0][0]
    trial = wanted.trial_end if wanted.trial_end and wanted.trial_end > tx.now else None
    anchor = trial or tx.now
    end = trial or period_after(anchor, price, tx.now)
    id = tx.new_id("sub")
    sub = tx.put(
        "subscriptions",
        {
            "id": id,
            "object": "subscription",
            **BLANK,
            "billing_cycle_anchor": anchor,
            "billing_mode": {"flexible": None, "type": "classic"},
            "collection_method": wanted.collection_method,
            "created": tx.now,
            "currency": price["currency"],
            "customer": wanted.customer,
            "days_until_due": wanted.days_until_due,
            "start_date": tx.now,
            "status": "trialing" if trial else "incomplete",
            "trial_end": trial,
            "trial_start": tx.now if trial else None,
            **wanted.more,
        },
    )
    for line_price, quantity, metadata in wanted.lines:
        add_item(tx, sub, line_price, quantity, metadata, (tx.now, end))
    tx.emit("customer.subscription.created", sub)
    tx.at_time(end, "subscription_period", id)
    if sub["cancel_at"]:
        tx.at_time(sub["cancel_at"], "subscription_ends", id)
    if trial:
        tx.at_time(max(tx.now, trial - TRIAL_WARNING_DAYS * DAY), "trial_ending", id)
    else:
        tx.at_time(tx.now + INCOMPLETE_HOURS * HOUR, "incomplete_expires", id)
    _first_invoice(tx, sub, wanted)
    return tx.get("subscriptions", id)


def bill(tx: Tx, sub: Json, reason: str, *, full: bool = True, at_once: bool = False) -> Json:
    """An invoice of the subscription: its items for their period (`full`), and what waits. Told as latest_invoice."""
    waiting = waiting_lines(tx, sub["customer"], sub["currency"], sub["id"])
    lines = [*(item_line(tx, sub, item) for item in items_of(tx, sub["id"]) if full), *(found for _, found in waiting)]
    start, end = period_of(tx, sub["id"])
    invoice = invoicing.draft(
        tx,
        Draft(
            customer=sub["customer"],
            currency=sub["currency"],
            reason=reason,
            lines=lines,
            subscription=sub["id"],
            collection_method=sub["collection_method"],
            days_until_due=sub["days_until_due"],
            auto_advance=sub["status"] != "unpaid" and not sub["pause_collection"] and not at_once,
            period=(start, end),
        ),
    )
    take(tx, invoice["id"], waiting)
    tx.change("subscriptions", sub["id"], latest_invoice=invoice["id"])
    if at_once:
        invoice = tx.change("invoices", invoice["id"], auto_advance=True)
        return invoicing.finalize(tx, invoice["id"])
    if sub["pause_collection"]:
        _collection_paused(tx, invoice, sub["pause_collection"]["behavior"])
    return tx.get("invoices", invoice["id"])


def cancel(tx: Tx, id: str, *, reason: str = "cancellation_requested", comment: Json | None = None) -> Json:
    """End it now. Open invoices stay open, but nothing collects them by itself."""
    before = tx.get("subscriptions", id, "subscription")
    details = {**before["cancellation_details"], "reason": reason, **(comment or {})}
    sub = tx.change(
        "subscriptions",
        id,
        status="canceled",
        canceled_at=before["canceled_at"] or tx.now,
        ended_at=tx.now,
        cancel_at_period_end=False,
        cancellation_details=details,
    )
    for invoice in [*tx.where("invoices", _subscription=id)]:
        if invoice["status"] in {"draft", "open"}:
            tx.change("invoices", invoice["id"], auto_advance=False, next_payment_attempt=None)
    tx.emit("customer.subscription.deleted", sub)
    return sub


def change(tx: Tx, id: str, **fields: Any) -> Json:
    """Store changes and tell them as customer.subscription.updated with the earlier values; nothing if none differs."""
    before = tx.get("subscriptions", id)
    previous = {name: before.get(name) for name, value in fields.items() if before.get(name) != value}
    if not previous:
        return before
    sub = tx.change("subscriptions", id, **fields)
    tx.emit("customer.subscription.updated", sub, {k: v for k, v in previous.items() if not k.startswith("_")})
    return sub


def start_period(tx: Tx, sub: Json, start: int, end: int) -> None:
    """All items now run from `start` to `end`, and the timer with them."""
    for item in items_of(tx, sub["id"]):
        tx.change("subscription_items", item["id"], current_period_start=start, current_period_end=end)
    tx.at_time(end, "subscription_period", sub["id"])


def end_trial(tx: Tx, sub: Json) -> Json:
    """The trial is over: without a card the trial's settings decide, else the first full period is billed."""
    behavior = (sub["trial_settings"] or TRIAL)["end_behavior"]["missing_payment_method"]
    probe = {"default_payment_method": None, "_subscription": sub["id"], "customer": sub["customer"]}
    by_card = sub["collection_method"] == "charge_automatically"
    if by_card and behavior != "create_invoice" and invoicing.default_method(tx, probe) is None:
        if behavior == "cancel":
            return cancel(tx, sub["id"], reason="payment_failed")
        paused = tx.change("subscriptions", sub["id"], status="paused")
        tx.emit("customer.subscription.paused", paused)
        return paused
    return roll(tx, sub, tx.now)


def roll(tx: Tx, sub: Json, start: int) -> Json:
    """Begin the period at `start`, with its invoice: a draft that collects itself an hour later."""
    price = items_of(tx, sub["id"])[0]["price"]
    start_period(tx, sub, start, period_after(sub["billing_cycle_anchor"], price, start))
    status = "active" if sub["status"] in {"trialing", "paused"} else sub["status"]
    previous = {"status": sub["status"]} if status != sub["status"] else {}
    sub = tx.change("subscriptions", sub["id"], status=status)
    invoice = bill(tx, sub, "subscription_cycle")
    sub = tx.get("subscriptions", sub["id"])
    tx.emit("customer.subscription.updated", sub, {**previous, "latest_invoice": invoice["id"]} if previous else None)
    return sub


@timer("subscription_period")
def period_ends(tx: Tx, subject: str) -> None:
    """A period (or the trial) is over."""
    sub = tx.get("subscriptions", subject)
    if sub["status"] not in RUNNING or tx.now < period_of(tx, subject)[1]:
        return
    if sub["cancel_at_period_end"]:
        cancel(tx, subject)
    elif sub["status"] == "trialing":
        end_trial(tx, sub)
    else:
        roll(tx, sub, period_of(tx, subject)[1])


@timer("trial_ending")
def trial_ending(tx: Tx, subject: str) -> None:
    """Three days before a trial ends (at once for a shorter one)."""
    sub = tx.get("subscriptions", subject)
    if sub["status"] == "trialing" and tx.now >= sub["trial_end"] - TRIAL_WARNING_DAYS * DAY:
        tx.emit("customer.subscription.trial_will_end", sub)


@timer("subscription_ends")
def planned_end(tx: Tx, subject: str) -> None:
    """`cancel_at` has come, if it still stands."""
    sub = tx.get("subscriptions", subject)
    if sub["status"] not in OVER and sub["cancel_at"] and sub["cancel_at"] <= tx.now:
        cancel(tx, subject)


@timer("incomplete_expires")
def incomplete_expires(tx: Tx, subject: str) -> None:
    """23 hours without a first payment: it never came to be, and its invoice is void."""
    if tx.get("subscriptions", subject)["status"] == "incomplete":
        expire(tx, subject)


def expire(tx: Tx, id: str) -> Json:
    """An incomplete one ends."""
    sub = change(tx, id, status="incomplete_expired", ended_at=tx.now)
    latest = tx.get("invoices", sub["latest_invoice"])
    if latest["status"] == "open":
        invoicing.drop(tx, latest["id"], "void")
    return tx.get("subscriptions", id)


@invoicing.watcher
def invoice_settled(tx: Tx, invoice: Json, outcome: str) -> None:
    """What an invoice's outcome does to its subscription."""
    sub = tx.find("subscriptions", invoice["_subscription"])
    if sub is None or sub["status"] in OVER:
        return
    latest = invoice["id"] == sub["latest_invoice"]
    match outcome:
        case "paid" if sub["status"] == "paused" and latest:
            resumed(tx, sub["id"])
        case "paid" | "void" | "uncollectible" if sub["status"] in {"past_due", "unpaid"} and latest:
            change(tx, sub["id"], status="active")
        case "paid" if sub["status"] == "incomplete":
            change(tx, sub["id"], status="active")
        case "void" if sub["status"] == "incomplete":
            change(tx, sub["id"], status="incomplete_expired", ended_at=tx.now)
        case "failed" | "overdue" if sub["status"] == "active":
            change(tx, sub["id"], status="past_due")
        case "exhausted":
            _exhausted(tx, sub)


def resumed(tx: Tx, id: str) -> Json:
    """A paused one runs again."""
    sub = tx.change("subscriptions", id, status="active")
    tx.emit("customer.subscription.resumed", sub)
    tx.emit("customer.subscription.updated", sub, {"status": "paused"})
    return sub


def _first_invoice(tx: Tx, sub: Json, wanted: Beginning) -> None:
    invoice = bill(tx, sub, "subscription_create", at_once=True)
    if invoice["status"] == "paid":
        return
    if wanted.collection_method == "send_invoice":
        change(tx, sub["id"], status="active")
        tx.emit("invoice.sent", invoice)
        return
    if wanted.payment_behavior == "default_incomplete":
        invoicing.with_intent(tx, invoice["id"])
        return
    invoice = invoicing.collect(tx, invoice["id"], off_session=wanted.off_session)
    if invoice["status"] != "paid" and wanted.payment_behavior == "error_if_incomplete":
        from sandbox.stripe.resources.invoices import payment_refused

        error = payment_refused(invoice, tx)
        error.keeps = False
        raise error


def _exhausted(tx: Tx, sub: Json) -> None:
    verdict = invoicing.dunning(tx)["after_retries"]
    if verdict == "cancel":
        cancel(tx, sub["id"], reason="payment_failed")
    elif verdict == "unpaid":
        change(tx, sub["id"], status="unpaid")
    else:
        change(tx, sub["id"], status="past_due")


def _collection_paused(tx: Tx, invoice: Json, behavior: str) -> None:
    if behavior == "keep_as_draft":
        return
    invoicing.finalize(tx, invoice["id"])
    if tx.get("invoices", invoice["id"])["status"] == "open":
        invoicing.drop(tx, invoice["id"], "void" if behavior == "void" else "uncollectible")
