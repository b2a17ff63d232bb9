"""Coming back with a cursor: all of what was missed, once and in order, or an honest new beginning."""

from dataclasses import replace

import pytest

from domain.actors import Actor, Role
from services.cursors import Cursors, Place
from tests.subscriptions.client import Client, Feed
from tests.subscriptions.conftest import StartApi
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, MARKET, SECRETS

CURSORS = Cursors(SECRETS)


def numbers(feed: Feed) -> list[int]:
    return [frame["window"]["number"] for frame in feed.frames if frame["__typename"] == "AvailabilityWindowChanged"]


async def left_at(port: int, actor: Actor) -> str:
    """The cursor of a client that has just seen a snapshot, and left."""
    client = await Client.open(port, token(actor))
    feed = await client.begun(AVAILABILITY)
    await client.close()
    return str(feed.frames[0]["cursor"])


async def test_what_was_missed_comes_once_and_in_order_and_goes_on_live(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    cursor = await left_at(api, one)
    for number in range(5):
        await ours.count(number)

    client = await Client.open(api, token(one))
    feed = await client.subscribe(AVAILABILITY, after=cursor)
    await client.until(lambda: len(feed.frames) == 5)
    await ours.count(5)
    await client.until(lambda: len(feed.frames) == 6)

    assert numbers(feed) == list(range(6))
    assert feed.holes == 0
    await client.close()


async def test_far_more_than_the_ring_is_replayed_from_the_database(start_api: StartApi, ours: Business) -> None:
    one = await ours.cleaner()
    cursor = await left_at(await start_api(), one)
    for start in range(0, 1500, 100):
        await ours.count(*range(start, start + 100))

    # A process that has not seen any of it.
    client = await Client.open(await start_api(), token(one))
    feed = await client.subscribe(AVAILABILITY, after=cursor)
    await client.until(lambda: len(feed.frames) >= 1500)

    assert numbers(feed) == list(range(1500))
    assert feed.holes == 0
    await client.close()


async def test_a_forged_a_foreign_and_a_malformed_cursor_are_refused_and_the_id_is_free_again(
    api: int, ours: Business, theirs: Business
) -> None:
    one, foreign = await ours.cleaner(), await theirs.cleaner()
    mine, alien = await left_at(api, one), await left_at(api, foreign)
    forged = mine[:-1] + ("0" if mine[-1] != "0" else "1")
    client = await Client.open(api, token(one))

    for bad in (forged, alien, "", "7.1", "٧.1.00000000." + "0" * 22, "9" * 400, mine + "\n"):
        errors = await client.run(AVAILABILITY, after=bad)
        assert (errors[0]["extensions"]["code"], errors[0]["extensions"]["field"]) == ("INVALID", ["after"])
    feed = client.feeds["1"] = Feed()
    await client.send({"id": "1", "type": "subscribe", "payload": {"query": AVAILABILITY}})
    await client.frames(feed, 1)
    assert client.close_code is None
    await client.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seq": 10_000}, "CURSOR_AHEAD"),
        ({"epoch": 6}, "EPOCH_CHANGED"),
        ({"epoch": 8}, "EPOCH_CHANGED"),
        ({"view": "00000000"}, "VIEWER_CHANGED"),
    ],
)
async def test_a_cursor_that_cannot_be_continued_gets_resync_and_snapshot_in_the_same_operation(
    api: int, ours: Business, change: dict[str, int], reason: str
) -> None:
    one = await ours.cleaner()
    await ours.count(1)
    place = CURSORS.read(ours.tenant, await left_at(api, one))
    cursor = CURSORS.write(ours.tenant, replace(place, **change))  # type: ignore[arg-type]
    client = await Client.open(api, token(one))

    feed = await client.subscribe(AVAILABILITY, after=cursor)
    await client.until(lambda: len(feed.frames) == 2)
    await ours.count(2)
    await client.until(lambda: len(feed.frames) == 3)

    assert feed.kinds() == ["Resync", "AvailabilitySnapshot", "AvailabilityWindowChanged"]
    assert feed.frames[0]["reason"] == reason
    await client.close()


