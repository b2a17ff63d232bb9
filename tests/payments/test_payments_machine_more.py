"""The other half of the plays (R157, R158): a file of its own, because files are what two cores share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.payments.machine import RUNS, SEED, Season, play_many
from tests.payments.stage import Stage, a_stage
from tests.product.world import World


@pytest.fixture(scope="module")
async def stage(world: World) -> AsyncIterator[Stage]:
    async with a_stage(world) as made:
        yield made


async def test_money_is_right_after_whatever_has_happened(stage: Stage) -> None:
    """R157, R158, A2, A10 to A13: exactly once, proven, to whom it belongs; the books agree with the provider."""
    season = Season(stage, asyncio.get_running_loop())

    await play_many(season, RUNS // 2, SEED + 1)

    print(f"\n{season}")
    season.assert_all_happened()
