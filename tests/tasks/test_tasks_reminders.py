"""Reminders of the availability window's deadline, by the tenant's own movable clock (R84, R85, A4, A25, A38)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from db.ids import new_id
from tasks.control import Control
from tasks.duties import DUTIES, tick
from tasks.kinds import KINDS
from tests.tasks.business import a_business, a_cleaner, an_ops_actor, live_at, set_clock
from tests.tasks.waiting import until, working

REMIND = [duty for duty in DUTIES if duty.name == "remind_of_deadline"]
ONLY_QUEUE = {"remind_of_deadline": KINDS["remind_of_deadline"]}
"""A worker that queues messages and dies before it sends one."""
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Sunday:
    """A submission Sunday in New York: its deadline in UTC, and the Monday of the two weeks."""

    deadline_at: datetime
    monday: date


SPRING = Sunday(datetime.fromisoformat("2027-03-14T22:00+00:00"), date(2027, 3, 15))
AUTUMN = Sunday(datetime.fromisoformat("2027-11-07T23:00+00:00"), date(2027, 11, 8))
CHANGES = pytest.mark.parametrize("sunday", [SPRING, AUTUMN], ids=["clocks go forward", "clocks go back"])


@pytest.fixture
async def ours(db):
    return await _on_a_calm_day(db, "ours")


@pytest.fixture
async def theirs(db):
    return await _on_a_calm_day(db, "theirs")


async def _on_a_calm_day(db, slug: str):
    """A business whose clock stands far from any deadline, whatever day the tests are run on."""
    made = await a_business(db, slug)
    await live_at(db, made, SPRING.deadline_at - timedelta(days=7))
    return made


async def work(db, tools, kinds=KINDS) -> None:
    """What has fallen due is noticed, and all that these kinds can do of it is done."""
    await tick(tools.ops, REMIND)
    await finish(db, tools, kinds)


async def finish(db, tools, kinds=KINDS) -> None:
    settled = "select coalesce(bool_and(state = 'DONE'), true) from task where kind = any($1)"
    async with working(tools, kinds):
        await until(lambda: db.fetchval(settled, list(kinds)))


async def submit(db, business, person: UUID, monday: date) -> None:
    await db.execute(
        """insert into availability_submission
             (tenant_id, id, cleaner_id, market_id, period_start, submitted_at, is_late)
           values ($1, $2, $3, $4, $5, now(), false)""",
        business.tenant,
        new_id(),
        person,
        business.market,
        monday,
    )


def told(outbox) -> list[UUID]:
    """Who was sent something since the last question, once a message."""
    people = [UUID(message.to) for message in outbox.sent]
    outbox.sent.clear()
    return sorted(people)


@CHANGES
async def test_at_each_of_the_three_instants_those_are_reminded_who_have_not_submitted_yet(
    db, tools, outbox, ours, theirs, sunday
):
    """R84, R85, A25: on both days on which the clocks change; the other business's clock is its own."""
    first, second, third = sorted(ours.cleaners)
    await set_clock(db, ours, sunday.deadline_at - 24 * HOUR - MINUTE)
    await work(db, tools)
    assert told(outbox) == []

    await set_clock(db, ours, sunday.deadline_at - 24 * HOUR)
    await work(db, tools)
    assert {message.channel for message in outbox.sent} == {"PUSH"}
    assert {message.subject for message in outbox.sent} == {"Your availability is missing"}
    assert told(outbox) == [first, second, third]

    await submit(db, ours, second, sunday.monday)
    await set_clock(db, ours, sunday.deadline_at - 2 * HOUR)
    await work(db, tools)
    assert told(outbox) == [first, third]

    await submit(db, ours, first, sunday.monday)
    await set_clock(db, ours, sunday.deadline_at - 15 * MINUTE)
    await work(db, tools)
    assert told(outbox) == [third]

    await set_clock(db, ours, sunday.deadline_at)
    await work(db, tools)
    assert told(outbox) == []
    assert await db.fetchval("select count(*) from duty_run where tenant_id = $1", ours.tenant) == 3
    assert await db.fetchval("select count(*) from notification where tenant_id = $1", theirs.tenant) == 0


async def test_both_businesses_remind_their_own_people_of_their_own_window(db, tools, outbox, ours, theirs):
    """R6: what somebody has submitted in one business, or for other weeks, excuses nobody else."""
    await submit(db, ours, ours.cleaners[0], SPRING.monday)
    await submit(db, theirs, theirs.cleaners[1], SPRING.monday - timedelta(days=14))
    for business in (ours, theirs):
        await set_clock(db, business, SPRING.deadline_at - 2 * HOUR)

    await work(db, tools)

    assert told(outbox) == sorted([*ours.cleaners[1:], *theirs.cleaners])
    wrong = "select count(*) from notification n join cleaner c on c.id = n.person_id where c.tenant_id <> n.tenant_id"
    assert await db.fetchval(wrong) == 0


