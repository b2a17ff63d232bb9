"""Who does not read: bounded memory, one wait a socket, dropped in time; and nobody else misses a thing."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from websockets.frames import Frame, Opcode

from subscriptions.outlet import TransportOutlet
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.conftest import StartApi, an_api_process
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, Wiring

STALLED = 20
SUBSCRIPTIONS = 40
EVENTS = 1_000
A_BATCH = 100
MOST_MEMORY = 64 * 2**20
"""What the stalled sockets do not take is some 250 MiB."""
BIG = "x" * 60_000


def numbers(feed: Feed) -> list[int]:
    return [frame["window"]["number"] for frame in feed.frames if "window" in frame]


async def stalled_client(port: int, business: Business, subscriptions: int = SUBSCRIPTIONS) -> Client:
    """A client that has seen its snapshots and reads nothing any more."""
    options = {"ping_interval": None, "max_queue": 1, "sock": small_socket(port)}
    client = await Client.open(port, token(await business.cleaner()), **options)
    for _ in range(subscriptions):
        await client.subscribe(AVAILABILITY)
    await client.until(lambda: all(one.frames for one in client.feeds.values()))
    client.stop_reading()
    return client


def small_socket(port: int) -> socket.socket:
    """A connection whose kernel does not take megabytes for a client that does not look at them."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


async def census(client: Client) -> dict[str, int]:
    """What the process has in hand."""
    found: dict[str, int] = (await client.run("{ census }"))["data"]
    return found


async def census_of(client: Client, sockets: int) -> dict[str, int]:
    """The same, once it has only so many sockets."""
    found = await census(client)
    while found["sockets"] > sockets:
        found = await census(client)
    return found


@pytest.mark.parametrize("transport", [True, False], ids=["transport", "asgi"])
async def test_twenty_stalled_clients_cost_little_memory_and_nobody_else_an_event(
    wiring: Wiring, servers: Any, ours: Business, theirs: Business, transport: bool
) -> None:
    limits = {"sockets_a_person": 100, "messages_a_second": 100_000}
    set_up = Wiring(
        wiring.database_url,
        wiring.feed_url,
        servers.redis_url,
        stall_seconds=3.0,
        transport=transport,
        limits=limits,
    )
    async with an_api_process(set_up) as (process, port):
        healthy = [await Client.open(port, token(await one.cleaner())) for one in (ours, ours, ours, theirs)]
        feeds = [await client.begun(AVAILABILITY) for client in healthy]
        stalled = [await stalled_client(port, ours) for _ in range(STALLED)]
        memory = psutil.Process(process.pid).memory_info
        before, counted = memory().rss, await census(healthy[0])
        most = {"rss": 0, "waiting": 0, "tasks": 0}

        for start in range(0, EVENTS, A_BATCH):
            await ours.count(*range(start, start + A_BATCH))
            await theirs.count(start)
            now = {**await census(healthy[0]), "rss": memory().rss}
            most = {name: max(most[name], now[name]) for name in most}
        for client, feed in zip(healthy[:3], feeds[:3], strict=True):
            await client.frames(feed, 1 + EVENTS)
        await healthy[3].frames(feeds[3], 1 + EVENTS // A_BATCH)

        assert [numbers(feed) for feed in feeds[:3]] == [list(range(EVENTS))] * 3
        assert numbers(feeds[3]) == list(range(0, EVENTS, A_BATCH))
        assert [feed.holes for feed in feeds] == [0] * 4
        assert most["rss"] - before < MOST_MEMORY
        assert most["waiting"] < STALLED * 2**20
        # One that catches up, one that sends by ASGI: a socket, not a subscription.
        assert most["tasks"] - counted["tasks"] <= 3 * STALLED
        assert (await census_of(healthy[0], len(healthy)))["sockets"] == len(healthy)
        for client in stalled:
            client.read_on()
            assert await client.closed() == 1006
            assert not all(EVENTS - 1 in numbers(feed)[-1:] for feed in client.feeds.values())
        for client in healthy:
            await client.close()


@pytest.mark.parametrize("transport", [True, False], ids=["transport", "asgi"])
async def test_one_that_reads_late_catches_up_by_itself(start_api: StartApi, ours: Business, transport: bool) -> None:
    port = await start_api(stall_seconds=600.0, transport=transport)
    late = await stalled_client(port, ours)

    for start in range(0, EVENTS, A_BATCH):
        await ours.count(*range(start, start + A_BATCH))
    late.read_on()
    for feed in late.feeds.values():
        await late.until(lambda feed=feed: len(feed.frames) > EVENTS or late.close_code is not None)  # type: ignore[misc]

    assert late.close_code is None
    assert all(numbers(feed) == list(range(EVENTS)) for feed in late.feeds.values())
    assert sum(feed.holes for feed in late.feeds.values()) == 0
    await late.close()


@pytest.mark.parametrize("transport", [True, False], ids=["transport", "asgi"])
async def test_who_asks_and_does_not_read_the_answers_is_not_heard_any_more_and_dropped(
    start_api: StartApi, ours: Business, theirs: Business, transport: bool
) -> None:
    limits = {"messages_a_second": 100_000, "messages_at_once": 100_000}
    port = await start_api(stall_seconds=1.0, transport=transport, limits=limits)
    watcher = await Client.open(port, token(await theirs.cleaner()))
    deaf = await Client.open(port, token(await ours.cleaner()), ping_interval=None, max_queue=1)
    deaf.stop_reading()

    sent = 0
    while (await census(watcher))["sockets"] == 2 and sent < 2_000:
        # The transport of the client keeps what the server does not take.
        deaf.connection.transport.write(masked_ping())
        sent += 1
    found = await census_of(watcher, 1)

    assert found["waiting"] < 2**20
    deaf.read_on()
    assert await deaf.closed() == 1006
    await watcher.close()


def masked_ping() -> bytes:
    """A frame with a message that is answered with as much."""
    return Frame(Opcode.TEXT, b'{"type":"ping","payload":{"x":"%s"}}' % BIG.encode()).serialize(mask=True)


async def test_who_made_room_is_not_taken_for_stalled_because_others_filled_it_at_once() -> None:
    """Between the drain and the waiter's turn a delivery may write again: that is a reader, if a slow one."""
    writable = asyncio.Event()
    outlet = TransportOutlet(SimpleNamespace(writable=writable), None)  # type: ignore[arg-type]
    waiting = asyncio.create_task(outlet.room(600.0))
    await asyncio.sleep(0)

    writable.set()
    writable.clear()

    assert await waiting
    assert not await outlet.room(0.01)
