"""The market's other moves at once, statement by statement: trades, covers, returns, approval, draws, standing bids.

After each schedule `soundness` is asked of the whole business, and nobody was a deadlock's victim. INTERLEAVINGS=100
plays each pair in every schedule with one interruption and in 100 random ones: then exactly the outcomes come up that
are named here. Without it each pair is played in some of them.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, CleanerId
from domain.ids import AssignmentId, JobId, SwapId
from domain.scheduling import AssignmentRole
from services import scheduling, swaps
from tests.product.planting import Planted
from tests.product.ring import Codes, Game, Judge, Plan, Prepare, Ring, Round
from tests.product.world import Town

RANDOM = int(os.environ.get("INTERLEAVINGS", "0"))
TAKEN, CONFLICT, OVERLAP = "SWAP_ALREADY_TAKEN", "CONFLICT", "SHIFT_OVERLAP"
INELIGIBLE, UNKNOWN = "NOT_ELIGIBLE", "NOT_FOUND"
ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]

_VACANCY = """
with place as (select * from property where tenant_id = $1 and id = $2),
planned as (
    insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at, expected_hours, status,
        payment_status, created_at)
    select $1, $3, id, customer_id, market_id, $5::timestamptz, $5::timestamptz + interval '3 hours', 3,
        'UNASSIGNED', 'PENDING', now()
    from place)
