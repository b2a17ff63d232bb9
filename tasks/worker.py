"""The worker's own loop: claims what is due, runs it under its tenant, records the outcome (R236, R238).

It looks every 5 s, at the next due instant, and at once when woken; ARQ only wakes it. So the death of ARQ or Redis
costs latency and nothing else. A task that is killed with its worker is claimed again when its lease runs out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import structlog

from db.engine import GONE
from domain.errors import Refused, Unavailable
from gateways.messages import DeliveryRefused
from tasks.context import TaskContext, TaskFunction, Tools
from tasks.duties import DUTIES, Duty, tick
from tasks.store import Pulse, Task, TaskStore, backoff

log = structlog.get_logger(__name__)

DATABASE_TROUBLE = (*GONE, asyncpg.PostgresError)
"""What the loop survives: the database is away for a while."""
SOONEST = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop spends its time; in seconds."""

    most_at_once: int = 8
    sweep: float = 5.0
    lease: float = 15.0
    beat: float = 5.0
    """How often leases are renewed: several times a lease."""
    tick: float = 30.0
    task_limit: float = 60.0
    stop_grace: float = 10.0
    backoff: Callable[[int], timedelta] = backoff


@dataclass(slots=True)
class Worker:
    """One worker process's loop. `kinds` says which function does which kind of task."""

    name: str
    tools: Tools
    kinds: Mapping[str, TaskFunction]
    duties: Sequence[Duty] = DUTIES
    pace: Pace = field(default_factory=Pace)
    queue: asyncpg.Pool | None = None
    """What claims and outcomes go over, where it is another pool than the tools' own."""
    _store: TaskStore = field(init=False)
    _running: dict[Task, asyncio.Task[None]] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _done: int = 0
    _failed: int = 0

    def __post_init__(self) -> None:
        self._store = TaskStore(
            self.tools.ops if self.queue is None else self.queue, timedelta(seconds=self.pace.lease)
        )

    def wake(self) -> None:
        """Look now: there may be something due."""
        self._woken.set()

    def stop(self) -> None:
        """End in good order: claim nothing more, let what runs finish for 10 s, give the rest back."""
        self._stopping = True
        self._woken.set()

    async def tick(self) -> None:
        """Turn due times into tasks, and look at once if there were any."""
        if await tick(self.tools.ops, self.duties):
            self.wake()

    async def run(self) -> None:
        """Work until `stop`. Survives the database's absence."""
        log.info("worker_started", worker=self.name, kinds=sorted(self.kinds))
        async with asyncio.TaskGroup() as group:
            upkeep = [
                group.create_task(self._again_and_again(self._beat, self.pace.beat)),
                group.create_task(self._again_and_again(self.tick, self.pace.tick)),
                group.create_task(self._again_and_again(self._store.bury, self.pace.sweep)),
            ]
            try:
                while not self._stopping:
                    await self._turn()
                await self._drain()
            finally:
                for each in upkeep:
                    each.cancel()
        await self._leave()

    async def _turn(self) -> None:
        self._woken.clear()
        try:
            pause = await self._start_what_is_due()
        except DATABASE_TROUBLE as error:
            log.warning("worker_database_trouble", worker=self.name, error=type(error).__name__)
            pause = 1.0
        await _wait(self._woken, min(pause, self.pace.sweep))

    async def _start_what_is_due(self) -> float:
        """Fill the free places; how long there will be nothing to do, in seconds."""
        free = self.pace.most_at_once - len(self._running)
        if free == 0:
            return self.pace.sweep
        claimed = await self._store.claim(self.name, free, self.kinds)
        for task in claimed:
            running = asyncio.create_task(self._work(task))
            self._running[task] = running
            # The bound method needs the task, not the variable that the next turn of this loop changes.
            running.add_done_callback(lambda _ended, task=task: self._forget(task))  # type: ignore[misc]
        if len(claimed) == free:
            # All places are taken; whichever task ends first wakes the loop.
            return self.pace.sweep
        due = await self._store.next_due(self.kinds, timedelta(seconds=self.pace.sweep))
        return self.pace.sweep if due is None else max(due.total_seconds(), SOONEST)

    def _forget(self, task: Task) -> None:
        self._running.pop(task, None)
        self._woken.set()

    async def _work(self, task: Task) -> None:
        """One attempt, and a line in the log about it (R236)."""
        started = time.perf_counter()
        outcome = "interrupted"
        try:
            problem = await self._attempt(task)
            outcome = await self._record(task, problem)
        finally:
            log.info(
                "task_run",
                tenant_id=str(task.tenant),
                task_id=str(task.id),
                kind=task.kind,
                attempt=task.attempt,
                outcome=outcome,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )

    async def _attempt(self, task: Task) -> Exception | None:
        try:
            async with asyncio.timeout(self.pace.task_limit):
                await self.kinds[task.kind](TaskContext(self.tools, task), task.tenant, task.payload)
        # A process edge: whatever a task raises is its failure, not the worker's.
        except Exception as problem:
            if not isinstance(problem, (Refused, Unavailable)):
                log.exception("task_failed", task_id=str(task.id), kind=task.kind)
            return problem
        return None

    async def _record(self, task: Task, problem: Exception | None) -> str:
        try:
            if problem is None:
                self._done += 1
                return "done" if await self._store.finish(task) else "overtaken"
            self._failed += 1
            held = await self._store.fail(task, describe(problem), self.pace.backoff(task.attempt))
        except DATABASE_TROUBLE as error:
            # The lease runs out and somebody does it again.
            log.warning("task_not_recorded", task_id=str(task.id), kind=task.kind, error=type(error).__name__)
            return "not recorded"
        return ("dead" if task.is_last_attempt else "failed") if held else "overtaken"

    async def _beat(self) -> None:
        held = list(self._running)
        if held:
            kept = await self._store.renew(held)
            for task in held:
                if task.id not in kept and task in self._running:
                    # Somebody else does it now: what this run would record is refused anyway.
                    self._running[task].cancel()
        await self._store.beat(Pulse(self.name, len(self._running), self._done, self._failed))

    async def _again_and_again(self, work: Callable[[], Awaitable[object]], seconds: float) -> None:
        while True:
            try:
                await work()
            except DATABASE_TROUBLE as error:
                log.warning("worker_database_trouble", worker=self.name, error=type(error).__name__)
            await asyncio.sleep(seconds)

    async def _drain(self) -> None:
        running = dict(self._running)
        if running:
            await asyncio.wait(running.values(), timeout=self.pace.stop_grace)
        rest = {task: work for task, work in running.items() if not work.done()}
        for work in rest.values():
            work.cancel()
        await asyncio.gather(*rest.values(), return_exceptions=True)
        if rest:
            await self._quietly(self._store.release(list(rest)))

    async def _leave(self) -> None:
        await self._quietly(self._store.leave(self.name))
        log.info("worker_stopped", worker=self.name, done=self._done, failed=self._failed)

    async def _quietly(self, last_words: Awaitable[None]) -> None:
        try:
            await last_words
        except DATABASE_TROUBLE as error:
            log.warning("worker_database_trouble", worker=self.name, error=type(error).__name__)


def describe(problem: Exception) -> str:
    """A failure for ops, who must not read a tenant's business: our own words in full, of all else kind and place."""
    if isinstance(problem, (Refused, Unavailable, DeliveryRefused)):
        return f"{type(problem).__name__}: {problem}"[:500]
    trace = problem.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
    return f"{type(problem).__name__}{place}"


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
