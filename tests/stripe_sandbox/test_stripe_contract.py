"""The published contract: every answer of the core fits it, and a drift is caught before it is sent."""

import json
from pathlib import Path

import pytest

from sandbox.stripe.contract import FILE, Contract
from sandbox.stripe.routes import ROUTES
from tests.stripe_sandbox.driving import CONTRACT, JOB, Driver, a_sandbox

needs_contract = pytest.mark.skipif(CONTRACT is None, reason="STRIPE_CONTRACT names no folder with openapi-subset.json")

TINY = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/customers": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/x-www-form-urlencoded": {
                            "schema": {"properties": {"name": {"type": "string", "maxLength": 5}}}
                        }
                    }
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/customer"}}}},
                    "default": {"content": {"application/json": {"schema": {"required": ["error"]}}}},
                },
            }
        }
    },
    "components": {"schemas": {"customer": {"required": ["id", "moon_phase"]}}},
}


async def test_an_answer_that_has_drifted_is_a_500_a_violation_and_no_effect(tmp_path: Path):
    (tmp_path / FILE).write_text(json.dumps(TINY))
    api = Driver(a_sandbox(contract=tmp_path))

    answer = await api.send("customers", "k1", name="anna")
    statistics = (await api.http.get("/__sandbox/statistics")).json()

    assert answer.status_code == 500
    assert "moon_phase" in answer.json()["error"]["message"]
    assert [violation["side"] for violation in statistics["violations"]] == ["answer"]
    assert api.sandbox.journal.seq == 0


async def test_a_request_that_the_contract_forbids_is_a_400(tmp_path: Path):
    (tmp_path / FILE).write_text(json.dumps(TINY))
    api = Driver(a_sandbox(contract=tmp_path))

    answer = await api.send("customers", name="a name too long")

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "name")
    assert api.sandbox.contract.requests == 1


@needs_contract
async def test_every_operation_of_the_core_is_known_to_the_contract():
    assert CONTRACT is not None
    a_sandbox()
    paths = json.loads((Path(CONTRACT) / FILE).read_bytes())["paths"]

    def nameless(path: str) -> str:
        return "/".join("{}" if word.startswith("{") else word for word in path.split("/"))

    known = {(method.upper(), nameless(path)) for path, operations in paths.items() for method in operations}
    unknown = {
        f"{route.method} {route.template}" for route in ROUTES if (route.method, nameless(route.template)) not in known
    }
    assert unknown <= {
        "GET /v1/customers/{customer}/payment_methods/{payment_method}",
        "GET /v1/subscription_items/{item}",
        "POST /v1/transfers/{transfer}/reversals/{id}",
    }


@needs_contract
async def test_a_day_of_the_core_passes_the_whole_contract(stripe_api: Driver):
    cleaner = stripe_api.cleaner()
    charge = await stripe_api.charge()
    made = await stripe_api.post(
        "transfers", amount=8_000, currency="usd", destination=cleaner, source_transaction=charge["id"]
    )
    await stripe_api.post(f"transfers/{made['id']}/reversals", amount=100)
    await stripe_api.post("refunds", charge=charge["id"], amount=500)
    await stripe_api.refused("transfers", amount=JOB, currency="usd", destination=cleaner)
    customer, card = await stripe_api.customer_with("chargeCustomerFail")
    await stripe_api.refused(
        "payment_intents",
        amount=JOB,
        currency="usd",
        customer=customer,
        payment_method=card,
        confirm="true",
        off_session="true",
    )
    await stripe_api.post("setup_intents", customer=customer)
    await stripe_api.post("webhook_endpoints", url="https://cleanshift.test/w", enabled_events__0="*")
    for path in (
        *("balance", "balance_transactions", "charges", "customers", "events", "payment_intents", "refunds"),
        *("setup_intents", "transfers", "webhook_endpoints", f"transfers/{made['id']}/reversals"),
        f"payment_methods?customer={customer}",
        f"customers/{customer}/payment_methods",
    ):
        await stripe_api.get(path)

    statistics = (await stripe_api.http.get("/__sandbox/statistics")).json()
    assert (statistics["violations"], statistics["contract"]) == ([], True)
    assert statistics["answers_validated"] >= 25
    assert statistics["contract_requests_validated"] >= 12


def test_without_a_folder_nothing_is_checked():
    assert not Contract(None).is_given
