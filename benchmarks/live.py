"""Live feeds: memory a socket, and how long after its commit an event is on every socket that may see it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any
from uuid import UUID

import orjson

from benchmarks.documents import LIVE_MARKET
from benchmarks.figures import Line, Report, percentile
from benchmarks.gauges import cpu_seconds, megabytes
from benchmarks.installation import ROOT, Installation, Server, a_runner
from db.runner import Call, Runner
from domain.actors import Actor, Role, TenantId
from domain.ids import AssignmentId, SwapId
from schema.types.relay import encode_id
from services.swaps import OfferSwap, WithdrawSwap, offer_swap, withdraw_swap

SOCKETS = 500
WARM = 20
BUSINESSES = 50
A_SECOND = 20
"""Events a second."""
SETTLE_SECONDS = 2.0
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Town:
    """A business with cleaners of one market who listen, and one of them whose shift is offered and withdrawn."""

    owner: Actor
    owner_token: str
    tokens: list[str]
    """The others'."""
    assignment: AssignmentId

    def listeners(self, count: int) -> list[str]:
        """A token for each of so many sockets, the owner's once: whom an event names, their sockets look anew what they
        may see, and nobody has dozens of them.
        """
        return [self.owner_token, *islice(cycle(self.tokens), count - 1)]


class Listeners:
    """The other process with its sockets."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout

    async def ask(self, **order: Any) -> Any:
        """Give an order and wait for its answer."""
        self._to.write(orjson.dumps(order) + b"\n")
        answer = await self._from.readline()
        if not answer:
            raise SystemExit("The process of the benchmark's sockets has ended: see above.")
        return orjson.loads(answer)

    async def open(self, port: int, tokens: Sequence[str]) -> None:
        """Open a socket a token; each has its snapshot when this returns."""
        await self.ask(do="open", port=port, tokens=tokens, document=LIVE_MARKET)

    async def arrived(self, count: int) -> list[tuple[int, str]]:
        """Wait for so many frames since the last time; all there are, with their instants."""
        async with asyncio.timeout(PATIENCE):
            while (await self.ask(do="count"))["count"] < count:  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.1)
        return [(at, frame) for at, frame in (await self.ask(do="take"))["frames"]]


@asynccontextmanager
async def listeners() -> AsyncIterator[Listeners]:
    """A process of sockets, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.listeners",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**28,
    )
    try:
        yield Listeners(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def measure(place: Installation, seconds: float, report: Report) -> None:
    """Memory first, then the two crowds: all of one business, and spread over fifty."""
    towns = [await _town(place, number) for number in range(1, BUSINESSES + 1)]
    async with listeners() as crowd:
        with place.ours() as server:
            one = await _crowd(crowd, server, place, towns[:1], seconds)
        with place.ours() as server:
            many = await _crowd(crowd, server, place, towns, seconds)
    report.add(f"Live feeds: {SOCKETS} subscriptions of one business, {A_SECOND} events/s", one)
    report.add(f"Live feeds: {SOCKETS} subscriptions of {len(towns)} businesses, {A_SECOND} events/s", many)


async def _town(place: Installation, number: int) -> Town:
    tenant = await place.tenant(number)
    row = await place.root.fetchrow(
        """select a.id, a.cleaner_id, j.market_id from assignment a
           join job j on j.tenant_id = a.tenant_id and j.id = a.job_id
           where a.tenant_id = $1 and a.released_at is null and a.role <> 'BACKUP' and j.status = 'ASSIGNED'
             and a.starts_at > now() + interval '2 days'
             and not exists (select from swap s where s.tenant_id = a.tenant_id and s.assignment_id = a.id
                             and s.status in ('PENDING', 'AWAITING_APPROVAL'))
           order by a.starts_at, a.id limit 1""",
        tenant,
    )
    people: list[UUID] = [
        found["cleaner_id"]
        for found in await place.root.fetch(
            """select cleaner_id from cleaner_market where tenant_id = $1 and market_id = $2
               and cleaner_id <> $3 order by cleaner_id limit $4""",
            tenant,
            row["market_id"],
            row["cleaner_id"],
            SOCKETS // BUSINESSES - 1,
        )
    ]
    actors = await asyncio.gather(*(place.session(tenant, Role.CLEANER, person) for person in people))
    owner = await place.session(tenant, Role.CLEANER, row["cleaner_id"])
    return Town(owner, place.token(owner), [place.token(actor) for actor in actors], AssignmentId(row["id"]))


async def _crowd(
    crowd: Listeners, server: Server, place: Installation, towns: list[Town], seconds: float
) -> list[Line]:
    tokens = [token for town in towns for token in town.listeners(SOCKETS // len(towns))]
    # What a first socket makes for all that follow (plans, the log's reader) is none of theirs.
    await crowd.open(server.port, tokens[:WARM])
    await crowd.ask(do="close")
    await asyncio.sleep(SETTLE_SECONDS)
    empty = megabytes(server.pid)
    await crowd.open(server.port, tokens)
    await asyncio.sleep(SETTLE_SECONDS)
    full = megabytes(server.pid)
    await crowd.ask(do="take")
    used = cpu_seconds(server.pid)
    commits = await _write(place, towns, seconds)
    expected = len(commits) * SOCKETS // len(towns)
    frames = await crowd.arrived(expected)
    used = cpu_seconds(server.pid) - used
    delays = _delays(commits, frames)
    await crowd.ask(do="close")
    return [
        Line("memory a socket, KiB", f"{(full - empty) * 1024 / SOCKETS:.1f} ({empty:.0f} to {full:.0f} MiB)"),
        Line("commit to socket, p50, ms", f"{percentile(delays, 0.5):.1f}"),
        Line("commit to socket, p99, ms", f"{percentile(delays, 0.99):.1f}"),
        Line("events; frames; lost", f"{len(commits)}; {len(delays)}; {expected - len(delays)}"),
        Line("server CPU a frame, µs", f"{used * 1e6 / max(1, len(delays)):.0f}"),
    ]


async def _write(place: Installation, towns: list[Town], seconds: float) -> dict[tuple[str, str], list[int]]:
    """Offer and withdraw in turns, town by town, at an even rate; by kind and swap, when it was committed."""
    heard: list[int] = []
    commits: dict[tuple[str, str], list[int]] = {}

    def told(tenant: TenantId, *, events: bool, tasks: bool) -> None:
        heard.append(time.monotonic_ns())

    async with a_runner(place.servers, told) as runner:
        begun, turn = time.monotonic(), 0
        for town in cycle(towns):
            made: SwapId | None = None
            for kind in ("SwapListed", "SwapGone"):
                made = await _move(runner, town, made)
                commits.setdefault((kind, str(encode_id("Swap", made))), []).append(heard[-1])
                turn += 1
                await asyncio.sleep(max(0.0, begun + turn / A_SECOND - time.monotonic()))
            if time.monotonic() > begun + seconds:
                return commits
    raise AssertionError


async def _move(runner: Runner, town: Town, made: SwapId | None) -> SwapId:
    if made is None:
        return await runner.run(Call(town.owner, offer_swap, OfferSwap(town.assignment)))
    return await runner.run(Call(town.owner, withdraw_swap, WithdrawSwap(made)))


def _delays(commits: dict[tuple[str, str], list[int]], frames: list[tuple[int, str]]) -> list[float]:
    """Milliseconds from the commit of an event to each of its arrivals."""
    found: list[float] = []
    for at, text in frames:
        frame = orjson.loads(text)["payload"]["data"]["swapMarket"]
        kind = frame["__typename"]
        if kind in {"SwapListed", "SwapGone"}:
            swap = frame["swapId"] if kind == "SwapGone" else frame["swap"]["id"]
            found.append((at - commits[kind, swap][0]) / 1e6)
    return found
