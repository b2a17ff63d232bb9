"""Webhooks: only what is signed for this very address leaves anything, once, and what is true is read (R179, R183)."""

import asyncio
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.webhooks import BODY_BYTES
from db.ids import new_id
from db.tx import Tx
from domain.actors import TenantId
from domain.errors import Unavailable
from domain.payments import asks, asks_accounts
from domain.payments.ask import metadata
from domain.payments.webhooks import HEARD_OF_PLANS
from services.identity import tokens
from services.payments.absorbers import ABSORBERS
from services.payments.disconnecting import DisconnectProvider, disconnect_provider
from tests.billing.house import House, connect, notice, signed
from tests.product.world import Town


@pytest.fixture
def absorbed(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What was handed to the absorber of payments."""
    seen: list[Mapping[str, Any]] = []

    async def absorb(tx: Tx, thing: Mapping[str, Any]) -> None:
        seen.append(thing)

    monkeypatch.setitem(ABSORBERS, "payment_intent", absorb)
    return seen


async def an_intent(house: House, whose: Town | None = None) -> str:
    """A payment that the provider has of the business; marked as another's where that is told."""
    op, mine = new_id(), whose or house.town
    marks = metadata(mine.tenant, op, payment_id=new_id())
    ask = asks.create_intent(customer=await a_customer(house), amount_cents=100, currency="usd", metadata=marks)
    return await house.made(ask)


async def a_customer(house: House) -> str:
    return await house.made(asks.create_customer(metadata=metadata(house.town.tenant, new_id(), customer_id=new_id())))


async def test_what_is_signed_is_kept_and_worked_off_by_what_the_provider_has(
    house: House, absorbed: list[Mapping[str, Any]]
) -> None:
    """R179, R183: the event's own words are not believed."""
    intent = await an_intent(house)
    event = notice(id=intent)
    event["data"]["object"]["amount"] = 1_000_000

    assert await house.post(event) == 200
    await house.work()

    ((kept),) = await house.events()
    assert (kept["state"], kept["event_id"], kept["object_id"]) == ("DONE", event["id"], intent)
    assert [(one["id"], one["amount"]) for one in absorbed] == [(intent, 100)]


@pytest.mark.parametrize("ago", [301, 3_600, -310, -86_400])
async def test_a_stale_event_and_one_of_the_future_are_refused_and_nothing_is_left(house: House, ago: int) -> None:
    """R183: the signature is right, its time is not."""
    before = await house.picture()

    assert await house.post(notice(), ago=ago) == 400

    assert await house.picture() == before


@pytest.mark.parametrize("ago", [290, -290])
async def test_a_clock_that_is_a_little_wrong_is_forgiven(house: House, ago: int) -> None:
    assert await house.post(notice(), ago=ago) == 200


async def test_what_is_forged_leaves_nothing(house: House) -> None:
    """R183: no signature, a wrong one, another's, one of other bytes, no event, no id."""
    event, before = notice(), await house.picture()
    other = signed(b"{}", house.secrets[0])

    tries = [
        await house.post(event, header=""),
        await house.post(event, header="t=1,v1=00"),
        await house.post(event, header="é" * 10),
        await house.post(event, header=f"{'x' * 5_000}"),
        await house.post(event, secret="whsec_wrong"),
        await house.post(event, secret=house.platform_secret),
        await house.post(event, header=other),
        await house.post(b"not json"),
        await house.post(b"[]"),
        await house.post({"object": "event", "type": "payment_intent.succeeded"}),
        await house.post({**event, "id": "x" * 300}),
        await house.post({**event, "id": "evt_\x00"}),
        await house.post({**event, "type": {"a": 1}}),
    ]

    assert tries == [400] * len(tries)
    assert await house.picture() == before


async def test_a_body_beyond_any_event_is_not_read(house: House) -> None:
    before = await house.picture()

    assert await house.post(b" " * (BODY_BYTES + 1)) == 413

    assert await house.picture() == before


async def test_the_address_of_another_business_or_of_nobody_takes_nothing(house: House) -> None:
    """R1, R183: signed with the one business's secret, sent to the other's address."""
    other = await house.site.row("provider_account", house.site.other.tenant, "tenant_id")
    guessed = tokens.new_webhook_path(house.town.tenant)
    nobody = tokens.new_webhook_path(TenantId(new_id()))
    before = await house.picture()

    tries = {
        f"/webhooks/stripe/{other['webhook_path']}": 400,
        f"/webhooks/stripe/{guessed}": 404,
        f"/webhooks/stripe/{nobody}": 404,
        "/webhooks/stripe/wh1": 404,
        f"/webhooks/stripe/{house.hook.rsplit('/', 1)[1]}x": 404,
        "/webhooks/platform": 400,
    }

    assert {path: await house.post(notice(), path=path) for path in tries} == tries
    assert await house.picture() == before


async def test_ten_copies_at_once_are_one_event_and_one_task(house: House, absorbed: list[Mapping[str, Any]]) -> None:
    """R183, invariant 11."""
    event = notice(id=await an_intent(house))

    answers = await asyncio.gather(*(house.post(event) for _ in range(10)))
    await house.work()
    answers.append(await house.post(event))
    await house.work()

    assert answers == [200] * 11
    assert [row["state"] for row in await house.events()] == ["DONE"]
    assert len(absorbed) == 1


async def test_kinds_that_are_not_ours_are_kept_and_ignored(house: House) -> None:
    events = [
        notice("topup", "tu_1", "topup.created"),
        notice("balance", None, "balance.available"),  # type: ignore[arg-type]
        {"id": "evt_1", "object": "event", "type": "strange.event"},
        {"id": "evt_2", "object": "event", "type": "strange.event", "data": "words"},
        {"id": "evt_3", "object": "v2.core.event", "type": "v2.strange", "related_object": None},
    ]

    assert [await house.post(event) for event in events] == [200] * 5
    assert await house.work() == []

    assert [row["state"] for row in await house.events()] == ["IGNORED"] * 5


async def test_a_thing_that_is_gone_or_of_another_account_changes_nothing(
    house: House, absorbed: list[Mapping[str, Any]]
) -> None:
    """R3, invariant 15: a stranger's payment is not shown to us, and one of a shared account is left alone."""
    theirs = await an_intent(house, house.site.other)
    events = [notice(id="pi_gone"), notice(id=theirs), notice(id=await an_intent(house), account="acct_stranger")]

    assert [await house.post(event) for event in events] == [200] * 3
    assert await house.work() == []

    assert absorbed == []
    assert {row["state"] for row in await house.events()} == {"IGNORED"}


async def test_two_secrets_are_good_while_one_replaces_the_other(house: House) -> None:
    """Rotation: the old one is refused once it is taken away."""
    old, new = house.secrets[0], "whsec_new"
    await connect(house, [old, new])

    assert [await house.post(notice(), secret=one) for one in (old, new)] == [200, 200]

    await connect(house, [new])
    assert [await house.post(notice(), secret=one) for one in (old, new)] == [400, 200]


async def test_the_secret_that_the_provider_rotates_goes_on_signing_beside_the_new_one(house: House) -> None:
    endpoints = house.sandbox.store.collection(house.site.account, "webhook_endpoints")
    new = house.sandbox.courier.rotate(next(iter(endpoints)))
    await connect(house, [*house.secrets, new])
    with house.sandbox.tx(house.site.account, "test") as tx:
        tx.emit("payment_intent.succeeded", tx.get("payment_intents", await an_intent(house)))

    await house.told()

    assert [row["type"] for row in await house.events()] == ["payment_intent.succeeded"]


async def test_a_business_that_is_not_connected_any_more_hears_nothing(house: House) -> None:
    await house.site.do(house.town.owner, disconnect_provider, DisconnectProvider())

    assert await house.post(notice()) == 404


async def test_events_that_wait_while_the_business_disconnects_are_ignored(
    house: House, absorbed: list[Mapping[str, Any]]
) -> None:
    await house.post(notice(id=await an_intent(house)))
    await house.site.do(house.town.owner, disconnect_provider, DisconnectProvider())

    assert await house.work() == []

    assert [row["state"] for row in await house.events()] == ["IGNORED"]
    assert absorbed == []


async def test_a_provider_that_is_away_leaves_the_event_to_be_worked_off_later(
    house: House, absorbed: list[Mapping[str, Any]]
) -> None:
    intent = await an_intent(house)
    await house.post(notice(id=intent))
    house.sandbox.faults.add({"kind": "drop_before", "method": "GET", "path": "/v1/payment_intents/*", "times": 1})

    trouble = await house.site.drain()
    assert [type(problem) for problem in trouble] == [Unavailable]
    assert [row["state"] for row in await house.events()] == ["RECEIVED"]

    assert await house.work() == []
    assert [one["id"] for one in absorbed] == [intent]


@pytest.mark.parametrize("thin", [False, True])
async def test_news_of_a_cleaners_account_has_it_read_again(house: House, thin: bool) -> None:
    """R136: whole events of connected accounts, and thin ones that only name the account."""
    account = await a_cleaners_account(house)
    whole = notice("account", account, "account.updated", account=account)
    related = {"id": account, "type": "v2.core.account", "url": f"/v2/core/accounts/{account}"}
    slim = {"id": "evt_thin", "object": "v2.core.event", "type": "v2.core.account.updated", "related_object": related}

    assert await house.post(slim if thin else whole) == 200
    await house.site.drain("handle_webhook")

    assert [row["state"] for row in await house.events()] == ["DONE"]
    assert len(await house.site.waiting("refresh_payout_account")) == 1


async def a_cleaners_account(house: House) -> str:
    """An account of a cleaner of the business, at the provider and in our rows."""
    cleaner = await house.town.cleaner()
    marks = metadata(house.town.tenant, new_id(), cleaner_id=cleaner.person)
    account = await house.made(asks_accounts.create_account(name="C", country="US", currency="usd", metadata=marks))
    await house.world.root.execute(
        """insert into payout_account (tenant_id, id, cleaner_id, status, account_id, requested_at)
           values ($1, $2, $3, 'OPEN', $4, now())""",
        house.town.tenant,
        new_id(),
        cleaner.person,
        account,
    )
    return account


async def test_any_order_and_any_number_of_events_lead_to_the_same_plan(house: House) -> None:
    """R178, R183, invariant 11: a trial that was paid for and went over into a paid month, told in every order."""
    page = (await house.choose())["checkout_url"]
    house.sandbox.courier.held = True
    house.finish(page)
    await house.move(timedelta(days=15))
    events = [event for event in house.events_of_platform() if event["type"] in HEARD_OF_PLANS]
    assert len(events) >= 4
    shuffled = random.Random(7)  # noqa: S311 (repeatable, and no secret)

    ends = []
    for number, order in enumerate([events, events[::-1], *(shuffled.sample(events, len(events)) for _ in range(4))]):
        for event in (copy for one in order for copy in (one, one)):
            again = {**event, "id": f"{event['id']}_{number}"}
            assert await house.post(again, path="/webhooks/platform", secret=house.platform_secret) == 200
        assert await house.work() == []
        row = await house.plan()
        ends.append((row["status"], row["plan"], row["subscription_id"], row["paid_until"], row["past_due_at"]))

    assert len(set(ends)) == 1
    assert ends[0][:3] == ("ACTIVE", "team", house.live()[0]["id"])
    assert len(house.subscriptions()) == 1
