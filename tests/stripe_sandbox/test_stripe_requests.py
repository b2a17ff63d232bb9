"""What the sandbox takes and refuses before it does anything."""

import contextlib
import string

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.stripe.errors import StripeError
from sandbox.stripe.routes import ROUTES
from sandbox.stripe.shapes import shape
from sandbox.stripe.wire import form
from tests.stripe_sandbox.driving import JOB, Driver, a_sandbox

WRONG = [
    ({"amount": "19500.0", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": "195e2", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": "19500"}, "parameter_missing", "currency"),
    ({"amount": "19500", "currency": "usd", "capture_metod": "manual"}, "parameter_unknown", "capture_metod"),
    (
        {"amount": "19500", "currency": "usd", "payment_method_options[card][capture_metod]": "manual"},
        "parameter_unknown",
        "payment_method_options[card][capture_metod]",
    ),
    (
        {"amount": "19500", "currency": "usd", "payment_method_types[0]": "card"},
        "payment_method_types_no_longer_supported",
        "payment_method_types",
    ),
    ({"amount": "19500", "currency": "usd", "capture_method": "manul"}, None, "capture_method"),
    ({"amount": "19500", "currency": "usd", "confirm": "yes"}, None, "confirm"),
    ({"amount": "19500", "currency": ""}, "parameter_invalid_empty", "currency"),
    ({"amount": "49", "currency": "usd"}, "amount_too_small", "amount"),
    ({"amount": "100000000", "currency": "usd"}, "amount_too_large", "amount"),
    ({"amount": "-5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": "19500", "currency": "zzz"}, None, "currency"),
    ({"amount": "19500", "currency": "usd", "expand[1]": "customer"}, None, "expand"),
    ({"amount": "19500", "currency": "usd", "off_session": "true"}, None, "off_session"),
    (
        {"amount": "1", "currency": "usd", "payment_method_options[card][stored_credential_usage]": "often"},
        None,
        "payment_method_options[card][stored_credential_usage]",
    ),
]


@pytest.mark.parametrize(("fields", "code", "param"), WRONG)
async def test_a_wrong_parameter_is_refused_as_the_provider_does_and_changes_nothing(
    stripe_api: Driver, fields, code, param
):
    answer = await stripe_api.http.post("/v1/payment_intents", data=fields, headers={"idempotency-key": "k1"})

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error.get("code"), error.get("param"), error["type"]) == (code, param, "invalid_request_error")
    assert stripe_api.sandbox.journal.seq == 0
    right = await stripe_api.send("payment_intents", "k1", amount=19500, currency="usd")
    assert right.status_code == 200, "a validation failure is not kept under its key"


async def test_the_sdk_sees_the_same_refusals(stripe_api: Driver):
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await stripe_api.sdk.v1.payment_intents.create_async(
            {"amount": 19500, "currency": "usd", "capture_metod": "manual"}  # type: ignore[typeddict-unknown-key]
        )
    with pytest.raises(stripe.InvalidRequestError) as floating:
        await stripe_api.sdk.v1.payment_intents.create_async({"amount": 195.0, "currency": "usd"})  # type: ignore[typeddict-item]

    assert (unknown.value.code, floating.value.code) == ("parameter_unknown", "parameter_invalid_integer")


@pytest.mark.parametrize("key", ["", "Bearer sk_live_x", "Bearer pk_test_x", "Basic !!!", "Bearer sk_test_"])
async def test_without_a_test_key_nobody_comes_in(stripe_api: Driver, key: str):
    answer = await stripe_api.http.get("/v1/customers", headers={"authorization": key})

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_accounts_spring_up_by_key_and_see_nothing_of_each_other(stripe_api: Driver):
    other = Driver(stripe_api.sandbox, "other")
    customer = await stripe_api.post("customers", name="Customer 1")

    assert (await other.get("customers"))["data"] == []
    assert (await other.http.get(f"/v1/customers/{customer['id']}")).status_code == 404
    assert (await other.refused("payment_intents", amount=JOB, currency="usd", customer=customer["id"]))[
        "status"
    ] == 400
    restricted = await stripe_api.http.get("/v1/customers", headers={"authorization": "Bearer rk_test_demo"})
    assert [row["id"] for row in restricted.json()["data"]] == [customer["id"]]


