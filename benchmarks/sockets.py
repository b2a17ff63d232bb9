"""What sockets cost: memory, the way in, and the way back after all of them were cut at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bell import news, say
from benchmarks.crowd import Crowd, open_crowd
from benchmarks.documents import LIVE_MARKET, RESUMED_MARKET
from benchmarks.figures import Line, Report
from benchmarks.gauges import cpu_microseconds, database_cpu_seconds, megabytes
from benchmarks.installation import APP_ROLE, Installation, Server, a_runner
from benchmarks.statements import counted_statements
from benchmarks.towns import BURST, NEIGHBOURS, Town, everybody, metropolis, streets
from db.runner import Runner

WARM = 20
SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """So many sockets, all of one business, and then ten of each of so many."""

    sockets: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What it took to bring all sockets in, each socket's share."""

    kibibytes: float
    a_second: float
    cpu: float
    """Microseconds of the server."""
    client: float
    """Microseconds of the process that opened them."""
    database: float
    """Microseconds of the database for the application's role."""

    @property
    def busy(self) -> float:
        """Which part of its core's time the server computed: what is far below 1 waited for others."""
        return self.cpu * self.a_second / 1e6


@dataclass(frozen=True, slots=True)
class Scene:
    """Who was cut, and how much each has missed."""

    place: Installation
    crowd: Crowd
    runner: Runner
    towns: Sequence[Town]
    missed: int

    @property
    def sockets(self) -> int:
        """Over all towns."""
        return sum(len(town.tokens) for town in self.towns)


@dataclass(frozen=True, slots=True)
class Return:
    """What it took until all had what they had missed."""

    seconds: float
    cpu: float
    """Microseconds a socket."""


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """Memory and entry beside the usual way, then the returns."""
    city = [await metropolis(place, pace.sockets)]
    villages = await streets(place, pace.sockets // NEIGHBOURS)
    async with open_crowd() as crowd, a_runner(place.servers) as runner:
        for towns, missed in ((city, 5 * BURST), (villages, BURST)):
            title = f"{pace.sockets:,} sockets of {_business(len(towns))}"
            scene = Scene(place, crowd, runner, towns, missed)
            with place.ours() as server:
                ours = await _enter(scene, server)
                lines = await _return_to_running(scene, server)
            lines += await _return_to_fresh(scene)
            with place.server("usual_live", ["-m", "benchmarks.usual_live"]) as server:
                usual = await _enter(scene, server)
                await crowd.cut()
            report.add(f"{title}, idle: what one costs", _entry_lines(ours, usual))
            report.add(f"{title} cut at once, {missed} events missed each", lines)


def _business(count: int) -> str:
    return "one business" if count == 1 else f"{count} businesses"


async def _enter(scene: Scene, server: Server) -> Entry:
    """Open all sockets, and leave them open."""
    crowd, tokens = scene.crowd, everybody(scene.towns)
    # What a first socket makes for all that follow (plans, the log's reader) is none of theirs.
    await crowd.open(server.port, tokens[:1], LIVE_MARKET)
    await crowd.open(server.port, tokens[1:WARM], LIVE_MARKET)
    await crowd.cut()
    await asyncio.sleep(SETTLE_SECONDS)
    empty, before = megabytes(server.pid), _used(scene, server)
    seconds = await crowd.open(server.port, tokens, LIVE_MARKET)
    used = [(after - since) / len(tokens) for after, since in zip(_used(scene, server), before, strict=True)]
    await asyncio.sleep(SETTLE_SECONDS)
    full = megabytes(server.pid)
    return Entry((full - empty) * 1024 / len(tokens), len(tokens) / seconds, *used)


def _used(scene: Scene, server: Server) -> tuple[float, float, float]:
    """CPU microseconds until now: of the server, of the sockets' own process, of the database."""
    database = database_cpu_seconds(scene.place.postmaster, APP_ROLE) * 1e6
    return cpu_microseconds(server.pid), cpu_microseconds(scene.crowd.pid), database


def _entry_lines(ours: Entry, usual: Entry) -> list[Line]:
    return [
        Line(
            "memory, KiB",
            f"{ours.kibibytes:.1f}",
            f"{usual.kibibytes:.1f}",
            f"{usual.kibibytes / ours.kibibytes:.1f} x",
        ),
        Line(
            "connect, authenticate and subscribe, a second",
            f"{ours.a_second:,.0f}",
            f"{usual.a_second:,.0f}",
            f"{ours.a_second / usual.a_second:.1f} x",
        ),
        Line("the same, server CPU, µs", f"{ours.cpu:,.0f}", f"{usual.cpu:,.0f}", f"{usual.cpu / ours.cpu:.1f} x"),
        Line("the same, PostgreSQL CPU, µs", f"{ours.database:,.0f}", f"{usual.database:,.0f}"),
        Line("the same, CPU of the process that connects, µs", f"{ours.client:,.0f}", f"{usual.client:,.0f}"),
        Line("of its core the server had meanwhile, %", f"{ours.busy:.0%}"[:-1], f"{usual.busy:.0%}"[:-1]),
    ]


async def _return_to_running(scene: Scene, server: Server) -> list[Line]:
    """Cut and back: once timed, and once more with the statements counted."""
    await scene.crowd.judge()
    await _cut(scene)
    timed = await _return(scene, server)
    await _cut(scene)
    async with counted_statements(scene.place) as counted:
        await _return(scene, server)
    await _cut(scene)
    return _return_lines("the running process", timed, counted.count)


async def _return_to_fresh(scene: Scene) -> list[Line]:
    """The same, each time to a process that has just begun."""
    with scene.place.ours() as server:
        timed = await _return(scene, server)
        await _cut(scene)
    with scene.place.ours() as server:
        async with counted_statements(scene.place) as counted:
            await _return(scene, server)
        await scene.crowd.cut()
    return _return_lines("a fresh process", timed, counted.count)


async def _cut(scene: Scene) -> None:
    """Cut all sockets, and let every business go on for a while."""
    await scene.crowd.cut()
    for _ in range(scene.missed // BURST):
        for town in scene.towns:
            await scene.runner.run(
                say(town.tenant, news([town.cards[turn % len(town.cards)] for turn in range(BURST)]))
            )
    await asyncio.sleep(SETTLE_SECONDS)


async def _return(scene: Scene, server: Server) -> Return:
    """All sockets from where they were to the head. Fails if anything was lost, doubled, or drawn anew."""
    used, began = cpu_microseconds(server.pid), asyncio.get_running_loop().time()
    await scene.crowd.resume(server.port, RESUMED_MARKET)
    await scene.crowd.arrived(scene.missed * scene.sockets)
    seconds = asyncio.get_running_loop().time() - began
    used = cpu_microseconds(server.pid) - used
    verdict = await scene.crowd.judge()
    if verdict.gaps or verdict.duplicates or verdict.resyncs or verdict.delivered != scene.missed * scene.sockets:
        raise AssertionError(f"Not once, whole and in order: {verdict}")
    return Return(seconds, used / scene.sockets)


def _return_lines(where: str, found: Return, statements: int) -> list[Line]:
    return [
        Line(f"to {where}: all at the head after, s", f"{found.seconds:.2f}"),
        Line(f"to {where}: server CPU a socket, µs", f"{found.cpu:,.0f}"),
        Line(f"to {where}: SQL statements", f"{statements:,}"),
    ]
