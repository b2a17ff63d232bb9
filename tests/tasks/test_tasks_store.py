"""Claims, fences and outcomes of tasks: at most one owner at a time, nothing lost, nothing done twice (A38, R238)."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

from structlog.testing import capture_logs

from db.engine import BY_KEY, read_pool
from domain.errors import Unavailable
from tasks.store import CLAIM, MOST_ATTEMPTS, TaskStore
from tests.tasks.business import a_task
from tests.tasks.waiting import BRISK, states, until, working

NOW = timedelta(0)


async def test_two_workers_run_each_of_500_tasks_of_two_tenants_once(db, tools, ours, theirs):
    runs: Counter[tuple[UUID, UUID]] = Counter()

    async def count(context, tenant, payload):
        runs[(tenant, context.task.id)] += 1

    for business in (ours, theirs):
        await db.execute(
            """insert into task (tenant_id, id, kind, payload, run_at, created_at)
               select $1, gen_random_uuid(), 'count', '{}', now(), now() from generate_series(1, 250)""",
            business.tenant,
        )

    async with working(tools, {"count": count}, name="one"), working(tools, {"count": count}, name="two"):
        await until(lambda: _all(db, "DONE", 500))

    assert len(runs) == 500
    assert set(runs.values()) == {1}
    assert Counter(tenant for tenant, _ in runs) == {ours.tenant: 250, theirs.tenant: 250}
    assert await db.fetchval("select sum(attempts) from task") == 500


async def test_a_task_is_due_by_its_own_tenants_clock(db, ops, ours, theirs):
    """R233, R262: business time is the database's clock plus the tenant's sandbox offset."""
    early = await a_task(db, ours, "any", due_in=timedelta(days=3))
    await a_task(db, theirs, "any", due_in=timedelta(days=3))
    await db.execute("update tenant set clock_offset = '4 days' where tenant_id = $1", ours.tenant)

    claimed = await TaskStore(ops).claim("w", 10, ["any"])

    assert [task.id for task in claimed] == [early]


async def test_a_kind_that_a_worker_does_not_know_is_left_for_one_that_does(db, ops, ours):
    await a_task(db, ours, "of a newer version")

    assert await TaskStore(ops).claim("old", 10, ["any"]) == []
    assert len(await TaskStore(ops).claim("new", 10, ["of a newer version"])) == 1


async def test_a_task_of_a_kind_that_is_no_more_stops_no_worker(db, tools, ours):
    """R238: an older version planned it; it stays where it is, and what is due after it is done."""
    old = await a_task(db, ours, "of an older version", due_in=timedelta(minutes=-5))
    new = await a_task(db, ours, "known")

    async def do(*_args):
        """Nothing."""

    state = "select state from task where id = $1"
    async with working(tools, {"known": do}):
        await until(lambda: db.fetchval(f"{state} and state = 'DONE'", new))

    assert await db.fetchval(f"{state} and attempts = 0", old) == "READY"


async def test_a_claim_reads_no_more_of_a_night_of_tasks_than_it_takes(db, ours, theirs, place):
    """R144: what is due is not read and sorted for each claim, so that ten thousand tasks cost ten times a thousand."""
    for business in (ours, theirs):
        await db.execute(
            """insert into task (tenant_id, id, kind, payload, run_at, created_at)
               select $1, gen_random_uuid(), 'any', '{}', now() - n * interval '1 second', now()
               from generate_series(1, 1000) n""",
            business.tenant,
        )
    queue = await read_pool(place.servers.database_ops_url, size=1, name="tests-queue", settings=BY_KEY)
    async with queue.acquire() as connection:
        explained = await connection.fetchval(
            f"explain (analyze, format json) {CLAIM}", "w", ["any"], 5, MOST_ATTEMPTS, timedelta(seconds=15)
        )
    await queue.close()

    scans = [node for node in _nodes(explained[0]["Plan"]) if node.get("Relation Name") == "task"]
    assert all(node["Actual Rows"] * node["Actual Loops"] <= 10 for node in scans), scans
    assert not [node for node in _nodes(explained[0]["Plan"]) if node["Node Type"] == "Sort"]


def _nodes(plan):
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


async def test_a_zombie_whose_lease_ran_out_cannot_record_anything(db, ops, ours):
    store = TaskStore(ops, lease=NOW)
    await a_task(db, ours, "any")
    [zombie] = await store.claim("first", 1, ["any"])
    [task] = await TaskStore(ops).claim("second", 1, ["any"])

    assert await store.finish(zombie) is False
    assert await store.fail(zombie, "late", NOW) is False
    assert await store.renew([zombie]) == set()
    assert await states(db) == {"LEASED": 1}
    assert await TaskStore(ops).finish(task) is True
    assert await states(db) == {"DONE": 1}


async def test_a_released_task_is_ready_at_once_and_its_attempt_does_not_count(db, ops, ours):
    store = TaskStore(ops)
    await a_task(db, ours, "any")
    await store.release(await store.claim("stopping", 1, ["any"]))

    [again] = await store.claim("other", 1, ["any"])

    assert again.attempt == 1


async def test_a_failure_waits_longer_each_time_and_the_eighth_is_final(db, ops, ours):
    store = TaskStore(ops)
    task = await a_task(db, ours, "any")

    for attempt in range(1, MOST_ATTEMPTS + 1):
        [claimed] = await store.claim("w", 1, ["any"])
        assert claimed.attempt == attempt
        assert await store.fail(claimed, f"failure {attempt}", timedelta(hours=1))
        if attempt < MOST_ATTEMPTS:
            assert await store.claim("w", 1, ["any"]) == []
            await db.execute("update task set run_at = now()")

    row = await db.fetchrow("select state, attempts, last_error, lease_token from task where id = $1", task)
    assert tuple(row) == ("DEAD", 8, "failure 8", None)


async def test_what_kills_its_worker_every_time_is_buried(db, ops, ours):
    store = TaskStore(ops, lease=NOW)
    await a_task(db, ours, "any")
    for _ in range(MOST_ATTEMPTS):
        assert len(await store.claim("victim", 1, ["any"])) == 1

    assert await store.claim("victim", 1, ["any"]) == []
    await store.bury()

    assert await states(db) == {"DEAD": 1}


async def test_the_next_due_instant_is_that_of_the_earliest_task_by_its_tenants_clock(db, ops, ours, theirs):
    store = TaskStore(ops)
    assert await store.next_due(["any"], timedelta(seconds=60)) is None
    await a_task(db, ours, "any", due_in=timedelta(seconds=40))
    await a_task(db, theirs, "any", due_in=timedelta(seconds=50))
    assert await store.next_due(["any"], timedelta(seconds=20)) is None

    await db.execute("update tenant set clock_offset = '30 seconds' where tenant_id = $1", theirs.tenant)

    due = await store.next_due(["any"], timedelta(seconds=60))
    assert due is not None
    assert timedelta(seconds=10) < due <= timedelta(seconds=20)


async def test_a_failing_task_is_retried_until_it_is_dead_and_says_why_without_its_business(db, tools, ours):
    async def fail(context, tenant, payload):
        raise KeyError(payload["secret"])

    await a_task(db, ours, "fail", {"secret": "13 Elm Street"})

    async with working(tools, {"fail": fail}):
        await until(lambda: _all(db, "DEAD", 1))

    row = await db.fetchrow("select attempts, last_error from task")
    assert row["attempts"] == MOST_ATTEMPTS
    assert row["last_error"].startswith("KeyError at ")
    assert "Elm" not in row["last_error"]


async def test_a_stopping_worker_gives_back_what_it_cannot_finish(db, tools, ours):
    begun = asyncio.Event()

    async def linger(context, tenant, payload):
        begun.set()
        await asyncio.Event().wait()

    await a_task(db, ours, "linger")
    pace = type(BRISK)(sweep=0.2, beat=0.3, stop_grace=0.1)
    async with working(tools, {"linger": linger}, pace=pace):
        await begun.wait()

    row = await db.fetchrow("select state, attempts, lease_token from task")
    assert tuple(row) == ("READY", 0, None)
    assert await db.fetchval("select count(*) from worker") == 0


async def test_a_task_that_outlives_its_lease_is_kept_by_renewals(db, tools, ours):
    runs = []

    async def slow(context, tenant, payload):
        runs.append(context.task.attempt)
        first = await context.tools.ops.fetchval("select lease_until from task")
        await until(lambda: context.tools.ops.fetchval("select clock_timestamp() > $1::timestamptz", first))

    await a_task(db, ours, "slow")
    pace = type(BRISK)(sweep=0.1, lease=3.0, beat=0.1)
    async with working(tools, {"slow": slow}, pace=pace, name="a"), working(tools, {"slow": slow}, pace=pace, name="b"):
        await until(lambda: _all(db, "DONE", 1))

    assert runs == [1]


async def test_every_run_leaves_one_line_in_the_log_that_says_whose_what_and_how_it_went(db, tools, ours, theirs):
    """R236: and nothing of the business, which is in the payload."""

    async def once(context, tenant, payload):
        if context.task.attempt == 1 and tenant == theirs.tenant:
            raise Unavailable("away")

    mine = await a_task(db, ours, "once", {"secret": "13 Elm Street"})
    other = await a_task(db, theirs, "once")
    with capture_logs() as lines:
        async with working(tools, {"once": once}):
            await until(lambda: _all(db, "DONE", 2))

    runs = [line for line in lines if line["event"] == "task_run"]
    told = sorted((line["task_id"], line["tenant_id"], line["kind"], line["attempt"], line["outcome"]) for line in runs)
    assert told == sorted([
        (str(mine), str(ours.tenant), "once", 1, "done"),
        (str(other), str(theirs.tenant), "once", 1, "failed"),
        (str(other), str(theirs.tenant), "once", 2, "done"),
    ])  # fmt: skip
    assert all(line["milliseconds"] >= 0 for line in runs)
    assert "Elm" not in repr(lines)


async def test_the_worker_outlives_the_loss_of_all_its_connections(db, tools, ours):
    """What a restart of the database looks like from here."""
    done = []

    async def mark(context, tenant, payload):
        done.append(context.task.id)

    async with working(tools, {"mark": mark}):
        first = await a_task(db, ours, "mark")
        await until(lambda: _all(db, "DONE", 1))
        await db.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename like 'cleanshift_%'")
        second = await a_task(db, ours, "mark")
        await until(lambda: _all(db, "DONE", 2))

    assert set(done) == {first, second}


async def test_a_task_that_takes_too_long_fails_and_frees_its_place(db, tools, ours):
    async def endless(context, tenant, payload):
        if context.task.attempt == 1:
            await asyncio.Event().wait()

    await a_task(db, ours, "endless")
    pace = type(BRISK)(sweep=0.1, beat=0.1, task_limit=0.2, backoff=BRISK.backoff)
    async with working(tools, {"endless": endless}, pace=pace):
        await until(lambda: _all(db, "DONE", 1))
    assert (await db.fetchval("select attempts from task")) == 2


async def _all(db, state: str, count: int) -> bool:
    return await states(db) == {state: count}
