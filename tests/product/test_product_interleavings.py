"""Two commands at once, statement by statement: in any order one wins and the other changes nothing (R96 to R101).

Each pair is played in every schedule with one interruption and in seeded random ones. A failure prints its schedule.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, CleanerId
from domain.scheduling import AssignmentRole
from services import scheduling, swaps
from services.customers import (
    ArchiveCustomer,
    ArchiveProperty,
    CreateProperty,
    archive_customer,
    archive_property,
    create_property,
)
from services.identity.business import ArchiveMarket, CreateMarket, archive_market, create_market
from tests.product.planting import Garden, Planted
from tests.product.stepping import MANY, Side, Stage, schedules
from tests.product.world import Town

SEED = 20261122
RANDOM = 40
TAKEN = "SWAP_ALREADY_TAKEN"


@dataclass
class Ring:
    """A town with one who gives shifts away and two who want them."""

    town: Town
    garden: Garden
    giver: Actor
    taker: Actor
    rival: Actor

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
        form = scheduling.CancelJob(shift.job, "flooded")
        return Call(self.town.owner, scheduling.cancel_job, form, request_id=f"cancel:{shift.job}")

    def release(self, shift: Planted) -> Call[Any, Any]:
        form = scheduling.ReleaseCleaner(shift.assignment)
        return Call(self.town.owner, scheduling.release_cleaner, form, request_id=f"release:{shift.job}")

    def move(self, shift: Planted, **values: Any) -> Call[Any, Any]:
        form = scheduling.UpdateJob(shift.job, **values)
        return Call(self.town.owner, scheduling.update_job, form, request_id=f"move:{shift.job}")

    def assign(self, job: Any, who: Actor, role: AssignmentRole = AssignmentRole.PRIMARY) -> Call[Any, Any]:
        form = scheduling.AssignCleaner(job, CleanerId(who.person), role)
        return Call(self.town.owner, scheduling.assign_cleaner, form, request_id=f"assign:{job}")

    def call(self, command: Any, form: Any) -> Call[Any, Any]:
        return Call(self.town.owner, command, form, request_id=f"{type(form).__name__}:{new_id()}")

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


_OVER = "update assignment set released_at = now() where tenant_id = $1 and released_at is null"
Plan = tuple[Call[Any, Any], Call[Any, Any], list[Planted], Callable[[], Awaitable[None]] | None]
Prepare = Callable[[Ring], Awaitable[Plan]]
Judge = Callable[[Round], Awaitable[None]]


@pytest.fixture
async def ring(town: Town, other: Town) -> Ring:
    garden = Garden(town, await town.home())
    # Each schedule has a week of its own: more of them than one plans ahead by default.
    far = {"scheduling": {"horizonDays": 3_660}}
    await town.world.root.execute("update tenant set settings = $2 where tenant_id = $1", town.tenant, json.dumps(far))
    return Ring(town, garden, *[await town.cleaner() for _ in range(3)])


@pytest.fixture
async def play(ring: Ring, other: Town) -> Callable[..., Awaitable[int]]:
    """Play a pair in many schedules, each with a week of its own; how many."""
    stage = Stage(ring.town.world.runner, ring.town.world.root)

    async def run_one(prepare: Prepare, judge: Judge, schedule: str) -> tuple[int, int]:
        a, b, shifts, before_b = await prepare(ring)
        round = Round(ring, *await stage.play(a, b, schedule, before_b), shifts)
        await _ensure_sound(round)
        await judge(round)
        # The next round's people have no past.
        await ring.town.world.root.execute(_OVER, ring.town.tenant)
        return round.a.steps, round.b.steps

    async def run_all(prepare: Prepare, judge: Judge) -> int:
        elsewhere = await other.world.trace(other.tenant)
        # Each side alone first, for how many statements it has when nobody is in its way.
        steps = (await run_one(prepare, judge, ""))[0], (await run_one(prepare, judge, "B" * MANY))[1]
        played = 2
        for schedule in schedules(SEED, steps, RANDOM):
            try:
                await run_one(prepare, judge, schedule)
            except BaseException:
                print(f"schedule {schedule!r}, number {played}, seed {SEED}")
                raise
            played += 1
        assert await other.world.trace(other.tenant) == elsewhere
        print(f"{played} schedules, seed {SEED}")
        return played

    return run_all


async def _ensure_sound(round: Round) -> None:
    """What holds after every pair: who was refused left no trace, nobody was a deadlock's victim, the log is dense."""
    for side in round.lost:
        assert [await round.left("event", side), await round.left("audit", side)] == [0, 0]
    assert (round.a.attempts, round.b.attempts) == (1, 1)
    tenant = round.ring.town.tenant
    dense = """select count(*) = h.seq and min(e.seq) = 1 and max(e.seq) = h.seq
        from tenant_head h join event e using (tenant_id) where tenant_id = $1 group by h.seq"""
    assert await round.value(dense, tenant)
    for shift in round.shifts:
        await _ensure_one_holder(round, shift)
    overlaps = """select count(*) from assignment a join assignment b using (tenant_id, cleaner_id)
        where tenant_id = $1 and a.id < b.id and a.released_at is null and b.released_at is null
          and a.starts_at < b.ends_at and b.starts_at < a.ends_at"""
    assert await round.value(overlaps, tenant) == 0


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