async def test_only_onboarded_cleaners_of_the_market_are_reminded(db, tools, outbox, ours, theirs):
    """R18, R84: not who is being onboarded, was archived, or works elsewhere."""
    newcomer, gone, elsewhere = [await a_cleaner(db, ours) for _ in range(3)]
    await db.execute("update cleaner set onboarding = 'PROFILE' where id = $1", newcomer)
    await db.execute("update cleaner set archived_at = now() where id = $1", gone)
    await db.execute("delete from cleaner_market where cleaner_id = $1", elsewhere)
    await set_clock(db, ours, SPRING.deadline_at - 15 * MINUTE)

    await work(db, tools)

    assert told(outbox) == sorted(ours.cleaners[:3])


@pytest.mark.parametrize(
    ("lead_days", "words"),
    [(0, "opens on Sunday 14 March at 00:00 and is open until"), (3, "is open until Sunday 14 March at 18:00")],
)
async def test_a_day_ahead_the_reminder_says_whether_the_window_is_open_yet(
    db, tools, outbox, ours, theirs, lead_days, words
):
    """A23: without lead days the window has not opened a day before its deadline."""
    await db.execute("update market set window_lead_days = $1", lead_days)
    await set_clock(db, ours, SPRING.deadline_at - 24 * HOUR)

    await work(db, tools)

    assert {message.body.split(" Miami ")[1].startswith(words) for message in outbox.sent} == {True}
    assert len(told(outbox)) == 3


async def test_a_reminder_that_is_run_again_reminds_nobody_again(db, tools, outbox, ours, theirs):
    """A38: once a person, channel, window and lead."""
    await set_clock(db, ours, SPRING.deadline_at - 2 * HOUR)
    await work(db, tools)
    assert len(told(outbox)) == 3

    await work(db, tools)
    await db.execute("update task set state = 'READY' where kind = 'remind_of_deadline'")
    await finish(db, tools)

    assert await db.fetchval("select max(attempts) from task") > 1
    assert told(outbox) == []
    assert await db.fetchval("select count(*) from notification") == 3


@pytest.mark.parametrize(("before", "window"), [(10 * MINUTE, "is open"), (3 * HOUR, "is open"), (20 * HOUR, "opens")])
async def test_workers_that_were_away_send_only_the_newest_reminder_and_what_is_true_of_it(
    db, tools, outbox, ours, theirs, before, window
):
    """A1, A38: whatever was missed, each hears once, of the window as it is by now."""
    await set_clock(db, ours, SPRING.deadline_at - before)

    await work(db, tools)

    assert {message.body.split(" Miami ")[1].startswith(window) for message in outbox.sent} == {True}
    assert told(outbox) == sorted(ours.cleaners)


async def test_several_reminders_that_waited_for_a_worker_reach_each_person_as_one(db, tools, outbox, ours, theirs):
    """A38: their tasks were written in time, and nobody was there to do them."""
    for lead in (24 * HOUR, 2 * HOUR, 15 * MINUTE):
        await set_clock(db, ours, SPRING.deadline_at - lead)
        await tick(tools.ops, REMIND)
    assert await db.fetchval("select count(*) from task where kind = 'remind_of_deadline'") == 3

    await finish(db, tools)

    assert told(outbox) == sorted(ours.cleaners)
    assert await db.fetchval("select count(*) from notification") == 3


@pytest.mark.parametrize("late", [timedelta(0), 30 * MINUTE, 5 * HOUR])
async def test_from_the_deadline_on_nobody_is_reminded_however_late_the_worker_is(
    db, tools, outbox, ours, theirs, late
):
    """R85, R86: not in the grace hour either."""
    await set_clock(db, ours, SPRING.deadline_at + late)

    await work(db, tools)

    assert await db.fetchval("select count(*) from duty_run where tenant_id = $1", ours.tenant) == 1
    assert told(outbox) == []
    assert await db.fetchval("select count(*) from notification") == 0


@pytest.mark.parametrize(("sent_at", "fresh"), [(15 * MINUTE, 3), (timedelta(0), 0)])
async def test_a_message_that_could_not_be_sent_in_time_is_not_sent_late(
    db, tools, outbox, ours, theirs, sent_at, fresh
):
    """A38: queued two hours before the deadline; the next reminder, or nothing at all, goes out in its place."""
    await set_clock(db, ours, SPRING.deadline_at - 2 * HOUR)
    await work(db, tools, ONLY_QUEUE)
    assert await db.fetchval("select count(*) from notification where status = 'QUEUED'") == 3

    await set_clock(db, ours, SPRING.deadline_at - sent_at)
    await work(db, tools)

    assert len(told(outbox)) == fresh
    failed = await db.fetch("select failure from notification where status = 'FAILED'")
    assert [row["failure"] for row in failed] == ["It was too late to send it."] * 3
    assert await db.fetchval("select count(*) from notification where status = 'SENT'") == fresh


