"""Snapshots, shared by everybody of one class, and shown only when the reader has come by their place.

A snapshot may be ahead of the events that this process has seen. What those do to their viewers (a session that is
over, a market that was taken away) is seen to when they are delivered; until then nobody can say for whom the snapshot
was rightly taken, and to whom it may be shown.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from domain.errors import Unauthenticated
from subscriptions.groups import Group
from subscriptions.reads import Reads, Snapshot
from subscriptions.sessions import Subscriber
from subscriptions.watch import Watch

SNAPSHOT_SECONDS: Final = 1.0
SNAPSHOT_EVENTS: Final = 64


class Snapshots:
    """Loads each class's snapshot once for all who ask. `wait` waits for a tenant's head to move."""

    def __init__(self, reads: Reads, wait: Callable[[Watch], Awaitable[None]]) -> None:
        self._reads = reads
        self._wait = wait

    async def of(self, subscriber: Subscriber, group: Group, watch: Watch) -> Snapshot | None:
        """The class's snapshot: shared for a second or 64 events, and never older than it must be.

        None if the subscriber's own standing has become doubtful meanwhile. Raises `Unauthenticated`, `Unavailable`.
        """
        key = (group.feed.field, group.eyes.klass)
        while True:
            found = watch.snapshots.get(key)
            if found is not None and _is_fresh(found, subscriber, watch):
                return found
            loading = watch.loading.get(key)
            if loading is None:
                loading = watch.loading[key] = asyncio.create_task(self._load(subscriber, group, watch))
                return await asyncio.shield(loading)
            try:
                await asyncio.shield(loading)
            except Unauthenticated:
                # Another viewer's session has ended: try with one's own.
                continue

    async def _load(self, subscriber: Subscriber, group: Group, watch: Watch) -> Snapshot | None:
        """Runs as a task that is in `watch.loading` only until it is done: waiting for one that is done never yields,
        so that who came upon it would spin for ever before anybody could take it out.
        """
        key, session = (group.feed.field, group.eyes.klass), subscriber.session
        try:
            snapshot = await self._reads.snapshot(session.actor, group.feed.rows(group.eyes.klass))
            while watch.epoch == snapshot.epoch and watch.head < snapshot.seq:
                await self._wait(watch)
            if session.stale or session.closed:
                # Read by somebody who may have been of another class by then: it is nobody's snapshot.
                return None
            watch.snapshots[key] = snapshot
            return snapshot
        finally:
            del watch.loading[key]


def _is_fresh(snapshot: Snapshot, subscriber: Subscriber, watch: Watch) -> bool:
    age = asyncio.get_running_loop().time() - snapshot.read_at
    recent = age <= SNAPSHOT_SECONDS and watch.head - snapshot.seq <= SNAPSHOT_EVENTS
    return recent and snapshot.seq >= subscriber.seq and snapshot.epoch == watch.epoch
