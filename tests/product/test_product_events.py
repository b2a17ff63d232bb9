"""The log read by pages: the feeds' own events with the feeds' own cursors, all of them or an honest resync."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from db.engine import read_pool
from db.ids import new_id
from domain.actors import Actor, Role
from domain.ids import SwapId
from models.spine import DISPATCHED
from services import swaps
from services.cursors import Cursors
from tasks.context import TaskContext, Tools
from tasks.store import Task
from tasks.upkeep import Retention, prune_tenant
from tests.product.furnished import House, kept, signed_in
from tests.product.test_product_matrix import codes
from tests.product.world import Api, Town, World, gid, ops
from tests.subscriptions.client import Client, Feed

EVENTS = """query ($after: Cursor, $first: Int! = 500) { events(after: $after, first: $first) { next hasMore resync
    events { cursor seq type entity entityId card at actorId } } }"""
MARKET = """subscription ($after: Cursor) { swapMarket(after: $after) { __typename
    ... on SwapMarketSnapshot { cursor swaps { id } } ... on SwapListed { cursor previous swap { id } }
    ... on SwapGone { cursor previous swapId } ... on SwapHandedOver { cursor previous swapId }
    ... on Heartbeat { cursor } ... on Resync { reason } } }"""
WINDOWS = """subscription ($after: Cursor) { availability(after: $after) { __typename
    ... on AvailabilitySnapshot { cursor } ... on AvailabilitySubmitted { cursor previous }
    ... on AvailabilityWindowChanged { cursor previous } ... on Heartbeat { cursor } ... on Resync { reason } } }"""
FEEDS = (MARKET, WINDOWS)
PLAIN_ID = re.compile(r'"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"')
UNREAL = "0" * 22


async def page(api: Api, actor: Actor, after: str | None = None, first: int = 500) -> Any:
    """One page of the log."""
    return (await api.data(actor, EVENTS, after=after, first=first))["events"]


async def everything(api: Api, actor: Actor, first: int) -> list[Any]:
    """The log from its beginning, page by page."""
    found: list[Any] = []
    after, more = None, True
    while more:
        one = await page(api, actor, after, first)
        assert one["resync"] is None
        found, after, more = found + one["events"], one["next"], one["hasMore"]
    return found


async def logged(world: World, town: Town) -> list[asyncpg.Record]:
    """The tenant's events as the table has them."""
    return await world.root.fetch("select * from event where tenant_id = $1 order by seq", town.tenant)


def numbers(events: list[Any]) -> list[int]:
    return [event["seq"] for event in events]


async def trade(town: Town, times: int = 1) -> None:
    """Offers and withdrawals: each several events."""
    one = await town.cleaner()
    for number in range(times):
        offered = await town.offer(one, await town.day(3 + number))
        await town.world.run(one, swaps.withdraw_swap, swaps.WithdrawSwap(offered))


@pytest.fixture
async def socket(api: Api, town: Town) -> AsyncIterator[Client]:
    """The owner's open socket."""
    client = await Client.open(api.port, api.world.token(town.owner))
    yield client
    await client.close()


@pytest.fixture(scope="module")
async def house(world: World) -> House:
    return await kept(world, "Egret4")


