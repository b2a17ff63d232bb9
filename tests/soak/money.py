"""The money part of the soak: thousands of plays, and the report of the sixteen invariants over all of them."""

import asyncio
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from app.migrate import migrate
from sandbox.environment import Servers, open_environment, remove_environment
from tests.payments import witness
from tests.payments.plays import moves_of, play
from tests.payments.proving import told, told_small
from tests.payments.stage import Stage, a_stage
from tests.product.world import a_world

EVERY = 50
"""After so many plays it says how far it is."""
MOST_TOLD = 3
"""So many failures are made small; the rest are named."""


@dataclass
class Season:
    """What came of many plays."""

    report: witness.Report = field(default_factory=witness.Report)
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)


def prove_money(runs: int, seed: int) -> bool:
    """So many plays over servers of their own; whether all was right after each."""
    data = Path(tempfile.mkdtemp(prefix="cleanshift-money-"))
    try:
        with open_environment(data, durable=False) as servers:
            asyncio.run(migrate(servers.database_owner_url))
            season = asyncio.run(_season(servers, data, range(seed, seed + runs)))
    finally:
        remove_environment(data)
    print(f"\n{runs} plays from seed {seed}: {told(season.counts)}\n\n{season.report}")
    print(f"broken: {len(season.failed)} plays {season.failed[:20]}")
    return not season.failed


async def _season(servers: Servers, data: Path, seeds: range) -> Season:
    season, began = Season(), time.monotonic()
    async with a_world(servers, data) as world, a_stage(world) as stage:
        for number, seed in enumerate(seeds, start=1):
            await _one(stage, seed, season)
            if number % EVERY == 0:
                print(f"{number:>6} plays, {time.monotonic() - began:8.1f} s, {len(season.failed)} broken", flush=True)
    return season


async def _one(stage: Stage, seed: int, season: Season) -> None:
    outcome = await play(stage, moves_of(seed), seed)
    season.report.add(outcome.report)
    season.counts.update(outcome.counts)
    if outcome.broken:
        season.failed.append(seed)
        small = len(season.failed) <= MOST_TOLD
        print(await told_small(stage, seed, outcome) if small else f"seed {seed}: {outcome.broken[0]}", flush=True)
