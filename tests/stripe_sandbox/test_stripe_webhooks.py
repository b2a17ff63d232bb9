"""Webhooks: signed, at least once, retried by the clock; held, shuffled, doubled, replayed and re-keyed on demand."""

import json

import pytest
import stripe

from sandbox.stripe import Json
from sandbox.stripe.sandbox import Sandbox
from tests.stripe_sandbox.driving import DAY, Driver

HOUR = 3600


class Receiver:
    """Where deliveries arrive, instead of a socket."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.got: list[tuple[str, bytes, str]] = []
        self.status = 200
        sandbox.courier.send = self._take

    async def _take(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.got.append((url, body, headers["stripe-signature"]))
        return self.status

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body, _ in self.got]


@pytest.fixture
def receiver(sandbox: Sandbox) -> Receiver:
    return Receiver(sandbox)


async def an_endpoint(api: Driver, *types: str, **fields: str) -> Json:
    listed = {f"enabled_events__{place}": type for place, type in enumerate(types or ("*",))}
    return await api.post("webhook_endpoints", url="https://cleanshift.test/webhooks", **listed, **fields)


async def test_a_delivery_verifies_with_the_sdk_and_with_no_other_secret(stripe_api: Driver, receiver: Receiver):
    endpoint = await an_endpoint(stripe_api)
    customer = await stripe_api.post("customers", "k1", name="Customer 1")

    assert await stripe_api.sandbox.courier.deliver_due() == 1
    ((url, body, signature),) = receiver.got
    event = stripe.Webhook.construct_event(body, signature, endpoint["secret"])
    assert url == "https://cleanshift.test/webhooks"
    assert (event.type, event.data.object["id"], event.request.idempotency_key) == (
        "customer.created",
        customer["id"],
        "k1",
    )
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")
    assert (await stripe_api.get(f"events/{event.id}"))["pending_webhooks"] == 0
    assert "secret" not in await stripe_api.get(f"webhook_endpoints/{endpoint['id']}")


async def test_endpoints_get_what_they_asked_for_while_they_are_enabled(stripe_api: Driver, receiver: Receiver):
    endpoint = await an_endpoint(stripe_api, "charge.captured")
    await an_endpoint(Driver(stripe_api.sandbox, "other"))
    await stripe_api.charge()
    await stripe_api.sandbox.courier.deliver_due()
    assert receiver.types == ["charge.captured"]

    await stripe_api.post(f"webhook_endpoints/{endpoint['id']}", disabled="true")
    await stripe_api.charge()
    await stripe_api.sandbox.courier.deliver_due()

    assert receiver.types == ["charge.captured"]
    await stripe_api.http.delete(f"/v1/webhook_endpoints/{endpoint['id']}")
    assert (await stripe_api.get("webhook_endpoints"))["data"] == []


async def test_connect_endpoints_hear_of_connected_accounts_only(stripe_api: Driver, receiver: Receiver):
    await an_endpoint(stripe_api, connect="true")
    cleaner = stripe_api.cleaner()
    charge = await stripe_api.charge()
    await stripe_api.post("transfers", amount=100, currency="usd", destination=cleaner, source_transaction=charge["id"])

    await stripe_api.sandbox.courier.deliver_due()

    assert [(json.loads(body)["type"], json.loads(body)["account"]) for _, body, _ in receiver.got] == [
        ("payment.created", cleaner)
    ]


async def test_a_refused_delivery_comes_again_by_the_clock_for_three_days(stripe_api: Driver, receiver: Receiver):
    await an_endpoint(stripe_api)
    await stripe_api.post("customers")
    receiver.status = 500
    courier = stripe_api.sandbox.courier

    await courier.deliver_due()
    await courier.deliver_due()
    assert len(receiver.got) == 1, "not before its time"
    for _ in range(4 * 24):
        stripe_api.sandbox.advance(HOUR)
        await courier.deliver_due()

    assert 8 <= len(receiver.got) <= 16
    assert courier.pending() == []
    receiver.status = 200
    (event,) = (await stripe_api.get("events"))["data"]
    assert await stripe_api.control("webhooks", {"replay": [event["id"]], "deliver": True}) == {
        "replayed": 1,
        "delivered": 1,
        "hold": False,
        "shuffle": False,
        "duplicate": 0.0,
        "pending": 0,
    }


async def test_deliveries_are_held_shuffled_and_doubled_on_demand(stripe_api: Driver, receiver: Receiver):
    await an_endpoint(stripe_api)
    await stripe_api.control("webhooks", {"hold": True, "shuffle": True, "duplicate": 1})
    made = [(await stripe_api.post("customers"))["id"] for _ in range(8)]
    await stripe_api.sandbox.courier.deliver_due()
    assert receiver.got == []

    await stripe_api.control("webhooks", {"deliver": True})

    told = [json.loads(body)["data"]["object"]["id"] for _, body, _ in receiver.got]
    assert sorted(told) == sorted(made * 2)
    assert told[:8] != made


async def test_after_a_rotation_both_secrets_sign_for_a_day(stripe_api: Driver, receiver: Receiver):
    endpoint = await an_endpoint(stripe_api)
    fresh = (await stripe_api.control("webhooks", {"rotate": endpoint["id"]}))["secret"]
    await stripe_api.post("customers")
    await stripe_api.sandbox.courier.deliver_due()
    stripe_api.sandbox.advance(DAY)
    await stripe_api.post("customers")
    await stripe_api.sandbox.courier.deliver_due()

    (_, first, both), (_, second, one) = receiver.got
    for secret in (endpoint["secret"], fresh):
        stripe.Webhook.construct_event(first, both, secret)
    stripe.Webhook.construct_event(second, one, fresh)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(second, one, endpoint["secret"])


async def test_events_are_listed_by_type_and_forgotten_after_thirty_days(stripe_api: Driver):
    await stripe_api.charge()
    captured = await stripe_api.get("events?types[]=charge.captured&types[]=payment_intent.succeeded")
    family = await stripe_api.get("events?type=charge.*&limit=100")
    stripe_api.sandbox.advance(31 * DAY)

    assert {event["type"] for event in captured["data"]} == {"charge.captured", "payment_intent.succeeded"}
    assert {event["type"] for event in family["data"]} == {"charge.succeeded", "charge.captured"}
    assert (await stripe_api.get("events?type=charge.*"))["data"] == []