async def _hours(round: Round, who: Actor, shift: Planted) -> Any:
    """The cleaner's hours in the seven days from two days before the shift's (its week's plantings)."""
    sql = """select coalesce(sum(j.expected_hours), 0) from assignment a join job j on j.id = a.job_id
        where a.cleaner_id = $1 and a.released_at is null
          and date_trunc('week', a.starts_at at time zone 'America/New_York') = (
            select date_trunc('week', starts_at at time zone 'America/New_York') from job where id = $2)"""
    return await round.value(sql, who.person, shift.job)


async def _in_order(round: Round, first: tuple[str, Any], second: tuple[str, Any]) -> None:
    earlier, later = await round.seq(*first), await round.seq(*second)
    assert earlier is not None
    assert later is not None
    assert earlier < later


async def test_two_cleaners_accept_the_same_swap(play) -> None:
    """R97, R98."""

    async def prepare(ring: Ring) -> Plan:
        swap = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return ring.accept(ring.taker, swap), ring.accept(ring.rival, swap), [swap], None

    async def judge(round: Round) -> None:
        assert len(round.won) == 1
        assert [side.code for side in round.lost] == [TAKEN]

    await play(prepare, judge)


async def test_one_accepts_while_the_owner_withdraws(play) -> None:
    """A29: either the shift is given away or it stays, never both."""

    async def prepare(ring: Ring) -> Plan:
        swap = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return ring.accept(ring.taker, swap), ring.withdraw(swap), [swap], None

    async def judge(round: Round) -> None:
        assert (round.a.code, round.b.code) in {(None, "CONFLICT"), (TAKEN, None)}
        assert await round.status(round.shifts[0]) == ("WITHDRAWN" if round.a.refusal else "ACCEPTED")

    await play(prepare, judge)


async def test_one_accepts_at_the_instant_of_expiry(play) -> None:
    """R100, A27: whoever read the clock in time may win, and then nothing expires."""

    async def prepare(ring: Ring) -> Plan:
        world, tenant = ring.town.world, ring.town.tenant
        # The clock of the round before was moved on: back to where it was.
        await world.root.execute("update tenant set clock_offset = '0' where tenant_id = $1", tenant)
        expires_at = await world.now(tenant) + timedelta(minutes=5)
        swap = await ring.garden.swap(ring.giver, await ring.garden.monday(), expires_at=expires_at)
        return (
            ring.accept(ring.taker, swap),
            ring.expire(swap),
            [swap],
            lambda: world.move_clock(tenant, timedelta(minutes=10)),
        )

    async def judge(round: Round) -> None:
        assert round.a.code in {None, TAKEN}
        assert await round.status(round.shifts[0]) == ("EXPIRED" if round.a.refusal else "ACCEPTED")
        assert await round.left("event", round.b) == int(round.a.refusal is not None)

    await play(prepare, judge)


async def test_one_accepts_while_the_office_cancels_the_job(play) -> None:
    """A17: whoever held the shift at the end, nobody is on it, and nobody can take it."""

    async def prepare(ring: Ring) -> Plan:
        swap = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return ring.accept(ring.taker, swap), ring.cancel(swap), [swap], None

    async def judge(round: Round) -> None:
        shift = round.shifts[0]
        assert (round.a.code in {None, TAKEN}, round.b.code) == (True, None)
        assert await round.status(shift) == ("WITHDRAWN" if round.a.refusal else "ACCEPTED")
        assert await round.value("select released_at is not null from assignment where id = $1", shift.assignment)
        if not round.a.refusal:
            await _in_order(round, ("SwapAccepted", shift.swap), ("JobCanceled", shift.job))

    await play(prepare, judge)


