"""Reminders of tomorrow's shifts by SMS, by the market's own clock, each once (R188, A25, A38)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.ids import new_id
from services import reminders
from tasks.duties import DUTIES, tick
from tasks.kinds import KINDS
from tests.tasks.business import a_business, a_cleaner, live_at, set_clock
from tests.tasks.waiting import until, working

REMIND = [duty for duty in DUTIES if duty.name == "remind_of_shifts"]
EVENING = datetime(2027, 3, 16, 22, tzinfo=UTC)  # 18:00 in New York, whose next day is from 04:00 to 04:00 UTC
HOUR = timedelta(hours=1)
NEXT_DAY, DAY_AFTER = EVENING + 6 * HOUR, EVENING + 30 * HOUR


@pytest.fixture
async def ours(db):
    return await _business(db, "ours", "+1305555010")


@pytest.fixture
async def theirs(db):
    return await _business(db, "theirs", "+1305555020")


async def _business(db, slug: str, phones: str):
    """A business of three cleaners with phones, an hour before the reminders."""
    made = await a_business(db, slug, cleaners=0)
    for number in range(3):
        await a_cleaner(db, made, email=f"c{number}@{slug}.test", phone=f"{phones}{number}")
    await live_at(db, made, EVENING - HOUR)
    return made


async def _shift(db, business, who: int, starts_at: datetime, *, role: str = "PRIMARY", status="ASSIGNED") -> UUID:
    """A cleaner's part in a clean; the clean."""
    t, customer, home, job = business.tenant, new_id(), new_id(), new_id()
    times = (starts_at, starts_at + 3 * HOUR)
    await db.execute("insert into customer (tenant_id, id, name, created_at) values ($1, $2, 'C', now())", t, customer)
    await db.execute(
        """insert into property (tenant_id, id, customer_id, market_id, name, address, city, postal_code,
             latitude, longitude, bedrooms, bathrooms, square_feet, laundry, created_at)
           values ($1, $2, $3, $4, 'Home', '1 Street', 'Miami', '33101', 25.8, -80.2, 2, 1, 900, 'NONE', now())""",
        t, home, customer, business.market,
    )  # fmt: skip
    await db.execute(
        """insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at,
             expected_hours, status, payment_status, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, 3, $8, 'PENDING', now())""",
        t, job, home, customer, business.market, *times, status,
    )  # fmt: skip
    await db.execute(
        """insert into assignment (tenant_id, id, job_id, cleaner_id, role, starts_at, ends_at, customer_id, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, now())""",
        t, new_id(), job, business.cleaners[who], role, *times, customer,
    )  # fmt: skip
    return job


async def _work(db, tools) -> None:
    """What has fallen due is noticed, and done with all that follows."""
    await tick(tools.ops, REMIND)
    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select coalesce(bool_and(state = 'DONE'), true) from task"))


def _told(outbox) -> list[tuple[str, str]]:
    """The numbers and words that went out since the last question."""
    assert {message.channel for message in outbox.sent} <= {"SMS"}
    sent = sorted((message.to, message.body) for message in outbox.sent)
    outbox.sent.clear()
    return sent


async def test_who_works_tomorrow_is_told_at_six_in_the_evening_once(db, tools, outbox, ours, theirs):
    """R188, A25, A38: of the market's next day from its first minute to its last, by SMS, with place and time."""
    await _shift(db, ours, 0, NEXT_DAY)
    await _shift(db, ours, 1, DAY_AFTER - timedelta(minutes=1))
    await _shift(db, ours, 2, NEXT_DAY - timedelta(minutes=1))
    await _shift(db, ours, 2, DAY_AFTER)
    await _work(db, tools)
    assert _told(outbox) == []

    for instant in (EVENING, EVENING + HOUR):
        await set_clock(db, ours, instant)
        await _work(db, tools)

    words = "You are on for the shift in Miami on Wednesday 17 March at {}. If you cannot come, tell the office now."
    assert _told(outbox) == [("+13055550100", words.format("00:00")), ("+13055550101", words.format("23:59"))]
    assert await db.fetchval("select count(*) from notification where tenant_id = $1", theirs.tenant) == 0


async def test_nobody_is_reminded_of_what_they_need_not_come_to(db, tools, outbox, ours, theirs):
    """R188: cancelled, given away, as a backup; and who is not with the business any more."""
    await _shift(db, ours, 0, NEXT_DAY, status="CANCELED")
    given = await _shift(db, ours, 0, NEXT_DAY + 4 * HOUR)
    await db.execute("update assignment set released_at = now() where job_id = $1", given)
    await _shift(db, ours, 1, NEXT_DAY, role="BACKUP")
    await _shift(db, ours, 2, NEXT_DAY)
    await db.execute("update cleaner set archived_at = now() where id = $1", ours.cleaners[2])
    await set_clock(db, ours, EVENING)

    await _work(db, tools)

    assert _told(outbox) == []


async def test_a_shift_that_was_moved_within_the_day_is_told_anew(db, tools, outbox, ours, theirs):
    """R188: a second run, as ops may ask for, tells of the new start alone."""
    moved = await _shift(db, ours, 0, NEXT_DAY + 4 * HOUR)
    await _shift(db, ours, 1, NEXT_DAY + 4 * HOUR)
    await set_clock(db, ours, EVENING)
    await _work(db, tools)
    assert len(_told(outbox)) == 2

    await db.execute("update job set starts_at = starts_at + interval '1 hour' where id = $1", moved)
    await db.execute("update task set state = 'READY' where kind = 'remind_of_shifts'")
    await _work(db, tools)

    assert [to for to, _ in _told(outbox)] == ["+13055550100"]


async def test_reminders_that_come_too_late_wake_nobody_up(db, tools, outbox, ours, theirs):
    """R188: no worker ran until after nine in the evening."""
    await _shift(db, ours, 0, NEXT_DAY + 8 * HOUR)
    await set_clock(db, ours, EVENING + reminders.LATEST)

    await _work(db, tools)

    noticed = "select count(*) from duty_run where tenant_id = $1 and due_at = $2"
    assert await db.fetchval(noticed, ours.tenant, EVENING) == 1
    assert _told(outbox) == []


async def test_a_page_is_no_limit(db, tools, outbox, ours, theirs, monkeypatch):
    """R188: what does not fit into one transaction goes on in the next; both businesses tell their own."""
    monkeypatch.setattr(reminders, "PAGE", 2)
    for business in (ours, theirs):
        for who in range(3):
            await _shift(db, business, who, NEXT_DAY + 8 * HOUR)
        await set_clock(db, business, EVENING)

    await _work(db, tools)

    assert [to for to, _ in _told(outbox)] == [
        f"+1305555{number}" for number in ("0100", "0101", "0102", "0200", "0201", "0202")
    ]
    wrong = "select count(*) from notification n join cleaner c on c.id = n.person_id where c.tenant_id <> n.tenant_id"
    assert await db.fetchval(wrong) == 0
