"""Slow hashes, kept from slowing everybody else: two threads, a bounded queue, and a limit a network address (A7).

A hash never runs inside a transaction or on the event loop. The secret is keyed before it is hashed, so that a stolen
table alone is not enough to try out the few PINs that there are.
"""

import asyncio
import base64
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from db.secrets import Secrets
from domain.errors import RateLimited
from services.identity.attempts import network_of

T = TypeVar("T")

THREADS = 2
QUEUE = 64
BUSY_MS = 1_000
MEMORY_KIB = 19_456
"""With two passes and one lane: the least that is advised for Argon2id, some 20 ms of one core."""


class Passwords:
    """Argon2id in at most two threads. Raises `RateLimited` where more secrets wait than can be hashed in a while."""

    def __init__(self, secrets: Secrets, *, hasher: PasswordHasher | None = None, queue: int = QUEUE) -> None:
        self._secrets = secrets
        self._hasher = hasher or PasswordHasher(time_cost=2, memory_cost=MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._queue = queue
        self._waiting = 0
        # What is verified where there is nothing to verify against, so that it takes as long.
        self._nobody = self._hasher.hash(Secrets.fresh_token())

    async def hash(self, secret: str) -> str:
        """The hash to store of a new secret."""
        return await self._slowly(lambda: self._hasher.hash(self._keyed(secret)))

    async def verify(self, stored: str | None, secret: str) -> bool:
        """Whether the secret is the one whose hash is stored; False, after the same work, where none is."""
        matches = await self._slowly(lambda: self._matches(stored or self._nobody, secret))
        return matches and stored is not None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _slowly(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._queue:
            raise RateLimited(retry_after_ms=BUSY_MS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _matches(self, stored: str, secret: str) -> bool:
        try:
            return self._hasher.verify(stored, self._keyed(secret))
        except (VerificationError, InvalidHashError):
            return False

    def _keyed(self, secret: str) -> bytes:
        plain = unicodedata.normalize("NFKC", secret)
        return base64.b64encode(self._secrets.mac("password", plain))


class SourceLimiter:
    """At most `burst` attempts at once and `per_minute` in the long run from one network address, in this process."""

    def __init__(
        self,
        *,
        burst: int = 60,
        per_minute: float = 60,
        capacity: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = per_minute / 60
        self._capacity = capacity
        self._now = now
        self._sources: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def ensure(self, source: str) -> None:
        """Count an attempt. Raises `RateLimited` with the time to wait."""
        key, now = network_of(source), self._now()
        left, seen = self._sources.pop(key, (float(self._burst), now))
        left = min(self._burst, left + (now - seen) * self._per_second)
        allowed = left >= 1
        self._sources[key] = (left - 1 if allowed else left, now)
        while len(self._sources) > self._capacity:
            self._sources.popitem(last=False)
        if not allowed:
            raise RateLimited(retry_after_ms=round((1 - left) / self._per_second * 1000))
