"""Subscribe-then-write races: whatever is committed after the snapshot arrives, once and in order.

Many tenants, two API processes with a bell each, joins with and without a cursor in the midst of writes, and one ring
in five kept from each process. `RACES=10000` for more than the usual share.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from db.engine import write_engine
from db.runner import Runner
from domain.actors import TenantId
from sandbox.environment import Servers
from subscriptions.wake import Wake
from tests.subscriptions.bell import Bell
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.conftest import StartApi
from tests.subscriptions.town import Business, a_business, token
from tests.subscriptions.toy import AVAILABILITY, SECRETS

RACES = int(os.environ.get("RACES", "1000"))
SEED = int(os.environ.get("RACES_SEED", "5"))
TENANTS = 20
VIEWERS = 5
"""Of each tenant; each joins once a round."""
WRITES = 3
"""Of each tenant in each round while its viewers join; one more follows when all have."""
WITHHELD = 0.2
PATIENCE = 30.0
KINDS = ("lost", "duplicate", "disordered", "resyncs", "timeouts")


@dataclass
class Counts:
    """What became of all trials."""

    trials: int = 0
    resumed: int = 0
    delivered: int = 0
    wrong: Counter[str] = field(default_factory=Counter)

    def judge(self, after: int, until: int, seen: list[int]) -> None:
        """Everything behind `after` up to `until` was to come, once and in order."""
        self.trials += 1
        self.delivered += len(seen)
        self.wrong["lost"] += len(set(range(after + 1, until + 1)) - set(seen))
        self.wrong["duplicate"] += len(seen) - len(set(seen))
        self.wrong["disordered"] += sum(later < earlier for earlier, later in zip(seen, seen[1:], strict=False))


class Ringers:
    """Rings each process's own bell after a commit, but for one ring in five."""

    def __init__(self, wakes: list[Wake], chance: random.Random) -> None:
        self._wakes, self._chance = wakes, chance
        self.rung = self.withheld = 0

    def __call__(self, tenant: TenantId, *, events: bool, tasks: bool) -> None:
        for wake in self._wakes:
            if self._chance.random() < WITHHELD:
                self.withheld += 1
            else:
                self.rung += 1
                wake.publish(tenant)


class Writer:
    """Commits numbered events of one tenant, one after the other; the log's numbers are the events' own."""

    def __init__(self, business: Business) -> None:
        self._business = business
        self.head = 0
        self._moved = asyncio.Event()

    async def write(self) -> None:
        await self._business.count(self.head + 1)
        self.head += 1
        self._moved.set()
        self._moved = asyncio.Event()

    async def until(self, seq: int) -> None:
        """Until so many are committed; whoever waits then races the next write."""
        while self.head < seq:
            await self._moved.wait()


@dataclass
class Joiner:
    """One viewer with a socket at each process, who joins again and again."""

    clients: list[Client]
    chance: random.Random
    cursors: list[str] = field(default_factory=list)

    async def join(self, writer: Writer, counts: Counts, everybody: asyncio.Barrier) -> None:
        """One trial: join in the midst of the writes, and see what comes until the round's last."""
        last = writer.head + WRITES + 1
        await writer.until(writer.head + self.chance.randrange(WRITES + 1))
        client = self.chance.choice(self.clients)
        after = self.chance.choice(self.cursors[-4:]) if self.cursors and self.chance.random() < 0.5 else None
        feed = await client.subscribe(AVAILABILITY, after=after)
        counts.resumed += after is not None
        await self._wait(client, lambda: bool(feed.frames or feed.heartbeats), counts)
        await everybody.wait()
        await self._wait(client, lambda: seq_of(feed.last) >= last, counts)
        self._judge(feed, after, last, counts)
        operation = next(id for id, one in client.feeds.items() if one is feed)
        await client.send({"id": operation, "type": "complete"})
        del client.feeds[operation]

    async def _wait(self, client: Client, reached: Callable[[], bool], counts: Counts) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await client.until(reached)
        except TimeoutError:
            counts.wrong["timeouts"] += 1

    def _judge(self, feed: Feed, after: str | None, last: int, counts: Counts) -> None:
        frames = list(feed.frames)
        counts.wrong["resyncs"] += feed.kinds().count("Resync")
        start = seq_of(after)
        if frames and frames[0]["__typename"] == "AvailabilitySnapshot":
            start = seq_of(frames.pop(0)["cursor"])
        counts.judge(start, last, [seq_of(frame["cursor"]) for frame in frames if "cursor" in frame])
        counts.wrong["lost"] += feed.holes
        self.cursors += [frame["cursor"] for frame in feed.frames if "cursor" in frame]
        del self.cursors[:-20]


