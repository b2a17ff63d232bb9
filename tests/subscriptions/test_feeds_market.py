"""The swap market, live, over real sockets: who sees what, in which order."""

import random
from typing import Any

import pytest

from domain.actors import Actor, Role
from domain.events import Event, EventType
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.conftest import StartApi
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import MARKET, PERSONAL_MARKET


async def test_a_cleaner_gets_a_snapshot_and_then_what_happens_in_their_markets_only(
    api: int, ours: Business, theirs: Business
) -> None:
    """R95, R199, R250, R255."""
    one, other, foreign = await ours.cleaner(), await ours.cleaner(ours.north, ours.south), await theirs.cleaner()
    listed = await ours.offer(other, note="first")
    client = await Client.open(api, token(one))

    feed = await client.begun(MARKET)
    await theirs.offer(foreign)
    await ours.offer(other, ours.south)
    second = await ours.offer(other, note="second")
    await ours.withdraw(other, listed)
    await client.until(lambda: len(feed.frames) == 3)

    assert feed.kinds() == ["SwapMarketSnapshot", "SwapListed", "SwapGone"]
    assert [swap["note"] for swap in feed.frames[0]["swaps"]] == ["first"]
    assert (feed.frames[1]["swap"]["id"], feed.frames[2]["swapId"]) == (str(second), str(listed))
    assert feed.holes == 0
    await client.close()


async def test_a_hand_over_tells_both_parties_and_the_office_and_is_gone_for_everybody_else(
    api: int, ours: Business, theirs: Business
) -> None:
    giver, taker, third, foreign = [*[await ours.cleaner() for _ in range(3)], await theirs.cleaner()]
    office = await ours.signed_in(Role.DISPATCHER)
    clients = [await Client.open(api, token(actor)) for actor in (giver, taker, office, third, foreign)]
    feeds = [await client.begun(MARKET) for client in clients]
    swap = await ours.offer(giver)

    await ours.accept(taker, swap)

    for client, feed in zip(clients[:4], feeds[:4], strict=True):
        await client.frames(feed, 3)
    roles = [feed.frames[2].get("viewerRole") for feed in feeds[:4]]
    assert roles == ["GAVE", "TOOK", "OFFICE", None]
    assert [feed.kinds()[2] for feed in feeds[:4]] == [*["SwapHandedOver"] * 3, "SwapGone"]
    assert {feed.frames[2]["swapId"] for feed in feeds[:4]} == {str(swap)}
    assert feeds[4].kinds() == ["SwapMarketSnapshot"]
    assert all(feed.holes == 0 for feed in feeds)
    for client in clients:
        await client.close()


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.INTEGRATOR, Role.OPS])
async def test_who_is_neither_cleaner_nor_office_is_refused(api: int, ours: Business, role: Role) -> None:
    client = await Client.open(api, token(await ours.signed_in(role)))

    feed = await client.subscribe(MARKET)
    await client.until(lambda: feed.errors is not None)

    assert feed.errors is not None
    assert feed.errors[0]["extensions"]["code"] == "FORBIDDEN"
    assert feed.frames == []
    await client.close()


async def test_nothing_of_the_market_before_onboarding_is_complete(api: int, ours: Business) -> None:
    """R18."""
    client = await Client.open(api, token(await ours.cleaner(onboarding="DOCUMENTS")))

    feed = await client.subscribe(MARKET)
    await client.until(lambda: feed.errors is not None)

    assert feed.errors is not None
    assert feed.errors[0]["extensions"]["code"] == "ONBOARDING_INCOMPLETE"
    await client.close()


async def test_a_new_market_brings_a_snapshot_in_the_same_operation_and_a_lost_one_ends_its_events(
    api: int, ours: Business
) -> None:
    mover, other = await ours.cleaner(), await ours.cleaner(ours.north, ours.south)
    await ours.offer(other, ours.south, note="south")
    client = await Client.open(api, token(mover))
    feed = await client.begun(MARKET)

    await ours.put_in_market(mover.person, ours.south)
    await ours.changed(mover)
    await client.until(lambda: len(feed.frames) == 2)
    where = (ours.tenant, mover.person, ours.north)
    await ours.db.execute("delete from cleaner_market where tenant_id=$1 and cleaner_id=$2 and market_id=$3", *where)
    await ours.changed(mover)
    await client.until(lambda: len(feed.frames) == 3)
    await ours.offer(other, ours.north)
    await ours.offer(other, ours.south, note="later")
    await client.until(lambda: len(feed.frames) == 4)

    assert [[swap["note"] for swap in frame["swaps"]] for frame in feed.frames[:3]] == [[], ["south"], ["south"]]
    assert feed.frames[3]["swap"]["note"] == "later"
    assert feed.holes == 0
    await client.close()


async def test_a_cleaner_who_loses_the_onboarding_loses_the_feed(api: int, ours: Business) -> None:
    """R18."""
    one = await ours.cleaner()
    client = await Client.open(api, token(one))
    feed = await client.begun(MARKET)

    statement = "update cleaner set onboarding = 'DOCUMENTS' where tenant_id = $1 and id = $2"
    await ours.db.execute(statement, ours.tenant, one.person)
    await ours.changed(one)
    await client.until(lambda: feed.errors is not None)

    assert feed.errors is not None
    assert feed.errors[0]["extensions"]["code"] == "ONBOARDING_INCOMPLETE"
    await client.close()


