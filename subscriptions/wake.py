"""Wake-ups between processes: "this tenant has news", and nothing more.

PostgreSQL holds the stream; a lost wake-up costs a second (the hub polls), never an event. broadcaster's own backends
die silently when Redis restarts, so it runs over a supervised one: it reconnects for ever, and after each reconnect, or
when more arrives than is read, it says "look everywhere" instead of what it may have missed.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection
from typing import Any, Self
from uuid import UUID

import structlog
from broadcaster import Broadcast, BroadcastBackend, Event
from redis import asyncio as redis
from redis.exceptions import RedisError

from domain.actors import TenantId

Heard = Callable[[Collection[TenantId] | None], None]
"""Told which tenants have news; None means any of them may. Must not block or raise."""

CHANNEL = "cleanshift:wake"
EVERYWHERE = "*"
MOST_TENANTS = 1_000
"""A message that would name more says "look everywhere"."""
MOST_UNREAD = 1_000
SILENCE_SECONDS = 3.0
SILENCES = 3
"""After the first Redis is asked for a sign, after so many it is taken for lost. More than two, because a process that
was busy all the while finds its time over before it looks at what has arrived.
"""
PUBLISH_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

_log = structlog.get_logger("subscriptions.wake")


class SupervisedBackend(BroadcastBackend):
    """One channel that outlives Redis. Carries what other processes say; without a URL there are none."""

    def __init__(self, url: str | None, channel: str) -> None:
        self._channel = channel
        self._node = os.urandom(6).hex()
        self._wanted = False
        self._unread: asyncio.Queue[Event] = asyncio.Queue(MOST_UNREAD)
        self._redis: Any = None
        self._url = url
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Begin to listen in the background; that Redis is away is no error."""
        if self._url is not None:
            self._redis = redis.Redis.from_url(self._url, socket_connect_timeout=2, decode_responses=True)
            self._task = asyncio.create_task(self._listen_for_ever(), name="wake-listener")

    async def disconnect(self) -> None:
        """Stop listening and let the connections go."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._redis is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.aclose()

    async def subscribe(self, group: str) -> None:
        """Pass messages on from now. The listener holds the channel in any case: nothing can be lost between."""
        self._wanted = True

    async def unsubscribe(self, group: str) -> None:
        """Drop the channel's messages from now."""
        self._wanted = False

    async def publish(self, channel: str, message: Any) -> None:
        """Tell the other processes through Redis; raises what Redis raises."""
        if self._redis is not None:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self._redis.publish(channel, f"{self._node}:{message}")

    async def next_published(self) -> Event:
        """The next message."""
        return await self._unread.get()

    async def _listen_for_ever(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    self._arrived(EVERYWHERE)
                    pause = FIRST_PAUSE
                    await self._pass_on(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("wake.redis_lost", error=type(error).__name__, pause=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _pass_on(self, pubsub: Any) -> None:
        """Pass messages on until the connection is lost, or does not answer a ping."""
        silences = 0
        while True:
            message = await pubsub.get_message(timeout=SILENCE_SECONDS)
            silences = silences + 1 if message is None else 0
            if silences == SILENCES:
                raise TimeoutError
            if silences == 1:
                await pubsub.ping()
            elif message is not None and message["type"] == "message":
                node, _, text = message["data"].partition(":")
                if node != self._node:
                    self._arrived(text)

    def _arrived(self, message: str) -> None:
        if not self._wanted:
            return
        if self._unread.full():
            while not self._unread.empty():
                self._unread.get_nowait()
            message = EVERYWHERE
        self._unread.put_nowait(Event(self._channel, message))


class Wake:
    """The process's bell: `publish` rings it everywhere, `listen` says who hears it here.

    Without a Redis URL it rings in this process only, and other processes find news by their poll.
    """

    def __init__(self, redis_url: str | None, *, channel: str = CHANNEL) -> None:
        self._channel = channel
        self._broadcast = Broadcast(backend=SupervisedBackend(redis_url, channel))
        self._heard: list[Heard] = []
        self._pending: set[TenantId] = set()
        self._ring = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def listen(self, heard: Heard) -> None:
        """Call `heard` at each wake-up from now."""
        self._heard.append(heard)

    def publish(self, tenant: TenantId) -> None:
        """Say that a tenant has news. Never blocks and never raises; many calls may become one message.

        This process hears it at once: a hung Redis delays the other processes only, up to their poll.
        """
        for heard in self._heard:
            heard((tenant,))
        self._pending.add(tenant)
        self._ring.set()

    async def __aenter__(self) -> Self:
        """Start; returns at once whether or not Redis is there."""
        await self._broadcast.connect()
        ready = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._hear(ready), name="wake-hear"),
            asyncio.create_task(self._send(), name="wake-send"),
        ]
        await ready.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        try:
            await asyncio.wait(self._tasks)
        finally:
            # Also of one that is cancelled while it stops no connection may stay.
            await self._broadcast.disconnect()

    async def _hear(self, ready: asyncio.Event) -> None:
        async with self._broadcast.subscribe(self._channel) as messages:
            ready.set()
            while True:
                tenants = _tenants((await messages.get()).message)
                for heard in self._heard:
                    heard(tenants)

    async def _send(self) -> None:
        """One message in flight; what comes meanwhile goes with the next."""
        while True:
            await self._ring.wait()
            self._ring.clear()
            tenants, self._pending = self._pending, set()
            text = EVERYWHERE if len(tenants) > MOST_TENANTS else ",".join(str(tenant) for tenant in tenants)
            try:
                await self._broadcast.publish(self._channel, text)
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("wake.not_published", error=type(error).__name__)
                # The others poll; while Redis is away what follows is gathered, not tried one by one.
                await asyncio.sleep(FIRST_PAUSE)


def _tenants(message: str) -> set[TenantId] | None:
    """The tenants that a message names; None for all, and for what nobody of us has written."""
    try:
        return None if message == EVERYWHERE else {TenantId(UUID(text)) for text in message.split(",")}
    except ValueError:
        return None
