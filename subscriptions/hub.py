"""The hub: one reader and one poll a process bring every watched tenant's events to all who may see them.

A socket's tenant is watched from before its standing is read, so that no event can fall between the two. Subscriptions
join through `subscriptions.catchup`; who stands at the head is served by `subscriptions.delivery`.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, Self

import structlog

from domain.actors import TenantId
from domain.errors import Unauthenticated, Unavailable
from domain.feeds import ResyncReason
from services.cursors import Cursors
from subscriptions.catchup import INTERNAL_ERROR, CatchUp, Live
from subscriptions.delivery import Delivery
from subscriptions.feeds import Asked
from subscriptions.groups import Tools
from subscriptions.log import Head, Log, Page
from subscriptions.plans import Plan, Renderer
from subscriptions.reads import Reads
from subscriptions.rounds import Rounds
from subscriptions.sessions import Renewal, Session, Subscriber
from subscriptions.wake import Wake
from subscriptions.watch import Watch, is_dense

PAGE: Final = 500
RETRY_SECONDS: Final = 0.2

_log = structlog.get_logger("subscriptions.hub")


def _as_it_is(facts: Any) -> Any:
    return facts


@dataclass(frozen=True, slots=True)
class Parts:
    """What a hub works with."""

    log: Log
    reads: Reads
    wake: Wake
    renderer: Renderer
    cursors: Cursors
    read_viewer: Callable[[Any], Any] = _as_it_is
    """Turns the viewer facts' json into what the renderer's computed fields receive."""


class Hub:
    """`async with Hub(parts) as hub`: watches, reads, polls and delivers until the block ends."""

    def __init__(self, parts: Parts, *, poll_seconds: float = 1.0, stall_seconds: float = 10.0) -> None:
        self._parts = parts
        self._poll_seconds = poll_seconds
        self._watches: dict[TenantId, Watch] = {}
        self._woken: set[TenantId] = set()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._heads: Rounds[None, TenantId, Head] = Rounds(parts.log.heads)
        tools = Tools(parts.renderer, parts.cursors, parts.read_viewer)
        self._catch_up = CatchUp(Live(parts.log, parts.reads, tools, self.woken, stall_seconds))
        self._delivery = Delivery(self._catch_up)
        parts.wake.listen(self.woken)

    async def __aenter__(self) -> Self:
        """Start; returns at once whether or not the database is there."""
        self._tasks = [
            asyncio.create_task(self._read_for_ever(), name="feed-reader"),
            asyncio.create_task(self._poll_for_ever(), name="feed-poll"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._parts.log.close()

    def woken(self, tenants: Collection[TenantId] | None) -> None:
        """Look soon whether these tenants (None: any) have news."""
        self._woken.update(self._watches if tenants is None else self._watches.keys() & set(tenants))
        if self._woken:
            self._news.set()

    async def attach(self, session: Session) -> None:
        """Watch the socket's tenant and read its standing.

        Raises `Unauthenticated` if its session is over, `Unavailable` if the database does not answer.
        """
        tenant = session.actor.tenant
        watch = self._watches.get(tenant)
        if watch is None:
            watch = self._watches[tenant] = Watch(tenant)
        watch.add(session)
        try:
            await self._opened(watch)
            session.standing = await self._parts.reads.standing(session.actor)
        except BaseException:
            # Also of one that was cancelled nothing may stay behind.
            self.detach(session)
            raise
        watch.set_time(session.standing.now)

    def detach(self, session: Session) -> None:
        """The socket has gone: forget it and its subscriptions."""
        session.closed = True
        watch = self._watches.get(session.actor.tenant)
        for subscriber in list(session.subscribers.values()):
            self.unsubscribe(subscriber)
        if watch is not None:
            watch.remove(session)

    def subscribe(self, session: Session, id: str, plan: Plan) -> None:
        """Begin a subscription of an attached socket. Raises `Refused` for a bad cursor and for who may not see."""
        after = None if plan.after is None else self._parts.cursors.read(session.actor.tenant, plan.after)
        if session.standing is None:
            raise Unauthenticated
        watch = self._watches[session.actor.tenant]
        if not session.stale:
            plan.document.feed.klass(session.actor, session.standing.facts, Asked(watch.now(), plan.arguments))
        subscriber = Subscriber(session, id, plan, after)
        session.subscribers[id] = subscriber
        self._catch_up.start(session, watch)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """End a subscription; nothing more is sent for it."""
        self._catch_up.end(subscriber, self._watches.get(subscriber.session.actor.tenant))

    def reconsider(self, session: Session) -> None:
        """The socket's role or token has changed: read its standing anew before anything more is sent."""
        session.stale = True
        self._catch_up.start(session, self._watches[session.actor.tenant])

    def beat(self, session: Session) -> bool:
        """Send the socket's heartbeats; False if it must be tried again, because a delivery is under way."""
        watch = self._watches.get(session.actor.tenant)
        if watch is None or not session.subscribers or not session.outlet.writable:
            return True
        if watch.delivering:
            return False
        now = watch.now()
        if any(one.group and one.group.until and one.group.until <= now for one in session.subscribers.values()):
            # What they are shown ends by the clock, at midnight for one: their classes are found anew.
            self.reconsider(session)
            return True
        for subscriber in session.subscribers.values():
            # A heartbeat's cursor is what this subscriber was given, never the database's head: it is a valid `after`.
            if subscriber.group is None or subscriber.sent is None or subscriber.renewal is not None:
                continue
            seq = watch.head if subscriber.live else subscriber.seq
            subscriber.send(subscriber.group.heartbeat(seq, subscriber.sent, now))
            subscriber.sent = seq
        return True

    async def _opened(self, watch: Watch) -> None:
        """The watch with its head known; read once, however many sockets wait for it."""
        if watch.opened is None or (watch.opened.done() and watch.opened.exception() is not None):
            watch.opened = asyncio.create_task(self._open(watch))
        await asyncio.shield(watch.opened)

    async def _open(self, watch: Watch) -> None:
        watch.begin(await self._heads.of(None, watch.tenant) or Head())
        # A wake-up may have come while the head was on its way.
        self.woken([watch.tenant])

    async def _poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            for tenant in [tenant for tenant, watch in self._watches.items() if not watch.sessions]:
                del self._watches[tenant]
            if not self._watches:
                continue
            try:
                heads = await self._parts.log.heads(self._watches)
            except Unavailable:
                continue
            except Exception:  # noqa: BLE001 - logged with its trace
                # The edge of a task: without the poll a lost wake-up would never be made good.
                _log.exception("feed.poll_failed")
                continue
            self.woken([tenant for tenant, head in heads.items() if self._is_news(tenant, head)])

    def _is_news(self, tenant: TenantId, head: Head) -> bool:
        watch = self._watches.get(tenant)
        if watch is None or not _is_open(watch):
            return False
        watch.first_seq = head.first_seq if head.epoch == watch.epoch else watch.first_seq
        return (head.epoch, head.seq) != (watch.epoch, watch.head)

    async def _read_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            tenants, self._woken = self._woken, set()
            watches = [watch for tenant in tenants if (watch := self._watches.get(tenant)) and _is_open(watch)]
            if not watches:
                continue
            try:
                pages = await self._parts.log.news({watch.tenant: watch.head for watch in watches}, PAGE)
            except Unavailable as error:
                _log.warning("feed.log_unavailable", cause=type(error.__cause__).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                self.woken(tenants)
                continue
            except Exception:  # noqa: BLE001 - logged with its trace
                # The edge of a task: whatever it was, the reader of all feeds goes on.
                _log.exception("feed.read_failed")
                await asyncio.sleep(RETRY_SECONDS)
                self.woken(tenants)
                continue
            for watch in watches:
                if watch.tenant in pages:
                    await self._take_in_or_end(watch, pages[watch.tenant])

    async def _take_in_or_end(self, watch: Watch, page: Page) -> None:
        try:
            await self._take_in(watch, page)
        except Exception:  # noqa: BLE001 - logged with its trace
            # The edge of a task: a bug in one feed costs its tenant's sockets, not the reader of all.
            _log.exception("feed.delivery_failed", tenant=str(watch.tenant))
            for session in list(watch.sessions):
                session.end(INTERNAL_ERROR, "Internal error")
        watch.has_moved()

    async def _take_in(self, watch: Watch, page: Page) -> None:
        head, events = page.head, page.events
        if head.epoch != watch.epoch or head.seq < watch.head:
            self._begin_again(watch, head, ResyncReason.EPOCH_CHANGED)
        elif not is_dense(watch.head, events) or (not events and head.seq > watch.head):
            self._begin_again(watch, head, ResyncReason.CURSOR_EXPIRED)
        elif events:
            watch.first_seq = head.first_seq
            await self._delivery.deliver(watch, events)
            if head.seq > watch.head:
                self.woken([watch.tenant])

    def _begin_again(self, watch: Watch, head: Head, reason: ResyncReason) -> None:
        """The log is another, or has a hole: nobody can go on from where they stand."""
        watch.begin(head)
        for session in watch.sessions:
            # What the standing says was read from the other log.
            session.stale = True
            for subscriber in session.subscribers.values():
                subscriber.leave_live(0)
                subscriber.after, subscriber.renewal = None, Renewal(reason)
            self._catch_up.start(session, watch)


def _is_open(watch: Watch) -> bool:
    return watch.opened is not None and watch.opened.done() and watch.opened.exception() is None
