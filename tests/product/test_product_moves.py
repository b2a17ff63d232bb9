"""The moves of the swap market beside the plain offer and accept: each with what it must leave, and its refusals."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from domain.actors import Actor, CleanerId
from domain.errors import Code, Refused
from domain.ids import AssignmentId, SwapId
from domain.scheduling import AssignmentRole, Skill
from services import cancellations, scheduling, swaps
from tests.product.world import Api, Town, gid

ALL_WEEK = [1, 2, 3, 4, 5, 6, 7]


@dataclass
class Market:
    """A town's swap market as the tests drive it: commands straight through the runner."""

    town: Town
    other: Town

    async def do(self, who: Actor, command: Any, input: Any) -> Any:
        return await self.town.world.run(who, command, input)

    async def settings(self, **values: Any) -> None:
        await self.town.world.root.execute(
            "update tenant set settings = $2 where tenant_id = $1", self.town.tenant, json.dumps({"swaps": values})
        )

    async def swap(self, id: SwapId) -> Any:
        return await self.town.world.root.fetchrow("select * from swap where id = $1", id)

    async def status(self, id: SwapId) -> str:
        return str((await self.swap(id))["status"])

    async def holder(self, id: AssignmentId) -> Any:
        return await self.town.world.root.fetchval(
            "select cleaner_id from assignment where id = $1 and released_at is null", id
        )

    async def events(self, id: Any) -> list[str]:
        rows = await self.town.world.root.fetch("select type from event where entity_id = $1 order by seq", id)
        return [row["type"] for row in rows]

    async def tasks(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.town.world.root.fetch(
            "select payload from task where tenant_id = $1 and kind = $2 order by created_at", self.town.tenant, kind
        )
        return [json.loads(row["payload"]) for row in rows]

    async def offer(self, who: Actor, starts_at: datetime | None = None, hours: str = "3", **more: Any) -> SwapId:
        """A shift of this cleaner on the market; `wants` makes it a TRADE."""
        wants = more.pop("wants", None)
        shift = await self.town.shift(who, starts_at, hours, **more)
        made: SwapId = await self.do(who, swaps.offer_swap, swaps.OfferSwap(shift, wants=wants))
        return made

    async def accept(self, who: Actor, id: SwapId, gives: AssignmentId | None = None) -> None:
        await self.do(who, swaps.accept_swap, swaps.AcceptSwap(id, gives))

    async def give_back(self, who: Actor, id: SwapId) -> None:
        await self.do(who, swaps.return_swap, swaps.ReturnSwap(id))

    async def draw(self, id: SwapId) -> None:
        await self.do(Actor.system(self.town.tenant), swaps.draw_swap, swaps.DrawSwap(id))

    async def shift_of(self, id: SwapId) -> AssignmentId:
        return AssignmentId((await self.swap(id))["assignment_id"])

    @asynccontextmanager
    async def refused(self, code: Code) -> AsyncIterator[list[Refused]]:
        """The block is refused with this code, and neither business has a row more or another swap's state."""
        before = await self._picture()
        caught: list[Refused] = []
        with pytest.raises(Refused) as refusal:
            yield caught
        caught.append(refusal.value)
        assert refusal.value.code is code, refusal.value
        assert await self._picture() == before

    async def _picture(self) -> Any:
        world = self.town.world
        states = await world.root.fetch(
            """select id::text, status, version, taker_id::text from swap union all
               select id::text, released_at::text, version, cleaner_id::text from assignment union all
               select swap_id::text, '', 0, cleaner_id::text from swap_ask order by 1, 4"""
        )
        traces = [await world.trace(one.tenant) for one in (self.town, self.other)]
        return [tuple(row) for row in states], traces


@pytest.fixture
async def market(town: Town, other: Town) -> Market:
    await other.offer(await other.cleaner())
    return Market(town, other)


# TRADE


async def test_a_trade_moves_both_shifts_at_once_even_where_they_overlap(market: Market) -> None:
    """A27, A27b: at no instant has either cleaner both; the constraint is judged when both sides have moved."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    at_nine = await market.town.day(3, 13)
    theirs = await market.town.shift(two, at_nine + timedelta(hours=1))
    id = await market.offer(one, at_nine, wants=[theirs])

    await market.accept(two, id)

    row = await market.swap(id)
    assert (row["kind"], row["status"], row["taker_id"], row["given_id"]) == ("TRADE", "ACCEPTED", two.person, theirs)
    assert await market.holder(row["assignment_id"]) == two.person
    assert await market.holder(theirs) == one.person
    assert await market.events(id) == ["SwapOffered", "SwapAccepted"]


async def test_only_who_holds_a_wanted_shift_can_take_a_trade(market: Market) -> None:
    """A27b: the reason says so, and nothing is written."""
    one, two, stranger = [await market.town.cleaner() for _ in range(3)]
    theirs = await market.town.shift(two, await market.town.day(5))
    unwanted = await market.town.shift(stranger, await market.town.day(8))
    id = await market.offer(one, wants=[theirs])

    async with market.refused(Code.NOT_ELIGIBLE) as caught:
        await market.accept(stranger, id)
    assert [one["code"] for one in caught[0].details["reasons"]] == ["NOTHING_TO_GIVE"]
    async with market.refused(Code.NOT_ELIGIBLE):
        await market.accept(stranger, id, gives=unwanted)
    async with market.refused(Code.NOT_ELIGIBLE):
        await market.accept(two, id, gives=unwanted)


async def test_nothing_is_given_for_a_cover(market: Market) -> None:
    """A27b: who names a shift believes that it goes; also where it is drawn."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    mine = await market.town.shift(taker, await market.town.day(6))
    id = await market.offer(owner)
    await market.settings(drawMinutes=5)
    drawn = await market.offer(owner, await market.town.day(5))

    for each in (id, drawn):
        async with market.refused(Code.INVALID) as caught:
            await market.accept(taker, each, gives=mine)
        assert caught[0].field == ("gives",)


async def test_a_trade_whose_owner_cannot_work_the_other_shift_is_refused_without_saying_why(market: Market) -> None:
    """A27b: both sides are judged; the owner's schedule is not the taker's to read."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    then = await market.town.day(5)
    theirs = await market.town.shift(two, then)
    await market.town.shift(one, then + timedelta(hours=1))
    id = await market.offer(one, wants=[theirs])

    async with market.refused(Code.NOT_ELIGIBLE) as caught:
        await market.accept(two, id)
    assert [reason["code"] for reason in caught[0].details["reasons"]] == ["OWNER_CANNOT_TAKE"]


async def test_the_first_wanted_shift_that_suits_both_is_given(market: Market) -> None:
    """A27b: of several, the earliest that both can live with, unless the taker says which."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    early, late = await market.town.day(5), await market.town.day(7)
    first, second = await market.town.shift(two, early), await market.town.shift(two, late)
    await market.town.shift(one, early + timedelta(hours=1))
    id = await market.offer(one, wants=[first, second])

    await market.accept(two, id)

    assert [await market.holder(shift) for shift in (first, second)] == [two.person, one.person]


async def test_the_taker_says_which_wanted_shift_they_give(market: Market) -> None:
    """A27b: the taker picks one."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    first, second = [await market.town.shift(two, await market.town.day(days)) for days in (5, 7)]
    id = await market.offer(one, wants=[first, second])

    await market.accept(two, id, gives=second)

    assert [await market.holder(shift) for shift in (first, second)] == [two.person, one.person]


async def test_only_colleagues_coming_shifts_in_ones_own_markets_can_be_named(market: Market) -> None:
    """R3, A27b: an own, a foreign, an ended and an unknown shift get the same answer; so does too long a list."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    mine, own = [await market.town.shift(one, await market.town.day(days)) for days in (3, 6)]
    foreign = await market.other.shift(await market.other.cleaner())
    ended = await market.town.shift(two, await market.town.day(4))
    await market.do(market.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(ended))

    for wanted in (own, foreign, ended, AssignmentId(one.person)):
        async with market.refused(Code.NOT_FOUND) as caught:
            await market.do(one, swaps.offer_swap, swaps.OfferSwap(mine, wants=[wanted]))
        assert caught[0].field == ("wants", "0")
    for count in (0, 21):
        async with market.refused(Code.INVALID):
            await market.do(one, swaps.offer_swap, swaps.OfferSwap(mine, wants=_many(count)))


def _many(count: int) -> list[AssignmentId]:
    from db.ids import new_id

    return [AssignmentId(new_id()) for _ in range(count)]


async def test_a_shift_given_in_a_trade_leaves_the_market(market: Market) -> None:
    """A29: its holder had offered it too; who wanted it finds it gone."""
    one, two, three = [await market.town.cleaner() for _ in range(3)]
    offered = await market.offer(two, await market.town.day(5))
    id = await market.offer(one, wants=[await market.shift_of(offered)])

    await market.accept(two, id)

    assert await market.status(offered) == "WITHDRAWN"
    async with market.refused(Code.SWAP_ALREADY_TAKEN):
        await market.accept(three, offered)


# Chains


async def test_a_taken_shift_can_be_offered_again_and_again(market: Market) -> None:
    """A29: a chain of swaps ends with one holder, and everybody before is free."""
    people = [await market.town.cleaner() for _ in range(4)]
    id = await market.offer(people[0])
    shift = await market.shift_of(id)
    for giver, taker in zip(people, people[1:], strict=False):
        await market.accept(taker, id)
        assert await market.holder(shift) == taker.person
        if taker is not people[-1]:
            id = await market.do(taker, swaps.offer_swap, swaps.OfferSwap(shift))
        async with market.refused(Code.NOT_FOUND):
            await market.do(giver, swaps.offer_swap, swaps.OfferSwap(shift))


# Return


async def test_a_taker_gives_a_shift_back_within_the_grace_and_it_is_on_the_market_again(market: Market) -> None:
    """A27b, A29: the owner is responsible again, and somebody else may take it."""
    owner, taker, next_one = [await market.town.cleaner() for _ in range(3)]
    id = await market.offer(owner)
    shift = await market.shift_of(id)
    await market.accept(taker, id)

    await market.give_back(taker, id)

    row = await market.swap(id)
    assert (row["status"], row["taker_id"], row["closed_at"]) == ("PENDING", None, None)
    assert await market.holder(shift) == owner.person
    await market.accept(next_one, id)
    assert await market.holder(shift) == next_one.person
    assert await market.events(id) == ["SwapOffered", "SwapAccepted", "SwapReturned", "SwapAccepted"]


async def test_after_the_grace_a_shift_stays_with_its_taker(market: Market) -> None:
    """A27b: ten minutes unless the tenant says otherwise."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    id = await market.offer(owner)
    await market.accept(taker, id)
    await market.town.world.move_clock(market.town.tenant, timedelta(minutes=10))

    async with market.refused(Code.CONFLICT):
        await market.give_back(taker, id)
    await market.settings(returnMinutes=30)
    await market.give_back(taker, id)
    assert await market.status(id) == "PENDING"


async def test_given_back_too_late_for_the_market_a_shift_is_its_owners_and_the_swap_is_over(market: Market) -> None:
    """A29: RETURNED is the end where no time is left."""
    owner, taker, late = [await market.town.cleaner() for _ in range(3)]
    id = await market.offer(owner)
    await market.accept(taker, id)
    await market.town.world.root.execute("update swap set expires_at = now() where id = $1", id)

    await market.give_back(taker, id)

    assert await market.status(id) == "RETURNED"
    assert await market.holder(await market.shift_of(id)) == owner.person
    async with market.refused(Code.SWAP_ALREADY_TAKEN):
        await market.accept(late, id)


async def test_a_trade_is_undone_on_both_sides(market: Market) -> None:
    """A27, A29: also where the owner has offered what they got."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    theirs = await market.town.shift(two, await market.town.day(5))
    id = await market.offer(one, wants=[theirs])
    await market.accept(two, id)
    again = await market.do(one, swaps.offer_swap, swaps.OfferSwap(theirs))

    await market.give_back(two, id)

    row = await market.swap(id)
    assert (row["status"], row["given_id"]) == ("PENDING", None)
    assert await market.holder(row["assignment_id"]) == one.person
    assert await market.holder(theirs) == two.person
    assert await market.status(again) == "WITHDRAWN"


async def test_a_shift_whose_owner_has_other_work_by_now_is_not_given_back(market: Market) -> None:
    """A29: nobody is in two places at once; the taker may offer it instead."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    then = await market.town.day(3)
    id = await market.offer(owner, then)
    await market.accept(taker, id)
    await market.town.shift(owner, then + timedelta(hours=1))

    async with market.refused(Code.SHIFT_OVERLAP):
        await market.give_back(taker, id)


async def test_a_shift_that_has_gone_on_is_not_given_back(market: Market) -> None:
    """A29: who took it from the taker keeps it. Neither owner nor stranger can give back what they did not take."""
    owner, taker, third = [await market.town.cleaner() for _ in range(3)]
    id = await market.offer(owner)
    shift = await market.shift_of(id)
    await market.accept(taker, id)
    onward = await market.do(taker, swaps.offer_swap, swaps.OfferSwap(shift))
    for who in (owner, third, await market.other.cleaner()):
        async with market.refused(Code.NOT_FOUND):
            await market.give_back(who, id)
    await market.accept(third, onward)

    async with market.refused(Code.CONFLICT):
        await market.give_back(taker, id)
    assert await market.holder(shift) == third.person


async def test_what_the_taker_offered_meanwhile_goes_back_with_the_shift(market: Market) -> None:
    """A29: no offer is left of who has no shift."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    id = await market.offer(owner)
    await market.accept(taker, id)
    onward = await market.do(taker, swaps.offer_swap, swaps.OfferSwap(await market.shift_of(id)))

    await market.give_back(taker, id)

    assert [await market.status(id), await market.status(onward)] == ["PENDING", "WITHDRAWN"]


async def test_a_place_that_is_given_back_takes_its_takers_offer_along(market: Market) -> None:
    """A29: also where nobody had it before: what was offered of it is off the market, and the job is open again."""
    taker, late = await market.town.cleaner(), await market.town.cleaner()
    job = await market.town.job()
    id = await market.do(market.town.owner, swaps.open_cover, swaps.OpenCover(job_id=job))
    await market.accept(taker, id)
    shift = "select id from assignment where job_id = $1 and released_at is null"
    mine = AssignmentId(await market.town.world.root.fetchval(shift, job))
    onward = await market.do(taker, swaps.offer_swap, swaps.OfferSwap(mine))

    await market.give_back(taker, id)

    assert [await market.status(id), await market.status(onward)] == ["PENDING", "WITHDRAWN"]
    await market.accept(late, id)
    assert await market.status(id) == "ACCEPTED"


# Approval


async def test_with_approval_a_shift_changes_hands_when_the_office_agrees(market: Market) -> None:
    """A27b: until then its owner is responsible, and nobody else can take it."""
    owner, taker, rival = [await market.town.cleaner() for _ in range(3)]
    office = await market.town.dispatcher()
    await market.settings(approvalRequired=True)
    id = await market.offer(owner)
    shift = await market.shift_of(id)

    await market.accept(taker, id)
    assert await market.status(id) == "AWAITING_APPROVAL"
    assert await market.holder(shift) == owner.person
    async with market.refused(Code.SWAP_ALREADY_TAKEN):
        await market.accept(rival, id)

    await market.do(office, swaps.approve_swap, swaps.ApproveSwap(id))
    assert await market.status(id) == "ACCEPTED"
    assert await market.holder(shift) == taker.person
    assert await market.events(id) == ["SwapOffered", "SwapRequested", "SwapAccepted"]
    async with market.refused(Code.CONFLICT):
        await market.do(office, swaps.approve_swap, swaps.ApproveSwap(id))


async def test_eligibility_is_checked_again_at_approval(market: Market) -> None:
    """A27b: what was right when it was asked for may be wrong by now; the swap then still awaits the office."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(approvalRequired=True)
    then = await market.town.day(3)
    id = await market.offer(owner, then)
    await market.accept(taker, id)
    in_the_way = await market.town.shift(taker, then + timedelta(hours=1))

    async with market.refused(Code.NOT_ELIGIBLE) as caught:
        await market.do(market.town.owner, swaps.approve_swap, swaps.ApproveSwap(id))
    assert [one["code"] for one in caught[0].details["reasons"]] == ["OVERLAP"]

    await market.do(market.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(in_the_way))
    await market.do(market.town.owner, swaps.approve_swap, swaps.ApproveSwap(id))
    assert await market.holder(await market.shift_of(id)) == taker.person


async def test_a_trade_is_approved_with_the_shift_that_was_named(market: Market) -> None:
    """A27b: both sides move at approval, and only then."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(approvalRequired=True)
    theirs = await market.town.shift(two, await market.town.day(5))
    id = await market.offer(one, wants=[theirs])
    await market.accept(two, id)
    assert await market.holder(theirs) == two.person

    await market.do(market.town.owner, swaps.approve_swap, swaps.ApproveSwap(id))

    assert await market.holder(theirs) == one.person
    assert await market.holder(await market.shift_of(id)) == two.person


async def test_the_office_declines_and_the_owner_may_offer_again(market: Market) -> None:
    """A27b: with a reason, which the audit keeps."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(approvalRequired=True)
    id = await market.offer(owner)
    await market.accept(taker, id)

    async with market.refused(Code.INVALID):
        await market.do(market.town.owner, swaps.decline_swap, swaps.DeclineSwap(id, " "))
    await market.do(market.town.owner, swaps.decline_swap, swaps.DeclineSwap(id, "the customer asked for 1"))

    assert await market.status(id) == "DECLINED"
    why = "select reason from audit where tenant_id = $1 and action = 'decline_swap'"
    assert await market.town.world.root.fetchval(why, market.town.tenant) == "the customer asked for 1"
    await market.do(owner, swaps.offer_swap, swaps.OfferSwap(await market.shift_of(id)))


async def test_until_the_office_decides_owner_and_taker_may_change_their_minds(market: Market) -> None:
    """A29: the taker's asking is taken back, the owner's offer withdrawn, and time runs on (A27)."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(approvalRequired=True)
    id = await market.offer(owner)
    await market.accept(taker, id)
    await market.give_back(taker, id)
    assert await market.status(id) == "PENDING"

    await market.accept(taker, id)
    await market.do(owner, swaps.withdraw_swap, swaps.WithdrawSwap(id))
    async with market.refused(Code.CONFLICT):
        await market.do(market.town.owner, swaps.approve_swap, swaps.ApproveSwap(id))

    late = await market.offer(owner, await market.town.day(6))
    await market.accept(taker, late)
    await market.town.world.root.execute("update swap set expires_at = now() where id = $1", late)
    async with market.refused(Code.SWAP_ALREADY_TAKEN):
        await market.do(market.town.owner, swaps.approve_swap, swaps.ApproveSwap(late))
    await market.do(Actor.system(market.town.tenant), swaps.expire_swap, swaps.ExpireSwap(late))
    assert await market.status(late) == "EXPIRED"


async def test_no_cleaner_approves_and_no_other_office_finds_the_swap(market: Market) -> None:
    """R20, R3."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(approvalRequired=True)
    id = await market.offer(owner)
    await market.accept(taker, id)
    for command, form in (
        (swaps.approve_swap, swaps.ApproveSwap(id)),
        (swaps.decline_swap, swaps.DeclineSwap(id, "no")),
    ):
        async with market.refused(Code.FORBIDDEN):
            await market.do(owner, command, form)
        async with market.refused(Code.NOT_FOUND):
            await market.do(market.other.owner, command, form)


# Covers of the office


async def test_the_office_covers_the_shift_of_who_cannot_come(market: Market) -> None:
    """A22, A27: until the job's end, urgent when late; their own offer gives way, and they stay responsible."""
    sick, taker = await market.town.cleaner(), await market.town.cleaner()
    soon = await market.town.world.now(market.town.tenant) + timedelta(hours=3)
    own = await market.offer(sick, soon)
    shift = await market.shift_of(own)

    id = await market.do(market.town.owner, swaps.open_cover, swaps.OpenCover(assignment_id=shift))

    row = await market.swap(id)
    assert await market.status(own) == "WITHDRAWN"
    assert (row["opened_by"], row["owner_id"], row["expires_at"]) == ("OFFICE", sick.person, soon + timedelta(hours=3))
    job = await market.town.world.root.fetchrow("select is_urgent, status from job where id = $1", row["job_id"])
    assert tuple(job) == (True, "ASSIGNED")
    assert await market.holder(shift) == sick.person
    async with market.refused(Code.CONFLICT):
        await market.do(sick, swaps.withdraw_swap, swaps.WithdrawSwap(id))
    await market.accept(taker, id)
    assert await market.holder(shift) == taker.person


async def test_the_office_covers_a_job_that_nobody_is_on(market: Market) -> None:
    """A27: its taker gets the job, which is assigned by that; given back it is open again."""
    taker = await market.town.cleaner()
    job = await market.town.job()
    id = await market.do(market.town.owner, swaps.open_cover, swaps.OpenCover(job_id=job))
    status = "select status from job where id = $1"
    crew = "select cleaner_id, role from assignment where job_id = $1 and released_at is null"
    root = market.town.world.root

    await market.accept(taker, id)
    assert await root.fetchval(status, job) == "ASSIGNED"
    assert [tuple(row) for row in await root.fetch(crew, job)] == [(taker.person, "PRIMARY")]

    await market.give_back(taker, id)
    assert await root.fetchval(status, job) == "UNASSIGNED"
    assert await root.fetch(crew, job) == []
    assert await market.status(id) == "PENDING"
    await market.accept(taker, id)
    assert [tuple(row) for row in await root.fetch(crew, job)] == [(taker.person, "PRIMARY")]
    assert "CleanerAssigned" in await market.events(job)


async def test_a_place_that_the_office_fills_itself_leaves_the_market(market: Market) -> None:
    """A27: and so does the place of a job that is canceled; nobody takes it any more."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    filled, canceled = await market.town.job(), await market.town.job(await market.town.day(6))
    covers = [
        await market.do(market.town.owner, swaps.open_cover, swaps.OpenCover(job_id=job)) for job in (filled, canceled)
    ]
    form = scheduling.AssignCleaner(filled, CleanerId(one.person))
    await market.do(market.town.owner, scheduling.assign_cleaner, form)
    await market.do(market.town.owner, cancellations.cancel_job, cancellations.CancelJob(canceled, "flooded"))

    for id in covers:
        assert await market.status(id) == "WITHDRAWN"
        async with market.refused(Code.SWAP_ALREADY_TAKEN):
            await market.accept(two, id)


async def test_who_stands_by_for_a_job_takes_its_cover(market: Market) -> None:
    """R74: a backup becomes what the cover asks for, and stands by no more."""
    sick, backup = await market.town.cleaner(), await market.town.cleaner()
    shift = await market.town.shift(sick)
    job = await market.town.world.root.fetchval("select job_id from assignment where id = $1", shift)
    form = scheduling.AssignCleaner(job, CleanerId(backup.person), AssignmentRole.BACKUP)
    await market.do(market.town.owner, scheduling.assign_cleaner, form)
    id = await market.do(market.town.owner, swaps.open_cover, swaps.OpenCover(assignment_id=shift))

    await market.accept(backup, id)

    rows = await market.town.world.root.fetch(
        "select cleaner_id, role from assignment where job_id = $1 and released_at is null", job
    )
    assert [tuple(row) for row in rows] == [(backup.person, "PRIMARY")]


async def test_a_cover_that_makes_no_sense_is_refused(market: Market) -> None:
    """R3, R19: neither or both named, a place that is filled or offered, a backup's, a job that is over, another's."""
    one = await market.town.cleaner()
    shift = await market.town.shift(one)
    job = await market.town.world.root.fetchval("select job_id from assignment where id = $1", shift)
    gone = await market.town.job(await market.town.day(6))
    await market.do(market.town.owner, cancellations.cancel_job, cancellations.CancelJob(gone, "flooded"))
    offered = await market.town.job(await market.town.day(7))
    await market.do(market.town.owner, swaps.open_cover, swaps.OpenCover(job_id=offered))
    foreign = await market.other.job()
    cases = [
        (swaps.OpenCover(job_id=offered), Code.ALREADY_EXISTS),
        (swaps.OpenCover(), Code.INVALID),
        (swaps.OpenCover(assignment_id=shift, job_id=job), Code.INVALID),
        (swaps.OpenCover(job_id=job), Code.CONFLICT),
        (swaps.OpenCover(job_id=job, role=AssignmentRole.BACKUP), Code.INVALID),
        (swaps.OpenCover(job_id=gone), Code.CONFLICT),
        (swaps.OpenCover(job_id=foreign), Code.NOT_FOUND),
    ]
    for form, code in cases:
        async with market.refused(code):
            await market.do(market.town.owner, swaps.open_cover, form)
    async with market.refused(Code.FORBIDDEN):
        await market.do(one, swaps.open_cover, swaps.OpenCover(assignment_id=shift))


async def test_a_sick_call_puts_the_whole_day_on_the_market(market: Market) -> None:
    """A22, A27: every shift of that market-local day and none of another's; none at all is a refusal."""
    sick, well = await market.town.cleaner(), await market.town.cleaner()
    morning = await market.town.day(3, 13)
    shifts = [await market.town.shift(sick, morning + timedelta(hours=hours)) for hours in (0, 5)]
    await market.town.shift(sick, morning + timedelta(days=1))
    await market.town.shift(well, morning)
    form = swaps.CoverSickCall(CleanerId(sick.person), morning.date())

    await market.do(market.town.owner, swaps.cover_sick_call, form)

    rows = await market.town.world.root.fetch(
        "select assignment_id, opened_by from swap where owner_id = $1", sick.person
    )
    assert sorted(tuple(row) for row in rows) == sorted((shift, "OFFICE") for shift in shifts)
    for who, day in ((well, date(2030, 1, 1)), (await market.other.cleaner(), None)):
        async with market.refused(Code.CONFLICT if who is well else Code.NOT_FOUND):
            again = swaps.CoverSickCall(CleanerId(who.person), day)
            await market.do(market.town.owner, swaps.cover_sick_call, again)


# Bonus


@pytest.mark.parametrize(("opted_in", "bonus"), [(False, False), (True, True)])
async def test_a_late_offer_earns_the_bonus_only_where_the_tenant_wants_it(
    market: Market, opted_in: bool, bonus: bool
) -> None:
    """A22: and only for the taker: the job itself stays as it is."""
    owner = await market.town.cleaner()
    await market.settings(lateOfferBonus=opted_in)
    soon = await market.town.world.now(market.town.tenant) + timedelta(hours=30)
    early = await market.offer(owner, soon)
    await market.do(owner, swaps.withdraw_swap, swaps.WithdrawSwap(early))
    await market.town.world.move_clock(market.town.tenant, timedelta(hours=10))

    late = await market.do(owner, swaps.offer_swap, swaps.OfferSwap(await market.shift_of(early)))

    assert [(await market.swap(id))["urgent_bonus"] for id in (early, late)] == [False, bonus]
    urgent = "select is_urgent from job where id = $1"
    assert await market.town.world.root.fetchval(urgent, (await market.swap(late))["job_id"]) is False


# Draw and standing bids


async def test_where_shifts_are_drawn_an_accept_enters_the_draw(market: Market) -> None:
    """A29: nobody wins by the fastest thumb; the drawn one has the shift, and the audit can repeat the draw."""
    owner, *wanting = [await market.town.cleaner() for _ in range(4)]
    await market.settings(drawMinutes=5)
    id = await market.offer(owner)
    for who in wanting:
        await market.accept(who, id)
        await market.accept(who, id)
    assert await market.status(id) == "PENDING"
    await market.draw(id)
    assert await market.status(id) == "PENDING"

    await market.town.world.move_clock(market.town.tenant, timedelta(minutes=5))
    await market.draw(id)
    await market.draw(id)

    row = await market.swap(id)
    assert (row["status"], row["draws_at"]) == ("ACCEPTED", None)
    assert row["taker_id"] in {who.person for who in wanting}
    assert await market.holder(row["assignment_id"]) == row["taker_id"]
    kept = "select detail from audit where tenant_id = $1 and action = 'draw_swap'"
    (detail,) = [json.loads(one["detail"]) for one in await market.town.world.root.fetch(kept, market.town.tenant)]
    assert detail["drawn"][0] == str(row["taker_id"])
    assert sorted(detail["drawn"]) == sorted(str(who.person) for who in wanting)
    assert [task["swap_id"] for task in await market.tasks("draw_swap")] == [str(id)]
    (told,) = [task for task in await market.tasks("notify_swap") if task["event"] == "SwapAccepted"]
    assert sorted(told["people"]) == sorted(detail["drawn"])


async def test_who_may_not_have_the_shift_any_more_is_passed_over(market: Market) -> None:
    """A27b: judged again at the draw; with nobody left the first who accepts takes it."""
    owner, busy, late = [await market.town.cleaner() for _ in range(3)]
    await market.settings(drawMinutes=5)
    then = await market.town.day(3)
    id = await market.offer(owner, then)
    await market.accept(busy, id)
    await market.town.shift(busy, then + timedelta(hours=1))
    await market.town.world.move_clock(market.town.tenant, timedelta(minutes=5))

    await market.draw(id)

    row = await market.swap(id)
    assert (row["status"], row["draws_at"]) == ("PENDING", None)
    assert await market.events(id) == ["SwapOffered", "SwapChanged"]
    await market.accept(late, id)
    assert await market.status(id) == "ACCEPTED"


async def test_an_asking_can_be_taken_back_before_the_draw(market: Market) -> None:
    """A29: and who never asked has nothing to take back; who may not take it cannot ask either."""
    owner, regrets, busy = [await market.town.cleaner() for _ in range(3)]
    await market.settings(drawMinutes=5)
    then = await market.town.day(3)
    id = await market.offer(owner, then)
    await market.accept(regrets, id)
    await market.give_back(regrets, id)
    for who in (regrets, busy):
        async with market.refused(Code.NOT_FOUND):
            await market.give_back(who, id)
    await market.town.shift(busy, then + timedelta(hours=1))
    for who in (busy, owner):
        async with market.refused(Code.NOT_ELIGIBLE):
            await market.accept(who, id)
    await market.town.world.move_clock(market.town.tenant, timedelta(minutes=5))
    await market.draw(id)
    assert await market.status(id) == "PENDING"


async def test_a_standing_bid_takes_what_comes_up_and_what_is_there(market: Market) -> None:
    """A29: a shift that fits goes to who said they would take it; one that does not waits for others."""
    owner, bidder = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(standingBids=True)
    there = await market.offer(owner, await market.town.day(3))
    bid = await _bid(market, bidder, weekdays=ALL_WEEK)
    comes = await market.offer(owner, await market.town.day(5))
    assert [task["swap_id"] for task in await market.tasks("draw_swap")] == [str(there), str(there), str(comes)]

    for id in (there, comes):
        await market.draw(id)
        assert (await market.swap(id))["taker_id"] == bidder.person

    await market.do(bidder, swaps.withdraw_standing_bid, swaps.WithdrawStandingBid(bid))
    later = await market.offer(owner, await market.town.day(7))
    await market.draw(later)
    assert await market.status(later) == "PENDING"


async def test_a_standing_bid_asks_for_nothing_that_the_rules_forbid(market: Market) -> None:
    """A27b: nor for other days and hours; and it joins a draw like everybody else."""
    owner, bidder = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(standingBids=True, drawMinutes=5)
    then = await market.town.day(3)
    await _bid(market, bidder, weekdays=[then.isoweekday()], earliest_minute=0, latest_minute=24 * 60)
    another_day = await market.offer(owner, then + timedelta(days=1))
    blocked = await market.offer(owner, then)
    await market.town.shift(bidder, then + timedelta(hours=1))
    free = await market.offer(owner, then + timedelta(days=7))
    await market.town.world.move_clock(market.town.tenant, timedelta(minutes=5))
    for id in (another_day, blocked, free):
        await market.draw(id)

    assert [await market.status(id) for id in (another_day, blocked, free)] == ["PENDING", "PENDING", "ACCEPTED"]


async def test_a_bad_standing_bid_is_refused(market: Market) -> None:
    """R19, R3: where the tenant has none, a foreign market, impossible days; and nobody else ends it."""
    bidder, colleague = await market.town.cleaner(), await market.town.cleaner()
    async with market.refused(Code.CONFLICT):
        await _bid(market, bidder, weekdays=ALL_WEEK)
    await market.settings(standingBids=True)
    async with market.refused(Code.INVALID):
        await _bid(market, bidder, weekdays=[])
    async with market.refused(Code.NOT_FOUND):
        form = swaps.PlaceStandingBid(market.other.market, ALL_WEEK)
        await market.do(bidder, swaps.place_standing_bid, form)
    closed = "update market set archived_at = $2 where id = $1"
    await market.town.world.root.execute(closed, market.town.market, await market.town.world.now(market.town.tenant))
    async with market.refused(Code.CONFLICT):
        await _bid(market, bidder, weekdays=ALL_WEEK)
    await market.town.world.root.execute(closed, market.town.market, None)
    bid = await _bid(market, bidder, weekdays=ALL_WEEK)
    for who in (colleague, market.other.owner):
        async with market.refused(Code.NOT_FOUND):
            await market.do(who, swaps.withdraw_standing_bid, swaps.WithdrawStandingBid(bid))
    for _ in range(19):
        await _bid(market, bidder, weekdays=ALL_WEEK)
    async with market.refused(Code.CONFLICT):
        await _bid(market, bidder, weekdays=ALL_WEEK)


async def _bid(market: Market, who: Actor, **values: Any) -> Any:
    form = swaps.PlaceStandingBid(market.town.market, **values)
    return await market.do(who, swaps.place_standing_bid, form)


# Over the API


async def test_a_trade_is_made_and_shown_over_the_api(api: Api, market: Market) -> None:
    """A27b: what is wanted, what was given, who may take it, and what it would mean."""
    one, two, stranger = (
        await market.town.cleaner(),
        await market.town.cleaner(Skill.LAUNDRY),
        await market.town.cleaner(),
    )
    theirs = await market.town.shift(two, await market.town.day(5))
    mine = await market.town.shift(one)
    form = {"assignmentId": gid("Assignment", mine), "wants": [gid("Assignment", theirs)]}
    select = "swap { id kind openedBy wantedAssignmentIds given { id } drawsAt viewerHasAsked }"
    made = (await api.do(one, "offerSwap", form, select))["swap"]
    assert made == {
        "id": made["id"],
        "kind": "TRADE",
        "openedBy": "CLEANER",
        "wantedAssignmentIds": [gid("Assignment", theirs)],
        "given": None,
        "drawsAt": None,
        "viewerHasAsked": False,
    }
    query = "query ($id: ID!) { swap(id: $id) { viewerCanTake { ok reasons { code } } } }"
    for who, reasons in ((two, []), (stranger, ["NOTHING_TO_GIVE"])):
        seen = (await api.data(who, query, id=made["id"]))["swap"]["viewerCanTake"]
        assert [reason["code"] for reason in seen["reasons"]] == reasons

    taken = await api.do(two, "acceptSwap", {"swapId": made["id"]}, "swap { status taker { id } given { id } }")

    assert taken["errors"] == []
    assert taken["swap"]["status"] == "ACCEPTED"
    given = "query ($id: ID!) { swap(id: $id) { given { id } } }"
    seen = await api.data(market.town.owner, given, id=made["id"])
    assert seen["swap"]["given"] == {"id": gid("Assignment", theirs)}


async def test_a_vacancy_and_a_standing_bid_are_shown_over_the_api(api: Api, market: Market) -> None:
    """A27, A29: a place without owner; a cleaner sees their own bids, the office everybody's."""
    bidder, colleague = await market.town.cleaner(), await market.town.cleaner()
    await market.settings(standingBids=True)
    job = await market.town.job()
    form = {"jobId": gid("Job", job), "note": "key at the desk"}
    made = (await api.do(market.town.owner, "openCover", form, "swap { id openedBy owner { id } assignment { id } }"))[
        "swap"
    ]
    assert (made["openedBy"], made["owner"], made["assignment"]) == ("OFFICE", None, None)
    can = "{ swaps(filter: {canTake: true}) { nodes { id viewerCanTake { ok } } } }"
    assert (await api.data(bidder, can))["swaps"]["nodes"] == [{"id": made["id"], "viewerCanTake": {"ok": True}}]

    bid = {"marketId": gid("Market", market.town.market), "weekdays": ALL_WEEK}
    placed = await api.do(bidder, "placeStandingBid", bid, "standingBid { id cleaner { id } weekdays }")
    assert placed["standingBid"]["cleaner"] == {"id": gid("Cleaner", bidder.person)}
    listed = "{ standingBids { nodes { id } } }"
    for who, count in ((bidder, 1), (colleague, 0), (market.town.owner, 1), (market.other.owner, 0)):
        assert len((await api.data(who, listed))["standingBids"]["nodes"]) == count