async def test_the_pages_are_the_log_itself_whole_and_in_order(api: Api, world: World, town: Town, other: Town) -> None:
    """R6: every event of this business once, whatever the size of the pages, and none of the other's."""
    await trade(town, 2)
    await trade(other, 2)
    rows = await logged(world, town)

    for first in (1, 7, 500):
        found = await everything(api, town.owner, first)
        assert numbers(found) == [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert [(one["type"], one["entity"]) for one in found] == [(row["type"], row["entity"]) for row in rows]
        assert [one["entityId"] for one in found] == [gid(row["entity"], row["entity_id"]) for row in rows]
        assert [datetime.fromisoformat(one["at"]) for one in found] == [row["at"] for row in rows]
    assert found[0]["actorId"] is None
    assert found[-1]["actorId"] == gid("Person", rows[-1]["actor_id"])
    assert len({one["cursor"] for one in found}) == len(found)
    told = str(found)
    assert str(other.tenant) not in told
    assert other.slug not in told
    assert town.slug in told


async def test_cards_speak_the_contracts_language(api: Api, house: House) -> None:
    """R4: names as in the schema and ids with which `node` finds the thing; nothing that only tables know."""
    owner = house.who["owner"]
    found = await everything(api, owner, 500)
    by_type = {one["type"]: one for one in found}
    offered = next(one for one in found if one["type"] == "SwapOffered" and one["card"]["ownerId"])
    job = by_type["JobCreated"]

    assert set(by_type) > {"SwapAccepted", "AvailabilitySubmitted", "CleanerChanged", "StaffChanged", "MarketChanged"}
    assert not any(PLAIN_ID.search(str(one["card"]).replace("'", '"')) for one in found)
    assert not any("_" in name for one in found for name in one["card"])
    nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    ids = [offered["entityId"], *(offered["card"][name] for name in ("id", "ownerId", "marketId", "jobId"))]
    ids += [job["card"]["propertyId"], *by_type["CleanerChanged"]["card"]["marketIds"]]
    shown = (await api.data(owner, nodes, ids=ids))["nodes"]
    kinds = ["Swap", "Swap", "Cleaner", "Market", "Job", "Property", "Market"]
    assert [(one["id"], one["__typename"]) for one in shown] == list(zip(ids, kinds, strict=True))


async def test_the_end_is_a_place_to_wait_at(api: Api, town: Town, other: Town) -> None:
    """An empty page keeps its cursor, and what happens next is behind it."""
    end = (await page(api, town.owner))["next"]
    assert await page(api, town.owner, end) == {"next": end, "hasMore": False, "resync": None, "events": []}

    await trade(other)
    assert (await page(api, town.owner, end))["events"] == []
    await trade(town)

    news = await page(api, town.owner, end, first=2)
    assert (len(news["events"]), news["hasMore"]) == (2, True)
    assert news["next"] == news["events"][-1]["cursor"]


async def test_one_cursor_serves_pages_and_feeds_alike(api: Api, socket: Client, town: Town, other: Town) -> None:
    """An event has the same cursor in a frame and in a page; each resumes the other without a gap or a resync."""
    market, windows = await socket.begun(MARKET), await socket.begun(WINDOWS)
    start = (await page(api, town.owner))["next"]
    await trade(other)
    await trade(town)
    await socket.until(lambda: market.kinds()[-1:] == ["SwapGone"])
    found = await page(api, town.owner, market.frames[0]["cursor"])

    assert found == await page(api, town.owner, windows.frames[0]["cursor"])
    assert found == await page(api, town.owner, start)
    of_swaps = [one["cursor"] for one in found["events"] if one["entity"] == "Swap"]
    assert [frame["cursor"] for frame in market.frames[1:]] == of_swaps
    assert (await page(api, town.owner, of_swaps[0]))["events"] == found["events"][-len(of_swaps) + 1 :]

    resumed = [await socket.subscribe(MARKET, after=one) for one in (start, of_swaps[0], found["next"])]
    calm = [await socket.subscribe(WINDOWS, after=one) for one in (start, of_swaps[0])]
    await socket.until(lambda: all(feed.heartbeats for feed in (*resumed, *calm)))
    assert [feed.kinds() for feed in resumed] == [["SwapListed", "SwapGone"], ["SwapGone"], []]
    assert [feed.kinds() for feed in calm] == [[], []]
    assert {feed.holes for feed in (*resumed, *calm)} == {0}
    assert {feed.last for feed in (*resumed, *calm)} == {found["next"]}


async def test_a_cursor_that_cannot_be_continued_says_why_and_where_to_go_on(
    api: Api, world: World, town: Town, other: Town
) -> None:
    """Another epoch, a place ahead, other eyes: as the feeds judge them; no event, and the present end."""
    cursors = Cursors(world.runner.secrets)
    await trade(town)
    cleaner, dispatcher = await town.cleaner(), await town.dispatcher()
    end = (await page(api, town.owner))["next"]
    place = cursors.read(town.tenant, end)
    cleaners = await begun(api, cleaner)
    cases = {
        cursors.write(town.tenant, replace(place, epoch=place.epoch + 1)): "EPOCH_CHANGED",
        cursors.write(town.tenant, replace(place, seq=place.seq + 1)): "CURSOR_AHEAD",
        cursors.write(town.tenant, replace(place, seq=10**18 - 1)): "CURSOR_AHEAD",
        cursors.write(town.tenant, replace(place, view=UNREAL[:8])): "VIEWER_CHANGED",
        (await page(api, dispatcher, first=1))["next"]: "VIEWER_CHANGED",
        cleaners: "VIEWER_CHANGED",
    }

    for cursor, reason in cases.items():
        found = await page(api, town.owner, cursor)
        assert found == {"next": end, "hasMore": False, "resync": reason, "events": []}
    assert (await page(api, town.owner, end))["resync"] is None


async def begun(api: Api, actor: Actor) -> str:
    """The cursor of the swap market's snapshot for this viewer."""
    client = await Client.open(api.port, api.world.token(actor))
    cursor: str = (await client.begun(MARKET)).frames[0]["cursor"]
    await client.close()
    return cursor


async def test_a_cursor_that_was_not_given_here_is_refused(api: Api, town: Town, other: Town) -> None:
    """R3, R19: forged, another business's and malformed ones alike, and lengths that no page has."""
    await trade(town)
    await trade(other)
    mine, foreign = [(await page(api, one.owner, first=3))["next"] for one in (town, other)]
    forged = mine[:-1] + ("0" if mine[-1] != "0" else "1")

    for bad in (forged, foreign, "", "7.1", f"1.1.00000000.{UNREAL}", "٧.1.00000000." + UNREAL, "9" * 400, mine + "\n"):
        answer = await api.ask(town.owner, EVENTS, after=bad)
        assert answer["data"] == {"events": None}
        assert [one["extensions"] for one in answer["errors"]] == [{"code": "INVALID", "field": ["after"]}], bad
    for first in (0, -1, 501, 2_147_483_647):
        answer = await api.ask(town.owner, EVENTS, first=first)
        assert [one["extensions"] for one in answer["errors"]] == [{"code": "INVALID", "field": ["first"]}], first


async def test_nobody_outside_the_office_reads_the_log(api: Api, world: World, house: House) -> None:
    """R20: refused by role, also with a cursor of the business's own."""
    after = (await page(api, house.who["owner"], first=1))["next"]
    outside = [house.who[who] for who in ("cleaner", "novice", "customer")]
    outside += [await signed_in(house, Role.INTEGRATOR), await ops(world)]
    for actor in outside:
        answer = await api.ask(actor, EVENTS, after=after)
        assert (answer["data"], codes(answer)) == ({"events": None}, {"FORBIDDEN"}), actor.role
    assert codes((await api.post(EVENTS)).json()) == {"UNAUTHENTICATED"}
    ended = await signed_in(house, Role.OWNER)
    await world.root.execute("update session set revoked_at = now() where id = $1", ended.session)
    assert codes(await api.ask(ended, EVENTS)) == {"UNAUTHENTICATED"}


async def test_dispatchers_are_shown_the_events_of_their_areas(
    api: Api, world: World, house: House, other: Town
) -> None:
    """R20: neither roles of the office nor sessions nor money; the page goes on past what it leaves out, to its end."""
    dispatcher = house.who["dispatcher"]
    whole = await everything(api, house.who["owner"], 500)
    hidden = {one["entity"] for one in whole} - set(DISPATCHED)
    found = await everything(api, dispatcher, 4)

    assert {"Staff", "Session", "Payment"} & hidden
    assert numbers(found) == [one["seq"] for one in whole if one["entity"] not in hidden]
    connection = await asyncpg.connect(world.servers.database_url)
    async with connection.transaction():
        for name, value in (("tenant_id", dispatcher.tenant), ("actor_id", dispatcher.person), ("role", "dispatcher")):
            await connection.execute("select set_config($1, $2, true)", f"app.{name}", str(value))
        seen = await connection.fetch("select seq from event order by seq")
    await connection.close()
    assert [row["seq"] for row in seen] == numbers(found)


async def test_a_hole_in_the_log_is_no_page(api: Api, world: World, town: Town, other: Town) -> None:
    """What only a damaged log has: a resync, and never the events on both sides of it."""
    await trade(town)
    first, *rest = (await page(api, town.owner))["events"]
    await world.root.execute("delete from event where tenant_id = $1 and seq = $2", town.tenant, rest[1]["seq"])

    for after in (None, first["cursor"]):
        found = await page(api, town.owner, after)
        assert (found["resync"], found["events"], found["next"]) == ("CURSOR_EXPIRED", [], rest[-1]["cursor"])
    whole = await page(api, town.owner, rest[1]["cursor"])
    assert (whole["resync"], whole["events"]) == (None, rest[2:])


@pytest.fixture
async def retention(world: World) -> AsyncIterator[Any]:
    """Runs the retention task for a business, as the worker does."""
    pool = await read_pool(world.servers.database_ops_url, size=2, name="tests-retention")
    tools = Tools(world.runner, SimpleNamespace(), pool, "http://cleanshift.test", SimpleNamespace())

    async def run(town: Town, **keep: Any) -> None:
        task = Task(town.tenant, new_id(), "prune_log", {}, 1, new_id(), await world.now(town.tenant))  # type: ignore[arg-type]
        await prune_tenant(TaskContext(tools, task), town.tenant, Retention(**keep))

    yield run
    await pool.close()


async def first_seq(world: World, town: Town) -> int:
    found: int = await world.root.fetchval("select first_seq from tenant_head where tenant_id = $1", town.tenant)
    return found


async def followed(socket: Client, after: str) -> list[Feed]:
    """Both feeds resumed from a cursor, once each has said something."""
    feeds = [await socket.subscribe(one, after=after) for one in FEEDS]
    await socket.until(lambda: all(len(feed.frames) > 1 or feed.heartbeats for feed in feeds))
    return feeds


async def test_what_retention_deleted_is_announced_and_never_replayed_in_part(
    api: Api, world: World, town: Town, other: Town, retention: Any
) -> None:
    """The mark moves with the deletion: a cursor behind it resyncs in pages and feeds, one at it gets all the rest."""
    await trade(town, 2)
    await trade(other, 2)
    before = (await page(api, town.owner))["events"]
    others, kept_ = await everything(api, other.owner, 500), 6
    mark = before[-kept_]["seq"]

    await retention(town, most_events=kept_)

    assert await first_seq(world, town) == mark
    assert [row["seq"] for row in await logged(world, town)] == numbers(before[-kept_:])
    assert await everything(api, other.owner, 500) == others
    socket = await Client.open(api.port, api.world.token(town.owner))
    for old in before[: -kept_ - 1]:
        found = await page(api, town.owner, old["cursor"])
        assert (found["resync"], found["events"]) == ("CURSOR_EXPIRED", [])
        assert found["next"] == before[-1]["cursor"]
    for feed in await followed(socket, before[-kept_ - 2]["cursor"]):
        assert feed.kinds()[0] == "Resync"
        assert feed.frames[0]["reason"] == "CURSOR_EXPIRED"
        assert feed.kinds()[1] in {"SwapMarketSnapshot", "AvailabilitySnapshot"}
        assert len(feed.frames) == 2
        assert feed.last == before[-1]["cursor"]

    at_the_mark = before[-kept_ - 1]["cursor"]
    for after in (at_the_mark, None):
        assert (await page(api, town.owner, after))["events"] == before[-kept_:]
    market, windows = await followed(socket, at_the_mark)
    await socket.until(lambda: bool(market.heartbeats))
    assert [frame["cursor"] for frame in market.frames] == [
        one["cursor"] for one in before[-kept_:] if one["entity"] == "Swap"
    ]
    assert (market.holes, windows.kinds(), windows.holes) == (0, [], 0)
    await socket.close()


async def test_a_log_whose_every_event_is_too_old_still_has_an_end(
    api: Api, world: World, town: Town, other: Town, retention: Any
) -> None:
    """Seven quiet days: nothing is kept, the newest cursor still holds, and the next event follows it."""
    await trade(town)
    events = (await page(api, town.owner))["events"]
    await world.move_clock(town.tenant, timedelta(days=7, minutes=1))
    watcher = await world.session_of(town.tenant, Role.OWNER)

    await retention(town)

    assert await first_seq(world, town) == len(events) + 1
    end = events[-1]["cursor"]
    for after in (end, None):
        assert await page(api, watcher, after) == {"next": end, "hasMore": False, "resync": None, "events": []}
    assert (await page(api, watcher, events[-2]["cursor"]))["resync"] == "CURSOR_EXPIRED"
    await town.world.run(watcher, swaps.withdraw_swap, swaps.WithdrawSwap(await offered_by(town, watcher)))
    assert numbers((await page(api, watcher, end))["events"])[0] == len(events) + 1


async def offered_by(town: Town, owner: Actor) -> SwapId:
    """A swap whose office has signed in anew."""
    anew = replace(town, owner=owner)
    return await anew.offer(await anew.cleaner())


async def test_pages_read_while_the_log_is_trimmed_are_whole_or_resync(
    api: Api, world: World, town: Town, other: Town, retention: Any
) -> None:
    """Readers from every place, while events are written and deleted: dense from the cursor, or nothing of it."""
    await trade(town, 3)
    start = (await page(api, town.owner))["events"]

    async def trimming() -> None:
        for left in range(len(start) - 2, 2, -4):
            await retention(town, most_events=left)
            await town.job()

    async def reading(cursor: str, seq: int) -> set[str | None]:
        seen: set[str | None] = set()
        for _ in range(8):
            found = await page(api, town.owner, cursor)
            seen.add(found["resync"])
            assert numbers(found["events"]) == list(range(seq + 1, seq + 1 + len(found["events"])))
            assert (found["resync"] is None) is bool(found["events"])
        return seen

    readers = [asyncio.create_task(reading(one["cursor"], one["seq"])) for one in start[:-1:3]]
    await trimming()
    assert set().union(*[await reader for reader in readers]) <= {None, "CURSOR_EXPIRED"}
    assert (await page(api, town.owner, start[0]["cursor"]))["resync"] == "CURSOR_EXPIRED"
