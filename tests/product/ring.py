"""A ring for two transactions: who meets in it, what they may do, and what must hold after every schedule."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, CleanerId
from domain.scheduling import AssignmentRole
from services import cancellations, scheduling, swaps
from tests.product.planting import Garden, Planted
from tests.product.soundness import broken
from tests.product.stepping import MANY, Side, Stage, schedules
from tests.product.world import Town

SEED = 20261122
RANDOM = 40
FAR = {"scheduling": {"horizonDays": 3_660}}
"""Each schedule has a week of its own: more of them than one plans ahead by default."""


@dataclass
class Ring:
    """A town with one who gives shifts away and two who want them."""

    town: Town
    garden: Garden
    giver: Actor
    taker: Actor
    rival: Actor

    async def settings(self, **values: Any) -> None:
        """The business's own numbers for its swaps; the rest stays default."""
        await self.town.world.root.execute(
            "update tenant set settings = $2 where tenant_id = $1",
            self.town.tenant,
            json.dumps({**FAR, "swaps": values}),
        )

    def accept(self, who: Actor, shift: Planted) -> Call[Any, Any]:
        return Call(
            who, swaps.accept_swap, swaps.AcceptSwap(shift.swap), request_id=f"accept:{shift.swap}:{who.person}"
        )

    def withdraw(self, shift: Planted) -> Call[Any, Any]:
        form = swaps.WithdrawSwap(shift.swap)
        return Call(self.giver, swaps.withdraw_swap, form, request_id=f"withdraw:{shift.swap}")

    def expire(self, shift: Planted) -> Call[Any, Any]:
        system = Actor.system(self.town.tenant)
        return Call(system, swaps.expire_swap, swaps.ExpireSwap(shift.swap), request_id=f"expire:{shift.swap}")

    def cancel(self, shift: Planted) -> Call[Any, Any]:
        form = cancellations.CancelJob(shift.job, "flooded")
        return Call(self.town.owner, cancellations.cancel_job, form, request_id=f"cancel:{shift.job}")

    def release(self, shift: Planted) -> Call[Any, Any]:
        form = scheduling.ReleaseCleaner(shift.assignment)
        return Call(self.town.owner, scheduling.release_cleaner, form, request_id=f"release:{shift.job}")

    def move(self, shift: Planted, **values: Any) -> Call[Any, Any]:
        form = scheduling.UpdateJob(shift.job, **values)
        return Call(self.town.owner, scheduling.update_job, form, request_id=f"move:{shift.job}")

    def assign(self, job: Any, who: Actor, role: AssignmentRole = AssignmentRole.PRIMARY) -> Call[Any, Any]:
        form = scheduling.AssignCleaner(job, CleanerId(who.person), role)
        return Call(self.town.owner, scheduling.assign_cleaner, form, request_id=f"assign:{job}")

    def call(self, command: Any, form: Any, who: Actor | None = None) -> Call[Any, Any]:
        """A command of this person, or of the office."""
        return Call(who or self.town.owner, command, form, request_id=f"{type(form).__name__}:{new_id()}")

    def offer(self, shift: Planted) -> Call[Any, Any]:
        return Call(self.giver, swaps.offer_swap, swaps.OfferSwap(shift.assignment), request_id=f"offer:{shift.job}")


@dataclass
class Round:
    """One schedule's outcome, and a look at what is left."""

    ring: Ring
    a: Side
    b: Side
    shifts: list[Planted]

    @property
    def won(self) -> list[Side]:
        return [side for side in (self.a, self.b) if side.refusal is None]

    @property
    def lost(self) -> list[Side]:
        return [side for side in (self.a, self.b) if side.refusal is not None]

    async def value(self, sql: str, *given: Any) -> Any:
        return await self.ring.town.world.root.fetchval(sql, *given)

    async def left(self, table: str, side: Side) -> int:
        where = f"request_id = '{side.call.request_id}'"
        return await self.ring.town.world.count(table, self.ring.town.tenant, where)

    async def seq(self, type: str, id: Any) -> int | None:
        found: int | None = await self.value("select seq from event where type = $1 and entity_id = $2", type, id)
        return found

    async def status(self, shift: Planted) -> str | None:
        found: str | None = await self.value("select status from swap where id = $1", shift.swap)
        return found