insert into swap (tenant_id, id, kind, status, job_id, market_id, role, opened_by, opened_at, expires_at)
select $1, $4, 'COVER', 'PENDING', $3, market_id, 'PRIMARY', 'OFFICE', now(), $5::timestamptz + interval '3 hours'
from place"""

_NOW = "(select now() + clock_offset from tenant where tenant_id = swap.tenant_id)"
_ACCEPTED = f"update swap set status = 'ACCEPTED', taker_id = $2, closed_at = {_NOW} where id = $1"


@dataclass(frozen=True)
class Floor:
    """The market's floor in a ring: plants what a round starts from, and makes the calls."""

    ring: Ring

    async def sql(self, statement: str, *given: Any) -> None:
        await self.ring.town.world.root.execute(statement, *given)

    async def trade(self, owner: Actor, start: datetime, *wants: Planted) -> Planted:
        shift = await self.ring.garden.swap(owner, start)
        await self.sql("update swap set kind = 'TRADE' where id = $1", shift.swap)
        for want in wants:
            await self.want(shift, want)
        return shift

    async def want(self, trade: Planted, want: Planted) -> None:
        row = "insert into swap_want (tenant_id, swap_id, assignment_id) values ($1, $2, $3)"
        await self.sql(row, self.ring.town.tenant, trade.swap, want.assignment)

    async def taken(self, shift: Planted, by: Actor) -> None:
        await self.sql("update assignment set cleaner_id = $2 where id = $1", shift.assignment, by.person)
        await self.sql(_ACCEPTED, shift.swap, by.person)

    async def awaiting(self, shift: Planted, by: Actor, given: Planted | None = None) -> None:
        awaits = "update swap set status = 'AWAITING_APPROVAL', taker_id = $2, given_id = $3 where id = $1"
        await self.sql(awaits, shift.swap, by.person, given.assignment if given else None)

    async def drawn(self, shift: Planted, *asked: Actor) -> None:
        await self.sql(f"update swap set draws_at = {_NOW} - interval '1 second' where id = $1", shift.swap)
        row = "insert into swap_ask (tenant_id, swap_id, cleaner_id, asked_at) values ($1, $2, $3, now())"
        for who in asked:
            await self.sql(row, self.ring.town.tenant, shift.swap, who.person)

    async def vacancy(self, start: datetime) -> Planted:
        made = Planted(JobId(new_id()), AssignmentId(new_id()), SwapId(new_id()), self.ring.giver)
        await self.sql(_VACANCY, self.ring.town.tenant, self.ring.garden.home, made.job, made.swap, start)
        return made

    async def filled(self, vacancy: Planted, by: Actor) -> None:
        """The vacancy taken a moment ago."""
        await self.sql("update job set status = 'ASSIGNED' where id = $1", vacancy.job)
        await self.sql(_ACCEPTED, vacancy.swap, by.person)
        await self.sql(
            """insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at,
                created_at)
            select j.tenant_id, $2, j.id, j.customer_id, $3, 'PRIMARY', j.starts_at, j.ends_at, s.closed_at
            from swap s join job j on j.id = s.job_id where s.id = $1""",
            vacancy.swap,
            vacancy.assignment,
            by.person,
        )

    async def offered_on(self, shift: Planted, by: Actor) -> Planted:
        """The same shift on the market once more."""
        again = Planted(shift.job, shift.assignment, SwapId(new_id()), by)
        await self.sql(
            """insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, role, owner_id,
                opened_at, expires_at)
            select j.tenant_id, $2, 'COVER', 'PENDING', j.id, $3, j.market_id, 'PRIMARY', $4, now(),
                j.starts_at - interval '2 hours' from job j where j.id = $1""",
            shift.job,
            again.swap,
            shift.assignment,
            by.person,
        )
        return again

    async def stand_by(self, shift: Planted, who: Actor) -> None:
        """A backup with the smallest id there is, so that it is the first to be released."""
        await self.sql(
            """insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at,
                created_at)
            select j.tenant_id, $2, j.id, j.customer_id, $3, 'BACKUP', j.starts_at, j.ends_at, now()
            from job j where j.id = $1""",
            shift.job,
            UUID(int=next(self.ring.garden.weeks)),
            who.person,
        )

    def give_back(self, who: Actor, shift: Planted) -> Call[Any, Any]:
        return self.ring.call(swaps.return_swap, swaps.ReturnSwap(shift.swap), who)

    def approve(self, shift: Planted) -> Call[Any, Any]:
        return self.ring.call(swaps.approve_swap, swaps.ApproveSwap(shift.swap))

    def decline(self, shift: Planted) -> Call[Any, Any]:
        return self.ring.call(swaps.decline_swap, swaps.DeclineSwap(shift.swap, "not today"))

    def cover(self, shift: Planted) -> Call[Any, Any]:
        return self.ring.call(swaps.open_cover, swaps.OpenCover(assignment_id=shift.assignment))

    def draw(self, shift: Planted) -> Call[Any, Any]:
        system = Actor.system(self.ring.town.tenant)
        return self.ring.call(swaps.draw_swap, swaps.DrawSwap(shift.swap), system)

    def bid(self, who: Actor) -> Call[Any, Any]:
        form = swaps.PlaceStandingBid(self.ring.town.market, ALL_WEEK)
        return self.ring.call(swaps.place_standing_bid, form, who)


Met = Callable[..., Awaitable[None]]


@pytest.fixture
def floor(ring: Ring) -> Floor:
    return Floor(ring)


@pytest.fixture
def met(ring: Ring, other: Town) -> Met:
    """Play a pair; the outcomes that came up are these and no others."""

    async def play(prepare: Prepare, outcomes: set[Codes], judge: Judge = _nothing_more) -> None:
        found = await Game(ring, other, RANDOM or 1, every=1 if RANDOM else 7).play(prepare, judge)
        assert set(found) == outcomes if RANDOM else set(found) <= outcomes, found

    return play


async def _nothing_more(_round: Round) -> None:
    return None


async def _holder(round: Round, shift: Planted) -> Any:
    sql = "select cleaner_id from assignment where id = $1 and released_at is null"
    return await round.value(sql, shift.assignment)


# TRADE


