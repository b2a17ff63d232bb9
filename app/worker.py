"""The worker process: our own loop, and beside it ARQ, which rings when a commit leaves work and ticks each minute.

Without Redis, or while it is away, the loop alone does everything, a few seconds later (R253).
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import arq
import structlog
from arq.connections import ArqRedis
from arq.cron import cron
from arq.worker import func
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSlow

from app.waker import JOB, QUEUE, bell
from db.engine import BY_KEY, read_pool, write_engine
from db.runner import AfterCommit, Runner
from db.secrets import Secrets
from domain.actors import TenantId
from domain.payments.ops import Boundary
from gateways.messages import MessageGateway
from gateways.objects import ObjectStore
from gateways.payments import Providers
from tasks.context import Tools, pass_by
from tasks.kinds import KINDS
from tasks.worker import Pace, Worker

# ARQ must outlive a restart of Redis: a refused connection is an OSError there, and not retried by default.
TROUBLE = (RedisGone, RedisSlow, OSError)
JOB_SECONDS = 30
HEALTH_SECONDS = 15
POLL_SECONDS = 0.1
LONGEST_PAUSE = 30.0
SETTLED_SECONDS = 120.0
FAREWELL_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """What a worker is made of. `after_commit` hears of the commits of its tasks, to wake the live feeds."""

    database_url: str
    database_ops_url: str
    redis_url: str | None
    secrets: Secrets
    messages: MessageGateway
    public_url: str
    after_commit: AfterCommit
    objects: ObjectStore
    pace: Pace = field(default_factory=Pace)
    providers: Providers | None = None
    """Of payments; made in the event loop that the worker runs in."""
    provider_url: str | None = None
    platform_key: str | None = field(default=None, repr=False)
    plan_grace: timedelta = timedelta(days=7)
    at_boundary: Callable[[Boundary], None] = pass_by


async def serve_worker(parts: WorkerParts) -> None:
    """Work until SIGTERM or SIGINT; then end within about ten seconds, giving back what is not finished."""
    async with open_worker(parts) as worker, _until_signal(worker.stop):
        await run_worker(worker, parts.redis_url)


async def run_worker(worker: Worker, redis_url: str | None) -> None:
    """Run the loop, with ARQ beside it where there is a Redis, until the worker is told to stop."""
    ringing = asyncio.create_task(_listen(worker, redis_url)) if redis_url else None
    try:
        await worker.run()
    finally:
        if ringing is not None:
            ringing.cancel()
            await asyncio.gather(ringing, return_exceptions=True)


@asynccontextmanager
async def open_worker(parts: WorkerParts) -> AsyncIterator[Worker]:
    """A worker with its connections, for as long as the block lasts."""
    size = parts.pace.most_at_once
    engine = write_engine(parts.database_url, size=size)
    ops = await read_pool(parts.database_ops_url, size=4, name="cleanshift-ops")
    queue = await read_pool(parts.database_ops_url, size=4, name="cleanshift-queue", settings=BY_KEY)
    try:
        told = _Told(parts.after_commit)
        runner = Runner(engine, parts.secrets, told)
        tools = Tools(
            runner,
            parts.messages,
            ops,
            parts.public_url,
            parts.objects,
            providers=parts.providers,
            provider_url=parts.provider_url,
            platform_key=parts.platform_key,
            plan_grace=parts.plan_grace,
            at_boundary=parts.at_boundary,
        )
        worker = Worker(_name(), tools, KINDS, pace=parts.pace, queue=queue)
        told.wake = worker.wake
        yield worker
    finally:
        await engine.dispose()
        await ops.close()
        await queue.close()


class _Told:
    """Passes commits on, and has this worker look at once for what its own tasks have staged."""

    def __init__(self, others: AfterCommit) -> None:
        self.others = others
        self.wake: Callable[[], None] = lambda: None

    def __call__(self, tenant: TenantId, *, events: bool, tasks: bool) -> None:
        self.others(tenant, events=events, tasks=tasks)
        if tasks:
            self.wake()


async def _listen(worker: Worker, redis_url: str) -> None:
    """Keep an ARQ worker going, whatever Redis does; it dies with every longer outage and is made anew."""
    pause = 1.0
    while True:
        began = time.monotonic()
        client = bell(redis_url, retry=_retry(), retry_on_error=list(TROUBLE))
        ears = arq_worker(worker, client)
        try:
            await ears.async_run()
        except Exception as error:  # noqa: BLE001 (a process edge: nothing that befalls the bell may end the work)
            log.warning("redis_away", error=type(error).__name__, again_in_seconds=pause)
        finally:
            await _farewell(ears, client)
        # What was rung meanwhile was not heard.
        worker.wake()
        await asyncio.sleep(pause)
        pause = 1.0 if time.monotonic() - began > SETTLED_SECONDS else min(pause * 2, LONGEST_PAUSE)


def _retry() -> Retry:
    return Retry(ExponentialBackoff(cap=2, base=0.1), 30, supported_errors=TROUBLE)  # type: ignore[arg-type]  # OSError too


class Ears(arq.Worker):
    """ARQ's worker, whose last writes about a job can be waited for: it shields them, and they outlive the job."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.last_writes: set[asyncio.Task[Any]] = set()

    async def finish_job(self, *about: Any, **named: Any) -> None:
        """Take the job from the queue."""
        self._keep()
        await super().finish_job(*about, **named)

    async def finish_failed_job(self, *about: Any, **named: Any) -> None:
        """Take a job from the queue that will never be done."""
        self._keep()
        await super().finish_failed_job(*about, **named)

    def _keep(self) -> None:
        if (writing := asyncio.current_task()) is not None:
            self.last_writes.add(writing)
            writing.add_done_callback(self.last_writes.discard)