def seq_of(cursor: str | None) -> int:
    """The number of the event that a cursor stands at."""
    return int(cursor.split(".")[1]) if cursor else 0


@pytest.fixture
def bells(tmp_path: Path) -> Iterator[list[Bell]]:
    """One for each process, so that one process may know of what the other has not heard of."""
    made = [Bell(tmp_path) for _ in range(2)]
    for bell in made:
        bell.start()
    yield made
    for bell in made:
        bell.kill()


@pytest.fixture
async def ringers(bells: list[Bell]) -> AsyncIterator[Ringers]:
    async with AsyncExitStack() as stack:
        wakes = [await stack.enter_async_context(Wake(bell.url)) for bell in bells]
        yield Ringers(wakes, random.Random(SEED))  # noqa: S311 - reproducible, not secret


@pytest.fixture
async def businesses(db: asyncpg.Connection, servers: Servers, ringers: Ringers) -> AsyncIterator[list[Business]]:
    engine = write_engine(servers.database_url, size=8)
    runner = Runner(engine, SECRETS, ringers)
    yield [await a_business(db, runner, f"race-{number}") for number in range(TENANTS)]
    await engine.dispose()


async def test_whatever_is_written_while_somebody_subscribes_arrives_once_and_in_order(
    start_api: StartApi, bells: list[Bell], businesses: list[Business], ringers: Ringers
) -> None:
    ports = [await start_api(redis_url=bell.url, poll_seconds=0.3) for bell in bells]
    counts = Counts()
    rounds = -(-RACES // (TENANTS * VIEWERS))
    joining = [await joiners(business, ports, number) for number, business in enumerate(businesses)]

    async def race(business: Business, joiners: list[Joiner]) -> None:
        writer = Writer(business)
        for _ in range(rounds):
            await one_round(writer, joiners, counts)

    await asyncio.gather(*(race(business, ones) for business, ones in zip(businesses, joining, strict=True)))

    print(counts, {"rung": ringers.rung, "withheld": ringers.withheld})
    assert {kind: counts.wrong[kind] for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert counts.trials >= RACES
    assert counts.resumed > RACES // 4
    assert ringers.withheld > ringers.rung // 8
    await asyncio.gather(*(client.close() for ones in joining for one in ones for client in one.clients))


async def joiners(business: Business, ports: list[int], number: int) -> list[Joiner]:
    """The tenant's viewers, connected to both processes."""
    made = []
    for index in range(VIEWERS):
        pass_ = token(await business.cleaner())
        clients = [await Client.open(port, pass_, ping_interval=None) for port in ports]
        seed = SEED + 100 * number + index
        made.append(Joiner(clients, random.Random(seed)))  # noqa: S311 - reproducible, not secret
    return made


async def one_round(writer: Writer, joiners: list[Joiner], counts: Counts) -> None:
    """All join while the tenant writes; when each has its first frame, one more write is to reach all."""
    everybody = asyncio.Barrier(len(joiners) + 1)

    async def write() -> None:
        for _ in range(WRITES):
            await writer.write()
        await everybody.wait()
        await writer.write()

    await asyncio.gather(write(), *(one.join(writer, counts, everybody) for one in joiners))
