"""The submission window over HTTP, by the market's own wall clock (R84 to R93, A23 to A25)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.actors import Actor, Role
from tests.product.world import Api, Town, gid

WINDOW = """query ($id: ID!) { availabilityWindow(marketId: $id) {
    state serverTime opensAt deadlineAt graceEndsAt periodStart periodEnd next { opensAt deadlineAt } } }"""
MADE = """availabilitySubmission { id periodStart isLate isBypass version slots { startsAt endsAt } }
    more: errors { details }"""
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Sunday:
    """A submission Sunday in New York, in UTC, and the one after it."""

    opens_at: datetime
    deadline_at: datetime
    grace_ends_at: datetime
    next_opens_at: datetime
    next_deadline_at: datetime
    monday: date


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


SPRING = Sunday(
    utc("2027-03-14T05:00"), utc("2027-03-14T22:00"), utc("2027-03-14T23:00"),
    utc("2027-03-28T04:00"), utc("2027-03-28T22:00"), date(2027, 3, 15),
)  # fmt: skip
"""The day on which the clocks go forward: midnight is EST, 6 PM is EDT."""
AUTUMN = Sunday(
    utc("2027-11-07T04:00"), utc("2027-11-07T23:00"), utc("2027-11-08T00:00"),
    utc("2027-11-21T05:00"), utc("2027-11-21T23:00"), date(2027, 11, 8),
)  # fmt: skip
"""The day on which the clocks go back: midnight is EDT, 6 PM is EST."""
ANYWHEN = SPRING


async def set_clock(town: Town, instant: datetime) -> None:
    await town.world.move_clock(town.tenant, instant - await town.world.now(town.tenant))


async def signed_in(town: Town, who: Actor) -> Actor:
    """Their session by the clock as it stands now: the one from before the move is long over."""
    return await town.world.session_of(town.tenant, who.role, who.person)


async def trace(town: Town) -> dict[str, int]:
    """What was written, but for the sessions that each move of the clock makes necessary."""
    left = await town.world.trace(town.tenant)
    return {**left, "audit": await town.world.count("audit", town.tenant, "action <> 'open_session_for'")}


def slot(monday: date, day: int, start: str = "13:00", end: str = "18:00") -> dict[str, str]:
    """A slot (UTC) on a day of the two weeks; 13 to 18 is within one day in New York."""
    on = (monday + day * DAY).isoformat()
    return {"startsAt": f"{on}T{start}:00Z", "endsAt": f"{on}T{end}:00Z"}


async def submit(api: Api, town: Town, who: Actor, slots: list[dict[str, str]]) -> Any:
    form = {"marketId": gid("Market", town.market), "slots": slots}
    return await api.do(await signed_in(town, who), "submitAvailability", form, MADE)


async def window(api: Api, town: Town, who: Actor) -> Any:
    asking = await signed_in(town, who)
    return (await api.data(asking, WINDOW, id=gid("Market", town.market)))["availabilityWindow"]


def parsed(answer: dict[str, Any]) -> list[datetime]:
    return [datetime.fromisoformat(answer[name]) for name in ("opensAt", "deadlineAt", "graceEndsAt")]


@pytest.mark.parametrize("sunday", [SPRING, AUTUMN], ids=["clocks go forward", "clocks go back"])
async def test_the_window_opens_graces_and_closes_by_the_markets_wall_clock(
    api: Api, town: Town, other: Town, sunday: Sunday
) -> None:
    """R85 to R89, A25: on both days on which the clocks change; the other business's clock is its own."""
    cleaner, stranger = await town.cleaner(), await other.cleaner()
    elsewhere = await window(api, other, stranger)
    this = [sunday.opens_at, sunday.deadline_at, sunday.grace_ends_at]
    moments = [
        (sunday.opens_at - MINUTE, "CLOSED", sunday.opens_at),
        (sunday.opens_at, "OPEN", sunday.next_opens_at),
        (sunday.deadline_at - MINUTE, "OPEN", sunday.next_opens_at),
        (sunday.deadline_at, "GRACE", sunday.next_opens_at),
        (sunday.grace_ends_at - MINUTE, "GRACE", sunday.next_opens_at),
    ]

    for moment, state, opens_next in moments:
        await set_clock(town, moment)
        shown = await window(api, town, cleaner)
        assert (shown["state"], parsed(shown)) == (state, this)
        assert (shown["periodStart"], shown["periodEnd"]) == (str(sunday.monday), str(sunday.monday + 13 * DAY))
        assert datetime.fromisoformat(shown["next"]["opensAt"]) == opens_next
        assert timedelta(0) <= datetime.fromisoformat(shown["serverTime"]) - moment < MINUTE

    await set_clock(town, sunday.grace_ends_at)
    closed = await window(api, town, cleaner)
    assert closed["state"] == "CLOSED"
    assert parsed(closed)[:2] == [sunday.next_opens_at, sunday.next_deadline_at]
    assert datetime.fromisoformat(closed["next"]["deadlineAt"]) == sunday.next_deadline_at
    assert closed["periodStart"] == str(sunday.monday + 14 * DAY)
    untouched = await window(api, other, stranger)
    assert {**untouched, "serverTime": ""} == {**elsewhere, "serverTime": ""}