async def test_two_take_the_same_trade(floor: Floor, met: Met) -> None:
    """A27, R97: one of them gives theirs for it, the other keeps theirs."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = [
            await ring.garden.shift(who, start + timedelta(days=1, hours=5 * at))
            for at, who in enumerate((ring.taker, ring.rival))
        ]
        trade = await floor.trade(ring.giver, start, *theirs)
        return ring.accept(ring.taker, trade), ring.accept(ring.rival, trade), [trade], None

    await met(prepare, {(None, TAKEN), (TAKEN, None)})


async def test_two_trades_that_cross_are_both_taken(floor: Floor, met: Met) -> None:
    """A27: the shifts change hands once, not back again."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await floor.trade(ring.taker, start + timedelta(days=1))
        mine = await floor.trade(ring.giver, start, theirs)
        await floor.want(theirs, mine)
        return ring.accept(ring.taker, mine), ring.accept(ring.giver, theirs), [], None

    async def judge(round: Round) -> None:
        rows = "select array_agg(status order by status) from swap where tenant_id = $1"
        assert await round.value(rows, round.ring.town.tenant) == ["ACCEPTED", "WITHDRAWN"]
        assert await round.value("select count(*) from assignment where version > 1") >= 2

    await met(prepare, {(None, TAKEN), (TAKEN, None)}, judge)


async def test_what_would_be_given_in_a_trade_is_taken_by_another(floor: Floor, met: Met) -> None:
    """A27, A29: it goes to one of them; the trade needs it or does not happen."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.swap(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        return ring.accept(ring.taker, trade), ring.accept(ring.rival, theirs), [trade], None

    await met(prepare, {(None, TAKEN), (INELIGIBLE, None)})


async def test_a_trade_is_taken_while_its_owner_withdraws(floor: Floor, met: Met) -> None:
    """A29."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.shift(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        return ring.accept(ring.taker, trade), ring.withdraw(trade), [trade], None

    await met(prepare, {(None, CONFLICT), (TAKEN, None)})


@pytest.mark.parametrize("whose", ["the owner's", "the taker's"])
async def test_a_trade_is_taken_while_the_office_cancels_one_of_its_jobs(floor: Floor, met: Met, whose: str) -> None:
    """A17, A27: both sides have moved before, or neither ever does."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.swap(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        return ring.accept(ring.taker, trade), ring.cancel(trade if whose == "the owner's" else theirs), [], None

    refused = TAKEN if whose == "the owner's" else INELIGIBLE
    await met(prepare, {(None, None), (refused, None)})


@pytest.mark.parametrize("whose", ["the owner's", "the taker's"])
async def test_a_trade_is_taken_while_the_office_takes_one_side_off(floor: Floor, met: Met, whose: str) -> None:
    """A17, A27."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.shift(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        return ring.accept(ring.taker, trade), ring.release(trade if whose == "the owner's" else theirs), [], None

    refused = TAKEN if whose == "the owner's" else INELIGIBLE
    await met(prepare, {(None, None), (refused, None)})


@pytest.mark.parametrize("whose", ["the owner's", "the taker's"])
async def test_a_trade_is_taken_while_the_office_moves_one_of_its_jobs(floor: Floor, met: Met, whose: str) -> None:
    """A26: onto another shift of who would get it; whoever is slower is refused."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.shift(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        moved, getter = (trade, ring.taker) if whose == "the owner's" else (theirs, ring.giver)
        busy = start + timedelta(days=3)
        await ring.garden.shift(getter, busy)
        return ring.accept(ring.taker, trade), ring.move(moved, starts_at=busy + timedelta(hours=1)), [], None

    await met(prepare, {(None, OVERLAP), (INELIGIBLE, None)})


async def test_a_trade_is_taken_while_its_owner_gets_other_work(floor: Floor, met: Met) -> None:
    """A26: where the shift that they would get lies."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.shift(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        job = await floor.vacancy(start + timedelta(days=1, hours=1))
        return ring.accept(ring.taker, trade), ring.assign(job.job, ring.giver), [], None

    await met(prepare, {(None, OVERLAP), (INELIGIBLE, None)})