Plan = tuple[Call[Any, Any], Call[Any, Any], list[Planted], Callable[[], Awaitable[None]] | None]
Prepare = Callable[[Ring], Awaitable[Plan]]
Judge = Callable[[Round], Awaitable[None]]
Codes = tuple[str | None, str | None]


async def a_ring(town: Town) -> Ring:
    """A ring in this town, with room for a week a round."""
    ring = Ring(town, Garden(town, await town.home()), *[await town.cleaner() for _ in range(3)])
    await ring.settings()
    return ring


@dataclass
class Game:
    """Plays a pair in many schedules, each with a week of its own."""

    ring: Ring
    other: Town
    random: int = RANDOM
    every: int = 1
    """Of the schedules with one interruption: each, every second, and so on."""

    async def play(self, prepare: Prepare, judge: Judge) -> Counter[Codes]:
        """How often each outcome was met: the refusals' codes, None for who was not refused."""
        world = self.ring.town.world
        stage = Stage(world.runner, world.root)
        elsewhere = await world.trace(self.other.tenant)
        met: Counter[Codes] = Counter()

        async def play_one(schedule: str) -> tuple[int, int]:
            try:
                round = await self._round(stage, prepare, schedule)
                await judge(round)
            except BaseException:
                print(f"schedule {schedule!r}, number {met.total()}, seed {SEED}")
                raise
            met[round.a.code, round.b.code] += 1
            await self._clear()
            return round.a.steps, round.b.steps

        # Each side alone first, for how many statements it has when nobody is in its way.
        steps = (await play_one(""))[0], (await play_one("B" * MANY))[1]
        for schedule in schedules(SEED, steps, self.random, self.every):
            await play_one(schedule)
        assert await world.trace(self.other.tenant) == elsewhere
        print(f"{met.total()} schedules, seed {SEED}: {dict(met)}")
        return met

    async def _round(self, stage: Stage, prepare: Prepare, schedule: str) -> Round:
        a, b, shifts, before_b = await prepare(self.ring)
        round = Round(self.ring, *await stage.play(a, b, schedule, before_b), shifts)
        await ensure_sound(round)
        return round

    async def _clear(self) -> None:
        """The next round's people have no past."""
        for table in ("swap_ask", "swap_want", "swap", "assignment", "job", "standing_bid", "task"):
            await self.ring.town.world.root.execute(f"delete from {table} where tenant_id = $1", self.ring.town.tenant)


async def ensure_sound(round: Round) -> None:
    """What holds after every pair: who was refused left no trace, nobody was a deadlock's victim, all is consistent."""
    for side in round.lost:
        assert [await round.left("event", side), await round.left("audit", side)] == [0, 0]
    assert (round.a.attempts, round.b.attempts) == (1, 1)
    assert not (found := await broken(round.ring.town)), found
    for shift in round.shifts:
        await _ensure_one_holder(round, shift)


async def _ensure_one_holder(round: Round, shift: Planted) -> None:
    """R96, R101: the shift is the taker's and one event says so, or it is where it was and none does."""
    row = await round.ring.town.world.root.fetchrow(
        """select s.status, s.taker_id, a.cleaner_id, (select count(*) from event e where e.tenant_id = s.tenant_id
            and e.entity_id = s.id and e.type = 'SwapAccepted') as accepted
        from swap s join assignment a on a.id = s.assignment_id where s.id = $1""",
        shift.swap,
    )
    if row is None:
        return
    taken = row["status"] == "ACCEPTED"
    assert row["accepted"] == int(taken)
    assert row["cleaner_id"] == (row["taker_id"] if taken else shift.owner.person)
