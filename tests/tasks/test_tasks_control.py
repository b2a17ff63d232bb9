"""What ops sees and does across businesses (A4, R237), and how the log is kept short."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from db.ids import new_id
from domain.actors import PLATFORM_TENANT, Actor, Role
from domain.errors import Forbidden, IllegalTransition, Invalid, NotFound
from tasks.context import TaskContext
from tasks.control import Control
from tasks.duties import DUTIES, tick
from tasks.kinds import KINDS
from tasks.store import Pulse, TaskStore
from tasks.upkeep import Retention, prune, prune_tenant
from tests.tasks.business import a_task, an_ops_actor
from tests.tasks.waiting import states, until, working


@pytest.fixture
def rung() -> list[str]:
    """One entry each time that the workers were woken."""
    return []


@pytest.fixture
def control(ops, runner, rung) -> Control:
    return Control(ops, runner, lambda: rung.append("woken"))


async def test_a_dead_task_is_retried_by_ops_and_the_platform_remembers_who_did_it(db, control, tools, ours, theirs):
    actor, task = await an_ops_actor(db), await a_task(db, ours, "sweep_swaps")
    await db.execute("update task set state = 'DEAD', attempts = 8, finished_at = now()")

    assert await control.retry(actor, task) == task

    assert tuple(await db.fetchrow("select state, attempts, finished_at from task")) == ("READY", 0, None)
    line = await db.fetchrow("select * from audit where tenant_id = $1", PLATFORM_TENANT)
    assert (line["actor_id"], line["entity"], line["entity_id"]) == (actor.person, "Task", task)
    assert line["detail"] == {"action": "retry_task", "tenantId": str(ours.tenant), "detail": "sweep_swaps"}
    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select state = 'DONE' from task"))


async def test_only_a_dead_task_can_be_retried(db, control, ours):
    actor, task = await an_ops_actor(db), await a_task(db, ours, "sweep_swaps")
    with pytest.raises(IllegalTransition):
        await control.retry(actor, task)
    with pytest.raises(NotFound):
        await control.retry(actor, new_id())
    assert await db.fetchval("select count(*) from audit") == 0


async def test_ops_runs_a_duty_of_a_market_now_and_its_schedule_goes_on(db, control, tools, ours, theirs):
    """A4; a window's state is told to those who watch, and nobody is notified."""
    actor = await an_ops_actor(db)
    await tick(control.ops)
    await db.execute("delete from task")
    before = await db.fetchval("select count(*) from duty_run")

    task = await control.run_now(actor, ours.market, "announce_window")
    async with working(tools, KINDS):
        await until(lambda: db.fetchval("select state = 'DONE' from task where id = $1", task))

    assert {row["tenant_id"] for row in await db.fetch("select tenant_id from event")} == {ours.tenant}
    assert await db.fetchval("select count(*) from notification") == 0
    assert await db.fetchval("select count(*) from duty_run") == before
    assert await db.fetchval("select detail->>'detail' from audit") == "announce_window"


async def test_what_ops_sets_off_wakes_a_worker_and_what_is_refused_does_not(db, control, ours, rung):
    """A4; without the bell a worker would only find it at its next look."""
    actor, task = await an_ops_actor(db), await a_task(db, ours, "sweep_swaps")
    with pytest.raises(IllegalTransition):
        await control.retry(actor, task)
    with pytest.raises(Invalid):
        await control.run_now(actor, ours.market, "drop_tables")
    assert rung == []

    await db.execute("update task set state = 'DEAD', attempts = 8, finished_at = now()")
    await control.retry(actor, task)
    assert rung == ["woken"]
    await control.run_now(actor, ours.market, "prune_log")
    assert rung == ["woken", "woken"]


async def test_an_unknown_duty_and_an_unknown_market_are_refused(db, control, ours):
    actor = await an_ops_actor(db)
    with pytest.raises(Invalid):
        await control.run_now(actor, ours.market, "drop_tables")
    with pytest.raises(NotFound):
        await control.run_now(actor, new_id(), "prune_log")
    assert await states(db) == {}
    assert await db.fetchval("select count(*) from audit") == 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPS])