async def test_a_trade_is_given_back_while_the_office_cancels_a_job_of_it(floor: Floor, met: Met) -> None:
    """A17, A29: it goes back whole, or what is left stays where it is."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.shift(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        await floor.taken(trade, ring.taker)
        await floor.sql("update swap set given_id = $2 where id = $1", trade.swap, theirs.assignment)
        await floor.sql("update assignment set cleaner_id = $2 where id = $1", theirs.assignment, ring.giver.person)
        return floor.give_back(ring.taker, trade), ring.cancel(theirs), [], None

    await met(prepare, {(None, None), (CONFLICT, None)})


# Covers of the office


async def test_two_accept_a_vacancy(floor: Floor, met: Met) -> None:
    """R97."""

    async def prepare(ring: Ring) -> Plan:
        place = await floor.vacancy(await ring.garden.monday())
        return ring.accept(ring.taker, place), ring.accept(ring.rival, place), [], None

    await met(prepare, {(None, TAKEN), (TAKEN, None)})


async def test_a_vacancy_is_accepted_while_the_office_fills_it(floor: Floor, met: Met) -> None:
    """R74, A27: by one of the two."""

    async def prepare(ring: Ring) -> Plan:
        place = await floor.vacancy(await ring.garden.monday())
        return ring.accept(ring.taker, place), ring.assign(place.job, ring.rival), [], None

    await met(prepare, {(None, "ALREADY_EXISTS"), (TAKEN, None)})


async def test_a_vacancy_is_accepted_while_the_office_gives_it_to_the_same_cleaner(floor: Floor, met: Met) -> None:
    """R74: they have it once."""

    async def prepare(ring: Ring) -> Plan:
        place = await floor.vacancy(await ring.garden.monday())
        return ring.accept(ring.taker, place), ring.assign(place.job, ring.taker), [], None

    await met(prepare, {(None, "ALREADY_EXISTS"), (TAKEN, None)})


async def test_a_vacancy_is_accepted_while_the_office_cancels_the_job(floor: Floor, met: Met) -> None:
    """A17."""

    async def prepare(ring: Ring) -> Plan:
        place = await floor.vacancy(await ring.garden.monday())
        return ring.accept(ring.taker, place), ring.cancel(place), [], None

    await met(prepare, {(None, None), (TAKEN, None)})


async def test_a_vacancy_is_accepted_while_the_office_moves_the_job(floor: Floor, met: Met) -> None:
    """A26: onto another shift of its taker."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        place = await floor.vacancy(start)
        busy = start + timedelta(days=1)
        await ring.garden.shift(ring.taker, busy)
        return ring.accept(ring.taker, place), ring.move(place, starts_at=busy + timedelta(hours=1)), [], None

    await met(prepare, {(None, OVERLAP), (INELIGIBLE, None)})


async def test_a_vacancy_is_opened_while_the_office_fills_it(floor: Floor, met: Met) -> None:
    """A27: nothing is left on the market for a place that is filled."""

    async def prepare(ring: Ring) -> Plan:
        place = await floor.vacancy(await ring.garden.monday())
        await floor.sql("update swap set status = 'WITHDRAWN' where id = $1", place.swap)
        cover = ring.call(swaps.open_cover, swaps.OpenCover(job_id=place.job))
        return cover, ring.assign(place.job, ring.rival), [], None

    await met(prepare, {(None, None), (CONFLICT, None)})


async def test_the_office_covers_a_shift_that_is_just_taken(floor: Floor, met: Met) -> None:
    """A22, A27: the cover is for whoever holds the shift then."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return floor.cover(shift), ring.accept(ring.taker, shift), [shift], None

    await met(prepare, {(None, TAKEN), (None, None)})


async def test_the_office_covers_a_shift_that_its_cleaner_offers(floor: Floor, met: Met) -> None:
    """A27: the offer gives way to the cover, or finds it there."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.shift(ring.giver, await ring.garden.monday())
        return floor.cover(shift), ring.offer(shift), [], None

    await met(prepare, {(None, None), (None, "ALREADY_EXISTS")})


