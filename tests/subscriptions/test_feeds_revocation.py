"""What ends a viewer's right ends their frames: nothing later is ever shown to them, while events never stop.

Hundreds of trials, by wake-up and by the poll alone. "Late" is a frame of an event that came after the end in the log.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from websockets.exceptions import ConnectionClosed

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, CleanerId, Role, SessionId, TenantId
from domain.events import Event, EventType
from domain.ids import MarketId
from services.identity.cleaners import ArchiveCleaner, SetCleanerMarkets, archive_cleaner, set_cleaner_markets
from services.identity.sessions import RevokeSession, SignOut, revoke_session, sign_out
from subscriptions.delivery import Delivery
from subscriptions.frames import Shared
from subscriptions.groups import Delta
from subscriptions.log import Head, LogEvent
from subscriptions.sessions import Session, Subscriber
from subscriptions.watch import Watch
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.conftest import StartApi, an_api
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, MARKET, Wiring, token_of

AT_ONCE = 20
TRIALS = 60
POLLED = 40
REAUTHENTICATE = "mutation ($token: String!) { reauthenticate(token: $token) }"


@pytest.fixture(scope="module", params=["wake-up", "poll", "asgi"])
async def way(request: pytest.FixtureRequest, api: int, wiring: Wiring) -> AsyncIterator[tuple[int, int]]:
    """A process, and how many trials it is put to: woken, left to its poll of a second, or without a transport."""
    if request.param == "wake-up":
        yield api, TRIALS
        return
    async with an_api(replace(wiring, transport=request.param != "asgi")) as port:
        yield port, POLLED


def swap(market: UUID) -> Event:
    """A swap as its offer announces it."""
    names = ("id", "owner_id", "job_id")
    card = {name: str(new_id()) for name in names} | {"market_id": str(market), "market_name": "M", "note": ""}
    return Event(EventType.SWAP_OFFERED, "Swap", new_id(), card | {"status": "PENDING", "starts_at": "2026-01-01"})


@contextlib.asynccontextmanager
async def events_all_the_time(business: Business) -> AsyncIterator[None]:
    """Events of both feeds in both markets, transaction after transaction, while the block runs."""

    async def write() -> None:
        while True:
            markets = (business.north, business.south)
            await business.emit(*(business.window(0, market) for market in markets), *map(swap, markets))
            await asyncio.sleep(0.02)

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.wait([writing])
    if not writing.cancelled():
        raise AssertionError("the writer died") from writing.exception()


def place(frame: dict[str, Any]) -> int:
    """Where in the log a frame stands: every cursor is `epoch.seq` and more."""
    return int(frame["cursor"].split(".")[1])


def places(feed: Feed) -> list[int]:
    """The places of all that the feed has shown, heartbeats too."""
    return [place(frame) for frame in (*feed.frames, *feed.heartbeats) if "cursor" in frame]


async def end_of(business: Business, type: EventType, entity: UUID) -> int:
    """The place in the log of what ended it."""
    statement = "select min(seq) from event where tenant_id = $1 and type = $2 and entity_id = $3"
    return int(await business.db.fetchval(statement, business.tenant, str(type), entity))


async def watching(port: int, actor: Actor) -> Client:
    """A client of both feeds."""
    client = await Client.open(port, token(actor))
    for query in (MARKET, AVAILABILITY):
        await client.begun(query)
    return client


async def ended(business: Business, client: Client, actor: Actor, way_out: str, admin: Actor) -> None:
    """End the session, while the client subscribes again and again; return when it is closed."""
    calls: dict[str, Call[Any, Any]] = {
        "revoked": Call(admin, revoke_session, RevokeSession(SessionId(actor.session))),
        "signed out": Call(actor, sign_out, SignOut()),
        "archived": Call(admin, archive_cleaner, ArchiveCleaner(CleanerId(actor.person))),
    }
    ending = asyncio.create_task(business.runner.run(calls[way_out]))
    with contextlib.suppress(Exception):
        for query in (MARKET, AVAILABILITY, MARKET):
            await client.subscribe(query)
    await ending
    assert await client.closed() == 4403


async def test_nothing_is_shown_after_the_end_of_a_session(
    way: tuple[int, int], ours: Business, theirs: Business
) -> None:
    """Revoked, signed out or archived; 4403 comes, and it is the last."""
    port, trials = way
    admin = await ours.signed_in(Role.ADMIN)
    bystander = await watching(port, await ours.cleaner())
    late, shown = 0, 0

    async with events_all_the_time(ours), events_all_the_time(theirs):
        for first in range(0, trials, AT_ONCE):
            people = [await ours.cleaner() for _ in range(AT_ONCE)]
            clients = [await watching(port, actor) for actor in people]
            ways = [("revoked", "signed out", "archived")[(first + number) % 3] for number in range(AT_ONCE)]
            await asyncio.gather(
                *(ended(ours, *each, admin) for each in zip(clients, people, ways, strict=True)),
            )
            for client, actor in zip(clients, people, strict=True):
                end = await end_of(ours, EventType.SESSION_REVOKED, actor.session)
                seen = [seq for feed in client.feeds.values() for seq in places(feed)]
                late += sum(seq > end for seq in seen)
                shown += len(seen)

    assert late == 0
    assert shown > trials
    assert bystander.close_code is None
    assert sum(feed.holes for feed in bystander.feeds.values()) == 0
    await bystander.close()


def in_market(feed: Feed, market: UUID) -> list[dict[str, Any]]:
    """The deltas that speak of this market."""
    cards = [(frame, frame.get("window") or frame.get("swap") or {}) for frame in feed.frames]
    return [frame for frame, card in cards if card.get("marketId") == str(market)]


async def test_nothing_of_a_market_is_shown_to_a_cleaner_who_was_taken_out_of_it(
    way: tuple[int, int], ours: Business, theirs: Business
) -> None:
    """Both feeds begin again with a snapshot for the other eyes; what stays shared with colleagues stays whole."""
    port, trials = way
    admin = await ours.signed_in(Role.ADMIN)
    colleague = await watching(port, await ours.cleaner(ours.north, ours.south))
    late, before = 0, 0

    async with events_all_the_time(ours), events_all_the_time(theirs):
        for _ in range(0, trials, AT_ONCE):
            people = [await ours.cleaner(ours.north, ours.south) for _ in range(AT_ONCE)]
            clients = [await watching(port, actor) for actor in people]
            leave = [SetCleanerMarkets(CleanerId(one.person), [MarketId(ours.north)]) for one in people]
            await asyncio.gather(*(ours.runner.run(Call(admin, set_cleaner_markets, wish)) for wish in leave))
            ends = [await end_of(ours, EventType.CLEANER_CHANGED, actor.person) for actor in people]
            for client, end in zip(clients, ends, strict=True):
                for feed in client.feeds.values():
                    await client.until(lambda feed=feed, end=end: goes_on(feed, end))  # type: ignore[misc]
                    south = in_market(feed, ours.south)
                    late += sum(place(frame) > end for frame in south)
                    before += len(south)
                    assert feed.holes == 0
                await client.close()

    assert late == 0
    assert before > 0
    assert sum(feed.holes for feed in colleague.feeds.values()) == 0
    assert all(is_whole(ours, feed) for feed in colleague.feeds.values())
    await colleague.close()


def goes_on(feed: Feed, end: int) -> bool:
    """Whether the feed has begun again after this place, and shown something since."""
    after = next((number for number, frame in enumerate(feed.frames) if place(frame) >= end), None)
    kinds = [] if after is None else [frame["__typename"] for frame in feed.frames[after:]]
    return any(kind.endswith("Snapshot") for kind in kinds) and not kinds[-1].endswith("Snapshot")


def is_whole(business: Business, feed: Feed) -> bool:
    """Whether every window or swap of both markets was shown: each transaction has one of each kind a market."""
    counts = [len(in_market(feed, market)) for market in (business.north, business.south)]
    return counts[0] > 0 and abs(counts[0] - counts[1]) <= 1


async def test_nothing_is_shown_with_the_old_role_after_the_answer_of_reauthenticate(
    way: tuple[int, int], ours: Business
) -> None:
    port, trials = way
    late: list[tuple[str, str]] = []

    async with events_all_the_time(ours):
        for _ in range(0, trials, AT_ONCE):
            office = [await ours.signed_in(Role.OWNER) for _ in range(AT_ONCE)]
            lesser = [await ours.signed_in(Role.CUSTOMER, actor.person) for actor in office]
            clients = [await watching(port, actor) for actor in office]
            await asyncio.gather(
                *(client.run(REAUTHENTICATE, token=token(actor)) for client, actor in zip(clients, lesser, strict=True))
            )
            for client in clients:
                feeds = list(client.feeds.values())
                await client.until(lambda feeds=feeds: all(feed.errors is not None for feed in feeds))  # type: ignore[misc]
                # A heartbeat says nothing of the market.
                answered = client.order.index(("3", "next"))
                after = [one for one in client.order[answered + 1 :] if one[1] != "Heartbeat"]
                late += [one for one in after if one not in {("1", "error"), ("2", "error"), ("3", "complete")}]
                assert {error["extensions"]["code"] for feed in feeds for error in feed.errors or ()} == {"FORBIDDEN"}
                await client.close()

    assert late == []


async def test_nothing_that_happened_after_a_tokens_end_is_shown(way: tuple[int, int], ours: Business) -> None:
    port, trials = way
    people = [await ours.cleaner() for _ in range(trials // 2)]
    feeds = []

    async def shown(actor: Actor, end: datetime) -> int | None:
        client = await Client.open(port, token_of(actor, end))
        # On a busy machine the end may come before.
        with contextlib.suppress(ConnectionClosed):
            feeds.append(await client.subscribe(AVAILABILITY))
        return await client.closed()

    async with events_all_the_time(ours):
        end = datetime.now(UTC) + timedelta(seconds=10)
        codes = await asyncio.gather(*(shown(actor, end) for actor in people))

    assert set(codes) == {4403}
    last = max(max(places(feed), default=0) for feed in feeds)
    statement = "select at from event where tenant_id = $1 and seq = $2"
    assert last > 0
    assert await ours.db.fetchval(statement, ours.tenant, last) < end


async def test_a_session_that_ends_with_a_role_change_ends_its_sockets(way: tuple[int, int], ours: Business) -> None:
    """Whoever has another role signs in anew: sessions of the old one are over."""
    port, _ = way
    dispatcher = await ours.signed_in(Role.DISPATCHER)
    client = await watching(port, dispatcher)

    await ours.revoke(dispatcher)

    assert await client.closed() == 4403
    assert (await Client.open(port, token(dispatcher))).close_code == 4403


async def unheard(start_api: StartApi) -> int:
    """A process that learns of no commit unless it looks for one: no wake-up, no poll."""
    return await start_api(poll_seconds=3_600.0)


async def test_a_snapshot_read_by_who_had_lost_a_market_is_nobodys(start_api: StartApi, ours: Business) -> None:
    """The one who reads it for the class is out of the class already; the process has not heard of it yet."""
    port, admin = await unheard(start_api), await ours.signed_in(Role.ADMIN)
    mover, other = [await ours.cleaner(ours.north, ours.south) for _ in range(2)]
    await ours.offer(other, ours.north, note="north")
    await ours.offer(other, ours.south, note="south")
    one, two = [await Client.open(port, token(actor)) for actor in (mover, other)]
    wish = SetCleanerMarkets(CleanerId(mover.person), [MarketId(ours.north)])
    await ours.runner.run(Call(admin, set_cleaner_markets, wish))

    moved, stayed = await one.begun(MARKET), await two.begun(MARKET)

    assert [swap["note"] for swap in moved.frames[0]["swaps"]] == ["north"]
    assert sorted(swap["note"] for swap in stayed.frames[0]["swaps"]) == ["north", "south"]
    await one.close()
    await two.close()


async def test_a_snapshot_from_after_a_sessions_end_is_not_shown_to_it(start_api: StartApi, ours: Business) -> None:
    """A colleague has just read it for the whole class; the process has not heard of the end yet."""
    port = await unheard(start_api)
    gone, colleague = await ours.cleaner(), await ours.cleaner()
    one, two = await Client.open(port, token(gone)), await Client.open(port, token(colleague))
    await ours.runner.run(Call(gone, sign_out, SignOut()))
    await ours.offer(colleague, note="later")
    shown = await two.begun(MARKET)

    with contextlib.suppress(ConnectionClosed):
        await one.subscribe(MARKET)

    assert await one.closed() == 4403
    assert all(feed.frames == [] for feed in one.feeds.values())
    assert [swap["note"] for swap in shown.frames[0]["swaps"]] == ["later"]
    await two.close()


class Recorder:
    """A way out that remembers what went, and does something at the first of it."""

    writable = True

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.sent = 0
        self._then = then

    def write(self, messages: Sequence[bytes]) -> None:
        self.sent += len(messages)
        self._then()

    def show(self, prefix: bytes, shared: Shared) -> bool:
        self.write(shared.messages(prefix))
        return True


async def test_a_role_that_changes_while_a_batch_is_shown_ends_the_batch_for_its_socket() -> None:
    """Whoever has not been given the batch yet stands before it, and their standing is read first."""
    tenant, started = TenantId(new_id()), []
    actor = Actor(tenant, Role.OWNER, new_id(), new_id())
    sessions: list[Session] = []

    def demote() -> None:
        sessions[1].stale = True

    watch = Watch(tenant)
    watch.begin(Head(1, 5, 1))
    for outlet in (Recorder(demote), Recorder()):
        sessions.append(Session(actor, datetime.now(UTC), outlet))  # type: ignore[arg-type]
        member: Any = Subscriber(sessions[-1], "1", None, None)  # type: ignore[arg-type]
        group: Any = SimpleNamespace(live={member}, delta=lambda *_: Delta(6, (b"{}",)), payload=lambda *_: b"{}")
        member.group, member.live = group, True
        watch.groups[outlet,] = group
    catch_up: Any = SimpleNamespace(start=lambda session, _watch: started.append(session))
    event = LogEvent(6, "X", new_id(), "{}", (), datetime.now(UTC))

    await Delivery(catch_up).deliver(watch, [event])

    assert [session.outlet.sent for session in sessions] == [1, 0]  # type: ignore[attr-defined]
    assert started == [sessions[1]]
    assert (member.live, member.seq, watch.head) == (False, 5, 6)