async def test_nobody_but_ops_sees_or_moves_the_queues(db, control, ours, role):
    """R16, R257: what runs by the clock is set off by hand only by who has proven to be ops."""
    actor = Actor(ours.tenant, role, ours.owner)
    task = await a_task(db, ours, "sweep_swaps")
    for wish in (
        control.overview(actor),
        control.tasks(actor),
        control.retry(actor, task),
        control.run_now(actor, ours.market, "prune_log"),
    ):
        with pytest.raises(Forbidden):
            await wish
    assert await states(db) == {"READY": 1}


async def test_a_revoked_ops_session_moves_nothing(db, control, ours):
    actor, task = await an_ops_actor(db), await a_task(db, ours, "sweep_swaps")
    await db.execute("update task set state = 'DEAD'")
    await db.execute("update session set revoked_at = now()")
    with pytest.raises(Exception, match="Sign in"):
        await control.retry(actor, task)
    assert await states(db) == {"DEAD": 1}


async def test_the_overview_shows_queues_workers_and_duties_of_all_without_their_business(db, control, ours, theirs):
    """R257, A4."""
    actor = await an_ops_actor(db)
    for business in (ours, theirs):
        await a_task(db, business, "b", {"secret": "13 Elm Street"})
        await a_task(db, business, "a", due_in=timedelta(hours=1))
    await db.execute("update task set state = 'DEAD' where tenant_id = $1 and kind = 'a'", theirs.tenant)
    await TaskStore(control.ops).beat(Pulse("here", 1, 2, 3))
    await TaskStore(control.ops).beat(Pulse("gone", 0, 0, 0))
    await db.execute("update worker set seen_at = now() - interval '1 minute' where id = 'gone'")

    seen = await control.overview(actor)

    queues = {
        row["kind"]: (row["ready"], row["leased"], row["dead"], bool(row["oldest_due_at"])) for row in seen["queues"]
    }
    assert queues == {"a": (1, 0, 1, False), "b": (2, 0, 0, True)}
    assert {row["id"]: row["alive"] for row in seen["workers"]} == {"here": True, "gone": False}
    assert len(seen["duties"]) == 2 * len(DUTIES)
    assert all(row["next_due_at"] > datetime.now(UTC) - timedelta(hours=1) for row in seen["duties"])
    assert {row["tenant_id"] for row in await control.tasks(actor)} == {ours.tenant, theirs.tenant}
    assert [row["kind"] for row in await control.tasks(actor, "DEAD")] == ["a"]
    assert "Elm" not in repr((seen, await control.tasks(actor)))
    for size in (0, 101, -1):
        with pytest.raises(Invalid):
            await control.tasks(actor, first=size)


async def test_old_events_go_and_the_mark_moves_so_that_older_cursors_are_told(db, tools, ours, theirs):
    """Seven days; another tenant's log is not touched, and dense numbers go on."""
    for business in (ours, theirs):
        await _events(db, business, days_ago=[9, 8, 7.5, 6, 1])

    await prune(await _context(db, tools, ours), ours.tenant, {})

    assert await _log(db, ours) == (4, [4, 5])
    assert await _log(db, theirs) == (1, [1, 2, 3, 4, 5])


async def test_a_log_that_is_too_long_loses_its_oldest_events_whatever_their_age(db, tools, ours):
    await _events(db, ours, days_ago=[5, 4, 3, 2, 1])
    context = await _context(db, tools, ours)
    await prune_tenant(context, ours.tenant, Retention(most_events=2))
    assert await _log(db, ours) == (4, [4, 5])
    await prune_tenant(context, ours.tenant, Retention(events=timedelta(0)))
    assert await _log(db, ours) == (6, [])


async def test_old_receipts_done_tasks_duty_rows_and_silent_workers_go(db, tools, ours):
    await a_task(db, ours, "old")
    await db.execute("update task set state = 'DONE', finished_at = now() - interval '8 days'")
    await a_task(db, ours, "waiting")
    await db.execute("insert into worker (id, started_at, seen_at) values ('x', now(), now() - interval '2 days')")
    for age in (89, 91):
        await db.execute(
            """insert into mutation_receipt (tenant_id, actor_id, command, key, input_mac, entity_id, at)
               values ($1, $2, 'c', $3, '', $2, now() - $3::text::int * interval '1 day')""",
            ours.tenant,
            UUID(int=1),
            str(age),
        )
    context = await _context(db, tools, ours)
    await prune(context, ours.tenant, {})

    assert [row["kind"] for row in await db.fetch("select kind from task where kind <> 'prune_log'")] == ["waiting"]
    assert [row["key"] for row in await db.fetch("select key from mutation_receipt")] == ["89"]
    assert await db.fetchval("select count(*) from worker") == 0


