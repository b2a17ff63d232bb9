"""Availability, live, over real sockets."""

from domain.actors import Role
from domain.availability import window_at
from domain.events import Event, EventType
from services.availability import calendar_of
from tests.subscriptions.client import Client
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY


async def submitted(business: Business, cleaner: object, *, number: int) -> Event:
    """A submission's event, as the command emits it."""
    market = await business.db.fetchrow(
        "select * from market where tenant_id = $1 and id = $2", business.tenant, business.north
    )
    period = window_at(calendar_of(Columns(market)), await business.db.fetchval("select now()")).period
    row = await business.db.fetchrow(
        """insert into availability_submission
             (tenant_id, id, cleaner_id, market_id, period_start, submitted_at, is_late)
           values ($1, gen_random_uuid(), $2, $3, $4, now(), false) returning *""",
        business.tenant, cleaner, business.north, period.starts_on,
    )  # fmt: skip
    card = {
        "id": str(row["id"]), "cleaner_id": str(cleaner), "market_id": str(business.north), "is_late": False,
        "slots": [{"starts_at": f"slot {number}"}],
    }  # fmt: skip
    return Event(EventType.AVAILABILITY_SUBMITTED, "AvailabilitySubmission", row["id"], card, (cleaner,))  # type: ignore[arg-type]


class Columns:
    """A row's columns as attributes."""

    def __init__(self, row: object) -> None:
        self.__dict__.update(row)  # type: ignore[call-overload]


async def test_a_submission_reaches_its_cleaner_and_the_office_and_nobody_else(
    api: int, ours: Business, theirs: Business
) -> None:
    """R92, R200, R251."""
    one, other, office = await ours.cleaner(), await ours.cleaner(), await ours.signed_in(Role.ADMIN)
    clients = [await Client.open(api, token(actor)) for actor in (one, office, other, await theirs.cleaner())]
    feeds = [await client.begun(AVAILABILITY) for client in clients]

    await ours.emit(await submitted(ours, one.person, number=1))
    await ours.count(1)
    await theirs.count(1)
    for client, feed, count in zip(clients, feeds, (3, 3, 2, 2), strict=True):
        await client.frames(feed, count)

    shown = ["AvailabilitySnapshot", "AvailabilitySubmitted", "AvailabilityWindowChanged"]
    assert [feed.kinds() for feed in feeds] == [shown, shown, [shown[0], shown[2]], [shown[0], shown[2]]]
    assert all(feed.holes == 0 for feed in feeds)
    for client in clients:
        await client.close()


async def test_the_snapshot_has_the_viewers_markets_and_own_submissions(api: int, ours: Business) -> None:
    one, other, office = await ours.cleaner(), await ours.cleaner(), await ours.signed_in(Role.OWNER)
    for index, actor in enumerate((one, other)):
        await ours.emit(await submitted(ours, actor.person, number=index))

    client, desk = await Client.open(api, token(one)), await Client.open(api, token(office))
    mine, all_of_them = await client.begun(AVAILABILITY), await desk.begun(AVAILABILITY)

    assert [window["marketId"] for window in mine.frames[0]["windows"]] == [str(ours.north)]
    assert [row["cleanerId"] for row in mine.frames[0]["submissions"]] == [str(one.person)]
    assert len(all_of_them.frames[0]["windows"]) == 2
    assert {row["cleanerId"] for row in all_of_them.frames[0]["submissions"]} == {str(one.person), str(other.person)}
    await client.close()
    await desk.close()
