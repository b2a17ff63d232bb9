"""Caps and floods: each is refused in its own way, and nobody else misses an event meanwhile."""

import asyncio
import contextlib
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from domain.actors import Actor
from tests.subscriptions.client import PATIENCE, Client, Feed
from tests.subscriptions.conftest import StartApi
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, MARKET, market_query

EVENTS = 200


def numbers(feed: Feed) -> list[int]:
    return [frame["window"]["number"] for frame in feed.frames if "window" in frame]


def subscribe(id: str, query: str) -> dict[str, Any]:
    return {"id": id, "type": "subscribe", "payload": {"query": query}}


class Watchers:
    """Clients of two businesses who must get every event, whatever else happens."""

    def __init__(self, port: int, ours: Business, theirs: Business) -> None:
        self._port = port
        self._businesses = [ours, ours, theirs]
        self._clients: list[Client] = []
        self._feeds: list[Feed] = []
        self._count = 0

    async def begin(self) -> None:
        for business in self._businesses:
            self._clients.append(await Client.open(self._port, token(await business.cleaner())))
            self._feeds.append(await self._clients[-1].begun(AVAILABILITY))

    async def write(self, count: int) -> None:
        """So many more events in each business, one after the other; return when everybody has seen them."""
        for _ in range(count):
            self._count += 1
            for business in self._businesses[1:]:
                await business.count(self._count)
        for client, feed in zip(self._clients, self._feeds, strict=True):
            await client.frames(feed, 1 + self._count)

    async def end(self) -> None:
        """Nobody has missed anything."""
        assert [numbers(feed) for feed in self._feeds] == [list(range(1, self._count + 1))] * 3
        assert [feed.holes for feed in self._feeds] == [0] * 3
        for client in self._clients:
            await client.close()


async def test_a_thousand_subscriptions_on_one_socket_are_fifty_and_refusals(
    api: int, ours: Business, theirs: Business
) -> None:
    watchers = Watchers(api, ours, theirs)
    await watchers.begin()
    greedy = await Client.open(api, token(await ours.cleaner()))

    feeds = [await greedy.subscribe(AVAILABILITY) for _ in range(1_000)]
    await watchers.write(EVENTS)
    await greedy.until(lambda: all(feed.frames or feed.errors for feed in feeds))

    refused = [feed.errors[0]["extensions"]["code"] for feed in feeds if feed.errors]
    assert refused == ["RATE_LIMITED"] * 950
    for feed in feeds:
        if not feed.errors:
            await greedy.until(lambda feed=feed: numbers(feed)[-1:] == [EVENTS])  # type: ignore[misc]
    assert (greedy.close_code, sum(feed.holes for feed in feeds)) == (None, 0)
    await greedy.close()
    await watchers.end()


async def test_a_flood_of_messages_is_refused_with_a_time_and_then_closed_with_1013(
    start_api: StartApi, ours: Business, theirs: Business
) -> None:
    api = await start_api(limits={"messages_a_second": 0.1, "messages_at_once": 100.0})
    watchers = Watchers(api, ours, theirs)
    await watchers.begin()
    one = await ours.cleaner()
    flooding = asyncio.create_task(flood(api, one, rounds=5))

    await watchers.write(EVENTS)
    floods = await flooding

    assert [(client.close_code, client.close_reason) for client in floods] == [(1013, "Too many messages")] * 5
    for client in floods:
        errors = [reply["payload"][0]["extensions"] for reply in client.replies if reply.get("type") == "error"]
        assert errors
        assert {error["code"] for error in errors} == {"RATE_LIMITED"}
        waits = [error["retryAfterMs"] for error in errors]
        assert waits == sorted(waits)
        assert waits[0] > 0
    # It is the socket that was closed, not the person who was banned.
    again = await Client.open(api, token(one))
    await again.begun(MARKET)
    await again.close()
    await watchers.end()


async def flood(port: int, actor: Actor, rounds: int) -> list[Client]:
    """Subscribe and complete as fast as the connection takes it, again and again."""
    made = []
    for _ in range(rounds):
        client = await Client.open(port, token(actor), ping_interval=None)
        made.append(client)
        with contextlib.suppress(ConnectionClosed):
            while client.close_code is None:
                await client.send(subscribe("x", MARKET))
                await client.send({"type": "complete", "id": "x"})
                # A send that need not wait lets nobody else of this process run.
                await asyncio.sleep(0)
        await client.closed()
    return made


async def test_who_waits_as_long_as_told_is_served_again(start_api: StartApi, ours: Business) -> None:
    api = await start_api(limits={"messages_a_second": 5.0, "messages_at_once": 20.0})
    client = await Client.open(api, token(await ours.cleaner()))

    answer: Any = {"data": {}}
    while isinstance(answer, dict):
        answer = await client.run("{ hello }")
    await asyncio.wait([client._reading], timeout=answer[0]["extensions"]["retryAfterMs"] / 1000)
    answer = await client.run("{ hello }")

    assert answer == {"data": {"hello": "cleaner"}}
    await client.close()