async def test_an_unknown_address_is_404(stripe_api: Driver):
    answer = await stripe_api.http.post("/v1/nothing", data={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "url_invalid")


def test_every_route_has_its_shape_in_the_installed_sdk():
    a_sandbox()

    for route in ROUTES:
        shape(route.shape, from_text=not route.is_v2)


async def test_lists_are_paged_in_both_directions_without_gaps(stripe_api: Driver):
    made = [(await stripe_api.post("customers", name=f"Customer {n}"))["id"] for n in range(7)]
    newest_first = made[::-1]

    pages, after = [], ""
    while True:
        page = await stripe_api.get(f"customers?limit=3{after}")
        pages += [row["id"] for row in page["data"]]
        if not page["has_more"]:
            break
        after = f"&starting_after={page['data'][-1]['id']}"

    assert pages == newest_first
    before = await stripe_api.get(f"customers?limit=2&ending_before={newest_first[4]}")
    assert ([row["id"] for row in before["data"]], before["has_more"]) == (newest_first[2:4], True)
    assert [c.id async for c in (await stripe_api.sdk.v1.customers.list_async({"limit": 2})).auto_paging_iter()] == (
        newest_first
    )
    assert (await stripe_api.http.get("/v1/customers?limit=0")).status_code == 400


async def test_created_bounds_cut_a_list(stripe_api: Driver):
    first = await stripe_api.post("customers", name="Customer 1")
    stripe_api.sandbox.advance(100)
    second = await stripe_api.post("customers", name="Customer 2")

    later = await stripe_api.get(f"customers?created[gte]={second['created']}")
    earlier = await stripe_api.get(f"customers?created[lt]={second['created']}")

    assert [row["id"] for row in later["data"]] == [second["id"]]
    assert [row["id"] for row in earlier["data"]] == [first["id"]]


async def test_ids_are_expanded_where_asked_and_only_there(stripe_api: Driver):
    charge = await stripe_api.charge()

    paths = "expand[]=payment_intent.customer&expand[]=balance_transaction&expand[]=refunds"
    expanded = await stripe_api.get(f"charges/{charge['id']}?{paths}")
    listed = await stripe_api.get("charges?expand[]=data.payment_intent")
    wrong = await stripe_api.http.get(f"/v1/charges/{charge['id']}?expand[]=amount.customer")

    assert expanded["payment_intent"]["customer"]["object"] == "customer"
    assert expanded["balance_transaction"]["net"] == JOB - 596
    assert expanded["refunds"]["data"] == []
    assert isinstance(charge["payment_intent"], str)
    assert "refunds" not in charge
    assert listed["data"][0]["payment_intent"]["object"] == "payment_intent"
    assert wrong.status_code == 400


async def test_metadata_is_merged_unset_by_blanks_and_bounded(stripe_api: Driver):
    customer = await stripe_api.post("customers", metadata__job="1", metadata__op="a")

    changed = await stripe_api.post(f"customers/{customer['id']}", metadata__op="", metadata__new="b")
    emptied = await stripe_api.post(f"customers/{customer['id']}", metadata="")
    refusals = [
        await stripe_api.refused("customers", **fields)
        for fields in (
            {"metadata__" + "k" * 41: "v"},
            {"metadata__k": "v" * 501},
            {f"metadata__k{n}": "v" for n in range(51)},
        )
    ]

    assert (changed["metadata"], emptied["metadata"]) == ({"job": "1", "new": "b"}, {})
    assert [refusal["status"] for refusal in refusals] == [400, 400, 400]
    assert len((await stripe_api.get("customers"))["data"]) == 1


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=string.ascii_letters + "[]=&0.1%", max_size=60))
def test_no_form_whatever_breaks_the_decoder(text: str):
    with contextlib.suppress(StripeError):
        shape("PaymentIntentCreateParams", from_text=True)(form(text), "")


async def test_the_same_seed_makes_the_same_ids():
    runs = [[(await Driver(box).post("customers"))["id"] for _ in range(3)] for box in (a_sandbox(), a_sandbox())]

    assert runs[0] == runs[1]
    assert (await Driver(a_sandbox(seed=8)).post("customers"))["id"] not in runs[0]


async def test_a_rate_cap_answers_429_that_the_sdk_does_not_retry(stripe_api: Driver):
    await stripe_api.control("settings", {"rate_cap": 0})

    with pytest.raises(stripe.RateLimitError):
        await stripe_api.sdk.v1.customers.create_async({"name": "Customer 1"})
    await stripe_api.control("settings", {"rate_cap": None})

    assert (await stripe_api.get("customers"))["data"] == []
