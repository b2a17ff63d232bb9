"""Nothing is lost when processes are killed (A38): inside a task, and between a commit and its wake-up."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis

from app.waker import bell, open_waker
from app.worker import run_worker
from sandbox.environment import ensure_running
from tasks.worker import Pace, Worker
from tests.tasks.business import a_task
from tests.tasks.waiting import BRISK, until, working

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, place, ours) -> Path:
    servers = place.servers
    urls = {"app": servers.database_url, "ops": servers.database_ops_url, "redis": servers.redis_url}
    (tmp_path / "urls.json").write_text(json.dumps(urls | {"tenant": str(ours.tenant)}))
    return tmp_path


@asynccontextmanager
async def process(mode: str, folder: Path):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, str(Path(__file__).with_name("process.py")), mode, str(folder)]
    with (folder / f"{mode}.log").open("wb") as said:
        child = await asyncio.create_subprocess_exec(*argv, env=env, stdout=said, stderr=said, cwd=folder)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_a_task_whose_worker_was_killed_is_finished_by_another_after_its_lease(db, tools, ours, theirs, folder):
    done = []

    async def mark(context, tenant, payload):
        done.append((tenant, context.task.attempt))

    task = await a_task(db, ours, "mark")
    async with process("hang", folder) as victim:
        await until(_exists(folder / "begun"))
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
    row = await db.fetchrow("select state, lease_until > clock_timestamp() from task where id = $1", task)
    assert tuple(row) == ("LEASED", True)

    async with working(tools, {"mark": mark}):
        await until(_done(db))

    assert done == [(ours.tenant, 2)]


async def test_a_task_whose_process_died_between_commit_and_wake_is_found_by_the_sweep(db, tools, ours, theirs, folder):
    done = []

    async def mark(context, tenant, payload):
        done.append((tenant, payload["text"]))

    async with working(tools, {"mark": mark}):
        async with process("die", folder) as child:
            assert await child.wait() == -signal.SIGKILL
        await until(_done(db))

    assert done == [(ours.tenant, "committed")]


@pytest.mark.parametrize("redis", ["there", "none", "dead"])
async def test_the_worker_process_works_and_on_sigterm_signs_off_whatever_redis_does(db, ours, folder, redis):
    urls = json.loads((folder / "urls.json").read_text())
    urls["redis"] = {"there": urls["redis"], "none": None, "dead": "redis://127.0.0.1:1/0"}[redis]
    (folder / "urls.json").write_text(json.dumps(urls))
    async with process("brisk", folder) as worker:
        await until(_done(db, await a_task(db, ours, "sweep_swaps")))
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 15) == 0

    assert await db.fetchval("select count(*) from worker") == 0


async def test_arq_wakes_a_worker_that_would_not_look_by_itself(db, place, ours, folder):
    """R253: the sweep is an hour away, so only the bell can have brought the worker."""
    if place.servers.redis_url is None:
        pytest.skip("no Redis on this machine")
    waker = open_waker(place.servers.redis_url)
    async with process("serve", folder):
        await until(lambda: db.fetchval("select count(*) from worker"))
        await until(lambda: _listens(place.servers.redis_url))
        task = await a_task(db, ours, "sweep_swaps")
        waker.wake()
        await until(_done(db, task))
    await waker.close()


async def test_without_redis_nobody_is_woken_and_everything_is_done(db, tools, ours):
    waker = open_waker(None)
    worker = Worker("alone", tools, {"mark": _nothing}, (), BRISK)
    running = asyncio.create_task(run_worker(worker, None))
    await a_task(db, ours, "mark")
    waker.wake()

    await until(_done(db))

    worker.stop()
    await running
    await waker.close()


async def test_without_redis_for_a_while_work_goes_on_and_the_bell_is_heard_again(db, tools, ours, place):
    if place.servers.redis_url is None:
        pytest.skip("no Redis on this machine")
    waker = open_waker(place.servers.redis_url)
    # Looks only when woken, so that what it does after the outage, the bell has brought.
    deaf = Worker("deaf", tools, {"mark": _nothing}, (), Pace(sweep=3600.0, tick=3600.0))
    running = asyncio.create_task(run_worker(deaf, place.servers.redis_url))
    await until(lambda: _listens(place.servers.redis_url))

    os.kill(int((place.folder / "servers" / "redis" / "redis.pid").read_text()), signal.SIGKILL)
    async with working(tools, {"mark": _nothing}):
        await a_task(db, ours, "mark")
        waker.wake()
        await until(_done(db))

    assert await asyncio.to_thread(ensure_running, place.folder, durable=False) is not None
    task = await a_task(db, ours, "mark")
    await until(_rung_until(waker, _done(db, task)), 60)
    deaf.stop()
    await running
    await waker.close()


async def test_a_worker_that_stops_in_the_middle_of_a_bell_leaves_nothing_running(tools, ours, place):
    """R253: what ARQ still writes about the bell is waited for, or it would open a connection that nobody closes."""
    if place.servers.redis_url is None:
        pytest.skip("no Redis on this machine")
    waker = open_waker(place.servers.redis_url)
    before = asyncio.all_tasks()
    interrupted = _Interrupted("interrupted", tools, {}, (), Pace(sweep=3600.0, tick=3600.0))
    with redis.Redis.from_url(place.servers.redis_url) as interrupted.redis:
        running = asyncio.create_task(run_worker(interrupted, place.servers.redis_url))
        waker.wake()
        await running
        answers = interrupted.redis.ping()
    await waker.close()

    assert answers
    assert asyncio.all_tasks() <= before


class _Interrupted(Worker):
    """Stops at the first bell, with Redis too slow to hear that the bell was answered."""

    redis: redis.Redis

    def wake(self) -> None:
        super().wake()
        self.redis.client_pause(300)
        self.stop()


async def test_the_bell_gives_up_quietly_when_redis_is_away():
    waker = open_waker("redis://127.0.0.1:1/0")
    for _ in range(100):
        waker.wake()
    await waker.close()


async def test_many_wake_ups_leave_a_handful_of_jobs_for_an_absent_worker(place):
    if place.servers.redis_url is None:
        pytest.skip("no Redis on this machine")
    client = bell(place.servers.redis_url)
    await client.flushdb()
    waker = open_waker(place.servers.redis_url)
    for _ in range(200):
        waker.wake()
        await asyncio.sleep(0)
    await until(lambda: client.zcard("cleanshift:wake"))
    assert await client.zcard("cleanshift:wake") <= 16
    await waker.close()
    await client.flushdb()
    await client.aclose(close_connection_pool=True)


async def _nothing(context, tenant, payload):
    return None


async def _listens(redis_url: str) -> bool:
    client = bell(redis_url)
    try:
        return bool(await client.exists("cleanshift:wake:health-check"))
    finally:
        await client.aclose(close_connection_pool=True)


def _rung_until(waker, condition):
    """The condition, ringing again each time it is asked for: the ring during the outage was lost, as it may be."""

    async def holds():
        waker.wake()
        return await condition()

    return holds


def _is(claim):
    async def holds():
        return claim()

    return holds


def _exists(path: Path):
    return _is(path.exists)


def _done(db, task=None):
    """That this task is done, or that all are."""

    async def holds():
        which = "id = $1" if task else "$1::uuid is null"
        rows = await db.fetch(f"select state from task where {which}", task)
        return bool(rows) and {row["state"] for row in rows} == {"DONE"}

    return holds
