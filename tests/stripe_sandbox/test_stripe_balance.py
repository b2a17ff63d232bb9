"""Transfers, reversals and the balance: money is where its transactions say."""

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stripe_sandbox.driving import DAY, JOB, START, Driver, a_sandbox

FEE = 596


async def test_card_money_is_pending_for_two_business_days_then_available(stripe_api: Driver):
    await stripe_api.charge()
    before = await stripe_api.get("balance")
    stripe_api.sandbox.set_clock(START - START % DAY + 2 * DAY)
    after = await stripe_api.get("balance")

    assert (before["pending"][0]["amount"], before["available"][0]["amount"]) == (JOB - FEE, 0)
    assert (after["pending"][0]["amount"], after["available"][0]["amount"]) == (0, JOB - FEE)
    assert stripe_api.events().count("balance.available") == 1


async def test_over_a_weekend_it_takes_longer_and_bypass_pending_none(stripe_api: Driver):
    stripe_api.sandbox.set_clock(START + 4 * DAY)
    friday = await stripe_api.charge()
    entry = await stripe_api.get(f"balance_transactions/{friday['balance_transaction']}")
    at_once = await stripe_api.charge(card="bypassPending")
    other = await stripe_api.get(f"balance_transactions/{at_once['balance_transaction']}")

    assert entry["available_on"] == START - START % DAY + 8 * DAY
    assert other["status"] == "available"


async def test_settle_makes_everything_available_without_moving_the_clock(stripe_api: Driver):
    await stripe_api.charge()
    await stripe_api.control("settle")

    assert (await stripe_api.get("balance"))["available"][0]["amount"] == JOB - FEE
    assert stripe_api.sandbox.clock.now() == START


async def test_a_sourced_transfer_is_made_at_once_and_never_exceeds_its_charge(stripe_api: Driver):
    cleaner = stripe_api.cleaner()
    charge = await stripe_api.charge()
    give = {"currency": "usd", "destination": cleaner, "source_transaction": charge["id"]}
    made = await stripe_api.post("transfers", **give, amount=8_000, metadata__payout_id="p1", transfer_group="job-1")

    over = await stripe_api.refused("transfers", **give, amount=JOB - 7_999)
    rest = await stripe_api.post("transfers", **give, amount=JOB - 8_000)
    none = await stripe_api.refused("transfers", **give, amount=1)

    assert (made["transfer_group"], made["source_transaction"]) == ("job-1", charge["id"])
    assert (over["param"], none["param"]) == ("amount", "amount")
    there = stripe_api.sandbox.store.collection(cleaner, "balances")["usd"]
    assert (there["pending"], there["available"]) == (JOB, 0)
    assert [row["id"] for row in (await stripe_api.get("transfers?transfer_group=job-1"))["data"]] == [made["id"]]
    assert len((await stripe_api.get(f"transfers?destination={cleaner}"))["data"]) == 2
    assert rest["amount"] == JOB - 8_000
    payment = (await stripe_api.get(f"transfers/{made['id']}?expand[]=destination_payment"))["destination_payment"]
    assert (payment["amount"], payment["source_transfer"]) == (8_000, made["id"])


async def test_an_unsourced_transfer_needs_available_money(stripe_api: Driver):
    cleaner = stripe_api.cleaner()
    await stripe_api.charge()
    give = {"currency": "usd", "destination": cleaner}

    with pytest.raises(stripe.InvalidRequestError) as early:
        await stripe_api.sdk.v1.transfers.create_async({"amount": 100, "currency": "usd", "destination": cleaner})
    stripe_api.sandbox.advance(5 * DAY)
    paid = await stripe_api.post("transfers", **give, amount=JOB - FEE)
    empty = await stripe_api.refused("transfers", **give, amount=1)

    assert early.value.code == empty["code"] == "balance_insufficient"
    assert paid["source_transaction"] is None
    assert (await stripe_api.get("balance"))["available"][0]["amount"] == 0


@pytest.mark.parametrize(
    ("state", "code", "status"),
    [
        ({"status": "new", "transfers": "inactive"}, "insufficient_capabilities_for_transfer", 400),
        ({"status": "restricted", "transfers": "inactive"}, "insufficient_capabilities_for_transfer", 400),
        ({"status": "rejected", "transfers": "inactive"}, "account_invalid", 403),
        ({"status": "closed", "transfers": "inactive"}, "account_closed", 400),
    ],
)
async def test_an_account_that_is_not_ready_gets_nothing(stripe_api: Driver, state, code: str, status: int):
    cleaner = stripe_api.cleaner(**state)
    charge = await stripe_api.charge()

    refusal = await stripe_api.refused(
        "transfers", amount=100, currency="usd", destination=cleaner, source_transaction=charge["id"]
    )
    unknown = await stripe_api.refused("transfers", amount=100, currency="usd", destination="acct_none")

    assert (refusal["code"], refusal["status"]) == (code, status)
    assert (unknown["code"], unknown["param"]) == ("resource_missing", "destination")
    assert (await stripe_api.get("transfers"))["data"] == []