async def test_a_sick_call_meets_a_taker_of_one_of_the_shifts(floor: Floor, met: Met) -> None:
    """A22: what has just been taken is nobody's to cover for."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        await ring.garden.shift(ring.giver, start + timedelta(hours=5))
        shift = await ring.garden.swap(ring.giver, start)
        form = swaps.CoverSickCall(CleanerId(ring.giver.person), start.date())
        return ring.call(swaps.cover_sick_call, form), ring.accept(ring.taker, shift), [shift], None

    await met(prepare, {(None, TAKEN), (None, None)})


async def test_who_stands_by_takes_a_shift_while_the_office_cancels_the_job(floor: Floor, met: Met) -> None:
    """R74, A17: the one who accepts ends an assignment of theirs too, and the office all of them."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.stand_by(shift, ring.taker)
        return ring.accept(ring.taker, shift), ring.cancel(shift), [], None

    await met(prepare, {(None, None), (TAKEN, None)})


# Return


async def test_a_shift_is_given_back_while_another_takes_it_on(floor: Floor, met: Met) -> None:
    """A29: it goes back or on, never both."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.taken(shift, ring.taker)
        onward = await floor.offered_on(shift, ring.taker)
        return floor.give_back(ring.taker, shift), ring.accept(ring.rival, onward), [], None

    async def judge(round: Round) -> None:
        keeps = round.ring.rival if round.a.refusal else round.ring.giver
        holder = "select a.cleaner_id from assignment a join swap s on s.assignment_id = a.id where s.id = $1"
        assert await round.value(holder, round.a.call.input.swap_id) == keeps.person

    await met(prepare, {(None, TAKEN), (CONFLICT, None)}, judge)


async def test_a_shift_is_given_back_while_its_taker_offers_it_on(floor: Floor, met: Met) -> None:
    """A29: no offer is left of who has no shift."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.taken(shift, ring.taker)
        offer = ring.call(swaps.offer_swap, swaps.OfferSwap(shift.assignment), ring.taker)
        return floor.give_back(ring.taker, shift), offer, [], None

    await met(prepare, {(None, UNKNOWN), (None, None)})


async def test_a_shift_is_given_back_twice(floor: Floor, met: Met) -> None:
    """A29: once."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.taken(shift, ring.taker)
        return floor.give_back(ring.taker, shift), floor.give_back(ring.taker, shift), [], None

    await met(prepare, {(None, UNKNOWN), (UNKNOWN, None)})


@pytest.mark.parametrize("what", ["owned", "vacant"])
async def test_a_shift_is_given_back_while_the_office_cancels_the_job(floor: Floor, met: Met, what: str) -> None:
    """A17: nothing of a canceled job is on the market, and nobody is on it."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await _taken(floor, start, what)
        return floor.give_back(ring.taker, shift), ring.cancel(shift), [], None

    await met(prepare, {(None, None), (CONFLICT, None)})


@pytest.mark.parametrize("what", ["owned", "vacant"])
async def test_a_shift_is_given_back_while_the_office_takes_its_taker_off(floor: Floor, met: Met, what: str) -> None:
    """A17, R76: the office may find that it has just gone back."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _taken(floor, await ring.garden.monday(), what)
        return floor.give_back(ring.taker, shift), ring.release(shift), [], None

    late = {(None, CONFLICT)} if what == "vacant" else {(None, None)}
    await met(prepare, {(CONFLICT, None), *late})


async def test_one_of_a_crew_gives_their_place_back_while_the_office_cancels_the_job(floor: Floor, met: Met) -> None:
    """A17: also where the job stays assigned to somebody else."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _taken(floor, await ring.garden.monday(), "vacant")
        await floor.stand_by(shift, ring.rival)
        await floor.sql("update assignment set role = 'LAUNDRY_LEAD' where cleaner_id = $1", ring.rival.person)
        return floor.give_back(ring.taker, shift), ring.cancel(shift), [], None

    await met(prepare, {(None, None), (CONFLICT, None)})


async def _taken(floor: Floor, start: datetime, what: str) -> Planted:
    """A shift that the taker took a moment ago: from the giver, or a vacancy."""
    if what == "vacant":
        place = await floor.vacancy(start)
        await floor.filled(place, floor.ring.taker)
        return place
    shift = await floor.ring.garden.swap(floor.ring.giver, start)
    await floor.taken(shift, floor.ring.taker)
    return shift


