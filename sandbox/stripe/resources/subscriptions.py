"""Subscriptions: the routes. What happens to one by the clock is in subscription_cycle.py."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY, HOUR
from sandbox.stripe.errors import StripeError, invalid, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources import invoicing
from sandbox.stripe.resources import subscription_cycle as cycle
from sandbox.stripe.resources.billing_periods import period_after
from sandbox.stripe.resources.prices import price_of
from sandbox.stripe.resources.subscription_changes import change_items, charge_changes
from sandbox.stripe.resources.subscription_shapes import BLANK, Beginning, items_of, period_of
from sandbox.stripe.routes import Ask, control, route
from sandbox.stripe.store import Tx

_PLAIN = ("description", "collection_method", "days_until_due", "cancel_at_period_end", "default_payment_method")


@route("POST", "/v1/subscriptions", "SubscriptionCreateParams")
def create_subscription(tx: Tx, ask: Ask) -> Json:
    """Begin one: by card (or invoice), with or without a trial."""
    customer = tx.get("customers", ask.get("customer") or "", "customer")
    if not ask.get("items"):
        raise invalid("Missing required param: items.", "parameter_missing", "items")
    if ask.get("payment_behavior") == "pending_if_incomplete":
        raise refused("pending_if_incomplete is for updates.", param="payment_behavior")
    if ask.get("collection_method") == "send_invoice" and ask.get("days_until_due") is None:
        raise refused("You must pass days_until_due when collection_method is send_invoice.", param="days_until_due")
    _ensure_card(tx, ask, customer["id"])
    sub = cycle.begin(
        tx,
        Beginning(
            customer=customer["id"],
            lines=lines_of(tx, ask.params["items"]),
            trial_end=trial_end_of(tx, ask.params),
            payment_behavior=ask.get("payment_behavior", "allow_incomplete"),
            collection_method=ask.get("collection_method", "charge_automatically"),
            days_until_due=ask.get("days_until_due"),
            off_session=ask.get("off_session", True),
            more=_fields(tx, ask, {}),
        ),
    )
    return shown(tx, sub)


@route("GET", "/v1/subscriptions/{subscription}", "SubscriptionRetrieveParams")
def retrieve_subscription(tx: Tx, ask: Ask) -> Json:
    """One subscription."""
    return shown(tx, tx.get("subscriptions", ask.args["subscription"]))


@route("GET", "/v1/subscriptions", "SubscriptionListParams")
def list_subscriptions(tx: Tx, ask: Ask) -> Json:
    """Newest first; by customer, price and status. Without a status the canceled ones are left out."""
    status, price = ask.get("status"), ask.get("price")
    found = tx.where("subscriptions", customer=ask.get("customer"), collection_method=ask.get("collection_method"))

    def is_wanted(doc: Json) -> bool:
        if price and all(item["price"]["id"] != price for item in items_of(tx, doc["id"])):
            return False
        match status:
            case None:
                return doc["status"] not in cycle.OVER
            case "all":
                return True
            case "ended":
                return doc["status"] in cycle.OVER
        return bool(doc["status"] == status)

    return page(tx, ask, (doc for doc in found if is_wanted(doc)))


@route("POST", "/v1/subscriptions/{subscription}", "SubscriptionUpdateParams")
def update_subscription(tx: Tx, ask: Ask) -> Json:
    """Change plan, quantity, card, trial, planned end, pause; prorations as asked."""
    sub = tx.get("subscriptions", ask.args["subscription"])
    if sub["status"] in cycle.OVER and ask.params.keys() - {"metadata", "cancellation_details", "expand"}:
        raise refused("A canceled subscription can only update its cancellation_details and metadata.")
    _ensure_card(tx, ask, sub["customer"])
    fields = _fields(tx, ask, sub)
    plans_end = ask.get("cancel_at_period_end") or ask.get("cancel_at")
    if "cancel_at_period_end" in ask.params or "cancel_at" in ask.params:
        fields |= {"canceled_at": tx.now if plans_end else None}
        details = {**sub["cancellation_details"], "reason": "cancellation_requested" if plans_end else None}
        fields |= {"cancellation_details": details | ask.get("cancellation_details", {})}
    if ask.get("cancel_at_period_end"):
        fields |= {"cancel_at": period_of(tx, sub["id"])[1]}
    elif "cancel_at_period_end" in ask.params and "cancel_at" not in ask.params:
        fields |= {"cancel_at": None}
    if ask.get("items"):
        changed = change_items(tx, sub, ask.params["items"], ask.get("proration_behavior", "create_prorations"))
        fields |= changed.fields
    before, sub = sub, cycle.change(tx, sub["id"], **fields)
    if ask.get("cancel_at") and not isinstance(ask.get("cancel_at"), str):
        tx.at_time(sub["cancel_at"], "subscription_ends", sub["id"])
    if ask.get("items"):
        if sub is before:
            tx.emit("customer.subscription.updated", sub)
        charge_changes(tx, sub["id"], changed, ask.get("payment_behavior", "allow_incomplete"))
    if "trial_end" in ask.params:
        _move_trial(tx, tx.get("subscriptions", sub["id"]), ask.params["trial_end"])
    return shown(tx, tx.get("subscriptions", sub["id"]))


@route("DELETE", "/v1/subscriptions/{subscription}", "SubscriptionCancelParams")
def cancel_subscription(tx: Tx, ask: Ask) -> Json:
    """End it now."""
    sub = tx.get("subscriptions", ask.args["subscription"])
    if sub["status"] in cycle.OVER:
        raise StripeError(404, f"No such subscription: '{sub['id']}'", "resource_missing", param="id")
    if sub["status"] == "incomplete":
        return shown(tx, cycle.expire(tx, sub["id"]))
    if ask.get("invoice_now"):
        invoicing.advance(tx, cycle.bill(tx, sub, "subscription_update", full=False, at_once=True))
    return shown(tx, cycle.cancel(tx, sub["id"], comment=ask.get("cancellation_details")))


@route("POST", "/v1/subscriptions/{subscription}/resume", "SubscriptionResumeParams")
def resume_subscription(tx: Tx, ask: Ask) -> Json:
    """Run a paused one again: with `now` (the default) a new period is paid first, else the old one goes on."""
    sub = tx.get("subscriptions", ask.args["subscription"])
    if sub["status"] != "paused":
        raise refused("Only paused subscriptions can be resumed.")
    if (ask.get("billing_cycle_anchor") or {}).get("type", "now") != "now":
        return shown(tx, cycle.resumed(tx, sub["id"]))
    price = items_of(tx, sub["id"])[0]["price"]
    sub = tx.change("subscriptions", sub["id"], billing_cycle_anchor=tx.now)
    cycle.start_period(tx, sub, tx.now, period_after(tx.now, price, tx.now))
    invoice = cycle.bill(tx, sub, "subscription_cycle", at_once=True)
    if invoice["status"] == "open":
        invoicing.collect(tx, invoice["id"])
    return shown(tx, tx.get("subscriptions", sub["id"]))


@control("POST", "subscriptions/{id}")
def control_advance(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{advance: "trial_end" | "period_end" | seconds}`: move the sandbox's clock past that, invoices included."""
    place = sandbox.store.whereabouts(args["id"])
    if place is None or place[1] != "subscriptions":
        raise StripeError(404, f"No such subscription: '{args['id']}'", "resource_missing")
    wanted = body.get("advance", "period_end")
    with sandbox.tx(place[0], "control: advance") as tx:
        sub = tx.get("subscriptions", args["id"])
        end = sub["trial_end"] if wanted == "trial_end" else period_of(tx, sub["id"])[1]
    if wanted in {"trial_end", "period_end"}:
        # An hour later the draft is finalized and paid.
        seconds = max(0, (end or sandbox.clock.now()) + HOUR + 1 - sandbox.clock.now())
    elif isinstance(wanted, int):
        seconds = wanted
    else:
        raise invalid(f"No such moment: {wanted}", param="advance")
    sandbox.advance(seconds)
    with sandbox.tx(place[0], "control: advance") as tx:
        return shown(tx, tx.get("subscriptions", args["id"]))


