"""Waiting for a condition with a deadline, a worker to wait for, and a sender that remembers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from domain.errors import Unavailable
from gateways.messages import Message, ProviderReceipt
from tasks.duties import Duty
from tasks.worker import Pace, Worker

BRISK = Pace(sweep=0.2, beat=0.3, tick=0.3, stop_grace=2.0, backoff=lambda _attempt: timedelta(0))
"""Everything that the real pace does, sooner; but a lease is as long, so that no machine's pause ends one."""


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """The condition's first truthy answer; fails at the deadline."""
    async with asyncio.timeout(seconds):
        while not (answer := await condition()):
            await asyncio.sleep(0.02)
    return answer


@asynccontextmanager
async def working(
    tools, kinds, *, pace: Pace = BRISK, duties: Sequence[Duty] = (), name="tester"
) -> AsyncIterator[Worker]:
    """A worker that runs while the block lasts."""
    worker = Worker(name, tools, kinds, duties, pace)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


async def states(db) -> dict[str, int]:
    """How many tasks there are in each state."""
    return {row["state"]: row["n"] for row in await db.fetch("select state, count(*) n from task group by state")}


class Recorder:
    """Takes messages and keeps them; fails first as often as it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.sent: list[Message] = []
        self.asked = 0
        self._failures = list(failures)

    def fail(self, *failures: Exception) -> None:
        self._failures = list(failures)

    async def send(self, message: Message) -> ProviderReceipt:
        self.asked += 1
        if self._failures:
            raise self._failures.pop(0)
        if message.id not in {one.id for one in self.sent}:
            self.sent.append(message)
        return ProviderReceipt("recorder", str(message.id))


class Dead:
    """A provider that never answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def send(self, message: Message) -> ProviderReceipt:
        self.asked += 1
        raise Unavailable("The provider does not answer.")
