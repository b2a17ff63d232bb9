"""How a subscription comes to stand at its tenant's head: snapshot, replay, resync, and back after having lagged.

One task a socket, and only while something of it is not live. Register first (the hub watches), then read, then drop
what was seen; standing at the head is tested and entered without an await between.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from domain.actors import TenantId
from domain.errors import Refused, Unauthenticated, Unavailable
from domain.feeds import ResyncReason
from subscriptions.feeds import Asked, Fresh
from subscriptions.frames import next_message
from subscriptions.groups import Circle, Delta, Eyes, Group, Tools
from subscriptions.log import Log, LogEvent, Page
from subscriptions.reads import Reads
from subscriptions.rounds import Rounds
from subscriptions.sessions import Renewal, Session, Subscriber
from subscriptions.snapshots import Snapshots
from subscriptions.watch import RING, Watch, is_dense

RETRY_SECONDS: Final = 0.25
AHEAD_SECONDS: Final = 1.0
REPLAY_PAGE: Final = 256
TENANTS_AT_ONCE: Final = 16
"""Whose logs one statement pages through: so many rows at most, for nothing else runs while they are taken in."""
MOST_BYTES: Final = 65_536
INTERNAL_ERROR: Final = 1011

Behind = tuple[TenantId, int]
"""A tenant, and a place in its log."""

_log = structlog.get_logger("subscriptions.catchup")


@dataclass(frozen=True, slots=True)
class Live:
    """What catching up works with. `woken` asks the hub to look for a tenant's news.

    A socket that takes nothing for `stall_seconds` is dropped; its client resumes from its cursor.
    """

    log: Log
    reads: Reads
    tools: Tools
    woken: Callable[[Collection[TenantId] | None], None]
    stall_seconds: float


class CatchUp:
    """Brings subscribers to the head."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._snapshots = Snapshots(live.reads, self._wait)
        self._backfills: Rounds[None, Behind, Page] = Rounds(partial(self._read_pages, limit=RING))
        self._pages: Rounds[Behind, Behind, Page] = Rounds(partial(self._read_pages, limit=REPLAY_PAGE))
        """One at a time for each place: whoever was cut off with others comes back to where they do."""
        self._asides: set[asyncio.Task[None]] = set()

    def start(self, session: Session, watch: Watch) -> None:
        """See to it that everything of this socket comes to the head."""
        if session.catching_up is None and not session.closed:
            session.catching_up = asyncio.create_task(self._run(session, watch))

    def end(self, subscriber: Subscriber, watch: Watch | None) -> None:
        """Take a subscription out."""
        subscriber.ended = True
        subscriber.session.subscribers.pop(subscriber.id, None)
        subscriber.leave_live(subscriber.seq)
        if watch is not None:
            _leave_group(subscriber, watch)

    def learn_time(self, watch: Watch) -> None:
        """Read the tenant's business time through any of its sockets."""
        session = next(iter(watch.sessions), None)
        if session is not None:
            task = asyncio.create_task(self._learn_time(session, watch))
            self._asides.add(task)
            task.add_done_callback(self._asides.discard)

    async def _learn_time(self, session: Session, watch: Watch) -> None:
        try:
            watch.set_time((await self._live.reads.standing(session.actor)).now)
        except (Unauthenticated, Unavailable) as error:
            _log.info("feed.time_unknown", cause=type(error).__name__)

    async def _run(self, session: Session, watch: Watch) -> None:
        try:
            while not session.closed:
                behind = [one for one in session.subscribers.values() if not one.live]
                if not behind and not session.stale:
                    return
                await self._round(session, watch, behind)
        except Unauthenticated:
            session.forbid()
        except Exception:  # noqa: BLE001 - logged with its trace
            # The edge of a task: a bug costs this socket, not the process.
            _log.exception("feed.catch_up_failed", tenant=str(watch.tenant))
            session.end(INTERNAL_ERROR, "Internal error")
        finally:
            session.catching_up = None

    async def _round(self, session: Session, watch: Watch, behind: Sequence[Subscriber]) -> None:
        """One step for each that is behind."""
        try:
            if session.stale:
                await self._consider(session, watch)
                return
            for subscriber in behind:
                if not await session.outlet.room(self._live.stall_seconds):
                    session.abort()
                    return
                if not (subscriber.ended or session.stale or session.closed):
                    await self._step(subscriber, watch)
        except Unavailable:
            await asyncio.sleep(RETRY_SECONDS)

    async def _consider(self, session: Session, watch: Watch) -> None:
        """Read the standing anew; who looks with other eyes now begins with a snapshot."""
        while watch.delivering:
            # Who is live may or may not have been given the events under way.
            await watch.moved.wait()
        for subscriber in session.subscribers.values():
            if subscriber.live:
                subscriber.leave_live(watch.head)
        session.stale = False
        try:
            whole = any(self._is_personal(one) for one in session.subscribers.values())
            session.standing = await self._live.reads.standing(session.actor, whole=whole)
        except Unavailable:
            session.stale = True
            raise
        watch.set_time(session.standing.now)
        if session.closed:
            return
        for subscriber in list(session.subscribers.values()):
            if subscriber.group is not None:
                before = subscriber.group
                self._enter_group(subscriber, watch)
                if subscriber.group is not before and subscriber.renewal is None:
                    subscriber.renewal = Renewal()

    def _enter_group(self, subscriber: Subscriber, watch: Watch) -> None:
        """Find the group of those who see the same; a refused viewer's subscription ends with the refusal."""
        session, plan = subscriber.session, subscriber.plan
        document = plan.document
        facts = session.standing.facts if session.standing else None
        try:
            klass = document.feed.klass(session.actor, facts, Asked(watch.now(), plan.arguments))
        except Refused as refusal:
            session.refuse(subscriber, refusal)
            self.end(subscriber, watch)
            return
        role = str(session.actor.role)
        personal = self._is_personal(subscriber)
        eyes = Eyes.of(document.feed.field, klass, role, facts if personal else None)
        key = (*plan.key, klass, eyes.view, session.actor.person if personal else None)
        group = watch.groups.get(key)
        if group is None:
            group = watch.groups[key] = Group(key, plan, eyes, Circle(watch, self._live.tools))
        if group is not subscriber.group:
            group.members += 1
            _leave_group(subscriber, watch)
            subscriber.group = group

    def _is_personal(self, subscriber: Subscriber) -> bool:
        """Whether its document asks for more of the viewer than their class."""
        return self._live.tools.rendering(subscriber.plan, str(subscriber.session.actor.role)).needs_viewer

    async def _step(self, subscriber: Subscriber, watch: Watch) -> None:
        if subscriber.group is None:
            self._begin(subscriber, watch)
        elif subscriber.renewal is not None:
            await self._renew(subscriber, subscriber.group, watch)
        elif subscriber.seq == watch.head:
            if subscriber.after is not None:
                # A resumed client may have missed nothing, and is not to wait for the ticker to learn it.
                subscriber.after = None
                previous = watch.head if subscriber.sent is None else subscriber.sent
                subscriber.send(subscriber.group.heartbeat(watch.head, previous, watch.now()))
                subscriber.sent = watch.head
            subscriber.live = True
            subscriber.group.live.add(subscriber)
        elif subscriber.seq > watch.head:
            await self._wait_for_head(subscriber, watch)
        else:
            await self._replay(subscriber, subscriber.group, watch)

    def _begin(self, subscriber: Subscriber, watch: Watch) -> None:
        """Take the client's cursor if the log and the viewer are still those it was given for."""
        session = subscriber.session
        if session.standing and not session.standing.is_whole and self._is_personal(subscriber):
            session.stale = True
            return
        self._enter_group(subscriber, watch)
        group, after = subscriber.group, subscriber.after
        if group is None or subscriber.renewal is not None:
            return
        if after is None or not group.feed.replays:
            subscriber.renewal = Renewal()
        elif after.epoch != watch.epoch:
            subscriber.renewal = Renewal(ResyncReason.EPOCH_CHANGED)
        elif after.view != group.eyes.view:
            subscriber.renewal = Renewal(ResyncReason.VIEWER_CHANGED)
        elif after.seq < watch.first_seq - 1:
            subscriber.renewal = Renewal(ResyncReason.CURSOR_EXPIRED)
        else:
            subscriber.seq = subscriber.sent = after.seq

    async def _renew(self, subscriber: Subscriber, group: Group, watch: Watch) -> None:
        renewal = subscriber.renewal
        snapshot = await self._snapshots.of(subscriber, group, watch)
        if snapshot is None:
            return
        if snapshot.epoch != watch.epoch:
            # The reader has not yet seen the new epoch.
            await self._wait(watch)
            return
        if _overtaken(subscriber, group) or subscriber.renewal is not renewal or renewal is None:
            return
        payload = group.snapshot(snapshot)
        announced = (group.resync(renewal.reason, snapshot.now),) if renewal.reason else ()
        subscriber.send(*announced, payload)
        subscriber.seq = subscriber.sent = snapshot.seq
        subscriber.renewal = subscriber.after = None

    async def _wait_for_head(self, subscriber: Subscriber, watch: Watch) -> None:
        """A cursor above this process's head is normal (another process was ahead): the database knows."""
        heads = await self._live.log.heads([watch.tenant])
        head = heads.get(watch.tenant)
        if head is not None and head.epoch == watch.epoch and subscriber.seq > head.seq:
            subscriber.seq, subscriber.renewal = 0, Renewal(ResyncReason.CURSOR_AHEAD)
            return
        await self._wait(watch)

    async def _wait(self, watch: Watch) -> None:
        """Have the log read, and wait until it was."""
        moved = watch.moved
        self._live.woken([watch.tenant])
        try:
            async with asyncio.timeout(AHEAD_SECONDS):
                await moved.wait()
        except TimeoutError:
            return

    async def _replay(self, subscriber: Subscriber, group: Group, watch: Watch) -> None:
        events: Sequence[LogEvent] | None = watch.after(subscriber.seq, REPLAY_PAGE)
        if events is None:
            events = await self._page(subscriber, watch)
            if events is None or _overtaken(subscriber, group) or subscriber.renewal is not None:
                return
        if not is_dense(subscriber.seq, events) or not events:
            subscriber.seq, subscriber.renewal = 0, Renewal(ResyncReason.CURSOR_EXPIRED)
            return
        _show(subscriber, group, events)

    async def _page(self, subscriber: Subscriber, watch: Watch) -> Sequence[LogEvent] | None:
        """Events behind the subscriber from the database; None if they are to be looked for in the ring again."""
        if watch.head - subscriber.seq <= RING and watch.backfill is None:
            watch.backfill = asyncio.create_task(self._backfill(watch))
        if watch.backfill is not None and not watch.backfill.done():
            await asyncio.shield(watch.backfill)
            return None
        after, epoch = subscriber.seq, watch.epoch
        place = (watch.tenant, after)
        page = await self._pages.of(place, place)
        if page is None or page.head.epoch != epoch or watch.epoch != epoch:
            await self._wait(watch)
            return None
        # Never beyond the head: what an event does to its viewers is seen to when the reader delivers it.
        return [event for event in page.events if event.seq <= watch.head]

    async def _backfill(self, watch: Watch) -> None:
        """Fill the ring of a fresh process once, for all who come back to it."""
        after, epoch = max(watch.head - RING, watch.first_seq - 1, 0), watch.epoch
        try:
            page = await self._backfills.of(None, (watch.tenant, after))
        except Unavailable:
            watch.backfill = None
            raise
        if page is not None and page.head.epoch == watch.epoch == epoch:
            watch.prepend(page.events)

    async def _read_pages(self, places: Collection[Behind], *, limit: int) -> Mapping[Behind, Page]:
        found: dict[Behind, Page] = {}
        ordered = list(places)
        for first in range(0, len(ordered), TENANTS_AT_ONCE):
            part = ordered[first : first + TENANTS_AT_ONCE]
            pages = await self._live.log.news(dict(part), limit)
            found |= {place: pages[place[0]] for place in part if place[0] in pages}
        return found