async def test_one_accepts_while_the_office_takes_the_owner_off(play) -> None:
    """The office never takes off whom it did not mean: it is told that the shift has changed hands meanwhile."""

    async def prepare(ring: Ring) -> Plan:
        swap = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return ring.accept(ring.taker, swap), ring.release(swap), [swap], None

    async def judge(round: Round) -> None:
        shift = round.shifts[0]
        assert (round.a.code, round.b.code) in {(None, "CONFLICT"), (TAKEN, None), (None, None)}
        if round.won == [round.a, round.b]:
            # Only where the office read the shift when it was the taker's already.
            await _in_order(round, ("SwapAccepted", shift.swap), ("CleanerReleased", shift.job))
            people = "select payload -> 'people' ->> 0 from event where type = 'CleanerReleased' and entity_id = $1"
            assert await round.value(people, shift.job) == str(round.ring.taker.person)
        else:
            assert await round.status(shift) == ("WITHDRAWN" if round.a.refusal else "ACCEPTED")

    await play(prepare, judge)


async def test_one_cleaner_accepts_two_overlapping_shifts(play) -> None:
    """A26: nobody is in two places at once."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        one = await ring.garden.swap(ring.giver, start)
        two = await ring.garden.swap(ring.rival, start + timedelta(hours=2))
        return ring.accept(ring.taker, one), ring.accept(ring.taker, two), [one, two], None

    async def judge(round: Round) -> None:
        assert len(round.won) == 1
        assert [(side.code, side.reasons[0]) for side in round.lost] == [("NOT_ELIGIBLE", "OVERLAP")]

    await play(prepare, judge)


async def test_one_cleaner_accepts_two_shifts_that_together_exceed_the_week(play) -> None:
    """A27b: at most 40 hours a market week."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        for day in range(2, 5):
            await ring.garden.shift(ring.taker, start + timedelta(days=day), "10")
        one = await ring.garden.swap(ring.giver, start, "6")
        two = await ring.garden.swap(ring.rival, start + timedelta(days=1), "6")
        return ring.accept(ring.taker, one), ring.accept(ring.taker, two), [one, two], None

    async def judge(round: Round) -> None:
        assert len(round.won) == 1
        assert [(side.code, side.reasons) for side in round.lost] == [("NOT_ELIGIBLE", ["WEEK_HOURS_EXCEEDED"])]
        assert await _hours(round, round.ring.taker, round.shifts[0]) == 36

    await play(prepare, judge)


async def test_one_cleaner_accepts_two_shifts_without_rest_between(play) -> None:
    """A27b: 10 hours of rest between working days."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday(20)
        one = await ring.garden.swap(ring.giver, start, "6")
        two = await ring.garden.swap(ring.rival, start + timedelta(hours=15, minutes=59), "3")
        return ring.accept(ring.taker, one), ring.accept(ring.taker, two), [one, two], None

    async def judge(round: Round) -> None:
        assert len(round.won) == 1
        assert [(side.code, side.reasons) for side in round.lost] == [("NOT_ELIGIBLE", ["REST_TOO_SHORT"])]

    await play(prepare, judge)


async def test_the_office_assigns_a_cleaner_who_accepts_an_overlapping_shift(play) -> None:
    """A26: the slower one is told, in the words of its own side."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        swap = await ring.garden.swap(ring.giver, start)
        job = await ring.town.job(start + timedelta(hours=1), home=ring.garden.home)
        return ring.accept(ring.taker, swap), ring.assign(job, ring.taker), [swap], None

    async def judge(round: Round) -> None:
        assert (round.a.code, round.b.code) in {(None, "SHIFT_OVERLAP"), ("NOT_ELIGIBLE", None)}
        if round.a.refusal:
            assert round.a.reasons[0] == "OVERLAP"

    await play(prepare, judge)


