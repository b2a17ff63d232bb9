"""Two commands at once, statement by statement: in any order one wins and the other changes nothing (R96 to R101).

Each pair is played in every schedule with one interruption and in seeded random ones. A failure prints its schedule.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from db.runner import Call
from domain.actors import Actor
from domain.scheduling import AssignmentRole
from services import scheduling
from services.customers import (
    ArchiveCustomer,
    ArchiveProperty,
    CreateProperty,
    archive_customer,
    archive_property,
    create_property,
)
from services.identity.business import ArchiveMarket, CreateMarket, archive_market, create_market
from tests.product.planting import Planted
from tests.product.ring import Plan, Ring, Round

TAKEN = "SWAP_ALREADY_TAKEN"


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
        await world.root.execute("update tenant set clock_offset = default where tenant_id = $1", tenant)
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