@pytest.mark.parametrize("sunday", [SPRING, AUTUMN], ids=["clocks go forward", "clocks go back"])
async def test_a_cleaner_submits_replaces_and_is_late_in_the_grace_hour(
    api: Api, town: Town, other: Town, sunday: Sunday
) -> None:
    """R84, R86, R92, R93, A23b, A24."""
    cleaner = await town.cleaner()
    elsewhere = await trace(other)
    await set_clock(town, sunday.opens_at)
    first = await submit(api, town, cleaner, [slot(sunday.monday, 0), slot(sunday.monday, 13)])
    await set_clock(town, sunday.deadline_at - MINUTE)
    second = await submit(api, town, cleaner, [slot(sunday.monday, 4)])
    await set_clock(town, sunday.deadline_at)
    third = await submit(api, town, cleaner, [slot(sunday.monday, 5), slot(sunday.monday, 6)])

    made = [answer["availabilitySubmission"] for answer in (first, second, third)]
    assert [one["id"] for one in made] == [made[0]["id"]] * 3
    assert [(one["isLate"], one["isBypass"], one["version"], len(one["slots"])) for one in made] == [
        (False, False, 1, 2), (False, False, 2, 1), (True, False, 3, 2),
    ]  # fmt: skip
    assert {one["periodStart"] for one in made} == {str(sunday.monday)}
    world = town.world
    assert await world.count("availability_submission", town.tenant) == 1
    assert await world.count("availability", town.tenant) == 2
    assert await world.count("event", town.tenant, "type = 'AvailabilitySubmitted'") == 3
    assert await world.count("audit", town.tenant, "action = 'submit_availability'") == 3
    assert await trace(other) == elsewhere


async def test_after_the_grace_hour_it_is_refused_with_the_next_window(api: Api, town: Town, other: Town) -> None:
    """R90: typed, in words and in details; nothing is written."""
    cleaner = await town.cleaner()
    await set_clock(town, ANYWHEN.grace_ends_at)
    before = await trace(town)

    for moment in (ANYWHEN.grace_ends_at, ANYWHEN.grace_ends_at + 3 * DAY, ANYWHEN.next_opens_at - MINUTE):
        await set_clock(town, moment)
        answer = await submit(api, town, cleaner, [slot(ANYWHEN.monday, 0)])
        assert answer["availabilitySubmission"] is None
        assert [error["code"] for error in answer["errors"]] == ["WINDOW_CLOSED"]
        assert "Sunday 28 March 2027 at 00:00" in answer["errors"][0]["message"]
        details = {name: datetime.fromisoformat(value) for name, value in answer["more"][0]["details"].items()}
        assert details["opensAt"] == ANYWHEN.next_opens_at
        assert details["deadlineAt"] == ANYWHEN.next_deadline_at
        assert timedelta(0) <= details["serverTime"] - moment < MINUTE

    assert await trace(town) == before
    assert await town.world.count("availability", town.tenant) == 0


async def test_on_other_sundays_the_window_stays_closed(api: Api, town: Town, other: Town) -> None:
    """R88: every second Sunday, counted from the market's epoch."""
    cleaner = await town.cleaner()
    await set_clock(town, ANYWHEN.next_opens_at - 7 * DAY + timedelta(hours=12))

    assert (await window(api, town, cleaner))["state"] == "CLOSED"
    answer = await submit(api, town, cleaner, [slot(ANYWHEN.monday, 0)])
    assert [error["code"] for error in answer["errors"]] == ["WINDOW_CLOSED"]


async def test_an_admin_bypasses_the_window_with_a_reason_that_is_kept(api: Api, town: Town, other: Town) -> None:
    """R91, A24: never late, audited, and in the log like any other."""
    cleaner = await town.cleaner()
    await set_clock(town, ANYWHEN.grace_ends_at + DAY)
    form = _bypass(town, cleaner)
    owner = await signed_in(town, town.owner)

    select = "availabilitySubmission { isLate isBypass bypassReason periodStart cleaner { id } slots { startsAt } }"
    done = await api.do(owner, "setAvailability", form, select)

    assert done["errors"] == []
    made = done["availabilitySubmission"]
    assert made == {
        "isLate": False,
        "isBypass": True,
        "bypassReason": "phone was broken",
        "periodStart": str(ANYWHEN.monday),
        "cleaner": {"id": gid("Cleaner", cleaner.person)},
        "slots": made["slots"],
    }
    audit = await town.world.root.fetchrow(
        "select reason, actor_id from audit where tenant_id = $1 and action = 'set_availability'", town.tenant
    )
    assert tuple(audit) == ("phone was broken", owner.person)
    assert await town.world.count("event", town.tenant, "type = 'AvailabilitySubmitted'") == 1