def arq_worker(worker: Worker, client: ArqRedis) -> Ears:
    """The ARQ worker that rings for ours: one job that wakes it, and a minute's tick."""

    async def wake(ctx: dict[Any, Any], *_args: Any, **_named: Any) -> None:
        worker.wake()

    async def tick(ctx: dict[Any, Any], *_args: Any, **_named: Any) -> None:
        await worker.tick()
        worker.wake()

    return Ears(
        functions=[func(wake, name=JOB, keep_result=0, timeout=JOB_SECONDS, max_tries=1)],
        cron_jobs=[cron(tick, name="tick", second=0, timeout=JOB_SECONDS)],
        redis_pool=client,
        queue_name=QUEUE,
        handle_signals=False,
        job_timeout=JOB_SECONDS,
        keep_result=0,
        poll_delay=POLL_SECONDS,
        health_check_interval=HEALTH_SECONDS,
        job_serializer=client.job_serializer,
        job_deserializer=client.job_deserializer,
        log_results=False,
    )


async def _farewell(ears: Ears, client: ArqRedis) -> None:
    """End what ARQ still runs, and close its connections ourselves: its own `close` waits for a Redis that is away."""
    ears.handle_sig(signal.SIGUSR1)
    await asyncio.gather(*ears.tasks.values(), return_exceptions=True)
    if ears.last_writes:
        # A write whose connection is closed under it opens another one, which nobody would close.
        _, late = await asyncio.wait(ears.last_writes, timeout=FAREWELL_SECONDS)
        for writing in late:
            writing.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await client.aclose(close_connection_pool=True)
    except (RedisError, OSError, TimeoutError) as error:
        log.debug("redis_not_left", error=type(error).__name__)


@asynccontextmanager
async def _until_signal(stop: Callable[[], None]) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    ending = (signal.SIGTERM, signal.SIGINT)
    for each in ending:
        loop.add_signal_handler(each, stop)
    try:
        yield
    finally:
        for each in ending:
            loop.remove_signal_handler(each)


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
