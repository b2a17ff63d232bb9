"""Idempotency keys: what is kept, replayed, refused and forgotten; and what each fault leaves behind."""

import httpx2
import pytest
import stripe

from tests.stripe_sandbox.driving import DAY, JOB, Driver

BEFORE = ("drop_before", "reset_before", "hang_before", "error_before", "rate_limit", "rate_limit_no_retry", "conflict")
AFTER = ("drop_after", "reset_after", "hang_after", "truncate")


async def test_the_same_key_and_parameters_get_the_same_answer_and_nothing_is_done_twice(stripe_api: Driver):
    first = await stripe_api.send("customers", "k1", name="Customer 1", metadata__a="1", metadata__b="2")
    # Another order of the same parameters is the same request.
    second = await stripe_api.send("customers", "k1", metadata__b="2", metadata__a="1", name="Customer 1")

    assert second.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert len((await stripe_api.get("customers"))["data"]) == 1


async def test_a_key_with_other_parameters_is_an_idempotency_error(stripe_api: Driver):
    await stripe_api.post("customers", "k1", name="Customer 1")

    with pytest.raises(stripe.IdempotencyError):
        await stripe_api.sdk.v1.customers.create_async({"name": "Customer 2"}, {"idempotency_key": "k1"})
    elsewhere = await stripe_api.refused("refunds", "k1", charge="ch_1")
    other_account = await Driver(stripe_api.sandbox, "other").send("customers", "k1", name="Customer 2")

    assert elsewhere["type"] == "idempotency_error"
    assert other_account.status_code == 200
    assert (await stripe_api.send("customers", "k" * 256)).status_code == 400


async def test_a_decline_is_kept_and_replayed_although_the_card_is_good_by_now(stripe_api: Driver):
    customer, card = await stripe_api.customer_with("visa")
    await stripe_api.control(f"payment_methods/{card}", {"outcome": "insufficient_funds", "times": 1})
    fields = {"amount": JOB, "currency": "usd", "customer": customer, "payment_method": card, "confirm": "true"}

    first = await stripe_api.refused("payment_intents", "k1", **fields, off_session="true")
    second = await stripe_api.send("payment_intents", "k1", **fields, off_session="true")
    third = await stripe_api.send("payment_intents", "k2", **fields, off_session="true")

    assert (second.status_code, second.headers["idempotent-replayed"]) == (402, "true")
    assert second.json()["error"]["payment_intent"]["id"] == first["payment_intent"]["id"]
    assert third.status_code == 200


async def test_an_insufficient_balance_is_kept_too(stripe_api: Driver):
    cleaner = stripe_api.cleaner()
    give = {"amount": 100, "currency": "usd", "destination": cleaner}
    await stripe_api.refused("transfers", "k1", **give)
    await stripe_api.charge(card="bypassPending")

    assert (await stripe_api.refused("transfers", "k1", **give))["code"] == "balance_insufficient"
    assert (await stripe_api.send("transfers", "k2", **give)).status_code == 200


async def test_a_key_is_forgotten_after_24_hours_of_the_sandbox_clock_and_then_runs_anew(stripe_api: Driver):
    first = await stripe_api.post("customers", "k1", name="Customer 1")
    stripe_api.sandbox.advance(DAY - 1)
    kept = await stripe_api.post("customers", "k1", name="Customer 1")
    stripe_api.sandbox.advance(1)
    anew = await stripe_api.post("customers", "k1", name="Customer 1")

    assert kept["id"] == first["id"] != anew["id"]