async def test_a_shift_is_given_back_while_its_owner_gets_other_work(floor: Floor, met: Met) -> None:
    """A26, A29: the slower one is refused."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await _taken(floor, start, "owned")
        job = await floor.vacancy(start + timedelta(hours=1))
        return floor.give_back(ring.taker, shift), ring.assign(job.job, ring.giver), [], None

    await met(prepare, {(None, OVERLAP), (OVERLAP, None)})


async def test_a_shift_is_given_back_while_its_owner_takes_another(floor: Floor, met: Met) -> None:
    """A26, A29."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await _taken(floor, start, "owned")
        another = await ring.garden.swap(ring.rival, start + timedelta(hours=1))
        return floor.give_back(ring.taker, shift), ring.accept(ring.giver, another), [], None

    await met(prepare, {(None, INELIGIBLE), (OVERLAP, None)})


async def test_a_shift_is_given_back_while_the_office_moves_it(floor: Floor, met: Met) -> None:
    """A27: it is on the market again for the time that belongs to its new start."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await _taken(floor, start, "owned")
        return floor.give_back(ring.taker, shift), ring.move(shift, starts_at=start + timedelta(hours=30)), [], None

    async def judge(round: Round) -> None:
        late = """select j.starts_at - s.expires_at from swap s join job j on j.id = s.job_id
            where s.tenant_id = $1 and s.status = 'PENDING'"""
        assert await round.value(late, round.ring.town.tenant) == timedelta(hours=2)

    await met(prepare, {(None, None)}, judge)


# Approval


async def _asked(floor: Floor, start: datetime) -> Planted:
    """A swap that awaits the office, for the taker."""
    shift = await floor.ring.garden.swap(floor.ring.giver, start)
    await floor.awaiting(shift, floor.ring.taker)
    return shift


async def test_a_swap_is_approved_while_its_owner_withdraws(floor: Floor, met: Met) -> None:
    """A27b, A29."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _asked(floor, await ring.garden.monday())
        return floor.approve(shift), ring.withdraw(shift), [shift], None

    await met(prepare, {(None, CONFLICT), (CONFLICT, None), (TAKEN, None)})


async def test_a_swap_is_approved_while_its_taker_gives_it_back(floor: Floor, met: Met) -> None:
    """A27b, A29: approved first, it is given back within the grace."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _asked(floor, await ring.garden.monday())
        return floor.approve(shift), floor.give_back(ring.taker, shift), [], None

    await met(prepare, {(None, None), (CONFLICT, None)})


async def test_a_swap_is_approved_and_declined(floor: Floor, met: Met) -> None:
    """A27b: by two of the office."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _asked(floor, await ring.garden.monday())
        return floor.approve(shift), floor.decline(shift), [shift], None

    await met(prepare, {(None, CONFLICT), (CONFLICT, None), (TAKEN, None)})


async def test_a_swap_is_approved_twice(floor: Floor, met: Met) -> None:
    """A27b: the shift changes hands once."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _asked(floor, await ring.garden.monday())
        return floor.approve(shift), floor.approve(shift), [shift], None

    await met(prepare, {(None, CONFLICT), (CONFLICT, None)})


async def test_a_swap_is_approved_at_the_instant_of_its_end(floor: Floor, met: Met) -> None:
    """R100, A27b: whoever read the clock in time may win, and then nothing expires."""

    async def prepare(ring: Ring) -> Plan:
        world, tenant = ring.town.world, ring.town.tenant
        await world.root.execute("update tenant set clock_offset = default where tenant_id = $1", tenant)
        shift = await _asked(floor, await ring.garden.monday())
        ends = f"update swap set expires_at = {_NOW} + interval '5 minutes' where id = $1"
        await floor.sql(ends, shift.swap)
        late = lambda: world.move_clock(tenant, timedelta(minutes=10))  # noqa: E731
        return floor.approve(shift), ring.expire(shift), [shift], late

    await met(prepare, {(None, None), (CONFLICT, None), (TAKEN, None)})


async def test_a_swap_is_approved_while_its_taker_takes_an_overlapping_shift(floor: Floor, met: Met) -> None:
    """A26, A27b: each is judged with the other."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        shift = await _asked(floor, start)
        another = await floor.vacancy(start + timedelta(hours=1))
        return floor.approve(shift), ring.accept(ring.taker, another), [shift], None

    await met(prepare, {(None, INELIGIBLE), (INELIGIBLE, None)})


