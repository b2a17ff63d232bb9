"""Delivery under trouble: cuts, dead servers, two API processes, stalled clients. Nothing is lost or comes twice."""

import asyncio
import contextlib
import itertools
import random
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from websockets.exceptions import ConnectionClosed, WebSocketException

from db.engine import write_engine
from db.runner import Runner
from domain.actors import Actor, TenantId
from domain.errors import Unavailable
from models import ddl
from sandbox.environment import ensure_running, open_environment, remove_environment
from sandbox.ownership import cluster_place
from sandbox.postgres import find_postmaster
from sandbox.processes import end
from subscriptions.wake import Wake
from tests.subscriptions.bell import Bell
from tests.subscriptions.client import PATIENCE, Client, Feed
from tests.subscriptions.conftest import StartApi, an_api
from tests.subscriptions.town import Business, a_business, token
from tests.subscriptions.toy import AVAILABILITY, SECRETS, Wiring

QUICK = {"ping_interval": None, "close_timeout": 1}


def ends_with(feed: Feed, number: int) -> bool:
    """Whether this number's event came last."""
    return bool(feed.frames) and feed.frames[-1].get("window", {}).get("number") == number


async def has(client: Client, feed: Feed, number: int) -> None:
    """Wait until this number's event came last."""
    await client.until(lambda: ends_with(feed, number))


class Follower:
    """A client that loses its connection again and again, and comes back with its last cursor."""

    def __init__(self, ports: list[int], actor: Actor, seed: int) -> None:
        self.numbers: list[int] = []
        self.cuts = self.holes = self.resyncs = 0
        self._ports, self._actor = ports, actor
        self._cursor: str | None = None
        self._chance = random.Random(seed)  # noqa: S311 - reproducible, not secret

    async def follow(self, until: int, cuts: int) -> None:
        """Go on until this number has arrived, cut at least so many times on the way."""
        async with asyncio.timeout(PATIENCE * 4):
            while until not in self.numbers[-1:] or self.cuts < cuts:
                patience = 0.03 + self._chance.random() * 0.15 if self.cuts < cuts else PATIENCE
                with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                    await self._once(until, patience)

    async def _once(self, until: int, patience: float) -> None:
        client = await Client.open(self._chance.choice(self._ports), token(self._actor), **QUICK)
        if not client.acknowledged:
            await client.close()
            return
        feed = await client.subscribe(AVAILABILITY, after=self._cursor)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await client.until(lambda: client.close_code is not None or ends_with(feed, until))
        self.cuts += 1
        client.cut()
        await client._reading
        self._take(feed)

    def _take(self, feed: Feed) -> None:
        self.holes += feed.holes
        self.resyncs += feed.kinds().count("Resync")
        self._cursor = feed.last
        self.numbers += [frame["window"]["number"] for frame in feed.frames if "window" in frame]


def wrong(numbers: list[int], until: int) -> dict[str, int]:
    """How many of 1..until were lost, came twice, or came out of order."""
    expected = range(1, until + 1)
    return {
        "lost": len(set(expected) - set(numbers)),
        "duplicate": len(numbers) - len(set(numbers)),
        "disordered": sum(later < earlier for earlier, later in itertools.pairwise(numbers)),
    }


NOTHING_WRONG = {"lost": 0, "duplicate": 0, "disordered": 0}


async def write(business: Business, until: int, noise: Business) -> None:
    """Numbered events, one transaction each or a few together, with another tenant's between."""
    chance = random.Random(5)  # noqa: S311 - reproducible, not secret
    number = 1
    while number <= until:
        last = min(until, number + chance.choice((0, 0, 0, 3)))
        await business.count(*range(number, last + 1))
        await noise.count(number)
        number = last + 1
        await asyncio.sleep(0.002)


async def test_sixty_cuts_while_a_writer_runs_over_two_processes_and_a_dying_redis(
    start_api: StartApi, bell: Bell, ours: Business, theirs: Business
) -> None:
    ports = [await start_api(redis_url=bell.url) for _ in range(2)]
    followers = [Follower(ports, await ours.cleaner(), seed) for seed in range(4)]
    # The first connection of each must begin at the beginning.
    for follower in followers:
        follower._cursor = await _cursor(ports[0], follower._actor)
    until = 1200

    async with Wake(bell.url) as wake:
        wake.listen(lambda _: None)
        writer = asyncio.create_task(_publishing(write(ours, until, theirs), wake, ours))
        following = [asyncio.create_task(follower.follow(until, cuts=15)) for follower in followers]
        bell.kill()
        await asyncio.wait([writer], timeout=1)
        bell.start()
        await writer
        await asyncio.gather(*following)

    assert [wrong(follower.numbers, until) for follower in followers] == [NOTHING_WRONG] * 4
    assert [(follower.holes, follower.resyncs) for follower in followers] == [(0, 0)] * 4
    assert sum(follower.cuts for follower in followers) >= 60


async def _publishing(work: Any, wake: Wake, business: Business) -> None:
    task = asyncio.ensure_future(work)
    while not task.done():
        wake.publish(business.tenant)
        await asyncio.wait([task], timeout=0.02)
    await task


