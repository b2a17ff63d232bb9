"""The control room: what ops read and do, on the pool of their own database role."""

from typing import Any

import strawberry
from strawberry.types import Info

from domain.errors import InvalidId, Refused, Unauthenticated
from domain.ids import MarketId, TaskId
from domain.tasks import TaskState
from resolvers.context import Context
from resolvers.expose import mutation
from resolvers.public_error import as_public
from schema.errors import UserError
from schema.types.described import described
from schema.types.ops import DutyStatus, MoneyAlarmCount, Ops, Queue, TaskStatus, WorkerStatus
from schema.types.relay import decode_id, encode_id


def _ids(row: dict[str, Any], **types: str) -> dict[str, Any]:
    return {**row, **{name: encode_id(kind, row[name]) for name, kind in types.items()}}


async def ops(info: Info[Context, None]) -> Ops | None:
    """Queues, workers and duties of all tenants; for the platform's ops alone."""
    with as_public():
        found = await info.context.services.control.overview(info.context.signed_in)
    return Ops(
        queues=[Queue(**row) for row in found["queues"]],
        workers=[WorkerStatus(**row) for row in found["workers"]],
        money=[MoneyAlarmCount(**row) for row in found["money"]],
        duties=[DutyStatus(**_ids(row, market_id="Market", tenant_id="Tenant")) for row in found["duties"]],
    )


async def tasks(info: Info[Context, None], state: TaskState | None = None, first: int = 50) -> list[TaskStatus] | None:
    """The newest tasks of all tenants, of one state if given, at most 100; for the platform's ops alone."""
    with as_public():
        rows = await info.context.services.control.tasks(info.context.signed_in, state, first)
    return [TaskStatus(**_ids(row, id="Task", tenant_id="Tenant")) for row in rows]


@described
@strawberry.type
class TaskPayload:
    """The answer of retryTask and runDutyNow."""

    task_id: strawberry.ID | None
    """The task that will run; null if the mutation was refused."""
    errors: list[UserError]
    """Why it was refused; empty if it was done."""


async def retry_task(info: Info[Context, None], task_id: strawberry.ID) -> TaskPayload:
    """Give a dead task its attempts back; for the platform's ops alone, audited."""
    try:
        key = TaskId(_key(task_id, "Task", "taskId"))
        done = await info.context.services.control.retry(info.context.signed_in, key)
    except Unauthenticated:
        raise
    except Refused as refusal:
        return TaskPayload(task_id=None, errors=[UserError.of(refusal)])
    return TaskPayload(task_id=encode_id("Task", done), errors=[])


async def run_duty_now(info: Info[Context, None], market_id: strawberry.ID, duty: str) -> TaskPayload:
    """Do a duty of a market now, beside its schedule; for the platform's ops alone, audited (A4)."""
    try:
        key = MarketId(_key(market_id, "Market", "marketId"))
        made = await info.context.services.control.run_now(info.context.signed_in, key, duty)
    except Unauthenticated:
        raise
    except Refused as refusal:
        return TaskPayload(task_id=None, errors=[UserError.of(refusal)])
    return TaskPayload(task_id=encode_id("Task", made), errors=[])


def _key(id: str, kind: str, field: str) -> Any:
    try:
        return decode_id(id, kind)
    except InvalidId:
        raise InvalidId(field=(field,)) from None


def _mutation(resolve: Any, name: str, **arguments: str) -> Any:
    field = mutation(resolve, name, resolve.__doc__)
    for argument in field.arguments:
        argument.description = arguments[argument.python_name]
    return field


def _query(resolve: Any, **arguments: str) -> Any:
    field = strawberry.field(resolver=resolve, description=resolve.__doc__)
    for argument in field.arguments:
        argument.description = arguments[argument.python_name]
    return field


OPS = _query(ops)
TASKS = _query(tasks, state="Only tasks in this state.", first="How many, at most 100.")

MUTATIONS = {
    "retry_task": _mutation(retry_task, "retry_task", task_id="The dead task."),
    "run_duty_now": _mutation(run_duty_now, "run_duty_now", market_id="The market.", duty="The duty's name."),
}
