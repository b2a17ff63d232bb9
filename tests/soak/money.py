"""The money part of the soak: thousands of plays, and the report of the sixteen invariants over all of them."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.migrate import migrate
from sandbox.environment import Servers, open_environment, remove_environment
from tests.clock import set_clocks
from tests.payments.machine import Season, play_many
from tests.payments.plays import Move, play
from tests.payments.stage import Stage, a_stage
from tests.product.world import a_world


def prove_money(runs: int, seed: int) -> bool:
    """So many plays, over servers of their own; whether all was right after each."""

    async def season(stage: Stage) -> bool:
        many, began = Season(stage, asyncio.get_running_loop(), says=True), time.monotonic()
        try:
            await play_many(many, runs, seed)
        except AssertionError as broken:
            print(f"\nBROKEN after {many.plays} plays:\n{broken}", *getattr(broken, "__notes__", ()), sep="\n")
            return False
        print(f"\nseed {seed}, {time.monotonic() - began:.0f} s, {many}\nbroken: none")
        return True

    return _on_a_stage(season)


def play_again(text: str, seed: int) -> bool:
    """This one play, written as a failure prints it; whether all was right after it."""

    async def once(stage: Stage) -> bool:
        outcome = await play(stage, [Move.read(one) for one in text.split()], seed)
        print(outcome.report, *outcome.broken, sep="\n")
        return not outcome.broken

    return _on_a_stage(once)


def _on_a_stage(act: Callable[[Stage], Awaitable[bool]]) -> bool:
    data = Path(tempfile.mkdtemp(prefix="cleanshift-money-"))
    try:
        with open_environment(data, durable=False) as servers:
            asyncio.run(migrate(servers.database_owner_url))
            asyncio.run(set_clocks(servers.superuser_url))
            return asyncio.run(_staged(servers, data, act))
    finally:
        remove_environment(data)


async def _staged(servers: Servers, data: Path, act: Callable[[Stage], Awaitable[bool]]) -> bool:
    async with a_world(servers, data) as world, a_stage(world) as stage:
        return await act(stage)
