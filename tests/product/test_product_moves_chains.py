"""Moves that follow upon each other: what was taken is offered on, comes back, is moved, is given back (A29)."""

from datetime import timedelta

import pytest

from domain.actors import Actor, CleanerId
from domain.errors import Code
from domain.ids import AssignmentId, SwapId
from domain.scheduling import AssignmentRole
from services import scheduling, swaps
from tests.product.soundness import broken
from tests.product.test_product_moves import ALL_WEEK, Market
from tests.product.world import Town


@pytest.fixture
async def market(town: Town, other: Town) -> Market:
    await other.offer(await other.cleaner())
    return Market(town, other)


async def _taken_vacancy(market: Market, taker: Actor) -> SwapId:
    form = swaps.OpenCover(job_id=await market.town.job())
    id: SwapId = await market.do(market.town.owner, swaps.open_cover, form)
    await market.accept(taker, id)
    return id


async def _place(market: Market, id: SwapId) -> AssignmentId:
    sql = """select a.id from assignment a join swap s on s.job_id = a.job_id
        where s.id = $1 and a.released_at is null and a.role <> 'BACKUP'"""
    return AssignmentId(await market.town.world.root.fetchval(sql, id))


async def test_a_vacancy_given_back_takes_its_takers_own_offer_along(market: Market) -> None:
    """A29: nobody is on the job any more, so nobody can take that place from them."""
    taker, third = await market.town.cleaner(), await market.town.cleaner()
    id = await _taken_vacancy(market, taker)
    onward = await market.do(taker, swaps.offer_swap, swaps.OfferSwap(await _place(market, id)))

    await market.give_back(taker, id)

    assert [await market.status(one) for one in (id, onward)] == ["PENDING", "WITHDRAWN"]
    async with market.refused(Code.SWAP_ALREADY_TAKEN):
        await market.accept(third, onward)
    assert await broken(market.town) == []


async def test_a_place_that_the_office_gave_anew_is_not_given_back(market: Market) -> None:
    """A29, R74: what one has from the office is the office's to end."""
    taker = await market.town.cleaner()
    id = await _taken_vacancy(market, taker)
    place = await _place(market, id)
    job = await market.do(market.town.owner, scheduling.release_cleaner, scheduling.ReleaseCleaner(place))
    await market.do(
        market.town.owner, scheduling.assign_cleaner, scheduling.AssignCleaner(job, CleanerId(taker.person))
    )

    async with market.refused(Code.CONFLICT):
        await market.give_back(taker, id)


async def test_of_a_shift_that_came_back_only_the_last_taking_is_undone(market: Market) -> None:
    """A29: it goes back to who gave it last, not to who gave it first."""
    owner, taker, third = [await market.town.cleaner() for _ in range(3)]
    first = await market.offer(owner)
    shift = await market.shift_of(first)
    await market.accept(taker, first)
    second = await market.do(taker, swaps.offer_swap, swaps.OfferSwap(shift))
    await market.accept(third, second)
    last = await market.do(third, swaps.offer_swap, swaps.OfferSwap(shift))
    await market.accept(taker, last)

    async with market.refused(Code.CONFLICT):
        await market.give_back(taker, first)
    for who, id, left in ((taker, last, third), (third, second, taker), (taker, first, owner)):
        await market.give_back(who, id)
        assert await market.holder(shift) == left.person
    assert await broken(market.town) == []


async def _stand_by(market: Market, who: Actor, shift: AssignmentId) -> None:
    job = await market.town.world.root.fetchval("select job_id from assignment where id = $1", shift)
    form = scheduling.AssignCleaner(job, CleanerId(who.person), AssignmentRole.BACKUP)
    await market.do(market.town.owner, scheduling.assign_cleaner, form)


async def test_who_stands_by_for_the_job_that_a_trade_brings_them_is_on_it_then(market: Market) -> None:
    """R74, A27: once, not twice; and likewise when a shift comes back."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    theirs = await market.town.shift(two, await market.town.day(5))
    await _stand_by(market, one, theirs)
    id = await market.offer(one, wants=[theirs])
    mine = await market.shift_of(id)

    await market.accept(two, id)
    assert [await market.holder(shift) for shift in (mine, theirs)] == [two.person, one.person]

    await _stand_by(market, one, mine)
    await market.give_back(two, id)
    assert [await market.holder(shift) for shift in (mine, theirs)] == [one.person, two.person]
    assert await broken(market.town) == []


async def test_a_shift_moved_while_it_was_taken_is_listed_for_its_new_time(market: Market) -> None:
    """A27: until two hours before the start that it has by then, by predicate and by task."""
    owner, taker = await market.town.cleaner(), await market.town.cleaner()
    start = await market.town.day(3)
    id = await market.offer(owner, start)
    await market.accept(taker, id)
    job = (await market.swap(id))["job_id"]
    form = scheduling.UpdateJob(job, starts_at=start + timedelta(days=2))
    await market.do(market.town.owner, scheduling.update_job, form)

    await market.give_back(taker, id)

    assert (await market.swap(id))["expires_at"] == start + timedelta(days=2, hours=-2)
    assert await broken(market.town) == []


async def test_who_gave_a_drawn_shift_back_is_not_drawn_for_it_again(market: Market) -> None:
    """A29: their asking ended with it; who else asked may still be drawn."""
    owner, taker, bidder = [await market.town.cleaner() for _ in range(3)]
    await market.settings(drawMinutes=5, standingBids=True)
    id = await market.offer(owner)
    await market.accept(taker, id)
    await market.town.world.move_clock(market.town.tenant, timedelta(minutes=5))
    await market.draw(id)
    await market.give_back(taker, id)
    await market.draw(id)
    assert await market.status(id) == "PENDING"

    await market.do(bidder, swaps.place_standing_bid, swaps.PlaceStandingBid(market.town.market, ALL_WEEK))
    await market.draw(id)
    assert (await market.swap(id))["taker_id"] == bidder.person


async def test_a_trade_given_back_takes_the_offers_of_both_sides_along(market: Market) -> None:
    """A29: each has put on the market what they got."""
    one, two = await market.town.cleaner(), await market.town.cleaner()
    theirs = await market.town.shift(two, await market.town.day(5))
    id = await market.offer(one, wants=[theirs])
    mine = await market.shift_of(id)
    await market.accept(two, id)
    onward = [
        await market.do(who, swaps.offer_swap, swaps.OfferSwap(shift)) for who, shift in ((one, theirs), (two, mine))
    ]

    await market.give_back(two, id)

    assert [await market.status(swap) for swap in (id, *onward)] == ["PENDING", "WITHDRAWN", "WITHDRAWN"]
    assert await broken(market.town) == []