async def test_a_swap_is_approved_while_the_office_cancels_the_job(floor: Floor, met: Met) -> None:
    """A17."""

    async def prepare(ring: Ring) -> Plan:
        shift = await _asked(floor, await ring.garden.monday())
        return floor.approve(shift), ring.cancel(shift), [], None

    await met(prepare, {(None, None), (CONFLICT, None)})


async def test_a_trade_is_approved_while_what_it_gives_is_taken_by_another(floor: Floor, met: Met) -> None:
    """A27b: both sides or none; the swap then still awaits the office."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        theirs = await ring.garden.swap(ring.taker, start + timedelta(days=1))
        trade = await floor.trade(ring.giver, start, theirs)
        await floor.awaiting(trade, ring.taker, theirs)
        return floor.approve(trade), ring.accept(ring.rival, theirs), [trade], None

    await met(prepare, {(None, TAKEN), (INELIGIBLE, None)})


async def test_a_swap_is_asked_for_by_two_where_the_office_approves(floor: Floor, met: Met) -> None:
    """A27b: one awaits, the other is told that it is taken."""
    await floor.ring.settings(approvalRequired=True)

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return ring.accept(ring.taker, shift), ring.accept(ring.rival, shift), [shift], None

    await met(prepare, {(None, TAKEN), (TAKEN, None)})


# Draw and standing bids


async def test_one_asks_while_the_shift_is_drawn(floor: Floor, met: Met) -> None:
    """A29: who asked is among those drawn, or finds the shift gone; nobody asks in vain."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.drawn(shift, ring.rival)
        return ring.accept(ring.taker, shift), floor.draw(shift), [shift], None

    async def judge(round: Round) -> None:
        kept = "select detail -> 'drawn' ? $2::text from audit where request_id = $1 and detail ? 'drawn'"
        drawn = await round.value(kept, round.b.call.request_id, str(round.ring.taker.person))
        assert drawn is (round.a.refusal is None)

    await met(prepare, {(None, None), (TAKEN, None)}, judge)


async def test_the_only_one_who_asked_takes_it_back_while_the_shift_is_drawn(floor: Floor, met: Met) -> None:
    """A29: it is theirs, to be given back within the grace, or it is anybody's."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.drawn(shift, ring.taker)
        return floor.give_back(ring.taker, shift), floor.draw(shift), [], None

    await met(prepare, {(None, None)})


async def test_one_asks_whose_standing_bid_is_drawn(floor: Floor, met: Met) -> None:
    """A29: what they get by the bid they cannot ask for any more."""
    await floor.ring.settings(standingBids=True)

    async def prepare(ring: Ring) -> Plan:
        await ring.town.world.runner.run(floor.bid(ring.taker))
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.drawn(shift)
        return ring.accept(ring.taker, shift), floor.draw(shift), [shift], None

    await met(prepare, {(None, None), (TAKEN, None)})


async def test_one_asks_while_the_owner_withdraws(floor: Floor, met: Met) -> None:
    """A29."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.drawn(shift)
        return ring.accept(ring.taker, shift), ring.withdraw(shift), [shift], None

    await met(prepare, {(None, None), (TAKEN, None)})


