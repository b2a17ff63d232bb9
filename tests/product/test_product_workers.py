"""What happens later, by the product's own workers: expiry, notifications, and the death of processes (A38)."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.actors import Actor, TenantId
from tests.product.world import Api, Town, World, a_worker, an_api, gid

DEADLINE = 60.0


pytestmark = pytest.mark.usefixtures("alone")


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The condition's first truthy answer; fails at the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not (answer := await condition()):
            await asyncio.sleep(0.05)
    return answer


def happened(town: Town, type: str, id: Any) -> Callable[[], Awaitable[Any]]:
    """That the log has this event."""
    return lambda: town.world.count("event", town.tenant, f"type = '{type}' and entity_id = '{id}'")


def settled(world: World, tenant: TenantId) -> Callable[[], Awaitable[Any]]:
    """That nothing which is due now waits for a worker."""
    waiting = """select count(*) = 0 from task t join tenant using (tenant_id) where tenant_id = $1
        and state in ('READY', 'LEASED') and run_at <= now() + clock_offset"""
    return lambda: world.root.fetchval(waiting, tenant)


def outbox(world: World) -> list[dict[str, Any]]:
    """Every message that was sent."""
    path: Path = world.data / "outbox.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def messages(town: Town, kind: str) -> list[tuple[str, str, str]]:
    """Person, channel and address of the tenant's notifications of a kind that lie in the outbox, once a line."""
    rows = await town.world.root.fetch(
        "select id, person_id, channel from notification where tenant_id = $1 and kind = $2", town.tenant, kind
    )
    known = {str(row["id"]): (str(row["person_id"]), row["channel"]) for row in rows}
    sent = [one["id"] for one in outbox(town.world)]
    return sorted((*known[id], id) for id in sent if id in known)


async def test_an_offered_swap_expires_at_its_time_and_everybody_concerned_hears_of_it_once(
    api: Api, world: World, town: Town, other: Town
) -> None:
    """R100, R184, A27, A38: by the tenant's clock, one message a person and channel; the other business sleeps on."""
    giver, taker, _ = await town.cleaner(), await town.cleaner(), await other.cleaner()
    theirs = await other.offer(await other.cleaner())
    shift = await town.shift(giver)
    form = {"assignmentId": gid("Assignment", shift)}
    offered = await api.do(giver, "offerSwap", form, "swap { id }")
    swap = await world.root.fetchval("select id from swap where assignment_id = $1", shift)
    assert offered["swap"]["id"] == gid("Swap", swap)

    async with a_worker(world):
        await until(settled(world, town.tenant))
        await world.move_clock(town.tenant, timedelta(days=4))
        await until(happened(town, "SwapExpired", swap))
        await until(settled(world, town.tenant))

    told = [(person, channel) for person, channel, _ in await messages(town, "SWAP_OFFERED")]
    assert told == [(str(taker.person), "PUSH")]
    expired = [(person, channel) for person, channel, _ in await messages(town, "SWAP_EXPIRED")]
    assert expired == sorted(set(expired))
    assert {person for person, _ in expired} == {str(giver.person)}
    assert await world.count("event", town.tenant, "type = 'SwapExpired'") == 1
    assert await world.count("notification", town.tenant, "kind like 'SWAP%' and status <> 'SENT'") == 0
    assert await world.root.fetchval("select status from swap where id = $1", theirs) == "PENDING"
    ids = [one["id"] for one in outbox(world)]
    assert len(ids) == len(set(ids))


async def test_what_was_committed_without_a_wake_is_found_by_the_sweep(world: World, town: Town, other: Town) -> None:
    """R236, A38: the world's own runner wakes nobody, as a process that died right after its commit."""
    giver, taker = await town.cleaner(), await town.cleaner()
    async with a_worker(world):
        await until(lambda: _lives(world))
        await until(settled(world, town.tenant))
        swap = await town.offer(giver)
        await until(lambda: _told(town, taker))
    assert (
        await world.count(
            "task", town.tenant, f"payload ->> 'swap_id' = '{swap}' and kind = 'notify_swap' and state <> 'DONE'"
        )
        == 0
    )


async def test_an_api_process_that_is_killed_after_its_commits_loses_nothing(
    world: World, town: Town, other: Town
) -> None:
    """A38: offers are answered, the process is killed at once; a worker that starts later does all that they left."""
    giver, taker = await town.cleaner(), await town.cleaner()
    shifts = [await town.shift(giver, await town.day(3 + day)) for day in range(3)]
    async with an_api(world) as doomed:
        for shift in shifts:
            done = await doomed.do(giver, "offerSwap", {"assignmentId": gid("Assignment", shift)}, "swap { id }")
            assert done["errors"] == []
        doomed.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(doomed.process.wait)

    async with a_worker(world):
        await until(settled(world, town.tenant))

    told = [(person, channel) for person, channel, _ in await messages(town, "SWAP_OFFERED")]
    assert told == [(str(taker.person), "PUSH")] * 3
    assert await world.count("event", town.tenant, "type = 'SwapOffered'") == 3


async def test_a_worker_that_is_killed_at_work_is_replaced_and_nobody_hears_twice(
    world: World, town: Town, other: Town
) -> None:
    """R236, A38: twenty offers, the first worker killed in the middle of them, each of two people told once of each."""
    giver, *takers = [await town.cleaner() for _ in range(3)]
    swaps = [await town.offer(giver, await town.day(3 + day)) for day in range(20)]

    async def sent() -> int:
        found: int = await world.count("notification", town.tenant, "kind = 'SWAP_OFFERED'")
        return found

    async with _one_held_back(world, town), a_worker(world) as victim:
        await until(sent)
        victim.send_signal(signal.SIGKILL)
        await asyncio.to_thread(victim.wait)
    assert await world.count("task", town.tenant, "kind = 'notify_swap' and state = 'DONE'") < len(swaps)
    async with a_worker(world):
        await until(settled(world, town.tenant))

    told = await messages(town, "SWAP_OFFERED")
    assert {person for person, _, _ in told} == {str(one.person) for one in takers}
    assert len(told) == len({id for _, _, id in told}) == len(swaps) * len(takers)
    assert await world.count("notification", other.tenant, "kind like 'SWAP%'") == 0


@asynccontextmanager
async def _one_held_back(world: World, town: Town) -> AsyncIterator[None]:
    """No worker gets one of the tasks meanwhile: however fast it is, it cannot be through with all."""
    row = """select id from task where tenant_id = $1 and kind = 'notify_swap' and state = 'READY'
        order by run_at desc limit 1 for update"""
    holder = await asyncpg.connect(world.servers.superuser_url, database="cleanshift")
    try:
        async with holder.transaction():
            assert await holder.fetchval(row, town.tenant)
            yield
    finally:
        await holder.close()


async def _lives(world: World) -> Any:
    return await world.root.fetchval("select count(*) from worker where seen_at > now() - interval '10 seconds'")


async def _told(town: Town, who: Actor) -> bool:
    return any(person == str(who.person) for person, _, _ in await messages(town, "SWAP_OFFERED"))
