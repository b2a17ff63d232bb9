"""Payment intents, setup intents and their cards: every state, every refusal."""

from typing import Any

import pytest
import stripe

from tests.stripe_sandbox.driving import DAY, JOB, START, Driver

HOUR = 3600


@pytest.mark.parametrize(
    ("card", "off_session", "window"),
    [
        ("visa", "true", 4 * DAY + 18 * HOUR),
        ("mastercard", "true", 7 * DAY),
        ("amex", "true", 7 * DAY),
        ("discover", "true", 7 * DAY),
        ("visa", "false", 7 * DAY),
        ("mastercard", "false", 7 * DAY),
    ],
)
async def test_a_hold_says_when_it_ends_by_brand_and_by_who_began_it_and_ends_then(
    stripe_api: Driver, card: str, off_session: str, window: int
):
    intent = await stripe_api.hold(card, off_session=off_session)

    before = intent["latest_charge"]["payment_method_details"]["card"]["capture_before"]
    assert before == START + window
    stripe_api.sandbox.set_clock(before - 1)
    assert (await stripe_api.get(f"payment_intents/{intent['id']}"))["status"] == "requires_capture"
    stripe_api.sandbox.set_clock(before)
    expired = await stripe_api.get(f"payment_intents/{intent['id']}")
    assert (expired["status"], expired["cancellation_reason"], expired["amount_capturable"]) == (
        "canceled",
        "expired",
        0,
    )
    assert stripe_api.events()[-2:] == ["charge.expired", "payment_intent.canceled"]
    refusal = await stripe_api.refused(f"payment_intents/{intent['id']}/capture")
    assert refusal["code"] == "payment_intent_unexpected_state"
    assert refusal["payment_intent"]["status"] == "canceled"
    assert (await stripe_api.get("balance"))["pending"][0]["amount"] == 0


async def test_capture_takes_what_was_held_or_less_and_only_once(stripe_api: Driver):
    intent = await stripe_api.hold()
    path = f"payment_intents/{intent['id']}/capture"

    over = await stripe_api.refused(path, amount_to_capture=JOB + 1)
    none = await stripe_api.refused(path, amount_to_capture=0)
    wrong = await stripe_api.refused(path, amount=JOB)
    taken = await stripe_api.post(path, amount_to_capture=19_000)
    again = await stripe_api.refused(path)

    assert [over["code"], none["code"], wrong["code"]] == [
        "amount_too_large",
        "parameter_invalid_integer",
        "parameter_unknown",
    ]
    assert (taken["status"], taken["amount"], taken["amount_received"]) == ("succeeded", JOB, 19_000)
    charge = await stripe_api.get(f"charges/{taken['latest_charge']}?expand[]=balance_transaction")
    assert (charge["captured"], charge["amount_captured"], charge["amount_refunded"]) == (True, 19_000, 0)
    assert charge["balance_transaction"]["fee"] == 581
    assert again["code"] == "payment_intent_unexpected_state"
    assert (await stripe_api.get("refunds"))["data"] == []
    assert stripe_api.events()[-2:] == ["charge.captured", "payment_intent.succeeded"]


async def test_cancelling_a_hold_makes_no_refund_and_ends_it(stripe_api: Driver):
    intent = await stripe_api.hold()
    path = f"payment_intents/{intent['id']}"

    gone = await stripe_api.post(f"{path}/cancel", cancellation_reason="requested_by_customer")
    again = await stripe_api.refused(f"{path}/cancel")
    confirm = await stripe_api.refused(f"{path}/confirm", off_session="true")
    amount = await stripe_api.refused(path, amount=100)
    renamed = await stripe_api.post(path, metadata__note="kept")

    assert (gone["status"], gone["canceled_at"]) == ("canceled", START)
    assert [again["code"], confirm["code"], amount["code"]] == ["payment_intent_unexpected_state"] * 3
    assert renamed["metadata"] == {"note": "kept"}
    assert (await stripe_api.get("refunds"))["data"] == []
    assert "charge.refunded" not in stripe_api.events()


