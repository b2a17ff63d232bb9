"""How far a cleaner can be relied on: a formula with a version, of which every part is shown (R81, A47).

Version 1 looks at the last 90 days. An occurrence of an age of a days weighs d = 0.5^(a / 30). Each part is the share
of occurrences that went well, smoothed with five virtual jobs at 0.8, so that one bad day does not ruin who is new:
x' = (sum of d·x + 4) / (sum of d + 5). The score is 100·(0.40 completion' + 0.25 punctuality' + 0.20 evidence' +
0.15 commitment'), rounded, less 10 for each no-show, and never below 0 or above 100.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import floor

FORMULA = 1
REACH = timedelta(days=90)
HALF_LIFE_DAYS = 30.0
VIRTUAL_JOBS = 5.0
VIRTUAL_SHARE = 0.8
NO_SHOW_POINTS = 10


class ReliabilityPart(StrEnum):
    """What a score is made of."""

    COMPLETION = "COMPLETION"
    """Of the jobs kept to their start, those that were worked."""
    PUNCTUALITY = "PUNCTUALITY"
    """Of the jobs attended, those with a check-in in time."""
    EVIDENCE = "EVIDENCE"
    """Of the jobs attended and handed in, those whose evidence was complete at the first submission."""
    COMMITMENT = "COMMITMENT"
    """Of the jobs kept, those that were not offered away late."""
    NO_SHOWS = "NO_SHOWS"
    """Jobs to which the cleaner did not come: each takes points off."""


WEIGHTS: Mapping[ReliabilityPart, float] = {
    ReliabilityPart.COMPLETION: 0.40,
    ReliabilityPart.PUNCTUALITY: 0.25,
    ReliabilityPart.EVIDENCE: 0.20,
    ReliabilityPart.COMMITMENT: 0.15,
}

_WORDS: Mapping[ReliabilityPart, str] = {
    ReliabilityPart.COMPLETION: "{good} of {count} jobs that you kept to their start were worked.",
    ReliabilityPart.PUNCTUALITY: "{good} of {count} jobs began with a check-in in time.",
    ReliabilityPart.EVIDENCE: "{good} of {count} jobs were complete when they were first handed in.",
    ReliabilityPart.COMMITMENT: "{good} of {count} jobs were not offered away in the last 24 hours.",
}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One job, as one part looks at it: how many days ago it began, and whether it went well."""

    part: ReliabilityPart
    age_days: float
    good: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score, with what it is made of."""

    name: ReliabilityPart
    weight: float
    """How much of the score it makes; of no-shows the points that each takes off, negative."""
    value: float | None
    """The weighted share that went well, 0 to 1; None without any, and of no-shows."""
    smoothed: float | None
    """The same with the virtual jobs: what the score is made of."""
    count: int
    """How many jobs it looks at."""
    explanation: str
    """The same in a sentence."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """A score from 0 to 100 with the formula's version and all parts."""

    score: int
    formula: int
    parts: tuple[Part, ...]


def rate(occurrences: Iterable[Occurrence], no_shows: int) -> Reliability:
    """The score of what happened in the last 90 days; without any history it is 80 (A47)."""
    seen = tuple(occurrences)
    parts = [_part(name, [one for one in seen if one.part is name]) for name in WEIGHTS]
    total = sum(part.weight * (part.smoothed or 0.0) for part in parts)
    # Half a point counts as one: Python's own rounding would go to the even number.
    score = floor(100 * total + 0.5) - NO_SHOW_POINTS * no_shows
    return Reliability(max(0, min(100, score)), FORMULA, (*parts, _no_shows(no_shows)))


def _part(name: ReliabilityPart, seen: list[Occurrence]) -> Part:
    weights = [0.5 ** (max(0.0, one.age_days) / HALF_LIFE_DAYS) for one in seen]
    total = sum(weights)
    good = sum(weight for weight, one in zip(weights, seen, strict=True) if one.good)
    smoothed = (good + VIRTUAL_JOBS * VIRTUAL_SHARE) / (total + VIRTUAL_JOBS)
    words = _WORDS[name].format(good=sum(one.good for one in seen), count=len(seen))
    explanation = words if seen else "There is nothing to go by yet: it counts as 80 of 100."
    return Part(name, WEIGHTS[name], good / total if total else None, smoothed, len(seen), explanation)


def _no_shows(count: int) -> Part:
    times = "1 no-show" if count == 1 else f"{count} no-shows"
    words = f"{times} in 90 days; each takes {NO_SHOW_POINTS} points off."
    return Part(ReliabilityPart.NO_SHOWS, -float(NO_SHOW_POINTS), None, None, count, words)
