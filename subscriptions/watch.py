"""One tenant's log as this process follows it: the head, a ring of the newest events, and who is interested."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from domain.actors import TenantId
from subscriptions.feeds import Klass
from subscriptions.groups import Group, GroupKey
from subscriptions.log import Head, LogEvent
from subscriptions.reads import Snapshot
from subscriptions.sessions import Session

RING: Final = 512


class Watch:
    """What is known of a tenant. `head` is what was delivered; the ring ends there."""

    def __init__(self, tenant: TenantId) -> None:
        self.tenant = tenant
        self.epoch = 0
        self.head = 0
        self.first_seq = 1
        self.ring: deque[LogEvent] = deque(maxlen=RING)
        self.sessions: set[Session] = set()
        self.people: dict[UUID, set[Session]] = {}
        self.groups: dict[GroupKey, Group] = {}
        self.opened: asyncio.Task[None] | None = None
        self.backfill: asyncio.Task[None] | None = None
        self.moved = asyncio.Event()
        """Set, and replaced, when the head has moved."""
        self.delivering = False
        self.snapshots: dict[tuple[str, Klass], Snapshot] = {}
        self.loading: dict[tuple[str, Klass], asyncio.Task[Snapshot | None]] = {}
        self._ahead = timedelta()

    def begin(self, head: Head) -> None:
        """Follow from this head, with nothing in the ring."""
        self.epoch, self.head, self.first_seq = head.epoch, head.seq, head.first_seq
        self.ring.clear()
        self.backfill = None
        self.snapshots.clear()
        for group in self.groups.values():
            group.forget()

    def append(self, events: Sequence[LogEvent]) -> None:
        """Take in events that follow the head."""
        self.ring.extend(events)
        self.head = events[-1].seq

    def prepend(self, events: Sequence[LogEvent]) -> None:
        """Take in older events that reach up to the ring, as far as there is room."""
        oldest = self.ring[0].seq if self.ring else self.head + 1
        fitting = [event for event in events if event.seq < oldest][-(RING - len(self.ring)) :]
        if fitting and fitting[-1].seq == oldest - 1 and len(self.ring) < RING:
            self.ring.extendleft(reversed(fitting))

    def after(self, seq: int, limit: int) -> list[LogEvent] | None:
        """Events behind `seq` from the ring; None if the ring does not reach back so far."""
        if not self.ring or self.ring[0].seq > seq + 1:
            return None
        start = seq + 1 - self.ring[0].seq
        return list(islice(self.ring, start, start + limit))

    def has_moved(self) -> None:
        """Let those go on who wait for the head."""
        self.moved.set()
        self.moved = asyncio.Event()

    def add(self, session: Session) -> None:
        """Count a socket among the interested."""
        self.sessions.add(session)
        self.people.setdefault(session.actor.person, set()).add(session)

    def remove(self, session: Session) -> None:
        """A socket has gone."""
        self.sessions.discard(session)
        others = self.people.get(session.actor.person, set())
        others.discard(session)
        if not others:
            self.people.pop(session.actor.person, None)

    def set_time(self, business_now: datetime) -> None:
        """Learn how far business time is ahead of this machine's clock."""
        self._ahead = business_now - datetime.now(UTC)

    def now(self) -> datetime:
        """Business time, to the second: heartbeats of one tick are then the same bytes."""
        return (datetime.now(UTC) + self._ahead).replace(microsecond=0)


def is_dense(after: int, events: Sequence[Any]) -> bool:
    """Whether the events follow `after` without a hole: otherwise the log was trimmed behind it."""
    return not events or (events[0].seq == after + 1 and events[-1].seq == after + len(events))