async def test_create_then_confirm_then_again_after_a_decline_on_the_same_intent(stripe_api: Driver):
    customer, bad = await stripe_api.customer_with("chargeCustomerFail")
    good = (await stripe_api.post("payment_methods/pm_card_visa/attach", customer=customer))["id"]
    intent = await stripe_api.post(
        "payment_intents",
        amount=JOB,
        currency="usd",
        customer=customer,
        payment_method=bad,
        capture_method="manual",
        metadata__op_id="op-1",
    )
    path = f"payment_intents/{intent['id']}/confirm"

    declined = await stripe_api.refused(path, off_session="true")
    bare = await stripe_api.refused(path, off_session="true")
    held = await stripe_api.post(path, payment_method=good, off_session="true")

    assert intent["status"] == "requires_confirmation"
    assert (declined["status"], declined["code"], declined["decline_code"]) == (402, "card_declined", "generic_decline")
    failed = declined["payment_intent"]
    assert (failed["status"], failed["payment_method"]) == ("requires_payment_method", None)
    assert failed["last_payment_error"]["charge"] == failed["latest_charge"] == declined["charge"]
    assert bare["code"] == "payment_intent_unexpected_state"
    assert (held["status"], held["last_payment_error"]) == ("requires_capture", None)
    charges = (await stripe_api.get(f"charges?payment_intent={intent['id']}"))["data"]
    assert [(charge["status"], charge["captured"]) for charge in charges] == [("succeeded", False), ("failed", False)]