async def test_the_office_moves_the_offered_job_onto_another_shift_of_its_taker(play) -> None:
    """A26: whoever is slower is refused, the move by the schema's own wall."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        swap = await ring.garden.swap(ring.giver, start)
        busy = start + timedelta(days=1)
        await ring.garden.shift(ring.taker, busy)
        return ring.accept(ring.taker, swap), ring.move(swap, starts_at=busy + timedelta(hours=1)), [swap], None

    async def judge(round: Round) -> None:
        assert (round.a.code, round.b.code) in {(None, "SHIFT_OVERLAP"), ("NOT_ELIGIBLE", None)}
        times = "select a.starts_at = j.starts_at from assignment a join job j on j.id = a.job_id where a.id = $1"
        assert await round.value(times, round.shifts[0].assignment)

    await play(prepare, judge)


async def test_the_office_moves_the_offered_job_into_a_full_week_of_its_taker(play) -> None:
    """A27b: who accepts after the move is judged by the new time; a later move is the office's affair."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        full = start + timedelta(weeks=1)
        next(ring.garden.weeks)
        for day in range(4):
            await ring.garden.shift(ring.taker, full + timedelta(days=day), "9.5")
        swap = await ring.garden.swap(ring.giver, start)
        return ring.accept(ring.taker, swap), ring.move(swap, starts_at=full + timedelta(days=5)), [swap], None

    async def judge(round: Round) -> None:
        shift = round.shifts[0]
        assert (round.a.code, round.b.code) in {(None, None), ("NOT_ELIGIBLE", None)}
        if round.a.refusal:
            assert round.a.reasons == ["WEEK_HOURS_EXCEEDED"]
            assert await round.status(shift) == "PENDING"
        else:
            await _in_order(round, ("SwapAccepted", shift.swap), ("JobChanged", shift.job))

    await play(prepare, judge)


async def test_the_office_moves_a_job_of_the_taker_onto_the_offered_shift(play) -> None:
    """A26."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        swap = await ring.garden.swap(ring.giver, start)
        mine = await ring.garden.shift(ring.taker, start + timedelta(days=1))
        return ring.accept(ring.taker, swap), ring.move(mine, starts_at=start + timedelta(hours=1)), [swap], None

    async def judge(round: Round) -> None:
        assert (round.a.code, round.b.code) in {(None, "SHIFT_OVERLAP"), ("NOT_ELIGIBLE", None)}

    await play(prepare, judge)


async def test_a_shift_is_offered_while_the_office_cancels_its_job(play) -> None:
    """A17: no swap of a canceled job stays on the market."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.shift(ring.giver, await ring.garden.monday())
        return ring.offer(shift), ring.cancel(shift), [], None

    async def judge(round: Round) -> None:
        assert (round.a.code in {None, "NOT_FOUND", "CONFLICT", "ILLEGAL_TRANSITION"}, round.b.code) == (True, None)
        assert await round.value("select count(*) from swap where id = $1", round.a.value) == len(round.won) - 1
        assert await _left_on_market(round) == 0

    await play(prepare, judge)


async def test_a_shift_is_offered_while_the_office_takes_its_cleaner_off(play) -> None:
    """A17."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.shift(ring.giver, await ring.garden.monday())
        return ring.offer(shift), ring.release(shift), [], None

    async def judge(round: Round) -> None:
        assert (round.a.code in {None, "NOT_FOUND", "CONFLICT", "ILLEGAL_TRANSITION"}, round.b.code) == (True, None)
        assert await _left_on_market(round) == 0

    await play(prepare, judge)


async def _left_on_market(round: Round) -> int:
    return await round.ring.town.world.count("swap", round.ring.town.tenant, "status = 'PENDING'")


async def test_a_shift_is_offered_while_the_office_moves_it(play) -> None:
    """A27: the offer ends two hours before the start that the job has then."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await ring.garden.shift(ring.giver, start)
        return ring.offer(shift), ring.move(shift, starts_at=start + timedelta(hours=5)), [], None

    async def judge(round: Round) -> None:
        assert (round.a.code in {None, "CONFLICT"}, round.b.code) == (True, None)
        if not round.a.refusal:
            late = "select j.starts_at - s.expires_at from swap s join job j on j.id = s.job_id where s.id = $1"
            assert await round.value(late, round.a.value) == timedelta(hours=2)

    await play(prepare, judge)


