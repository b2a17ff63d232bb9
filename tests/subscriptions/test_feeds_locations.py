"""Where cleaners are, live: the office and that customer, while the job runs, and nobody else or later (R201)."""

from typing import Any

import pytest

from domain.actors import Actor
from domain.scheduling import AssignmentRole
from tests.product.world import World, gid
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.site import WHERE, Site, a_site


@pytest.fixture
async def site(world: World) -> Site:
    return await a_site(world)


async def watching(site: Site, port: int, *who: Actor, after: str | None = None, id: str | None = None) -> Any:
    pairs = []
    for one in who:
        client = await site.client(port, one)
        feed = await client.subscribe(WHERE, after, id=id or site.id)
        await client.until(lambda feed=feed: bool(feed.frames) or feed.errors is not None)  # type: ignore[misc]
        pairs.append((client, feed))
    return pairs


async def settled(site: Site, pairs: list[tuple[Client, Feed]]) -> None:
    for client, feed in pairs:
        await site.settled(client, feed)


async def close(*pairs: tuple[Client, Feed]) -> None:
    for client, _ in pairs:
        await client.close()


def places(feed: Feed) -> list[float]:
    return [frame["location"]["latitude"] for frame in feed.frames if frame["__typename"] == "LocationMoved"]


async def test_office_and_customer_follow_a_cleaner_until_the_visit_ends_and_nobody_else_does(
    world: World, ports: list[int], site: Site
) -> None:
    theirs = await a_site(world)
    allowed = await watching(site, ports[0], site.dispatcher, site.town.owner, site.customer)
    strangers = await watching(site, ports[1], site.neighbour)
    strangers += await watching(theirs, ports[1], theirs.town.owner, id=site.id)
    visit = await site.arrive()
    await site.work()
    await site.moved(visit, 25.5)
    await site.moved(visit, 25.6)
    joined = await watching(site, ports[1], site.customer, site.dispatcher)
    await site.leave()
    await site.accept()
    await settled(site, allowed + strangers[:1] + joined)

    for _, feed in allowed:
        assert feed.kinds()[:3] == ["LocationsSnapshot", "LocationMoved", "LocationMoved"]
        assert (places(feed), feed.frames[0]["isRunning"]) == ([25.5, 25.6], False)
        assert set(feed.kinds()[3:-1]) == {"LocationGone"}
        assert feed.kinds()[-1] == "LocationsEnded"
        assert feed.frames[3]["visitIds"] == [gid("Visit", visit)]
        assert feed.holes == 0
    for _, feed in joined:
        assert feed.frames[0]["isRunning"]
        assert [one["latitude"] for one in feed.frames[0]["locations"]] == [25.6]
    for _, feed in strangers:
        assert (feed.kinds(), feed.frames[0]["locations"]) == (["LocationsSnapshot"], [])
        assert not feed.frames[0]["isRunning"]
    await close(*allowed, *strangers, *joined)


async def test_colleagues_do_not_watch_each_other(ports: list[int], site: Site) -> None:
    pairs = await watching(site, ports[0], site.cleaner, site.colleague)

    assert [feed.errors[0]["extensions"]["code"] for _, feed in pairs] == ["FORBIDDEN", "FORBIDDEN"]
    await close(*pairs)


async def test_who_comes_back_is_never_told_where_somebody_was(ports: list[int], site: Site) -> None:
    """Neither while the job runs nor after it: a cursor brings nobody's way back."""
    pairs = await watching(site, ports[0], site.dispatcher, site.customer)
    visit = await site.arrive()
    await site.work()
    cursors = [feed.last for _, feed in pairs]
    await close(*pairs)
    await site.moved(visit, 25.5)
    await site.moved(visit, 25.6)
    running = [
        (await watching(site, ports[1], who, after=cursor))[0]
        for who, cursor in zip((site.dispatcher, site.customer), cursors, strict=True)
    ]
    await site.leave()
    await site.accept()
    over = [
        (await watching(site, ports[1], who, after=cursor))[0]
        for who, cursor in zip((site.dispatcher, site.customer), cursors, strict=True)
    ]
    await settled(site, running + over)

    for _, feed in running:
        assert [one["latitude"] for one in feed.frames[0]["locations"]] == [25.6]
        assert (places(feed), feed.kinds()[-1]) == ([], "LocationsEnded")
    for _, feed in over:
        # A snapshot that was drawn for another within the last second is followed by what ended since.
        assert places(feed) == []
        assert not feed.frames[0]["isRunning"] or feed.kinds()[-1] == "LocationsEnded"
    await close(*running, *over)


async def test_of_two_the_one_who_leaves_is_gone_and_the_other_stays(ports: list[int], site: Site) -> None:
    shift = await site.assign(site.colleague, role=AssignmentRole.LAUNDRY_LEAD)
    one = await site.arrive()
    other = await site.arrive(site.colleague, shift)
    await site.work()
    await site.work(site.colleague, shift)
    pairs = await watching(site, ports[0], site.customer)
    ((_, feed),) = pairs
    await site.moved(one, 25.5)
    await site.moved(other, 25.7)
    await site.leave()
    await site.moved(other, 25.8)
    await settled(site, pairs)
    fresh = await watching(site, ports[1], site.customer)

    gone = [frame["visitIds"] for frame in feed.frames if frame["__typename"] == "LocationGone"]
    assert gone
    assert {tuple(ids) for ids in gone} == {(gid("Visit", one),)}
    assert places(feed)[-1] == 25.8
    assert [place["visitId"] for place in fresh[0][1].frames[0]["locations"]] == [gid("Visit", other)]
    await close(*pairs, *fresh)


async def test_another_jobs_cleaner_is_not_on_this_jobs_map(ports: list[int], site: Site) -> None:
    other = await site.town.job()
    pairs = await watching(site, ports[0], site.dispatcher, id=gid("Job", other))
    visit = await site.arrive()
    await site.moved(visit, 25.5)
    await settled(site, pairs)

    assert [feed.kinds() for _, feed in pairs] == [["LocationsSnapshot"]]
    await close(*pairs)
