"""Thousands of deliveries a second for a while: from commit to socket, and whether all came once and in order."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bell import news, say
from benchmarks.crowd import Verdict, open_crowd
from benchmarks.documents import LIVE_MARKET
from benchmarks.figures import Line, Report
from benchmarks.gauges import CORES, cpu_microseconds
from benchmarks.installation import Installation, a_runner
from benchmarks.towns import NEIGHBOURS, Town, everybody, streets
from db.runner import Runner

WRITERS = 8
SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """So many businesses with ten sockets each, and so many events a second over all of them, in turns."""

    towns: int
    a_second: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Written:
    """The instants of the commits by note, and how long the writing took."""

    commits: dict[str, int]
    seconds: float


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """The product alone: the usual way would not keep up."""
    towns = await streets(place, pace.towns)
    # The server first: this process waits for it without looking at anything else, its own Redis among it.
    with place.ours() as server:
        async with open_crowd(CORES) as crowd, a_runner(place.servers) as runner:
            await crowd.open(server.port, everybody(towns), LIVE_MARKET)
            await _write(runner, towns, pace, SETTLE_SECONDS)
            await asyncio.sleep(SETTLE_SECONDS)
            await crowd.judge()
            used = cpu_microseconds(server.pid)
            written = await _write(runner, towns, pace, pace.seconds)
            await crowd.arrived(len(written.commits) * NEIGHBOURS)
            used = cpu_microseconds(server.pid) - used
            verdict = await crowd.judge(written.commits)
    title = f"{pace.towns * NEIGHBOURS:,} sockets of {pace.towns} businesses, {pace.a_second} events a second"
    report.add(f"{title} for {pace.seconds:g} s", _lines(written, verdict, used))


async def _write(runner: Runner, towns: Sequence[Town], pace: Pace, seconds: float) -> Written:
    """Events at an even rate by several writers, each town in its turn."""
    begun, count = time.monotonic(), int(pace.a_second * seconds)
    turns, commits = iter(range(count)), dict[str, int]()

    async def writer() -> None:
        for turn in turns:
            town = towns[turn % len(towns)]
            said = news(town.cards[:1])
            await asyncio.sleep(max(0.0, begun + turn / pace.a_second - time.monotonic()))
            await runner.run(say(town.tenant, said))
            commits[said.notes[0]] = time.monotonic_ns()

    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return Written(commits, time.monotonic() - begun)


def _lines(written: Written, verdict: Verdict, used: float) -> list[Line]:
    expected = len(written.commits) * NEIGHBOURS
    return [
        Line("deliveries a second", f"{expected / written.seconds:,.0f}"),
        Line("commit to socket, p50; p99; most, ms", f"{verdict.p50:.1f}; {verdict.p99:.1f}; {verdict.most:.1f}"),
        Line(
            "delivered; lost; gaps; duplicates; resyncs",
            f"{verdict.delivered:,}; {expected - verdict.delivered}; {verdict.gaps}; {verdict.duplicates}; "
            f"{verdict.resyncs}",
        ),
        Line("server CPU, % of a core", f"{used / written.seconds / 1e4:.0f}"),
        Line("server CPU an event; a delivery, µs", f"{used / len(written.commits):.0f}; {used / expected:.0f}"),
    ]