async def _cursor(port: int, actor: Actor) -> Any:
    client = await Client.open(port, token(actor))
    feed = await client.begun(AVAILABILITY)
    await client.close()
    return feed.last


def places(feed: Feed) -> list[int]:
    """Where in the log each frame stands."""
    return [int(frame["cursor"].split(".")[1]) for frame in feed.frames]


def reached(feed: Feed, head: int) -> bool:
    """Whether its last frame stands there."""
    return places(feed)[-1:] == [head]


async def test_writes_that_race_the_subscribe_are_in_the_snapshot_or_follow_it(
    api: int, ours: Business, theirs: Business
) -> None:
    one = await ours.cleaner()
    client = await Client.open(api, token(one))

    for round_ in range(40):
        seen = ours.head(), ours.count(round_), theirs.count(round_)
        writing = asyncio.gather(*seen[1:])
        feed = await client.subscribe(AVAILABILITY)
        await writing
        await ours.count(1_000 + round_)
        head = await seen[0]
        # Whether the snapshot holds it all already, or deltas follow.
        await client.until(partial(reached, feed, head))

        assert places(feed) == list(range(places(feed)[0], head + 1))
        assert feed.holes == 0
        await client.send({"id": str(round_ + 1), "type": "complete"})
    await client.close()


@contextlib.asynccontextmanager
async def own_servers(place: Path) -> AsyncIterator[tuple[Wiring, str]]:
    with open_environment(place, redis=False) as servers:
        owner = await asyncpg.connect(servers.database_owner_url)
        for statement in ddl.statements():
            await owner.execute(statement)
        await owner.close()
        yield Wiring(servers.database_url, servers.database_feed_url), servers.superuser_url
    remove_environment(place)


async def test_postgresql_killed_and_restarted_twice_costs_time_and_no_event(
    tmp_path: Path,
) -> None:
    async with own_servers(tmp_path) as (wiring, superuser_url):
        db = await asyncpg.connect(superuser_url.rsplit("/", 1)[0] + "/cleanshift")
        engine = write_engine(wiring.database_url, size=2)
        runner = Runner(engine, SECRETS, _nobody_is_told)
        ours = await a_business(db, runner, "ours")
        one = await ours.cleaner()
        async with an_api(wiring) as port:
            client = await Client.open(port, token(one), ping_interval=None)
            feed = await client.begun(AVAILABILITY)
            number = 0
            for _ in range(2):
                number += 1
                await ours.count(number)
                _kill_postgres(tmp_path)
                ensure_running(tmp_path, redis=False)
                number += 1
                await _stubbornly(ours, number)
                await has(client, feed, number)
            again = await client.begun(AVAILABILITY)
            assert again.kinds() == ["AvailabilitySnapshot"]
            await client.close()
        await engine.dispose()
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            db.terminate()

    assert [frame["window"]["number"] for frame in feed.frames[1:]] == [1, 2, 3, 4]
    assert feed.holes == 0


def _nobody_is_told(tenant: TenantId, *, events: bool, tasks: bool) -> None:
    return None


async def _stubbornly(business: Business, number: int) -> None:
    """Commit once the database is back; before the statement is sent nothing is committed, so no number comes twice."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await business.count(number)
            except (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)
            else:
                return


def _kill_postgres(place: Path) -> None:
    running = find_postmaster(cluster_place(place / "servers"))
    assert running is not None
    end(running.pid, ((signal.SIGKILL, PATIENCE),))


async def test_a_client_that_does_not_read_is_dropped_and_nobody_else_is_slowed(
    start_api: StartApi, ours: Business
) -> None:
    port = await start_api(stall_seconds=1.0)
    one = await ours.cleaner()
    healthy = await Client.open(port, token(one))
    feed = await healthy.begun(AVAILABILITY)
    stalled = await Client.open(port, token(one), ping_interval=None, max_queue=1)
    for _ in range(40):
        await stalled.subscribe(AVAILABILITY)
    await stalled.until(lambda: all(one.frames for one in stalled.feeds.values()))
    transport = stalled.connection.transport
    transport.pause_reading()
    # From here the client's library must not resume the transport by itself.
    transport.resume_reading = lambda: None  # type: ignore[method-assign]

    until = 3_000
    for start in range(1, until, 100):
        await ours.count(*range(start, start + 100))
    await has(healthy, feed, until)

    assert wrong([frame["window"]["number"] for frame in feed.frames[1:]], until) == NOTHING_WRONG
    assert await healthy.run("{ hello }") == {"data": {"hello": "cleaner"}}
    # Who reads nothing learns of the end when writing.
    async with asyncio.timeout(PATIENCE):
        while stalled.close_code is None:
            with contextlib.suppress(ConnectionClosed):
                await stalled.send({"type": "pong"})
            await asyncio.wait([stalled._reading], timeout=0.05)
    assert stalled.close_code == 1006
    assert not any(ends_with(one, until) for one in stalled.feeds.values())
    await healthy.close()
