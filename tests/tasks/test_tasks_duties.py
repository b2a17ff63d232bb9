"""Duties by the wall clock of each market: each due time once, none lost while no worker ran (A1, A4, A25)."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from domain.actors import TenantId
from domain.availability import MarketCalendar, next_transition
from domain.ids import MarketId
from domain.wallclock import instant_of
from tasks.clock import MarketClock, daily, every, window_reminders, window_transitions
from tasks.duties import DUTIES, CatchUp, Duty, duty_clocks, tick
from tasks.kinds import KINDS
from tests.tasks.business import EPOCH, a_business, a_cleaner, live_at
from tests.tasks.waiting import BRISK, until, working

WEDNESDAY = datetime(2027, 2, 10, 12, tzinfo=UTC)
HOURLY = Duty("hourly", every(minutes=60), "hourly", "A test's duty.", CatchUp.EACH)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "hour", "due"),
    [
        ("2026-03-07", 3, ["2026-03-07T08:00Z"]),
        ("2026-03-08", 3, ["2026-03-08T07:00Z"]),  # the clocks go forward at 02:00
        ("2026-03-08", 2, ["2026-03-08T07:00Z"]),  # there is no 02:00: at the jump
        ("2026-11-01", 1, ["2026-11-01T05:00Z"]),  # there are two 01:00: the first only
        ("2026-11-01", 3, ["2026-11-01T08:00Z"]),
    ],
)
def test_a_daily_duty_is_due_once_on_every_day_also_when_the_clocks_change(ours_clock, day, hour, due):
    midnight = datetime.fromisoformat(day)
    since, until = (instant_of(one, "America/New_York") for one in (midnight, midnight + timedelta(days=1)))
    assert list(daily(hour)(ours_clock, since, until)) == [at(one) for one in due]


@pytest.fixture
async def ours(db):
    return await _on_a_wednesday(db, "ours")


@pytest.fixture
async def theirs(db):
    return await _on_a_wednesday(db, "theirs")


async def _on_a_wednesday(db, slug: str):
    """A business whose clock stands far from any window change, whatever day the tests are run on."""
    made = await a_business(db, slug)
    await live_at(db, made, WEDNESDAY)
    return made


@pytest.fixture
def ours_clock() -> MarketClock:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    return MarketClock(TenantId(UUID(int=1)), MarketId(UUID(int=2)), MarketCalendar("America/New_York"), then, then)


@pytest.mark.parametrize("schedule", [daily(3), every(5), window_transitions, window_reminders])
def test_adjoining_stretches_of_time_give_each_due_time_once(ours_clock, schedule):
    """(since, until] twice is the same as both at once, over a year with both clock changes."""
    days = [datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(days=n) for n in range(0, 366, 5)]
    pieces = [due for a, b in pairwise(days) for due in schedule(ours_clock, a, b)]
    assert pieces == list(schedule(ours_clock, days[0], days[-1]))
    assert pieces == sorted(set(pieces))


async def test_two_workers_that_tick_at_once_notice_each_due_time_once(db, ops, ours, theirs):
    """Two tenants, one market each: an hour's duty looked back on for the longest day."""
    made = await asyncio.gather(*[tick(ops, [HOURLY]) for _ in range(6)])

    rows = await db.fetch("select tenant_id, count(*) n, count(distinct due_at) d from duty_run group by tenant_id")
    assert {row["tenant_id"]: (row["n"], row["d"]) for row in rows} == {ours.tenant: (25, 25), theirs.tenant: (25, 25)}
    assert sum(made) == 50
    assert await db.fetchval("select count(*) from task t join duty_run r on r.task_id = t.id") == 50
    assert await tick(ops, [HOURLY]) == 0


async def test_what_fell_due_while_no_worker_ran_is_done_each_or_once_as_the_duty_says(db, ops, ours):
    latest = Duty("latest", every(minutes=60), "hourly", "A test's duty.")
    await tick(ops, [HOURLY, latest])
    await db.execute("update tenant set clock_offset = clock_offset + interval '5 hours'")

    assert await tick(ops, [HOURLY]) == 5
    assert await tick(ops, [latest]) == 1


@pytest.mark.parametrize("now", ["2027-11-07T08:30Z", "2027-03-14T07:59Z"], ids=["clocks go back", "clocks go forward"])
async def test_every_daily_duty_is_caught_up_with_also_where_the_day_is_not_24_hours_long(db, ops, ours, theirs, now):
    """A1, A25: half past three on the day of 25 hours, the last 04:00 is 24 hours and a half ago."""
    rate = [duty for duty in DUTIES if duty.name == "rate_cleaners"]
    await live_at(db, ours, at(now))
    yesterday = at(now).replace(hour=4, minute=0, tzinfo=None) - timedelta(days=1)

    await tick(ops, rate)

    due = await db.fetch("select due_at from duty_run where tenant_id = $1", ours.tenant)
    assert [row["due_at"] for row in due] == [instant_of(yesterday, "America/New_York")]
    await tick(ops, rate)
    assert await db.fetchval("select count(*) from duty_run where tenant_id = $1", ours.tenant) == 1


