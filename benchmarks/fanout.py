"""One event, and twenty at once, to thousands of sockets of one business: the product, the usual way, the bare loop.

All have their sockets open at the same time and take turns, round by round, on the same core.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import orjson
from broadcaster import Broadcast

from benchmarks import documents
from benchmarks.bell import Said, news, say
from benchmarks.crowd import Crowd, open_crowd
from benchmarks.figures import Line, Report, ratios, spread
from benchmarks.gauges import cpu_microseconds
from benchmarks.http_load import Connection
from benchmarks.installation import Installation, Server, a_runner
from benchmarks.towns import BURST, Town, metropolis
from benchmarks.usual_live import channel_of
from db.runner import Runner
from subscriptions.frames import text_frame

NOTE = re.compile(rb'"note":"[^"]*"')

Ring = Callable[[Said], Awaitable[int]]
"""Makes events; the instant from which their way to the sockets is timed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many sockets, how often."""

    sockets: int
    rounds: int
    singles: int
    """Events of a round that come alone; their median is the round's figure."""


@dataclass(slots=True)
class Figures:
    """A value a round."""

    ms: list[float] = field(default_factory=list)
    """Until the last socket had it."""
    cpu: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Side:
    """One of the servers with its sockets."""

    server: Server
    crowd: Crowd
    ring: Ring
    chained: bool = False
    sockets: int = 0
    single: Figures = field(default_factory=Figures)
    burst: Figures = field(default_factory=Figures)

    async def open(self, town: Town, document: str) -> None:
        """A socket a cleaner; the first alone, for broadcaster loses one of two first subscribers of a channel."""
        await self.crowd.open(self.server.port, town.tokens[:1], document)
        await self.crowd.open(self.server.port, town.tokens[1:], document)
        self.sockets = len(town.tokens)

    async def warm(self, town: Town) -> bytes:
        """One event that is not timed; as it arrived."""
        await self.ring(news(town.cards[:1]))
        await self.crowd.arrived(self.sockets)
        arrived = await self.crowd.sample()
        await self.crowd.judge(chained=self.chained)
        return arrived

    async def round(self, town: Town, singles: int) -> None:
        """Some events one after the other, then a burst of twenty."""
        before = cpu_microseconds(self.server.pid)
        lasts = [await self._told(news(town.cards[turn % BURST :][:1])) for turn in range(singles)]
        self.single.ms.append(median(lasts))
        self.single.cpu.append((cpu_microseconds(self.server.pid) - before) / singles / self.sockets)
        before = cpu_microseconds(self.server.pid)
        self.burst.ms.append(await self._told(news(town.cards[:BURST])))
        self.burst.cpu.append((cpu_microseconds(self.server.pid) - before) / BURST / self.sockets)

    async def _told(self, said: Said) -> float:
        """Milliseconds until the last socket had the last of these."""
        begun = await self.ring(said)
        await self.crowd.arrived(len(said.cards) * self.sockets)
        heard = await self.crowd.judge(dict.fromkeys(said.notes, begun), chained=self.chained)
        if heard.gaps or heard.duplicates or heard.delivered != len(said.cards) * self.sockets:
            raise AssertionError(f"Not once, whole and in order: {heard}")
        return max(heard.last.values())


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """The same for everybody first, with the bare loop beside it, then with every viewer's own reasons."""
    town = await metropolis(place, pace.sockets)
    async with _both(place, town, documents.LIVE_MARKET) as (ours, usual), _bare(place, town, ours) as bare:
        await _take_turns(town, pace, [ours, usual, bare])
    report.add(f"One event to {pace.sockets:,} sockets of one business", _lines(ours.single, usual.single))
    report.add(f"{BURST} events of one transaction to the same", _lines(ours.burst, usual.burst))
    report.add("Beside the bare loop (second column): the same bytes to as many transports, no feed", _left(ours, bare))
    async with _both(place, town, documents.PERSONAL_MARKET) as (ours, usual):
        await _take_turns(town, Pace(pace.sockets, min(3, pace.rounds), min(3, pace.singles)), [ours, usual])
    report.add(f"One event to {pace.sockets:,} viewers, viewerCanTake selected", _lines(ours.single, usual.single))
    report.add(f"{BURST} events to the same, viewerCanTake selected", _lines(ours.burst, usual.burst))