async def test_another_platforms_account_is_unknown_here(stripe_api: Driver):
    other = Driver(stripe_api.sandbox, "other")
    foreign = other.cleaner()

    refusal = await stripe_api.refused("transfers", amount=100, currency="usd", destination=foreign)
    acting = await stripe_api.http.get("/v1/balance", headers={"stripe-account": foreign})
    own = await other.http.get("/v1/balance", headers={"stripe-account": foreign})

    assert refusal["code"] == "resource_missing"
    assert (acting.status_code, own.status_code) == (403, 200)


async def test_a_reversal_needs_the_destinations_money_and_frees_the_charge(stripe_api: Driver):
    cleaner = stripe_api.cleaner()
    charge = await stripe_api.charge()
    give = {"currency": "usd", "destination": cleaner, "source_transaction": charge["id"]}
    made = await stripe_api.post("transfers", **give, amount=JOB)
    path = f"transfers/{made['id']}/reversals"

    part = await stripe_api.post(path, amount=500, metadata__why="refund")
    over = await stripe_api.refused(path, amount=JOB)
    stripe_api.sandbox.advance(5 * DAY)
    with stripe_api.sandbox.tx(cleaner, "test: a bank payout") as tx:
        tx.change("balances", "usd", available=100)
    gone = await stripe_api.refused(path)
    small = await stripe_api.post(path, amount=100)

    assert (over["code"], gone["code"]) == ("parameter_invalid_integer", "balance_insufficient")
    after = await stripe_api.get(f"transfers/{made['id']}")
    assert (after["amount_reversed"], after["reversed"]) == (600, False)
    assert [row["id"] for row in after["reversals"]["data"]] == [small["id"], part["id"]]
    again = await stripe_api.post("transfers", **give, amount=600)
    assert again["amount"] == 600


moves = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(50, 50_000)),
        st.tuples(st.just("transfer"), st.integers(1, 30_000)),
        st.tuples(st.just("sourced"), st.integers(1, 30_000)),
        st.tuples(st.just("refund"), st.integers(1, 30_000)),
        st.tuples(st.just("reverse"), st.integers(1, 10_000)),
        st.tuples(st.just("clock"), st.integers(1, 3 * DAY)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(moves)
async def test_whatever_happens_the_balance_is_the_sum_of_its_transactions(moves):
    api = Driver(a_sandbox(), "demo")
    cleaner = api.cleaner()
    charges: list[str] = []
    transfers: list[str] = []
    for act, number in moves:
        if act == "charge":
            charges.append((await api.charge(number))["id"])
        elif act == "clock":
            api.sandbox.advance(number)
        elif act == "reverse" and transfers:
            await api.send(f"transfers/{transfers[number % len(transfers)]}/reversals", amount=number)
        elif act == "refund" and charges:
            await api.send("refunds", charge=charges[number % len(charges)], amount=number)
        elif act in {"transfer", "sourced"} and charges:
            source = {"source_transaction": charges[number % len(charges)]} if act == "sourced" else {}
            answer = await api.send("transfers", amount=number, currency="usd", destination=cleaner, **source)
            transfers += [answer.json()["id"]] if answer.status_code == 200 else []

    for account in (api.account, cleaner):
        entries = api.sandbox.store.collection(account, "balance_transactions").values()
        held = api.sandbox.store.collection(account, "balances").get("usd", {"available": 0, "pending": 0})
        for part in ("available", "pending"):
            assert held[part] == sum(entry["net"] for entry in entries if entry["status"] == part)
        assert all(isinstance(entry["net"], int) for entry in entries)
    for charge in api.sandbox.store.collection(api.account, "charges").values():
        moved = [
            row for row in (await api.get("transfers?limit=100"))["data"] if row["source_transaction"] == charge["id"]
        ]
        assert sum(row["amount"] - row["amount_reversed"] for row in moved) <= charge["amount_captured"]
        assert charge["amount_refunded"] <= charge["amount_captured"]
