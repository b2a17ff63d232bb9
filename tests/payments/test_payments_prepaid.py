"""The first clean is paid when it is booked, and never again (R46 to R50, A10)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from db.ids import new_id
from domain.errors import Code
from domain.ids import BookingDraftId, JobId, MoneyOpId, PaymentId
from domain.payments.outcomes import Refusal
from services.cancellations import CancelJob, cancel_job
from services.payments.declines import RetryPayment, retry_payment
from services.payments.prepaid import FirstClean, charge_first_clean
from services.payments.recorders import RecordOp, record_op
from services.payments.refunds import ApproveRefund, approve_refund
from tests.fieldwork.site import command_of
from tests.payments.site import CONSENT, Home, Site

BACK = "https://cleanshift.test/booking"


async def _charge(site: Site, home: Home, card: str = "visa", **different: Any) -> PaymentId:
    plan = await site.unpaid_plan(home)
    form = FirstClean(
        plan=plan,
        customer=home.customer,
        draft=BookingDraftId(new_id()),
        method_token=different.get("method") or site.fresh_method(card),
        amount_cents=9_000,
        currency="usd",
        usage="recurring",
        consent_version=different.get("version", "2026-11"),
        consent_text=CONSENT,
        consent_address="203.0.113.7",
        return_url=different.get("back", BACK),
    )
    made: PaymentId = await site.system(command_of(charge_first_clean), form)
    return made


async def _booked(site: Site) -> tuple[Home, JobId, Any]:
    home = await site.home(card=None)
    payment = await _charge(site, home)
    await site.settle()
    row = await site.row("payment", payment)
    return home, JobId(row["job_id"]), row


async def test_the_first_clean_is_charged_at_once_and_its_card_is_kept(site: Site) -> None:
    """R46, R47, R48, R264: customer present, saved for later, our marks; the plan and its job follow."""
    home, job, row = await _booked(site)

    [intent] = site.things("payment_intents")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 9_000)
    assert intent["capture_method"].startswith("automatic")
    assert intent["setup_future_usage"] == "off_session"
    marks = intent["metadata"]
    assert (marks["customerId"], marks["subscriptionId"]) == (str(home.customer), str(row["plan_id"]))
    assert marks["isFirstClean"] == "true"
    assert (row["kind"], row["status"], row["captured_cents"]) == ("PREPAID", "CAPTURED", 9_000)
    clean = await site.row("job", job)
    assert (clean["prepaid"], clean["payment_status"], clean["payment_intent_id"]) == (True, "CAPTURED", intent["id"])
    card = await site.row("payment_method", row["method_id"])
    assert (card["status"], card["is_default"], card["last4"]) == ("ACTIVE", True, "4242")


async def test_a_booking_whose_card_is_declined_meanwhile_is_paid_by_the_saved_one(site: Site) -> None:
    """R47, A10: two bookings with the same new card, refused for the first: the other asks the card that is saved."""
    home = await site.home()
    first = await _charge(site, home, method="pm_card_chargeDeclined")
    [known] = await site.waiting("send_money")
    await site.attempt(known["kind"], json.loads(known["payload"]))
    second = await _charge(site, home, method="pm_card_chargeDeclined")
    await site.settle()

    refused, paid = await site.row("payment", first), await site.row("payment", second)
    assert (refused["status"], paid["status"], paid["captured_cents"]) == ("RELEASED", "CAPTURED", 9_000)
    assert refused["method_id"] == paid["method_id"]
    cards = "select method_id, status, is_default from payment_method where tenant_id = $1 order by created_at, id"
    saved, given = await site.rows(cards, site.town.tenant)
    assert (saved["method_id"], saved["status"], saved["is_default"]) == (home.method, "ACTIVE", True)
    assert (given["status"], given["is_default"]) == ("FAILED", False)


async def test_its_reserve_is_put_by_at_the_charge_and_once(site: Site) -> None:
    """A10, A13."""
    _, job, row = await _booked(site)
    entry = await site.entry(f"capture:{row['charge_id']}")
    assert entry == {"CASH": 8_709, "FEES": 291, "RESERVE": -180, "REVENUE": -8_820}

    await site.prove(job)

    assert (await site.books())["RESERVE"] == -180
    assert (await site.books())["CASH"] == site.balance()


async def test_it_is_never_held_and_never_captured_again_but_needs_its_proof(site: Site) -> None:
    """R50, A10: authorized 0 times, captured 0 more times; the cleaners are paid for it all the same."""
    _, job, _ = await _booked(site)
    await site.hold_night(job)

    await site.prove(job)

    assert len(site.things("payment_intents")) == len(await site.payments(job)) == 1
    assert [op["kind"] for op in await site.ops() if op["kind"] == "CAPTURE"] == []
    assert await site.value("select count(*) from payout where job_id = $1", job) == 1
    assert (await site.row("job", job))["status"] == "COMPLETED"


@pytest.mark.parametrize("card", ["chargeCustomerFail", "chargeDeclinedInsufficientFunds"])
async def test_a_declined_card_leaves_nothing_active(site: Site, card: str) -> None:
    """R49: neither plan nor job; of the payment nothing may come any more."""
    home = await site.home(card=None)

    payment = await _charge(site, home, card)
    await site.settle()

    row = await site.row("payment", payment)
    assert (row["status"], row["captured_cents"]) == ("RELEASED", 0)
    assert row["decline"] is not None
    assert [one["status"] for one in site.things("payment_intents")] == ["canceled"]
    assert (await site.row("service_plan", row["plan_id"]))["status"] == "CANCELED"
    assert await site.world.count("job", site.town.tenant) == 0
    kept = await site.row("payment_method", row["method_id"])
    assert (kept["status"], kept["failure"]) == ("FAILED", json.loads(row["decline"])["words"])
    assert not kept["is_default"]


async def test_a_test_card_is_kept_under_its_own_id_so_that_the_next_customer_can_give_one(site: Site) -> None:
    """R38, R264: `pm_card_visa` names a fresh card each time; what is charged later is the one that was saved."""
    one, other = await site.home(card=None), await site.home(card=None)
    first = await _charge(site, one, method="pm_card_visa")
    await site.settle()

    second = await _charge(site, other, method="pm_card_visa")
    await site.settle()

    rows = [await site.row("payment", payment) for payment in (first, second)]
    cards = [await site.row("payment_method", row["method_id"]) for row in rows]
    assert [row["status"] for row in rows] == ["CAPTURED", "CAPTURED"]
    assert [card["status"] for card in cards] == ["ACTIVE", "ACTIVE"]
    intents = {intent["id"]: intent["payment_method"] for intent in site.things("payment_intents")}
    assert [card["method_id"] for card in cards] == [intents[row["intent_id"]] for row in rows]


async def test_a_first_payment_that_the_bank_wants_confirmed_waits_for_its_customer(site: Site) -> None:
    home = await site.home(card=None)
    payment = await _charge(site, home, "authenticationRequired")
    await site.settle()
    row = await site.row("payment", payment)
    assert row["status"] == "REQUIRES_ACTION"
    assert row["action_url"].startswith("https://stripe.sandbox/authenticate/")

    await site.control("POST", f"intents/{row['intent_id']}/authenticate", {"ok": True})
    await site.attempt("read_payment", {"payment": str(payment)})
    await site.settle()

    assert (await site.row("payment", payment))["status"] == "CAPTURED"
    assert await site.world.count("job", site.town.tenant) == 1


async def test_what_the_bank_refused_to_confirm_is_a_decline(site: Site) -> None:
    home = await site.home(card=None)
    payment = await _charge(site, home, "authenticationRequired")
    await site.settle()
    intent = (await site.row("payment", payment))["intent_id"]

    await site.control("POST", f"intents/{intent}/authenticate", {"ok": False})
    await site.attempt("read_payment", {"payment": str(payment)})
    await site.settle()

    assert (await site.row("payment", payment))["status"] == "RELEASED"
    assert [one["status"] for one in site.things("payment_intents")] == ["canceled"]


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "truncate"])
async def test_an_answer_that_is_lost_charges_nothing_twice(site: Site, kind: str) -> None:
    """R157."""
    home = await site.home(card=None)
    for path in ("/v1/customers", "/v1/payment_intents", "/v1/payment_intents/*/confirm"):
        site.fault(kind, path)

    payment = await _charge(site, home)
    for _ in range(6):
        await site.drain()

    assert (await site.row("payment", payment))["status"] == "CAPTURED"
    assert sum(one["amount_captured"] for one in site.things("charges")) == 9_000
    assert len(site.things("customers")) == 1


async def test_without_consent_nothing_is_charged(site: Site) -> None:
    home, method = await site.home(card=None), site.fresh_method()
    plan_before = await site.world.count("payment", site.town.tenant)

    with pytest.raises(Exception, match="characters"):
        await _charge(site, home, method=method, version=" ")

    assert await site.world.count("payment", site.town.tenant) == plan_before
    assert site.things("payment_intents") == []


async def test_a_canceled_prepaid_clean_is_refunded_by_itself(site: Site) -> None:
    """A50: nothing of it is silently kept, and nobody has to think of it."""
    _, job, row = await _booked(site)

    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    await site.settle()

    [back] = await site.world.root.fetch("select * from refund where payment_id = $1", row["id"])
    assert (back["status"], back["amount_cents"]) == ("SUCCEEDED", 9_000)
    assert (await site.row("payment", row["id"]))["status"] == "REFUNDED"
    assert [one["amount"] for one in site.things("refunds")] == [9_000]
    assert (await site.books())["CASH"] == site.balance()
    assert "prepaid_to_refund" not in await site.alarms()


async def test_what_a_late_cancellation_costs_is_kept_of_what_was_prepaid(site: Site) -> None:
    """A50: as from a hold, by the policy; waived, all of it goes back."""
    await site.settings(payments={"cancellation": {"freeHours": 720, "lateFeePercent": 30}})
    _, kept, paid = await _booked(site)

    await site.do(site.town.owner, cancel_job, CancelJob(kept, "The customer is away."))
    await site.settle()

    assert [one["amount"] for one in site.things("refunds")] == [6_300]
    assert (await site.row("payment", paid["id"]))["status"] == "PARTIALLY_REFUNDED"


async def test_above_the_limit_somebody_else_has_to_agree_to_give_it_back(site: Site) -> None:
    """R213: calling a clean off is no way around the second approver."""
    await site.settings(payments={"refundApprovalCents": 8_999})
    _, job, row = await _booked(site)

    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    await site.settle()
    waiting = await site.world.root.fetchrow("select * from refund where payment_id = $1", row["id"])
    assert (waiting["status"], site.things("refunds")) == ("REQUESTED", [])
    async with site.refused(Code.SECOND_APPROVER):
        await site.do(site.town.owner, approve_refund, ApproveRefund(waiting["id"]))


async def test_of_a_prepaid_clean_that_nobody_came_to_administrators_decide(site: Site) -> None:
    """R143: it may be planned anew, paid as it is, so that nothing goes back by itself."""
    _, job, row = await _booked(site)
    await site.crew(job)

    await site.until((await site.row("job", job))["starts_at"] + timedelta(minutes=91))
    await site.duty("watch_arrivals")
    await site.settle()

    assert (await site.row("job", job))["status"] == "NO_SHOW"
    assert (await site.row("payment", row["id"]))["status"] == "CAPTURED"
    assert "prepaid_to_refund" in await site.alarms()


async def test_a_page_that_is_none_is_refused(site: Site) -> None:
    home, method = await site.home(card=None), site.fresh_method()
    await site.unpaid_plan(home)

    with pytest.raises(Exception, match="page") as caught:
        await _charge(site, home, method=method, back="javascript:alert(1)")

    assert caught.value.code is Code.INVALID  # type: ignore[attr-defined]


@pytest.mark.parametrize("by_hand", [False, True], ids=["by itself", "by the office"])
async def test_a_first_charge_that_is_asked_again_keeps_the_page_to_come_back_to(site: Site, by_hand: bool) -> None:
    """R46, A36: whose card it is was there when they booked, and comes back to where they were, whatever went wrong."""
    home = await site.home(card=None)
    site.fault("drop_before", "/v1/payment_intents/*/confirm")
    payment = await _charge(site, home, "authenticationRequired")
    await site.drain()
    [asked] = await site.ops("CONFIRM")
    later = Refusal("payment_intent_rate_limit_exceeded")
    await site.system(record_op, RecordOp(MoneyOpId(asked["id"]), later))

    if by_hand:
        await site.do(site.town.owner, retry_payment, RetryPayment(PaymentId(payment)))
    else:
        await site.move(timedelta(minutes=11))
    await site.drain()

    asks = [json.loads(op["ask"])["params"] for op in await site.ops("CONFIRM")]
    assert [(one.get("return_url"), one.get("off_session")) for one in asks] == [(BACK, None)] * 2
    row = await site.row("payment", payment)
    assert (row["status"], row["return_url"]) == ("REQUIRES_ACTION", BACK)
    assert row["action_url"].startswith("https://stripe.sandbox/authenticate/")
