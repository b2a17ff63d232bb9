"""Many plays one after the other: counted, judged, and made small where one breaks something."""

import os
from collections import Counter
from collections.abc import Sequence

from tests.payments import witness
from tests.payments.plays import Outcome, moves_of, play, smaller
from tests.payments.stage import Stage

RUNS = int(os.environ.get("MONEY_RUNS", "40"))
"""How many plays the suite has; CI has 200."""
SEED = int(os.environ.get("MONEY_SEED", "0"))
ENOUGH = 20
"""In so many plays everything happens at least once."""
HAPPENS = ("cleans", "faults", "crashes", "events repeated", "refused", "disputes")


async def play_all(stage: Stage, seeds: Sequence[int]) -> None:
    """A play for each seed: all is right after each, and there was something to be judged."""
    total, counts = witness.Report(), Counter[str]()
    for seed in seeds:
        outcome = await play(stage, moves_of(seed), seed)
        assert not outcome.broken, await told_small(stage, seed, outcome)
        total.add(outcome.report)
        counts.update(outcome.counts)
    print(f"\n{len(seeds)} plays from seed {SEED}: {told(counts)}\n{total}")
    if len(seeds) >= ENOUGH:
        unjudged = [number for number, one in total.verdicts.items() if not one.judged]
        assert not unjudged, f"nothing was judged by {unjudged}"
        assert not (missing := [thing for thing in HAPPENS if not counts[thing]]), missing


async def told_small(stage: Stage, seed: int, outcome: Outcome) -> str:
    """What went wrong, how little of the play it takes, and how it is played again."""
    least = await smaller(stage, moves_of(seed), seed)
    again = (await play(stage, least, seed)).broken
    return "\n".join(
        (
            f"seed {seed}:",
            *(again or outcome.broken),
            f"in {len(least)} moves of {len(moves_of(seed))}: {' '.join(map(str, least))}",
            f"again: make soak ARGS='--money --runs 1 --seed {seed}'",
        )
    )


def told(counts: Counter[str]) -> str:
    """Counts in words."""
    return ", ".join(f"{many} {what}" for what, many in sorted(counts.items()) if not what.startswith("refused "))