async def test_a_new_market_has_no_past_to_catch_up_with(db, ops, ours):
    await db.execute(
        """update market m set created_at = now() + t.clock_offset - interval '30 minutes'
           from tenant t where t.tenant_id = m.tenant_id"""
    )
    assert await tick(ops, [HOURLY]) <= 1


async def test_an_archived_market_has_no_duties(db, ops, ours, theirs):
    await db.execute("update market set archived_at = now() where tenant_id = $1", ours.tenant)
    await tick(ops)
    assert {row["tenant_id"] for row in await db.fetch("select tenant_id from duty_run")} == {theirs.tenant}


async def test_every_duty_has_a_function_and_a_next_due_time(ops, ours):
    assert {duty.name for duty in DUTIES} <= set(KINDS)
    for one in await duty_clocks(ops):
        due = one.next_due()
        assert due is not None
        assert due > one.clock.now


async def test_a_window_change_is_in_the_log_at_its_instant_and_the_markets_cleaners_are_told(
    db, tools, outbox, ours, theirs
):
    """R87, R92: by the tenant's own clock, moved to two seconds before the window opens; nothing crosses."""
    change = await _move_to_just_before_the_window_changes(db, ours)
    announce = [duty for duty in DUTIES if duty.name == "announce_window"]

    async with working(tools, KINDS, duties=announce, pace=type(BRISK)(tick=0.5, sweep=5)):
        event = await until(lambda: db.fetchrow("select * from event where tenant_id = $1", ours.tenant))
        await until(lambda: db.fetchval("select count(*) = 3 from notification where status = 'SENT'"))

    assert event["type"] == "AvailabilityWindowChanged"
    assert event["at"] >= change.at
    card = event["payload"]["card"]
    assert card["market_id"] == str(ours.market)
    assert card["state"] == change.state
    assert datetime.fromisoformat(card["deadline_at"]) == change.window.deadline_at
    assert await db.fetchval("select count(*) from event where tenant_id = $1", theirs.tenant) == 0
    assert {message.to for message in outbox.sent} == {str(person) for person in ours.cleaners}


async def test_an_announcement_that_is_run_twice_is_made_once(db, tools, ours):
    change = await _move_to_just_before_the_window_changes(db, ours, after=True)
    announce = [duty for duty in DUTIES if duty.name == "announce_window"]
    async with working(tools, KINDS, duties=announce):
        await until(lambda: db.fetchval("select count(*) > 0 from event"))
        await until(lambda: db.fetchval("select bool_and(state = 'DONE') from task"))
        await db.execute("update task set state = 'READY' where kind in ('announce_window', 'notify_window')")
        await until(lambda: db.fetchval("select bool_and(state = 'DONE') and max(attempts) > 1 from task"))

    assert change.at <= await db.fetchval("select at from event")
    assert await db.fetchval("select count(*) from event") == 1
    assert await db.fetchval("select count(*) from notification") == 3


async def test_an_instant_that_is_no_longer_the_calendars_is_passed_over(db, tools, ours):
    """An admin has changed the market's hours after the task was written."""
    await _move_to_just_before_the_window_changes(db, ours)
    await tick(tools.ops)
    assert await db.fetchval("select count(*) from task where kind = 'announce_window'") == 1
    await db.execute("update market set window_epoch = window_epoch + 7")

    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select bool_and(state = 'DONE') from task"))

    assert await db.fetchval("select count(*) from event") == 0


async def test_a_change_that_is_no_news_any_more_is_not_announced(db, tools, ours):
    """Workers were down while the window opened and its deadline passed: of the grace period alone people hear."""
    change = await _move_to_just_before_the_window_changes(db, ours)
    await a_cleaner(db, ours)
    await live_at(db, ours, change.window.deadline_at + timedelta(minutes=30))
    await tick(tools.ops, [duty for duty in DUTIES if duty.name == "announce_window"])

    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select bool_and(state = 'DONE') from task"))

    states = [row["s"] for row in await db.fetch("select payload->'card'->>'state' s from event order by seq")]
    assert states == ["GRACE"]
    assert {row["content"]["subject"] for row in await db.fetch("select content from notification")} == {
        "Last call for your availability"
    }
    assert await db.fetchval("select count(*) from notification") == 4


async def _move_to_just_before_the_window_changes(db, business, *, after: bool = False):
    """Set the tenant's clock two seconds before (or after) its market's window opens next; that change."""
    calendar = MarketCalendar("America/New_York", EPOCH)
    now = await db.fetchval("select clock_timestamp()")
    change = next_transition(calendar, now)
    while change.state != "OPEN":
        change = next_transition(calendar, change.at)
    edge = timedelta(seconds=2 if after else -2)
    await live_at(db, business, change.at + edge)
    return change
