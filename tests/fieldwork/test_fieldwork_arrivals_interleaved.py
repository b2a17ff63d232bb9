"""The watch over arrivals against whoever moves at the same moment, statement by statement, in any order (A46, R96)."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from db.runner import Call
from domain.actors import Actor
from domain.fieldwork.arrivals import ArrivalStep
from domain.ids import AssignmentId, JobId, SwapId
from services import swaps
from services.fieldwork.arrivals import NoteAbsence, note_absence
from services.fieldwork.visits import CheckIn, check_in
from tests.fieldwork.site import Site, at_home
from tests.product.stepping import MANY, Side, Stage, schedules

SEED = 20261122
RANDOM, EVERY = 6, 4


@dataclass(frozen=True)
class Scene:
    """A shift at which nobody has come."""

    cleaner: Actor
    shift: AssignmentId
    job: JobId
    taker: Actor


Judge = Callable[[Scene, Side, Side], Awaitable[str]]
Other = Callable[[Scene], Awaitable[Call[Any, Any]]]


async def a_scene(site: Site) -> Scene:
    """An hour and a half after the start: the office was told in time, a cover is open, the cleaner is at the door."""
    await site.world.root.execute("update tenant set clock_offset = default where tenant_id = $1", site.town.tenant)
    cleaner, taker = await site.town.cleaner(), await site.town.cleaner()
    shift = await site.shift(cleaner)
    job = await site.job_of(shift)
    await site.world.move_clock(site.town.tenant, timedelta(minutes=60 + 35))
    await site.open(cleaner, shift)
    await site.acknowledge(cleaner, shift)
    assert await site.do(Actor.system(site.town.tenant), note_absence, NoteAbsence(job)) is ArrivalStep.LATE
    await site.world.move_clock(site.town.tenant, timedelta(minutes=60))
    return Scene(cleaner, shift, job, taker)


async def play(site: Site, other: Other, judge: Judge) -> Counter[str]:
    """The watch and another command, in every few schedules; how often which of them was first."""
    stage, met = Stage(site.world.runner, site.world.root), Counter[str]()

    async def one(schedule: str) -> tuple[int, int]:
        scene = await a_scene(site)
        watch: Call[Any, Any] = Call(Actor.system(site.town.tenant), note_absence, NoteAbsence(scene.job))
        a, b = await stage.play(watch, await other(scene), schedule)
        assert (a.attempts, b.attempts) == (1, 1), schedule
        met[await judge(scene, a, b)] += 1
        return a.steps, b.steps

    steps = (await one(""))[0], (await one("B" * MANY))[1]
    for schedule in schedules(SEED, steps, RANDOM, EVERY):
        await one(schedule)
    return met


async def test_the_no_show_and_a_check_in(site: Site) -> None:
    """A46: one of the two, whole; of the other nothing."""

    async def comes(scene: Scene) -> Call[Any, Any]:
        return Call(scene.cleaner, check_in, CheckIn(scene.shift, at_home()))

    async def judge(scene: Scene, watch: Side, came: Side) -> str:
        status, _ = await site.status(scene.job)
        missed = await site.value("select count(*) from no_show where job_id = $1", scene.job)
        events = await site.events(scene.job)
        entered = "CHECKED_IN" in await site.kinds(scene.job)
        open_covers = await site.value("select count(*) from swap where job_id = $1 and status = 'PENDING'", scene.job)
        if status == "NO_SHOW":
            assert (watch.value, came.code, missed, entered) == (ArrivalStep.MISSED, "CONFLICT", 1, False)
            assert ("JobMissed" in events, "JobStarted" in events, open_covers) == (True, False, 1)
        else:
            assert (status, watch.value, came.code, missed, entered) == ("IN_PROGRESS", None, None, 0, True)
            assert ("JobMissed" in events, "JobStarted" in events, open_covers) == (False, True, 0)
        return status

    met = await play(site, comes, judge)
    assert set(met) == {"NO_SHOW", "IN_PROGRESS"}


async def test_the_no_show_and_somebody_who_takes_the_cover(site: Site) -> None:
    """A46, R96: whoever takes it has it; the no-show is the first cleaner's, or nobody's if they were relieved."""

    async def takes(scene: Scene) -> Call[Any, Any]:
        cover = await site.value("select id from swap where job_id = $1 and status = 'PENDING'", scene.job)
        return Call(scene.taker, swaps.accept_swap, swaps.AcceptSwap(SwapId(cover)))

    async def judge(scene: Scene, watch: Side, took: Side) -> str:
        assert took.code is None
        assert (await site.status(scene.job))[0] == "ASSIGNED"
        assert (await site.row("assignment", scene.shift))["cleaner_id"] == scene.taker.person
        missed = await site.world.root.fetch("select cleaner_id from no_show where job_id = $1", scene.job)
        if watch.value is ArrivalStep.MISSED:
            assert [row["cleaner_id"] for row in missed] == [scene.cleaner.person]
            return "missed, then taken"
        assert (watch.value, missed) == (None, [])
        return "taken in time"

    met = await play(site, takes, judge)
    assert set(met) == {"missed, then taken", "taken in time"}
