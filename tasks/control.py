"""The work queues as ops sees and moves them: across tenants, and without any tenant's business in it.

Runs on the pool of the role `ops`; interventions are written to the platform tenant's audit log first (A4, R16, R237,
R257).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from db.ids import new_id
from db.runner import Call, Runner
from domain.actors import Actor
from domain.errors import IllegalTransition, Invalid, NotFound
from domain.ids import MarketId, TaskId
from domain.tasks import TaskState
from services.ops import NoteOpsAction, ProveOps, note_ops_action, prove_ops
from tasks.duties import DUTIES, DutyClock, duty_clocks

MOST_TASKS = 100
ALIVE = "seen_at > clock_timestamp() - interval '15 seconds'"

_QUEUES = """
select kind, count(*) filter (where state = 'READY') as ready, count(*) filter (where state = 'LEASED') as leased,
    count(*) filter (where state = 'DEAD') as dead,
    min(run_at) filter (where state = 'READY' and run_at <= c.business_now) as oldest_due_at
from task t join tenant_clocks() c on c.tenant_id = t.tenant_id
where state in ('READY', 'LEASED') or state = 'DEAD'
group by kind order by kind"""

_WORKERS = f"""
select id, started_at, seen_at, running, done, failed, {ALIVE} as alive from worker order by started_at, id"""

_MONEY = """
select kind, count(*) as standing, count(distinct tenant_id) as tenants, min(raised_at) as since from money_alarm
where cleared_at is null group by kind order by kind"""

_TASKS = """
select id, tenant_id, kind, state, attempts, run_at, lease_until, last_error, created_at from task
where $1::text is null or state = $1 order by created_at desc, id desc limit $2"""

_RETRY = """
update task set state = 'READY', attempts = 0, finished_at = null,
    run_at = (select business_now from tenant_clocks() c where c.tenant_id = task.tenant_id)
where tenant_id = $1 and id = $2 and state = 'DEAD'"""

_RUN_NOW = """
insert into task (tenant_id, id, kind, payload, run_at, created_at)
values ($1, $2, $3, jsonb_build_object('market_id', $4::uuid, 'due_at', $5::timestamptz, 'by_ops', true), $5, $5)"""


@dataclass(frozen=True, slots=True)
class Control:
    """What ops may see and do. Every method raises `Forbidden` for any other role."""

    ops: asyncpg.Pool
    runner: Runner
    wake: Callable[[], None]
    """Has a worker look for due tasks soon; must not block or raise."""

    async def retry(self, actor: Actor, task_id: TaskId) -> TaskId:
        """Give a dead task its attempts back. `NotFound`, or `IllegalTransition` where it is not dead."""
        await self._prove(actor)
        row = await self.ops.fetchrow("select tenant_id, state, kind from task where id = $1", task_id)
        if row is None:
            raise NotFound(field=("taskId",))
        if row["state"] == TaskState.DEAD:
            await self._note(actor, NoteOpsAction("retry_task", "Task", task_id, row["tenant_id"], row["kind"]))
            if await self.ops.execute(_RETRY, row["tenant_id"], task_id) == "UPDATE 1":
                self.wake()
                return task_id
        raise IllegalTransition("Only a dead task can be retried.", field=("taskId",))

    async def run_now(self, actor: Actor, market_id: MarketId, duty: str) -> TaskId:
        """Do a duty of a market now, whatever its schedule says; the schedule goes on as before (A4)."""
        await self._prove(actor)
        if duty not in {each.name for each in DUTIES}:
            raise Invalid("There is no such duty.", field=("duty",))
        found = [one.clock for one in await duty_clocks(self.ops) if one.clock.market == market_id]
        if not found:
            raise NotFound(field=("marketId",))
        clock, task_id = found[0], TaskId(new_id())
        await self._note(actor, NoteOpsAction("run_duty_now", "Market", market_id, clock.tenant, duty))
        await self.ops.execute(_RUN_NOW, clock.tenant, task_id, duty, market_id, clock.now)
        self.wake()
        return task_id

    async def overview(self, actor: Actor) -> dict[str, Any]:
        """Queues, workers, duties and counts of alarms, as the type `Ops` shows them."""
        await self._prove(actor)
        return {
            "queues": [dict(row) for row in await self.ops.fetch(_QUEUES)],
            "workers": [dict(row) for row in await self.ops.fetch(_WORKERS)],
            "money": [dict(row) for row in await self.ops.fetch(_MONEY)],
            "duties": [_duty(one) for one in await duty_clocks(self.ops)],
        }

    async def tasks(self, actor: Actor, state: TaskState | None = None, first: int = 50) -> list[dict[str, Any]]:
        """The newest tasks, of one state if given, at most 100; never their payloads."""
        await self._prove(actor)
        if not 1 <= first <= MOST_TASKS:
            raise Invalid(f"A page has 1 to {MOST_TASKS} tasks.", field=("first",))
        return [dict(row) for row in await self.ops.fetch(_TASKS, state, first)]

    async def _prove(self, actor: Actor) -> None:
        """Raise `Forbidden` for any other role, `Unauthenticated` for a session that is over."""
        await self.runner.run(Call(actor, prove_ops, ProveOps()))

    async def _note(self, actor: Actor, action: NoteOpsAction) -> UUID:
        return await self.runner.run(Call(actor, note_ops_action, action))


def _duty(one: DutyClock) -> dict[str, Any]:
    next_due: datetime | None = one.next_due()
    return {
        "name": one.duty.name,
        "schedule": one.duty.schedule_words,
        "description": one.duty.purpose,
        "market_id": one.clock.market,
        "tenant_id": one.clock.tenant,
        "last_run_at": one.noticed,
        "next_due_at": next_due,
    }
