"""The bell between API and workers: an ARQ job that says "look now", and carries nothing.

Tasks are rows; a lost bell costs seconds. So nothing here waits, retries for long, or raises.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import structlog
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

QUEUE = "cleanshift:wake"
JOB = "wake"
# A few names in turn, so that a worker that is away finds a handful of bells, and one that is just
# answering a bell cannot swallow the next.
NAMES = 16
RING_SECONDS = 2.0
APART_SECONDS = 0.05
"""Workers hear no sooner (ARQ looks ten times a second), and a ring costs more than a commit that asks for one."""
REST_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Waker:
    """Rings for the workers, one ring in flight, however many commits ask for one. Without Redis it does nothing."""

    redis: ArqRedis | None
    _name: str = field(default_factory=lambda: uuid4().hex)
    _rung: int = 0
    _wanted: bool = False
    _ringing: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have a worker look for due tasks soon. Returns at once and never fails; many wishes are one ring."""
        if self.redis is None:
            return
        self._wanted = True
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.get_running_loop().create_task(self._ring(self.redis))

    async def close(self) -> None:
        """Stop ringing and let go of Redis. Whoever calls later rings nothing, and opens no connection that stays."""
        redis, self.redis = self.redis, None
        if self._ringing is not None:
            self._ringing.cancel()
            await asyncio.gather(self._ringing, return_exceptions=True)
        if redis is not None:
            await redis.aclose(close_connection_pool=True)

    async def _ring(self, redis: ArqRedis) -> None:
        while self._wanted:
            self._wanted = False
            self._rung += 1
            try:
                async with asyncio.timeout(RING_SECONDS):
                    await redis.enqueue_job(JOB, _job_id=f"{JOB}:{self._name}:{self._rung % NAMES}")
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("worker_not_woken", error=type(error).__name__)
                await asyncio.sleep(REST_SECONDS)
            else:
                await asyncio.sleep(APART_SECONDS)


def open_waker(redis_url: str | None) -> Waker:
    """A waker for this address; it connects when it first rings. Close it at the end."""
    return Waker(bell(redis_url, socket_timeout=RING_SECONDS) if redis_url else None)


def bell(redis_url: str, **options: Any) -> ArqRedis:
    """A client of the bell's queue. JSON, because whoever can write to Redis could run code through a pickle."""
    pool = ConnectionPool.from_url(redis_url, socket_connect_timeout=1, **options)
    return ArqRedis(pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads, default_queue_name=QUEUE)
