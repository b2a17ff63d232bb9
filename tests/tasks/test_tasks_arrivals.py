"""The duties about who comes, from the tick to what they leave: alerts, no-shows, scores, the scrubbed log."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from db.ids import new_id
from tasks.duties import DUTIES, tick
from tasks.kinds import KINDS
from tests.tasks.business import Business, a_swap, live_at
from tests.tasks.waiting import until, working

MINUTE = timedelta(minutes=1)
NOON = datetime(2027, 2, 10, 17, tzinfo=UTC)


async def due(db, tools, name: str) -> None:
    """The duty falls due, and everything is done that it leads to."""
    await tick(tools.ops, [duty for duty in DUTIES if duty.name == name])
    done = """select bool_and(w.state = 'DONE') from task w join tenant t using (tenant_id)
        where w.run_at <= clock_timestamp() + t.clock_offset"""
    async with working(tools, KINDS):
        await until(lambda: db.fetchval(done))


async def a_shift(db, business: Business) -> UUID:
    """A shift in three days; its job's id."""
    swap = await a_swap(db, business)
    job: UUID = await db.fetchval("delete from swap where id = $1 returning job_id", swap)
    return job


async def move_to(db, business: Business, job: UUID, after_start: timedelta) -> None:
    await db.execute(
        """update tenant t set clock_offset = j.starts_at + $2::interval - clock_timestamp() from job j
           where t.tenant_id = $1 and j.id = $3""",
        business.tenant,
        after_start,
        job,
    )


async def test_every_minute_somebody_looks_who_has_not_come(db, tools, outbox, ours, theirs) -> None:
    """A46: half an hour after the start the office has mail, an hour later it is a no-show and a lower score."""
    job, other = await a_shift(db, ours), await a_shift(db, theirs)
    await move_to(db, ours, job, 29 * MINUTE)
    await due(db, tools, "watch_arrivals")
    assert await db.fetchval("select late_at from job where id = $1", job) is None

    await move_to(db, ours, job, 31 * MINUTE)
    await due(db, tools, "watch_arrivals")
    assert await db.fetchval("select late_at from job where id = $1", job) is not None
    assert await db.fetchval("select count(*) from swap where job_id = $1 and status = 'PENDING'", job) == 1
    assert "Nobody has come yet" in {message.subject for message in outbox.sent}

    await move_to(db, ours, job, 91 * MINUTE)
    await due(db, tools, "watch_arrivals")
    assert await db.fetchval("select status from job where id = $1", job) == "NO_SHOW"
    assert "A shift was missed" in {message.subject for message in outbox.sent}
    assert await db.fetchval("select score from reliability where cleaner_id = $1", ours.cleaners[0]) == 65
    assert await db.fetchval("select status from job where id = $1", other) == "ASSIGNED"
    assert await db.fetchval("select count(*) from no_show where tenant_id = $1", theirs.tenant) == 0


async def test_every_night_everybody_is_rated(db, tools, ours, theirs) -> None:
    """A47: whoever has no history too, in every business."""
    for business in (ours, theirs):
        await live_at(db, business, NOON)
    await due(db, tools, "rate_cleaners")
    rows = await db.fetch("select cleaner_id, score, formula from reliability")
    assert {row["cleaner_id"] for row in rows} == {*ours.cleaners, *theirs.cleaners}
    assert {(row["score"], row["formula"]) for row in rows} == {(80, 1)}


async def test_the_log_forgets_where_somebody_was_after_an_hour(db, tools, ours, theirs) -> None:
    """R117: by each business's own clock; everything else in the log stays as it is."""
    card = json.dumps({"card": {"latitude": 25.7, "longitude": -80.1}, "people": []})
    for business in (ours, theirs):
        for seq, (type_, ago) in enumerate((("CleanerMoved", 61), ("CleanerMoved", 59), ("JobLate", 61)), start=1):
            await db.execute(
                """insert into event (tenant_id, seq, type, entity, entity_id, payload, actor_id, request_id, at)
                   values ($1, $2, $3, 'Job', $4, $5, $4, 'r', now() - $6::int * interval '1 minute')""",
                business.tenant,
                seq,
                type_,
                new_id(),
                card,
                ago,
            )
    await db.execute("update tenant set clock_offset = interval '-1 day' where tenant_id = $1", theirs.tenant)

    await due(db, tools, "scrub_positions")

    kept = await db.fetch("select tenant_id, seq from event where payload->'card' ? 'latitude' order by seq")
    assert [row["seq"] for row in kept if row["tenant_id"] == ours.tenant] == [2, 3]
    assert [row["seq"] for row in kept if row["tenant_id"] == theirs.tenant] == [1, 2, 3]