def lines_of(tx: Tx, items: list[Json]) -> list[tuple[Json, int, Json]]:
    """(price, quantity, metadata) of the items of a new subscription."""
    return [
        (price_of(tx, item, f"items[{place}]"), item.get("quantity", 1), merged_metadata({}, item.get("metadata")))
        for place, item in enumerate(items)
    ]


def trial_end_of(tx: Tx, given: Json) -> int | None:
    """When the trial ends, by `trial_end` or `trial_period_days`; None without a trial."""
    end = given.get("trial_end")
    if isinstance(end, int):
        if end <= tx.now:
            raise invalid("The trial_end must be in the future.", param="trial_end")
        return end
    days = given.get("trial_period_days")
    return tx.now + days * DAY if days and end != "now" else None


def _fields(tx: Tx, ask: Ask, before: Json) -> Json:
    fields = {name: ask.get(name) for name in _PLAIN if name in ask.params}
    if "metadata" in ask.params:
        fields["metadata"] = merged_metadata(before.get("metadata", {}), ask.params["metadata"])
    if "pause_collection" in ask.params:
        pause = ask.get("pause_collection")
        fields["pause_collection"] = pause and {"resumes_at": None, **pause}
    if ask.get("trial_settings"):
        behavior = ask.get("trial_settings")["end_behavior"]
        fields["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior["missing_payment_method"]}}
    if "cancel_at" in ask.params:
        if isinstance(ask.get("cancel_at"), str):
            raise refused("The sandbox takes cancel_at as a timestamp.", param="cancel_at")
        fields["cancel_at"] = ask.get("cancel_at")
    if ask.get("payment_settings"):
        known = before.get("payment_settings") or BLANK["payment_settings"]
        fields["payment_settings"] = {**known, **ask.get("payment_settings")}
    return fields


def _ensure_card(tx: Tx, ask: Ask, customer: str) -> None:
    given = ask.get("default_payment_method")
    if given and tx.get("payment_methods", given, "default_payment_method")["customer"] != customer:
        raise refused(
            f"The customer does not have a payment method with the ID {given}. The payment method must be attached to "
            "the customer.",
            "resource_missing",
            param="default_payment_method",
        )


def _move_trial(tx: Tx, sub: Json, end: Any) -> None:
    if end == "now":
        if sub["status"] == "trialing":
            sub = tx.change("subscriptions", sub["id"], trial_end=tx.now, billing_cycle_anchor=tx.now)
            cycle.start_period(tx, sub, sub["trial_start"], tx.now)
            invoice = tx.get("subscriptions", cycle.end_trial(tx, sub)["id"])["latest_invoice"]
            latest = tx.get("invoices", invoice)
            if latest["status"] == "draft":
                invoicing.advance(tx, invoicing.finalize(tx, invoice))
        return
    end = trial_end_of(tx, {"trial_end": end})
    start = period_of(tx, sub["id"])[0]
    previous = {"trial_end": sub["trial_end"], "status": sub["status"]}
    sub = tx.change(
        "subscriptions",
        sub["id"],
        status="trialing",
        trial_end=end,
        trial_start=sub["trial_start"] or tx.now,
        billing_cycle_anchor=end,
    )
    cycle.start_period(tx, sub, start, end)
    tx.at_time(max(tx.now, end - cycle.TRIAL_WARNING_DAYS * DAY), "trial_ending", sub["id"])
    tx.emit("customer.subscription.updated", sub, previous)