async def test_documents_that_nobody_sent_before_cost_more_than_known_ones(start_api: StartApi, ours: Business) -> None:
    api = await start_api(limits={"messages_a_second": 1.0, "messages_at_once": 100.0})
    one = await ours.cleaner()
    known, new = await Client.open(api, token(one)), await Client.open(api, token(one))
    long = market_query("#" + "x" * 1_000 + "\n")
    await known.begun(long)

    feeds = [await known.subscribe(long) for _ in range(30)]
    await known.until(lambda: all(feed.frames for feed in feeds))
    others = [await new.subscribe(long.replace("#", f"#{number}")) for number in range(30)]
    await new.until(lambda: all(feed.frames or feed.errors for feed in others))

    assert not any(feed.errors for feed in feeds)
    refused = [feed.errors[0]["extensions"] for feed in others if feed.errors]
    assert len(refused) > 20
    assert all(error["code"] == "RATE_LIMITED" and error["retryAfterMs"] > 0 for error in refused)
    await known.close()
    await new.close()


async def test_a_subscription_that_selects_thousands_of_fields_is_refused_before_it_is_validated(
    api: int, ours: Business, theirs: Business
) -> None:
    """Validation compares selections pair by pair: such a document once held everybody up for seconds."""
    client = await Client.open(api, token(await ours.cleaner()))
    selections = "... on SwapListed { swap { id } } " * 200

    (error,) = await client.run(f"subscription {{ swapMarket {{ {selections} }} }}")

    assert error["extensions"]["code"] == "INVALID"
    assert "500" in error["message"]
    await client.close()


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("sockets_a_person", "Too many sockets of one person"),
        ("sockets_a_tenant", "Too many sockets of one business"),
        ("sockets_an_address", "Too many sockets from one address"),
    ],
)
async def test_one_socket_too_many_is_closed_with_1013_and_there_is_room_when_another_has_gone(
    start_api: StartApi, ours: Business, theirs: Business, limit: str, reason: str
) -> None:
    api = await start_api(limits={limit: 3})
    one, other, foreign = await ours.cleaner(), await ours.cleaner(), await theirs.cleaner()
    held = [await Client.open(api, token(one)) for _ in range(3)]
    feed = await held[0].begun(AVAILABILITY)

    refused = [await opened(api, actor) for actor in (one, other, foreign)]

    is_refused = {"sockets_a_person": 1, "sockets_a_tenant": 2, "sockets_an_address": 3}[limit]
    for client in refused[:is_refused]:
        assert (await client.closed(), client.close_reason) == (1013, reason)
    for client in refused[is_refused:]:
        assert await client.run("{ hello }") == {"data": {"hello": "cleaner"}}
        await client.close()
    await held.pop().close()
    held.append(await until_let_in(api, one))
    await ours.count(1)
    await held[0].frames(feed, 2)
    for client in held:
        await client.close()


async def opened(port: int, actor: Actor) -> Client:
    """A socket that has said who it is, and perhaps was closed before."""
    client = await Client.open(port, None)
    with contextlib.suppress(ConnectionClosed):
        await client.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token(actor)}"}})
        await client.until(lambda: client.acknowledged or client.close_code is not None)
    return client


async def until_let_in(port: int, actor: Actor) -> Client:
    """Come again until there is room; a server learns of a closed socket a moment later."""
    async with asyncio.timeout(PATIENCE):
        while not (client := await opened(port, actor)).acknowledged:
            assert await client.closed() == 1013
    return client


async def test_sockets_that_are_not_let_in_or_break_off_hold_no_place(start_api: StartApi, ours: Business) -> None:
    api = await start_api(limits={"sockets_a_person": 1, "sockets_an_address": 2})
    one = await ours.cleaner()
    over = await ours.signed_in(one.role, one.person)
    await ours.revoke(over, tell=False)

    for _ in range(5):
        async with asyncio.timeout(PATIENCE):
            while await (await opened(api, over)).closed() != 4403:
                pass
        leaving = await until_let_in(api, one)
        leaving.cut()
        await leaving._reading

    await (await until_let_in(api, one)).close()


async def test_a_long_id_is_refused_and_the_longest_reason_still_closes(api: int, ours: Business) -> None:
    one = token(await ours.cleaner())
    client, twin = await Client.open(api, one), await Client.open(api, one)

    await client.send(subscribe("x" * 257, MARKET))
    for _ in range(2):
        await twin.connection.send(orjson.dumps(subscribe("\N{PILE OF POO}" * 64, MARKET)).decode())

    assert (await client.closed(), await twin.closed()) == (4400, 4409)
    assert twin.close_reason is not None
    assert twin.close_reason.startswith("Subscriber for \N{PILE OF POO}")
