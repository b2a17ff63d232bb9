"""Jobs, live, over real sockets of the product: who is shown what of a clean, from planning to its proof."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.actors import Actor, CleanerId, Role
from domain.ids import AssignmentId, SwapId
from domain.scheduling import AssignmentRole
from services import customers, swaps
from services.fieldwork.arrivals import NoteAbsence, note_absence
from services.identity import business, cleaners
from tests.product.world import World, gid
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.site import HOUR, JOB, JOBS, Site, a_site, stranger_id

DAY = timedelta(days=1)


@pytest.fixture
async def site(world: World) -> Site:
    return await a_site(world)


async def watching(
    site: Site, port: int, *who: Actor, query: str = JOBS, **variables: Any
) -> list[tuple[Client, Feed]]:
    """A socket for each, with its snapshot there."""
    pairs = []
    for one in who:
        client = await site.client(port, one)
        feed = await client.subscribe(query, **variables)
        await client.until(lambda feed=feed: bool(feed.frames) or feed.errors is not None)  # type: ignore[misc]
        pairs.append((client, feed))
    return pairs


async def settled(site: Site, pairs: list[tuple[Client, Feed]]) -> None:
    for client, feed in pairs:
        await site.settled(client, feed)


async def close(*pairs: tuple[Client, Feed]) -> None:
    for client, _ in pairs:
        await client.close()


def cards(feed: Feed) -> list[dict[str, Any]]:
    return [frame["job"] for frame in feed.frames if frame["__typename"] == "JobShown"]


def held(feed: Feed) -> dict[str, Any]:
    """What a client has in hand."""
    jobs: dict[str, Any] = {}
    for frame in feed.frames:
        match frame["__typename"]:
            case "JobsSnapshot":
                jobs = {job["id"]: job for job in frame["jobs"]}
            case "JobShown":
                jobs[frame["job"]["id"]] = frame["job"]
            case "JobGone":
                jobs.pop(frame["jobId"], None)
    return jobs


async def test_a_clean_is_followed_by_office_cleaner_and_customer_and_by_nobody_else(
    world: World, ports: list[int], site: Site
) -> None:
    """R104, R126, R202, A16: what is over leaves the cleaner's and the customer's list and stays on the board."""
    theirs = await a_site(world)
    concerned = await watching(site, ports[0], site.dispatcher, site.cleaner, site.customer)
    others = await watching(site, ports[1], site.colleague, site.neighbour, theirs.town.owner, theirs.cleaner)

    await site.arrive()
    await site.work()
    await site.tick()
    await site.leave()
    await site.accept()
    await settled(site, concerned)
    await theirs.tick_over()
    await settled(site, others[:2])
    await settled(theirs, others[2:])

    office, cleaner, customer = (feed for _, feed in concerned)
    phases = ["INSTRUCTION", "ARRIVAL", "ARRIVAL", "IN_PROGRESS", "IN_PROGRESS", "COMPLETION", "DONE"]
    assert [card["crew"][0]["phase"] for card in cards(office)][: len(phases)] == phases
    assert [frame["event"] for frame in office.frames[1:]][-2:] == ["JobSubmitted", "JobCompleted"]
    assert held(office)[site.id]["status"] == "COMPLETED"
    assert held(office)[site.id]["evidenceStatus"] == "OVERRIDDEN"
    assert held(office)[site.id]["progress"]["itemsDone"] == 1
    assert held(office)[site.id]["crew"][0]["checkedOutAt"] is not None
    for feed in (cleaner, customer):
        assert (feed.frames[-1]["__typename"], feed.frames[-1]["because"]) == ("JobGone", "OVER")
        assert held(feed) == {}
    assert [card["progress"] for card in cards(cleaner)] == [card["progress"] for card in cards(office)][:-1]
    assert {card["customerId"] for card in cards(cleaner)} == {None}
    assert {(card["progress"], card["evidenceStatus"]) for card in cards(customer)} == {(None, None)}
    assert {frame["event"] for frame in customer.frames[1:-1]} == {None}
    for _, feed in others:
        assert site.id not in str(feed.frames)
    assert all(feed.holes == 0 for _, feed in concerned + others)
    await close(*concerned, *others)


async def test_who_is_taken_off_is_told_so_and_nothing_more(ports: list[int], site: Site) -> None:
    pairs = await watching(site, ports[0], site.cleaner, site.colleague)
    (_, gone), (_, put) = pairs

    await site.release()
    await site.assign(site.colleague)
    await site.change(expected_hours=Decimal(4))
    await settled(site, pairs)

    assert [(frame["jobId"], frame["because"]) for frame in gone.frames[1:]] == [(site.id, "RELEASED")]
    assert [card["expectedHours"] for card in cards(put)] == ["3.00", "4.00"]
    assert [part["cleanerId"] for part in cards(put)[0]["crew"]] == [gid("Cleaner", site.colleague.person)]
    await close(*pairs)


async def test_a_cleaner_sees_their_own_part_of_a_crew_and_the_customer_all_of_it(ports: list[int], site: Site) -> None:
    await site.assign(site.colleague, role=AssignmentRole.LAUNDRY_LEAD)
    pairs = await watching(site, ports[0], site.cleaner, site.colleague, site.customer, site.town.owner)
    await site.arrive()
    await settled(site, pairs)

    crews = [[part["role"] for part in held(feed)[site.id]["crew"]] for _, feed in pairs]
    assert crews == [["PRIMARY"], ["LAUNDRY_LEAD"], ["PRIMARY", "LAUNDRY_LEAD"], ["PRIMARY", "LAUNDRY_LEAD"]]
    assert held(pairs[1][1])[site.id]["crew"][0]["visitId"] is None
    await close(*pairs)


async def test_a_swap_moves_the_job_from_one_list_to_the_other_and_back(ports: list[int], site: Site) -> None:
    """R97, R102, A29."""
    later = await site.town.shift(site.cleaner)
    pairs = await watching(
        site, ports[0], site.cleaner, site.colleague, site.dispatcher, until=_far(site, await now(site))
    )
    (_, giver), (_, taker), (_, office) = pairs
    offered: SwapId = await site.run(site.cleaner, swaps.offer_swap, swaps.OfferSwap(AssignmentId(later)))

    await site.run(site.colleague, swaps.accept_swap, swaps.AcceptSwap(offered))
    await settled(site, pairs)
    moved = next(id for id in held(office) if id != site.id)
    assert (set(held(giver)), set(held(taker))) == ({site.id}, {moved})
    assert held(office)[moved]["crew"][0]["cleanerId"] == gid("Cleaner", site.colleague.person)

    await site.run(site.colleague, swaps.return_swap, swaps.ReturnSwap(offered))
    await settled(site, pairs)
    assert (set(held(giver)), set(held(taker))) == ({site.id, moved}, set())
    assert held(office)[moved]["crew"][0]["cleanerId"] == gid("Cleaner", site.cleaner.person)
    await close(*pairs)


async def now(site: Site) -> Any:
    return await site.town.world.now(site.town.tenant)


def _far(site: Site, at: Any) -> str:
    return str((at + 20 * DAY).isoformat())


async def test_nobody_there_is_an_alert_on_the_board_and_no_word_of_it_to_the_customer(
    world: World, ports: list[int], site: Site
) -> None:
    """A46."""
    pairs = await watching(site, ports[0], site.dispatcher, site.customer)
    (_, office), (_, customer) = pairs
    await world.move_clock(site.town.tenant, HOUR + timedelta(minutes=31))

    await world.run(Actor.system(site.town.tenant), note_absence, NoteAbsence(site.job))
    await settled(site, pairs)

    assert "JobLate" in [frame["event"] for frame in office.frames[1:]]
    assert held(office)[site.id]["lateAt"] is not None
    assert "JobLate" not in str(customer.frames)
    assert held(customer)[site.id]["lateAt"] is None
    await close(*pairs)


async def test_who_comes_back_gets_what_was_missed_and_with_other_days_a_snapshot(ports: list[int], site: Site) -> None:
    ((client, feed),) = await watching(site, ports[0], site.cleaner)
    await client.close()
    await site.instruct()

    again = await site.client(ports[1], site.cleaner)
    resumed = await again.begun(JOBS, feed.last)
    await site.settled(again, resumed)
    other = await again.subscribe(JOBS, feed.last, until=_far(site, await now(site)))
    await again.frames(other, 2)

    assert resumed.kinds() == ["JobShown"] * 2
    assert [card["crew"][0]["phase"] for card in cards(resumed)] == ["INSTRUCTION", "ARRIVAL"]
    assert resumed.holes == 0
    assert (other.kinds(), other.frames[0]["reason"]) == (["Resync", "JobsSnapshot"], "VIEWER_CHANGED")
    await again.close()


async def test_one_job_is_followed_beyond_its_end(world: World, ports: list[int], site: Site) -> None:
    """The proof becomes the customer's to see once the job is over (matrix of RULES 2.2)."""
    who = (site.dispatcher, site.cleaner, site.customer)
    pairs = await watching(site, ports[0], *who, query=JOB, id=site.id)
    elsewhere = await watching(site, ports[0], site.colleague, site.neighbour, query=JOB, id=site.id)
    await site.town.job()
    await site.arrive()
    await site.work()
    await site.leave()
    await site.accept()
    await settled(site, pairs + elsewhere)

    for _, feed in pairs:
        assert set(held(feed)) == {site.id}
        assert held(feed)[site.id]["status"] == "COMPLETED"
    customer = pairs[2][1]
    assert {card["progress"] for card in cards(customer)[:-1]} == {None}
    assert cards(customer)[-1]["progress"]["photosAfterRequired"] == 1
    assert [feed.frames for _, feed in elsewhere if feed.kinds() != ["JobsSnapshot"] or feed.frames[0]["jobs"]] == []
    fresh = await watching(site, ports[1], *who, query=JOB, id=site.id)
    assert [held(feed) for _, feed in fresh] == [held(feed) for _, feed in pairs]
    await close(*pairs, *elsewhere, *fresh)