def _bypass(town: Town, cleaner: Actor, **more: Any) -> dict[str, Any]:
    return {
        "cleanerId": gid("Cleaner", cleaner.person),
        "marketId": gid("Market", town.market),
        "periodStart": str(ANYWHEN.monday + 3 * DAY),
        "slots": [slot(ANYWHEN.monday, 2)],
        "reason": "phone was broken",
        **more,
    }


async def test_nobody_but_an_admin_bypasses_the_window_and_not_without_a_reason(
    api: Api, town: Town, other: Town
) -> None:
    """R91, R3: dispatcher and cleaner may not, another business finds nothing; nothing is written."""
    cleaner, dispatcher = await town.cleaner(), await town.dispatcher()
    stranger = await other.cleaner()
    await set_clock(town, ANYWHEN.grace_ends_at + DAY)
    before = await trace(town), await trace(other)
    admin = await signed_in(town, town.owner)

    async def refused(who: Actor, **more: Any) -> list[tuple[str, list[str]]]:
        answer = await api.do(who, "setAvailability", _bypass(town, cleaner, **more), MADE)
        assert answer["availabilitySubmission"] is None
        return [(error["code"], error["field"]) for error in answer["errors"]]

    assert await refused(await signed_in(town, dispatcher)) == [("FORBIDDEN", [])]
    assert await refused(await signed_in(town, cleaner)) == [("FORBIDDEN", [])]
    assert await refused(other.owner) == [("NOT_FOUND", ["marketId"])]
    assert await refused(admin, cleanerId=gid("Cleaner", stranger.person)) == [("NOT_FOUND", ["marketId"])]
    assert await refused(admin, marketId=gid("Market", other.market)) == [("NOT_FOUND", ["marketId"])]
    assert await refused(admin, reason="  ") == [("INVALID", ["reason"])]
    assert await refused(admin, reason="x" * 501) == [("INVALID", ["reason"])]
    assert await refused(admin, periodStart="2031-01-01") == [("INVALID", ["periodStart"])]
    assert (await trace(town), await trace(other)) == before


MONDAY = ANYWHEN.monday
BAD_SLOTS: list[tuple[str, list[dict[str, str]], list[str]]] = [
    ("ends before it starts", [slot(MONDAY, 0), slot(MONDAY, 1, "15:00", "14:00")], ["slots", "1", "endsAt"]),
    ("no length", [slot(MONDAY, 0, "15:00", "15:00")], ["slots", "0", "endsAt"]),
    ("too short", [slot(MONDAY, 0, "15:00", "15:14")], ["slots", "0", "endsAt"]),
    ("before the two weeks", [slot(MONDAY, -1)], ["slots", "0", "startsAt"]),
    ("after the two weeks", [slot(MONDAY, 14)], ["slots", "0", "startsAt"]),
    ("years away", [slot(MONDAY, 0), slot(MONDAY, 4000)], ["slots", "1", "startsAt"]),
    ("over midnight", [slot(MONDAY, 0) | {"endsAt": "2027-03-16T13:00:00Z"}], ["slots", "0", "endsAt"]),
    ("overlapping", [slot(MONDAY, 0), slot(MONDAY, 2), slot(MONDAY, 0, "17:59", "20:00")], ["slots", "2", "startsAt"]),
    ("too many", [slot(MONDAY, 0, "13:00", "13:15")] * 85, ["slots"]),
]


@pytest.mark.parametrize(("slots", "field"), [case[1:] for case in BAD_SLOTS], ids=[case[0] for case in BAD_SLOTS])
async def test_a_bad_slot_is_refused_with_its_path(
    api: Api, town: Town, other: Town, slots: list[dict[str, str]], field: list[str]
) -> None:
    """R19: nothing is written, not even the good ones."""
    cleaner = await town.cleaner()
    await set_clock(town, ANYWHEN.opens_at)
    before = await trace(town)

    answer = await submit(api, town, cleaner, slots)

    assert [(error["code"], error["field"]) for error in answer["errors"]] == [("INVALID", field)]
    assert await trace(town) == before
    assert await town.world.count("availability", town.tenant) == 0


