"""Which fault comes when, for how long and with what chance: all of it follows from the seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

PAUSE_SECONDS = 2.0, 6.0
LENGTHS = {
    "cut": (0.5, 4.0),
    "halfopen": (1.0, 8.0),
    "delay": (1.0, 6.0),
    "gap": (1.0, 4.0),
    "redis": (1.0, 20.0),
    "hang": (2.0, 15.0),
    "postgres": (0.0, 3.0),
    "restart": (0.0, 3.0),
}
"""From the shortest to the longest, in seconds; other faults have no length."""
AWAY = 90.0, 180.0
"""In a long soak every third outage of Redis lasts minutes, and other faults go on meanwhile."""
LONG_MINUTES = 5.0


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault, `at` so many seconds from the beginning."""

    at: float
    fault: str
    seconds: float
    seed: str

    @property
    def is_long(self) -> bool:
        """Whether the next faults come while this one lasts."""
        return self.seconds >= AWAY[0]


def chance_of(seed: object) -> random.Random:
    """A chance that is the same for the same seed."""
    return random.Random(str(seed))  # noqa: S311 - reproducible, not secret


def schedule(minutes: float, seed: int, faults: Sequence[str]) -> list[Injection]:
    """The faults of a soak of so many minutes: every kind in every round, in an order that differs each time."""
    chance = chance_of(seed)
    made: list[Injection] = []
    at, outages = chance.uniform(*PAUSE_SECONDS), 0
    while True:
        for fault in chance.sample(list(faults), len(faults)):
            seconds = chance.uniform(*LENGTHS.get(fault, (0.0, 0.0)))
            outages += fault == "redis"
            is_long = fault == "redis" and minutes >= LONG_MINUTES and outages % 3 == 1
            lasts = chance.uniform(*AWAY) if is_long else seconds
            if at + lasts > minutes * 60:
                return made
            made.append(Injection(at, fault, lasts, f"{seed}/{len(made)}"))
            at += (0.0 if is_long else lasts) + chance.uniform(*PAUSE_SECONDS)
