"""A town under load: its cleaners write, its people follow, and in the end everybody must know the same."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from domain.actors import Actor, TenantId
from tests.product.world import Town, World, a_world, gid
from tests.soak.cluster import Cluster, looking
from tests.soak.folding import Availability, Fold, Market
from tests.soak.followers import Follower, Line
from tests.soak.schedule import chance_of
from tests.soak.writers import Counter, Ledger, Shift, Writer

SHIFTS = 10
SETTLE_SECONDS = 300.0
LOOK_SECONDS = 0.1
SUNDAY = 6

WAITING = "state in ('READY', 'LEASED') and (attempts > 0 or run_at <= now() + clock_offset)"
"""A task that is due, is being done, or has failed and will be tried again."""
PENDING = f"select count(*) from task join tenant using (tenant_id) where {WAITING}"
HEAD = "select coalesce(max(seq), 0) from event where tenant_id = $1 and type = any($2)"


@dataclass(slots=True)
class Storm:
    """One tenant's writers and followers."""

    tenant: TenantId
    market: str
    shifts: list[Shift]
    ledger: Ledger
    followers: list[Follower]
    writers: list[Writer]


@dataclass(slots=True)
class Calm:
    """How long it took after the faults, in seconds."""

    answered: float
    feeds: float
    queues: float


@dataclass(slots=True)
class Weather:
    """All storms over one cluster."""

    cluster: Cluster
    storms: list[Storm]
    _following: list["asyncio.Task[None]"]
    _writing: list["asyncio.Task[None]"]
    _vanished_before: int = 0

    @property
    def followers(self) -> list[Follower]:
        """Everybody who follows."""
        return [follower for storm in self.storms for follower in storm.followers]

    @property
    def vanished(self) -> int:
        """How many messages were made away with since this weather began."""
        return sum(api.proxy.messages_lost for api in self.cluster.apis) - self._vanished_before

    async def until(self, claim: Callable[[], bool]) -> None:
        """Wait until it is so."""
        await _until(_later(claim))

    async def busy(self, more: int = 10) -> None:
        """Wait until so many more wishes have been granted: the load is on, and nothing stands still."""
        before = self._granted()
        await self.until(lambda: self._granted() >= before + more)

    async def settle(self) -> Calm:
        """Stop the load, and wait until everybody is at the head and nothing that is due waits; they still follow."""
        began = asyncio.get_running_loop().time()

        def passed() -> float:
            return asyncio.get_running_loop().time() - began

        self.cluster.calm()
        async with asyncio.timeout(SETTLE_SECONDS):
            await self.cluster.until_ready()
            for writer in self._all_writers():
                writer.stop()
            await asyncio.gather(*self._writing)
            answered = passed()
            await _until(self._is_everybody_at_the_head)
            feeds = passed()
            await _until(self._is_nothing_due)
        return Calm(answered, feeds, passed())

    async def end(self) -> None:
        """Nobody follows any more."""
        for follower in self.followers:
            follower.stop()
        for task in [*self._following, *self._writing]:
            task.cancel()
        await asyncio.wait([*self._following, *self._writing])

    def _granted(self) -> int:
        return sum(wish.made is not None for storm in self.storms for wish in storm.ledger.wishes)

    def _all_writers(self) -> list[Writer]:
        return [writer for storm in self.storms for writer in storm.writers]

    async def _is_everybody_at_the_head(self) -> bool:
        _raise_what_failed(self._following)
        async with looking(self.cluster.servers) as root:
            for storm in self.storms:
                for follower in storm.followers:
                    if follower.seq < await root.fetchval(HEAD, storm.tenant, list(follower.fold.kinds)):
                        return False
        return True

    async def _is_nothing_due(self) -> bool:
        async with looking(self.cluster.servers) as root:
            return bool(await root.fetchval(PENDING) == 0)


@asynccontextmanager
async def a_weather(cluster: Cluster, seed: int, *, towns: int = 2) -> AsyncIterator[Weather]:
    """Towns over the cluster, each under load and followed from before its first write."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(limits=httpx2.Limits(max_connections=100)))
        async with a_world(cluster.servers, cluster.data) as world:
            line = Line(cluster.ports, world.token)
            storms = [await _a_storm(world, line, http, f"{seed}/{number}") for number in range(towns)]
        following = [asyncio.create_task(one.follow()) for storm in storms for one in storm.followers]
        weather = Weather(cluster, storms, following, [])
        weather._vanished_before = weather.vanished
        stack.push_async_callback(weather.end)
        # Who follows from the start must be shown everything.
        await weather.until(lambda: all(one.seen for one in weather.followers))
        weather._writing = [asyncio.create_task(one.write()) for one in weather._all_writers()]
        yield weather


async def _a_storm(world: World, line: Line, http: httpx2.AsyncClient, seed: str) -> Storm:
    town = await world.found()
    await _open_window(town)
    cleaners = [await town.cleaner() for _ in range(3)]
    home = await town.home()
    shifts = []
    for number in range(SHIFTS):
        holder = cleaners[number % len(cleaners)]
        made = await town.shift(holder, await town.day(3 + number), home=home)
        shifts.append(Shift(gid("Assignment", made), holder))
    ledger, market = Ledger(), gid("Market", town.market)
    submission = {"marketId": market, "slots": [await _a_slot(town)]}

    def chance(name: str) -> random.Random:
        return chance_of(f"{seed}/{name}")

    def writer(number: int, actor: Actor) -> Writer:
        return Writer(actor, shifts, Counter(http, line, ledger, chance(f"writer {number}")), submission)

    eyes: list[tuple[str, Actor, Fold]] = [
        ("owner's market", town.owner, Market()),
        ("owner's availability", town.owner, Availability()),
        ("cleaner 1's market", cleaners[0], Market()),
        ("cleaner 1's availability", cleaners[0], Availability()),
        ("cleaner 2's market", cleaners[1], Market()),
        ("cleaner 3's own view", cleaners[2], Market(is_personal=True)),
    ]
    followers = [Follower(name, actor, fold, line, chance(name)) for name, actor, fold in eyes]
    writers = [writer(number, actor) for number, actor in enumerate(cleaners)]
    return Storm(town.tenant, market, shifts, ledger, followers, writers)


async def _open_window(town: Town) -> None:
    """The window is open now, and stays so for more than a day."""
    today = datetime.now(UTC).date()
    sunday = today + timedelta(days=2 + (SUNDAY - (today + timedelta(days=2)).weekday()) % 7)
    statement = "update market set window_epoch = $2, window_lead_days = 13 where tenant_id = $1"
    await town.world.root.execute(statement, town.tenant, sunday)


async def _a_slot(town: Town) -> dict[str, str]:
    """An afternoon in the two weeks that the window is for."""
    epoch = await town.world.root.fetchval("select window_epoch from market where tenant_id = $1", town.tenant)
    day = epoch + timedelta(days=3)
    return {"startsAt": f"{day}T16:00:00Z", "endsAt": f"{day}T20:00:00Z"}


async def _until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so; the last reason is told if it never is."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while not await reached():
            await asyncio.sleep(LOOK_SECONDS)


def _later(claim: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return claim()

    return look


def _raise_what_failed(tasks: list[Any]) -> None:
    for task in tasks:
        if task.done() and not task.cancelled():
            task.result()