async def test_a_v2_key_is_kept_for_thirty_days(stripe_api: Driver):
    async def create() -> tuple[str, bool]:
        answer = await stripe_api.http.post(
            "/v2/core/accounts",
            json={"contact_email": "cleaner-1@example.test", "display_name": "Cleaner 1"},
            headers={"idempotency-key": "k1"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["id"], "idempotent-replayed" in answer.headers

    first, _ = await create()
    stripe_api.sandbox.advance(29 * DAY)
    assert await create() == (first, True)
    stripe_api.sandbox.advance(DAY)
    anew, replayed = await create()

    assert (anew != first, replayed) == (True, False)


async def test_get_pays_no_heed_to_keys(stripe_api: Driver):
    for _ in range(2):
        answer = await stripe_api.http.get("/v1/customers", headers={"idempotency-key": "k1"})
        assert "idempotent-replayed" not in answer.headers
    assert (await stripe_api.send("customers", "k1")).status_code == 200


@pytest.mark.parametrize("kind", BEFORE)
async def test_a_fault_before_leaves_nothing_and_the_retry_does_it_once(stripe_api: Driver, kind: str):
    await stripe_api.control("faults", {"rules": [{"kind": kind, "method": "POST", "path": "/v1/customers"}]})

    outcome = await _outcome(stripe_api)
    assert stripe_api.sandbox.store.collection(stripe_api.account, "customers") == {}
    retried = await stripe_api.send("customers", "k1", name="Customer 1")

    assert (
        outcome
        == {
            "drop_before": "ReadError",
            "reset_before": "ReadError",
            "hang_before": "ReadTimeout",
            "error_before": 500,
            "rate_limit": 429,
            "rate_limit_no_retry": 429,
            "conflict": 409,
        }[kind]
    )
    assert (retried.status_code, retried.headers.get("idempotent-replayed")) == (200, None)
    assert len((await stripe_api.get("customers"))["data"]) == 1


@pytest.mark.parametrize("kind", AFTER)
async def test_a_fault_after_leaves_the_effect_and_the_retry_is_a_replay(stripe_api: Driver, kind: str):
    await stripe_api.control("faults", {"rules": [{"kind": kind, "method": "POST", "path": "/v1/customers"}]})

    await _outcome(stripe_api)
    retried = await stripe_api.send("customers", "k1", name="Customer 1")

    assert (retried.status_code, retried.headers["idempotent-replayed"]) == (200, "true")
    assert [row["id"] for row in (await stripe_api.get("customers"))["data"]] == [retried.json()["id"]]


async def test_a_500_after_is_kept_and_replayed_although_everything_was_done(stripe_api: Driver):
    await stripe_api.control("faults", {"rules": [{"kind": "error_after", "path": "/v1/customers"}]})

    first = await stripe_api.send("customers", "k1", name="Customer 1")
    second = await stripe_api.send("customers", "k1", name="Customer 1")

    assert (first.status_code, second.status_code) == (500, 500)
    assert second.headers["idempotent-replayed"] == "true"
    assert len((await stripe_api.get("customers"))["data"]) == 1


async def test_a_late_request_is_in_flight_until_it_is_done_behind_its_clients_back(stripe_api: Driver):
    rule = {"kind": "late", "method": "POST", "path": "/v1/customers", "seconds": 300}
    await stripe_api.control("faults", {"rules": [rule]})

    assert await _outcome(stripe_api) == "ReadTimeout"
    meanwhile = await stripe_api.send("customers", "k1", name="Customer 1")
    nothing = await stripe_api.get("customers")
    stripe_api.sandbox.advance(300)
    afterwards = await stripe_api.send("customers", "k1", name="Customer 1")

    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert nothing["data"] == []
    assert afterwards.headers["idempotent-replayed"] == "true"
    assert len((await stripe_api.get("customers"))["data"]) == 1


async def test_rules_strike_the_nth_so_many_times_or_by_a_repeatable_chance(stripe_api: Driver):
    await stripe_api.control(
        "faults", {"rules": [{"kind": "error_before", "path": "/v1/customers", "nth": 2, "times": 2}]}
    )
    by_rule = [(await stripe_api.send("customers")).status_code for _ in range(5)]
    runs = []
    for _ in range(2):
        await stripe_api.http.delete("/__sandbox/faults")
        chance = {"kind": "error_before", "path": "/v1/cus*", "probability": 0.5, "seed": 3}
        await stripe_api.control("faults", {"rules": [chance]})
        runs.append([(await stripe_api.send("customers")).status_code for _ in range(12)])
    wrong = await stripe_api.http.post("/__sandbox/faults", json={"rules": [{"kind": "gremlins"}]})

    assert by_rule == [200, 500, 500, 200, 200]
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}
    assert wrong.status_code == 400


async def _outcome(api: Driver) -> int | str:
    try:
        answer = await api.send("customers", "k1", name="Customer 1")
    except httpx2.TransportError as error:
        return type(error).__name__
    return answer.status_code