async def test_one_job_comes_and_goes_with_its_cleaner(ports: list[int], site: Site) -> None:
    pairs = await watching(site, ports[0], site.cleaner, site.colleague, query=JOB, id=site.id)
    (_, gone), (_, put) = pairs

    await site.release()
    await site.assign(site.colleague)
    await settled(site, pairs)

    assert gone.kinds() == ["JobsSnapshot", "JobGone"]
    assert put.kinds() == ["JobsSnapshot", "JobShown"]
    assert put.frames[0]["jobs"] == []
    await close(*pairs)


@pytest.mark.parametrize("kind", ["unknown", "foreign"])
async def test_an_unknown_and_a_foreign_job_look_alike(world: World, ports: list[int], site: Site, kind: str) -> None:
    """R3."""
    theirs = await a_site(world)
    id = stranger_id() if kind == "unknown" else theirs.id
    pairs = await watching(site, ports[0], site.town.owner, site.cleaner, site.customer, query=JOB, id=id)
    await theirs.instruct()
    await site.instruct()
    await settled(site, pairs)

    assert [(feed.kinds(), feed.frames[0]["jobs"]) for _, feed in pairs] == [(["JobsSnapshot"], [])] * 3
    await close(*pairs)


async def test_what_cannot_be_asked_for_is_refused_and_leaves_the_socket_open(ports: list[int], site: Site) -> None:
    client = await site.client(ports[0], site.town.owner)
    asked = [
        (JOB, {"id": "nonsense"}, "INVALID_ID"),
        (JOB, {"id": gid("Swap", site.job)}, "INVALID_ID"),
        (JOBS, {"from": "2026-01-01T00:00:00Z", "until": "2026-02-02T00:00:00Z"}, "INVALID"),
        (JOBS, {"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "INVALID"),
        (JOBS, {"from": "2026-01-02T00:00:00"}, "INVALID"),
    ]
    for query, variables, code in asked:
        feed = await client.subscribe(query, **variables)
        await client.until(lambda feed=feed: feed.errors is not None)  # type: ignore[misc]
        assert feed.errors is not None
        assert feed.errors[0]["extensions"]["code"] == code, variables
    assert (await client.begun(JOBS)).kinds() == ["JobsSnapshot"]
    await client.close()


async def test_who_has_not_finished_joining_sees_no_job(world: World, ports: list[int], site: Site) -> None:
    """R18."""
    form = cleaners.CreateCleaner("Novice", market_ids=[site.town.market])
    novice = await site.run(site.town.owner, cleaners.create_cleaner, form)
    await site.town._credential(novice)
    (pair,) = await watching(site, ports[0], await world.session_of(site.town.tenant, Role.CLEANER, novice))

    assert pair[1].errors is not None
    assert pair[1].errors[0]["extensions"]["code"] == "ONBOARDING_INCOMPLETE"
    await close(pair)


async def test_the_board_has_the_days_that_were_asked_for(ports: list[int], site: Site) -> None:
    """A job that is moved out of them goes, one that is moved into them comes; others are no more than not there."""
    today = (await now(site)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {"from": (today + 5 * DAY).isoformat(), "until": (today + 6 * DAY).isoformat()}
    pairs = await watching(site, ports[0], site.dispatcher, **days)
    usual = await watching(site, ports[0], site.dispatcher)
    ((_, board),) = pairs

    await site.change(is_urgent=False)
    await site.change(starts_at=today + 5 * DAY + 10 * HOUR)
    await site.change(starts_at=today + 8 * DAY)
    await site.change(expected_hours=Decimal(2))
    await settled(site, pairs + usual)

    assert board.kinds() == ["JobsSnapshot", "JobGone", "JobShown", "JobGone", "JobGone"]
    assert {frame["because"] for frame in board.frames if frame["__typename"] == "JobGone"} == {"MOVED"}
    assert held(usual[0][1]) == {}
    await close(*pairs, *usual)


async def test_a_board_that_is_left_open_goes_on_to_the_next_day(world: World, ports: list[int], site: Site) -> None:
    far = await site.town.job(await now(site) + 4 * DAY)
    pairs = await watching(site, ports[0], site.dispatcher, site.cleaner)
    (client, board), (_, own) = pairs
    assert set(held(board)) == {site.id}

    await world.move_clock(site.town.tenant, 3 * DAY)
    # That somebody else comes tells this process how late it is.
    await close(*await watching(site, ports[0], site.colleague))
    await client.frames(board, 2)

    assert board.kinds() == ["JobsSnapshot", "JobsSnapshot"]
    assert set(held(board)) == {gid("Job", far)}
    assert own.kinds() == ["JobsSnapshot"]
    await close(*pairs)


async def test_what_stands_on_many_cards_is_drawn_anew(ports: list[int], site: Site) -> None:
    who = (site.dispatcher, site.cleaner, site.customer, site.neighbour)
    pairs = await watching(site, ports[0], *who)
    home = await site.town.world.root.fetchval("select property_id from job where id = $1", site.job)

    form = cleaners.UpdateCleaner(CleanerId(site.cleaner.person), name="Another name")
    await site.run(site.town.owner, cleaners.update_cleaner, form)
    await site.run(site.town.owner, business.update_market, business.UpdateMarket(site.town.market, name="Elsewhere"))
    moved = customers.UpdateProperty(home, city="Key West", latitude=24.5551, longitude=-81.78)
    await site.run(site.town.owner, customers.update_property, moved)
    fresh: list[tuple[Client, Feed]] = []
    async with asyncio.timeout(30):
        while not fresh or [held(feed) for _, feed in pairs] != [held(feed) for _, feed in fresh]:
            await close(*fresh)
            await settled(site, pairs)
            fresh = await watching(site, ports[1], *who)

    card = held(pairs[0][1])[site.id]
    assert (card["crew"][0]["cleanerName"], card["city"]) == ("Another name", "Key West")
    assert {frame["__typename"] for _, feed in pairs for frame in feed.frames} == {"JobsSnapshot"}
    await close(*pairs, *fresh)


async def test_a_cleaner_who_left_a_market_keeps_their_job_there_without_its_market(
    ports: list[int], site: Site
) -> None:
    form = cleaners.SetCleanerMarkets(CleanerId(site.cleaner.person), [])
    await site.run(site.town.owner, cleaners.set_cleaner_markets, form)
    pairs = await watching(site, ports[0], site.cleaner, site.dispatcher)
    await site.change(expected_hours=Decimal(2))
    await settled(site, pairs)

    snapshot, shown = pairs[0][1].frames[0]["jobs"][0], cards(pairs[0][1])[0]
    assert (snapshot["marketId"], snapshot["zone"], shown["marketId"], shown["zone"]) == (None,) * 4
    assert cards(pairs[1][1])[0]["zone"] is not None
    await close(*pairs)
