"""Bugs that are planted on purpose: each is caught by the plays and their invariants, or they would prove nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.payments.machine import Season, play_many
from tests.payments.planted import PAID, PLANTS, PROVOKED
from tests.payments.plays import Move, play
from tests.payments.stage import Stage, a_stage
from tests.product.world import World

MOST = 20
"""A bug that is not caught in so many plays is not caught."""


@pytest.fixture(scope="module")
async def stage(world: World) -> AsyncIterator[Stage]:
    async with a_stage(world) as made:
        yield made


@pytest.mark.parametrize("name", list(PLANTS))
async def test_a_planted_bug_is_caught(stage: Stage, name: str) -> None:
    """R157, R158: where the bug has its occasion, and if that should not do, in one of so many plays."""
    with PLANTS[name](stage):
        outcome = await play(stage, PROVOKED.get(name, PAID), 0)
        found = outcome.broken
        if not found:
            with pytest.raises(AssertionError, match="again: make soak") as caught:
                await play_many(Season(stage, asyncio.get_running_loop()), MOST, 0, small=False)
            found = str(caught.value).splitlines()
    print(f"\n{name}: caught: {found[0]}")


@pytest.mark.parametrize("moves", list(dict.fromkeys([PAID, *PROVOKED.values()])), ids=len)
async def test_nothing_is_wrong_where_nothing_is_planted(stage: Stage, moves: tuple[Move, ...]) -> None:
    """The same plays without the bugs: what catches them does not cry wolf."""
    assert not (await play(stage, moves, 0)).broken