async def test_a_shift_is_drawn_while_its_owner_withdraws(floor: Floor, met: Met) -> None:
    """A29: a draw that finds nothing is no refusal, unless it had begun."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.drawn(shift, ring.taker)
        return floor.draw(shift), ring.withdraw(shift), [shift], None

    await met(prepare, {(None, CONFLICT), (None, None), (TAKEN, None)})


async def test_a_standing_bid_is_drawn_while_another_takes_the_shift(floor: Floor, met: Met) -> None:
    """A29: where the first may take it, one of the two is."""
    await floor.ring.settings(standingBids=True)

    async def prepare(ring: Ring) -> Plan:
        await ring.town.world.runner.run(floor.bid(ring.rival))
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        return floor.draw(shift), ring.accept(ring.taker, shift), [shift], None

    await met(prepare, {(None, TAKEN), (None, None)})


async def test_a_shift_is_drawn_twice(floor: Floor, met: Met) -> None:
    """A29: by the task and by the sweep."""

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        await floor.drawn(shift, ring.taker, ring.rival)
        return floor.draw(shift), floor.draw(shift), [shift], None

    await met(prepare, {(None, None)})


async def test_two_overlapping_shifts_are_drawn_for_the_same_cleaner(floor: Floor, met: Met) -> None:
    """A26, A29: they get one; the other draw is begun again."""

    async def prepare(ring: Ring) -> Plan:
        start = await ring.garden.monday()
        one = await ring.garden.swap(ring.giver, start)
        two = await ring.garden.swap(ring.rival, start + timedelta(hours=1))
        for shift in (one, two):
            await floor.drawn(shift, ring.taker)
        return floor.draw(one), floor.draw(two), [one, two], None

    await met(prepare, {(None, None), (None, INELIGIBLE), (INELIGIBLE, None)})


async def test_a_standing_bid_is_placed_while_a_shift_is_offered_and_drawn(floor: Floor, met: Met) -> None:
    """A29: the shift comes up after the bid has looked and is drawn before it holds: it is not missed."""
    await floor.ring.settings(standingBids=True)
    shifts: list[Planted] = []

    async def prepare(ring: Ring) -> Plan:
        shift = await ring.garden.shift(ring.giver, await ring.garden.monday())
        shifts.append(await floor.offered_on(shift, ring.giver))
        listed = shifts[-1].swap
        # Not there for the bid to see, until right before the draw begins.
        await floor.sql("update swap set kind = 'TRADE' where id = $1", listed)
        comes = lambda: floor.sql("update swap set kind = 'COVER' where id = $1", listed)  # noqa: E731
        return floor.bid(ring.taker), floor.draw(shifts[-1]), [], comes

    async def judge(round: Round) -> None:
        again = """select exists (select from task where kind = 'draw_swap' and state = 'READY'
            and payload ->> 'swap_id' = $1)"""
        taken = await _holder(round, shifts[-1]) == round.ring.taker.person
        assert taken or await round.value(again, str(shifts[-1].swap))

    await met(prepare, {(None, None)}, judge)


async def test_a_standing_bid_is_withdrawn_while_it_is_drawn(floor: Floor, met: Met) -> None:
    """A29: what it has taken stays taken."""
    await floor.ring.settings(standingBids=True)

    async def prepare(ring: Ring) -> Plan:
        bid = await ring.town.world.runner.run(floor.bid(ring.taker))
        shift = await ring.garden.swap(ring.giver, await ring.garden.monday())
        gone = ring.call(swaps.withdraw_standing_bid, swaps.WithdrawStandingBid(bid), ring.taker)
        return floor.draw(shift), gone, [shift], None

    await met(prepare, {(None, None)})


async def test_a_vacancy_is_drawn_while_the_office_fills_it(floor: Floor, met: Met) -> None:
    """R74, A27."""

    async def prepare(ring: Ring) -> Plan:
        place = await floor.vacancy(await ring.garden.monday())
        await floor.drawn(place, ring.taker)
        form = scheduling.AssignCleaner(place.job, CleanerId(ring.rival.person), AssignmentRole.PRIMARY)
        return floor.draw(place), ring.call(scheduling.assign_cleaner, form), [], None

    await met(prepare, {(None, "ALREADY_EXISTS"), (None, None)})