@pytest.mark.parametrize(
    "change", ["window_epoch = window_epoch + 7", "window_deadline_hour = 23", "archived_at = now()"]
)
async def test_a_reminder_that_the_markets_calendar_no_longer_has_is_passed_over(
    db, tools, outbox, ours, theirs, change
):
    """A25: an admin has moved the deadline, or archived the market, after the task was written."""
    await set_clock(db, ours, SPRING.deadline_at - 24 * HOUR)
    assert await tick(tools.ops, REMIND) == 1
    await db.execute(f"update market set {change}")

    await finish(db, tools)

    assert told(outbox) == []
    assert await db.fetchval("select count(*) from notification") == 0


async def test_a_deadline_that_is_moved_repeats_no_reminder_of_the_same_window(db, tools, outbox, ours, theirs):
    """A38: from 18:00 to 20:00, after the reminder two hours before; the last one comes by the new deadline."""
    await set_clock(db, ours, SPRING.deadline_at - 2 * HOUR)
    await work(db, tools)
    assert len(told(outbox)) == 3
    await db.execute("update market set window_deadline_hour = 20")

    await set_clock(db, ours, SPRING.deadline_at)
    await work(db, tools)
    assert told(outbox) == []

    await set_clock(db, ours, SPRING.deadline_at + 2 * HOUR - 15 * MINUTE)
    await work(db, tools)
    assert {"until Sunday 14 March at 20:00" in message.body for message in outbox.sent} == {True}
    assert told(outbox) == sorted(ours.cleaners)


async def test_more_people_than_a_page_holds_are_all_reminded(db, tools, ours, theirs):
    """Page by page, and who has submitted takes no place on one."""
    await db.execute(
        """with made as (insert into cleaner (tenant_id, id, name, onboarding, created_at)
             select $1, gen_random_uuid(), 'Cleaner ' || n, 'COMPLETE', now() from generate_series(1, 410) n
             returning id)
           insert into cleaner_market (tenant_id, cleaner_id, market_id) select $1, id, $2 from made""",
        ours.tenant,
        ours.market,
    )
    done = [row["id"] for row in await db.fetch("select id from cleaner where tenant_id = $1 limit 7", ours.tenant)]
    for person in done:
        await submit(db, ours, person, SPRING.monday)
    await set_clock(db, ours, SPRING.deadline_at - 2 * HOUR)

    await work(db, tools, ONLY_QUEUE)

    assert await db.fetchval("select count(*) from notification") == 413 - 7
    assert await db.fetchval("select count(*) from notification where person_id = any($1)", done) == 0


async def test_ops_sets_off_what_is_due_and_nothing_that_is_not(db, ops, runner, tools, outbox, ours, theirs):
    """A4: the reminder that stands reaches those it has not reached; a week before the deadline none stands."""
    control, actor = Control(ops, runner, lambda: None), await an_ops_actor(db)
    await control.run_now(actor, ours.market, "remind_of_deadline")
    await finish(db, tools)
    assert told(outbox) == []

    for business in (ours, theirs):
        await set_clock(db, business, SPRING.deadline_at - 20 * HOUR)
    for _ in range(2):
        await control.run_now(actor, ours.market, "remind_of_deadline")
        await finish(db, tools)

    assert told(outbox) == sorted(ours.cleaners)
    assert await db.fetchval("select count(*) from duty_run") == 0


async def test_ops_sees_when_the_next_reminder_is_due_by_each_markets_clock(db, ops, runner, ours, theirs):
    """A4, A25."""
    control, actor = Control(ops, runner, lambda: None), await an_ops_actor(db)
    await db.execute("update market set zone = 'America/Los_Angeles' where tenant_id = $1", theirs.tenant)
    for business in (ours, theirs):
        await set_clock(db, business, AUTUMN.deadline_at - timedelta(days=3))

    shown = (await control.overview(actor))["duties"]

    due = {one["tenant_id"]: one["next_due_at"] for one in shown if one["name"] == "remind_of_deadline"}
    a_day_ahead = AUTUMN.deadline_at - 24 * HOUR
    assert due == {ours.tenant: a_day_ahead, theirs.tenant: a_day_ahead + 3 * HOUR}