async def test_a_cursor_older_than_the_log_gets_a_resync_and_the_oldest_possible_one_everything(
    api: int, ours: Business
) -> None:
    one = await ours.cleaner()
    await ours.count(*range(1, 11))
    place = CURSORS.read(ours.tenant, await left_at(api, one))
    await ours.db.execute("delete from event where tenant_id = $1 and seq <= 4", ours.tenant)
    await ours.db.execute("update tenant_head set first_seq = 5 where tenant_id = $1", ours.tenant)
    client = await Client.open(api, token(one))

    too_old = await client.subscribe(AVAILABILITY, CURSORS.write(ours.tenant, replace(place, seq=3)))
    just = await client.subscribe(AVAILABILITY, CURSORS.write(ours.tenant, replace(place, seq=4)))
    await client.until(lambda: len(too_old.frames) == 2 and len(just.frames) == 6)

    assert too_old.kinds() == ["Resync", "AvailabilitySnapshot"]
    assert too_old.frames[0]["reason"] == "CURSOR_EXPIRED"
    assert numbers(just) == list(range(5, 11))
    await client.close()


async def test_a_new_epoch_reaches_live_feeds_as_resync_and_snapshot(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    client = await Client.open(api, token(one))
    feed = await client.begun(AVAILABILITY)

    await ours.db.execute("update tenant_head set epoch = 8 where tenant_id = $1", ours.tenant)
    await client.until(lambda: len(feed.frames) == 3)
    await ours.count(1)
    await client.until(lambda: len(feed.frames) == 4)

    assert feed.kinds()[1:] == ["Resync", "AvailabilitySnapshot", "AvailabilityWindowChanged"]
    assert feed.frames[1]["reason"] == "EPOCH_CHANGED"
    assert CURSORS.read(ours.tenant, feed.frames[-1]["cursor"]).epoch == 8
    await client.close()


async def test_who_comes_back_with_other_markets_gets_a_snapshot_and_no_deltas(api: int, ours: Business) -> None:
    one = await ours.cleaner()
    client = await Client.open(api, token(one))
    cursor = (await client.begun(MARKET)).frames[0]["cursor"]
    await client.close()

    await ours.put_in_market(one.person, ours.south)
    again = await Client.open(api, token(one))
    feed = await again.subscribe(MARKET, after=cursor)
    await again.until(lambda: len(feed.frames) == 2)

    assert feed.kinds() == ["Resync", "SwapMarketSnapshot"]
    assert feed.frames[0]["reason"] == "VIEWER_CHANGED"
    await again.close()


async def test_a_heartbeat_carries_a_cursor_to_come_back_with_and_counts_as_previous(
    start_api: StartApi, ours: Business
) -> None:
    one, office = await ours.cleaner(), await ours.signed_in(Role.OWNER)
    client = await Client.open(await start_api(heartbeat_seconds=0.5), token(one))
    feed = await client.begun(AVAILABILITY)
    await ours.emit(ours.window(1, ours.south))

    await client.until(lambda: bool(feed.heartbeats) and _seq(ours, feed.heartbeats[-1]["cursor"]) == 1)
    beat = feed.heartbeats[-1]["cursor"]
    await ours.count(2)
    await client.until(lambda: len(feed.frames) == 2)
    await client.close()
    again = await Client.open(await start_api(), token(one))
    resumed = await again.subscribe(AVAILABILITY, after=beat)
    await again.until(lambda: len(resumed.frames) == 1)

    assert (feed.holes, resumed.holes) == (0, 0)
    assert numbers(resumed) == [2]
    assert office.tenant == ours.tenant
    await again.close()


def _seq(business: Business, cursor: str) -> int:
    return CURSORS.read(business.tenant, cursor).seq


def test_a_cursor_holds_for_its_tenant_only(ours: Business, theirs: Business) -> None:
    place = Place(7, 42, "0123abcd")
    cursor = CURSORS.write(ours.tenant, place)

    assert CURSORS.read(ours.tenant, cursor) == place
    assert CURSORS.write(theirs.tenant, place) != cursor
