"""Plans in the sandbox: checkout, subscriptions driven by the clock, invoices, retries, the portal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.stripe.sandbox import Sandbox
from tests.stripe_sandbox.desk import DAY, HOUR, NOON, Desk

MONTH = 31 * DAY
"""January 2027, in which every test begins."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk("plans")
    yield desk
    assert desk.violations == []


def a_price(desk: Desk, amount: int = 4_900, interval: str = "month", **more: Any) -> str:
    product = desk.post("/v1/products", name=f"Plan at {amount}")
    recurring = {"interval": interval} | more
    made = desk.post("/v1/prices", product=product["id"], currency="usd", unit_amount=amount, recurring=recurring)
    return made["id"]


def subscribe(desk: Desk, customer: str, price: str | None = None, **more: Any) -> dict[str, Any]:
    return desk.post("/v1/subscriptions", customer=customer, items=[{"price": price or a_price(desk)}], **more)


def sub_of(desk: Desk, id: str) -> dict[str, Any]:
    return desk.get(f"/v1/subscriptions/{id}", expand=["latest_invoice"])


def break_card(desk: Desk, customer: str) -> None:
    desk.control(f"customers/{customer}/card", payment_method="pm_card_chargeCustomerFail")


def test_products_and_prices_are_found_by_lookup_key(desk: Desk) -> None:
    product = desk.post("/v1/products", name="Pro", default_price_data={"currency": "usd", "unit_amount": 100})
    price = desk.post(
        "/v1/prices",
        product=product["id"],
        currency="usd",
        unit_amount=4_900,
        lookup_key="pro_monthly",
        recurring={"interval": "month"},
    )

    found = desk.get("/v1/prices", lookup_keys=["pro_monthly"], expand=["data.product"])["data"]

    assert product["default_price"].startswith("price_")
    assert [row["id"] for row in found] == [price["id"]]
    assert found[0]["product"]["name"] == "Pro"
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/prices", product=product["id"], currency="usd", unit_amount=1, lookup_key="pro_monthly")


