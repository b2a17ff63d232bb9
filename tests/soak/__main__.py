"""`python -m tests.soak`: faults under load for as long as asked; exit code 1 if anything was lost or wrong."""

import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter as Tally
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from sandbox.environment import Servers
from tests.soak.cluster import open_cluster, open_servers
from tests.soak.faults import FAULTS
from tests.soak.money import play_again, prove_money
from tests.soak.schedule import Injection, chance_of, schedule
from tests.soak.storm import Calm, Weather, a_weather
from tests.soak.verdict import Counts, Judgement, judged


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    minutes: float
    seed: int
    faults: list[str]


def run(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 3.0,
    seed: Annotated[int, typer.Option(help="Which schedule.")] = 1,
    faults: Annotated[str, typer.Option(help="Only these, separated by commas.")] = ",".join(FAULTS),
    money: Annotated[bool, typer.Option("--money", help="Money instead: plays, and the sixteen invariants.")] = False,
    runs: Annotated[int, typer.Option(min=1, help="How many plays of money.")] = 1_000,
    play: Annotated[str, typer.Option(help="Of money only this play, as a failure prints it.")] = "",
) -> None:
    """Two businesses under load over two API processes, two workers, PostgreSQL and Redis, and faults in all of it."""
    if money:
        is_right = play_again(play, seed) if play else prove_money(runs, seed)
        sys.exit(0 if is_right else 1)
    chosen = [name for name in faults.split(",") if name]
    unknown = sorted(set(chosen) - FAULTS.keys())
    if unknown or not chosen:
        raise typer.BadParameter(f"Choose among {', '.join(FAULTS)}.")
    data = Path(tempfile.mkdtemp(prefix="cleanshift-soak-"))
    try:
        with open_servers(data) as servers:
            counts = asyncio.run(_soak(servers, data, Wanted(minutes, seed, chosen)))
        wrong = counts.wrong()
    finally:
        shutil.rmtree(data, ignore_errors=True)
    if wrong:
        print(f"Again: make soak ARGS='--minutes {minutes:g} --seed {seed} --faults {','.join(chosen)}'")
    sys.exit(1 if wrong else 0)


async def _soak(servers: Servers, data: Path, wanted: Wanted) -> Counts:
    async with open_cluster(servers, data) as cluster, a_weather(cluster, wanted.seed) as weather:
        injections = schedule(wanted.minutes, wanted.seed, wanted.faults)
        print(f"seed {wanted.seed}: {len(injections)} faults", flush=True)
        done = await _inject_all(weather, injections, wanted.minutes * 60)
        calm = await weather.settle()
        judgement = await judged(weather)
        _tell(weather, done, calm, judgement)
        return judgement.counts


async def _inject_all(weather: Weather, injections: list[Injection], seconds: float) -> list[Injection]:
    """Those that there was time for: on a slow machine servers take longer to come back than was planned."""
    done: list[Injection] = []
    async with asyncio.TaskGroup() as group:
        began = time.monotonic()
        for injection in injections:
            await asyncio.sleep(max(0.0, began + injection.at - time.monotonic()))
            if time.monotonic() - began > seconds:
                break
            done.append(injection)
            fault = group.create_task(_inject(weather, injection, began))
            if not injection.is_long:
                await fault
    return done


async def _inject(weather: Weather, injection: Injection, began: float) -> None:
    at = time.monotonic() - began
    done = await FAULTS[injection.fault](weather, chance_of(injection.seed), injection.seconds)
    lasted = time.monotonic() - began - at
    print(f"{at:8.1f} s  {injection.fault:<9} {lasted:6.1f} s  {done}", flush=True)


def _tell(weather: Weather, injections: list[Injection], calm: Calm, judgement: Judgement) -> None:
    followers = weather.followers
    wishes = [wish for storm in weather.storms for wish in storm.ledger.wishes]
    kinds = Tally(injection.fault for injection in injections)
    print(f"\nfaults: {len(injections)} ({', '.join(f'{name} {times}' for name, times in sorted(kinds.items()))})")
    print(
        f"wishes: {len(wishes)}, {sum(wish.made is not None for wish in wishes)} granted, "
        f"{sum(wish.tries > 1 for wish in wishes)} asked more than once"
    )
    print(
        f"followers: {len(followers)}, {sum(one.connections for one in followers)} connections, "
        f"{sum(len(one.seen) for one in followers)} frames, {sum(one.silences for one in followers)} silences and "
        f"{sum(one.holes for one in followers)} holes found"
    )
    print(
        f"after the faults: answered in {calm.answered:.1f} s, everybody at the head in {calm.feeds:.1f} s, "
        f"queues empty in {calm.queues:.1f} s\n"
    )
    for one in fields(judgement.counts):
        print(f"{one.name.replace('_', ' '):<18}{getattr(judgement.counts, one.name):>6}")
    for note in judgement.notes:
        print(note)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(run)
    command()
