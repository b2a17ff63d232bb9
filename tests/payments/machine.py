"""The state machine of money: Hypothesis chooses what happens; each play is judged by its invariants when all is over.

A play that breaks something is made small by Hypothesis; its message holds the command that plays just that again.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.payments import witness
from tests.payments.plays import ACTS, Move, Play, begin, end, happen
from tests.payments.stage import Stage

RUNS = int(os.environ.get("MONEY_RUNS", "40"))
"""How many plays the suite has; CI has 200."""
SEED = int(os.environ.get("MONEY_SEED", "0"))
STEPS = 12
"""The most moves after the opening."""
MOST_SECONDS = 120
"""A single move that takes longer hangs."""
EVERY = 50
"""After so many plays a long season says how far it is."""
ENOUGH = 60
"""In so many plays everything happens at least once."""
HAPPENS = ("cleans", "faults", "crashes", "events repeated", "refused", "disputes")
NUMBER = st.integers(0, 999)
MOSTLY = st.sampled_from([False, *[True] * 9])
SELDOM = st.sampled_from([False, False, False, True])
WAY = ("hold", "work_done", "work", "work_done", "sweep")
"""How money comes about, so that there is some to be moved."""
AFTERWARDS = ("give_back", "agree", "tip", "dispute", "two_at_once", "book", "invoice")
"""What comes after a clean that is paid."""


@dataclass
class Season:
    """Many plays on one stage, and what came of them."""

    stage: Stage
    loop: asyncio.AbstractEventLoop
    report: witness.Report = field(default_factory=witness.Report)
    counts: Counter[str] = field(default_factory=Counter)
    plays: int = 0
    says: bool = False
    """Whether it says how far it is."""

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What the loop makes of it, from Hypothesis's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(MOST_SECONDS)

    def __str__(self) -> str:
        counts = sorted(self.counts.items())
        said = ", ".join(f"{many} {what}" for what, many in counts if not what.startswith("refused "))
        return f"{self.plays} plays: {said}\n{self.report}"

    def assert_all_happened(self) -> None:
        """Each invariant had something to judge, and all that can go wrong did."""
        if self.plays < ENOUGH:
            return
        unjudged = [number for number, one in self.report.verdicts.items() if not one.judged]
        assert not unjudged, f"nothing was judged by {unjudged}"
        assert not (missing := [thing for thing in HAPPENS if not self.counts[thing]]), missing


@st.composite
def openings(draw: st.DrawFn) -> list[Move]:
    """Cleans, and mostly the way of their money to the end, with something going wrong here and there."""

    def one(name: str) -> Move:
        return Move(name, draw(NUMBER), draw(NUMBER), draw(NUMBER))

    moves = [one("plan") for _ in range(draw(st.integers(1, 3)))]
    for name in WAY:
        moves += [one(trouble) for trouble in ("fault", "doom") if draw(SELDOM)]
        moves += [one(name)] if draw(MOSTLY) else []
    return moves + [one(name) for name in draw(st.lists(st.sampled_from(AFTERWARDS), max_size=3, unique=True))]


class MoneyMachine(RuleBasedStateMachine):
    """Each rule is one move, done for real; the rules themselves are those of `ACTS`."""

    season: ClassVar[Season]

    @initialize(seed=NUMBER, opening=openings())
    def opens(self, seed: int, opening: list[Move]) -> None:
        """Everything is set back, and there are cleans."""
        self.seed, self.moves = seed, list[Move]()
        self.play: Play = self.season.wait(begin(self.season.stage, seed))
        for move in opening:
            self.happens(move)

    def happens(self, move: Move) -> None:
        """It is written down before it is done: it may be the one that fails."""
        self.moves.append(move)
        self.season.wait(happen(self.play, move))

    def teardown(self) -> None:
        """All comes to rest, and is judged."""
        if not hasattr(self, "play"):
            return
        season, outcome = self.season, self.season.wait(end(self.play))
        season.plays += 1
        season.report.add(outcome.report)
        season.counts.update(outcome.counts)
        if season.says and season.plays % EVERY == 0:
            print(f"{season.plays:>6} plays", flush=True)
        found = [*outcome.broken, *self.breaks()]
        assert not found, "\n".join((*found, f"again: {again(self.seed, self.moves)}"))

    def breaks(self) -> list[str]:
        """What else must hold at the end of a play."""
        return []


def _rule_of(name: str) -> Any:
    def one(self: MoneyMachine, a: int, b: int, c: int) -> None:
        self.happens(Move(name, a, b, c))

    one.__name__ = name
    return rule(a=NUMBER, b=NUMBER, c=NUMBER)(one)


for _name in ACTS:
    setattr(MoneyMachine, _name, _rule_of(_name))


def again(seed: int, moves: list[Move]) -> str:
    """The command that plays this again."""
    return f"make soak ARGS='--money --seed {seed} --play \"{' '.join(map(str, moves))}\"'"


async def play_many(
    season: Season, runs: int, first: int, *, machine: type[MoneyMachine] = MoneyMachine, small: bool = True
) -> None:
    """So many plays, the same ones for the same `first`; AssertionError with the smallest that breaks something.

    Not `small`: with the first one that does, as it is.
    """
    played = seed(first)(type("MoneyGame", (machine,), {"season": season}))
    chosen = settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if small else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run: Callable[..., None] = run_state_machine_as_test
    await asyncio.to_thread(run, played, settings=chosen)