def test_a_paid_subscription_is_active_for_a_calendar_month_on_its_items(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer(), expand=["latest_invoice.payments", "latest_invoice.lines"])

    [item] = sub["items"]["data"]
    invoice = sub["latest_invoice"]
    assert sub["status"] == "active"
    assert "current_period_end" not in sub
    assert item["current_period_end"] - item["current_period_start"] == MONTH
    assert (invoice["status"], invoice["amount_paid"], invoice["billing_reason"]) == (
        "paid",
        4_900,
        "subscription_create",
    )
    assert "payment_intent" not in invoice
    payment = desk.get("/v1/invoice_payments", invoice=invoice["id"])["data"][0]
    assert (payment["status"], payment["amount_paid"]) == ("paid", 4_900)
    assert invoice["number"].endswith("-0001")
    assert desk.told(sub["id"]) == ["customer.subscription.created", "customer.subscription.updated"]
    assert desk.told(invoice["id"]) == [
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_each_period_makes_an_invoice_that_is_paid_an_hour_later(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())

    desk.sandbox.advance(MONTH)
    draft = sub_of(desk, sub["id"])["latest_invoice"]
    desk.sandbox.advance(HOUR)
    desk.sandbox.advance(59 * DAY)

    assert (draft["status"], draft["billing_reason"]) == ("draft", "subscription_cycle")
    invoices = desk.get("/v1/invoices", subscription=sub["id"])["data"]
    # January, February, March and, an hour after its first morning, April.
    assert [invoice["status"] for invoice in invoices] == ["paid"] * 4
    assert sub_of(desk, sub["id"])["status"] == "active"


def test_a_trial_costs_nothing_warns_three_days_before_and_then_bills(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer(), trial_period_days=14)
    first = desk.get("/v1/invoices", subscription=sub["id"])["data"][0]

    desk.sandbox.advance(11 * DAY)
    warned = desk.told(sub["id"])
    desk.control(f"subscriptions/{sub['id']}", advance="trial_end")

    after = sub_of(desk, sub["id"])
    assert (sub["status"], first["amount_due"], first["status"]) == ("trialing", 0, "paid")
    assert warned == ["customer.subscription.created", "customer.subscription.trial_will_end"]
    assert after["status"] == "active"
    assert (after["latest_invoice"]["amount_paid"], after["latest_invoice"]["status"]) == (4_900, "paid")


def test_a_trial_without_a_card_pauses_and_resumes_when_there_is_one(desk: Desk) -> None:
    customer = desk.customer(None)
    pause = {"end_behavior": {"missing_payment_method": "pause"}}
    sub = subscribe(desk, customer, trial_period_days=14, trial_settings=pause)

    desk.sandbox.advance(15 * DAY)
    paused = sub_of(desk, sub["id"])
    desk.control(f"customers/{customer}/card", payment_method="pm_card_visa")
    resumed = desk.post(f"/v1/subscriptions/{sub['id']}/resume")

    assert paused["status"] == "paused"
    assert resumed["status"] == "active"
    assert "customer.subscription.paused" in desk.told(sub["id"])
    assert "customer.subscription.resumed" in desk.told(sub["id"])


def test_a_trial_without_a_card_may_also_end_it(desk: Desk) -> None:
    cancel = {"end_behavior": {"missing_payment_method": "cancel"}}
    sub = subscribe(desk, desk.customer(None), trial_period_days=14, trial_settings=cancel)

    desk.sandbox.advance(15 * DAY)

    assert sub_of(desk, sub["id"])["status"] == "canceled"
    assert desk.told(sub["id"])[-1] == "customer.subscription.deleted"


def test_a_failing_card_makes_it_past_due_is_retried_and_heals_with_a_new_card(desk: Desk) -> None:
    customer = desk.customer()
    sub = subscribe(desk, customer)
    break_card(desk, customer)

    desk.sandbox.advance(MONTH + HOUR)
    failed = sub_of(desk, sub["id"])
    desk.control(f"customers/{customer}/card", payment_method="pm_card_visa")
    desk.sandbox.advance(3 * DAY)

    healed = sub_of(desk, sub["id"])
    assert failed["status"] == "past_due"
    assert failed["latest_invoice"]["attempt_count"] == 1
    assert failed["latest_invoice"]["next_payment_attempt"] == desk.now
    assert (healed["status"], healed["latest_invoice"]["status"]) == ("active", "paid")
    assert healed["latest_invoice"]["attempt_count"] == 2
    assert "invoice.payment_failed" in desk.told(healed["latest_invoice"]["id"])


@pytest.mark.parametrize(("rule", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")])
def test_when_all_retries_failed_the_account_s_rule_decides(desk: Desk, rule: str, status: str) -> None:
    desk.control("billing", account=desk.account, retry_days=[1, 2], after_retries=rule)
    customer = desk.customer()
    sub = subscribe(desk, customer)
    break_card(desk, customer)

    desk.sandbox.advance(MONTH + HOUR + 4 * DAY)

    after = sub_of(desk, sub["id"])
    assert after["status"] == status
    assert after["latest_invoice"]["attempt_count"] == 3
    assert after["latest_invoice"]["next_payment_attempt"] is None


def test_an_unpaid_one_is_active_again_when_its_invoice_is_paid(desk: Desk) -> None:
    desk.control("billing", account=desk.account, retry_days=[], after_retries="unpaid")
    customer = desk.customer()
    sub = subscribe(desk, customer)
    break_card(desk, customer)
    desk.sandbox.advance(MONTH + HOUR)
    unpaid = sub_of(desk, sub["id"])

    desk.press(unpaid["latest_invoice"]["hosted_invoice_url"], "fail")
    still = sub_of(desk, sub["id"])["status"]
    page = desk.press(unpaid["latest_invoice"]["hosted_invoice_url"], "pay")

    assert (unpaid["status"], still) == ("unpaid", "unpaid")
    assert "paid" in page.html
    assert sub_of(desk, sub["id"])["status"] == "active"


def test_a_first_payment_that_fails_leaves_it_incomplete_for_23_hours(desk: Desk) -> None:
    customer = desk.customer("pm_card_chargeCustomerFail")
    waits, expires = subscribe(desk, customer), subscribe(desk, customer)
    card = desk.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]

    with pytest.raises(stripe.CardError) as refused:
        desk.post(f"/v1/invoices/{waits['latest_invoice']}/pay")
    desk.post(f"/v1/invoices/{waits['latest_invoice']}/pay", payment_method=card)
    desk.sandbox.advance(23 * HOUR)

    assert waits["status"] == "incomplete"
    assert refused.value.code == "card_declined"
    assert sub_of(desk, waits["id"])["status"] == "active"
    gone = sub_of(desk, expires["id"])
    assert (gone["status"], gone["latest_invoice"]["status"]) == ("incomplete_expired", "void")


def test_error_if_incomplete_leaves_nothing_behind(desk: Desk) -> None:
    customer = desk.customer("pm_card_chargeCustomerFail")

    with pytest.raises(stripe.CardError):
        subscribe(desk, customer, payment_behavior="error_if_incomplete")

    assert desk.get("/v1/subscriptions", status="all")["data"] == []
    assert desk.get("/v1/invoices")["data"] == []


def test_default_incomplete_becomes_active_when_its_intent_is_confirmed(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer(), payment_behavior="default_incomplete", expand=["latest_invoice.payments"])
    intent = sub["latest_invoice"]["payments"]["data"][0]["payment"]["payment_intent"]

    desk.post(f"/v1/payment_intents/{intent}/confirm", payment_method="pm_card_visa", off_session=True)

    assert sub["status"] == "incomplete"
    assert sub["latest_invoice"]["confirmation_secret"]["client_secret"].startswith(intent)
    assert sub_of(desk, sub["id"])["status"] == "active"


def test_a_card_that_needs_authentication_asks_for_action(desk: Desk) -> None:
    customer = desk.customer()
    sub = subscribe(desk, customer)
    desk.control(f"customers/{customer}/card", payment_method="pm_card_authenticationRequired")

    desk.sandbox.advance(MONTH + HOUR)

    invoice = sub_of(desk, sub["id"])["latest_invoice"]
    assert sub_of(desk, sub["id"])["status"] == "past_due"
    assert "invoice.payment_action_required" in desk.told(invoice["id"])


def test_cancelling_at_period_end_can_be_taken_back_until_then(desk: Desk) -> None:
    kept, left = (subscribe(desk, desk.customer()) for _ in range(2))
    planned = desk.post(f"/v1/subscriptions/{kept['id']}", cancel_at_period_end=True)
    desk.post(f"/v1/subscriptions/{left['id']}", cancel_at_period_end=True)
    back = desk.post(f"/v1/subscriptions/{kept['id']}", cancel_at_period_end=False)

    desk.sandbox.advance(MONTH + HOUR)

    assert planned["cancel_at"] == planned["items"]["data"][0]["current_period_end"]
    assert (back["cancel_at"], back["canceled_at"]) == (None, None)
    assert sub_of(desk, kept["id"])["status"] == "active"
    ended = sub_of(desk, left["id"])
    assert (ended["status"], ended["ended_at"]) == ("canceled", left["items"]["data"][0]["current_period_end"])
    assert len(desk.get("/v1/invoices", subscription=left["id"])["data"]) == 1
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/subscriptions/{left['id']}", cancel_at_period_end=False)


def test_cancelling_now_deletes_it_from_the_default_list(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())

    ended = desk.delete(f"/v1/subscriptions/{sub['id']}")

    assert ended["status"] == "canceled"
    assert desk.get("/v1/subscriptions")["data"] == []
    assert [row["id"] for row in desk.get("/v1/subscriptions", status="canceled")["data"]] == [sub["id"]]


def test_a_change_of_plan_is_prorated_in_whole_cents(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())
    item = sub["items"]["data"][0]
    desk.sandbox.advance(MONTH // 2)

    desk.post(
        f"/v1/subscriptions/{sub['id']}",
        items=[{"id": item["id"], "price": a_price(desk, 9_900)}],
        proration_behavior="always_invoice",
    )

    invoice = sub_of(desk, sub["id"])["latest_invoice"]
    assert [line["amount"] for line in invoice["lines"]["data"]] == [-2_450, 4_950]
    assert (invoice["amount_paid"], invoice["status"], invoice["billing_reason"]) == (
        2_500,
        "paid",
        "subscription_update",
    )
    assert sub_of(desk, sub["id"])["items"]["data"][0]["current_period_end"] == item["current_period_end"]


def test_without_proration_the_new_price_counts_from_the_next_period(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())
    item = sub["items"]["data"][0]["id"]
    items = [{"id": item, "price": a_price(desk, 9_900)}]

    desk.post(f"/v1/subscriptions/{sub['id']}", items=items, proration_behavior="none")
    desk.sandbox.advance(MONTH + HOUR)

    assert sub_of(desk, sub["id"])["latest_invoice"]["amount_paid"] == 9_900


def test_another_interval_begins_a_new_period_now(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())
    item = sub["items"]["data"][0]["id"]
    desk.sandbox.advance(MONTH // 2)

    after = desk.post(f"/v1/subscriptions/{sub['id']}", items=[{"id": item, "price": a_price(desk, 49_000, "year")}])

    assert after["items"]["data"][0]["current_period_end"] == desk.now + 365 * DAY
    assert sub_of(desk, sub["id"])["latest_invoice"]["amount_paid"] == 49_000 - 2_450


def test_paused_collection_voids_the_period_s_invoice(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())
    desk.post(f"/v1/subscriptions/{sub['id']}", pause_collection={"behavior": "void"})

    desk.sandbox.advance(MONTH + HOUR)

    after = sub_of(desk, sub["id"])
    assert (after["status"], after["latest_invoice"]["status"]) == ("active", "void")


def test_checkout_leads_to_a_subscription_and_back_to_the_success_url(desk: Desk) -> None:
    session = desk.post(
        "/v1/checkout/sessions",
        mode="subscription",
        line_items=[{"price": a_price(desk), "quantity": 1}],
        success_url="https://acme.example/done?session={CHECKOUT_SESSION_ID}",
        cancel_url="https://acme.example/plans",
        customer_email="owner@example.com",
        client_reference_id="tenant-1",
        subscription_data={"metadata": {"tenant": "1"}},
    )

    cancelled = desk.press(session["url"], "cancel")
    refused = desk.press(session["url"], "fail")
    between = desk.get(f"/v1/checkout/sessions/{session['id']}")
    paid = desk.press(session["url"], "pay")

    done = desk.get(f"/v1/checkout/sessions/{session['id']}", expand=["subscription", "customer"])
    assert cancelled.location == "https://acme.example/plans"
    assert 'role="alert"' in refused.html
    assert (between["status"], between["subscription"]) == ("open", None)
    assert paid.location == f"https://acme.example/done?session={session['id']}"
    assert (done["status"], done["payment_status"], done["amount_total"]) == ("complete", "paid", 4_900)
    assert (done["subscription"]["status"], done["subscription"]["metadata"]) == ("active", {"tenant": "1"})
    assert done["customer"]["email"] == "owner@example.com"
    assert desk.told(session["id"]) == ["checkout.session.completed"]
    assert desk.open(session["url"]).status == 410
    assert len(desk.get("/v1/subscriptions", status="all")["data"]) == 1


def test_checkout_with_a_trial_needs_no_payment_now(desk: Desk) -> None:
    session = desk.post(
        "/v1/checkout/sessions",
        mode="subscription",
        line_items=[{"price": a_price(desk), "quantity": 1}],
        success_url="https://acme.example/done",
        customer=desk.customer(None),
        subscription_data={"trial_period_days": 14},
    )

    done = desk.control(f"checkout/{session['id']}", result="pay")

    assert done["payment_status"] == "no_payment_required"
    assert sub_of(desk, done["subscription"])["status"] == "trialing"


def test_checkout_for_one_payment_and_late_money(desk: Desk) -> None:
    line = {
        "price_data": {"currency": "usd", "unit_amount": 19_500, "product_data": {"name": "First clean"}},
        "quantity": 1,
    }
    first, late = (
        desk.post("/v1/checkout/sessions", mode="payment", line_items=[line], success_url="https://acme.example/done")
        for _ in range(2)
    )

    failed = desk.control(f"checkout/{first['id']}", result="fail")
    paid = desk.control(f"checkout/{first['id']}", result="pay")
    desk.control(f"checkout/{late['id']}", result="async")
    desk.control(f"checkout/{late['id']}", result="async_succeed")

    assert failed["status"] == "open"
    assert failed["refusal"]
    intent = desk.get(f"/v1/payment_intents/{paid['payment_intent']}")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 19_500)
    assert desk.told(late["id"]) == ["checkout.session.completed", "checkout.session.async_payment_succeeded"]
    assert desk.get(f"/v1/checkout/sessions/{late['id']}")["payment_status"] == "paid"
    assert desk.get(f"/v1/checkout/sessions/{first['id']}/line_items")["data"][0]["amount_total"] == 19_500


def test_an_unfinished_session_expires_by_the_clock(desk: Desk) -> None:
    line = {"price": a_price(desk), "quantity": 1}
    session = desk.post(
        "/v1/checkout/sessions", mode="subscription", line_items=[line], success_url="https://acme.example/done"
    )

    desk.sandbox.advance(DAY)

    assert desk.get(f"/v1/checkout/sessions/{session['id']}")["status"] == "expired"
    assert desk.told(session["id"]) == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/checkout/sessions/{session['id']}/expire")


def test_checkout_refuses_payment_method_types_and_a_mode_that_does_not_fit(desk: Desk) -> None:
    line = {"price": a_price(desk), "quantity": 1}

    with pytest.raises(stripe.InvalidRequestError):
        desk.post(
            "/v1/checkout/sessions",
            mode="subscription",
            line_items=[line],
            success_url="https://acme.example/done",
            payment_method_types=["card"],
        )
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/checkout/sessions", mode="payment", line_items=[line], success_url="https://acme.example/done")

    assert desk.get("/v1/checkout/sessions")["data"] == []


def test_an_invoice_by_hand_is_drafted_finalized_and_paid(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.post("/v1/invoices", customer=customer, description="Extra clean", metadata={"job": "1"})
    desk.post("/v1/invoiceitems", customer=customer, invoice=invoice["id"], amount=12_000, currency="usd")
    desk.post("/v1/invoiceitems", customer=customer, invoice=invoice["id"], amount=-2_000, currency="usd")

    opened = desk.post(f"/v1/invoices/{invoice['id']}/finalize")
    paid = desk.post(f"/v1/invoices/{invoice['id']}/pay")

    assert (opened["status"], opened["amount_due"]) == ("open", 10_000)
    assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)
    assert len(desk.get(f"/v1/invoices/{invoice['id']}/lines")["data"]) == 2
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/invoices/{invoice['id']}/pay")
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/invoiceitems", customer=customer, invoice=invoice["id"], amount=1, currency="usd")


def test_waiting_items_go_on_the_next_invoice_that_asks_for_them(desk: Desk) -> None:
    customer = desk.customer()
    desk.post("/v1/invoiceitems", customer=customer, amount=700, currency="usd")

    without = desk.post("/v1/invoices", customer=customer)
    within = desk.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")

    assert (without["total"], within["total"]) == (0, 700)
    assert desk.get("/v1/invoiceitems", customer=customer, pending=True)["data"] == []
    desk.delete(f"/v1/invoices/{within['id']}")
    assert len(desk.get("/v1/invoiceitems", customer=customer, pending=True)["data"]) == 1


def test_a_sent_invoice_can_be_paid_elsewhere_voided_or_written_off(desk: Desk) -> None:
    def sent() -> str:
        customer = desk.customer(None)
        made = desk.post("/v1/invoices", customer=customer, collection_method="send_invoice", days_until_due=14)
        desk.post("/v1/invoiceitems", customer=customer, invoice=made["id"], amount=9_000, currency="usd")
        return desk.post(f"/v1/invoices/{made['id']}/send")["id"]

    elsewhere, void, lost, late = sent(), sent(), sent(), sent()

    paid = desk.post(f"/v1/invoices/{elsewhere}/pay", paid_out_of_band=True)
    desk.post(f"/v1/invoices/{void}/void")
    desk.post(f"/v1/invoices/{lost}/mark_uncollectible")
    desk.sandbox.advance(14 * DAY)

    assert (paid["status"], paid["amount_paid_off_stripe"]) == ("paid", 9_000)
    assert desk.told(void)[-1] == "invoice.voided"
    assert desk.told(lost)[-1] == "invoice.marked_uncollectible"
    assert desk.told(late) == ["invoice.created", "invoice.finalized", "invoice.sent", "invoice.overdue"]
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/invoices/{void}/pay")


def test_a_finalization_may_fail_and_leaves_a_draft(desk: Desk) -> None:
    invoice = desk.post("/v1/invoices", customer=desk.customer())["id"]
    desk.control(f"invoices/{invoice}", finalization="fails")

    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/invoices/{invoice}/finalize")

    assert desk.get(f"/v1/invoices/{invoice}")["status"] == "draft"
    assert desk.told(invoice)[-1] == "invoice.finalization_failed"


def test_the_portal_cancels_keeps_and_replaces_the_card(desk: Desk) -> None:
    customer = desk.customer()
    sub = subscribe(desk, customer)
    session = desk.post("/v1/billing_portal/sessions", customer=customer, return_url="https://acme.example/account")

    desk.press(session["url"], "cancel")
    planned = sub_of(desk, sub["id"])["cancel_at_period_end"]
    desk.press(session["url"], "keep")
    desk.press(session["url"], "bad_card")
    left = desk.press(session["url"], "leave")
    desk.sandbox.advance(MONTH + HOUR)

    assert planned
    assert not sub_of(desk, sub["id"])["cancel_at_period_end"]
    assert left.location == "https://acme.example/account"
    assert sub_of(desk, sub["id"])["status"] == "past_due"


def test_every_event_of_a_subscription_s_life_is_listed_as_the_contract_says(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer(), trial_period_days=1)
    desk.sandbox.advance(2 * DAY)
    desk.delete(f"/v1/subscriptions/{sub['id']}")

    events = desk.get("/v1/events", limit=100)["data"]

    assert {event["type"] for event in events} >= {"customer.subscription.deleted", "invoice.paid", "invoice.finalized"}
    assert not [key for event in events for key in event["data"]["object"] if key.startswith("_")]


def test_the_sandbox_restores_a_subscription_and_its_timers_from_the_journal(tmp_path: Path) -> None:
    before = Desk("plans", Sandbox(folder=tmp_path, seed=7, frozen_at=NOON))
    sub = subscribe(before, before.customer())
    before.sandbox.close()

    after = Desk("plans", Sandbox(folder=tmp_path, seed=7, frozen_at=NOON))
    after.sandbox.advance(MONTH + HOUR)

    assert sub_of(after, sub["id"])["latest_invoice"]["status"] == "paid"
    assert len(after.get("/v1/invoices", subscription=sub["id"])["data"]) == 2
    after.sandbox.close()


def test_the_same_seed_and_calls_give_the_same_ids(desk: Desk) -> None:
    again = Desk("plans")

    first, second = subscribe(desk, desk.customer()), subscribe(again, again.customer())

    assert first == second


def test_a_price_is_never_changed_in_its_amount_but_may_hand_on_its_lookup_key(desk: Desk) -> None:
    product = desk.post("/v1/products", id="pro", name="Pro", metadata={"tier": "2"})
    fields: dict[str, Any] = {
        "product": "pro",
        "currency": "usd",
        "unit_amount_decimal": "4900",
        "recurring": {"interval": "month"},
    }
    old = desk.post("/v1/prices", **fields, lookup_key="pro", nickname="old")
    new = desk.post("/v1/prices", **fields, lookup_key="pro", transfer_lookup_key=True)
    desk.post(f"/v1/prices/{old['id']}", active=False, metadata={"gone": "yes"})
    renamed = desk.post("/v1/products/pro", name="Pro plus", default_price=new["id"], metadata={"tier": ""})

    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/prices/{old['id']}", unit_amount=1)
    with pytest.raises(stripe.InvalidRequestError):
        subscribe(desk, desk.customer(), old["id"])
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/products", id="pro", name="Twice")
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/prices", product="pro", currency="usd", unit_amount_decimal="0.5")
    with pytest.raises(stripe.InvalidRequestError):
        desk.post("/v1/prices", product="pro", currency="usd", unit_amount=-1)

    assert product["metadata"] == {"tier": "2"}
    assert (renamed["name"], renamed["metadata"], renamed["default_price"]) == ("Pro plus", {}, new["id"])
    assert new["unit_amount"] == 4_900
    assert desk.get(f"/v1/prices/{old['id']}")["lookup_key"] is None
    assert [row["id"] for row in desk.get("/v1/prices", active=True)["data"]] == [new["id"]]
    assert [row["id"] for row in desk.get("/v1/products", ids=["pro"])["data"]] == ["pro"]
    assert desk.get("/v1/subscriptions")["data"] == []


def test_items_are_added_changed_and_taken_off_by_their_own_routes(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())
    first = sub["items"]["data"][0]["id"]
    seats = a_price(desk, 1_000)
    desk.sandbox.advance(MONTH // 2)

    added = desk.post("/v1/subscription_items", subscription=sub["id"], price=seats, quantity=3)
    changed = desk.post(f"/v1/subscription_items/{added['id']}", quantity=4, proration_behavior="none")
    listed = desk.get("/v1/subscription_items", subscription=sub["id"])["data"]
    desk.delete(f"/v1/subscription_items/{first}", proration_behavior="always_invoice")
    with pytest.raises(stripe.InvalidRequestError):
        desk.delete(f"/v1/subscription_items/{added['id']}")

    assert (changed["quantity"], len(listed)) == (4, 2)
    assert desk.get(f"/v1/subscription_items/{added['id']}")["subscription"] == sub["id"]
    latest = sub_of(desk, sub["id"])["latest_invoice"]
    assert sorted(line["amount"] for line in latest["lines"]["data"]) == [-2_450, 1_500]
    # More was given back than charged: the customer keeps it as a balance for the next period.
    assert (latest["status"], latest["amount_due"], latest["ending_balance"]) == ("paid", 0, -950)
    desk.sandbox.advance(MONTH)
    assert sub_of(desk, sub["id"])["latest_invoice"]["amount_paid"] == 4_000 - 950


def test_a_change_that_cannot_be_paid_is_taken_back_where_asked(desk: Desk) -> None:
    customer = desk.customer()
    sub = subscribe(desk, customer)
    item = sub["items"]["data"][0]["id"]
    break_card(desk, customer)
    desk.sandbox.advance(MONTH // 2)

    with pytest.raises(stripe.CardError):
        desk.post(
            f"/v1/subscriptions/{sub['id']}",
            items=[{"id": item, "price": a_price(desk, 9_900)}],
            proration_behavior="always_invoice",
            payment_behavior="error_if_incomplete",
        )

    after = sub_of(desk, sub["id"])
    assert (after["status"], after["items"]["data"][0]["price"]["unit_amount"]) == ("active", 4_900)
    assert len(desk.get("/v1/invoices", subscription=sub["id"])["data"]) == 1


def test_a_trial_may_end_now_or_later(desk: Desk) -> None:
    now, later = (subscribe(desk, desk.customer(), trial_period_days=14) for _ in range(2))

    desk.post(f"/v1/subscriptions/{now['id']}", trial_end="now")
    desk.post(f"/v1/subscriptions/{later['id']}", trial_end=desk.now + 20 * DAY, metadata={"why": "asked"})
    desk.sandbox.advance(15 * DAY)

    ended, running = sub_of(desk, now["id"]), sub_of(desk, later["id"])
    assert (ended["status"], ended["latest_invoice"]["amount_paid"]) == ("active", 4_900)
    assert (running["status"], running["metadata"]) == ("trialing", {"why": "asked"})
    desk.sandbox.advance(6 * DAY)
    assert sub_of(desk, later["id"])["status"] == "active"


def test_a_planned_moment_ends_it(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer())
    desk.post(f"/v1/subscriptions/{sub['id']}", cancel_at=desk.now + 5 * DAY)

    desk.sandbox.advance(5 * DAY)

    assert sub_of(desk, sub["id"])["status"] == "canceled"
    assert [row["id"] for row in desk.get("/v1/subscriptions", status="ended")["data"]] == [sub["id"]]


def test_a_subscription_by_letter_is_past_due_when_its_invoice_is(desk: Desk) -> None:
    sub = subscribe(desk, desk.customer(None), collection_method="send_invoice", days_until_due=7)

    desk.sandbox.advance(7 * DAY)
    late = sub_of(desk, sub["id"])
    desk.post(f"/v1/invoices/{late['latest_invoice']['id']}/pay", paid_out_of_band=True)

    assert (sub["status"], late["status"]) == ("active", "past_due")
    assert sub_of(desk, sub["id"])["status"] == "active"


def test_foreign_cards_and_unknown_customers_begin_nothing(desk: Desk) -> None:
    mine, other = desk.customer(), desk.customer()
    card = desk.get(f"/v1/customers/{other}/payment_methods")["data"][0]["id"]
    price = a_price(desk)

    for params in (
        {"customer": "cus_nobody", "items": [{"price": price}]},
        {"customer": mine, "items": [{"price": "price_none"}]},
        {"customer": mine, "items": [{"price": price}], "default_payment_method": card},
        {"customer": mine, "items": [{"price": price}], "trial_end": desk.now - 1},
        {"customer": mine},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            desk.post("/v1/subscriptions", **params)

    assert desk.get("/v1/subscriptions", status="all")["data"] == []
    assert desk.get("/v1/invoices")["data"] == []


def test_a_draft_may_be_changed_a_finalized_invoice_hardly(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.post("/v1/invoices", customer=customer)["id"]
    item = desk.post("/v1/invoiceitems", customer=customer, invoice=invoice, pricing={"price": a_price(desk, 100)})
    desk.post(f"/v1/invoices/{invoice}", description="Two cleans")
    desk.post(f"/v1/invoices/{invoice}/finalize")

    noted = desk.post(f"/v1/invoices/{invoice}", metadata={"job": "1"})
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/invoices/{invoice}", description="Three cleans")
    with pytest.raises(stripe.InvalidRequestError):
        desk.delete(f"/v1/invoiceitems/{item['id']}")
    with pytest.raises(stripe.InvalidRequestError):
        desk.delete(f"/v1/invoices/{invoice}")

    assert (noted["description"], noted["metadata"], noted["total"]) == ("Two cleans", {"job": "1"}, 100)
    assert desk.get(f"/v1/invoiceitems/{item['id']}")["invoice"] == invoice
    loose = desk.post("/v1/invoiceitems", customer=customer, amount=5, currency="usd")["id"]
    assert desk.delete(f"/v1/invoiceitems/{loose}")["deleted"]


def test_an_advancing_draft_is_collected_by_itself(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.post("/v1/invoices", customer=customer, auto_advance=True)["id"]
    desk.post("/v1/invoiceitems", customer=customer, invoice=invoice, amount=2_000, currency="usd")

    desk.sandbox.advance(HOUR)

    paid = desk.get(f"/v1/invoices/{invoice}", expand=["payments"])
    assert paid["status"] == "paid"
    payment = paid["payments"]["data"][0]["id"]
    assert desk.get(f"/v1/invoice_payments/{payment}")["status"] == "paid"


def test_portal_configurations_say_what_is_allowed(desk: Desk) -> None:
    features = {"subscription_cancel": {"enabled": False}, "customer_update": {"enabled": True, "allowed_updates": []}}
    made = desk.post("/v1/billing_portal/configurations", features=features, name="Ours")
    customer = desk.customer()
    session = desk.post("/v1/billing_portal/sessions", customer=customer, configuration=made["id"])

    assert not made["features"]["subscription_cancel"]["enabled"]
    assert session["configuration"] == made["id"]
    assert [row["id"] for row in desk.get("/v1/billing_portal/configurations")["data"]] == [made["id"]]


def test_sessions_are_found_by_their_subscription(desk: Desk) -> None:
    lines = [
        {"price": a_price(desk), "quantity": 1},
        {"price_data": {"currency": "usd", "unit_amount": 5_000, "product_data": {"name": "Set-up"}}, "quantity": 1},
    ]
    session = desk.post(
        "/v1/checkout/sessions", mode="subscription", line_items=lines, success_url="https://acme.example/done"
    )
    done = desk.control(f"checkout/{session['id']}")

    [found] = desk.get("/v1/checkout/sessions", subscription=done["subscription"])["data"]

    assert (found["id"], found["amount_total"]) == (session["id"], 9_900)
    assert desk.get(f"/v1/invoices/{found['invoice']}")["amount_paid"] == 9_900