@pytest.mark.parametrize(
    "forbidden",
    [
        "select payload from event",
        "update event set type = 'SwapOffered'",
        "insert into event select * from event",
        "update tenant_head set seq = 0",
        "select * from mutation_receipt",
        "select * from audit",
        "select * from swap",
        "select * from tenant",
    ],
)
async def test_the_ops_role_reads_nobodys_business(ops, ours, forbidden):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ops.execute(forbidden)


@pytest.mark.parametrize("across", ["tenant_clocks()", "market_clocks()"])
async def test_the_application_cannot_look_across_tenants(place, ours, across):
    app = await asyncpg.connect(place.servers.database_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(f"select * from {across}")
    finally:
        await app.close()


async def _context(db, tools, business) -> TaskContext:
    await a_task(db, business, "prune_log")
    [task] = await TaskStore(tools.ops).claim("t", 1, ["prune_log"])
    return TaskContext(tools, task)


async def _events(db, business, *, days_ago) -> None:
    for seq, age in enumerate(days_ago, start=1):
        await db.execute(
            """insert into event (tenant_id, seq, type, entity, entity_id, payload, actor_id, request_id, at)
               values ($1, $2, 'T', 'E', $3, '{}', $3, '', now() - $4 * interval '1 day')""",
            business.tenant,
            seq,
            UUID(int=1),
            float(age),
        )
    await db.execute("update tenant_head set seq = $2 where tenant_id = $1", business.tenant, len(days_ago))


async def _log(db, business) -> tuple[int, list[int]]:
    rows = await db.fetch("select seq from event where tenant_id = $1 order by seq", business.tenant)
    first = await db.fetchval("select first_seq from tenant_head where tenant_id = $1", business.tenant)
    return first, [row["seq"] for row in rows]


async def test_dead_sessions_links_and_sources_go_after_thirty_days(db, tools, ours, theirs):
    """Each tenant's by its own task; what is alive or has just ended stays."""
    for business in (ours, theirs):
        for revoked, expires in ((31, -1), (1, -1), (None, 31), (None, 1), (None, -1)):
            session = new_id()
            await db.execute(
                """insert into session (tenant_id, id, person_id, role, created_at, seen_at, revoked_at, expires_at)
                   values ($1, $2, $3, 'owner', now(), now(), now() - $4 * interval '1 day',
                       now() - $5 * interval '1 day')""",
                business.tenant, session, business.owner, revoked, expires,
            )  # fmt: skip
            await db.execute(
                """insert into refresh_token (tenant_id, id, session_id, generation, token_hash, created_at, expires_at)
                   values ($1, $2, $3, 1, $4, now(), now())""",
                business.tenant, new_id(), session, session.bytes,
            )  # fmt: skip
        for days in (31, 1):
            await db.execute(
                """insert into mailed_link (tenant_id, id, person_id, purpose, token_hash, created_at, expires_at)
                   values ($1, $2, $3, 'reset', $4, now(), now() - $5 * interval '1 day')""",
                business.tenant, new_id(), business.owner, new_id().bytes, days,
            )  # fmt: skip
            await db.execute(
                """insert into sign_in_source (tenant_id, source, seen_at)
                   values ($1, $2, now() - $3 * interval '1 day')""",
                business.tenant, f"source {days}", days,
            )  # fmt: skip

    await prune(await _context(db, tools, ours), ours.tenant, {})

    tables = ("session", "refresh_token", "mailed_link", "sign_in_source")
    for business, left in ((ours, [3, 3, 1, 1]), (theirs, [5, 5, 2, 2])):
        count = "select count(*) from {} where tenant_id = $1"
        assert [await db.fetchval(count.format(table), business.tenant) for table in tables] == left
