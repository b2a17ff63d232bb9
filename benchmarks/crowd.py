"""The benchmark's side of the process of sockets: orders go there, instants and verdicts come back."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.gauges import CAN_PIN
from benchmarks.installation import ROOT

PATIENCE = 120.0
ANSWER_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Verdict:
    """What arrived since the last judgement; milliseconds from the writer's knowing of its commit to the socket."""

    delivered: int
    """Distinct (socket, event) pairs."""
    timed: int
    p50: float
    p99: float
    mean: float
    most: float
    last: dict[str, float]
    """By event: when the last socket had it."""
    gaps: int
    """Frames whose `previous` is not the cursor of the frame before."""
    duplicates: int
    resyncs: int


class Crowd:
    """The other process with its sockets."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._to, self._from = process.stdin, process.stdout
        self.pid = process.pid

    async def open(self, port: int, tokens: Sequence[str], document: str, path: str = "/graphql") -> float:
        """Open a socket a token; each has its snapshot when this returns the seconds that it took."""
        opened = await self._ask(do="open", port=port, path=path, tokens=tokens, document=document)
        return float(opened["seconds"])

    async def resume(self, port: int, document: str, path: str = "/graphql") -> float:
        """Open all that were cut, each from its own cursor; the seconds until all were answered."""
        return float((await self._ask(do="resume", port=port, path=path, document=document))["seconds"])

    async def arrived(self, count: int) -> int:
        """Wait until so many events have arrived; the instant of the last arrival. Fails if they do not come."""
        found = await self._ask(do="wait", count=count, seconds=PATIENCE)
        if found["count"] < count:
            raise AssertionError(f"Of {count} messages only {found['count']} arrived.")
        return int(found["at"])

    async def sample(self) -> bytes:
        """One of the events that have arrived, as a message."""
        return str((await self._ask(do="sample"))["frame"]).encode()

    async def judge(self, commits: Mapping[str, int] | None = None, *, chained: bool = True) -> Verdict:
        """Judge what has arrived since the last time. `chained`: frames name the cursor of the one before."""
        return Verdict(**await self._ask(do="judge", commits=dict(commits or {}), chained=chained))

    async def cut(self) -> None:
        """Hang up all sockets at once, without a goodbye."""
        await self._ask(do="cut")

    async def _ask(self, **order: Any) -> Any:
        self._to.write(orjson.dumps(order) + b"\n")
        answer = await self._from.readline()
        if not answer:
            raise SystemExit("The process of the benchmark's sockets has ended: see above.")
        return orjson.loads(answer)


@asynccontextmanager
async def open_crowd(cores: Collection[int] = ()) -> AsyncIterator[Crowd]:
    """A process of sockets, ended with the block; beside us on our core, or where these cores have time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.listeners",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=ANSWER_BYTES,
    )
    if cores and CAN_PIN:
        os.sched_setaffinity(process.pid, cores)
    try:
        yield Crowd(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
