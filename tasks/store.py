"""The task table as workers see it: claims with a lease and a fence, and the outcome of each attempt.

Runs as the database role `ops`, across tenants. A task is due by its tenant's business time; leases run by the
database's raw clock, so that moving a tenant's clock in the sandbox never steals a task from a live worker.
"""

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from domain.actors import TenantId
from domain.ids import TaskId

MOST_ATTEMPTS = 8
"""After so many failures a task is dead and waits for ops; the waits between them add up to about four minutes."""
LEASE = timedelta(seconds=15)
BURIED = "The worker died in every attempt."

_CLOCK = "clock as materialized (select tenant_id, business_now from tenant_clocks())"

# The upper bound of all clocks keeps the scan inside the index of what is due; each tenant's own clock then decides. It
# is looked up row by row, so that the index's own order is that of the answer and the scan ends with the last place: a
# join would have all that is due read and sorted for each claim.
CLAIM = f"""
with {_CLOCK}, due as (
    select t.tenant_id, t.id
    from task t
    where t.state in ('READY', 'LEASED') and t.run_at <= (select max(business_now) from clock) and t.kind = any($2)
      and (t.state = 'READY' and t.run_at <= (select c.business_now from clock c where c.tenant_id = t.tenant_id)
           or t.state = 'LEASED' and t.lease_until < clock_timestamp() and t.attempts < $4)
    order by t.run_at limit $3 for update of t skip locked)
update task t set state = 'LEASED', attempts = t.attempts + 1, worker = $1,
    lease_token = gen_random_uuid(), lease_until = clock_timestamp() + $5
from due where t.tenant_id = due.tenant_id and t.id = due.id
returning t.tenant_id, t.id, t.kind, t.payload, t.attempts, t.lease_token,
    (select c.business_now from clock c where c.tenant_id = t.tenant_id) as business_now"""

_NEXT_DUE = f"""
with {_CLOCK}, first as (
    select t.tenant_id, min(t.run_at) as run_at from task t
    where t.state = 'READY' and t.kind = any($1) and t.run_at <= (select max(business_now) from clock) + $2
    group by t.tenant_id)
select extract(epoch from min(first.run_at - c.business_now))::float8
from first join clock c on c.tenant_id = first.tenant_id"""

_RENEW = """
update task t set lease_until = clock_timestamp() + $4
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as held (tenant_id, id, token)
where t.tenant_id = held.tenant_id and t.id = held.id and t.lease_token = held.token
returning t.id"""

_RELEASE = """
update task t set state = 'READY', attempts = t.attempts - 1, worker = null, lease_until = null, lease_token = null
from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as held (tenant_id, id, token)
where t.tenant_id = held.tenant_id and t.id = held.id and t.lease_token = held.token"""

_END = """
update task set state = $4, last_error = $5, finished_at = clock_timestamp(), lease_until = null, lease_token = null
where tenant_id = $1 and id = $2 and lease_token = $3"""

_AGAIN = """
update task set state = 'READY', last_error = $4, worker = null, lease_until = null, lease_token = null,
    run_at = (select business_now from tenant_clocks() where tenant_id = $1) + $5
where tenant_id = $1 and id = $2 and lease_token = $3"""

_BURY = """
update task set state = 'DEAD', last_error = $2, finished_at = clock_timestamp(), lease_until = null, lease_token = null
where state = 'LEASED' and lease_until < clock_timestamp() and attempts >= $1"""

_BEAT = """
insert into worker (id, started_at, seen_at, running, done, failed)
values ($1, clock_timestamp(), clock_timestamp(), $2, $3, $4)
on conflict (id) do update set seen_at = excluded.seen_at, running = excluded.running,
    done = excluded.done, failed = excluded.failed"""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A claimed task: what to do, for whom, and the fence that lets only this claim record an outcome."""

    tenant: TenantId
    id: TaskId
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    """1 for the first."""
    token: UUID
    now: datetime
    """The tenant's business time when it was claimed."""

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure now is final."""
        return self.attempt >= MOST_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a worker says about itself."""

    worker: str
    running: int
    done: int
    failed: int


def backoff(attempt: int) -> timedelta:
    """How long to wait after this attempt failed: 2, 4, 8 ... s, give or take a quarter, so that crowds disperse."""
    return timedelta(seconds=2.0**attempt * random.uniform(0.75, 1.25))  # noqa: S311 (no secret)


@dataclass(frozen=True, slots=True)
class TaskStore:
    """Claims and outcomes over a pool of the role `ops`."""

    pool: asyncpg.Pool
    lease: timedelta = LEASE

    async def claim(self, worker: str, limit: int, kinds: Collection[str]) -> list[Task]:
        """Lease up to `limit` tasks of these kinds that are due or whose worker has died, the longest due first.

        No two workers get the same task. Kinds that this worker does not know are left for one that does.
        """
        rows = await self.pool.fetch(CLAIM, worker, list(kinds), limit, MOST_ATTEMPTS, self.lease)
        return [_task(row) for row in rows]

    async def finish(self, task: Task) -> bool:
        """Record that the task is done; False if another worker has taken it over meanwhile (then nothing changes)."""
        return _changed(await self.pool.execute(_END, task.tenant, task.id, task.token, "DONE", None))

    async def fail(self, task: Task, error: str, wait: timedelta) -> bool:
        """Record a failure: again after `wait`, or DEAD after the last attempt. False if the fence did not hold."""
        key = (task.tenant, task.id, task.token)
        if task.is_last_attempt:
            return _changed(await self.pool.execute(_END, *key, "DEAD", error))
        return _changed(await self.pool.execute(_AGAIN, *key, error, wait))

    async def renew(self, tasks: Collection[Task]) -> set[UUID]:
        """Prolong the leases; the ids of those that are still ours."""
        rows = await self.pool.fetch(_RENEW, *_keys(tasks), self.lease)
        return {row["id"] for row in rows}

    async def release(self, tasks: Collection[Task]) -> None:
        """Give back what a stopping worker did not finish, at once and without counting the attempt."""
        await self.pool.execute(_RELEASE, *_keys(tasks))

    async def bury(self) -> None:
        """End what killed its worker in every attempt: it would kill the next one too."""
        await self.pool.execute(_BURY, MOST_ATTEMPTS, BURIED)

    async def next_due(self, kinds: Collection[str], within: timedelta) -> timedelta | None:
        """How long until the next ready task is due (negative if it is overdue); None if none is due `within`."""
        seconds = await self.pool.fetchval(_NEXT_DUE, list(kinds), within)
        return None if seconds is None else timedelta(seconds=seconds)

    async def beat(self, pulse: Pulse) -> None:
        """Say that the worker lives."""
        await self.pool.execute(_BEAT, pulse.worker, pulse.running, pulse.done, pulse.failed)

    async def leave(self, worker: str) -> None:
        """Say that the worker has ended in good order."""
        await self.pool.execute("delete from worker where id = $1", worker)


def _task(row: asyncpg.Record) -> Task:
    return Task(
        tenant=TenantId(row["tenant_id"]),
        id=TaskId(row["id"]),
        kind=row["kind"],
        payload=row["payload"],
        attempt=row["attempts"],
        token=row["lease_token"],
        now=row["business_now"],
    )


def _keys(tasks: Iterable[Task]) -> tuple[list[UUID], list[UUID], list[UUID]]:
    held = list(tasks)
    return [task.tenant for task in held], [task.id for task in held], [task.token for task in held]


def _changed(status: str) -> bool:
    return status != "UPDATE 0"
