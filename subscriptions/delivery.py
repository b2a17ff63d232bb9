"""Delivery: events that the reader brought are shown to everybody who stands at the head, in one plain loop.

Each socket is shown a batch of events once. Whoever cannot be shown it leaves for `subscriptions.catchup`, at the place
where they were; whom an event names leaves after the event that named them, and sees no later one before their standing
was read again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.events import EventType
from subscriptions.catchup import CatchUp
from subscriptions.feeds import Fresh
from subscriptions.frames import Shared, next_message
from subscriptions.groups import Delta, Group
from subscriptions.log import LogEvent
from subscriptions.sessions import Renewal, Session, Subscriber
from subscriptions.watch import Watch

SENDS_AT_A_STRETCH: Final = 256
SENDS_A_GROUP: Final = 8
"""Rendering for a group takes about as long as so many sends."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one event shows to a group's members, and to those whom it names."""

    seq: int
    everybody: Delta | None
    named: dict[UUID, Delta | None]


class Showing:
    """What a batch of events shows to one group, and the bytes of it that its members share."""

    def __init__(self, group: Group, shown: Sequence[Shown]) -> None:
        self.shown = shown
        self._deltas = [one.everybody for one in shown if one.everybody is not None]
        self._group = group
        self._named = frozenset(person for one in shown for person in one.named)
        self._shared: dict[tuple[int | None, int], Shared] = {}

    @property
    def last(self) -> int:
        """The place of the last event that everybody is shown; 0 for none."""
        return self._deltas[-1].seq if self._deltas else 0

    def is_own(self, person: UUID) -> bool:
        """Whether this person is shown something else than everybody."""
        return person in self._named

    def shared(self, sent: int | None, prefix_length: int) -> Shared:
        """The messages for everybody whose last frame was this one: made once, for nearly all have the same."""
        key = (sent, prefix_length)
        found = self._shared.get(key)
        if found is None:
            befores = [self._deltas[0].seq if sent is None else sent, *(delta.seq for delta in self._deltas)]
            payloads = [self._group.payload(*pair) for pair in zip(self._deltas, befores, strict=False)]
            found = self._shared[key] = Shared(payloads, prefix_length)
        return found


@dataclass(frozen=True, slots=True)
class Batch:
    """Events on their way to everybody of a tenant. `before` is the head that they follow; `cuts` see `_named`."""

    watch: Watch
    events: Sequence[LogEvent]
    before: int
    cuts: Mapping[Session, int]


class Delivery:
    """Shows events to all who are live."""

    def __init__(self, catch_up: CatchUp) -> None:
        self._catch_up = catch_up

    async def deliver(self, watch: Watch, events: Sequence[LogEvent]) -> None:
        """Show the events; from here on they are the tenant's head."""
        batch = Batch(watch, events, watch.head, self._named(watch, events))
        watch.append(events)
        watch.delivering = True
        try:
            await self._show_all(batch)
        finally:
            watch.delivering = False
        for session, cut in batch.cuts.items():
            for subscriber in session.subscribers.values():
                if subscriber.live:
                    subscriber.leave_live(cut)
            self._catch_up.start(session, watch)

    async def _show_all(self, batch: Batch) -> None:
        sends = 0
        for group in list(batch.watch.groups.values()):
            shown, fresh_at = _shown(group, batch.events)
            sends += SENDS_A_GROUP
            showing = Showing(group, shown)
            for subscriber in list(group.live) if shown or fresh_at else ():
                if subscriber.group is group:
                    self._show(subscriber, showing, batch)
                sends += 1
                if sends >= SENDS_AT_A_STRETCH:
                    sends = 0
                    await asyncio.sleep(0)
            if fresh_at:
                self._renew(batch.watch, group, fresh_at)
            if sends >= SENDS_AT_A_STRETCH:
                sends = 0
                await asyncio.sleep(0)

    def _named(self, watch: Watch, events: Sequence[LogEvent]) -> dict[Session, int]:
        """Sockets whose person an event names, with the first such event; revoked ones are closed at once."""
        cuts: dict[Session, int] = {}
        for event in events:
            for session in self._concerned(watch, event):
                if event.type == EventType.SESSION_REVOKED and session.actor.session == event.entity_id:
                    session.forbid()
                if session.standing is None or session.standing.seq < event.seq:
                    session.stale = True
                    cuts.setdefault(session, event.seq)
        return cuts

    def _concerned(self, watch: Watch, event: LogEvent) -> list[Session]:
        """Sockets of those whom the event names; the tenant's own settings are facts about everybody."""
        if event.type == EventType.TENANT_CHANGED:
            # Its clock may have been moved too.
            self._catch_up.learn_time(watch)
            return list(watch.sessions)
        return [session for person in event.people for session in watch.people.get(person, ())]

    def _show(self, subscriber: Subscriber, showing: Showing, batch: Batch) -> None:
        session = subscriber.session
        if not subscriber.live or subscriber.seq > batch.before or session.closed:
            return  # Has left meanwhile, or joined at the new head.
        cut = batch.cuts.get(session)
        if session.stale and cut is None:
            is_shown = False  # Its role has changed since the batch began.
        elif cut is not None or showing.is_own(session.actor.person):
            is_shown = self._show_own(subscriber, showing.shown, batch.events[-1].seq if cut is None else cut)
        elif not showing.last:
            return
        else:
            shared = showing.shared(subscriber.sent, len(subscriber.prefix))
            is_shown = session.outlet.show(subscriber.prefix, shared)
            if is_shown:
                subscriber.sent = showing.last
        if not is_shown:
            subscriber.leave_live(batch.before)
            self._catch_up.start(session, batch.watch)

    def _show_own(self, subscriber: Subscriber, shown: Sequence[Shown], until: int) -> bool:
        """Show what a person that is named is shown; False, and nothing, if the socket is not writable."""
        session, group = subscriber.session, subscriber.group
        assert group is not None  # noqa: S101 (a live subscriber has one)
        if not session.outlet.writable:
            return False
        messages = []
        for one in shown:
            delta = one.named.get(session.actor.person, one.everybody) if one.named else one.everybody
            if delta is not None and one.seq <= until:
                previous = one.seq if subscriber.sent is None else subscriber.sent
                messages.append(next_message(subscriber.prefix, group.payload(delta, previous)))
                subscriber.sent = one.seq
        if messages:
            session.outlet.write(messages)
        return True

    def _renew(self, watch: Watch, group: Group, seq: int) -> None:
        for subscriber in list(group.live):
            subscriber.leave_live(seq)
            subscriber.renewal = Renewal()
            self._catch_up.start(subscriber.session, watch)


def _shown(group: Group, events: Sequence[LogEvent]) -> tuple[list[Shown], int]:
    """What the group is shown of these events, up to the first that draws everything anew (its place, or 0)."""
    shown: list[Shown] = []
    for event in events:
        everybody = group.delta(event, None)
        if isinstance(everybody, Fresh):
            return shown, event.seq
        parts = {person: group.feed.part(event, person) for person in event.people}
        named = {person: _only(group.delta(event, part)) for person, part in parts.items() if part is not None}
        if everybody is not None or any(named.values()):
            shown.append(Shown(event.seq, everybody, named))
    return shown, 0


def _only(delta: Delta | Fresh | None) -> Delta | None:
    return delta if isinstance(delta, Delta) else None
