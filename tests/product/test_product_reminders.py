"""Reminders of the submission deadline, by the product's own workers and on a clock that is moved (R84, R85, A25)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.actors import Actor
from tests.product.test_product_availability import AUTUMN, SPRING, Sunday, set_clock, signed_in, slot, submit
from tests.product.test_product_workers import messages, settled, until
from tests.product.world import Api, Town, World, a_worker, gid, ops

DUTY = "remind_of_deadline"
KIND = "WINDOW_REMINDER"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BOTH_CHANGES = pytest.mark.parametrize("sunday", [SPRING, AUTUMN], ids=["clocks go forward", "clocks go back"])
MINE = "{ notifications(first: 10) { nodes { kind channel subject body status } } }"
RUN = "mutation ($m: ID!, $d: String!) { runDutyNow(marketId: $m, duty: $d) { taskId errors { code } } }"
DUTIES = "{ ops { duties { name schedule description marketId lastRunAt nextDueAt } } }"


@pytest.fixture(autouse=True)
async def calm(world: World, town: Town, other: Town, alone: None) -> None:
    """Both businesses stand far from any deadline, and are there for a month already, whatever day it is."""
    calm_day = SPRING.deadline_at - timedelta(days=7)
    for one in (town, other):
        await set_clock(one, calm_day)
        one.owner = await signed_in(one, one.owner)
        created = "update market set created_at = $2 where tenant_id = $1"
        await world.root.execute(created, one.tenant, calm_day - timedelta(days=30))


async def work_at(town: Town, instant: datetime) -> None:
    """A worker that begins when it is this late, until it has done all that fell due."""
    await set_clock(town, instant)
    async with a_worker(town.world):
        await until(lambda: town.world.count("duty_run", town.tenant, f"duty = '{DUTY}' and due_at = '{instant}'"))
        await until(settled(town.world, town.tenant))


async def reminded(town: Town) -> list[str]:
    """Whom the provider was given a reminder for, once a message."""
    told = await messages(town, KIND)
    assert {channel for _, channel, _ in told} <= {"PUSH"}
    return [person for person, _, _ in told]


def people(*actors: Actor) -> list[str]:
    return sorted(str(one.person) for one in actors)


@BOTH_CHANGES
async def test_who_submits_between_two_reminders_hears_of_no_further_one(
    api: Api, town: Town, other: Town, sunday: Sunday
) -> None:
    """R84, R85, A25, A38: a day, two hours, and 15 minutes ahead; the other business's clock is its own."""
    prompt, slow, forgetful = [await town.cleaner() for _ in range(3)]
    await other.cleaner()

    await work_at(town, sunday.deadline_at - 24 * HOUR)
    first = await reminded(town)
    await set_clock(town, sunday.opens_at + HOUR)
    await submit(api, town, prompt, [slot(sunday.monday, 0)])
    await work_at(town, sunday.deadline_at - 2 * HOUR)
    second = await reminded(town)
    await submit(api, town, slow, [])
    await work_at(town, sunday.deadline_at - 15 * MINUTE)

    assert first == people(prompt, slow, forgetful)
    assert second == people(prompt, slow, slow, forgetful, forgetful)
    assert await reminded(town) == people(prompt, slow, slow, forgetful, forgetful, forgetful)
    assert await town.world.count("notification", town.tenant, f"kind = '{KIND}' and status <> 'SENT'") == 0
    assert await town.world.count("notification", other.tenant) == 0
    mine = (await api.data(await signed_in(town, forgetful), MINE))["notifications"]["nodes"]
    bodies = [one["body"] for one in mine if one["kind"] == KIND]
    assert sum("opens on" in body for body in bodies) == 1
    assert all(f"open until Sunday {sunday.deadline_at:%d %B} at 18:00" in body for body in bodies)


async def test_a_worker_that_was_away_sends_the_newest_reminder_and_after_the_deadline_none(
    world: World, town: Town, other: Town
) -> None:
    """A38, R86: each business by its own clock, one ten minutes before its deadline, one ten minutes after it."""
    forgetful, late = await town.cleaner(), await other.cleaner()
    await set_clock(town, SPRING.deadline_at - 10 * MINUTE)
    await set_clock(other, AUTUMN.deadline_at + 10 * MINUTE)

    async with a_worker(world):
        for one in (town, other):
            await until(lambda one=one: world.count("duty_run", one.tenant, f"duty = '{DUTY}'"))  # type: ignore[misc]
            await until(settled(world, one.tenant))

    assert await reminded(town) == people(forgetful)
    assert await world.count("notification", other.tenant, f"kind = '{KIND}' and person_id = '{late.person}'") == 0
    assert await world.count("duty_run", town.tenant, f"duty = '{DUTY}'") == 1


async def test_ops_sees_the_duty_and_sets_it_off_and_nobody_hears_twice(
    api: Api, world: World, town: Town, other: Town
) -> None:
    """A4, A38."""
    forgetful, _ = await town.cleaner(), await other.cleaner()
    platform = await ops(world)
    shown = await _duty(api, platform, town)
    assert shown["schedule"] == "24 hours, 2 hours and 15 minutes before the deadline of the availability window"
    assert (shown["lastRunAt"], datetime.fromisoformat(shown["nextDueAt"])) == (None, SPRING.deadline_at - 24 * HOUR)

    await set_clock(town, SPRING.deadline_at - 20 * HOUR)
    for _ in range(2):
        answer = await api.data(platform, RUN, m=gid("Market", town.market), d=DUTY)
        assert answer["runDutyNow"]["errors"] == []
    async with a_worker(world):
        await until(lambda: world.count("duty_run", town.tenant, f"duty = '{DUTY}'"))
        await until(settled(world, town.tenant))

    assert await world.count("task", town.tenant, f"kind = '{DUTY}' and state = 'DONE'") == 3
    assert await reminded(town) == people(forgetful)
    assert await reminded(other) == []
    shown = await _duty(api, platform, town)
    assert datetime.fromisoformat(shown["lastRunAt"]) == SPRING.deadline_at - 24 * HOUR
    assert datetime.fromisoformat(shown["nextDueAt"]) == SPRING.deadline_at - 2 * HOUR


async def _duty(api: Api, platform: Actor, town: Town) -> Any:
    duties = (await api.data(platform, DUTIES))["ops"]["duties"]
    [found] = [one for one in duties if one["name"] == DUTY and one["marketId"] == gid("Market", town.market)]
    return found