async def _take_turns(town: Town, pace: Pace, sides: list[Side]) -> None:
    for turn in range(pace.rounds):
        for side in sides if turn % 2 == 0 else reversed(sides):
            await side.round(town, pace.singles)


@asynccontextmanager
async def _both(place: Installation, town: Town, document: str) -> AsyncIterator[tuple[Side, Side]]:
    """The product and the usual way, each with all its sockets open and one event behind it."""
    async with AsyncExitStack() as stack:
        runner = await stack.enter_async_context(a_runner(place.servers))
        broadcast = await stack.enter_async_context(Broadcast(place.servers.redis_url))
        server = stack.enter_context(place.ours())
        ours = Side(server, await stack.enter_async_context(open_crowd()), _by_command(runner, town), chained=True)
        server = stack.enter_context(place.server("usual_live", ["-m", "benchmarks.usual_live"]))
        usual = Side(server, await stack.enter_async_context(open_crowd()), _by_channel(broadcast, town))
        for side in (ours, usual):
            await side.open(town, document)
            await side.warm(town)
        yield ours, usual


@asynccontextmanager
async def _bare(place: Installation, town: Town, ours: Side) -> AsyncIterator[Side]:
    """The loop, which sends what the product has sent."""
    sample = await ours.warm(town)
    with place.server("bare_live", ["-m", "benchmarks.bare_live"]) as server:
        connection = await Connection.open(server.port)
        async with open_crowd() as crowd:
            bare = Side(server, crowd, _by_loop(connection, sample))
            await bare.open(town, documents.LIVE_MARKET)
            yield bare
        await connection.close()


def _by_command(runner: Runner, town: Town) -> Ring:
    async def ring(said: Said) -> int:
        await runner.run(say(town.tenant, said))
        return time.monotonic_ns()

    return ring


def _by_channel(broadcast: Broadcast, town: Town) -> Ring:
    """Nothing is written before: the usual way is timed from its publishing."""

    async def ring(said: Said) -> int:
        begun = time.monotonic_ns()
        for card in said.cards:
            await broadcast.publish(channel_of(town.tenant), orjson.dumps(card).decode())
        return begun

    return ring


def _by_loop(connection: Connection, sample: bytes) -> Ring:
    async def ring(said: Said) -> int:
        notes = [b'"note":"%s"' % note.encode() for note in said.notes]
        frames = b"".join(text_frame(NOTE.sub(note, sample)) for note in notes)
        begun = time.monotonic_ns()
        await connection.send(b"POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: %d\r\n\r\n" % len(frames) + frames)
        return begun

    return ring


def _lines(ours: Figures, usual: Figures) -> list[Line]:
    return [
        Line("last socket has it after, ms", spread(ours.ms, 1), spread(usual.ms, 1), ratios(usual.ms, ours.ms)),
        Line("server CPU a message, µs", spread(ours.cpu), spread(usual.cpu, 1), ratios(usual.cpu, ours.cpu)),
    ]


def _left(ours: Side, bare: Side) -> list[Line]:
    return [
        line
        for what, feed, loop in (("one event", ours.single, bare.single), (f"{BURST} events", ours.burst, bare.burst))
        for line in (
            Line(
                f"{what}: last socket has it after, ms",
                spread(feed.ms, 1),
                spread(loop.ms, 1),
                _above(feed.ms, loop.ms),
            ),
            Line(f"{what}: server CPU a message, µs", spread(feed.cpu), spread(loop.cpu), _above(feed.cpu, loop.cpu)),
        )
    ]


def _above(feed: Sequence[float], loop: Sequence[float]) -> str:
    return spread([one - other for one, other in zip(feed, loop, strict=True)]) + " above"