async def test_a_shift_is_offered_twice(play) -> None:
    """R94: one offer of a shift at a time."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.shift(ring.giver, await ring.garden.monday())
        return ring.offer(shift), _again(ring.offer(shift)), [], None

    async def judge(round: Round) -> None:
        assert [side.code for side in round.lost] == ["ALREADY_EXISTS"]
        assert (
            await round.value(
                "select count(*) from swap where assignment_id = (select assignment_id from swap where id = $1)",
                round.won[0].value,
            )
            == 1
        )

    await play(prepare, judge)


def _again(call: Call[Any, Any]) -> Call[Any, Any]:
    return Call(call.actor, call.command, call.input, request_id=f"{call.request_id}:again")


async def test_a_job_is_planned_while_its_home_is_archived(play) -> None:
    """R22: no archived home has a job still to be done."""

    async def prepare(ring: Ring) -> Plan:
        home = await ring.town.home()
        form = scheduling.CreateJob(home, await ring.town.day(3), Decimal(3))
        plan = Call(ring.town.owner, scheduling.create_job, form, request_id=f"plan:{home}")
        drop = Call(ring.town.owner, archive_property, ArchiveProperty(home), request_id=f"archive:{home}")
        return plan, drop, [], None

    async def judge(round: Round) -> None:
        assert [side.code for side in round.lost] == ["CONFLICT"]

    await play(prepare, judge)


async def test_a_job_is_planned_while_its_customer_is_archived(play) -> None:
    """R22: no archived customer has a job still to be done."""

    async def prepare(ring: Ring) -> Plan:
        home = await ring.town.home()
        whose = await ring.town.world.root.fetchval("select customer_id from property where id = $1", home)
        plan = scheduling.CreateJob(home, await ring.town.day(3), Decimal(3))
        drop = ArchiveCustomer(whose)
        return ring.call(scheduling.create_job, plan), ring.call(archive_customer, drop), [], None

    async def judge(round: Round) -> None:
        assert [side.code for side in round.lost] == ["CONFLICT"]

    await play(prepare, judge)


async def test_a_home_is_added_while_its_customer_is_archived(play) -> None:
    """R22: no archived customer has a home that is not."""

    async def prepare(ring: Ring) -> Plan:
        home = await ring.town.home()
        whose = await ring.town.world.root.fetchval("select customer_id from property where id = $1", home)
        form = CreateProperty(whose, ring.town.market, "Loft", "1 Bay Road", "Miami", "33139", 25.8, -80.2, 2, 1, 900)
        return ring.call(create_property, form), ring.call(archive_customer, ArchiveCustomer(whose)), [], None

    async def judge(round: Round) -> None:
        assert (round.a.code in {None, "CONFLICT"}, round.b.code) == (True, None)
        live = "select count(*) from property where customer_id = $1 and archived_at is null"
        assert await round.value(live, round.b.call.input.customer_id) == 0

    await play(prepare, judge)


async def test_a_job_is_planned_while_its_market_is_archived(play) -> None:
    """A market that is given up has no job still to be done."""

    async def prepare(ring: Ring) -> Plan:
        town = ring.town
        name = f"Market {next(town.world.counter)}"
        place = await town.world.run(town.owner, create_market, CreateMarket(name, "America/New_York"))
        home = await town.home()
        await town.world.root.execute("update property set market_id = $2 where id = $1", home, place)
        plan = scheduling.CreateJob(home, await town.day(3), Decimal(3))
        return ring.call(scheduling.create_job, plan), ring.call(archive_market, ArchiveMarket(place)), [], None

    async def judge(round: Round) -> None:
        assert [side.code for side in round.lost] == ["CONFLICT"]

    await play(prepare, judge)


async def test_a_cleaner_is_put_on_a_job_that_is_moved(play) -> None:
    """R74, R76: both lock the job first and its people after it; the assignment is where the job is."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await ring.garden.shift(ring.giver, start)
        backup = ring.assign(shift.job, ring.rival, AssignmentRole.BACKUP)
        return backup, ring.move(shift, starts_at=start + timedelta(days=1)), [], None

    async def judge(round: Round) -> None:
        assert (round.a.code, round.b.code) == (None, None)
        apart = """select count(*) from assignment a join job j on j.id = a.job_id
            where j.id = $1 and a.released_at is null and a.starts_at = j.starts_at"""
        assert await round.value(apart, round.a.call.input.job_id) == 2

    await play(prepare, judge)


async def test_a_cleaner_is_put_again_on_their_job_that_is_moved(play) -> None:
    """A26: refused however the two meet; neither waits for the other in a circle."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await ring.garden.shift(ring.giver, start)
        backup = ring.assign(shift.job, ring.giver, AssignmentRole.BACKUP)
        return backup, ring.move(shift, starts_at=start + timedelta(days=1)), [], None

    async def judge(round: Round) -> None:
        assert (round.a.code is not None, round.b.code) == (True, None)

    await play(prepare, judge)
