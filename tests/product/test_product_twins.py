"""One wish sent twice at once, statement by statement: in any order both are answered that it was granted, once.

A client that does not know what became of a request asks again with the same key, and the first may still be running.
"""

from typing import Any

import pytest

from db.runner import Call
from domain.actors import Actor
from domain.ids import AssignmentId, SwapId
from services import swaps
from tests.product.stepping import MANY, Stage, schedules
from tests.product.world import Town, World

SEED = 20261122
RANDOM = 4
STEPS = 11


@pytest.fixture
def stage(world: World) -> Stage:
    return Stage(world.runner, world.root)


def call(who: Actor, command: Any, form: Any, key: str) -> Call[Any, Any]:
    return Call(who, command, form, key=key)


@pytest.mark.parametrize("move", ["offer", "accept", "withdraw"])
async def test_a_wish_and_its_retry_that_overlap_are_one_wish(
    move: str, stage: Stage, world: World, town: Town, other: Town
) -> None:
    """R96, R98: whoever is second is not refused for what the first has done under the same key; one event."""
    giver, taker, _ = await town.cleaner(), await town.cleaner(), await other.cleaner()
    home = await town.home()
    day = 2
    for schedule in schedules(SEED, (STEPS, STEPS), RANDOM):
        day += 2
        shift: AssignmentId = await town.shift(giver, await town.day(day), home=home)
        if move == "offer":
            wish = call(giver, swaps.offer_swap, swaps.OfferSwap(shift), f"key {day}")
        else:
            swap: SwapId = await world.run(giver, swaps.offer_swap, swaps.OfferSwap(shift))
            accept, withdraw = swaps.AcceptSwap(swap), swaps.WithdrawSwap(swap)
            wish = call(giver, swaps.withdraw_swap, withdraw, f"key {day}")
            if move == "accept":
                wish = call(taker, swaps.accept_swap, accept, f"key {day}")

        a, b = await stage.play(wish, wish, schedule + "AB" * MANY)

        assert (a.refusal, b.refusal) == (None, None), schedule
        assert a.value == b.value
        type = {"offer": "SwapOffered", "accept": "SwapAccepted", "withdraw": "SwapWithdrawn"}[move]
        assert await world.count("event", town.tenant, f"type = '{type}' and entity_id = '{a.value}'") == 1
    assert await world.count("event", other.tenant, "type like 'Swap%'") == 0


async def test_the_loser_of_a_race_is_refused_under_its_own_key(
    stage: Stage, world: World, town: Town, other: Town
) -> None:
    """R98: another cleaner's key, even of the same words, grants nothing."""
    giver, one, two = [await town.cleaner() for _ in range(3)]
    home = await town.home()
    for number, schedule in enumerate(schedules(SEED, (STEPS, STEPS), 0)):
        swap = await town.offer(giver, await town.day(4 + 2 * number), home=home)
        form = swaps.AcceptSwap(swap)

        wishes = [call(who, swaps.accept_swap, form, f"tap {number}") for who in (one, two)]
        a, b = await stage.play(wishes[0], wishes[1], schedule)

        assert sorted((a.code or "", b.code or "")) == ["", "SWAP_ALREADY_TAKEN"], schedule
    assert await world.count("event", other.tenant, "type like 'Swap%'") == 0