def _leave_group(subscriber: Subscriber, watch: Watch) -> None:
    group = subscriber.group
    if group is None:
        return
    subscriber.group = None
    group.live.discard(subscriber)
    group.members -= 1
    if group.members == 0:
        watch.groups.pop(group.key, None)


def _overtaken(subscriber: Subscriber, group: Group) -> bool:
    """Whether what was awaited is of no use any more."""
    session = subscriber.session
    return subscriber.ended or session.closed or session.stale or subscriber.group is not group


def _show(subscriber: Subscriber, group: Group, events: Sequence[LogEvent]) -> None:
    """Send what the group is shown of these events, at most 64 KiB and up to the first that draws all anew."""
    messages: list[bytes] = []
    size = 0
    person = subscriber.session.actor.person
    for event in events:
        part = group.feed.part(event, person) if person in event.people else None
        delta = group.delta(event, part)
        subscriber.seq = event.seq
        if isinstance(delta, Fresh):
            subscriber.renewal = Renewal()
            break
        if isinstance(delta, Delta):
            previous = event.seq if subscriber.sent is None else subscriber.sent
            messages.append(next_message(subscriber.prefix, group.payload(delta, previous)))
            subscriber.sent = event.seq
            size += len(messages[-1])
            if size > MOST_BYTES:
                break
    if messages:
        subscriber.session.outlet.write(messages)
