"""Work that was given up: the business's administrators learn of it, and of nothing that it was about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.ids import new_id
from tasks.worker import describe
from tests.product.world import Api, Town, World, gid, ops, put_first

FAILED = """query ($filter: FailedTaskFilter, $order: FailedTaskOrder) {
    failedTasks(first: 100, filter: $filter, orderBy: $order) { totalCount
    nodes { id kind attempts lastError runAt finishedAt } } }"""
SECRET = "sk_live_9hush9"
LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)


async def a_task(town: Town, kind: str, state: str = "DEAD", minutes: int = 0) -> UUID:
    """A task with a secret in what it is about; a failure that had the secret in its words."""
    made = new_id()
    await town.world.root.execute(
        """insert into task (tenant_id, id, kind, payload, run_at, state, attempts, last_error, created_at, finished_at)
           values ($1, $2, $3, jsonb_build_object('token', $4::text), $5, $6, 9, $7, $5, $8)""",
        town.tenant,
        made,
        kind,
        SECRET,
        LONG_AGO,
        state,
        failure(),
        LONG_AGO + timedelta(minutes=minutes) if state in {"DEAD", "DONE"} else None,
    )
    return made


def failure() -> str:
    """What a worker notes of a failure whose own words hold a secret."""
    nothing: dict[str, str] = {}
    try:
        return nothing[SECRET]
    except KeyError as problem:
        return describe(problem)


async def failed(api: Api, town: Town, **asked: Any) -> Any:
    return (await api.data(town.owner, FAILED, **asked))["failedTasks"]


async def test_administrators_see_what_was_given_up_and_not_what_it_was_about(
    api: Api, world: World, town: Town, other: Town
) -> None:
    """R4, R6: dead tasks of this business alone, the last first; kind and place of the failure, never its words."""
    first, last = await a_task(town, "notify_swap"), await a_task(town, "expire_swap", minutes=5)
    for state in ("READY", "LEASED", "DONE"):
        await a_task(town, "notify_swap", state)
    foreign = await a_task(other, "notify_swap")

    found = await failed(api, town)

    assert [node["id"] for node in found["nodes"]] == [gid("Task", last), gid("Task", first)]
    assert found["totalCount"] == 2
    assert found["nodes"][1] == {
        "id": gid("Task", first),
        "kind": "notify_swap",
        "attempts": 9,
        "lastError": failure(),
        "runAt": LONG_AGO.isoformat(),
        "finishedAt": LONG_AGO.isoformat(),
    }
    assert found["nodes"][0]["lastError"].startswith("KeyError at failure:")
    assert SECRET not in str(found)
    assert (await failed(api, town, order="FINISHED_AT_ASC"))["nodes"] == found["nodes"][::-1]
    by_kind = await failed(api, town, filter={"kind": "expire_swap"})
    assert [node["id"] for node in by_kind["nodes"]] == [gid("Task", last)]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await api.data(town.owner, node, id=gid("Task", foreign)))["node"] is None
    assert (await api.data(other.owner, node, id=gid("Task", foreign)))["node"] == {"id": gid("Task", foreign)}
    # What the platform's ops retry is named by the same id.
    await put_first(world, last)
    seen = await api.data(await ops(world), "{ tasks(state: DEAD, first: 100) { id } }")
    assert gid("Task", last) in {task["id"] for task in seen["tasks"]}


@pytest.mark.parametrize("who", ["dispatcher", "cleaner"])
async def test_nobody_else_learns_of_failures(api: Api, town: Town, other: Town, who: str) -> None:
    """R20: the list is empty, the object not there, and the payload no field at all."""
    dead = await a_task(town, "notify_swap")
    actor = await getattr(town, who)()

    assert (await api.data(actor, FAILED))["failedTasks"] == {"totalCount": 0, "nodes": []}
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await api.data(actor, node, id=gid("Task", dead)))["node"] is None
    answer = await api.ask(town.owner, "{ failedTasks { nodes { payload } } }")
    assert "data" not in answer


async def test_a_task_that_ops_retried_is_no_failure_any_more(api: Api, world: World, town: Town, other: Town) -> None:
    """The list is the present state: what got its attempts back leaves it, the other business's stays."""
    dead, foreign = await a_task(town, "nothing_does_this"), await a_task(other, "nothing_does_this")
    retry = "mutation ($id: ID!) { retryTask(taskId: $id) { taskId errors { code } } }"

    done = (await api.data(await ops(world), retry, id=gid("Task", dead)))["retryTask"]

    assert done == {"taskId": gid("Task", dead), "errors": []}
    assert (await failed(api, town))["nodes"] == []
    assert [node["id"] for node in (await failed(api, other))["nodes"]] == [gid("Task", foreign)]