DECLINES = [
    ("visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
    ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
    ("visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
    ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
    ("chargeDeclinedExpiredCard", "expired_card", None, "confirm_card_data"),
    ("chargeDeclinedProcessingError", "processing_error", None, "try_again_later"),
]


@pytest.mark.parametrize(("card", "code", "decline", "advice"), DECLINES)
async def test_a_declining_card_tells_why_and_cannot_be_saved(
    stripe_api: Driver, card: str, code: str, decline: str | None, advice: str
):
    customer = (await stripe_api.post("customers"))["id"]

    saving = await stripe_api.refused(f"payment_methods/pm_card_{card}/attach", customer=customer)
    with pytest.raises(stripe.CardError) as paying:
        await stripe_api.sdk.v1.payment_intents.create_async(
            {
                "amount": JOB,
                "currency": "usd",
                "customer": customer,
                "payment_method": f"pm_card_{card}",
                "confirm": True,
                "off_session": True,
            }
        )

    error = paying.value.error
    assert error is not None
    assert (paying.value.code, error.decline_code, error.advice_code) == (code, decline, advice)
    assert (saving["status"], saving["code"]) == (402, code)
    assert (await stripe_api.get(f"customers/{customer}/payment_methods"))["data"] == []
    assert (await stripe_api.get("balance"))["pending"][0]["amount"] == 0


async def test_a_saved_card_can_be_told_to_decline_n_times_with_any_code(stripe_api: Driver):
    customer, card = await stripe_api.customer_with("visa")
    await stripe_api.control(f"payment_methods/{card}", {"outcome": "insufficient_funds", "times": 2})
    intent = await stripe_api.post("payment_intents", amount=JOB, currency="usd", customer=customer)
    path = f"payment_intents/{intent['id']}/confirm"

    refusals = [await stripe_api.refused(path, payment_method=card, off_session="true") for _ in range(2)]
    paid = await stripe_api.post(path, payment_method=card, off_session="true")

    assert [refusal["decline_code"] for refusal in refusals] == ["insufficient_funds"] * 2
    assert [refusal["network_decline_code"] for refusal in refusals] == ["51"] * 2
    assert paid["status"] == "succeeded"


async def test_an_authentication_is_refused_off_session_asked_on_session_and_settled_by_the_customer(
    stripe_api: Driver,
):
    customer, card = await stripe_api.customer_with("authenticationRequired")
    intent = await stripe_api.post(
        "payment_intents", amount=JOB, currency="usd", customer=customer, capture_method="manual"
    )
    path = f"payment_intents/{intent['id']}"

    refusal = await stripe_api.refused(f"{path}/confirm", payment_method=card, off_session="true")
    homeless = await stripe_api.refused(f"{path}/confirm", payment_method=card)
    asked = await stripe_api.post(f"{path}/confirm", payment_method=card, return_url="https://cleanshift.test/back")

    assert (refusal["status"], refusal["code"]) == (402, "authentication_required")
    assert refusal["payment_intent"]["status"] == "requires_payment_method"
    assert homeless["param"] == "return_url"
    assert (asked["status"], asked["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    assert asked["client_secret"].startswith(f"{intent['id']}_secret_")
    url = asked["next_action"]["redirect_to_url"]["url"].removeprefix("https://stripe.sandbox")
    assert "Complete authentication" in (await stripe_api.http.get(url)).text
    answer = await stripe_api.http.post(url, data={"outcome": "complete"})
    assert answer.status_code == 303
    assert "redirect_status=succeeded" in answer.headers["location"]
    assert (await stripe_api.get(path))["status"] == "requires_capture"
    assert (await stripe_api.http.post(url, data={"outcome": "complete"})).status_code == 410


async def test_a_failed_authentication_leaves_the_intent_without_a_card(stripe_api: Driver):
    customer, card = await stripe_api.customer_with("authenticationRequired")
    intent = await stripe_api.post("payment_intents", amount=JOB, currency="usd", customer=customer)
    secret = {"client_secret": intent["client_secret"], "payment_method": card}
    await stripe_api.control(f"intents/{intent['id']}/confirm", secret)

    after = await stripe_api.control(f"intents/{intent['id']}/authenticate", {"ok": False})

    assert after["status"] == "requires_payment_method"
    assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (await stripe_api.get("charges"))["data"] == []
    forged = await stripe_api.http.post(
        f"/__sandbox/intents/{intent['id']}/confirm", json={**secret, "client_secret": "pi_x_secret_y"}
    )
    assert forged.status_code == 400


async def test_a_first_payment_on_session_saves_the_card_for_later(stripe_api: Driver):
    customer = (await stripe_api.post("customers"))["id"]
    first = await stripe_api.post(
        "payment_intents",
        amount=JOB,
        currency="usd",
        customer=customer,
        payment_method="pm_card_authenticationRequiredOnSetup",
        setup_future_usage="off_session",
        payment_method_options__card__setup_credential_usage="unscheduled",
        confirm="true",
        return_url="https://cleanshift.test/back",
    )
    await stripe_api.control(f"intents/{first['id']}/authenticate", {"ok": True})
    (saved,) = (await stripe_api.get(f"customers/{customer}/payment_methods"))["data"]

    later = await stripe_api.post(
        "payment_intents",
        amount=JOB,
        currency="usd",
        customer=customer,
        payment_method=saved["id"],
        payment_method_options__card__stored_credential_usage="unscheduled",
        off_session="true",
        confirm="true",
    )

    assert (first["status"], later["status"]) == ("requires_action", "succeeded")
    assert "payment_method.attached" in stripe_api.events()


async def test_a_setup_intent_saves_a_card_without_a_charge(stripe_api: Driver):
    customer = (await stripe_api.post("customers"))["id"]
    plain = await stripe_api.sdk.v1.setup_intents.create_async(
        {
            "customer": customer,
            "payment_method": "pm_card_visa",
            "usage": "off_session",
            "confirm": True,
            "return_url": "https://cleanshift.test/back",
        }
    )
    refusal = await stripe_api.refused(
        "setup_intents",
        customer=customer,
        payment_method="pm_card_visa_chargeDeclined",
        confirm="true",
        return_url="https://cleanshift.test/back",
    )

    assert plain.status == "succeeded"
    saved = (await stripe_api.get(f"customers/{customer}/payment_methods"))["data"]
    assert [method["id"] for method in saved] == [plain.payment_method]
    assert refusal["setup_intent"]["status"] == "requires_payment_method"
    assert (await stripe_api.get("charges"))["data"] == []
    late = await stripe_api.refused(f"setup_intents/{plain.id}/cancel")
    assert late["code"] == "setup_intent_unexpected_state"


async def test_cards_belong_to_their_customers_and_strays_are_used_once(stripe_api: Driver):
    customer, card = await stripe_api.customer_with("visa")
    other = (await stripe_api.post("customers"))["id"]
    pay: Any = {"amount": JOB, "currency": "usd", "confirm": "true", "off_session": "true"}
    stray = (await stripe_api.post("payment_methods", type="card", card__token="tok_visa"))["id"]

    foreign = await stripe_api.refused("payment_intents", **pay, customer=other, payment_method=card)
    ownerless = await stripe_api.refused("payment_intents", **pay, payment_method=card)
    first = await stripe_api.post("payment_intents", **pay, payment_method=stray)
    second = await stripe_api.refused("payment_intents", **pay, payment_method=stray)
    await stripe_api.post(f"payment_methods/{card}/detach")
    forgotten = await stripe_api.refused("payment_intents", **pay, customer=customer, payment_method=card)

    assert [refusal["param"] for refusal in (foreign, ownerless, second, forgotten)] == ["payment_method"] * 4
    assert first["status"] == "succeeded"
    assert len((await stripe_api.get("charges"))["data"]) == 1


async def test_refunds_stay_within_what_is_left_and_off_disputed_charges(stripe_api: Driver):
    charge = await stripe_api.charge()
    part = await stripe_api.post("refunds", charge=charge["id"], amount=500, reason="requested_by_customer")
    over = await stripe_api.refused("refunds", payment_intent=charge["payment_intent"], amount=JOB - 499)
    rest = await stripe_api.post("refunds", payment_intent=charge["payment_intent"])
    none = await stripe_api.refused("refunds", charge=charge["id"])
    held = await stripe_api.hold()
    uncaptured = await stripe_api.refused("refunds", payment_intent=held["id"])
    disputed = await stripe_api.charge()
    await stripe_api.control(f"charges/{disputed['id']}/dispute")
    stopped = await stripe_api.refused("refunds", charge=disputed["id"])

    assert (part["amount"], rest["amount"]) == (500, JOB - 500)
    assert over["param"] == "amount"
    assert [none["code"], uncaptured["code"], stopped["code"]] == [
        "charge_already_refunded",
        "charge_not_refundable",
        "charge_disputed",
    ]
    after = await stripe_api.get(f"charges/{charge['id']}")
    assert (after["amount_refunded"], after["refunded"]) == (JOB, True)
    assert len((await stripe_api.get("refunds"))["data"]) == 2


async def test_refunds_that_take_time_end_by_the_clock(stripe_api: Driver):
    slow = await stripe_api.charge(card="pendingRefund")
    dead = await stripe_api.charge(card="refundFail")
    pending = await stripe_api.post("refunds", charge=slow["id"])
    hopeful = await stripe_api.post("refunds", charge=dead["id"])

    stripe_api.sandbox.advance(HOUR)

    assert (pending["status"], hopeful["status"]) == ("pending", "succeeded")
    assert (await stripe_api.get(f"refunds/{pending['id']}"))["status"] == "succeeded"
    failed = await stripe_api.get(f"refunds/{hopeful['id']}?expand[]=failure_balance_transaction")
    assert (failed["status"], failed["failure_balance_transaction"]["net"]) == ("failed", JOB)
    assert (await stripe_api.get(f"charges/{dead['id']}"))["amount_refunded"] == 0
    assert "refund.failed" in stripe_api.events()