async def test_touching_slots_any_offset_and_none_at_all_are_fine(api: Api, town: Town, other: Town) -> None:
    """R89: what offset a device writes has no influence; no slots mean that the cleaner cannot work."""
    cleaner = await town.cleaner()
    await set_clock(town, ANYWHEN.opens_at)
    slots = [
        {"startsAt": "2027-03-15T00:00:00-04:00", "endsAt": "2027-03-15T12:00:00-04:00"},
        {"startsAt": "2027-03-15T21:30:00+05:30", "endsAt": "2027-03-16T13:00:00+09:00"},
    ]

    made = (await submit(api, town, cleaner, slots))["availabilitySubmission"]
    nothing = (await submit(api, town, cleaner, []))["availabilitySubmission"]

    shown = [(datetime.fromisoformat(one["startsAt"]), datetime.fromisoformat(one["endsAt"])) for one in made["slots"]]
    assert shown == [
        (utc("2027-03-15T04:00"), utc("2027-03-15T16:00")),
        (utc("2027-03-15T16:00"), utc("2027-03-16T04:00")),
    ]
    assert (nothing["slots"], nothing["version"]) == ([], 2)


async def test_only_for_a_market_of_ones_own(api: Api, town: Town, other: Town) -> None:
    """R3: a colleague's market, another business's and an unknown one answer alike; nothing is written."""
    cleaner = await town.cleaner()
    from services.identity.business import CreateMarket, create_market

    second = await town.world.run(town.owner, create_market, CreateMarket("Tampa", "America/New_York"))
    await set_clock(town, ANYWHEN.opens_at)
    who = await signed_in(town, cleaner)
    before = await trace(town), await trace(other)

    for market in (second, other.market, town.tenant):
        form = {"marketId": gid("Market", market), "slots": []}
        answer = await api.do(who, "submitAvailability", form, MADE)
        assert [(error["code"], error["field"]) for error in answer["errors"]] == [("NOT_FOUND", ["marketId"])]

    assert (await trace(town), await trace(other)) == before


async def test_an_admin_opens_the_window_earlier_and_the_zone_moves_it(api: Api, town: Town, other: Town) -> None:
    """A23, A25: lead days and zone are the market's own; an impossible calendar is refused."""
    cleaner = await town.cleaner()
    market = gid("Market", town.market)
    await set_clock(town, SPRING.opens_at - 2 * DAY)
    owner = await signed_in(town, town.owner)
    assert (await window(api, town, cleaner))["state"] == "CLOSED"

    early = await api.do(owner, "updateMarket", {"marketId": market, "leadDays": 2}, "market { windowLeadDays }")
    assert (early["market"], early["errors"]) == ({"windowLeadDays": 2}, [])
    shown = await window(api, town, cleaner)
    assert (shown["state"], parsed(shown)[0]) == ("OPEN", SPRING.opens_at - 2 * DAY)

    await api.do(owner, "updateMarket", {"marketId": market, "zone": "Pacific/Honolulu"}, "market { id }")
    moved = await window(api, town, cleaner)
    assert (moved["state"], parsed(moved)[1]) == ("CLOSED", utc("2027-03-15T04:00"))

    before = await trace(town)
    for values, field in (
        ({"zone": "EST"}, ["zone"]),
        ({"zone": "Mars/Olympus"}, ["zone"]),
        ({"epoch": "2026-01-05"}, ["epoch"]),
        ({"leadDays": 14}, ["leadDays"]),
        ({"deadlineHour": 24}, ["deadlineHour"]),
        ({"graceMinutes": 361}, ["graceMinutes"]),
    ):
        answer = await api.do(owner, "updateMarket", {"marketId": market, **values}, "market { id }")
        assert [(error["code"], error["field"]) for error in answer["errors"]] == [("INVALID", field)], values
    assert await trace(town) == before


async def test_the_office_sees_all_submissions_and_a_cleaner_their_own(api: Api, town: Town, other: Town) -> None:
    """R93 and the matrix: a colleague's availability is nobody's business but the office's."""
    one, two, stranger = await town.cleaner(), await town.cleaner(), await other.cleaner()
    for place in (town, other):
        await set_clock(place, ANYWHEN.opens_at)
    for place, who in ((town, one), (town, two), (other, stranger)):
        await submit(api, place, who, [slot(ANYWHEN.monday, 1)])
    query = "{ availabilitySubmissions(first: 10) { totalCount nodes { cleaner { id } } } }"

    async def seen(place: Town, who: Actor) -> set[str]:
        page = (await api.data(await signed_in(place, who), query))["availabilitySubmissions"]
        assert page["totalCount"] == len(page["nodes"])
        return {node["cleaner"]["id"] for node in page["nodes"]}

    assert await seen(town, town.owner) == {gid("Cleaner", one.person), gid("Cleaner", two.person)}
    assert await seen(town, one) == {gid("Cleaner", one.person)}
    assert await seen(other, other.owner) == {gid("Cleaner", stranger.person)}
    assert town.owner.role is Role.OWNER