async def test_a_viewer_whose_facts_change_gets_a_snapshot_only_where_the_document_asks_for_them(
    api: int, ours: Business
) -> None:
    one = await ours.cleaner()
    client = await Client.open(api, token(one))
    personal, plain = await client.begun(PERSONAL_MARKET), await client.begun(MARKET)

    await ours.db.execute("insert into cleaner_skill values ($1, $2, 'HOT_TUB')", ours.tenant, one.person)
    await ours.changed(one)
    await client.until(lambda: len(personal.frames) == 2)
    await ours.offer(await ours.cleaner())
    await client.until(lambda: personal.kinds()[-1:] == plain.kinds()[-1:] == ["SwapListed"])

    assert personal.kinds() == ["SwapMarketSnapshot", "SwapMarketSnapshot", "SwapListed"]
    assert plain.kinds() == ["SwapMarketSnapshot", "SwapListed"]
    assert personal.frames[-1]["swap"]["viewerSkills"] == ["HOT_TUB"]
    await client.close()


async def test_the_taker_sees_the_hand_over_before_the_new_facts(api: int, ours: Business) -> None:
    giver, taker = await ours.cleaner(), await ours.cleaner()
    client = await Client.open(api, token(taker))
    feed = await client.begun(PERSONAL_MARKET)
    swap = await ours.offer(giver)

    await ours.accept(taker, swap)
    await client.until(lambda: len(feed.frames) == 4)

    assert feed.kinds()[1:] == ["SwapListed", "SwapHandedOver", "SwapMarketSnapshot"]
    await client.close()


async def test_a_renamed_market_draws_every_card_anew(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    await ours.offer(one)
    client = await Client.open(api, token(one))
    feed = await client.begun(MARKET)

    statement = "update market set name = 'Upper' where tenant_id = $1 and id = $2"
    await ours.db.execute(statement, ours.tenant, ours.north)
    await ours.emit(Event(EventType.MARKET_CHANGED, "Market", ours.north, {}))
    await client.until(lambda: len(feed.frames) == 2)

    assert feed.frames[1]["swaps"][0]["marketName"] == "Upper"
    await client.close()


def folded(feed: Feed) -> dict[str, Any]:
    """What a client has in hand after all its frames."""
    cards: dict[str, Any] = {}
    for frame in feed.frames:
        match frame["__typename"]:
            case "SwapMarketSnapshot":
                cards = {swap["id"]: swap for swap in frame["swaps"]}
            case "SwapListed":
                cards[frame["swap"]["id"]] = frame["swap"]
            case "SwapGone" | "SwapHandedOver":
                cards.pop(frame["swapId"], None)
    return cards


async def has_cards(client: Client, feed: Feed, *ids: str) -> None:
    """Wait until the client has these cards in hand."""
    await client.until(lambda: set(ids) <= folded(feed).keys())


async def test_snapshot_and_deltas_together_equal_a_fresh_snapshot(
    api: int, start_api: StartApi, ours: Business, theirs: Business
) -> None:
    chance = random.Random(11)  # noqa: S311 - reproducible, not secret
    cleaners = [await ours.cleaner(ours.north, ours.south) for _ in range(4)]
    watchers: list[Actor] = [await ours.cleaner(), await ours.cleaner(ours.south), cleaners[0]]
    watchers.append(await ours.signed_in(Role.OWNER))
    clients = [await Client.open(api, token(actor)) for actor in watchers]
    feeds = [await client.begun(MARKET) for client in clients]
    foreign = await theirs.cleaner()
    pending: list[Any] = []

    for _ in range(60):
        owner = chance.choice(cleaners)
        if len(pending) < 3 or chance.random() < 0.5:
            market = chance.choice((ours.north, ours.south))
            pending.append((owner, await ours.offer(owner, market, note=str(chance.random()))))
            continue
        giver, swap = pending.pop(chance.randrange(len(pending)))
        takers = [one for one in cleaners if one is not giver]
        await (ours.withdraw(giver, swap) if chance.random() < 0.5 else ours.accept(chance.choice(takers), swap))
    await theirs.offer(foreign)
    last = str(await ours.offer(cleaners[1], ours.north, note="last north"))
    final = str(await ours.offer(cleaners[1], ours.south, note="last south"))

    # A process that has read nothing yet.
    elsewhere = await start_api()
    endings = ((last,), (final,), (last, final), (last, final))
    for actor, client, feed, ends in zip(watchers, clients, feeds, endings, strict=True):
        await has_cards(client, feed, *ends)
        newcomer = await Client.open(elsewhere, token(actor))
        fresh = await newcomer.begun(MARKET)
        assert fresh.kinds() == ["SwapMarketSnapshot"]
        assert folded(feed) == folded(fresh)
        assert feed.holes == 0
        assert len(feed.frames) > 20
        await client.close()
        await newcomer.close()
