"""The score of reliability, version 1: its vectors, its bounds, and that every part explains itself (R81, A47)."""

from hypothesis import given
from hypothesis import strategies as st

from domain.fieldwork.reliability import FORMULA, WEIGHTS, Occurrence, ReliabilityPart, rate

PARTS = list(WEIGHTS)


def jobs(many: int, *, age: float = 0, **bad: int) -> list[Occurrence]:
    """So many jobs of an age, all well but so many in the parts that are named."""
    return [
        Occurrence(part, age, good=place >= bad.get(part.value.lower(), 0)) for part in PARTS for place in range(many)
    ]


NO_SHOW = [
    Occurrence(ReliabilityPart.COMPLETION, 0, good=False),
    Occurrence(ReliabilityPart.COMMITMENT, 0, good=True),
]
"""Kept to its start and not worked."""


def test_the_vectors() -> None:
    """A47: all today: no history 80; ten perfect jobs 93; ten perfect jobs and one no-show 81."""
    assert rate([], 0).score == 80
    assert rate(jobs(10), 0).score == 93
    assert rate([*jobs(10), *NO_SHOW], 1).score == 81


def test_more_by_hand() -> None:
    """A47: what was 30 days ago counts half; each part has its weight; a late give-away costs commitment alone."""
    # (5 + 4) / (5 + 5) in every part.
    assert rate(jobs(10, age=30), 0).score == 90
    # Punctuality 4/15 instead of 14/15: 0.25 of the score.
    assert rate(jobs(10, punctuality=10), 0).score == round(100 * (0.75 * 14 / 15 + 0.25 * 4 / 15))
    assert rate(jobs(10, evidence=10), 0).score == round(100 * (0.80 * 14 / 15 + 0.20 * 4 / 15))
    assert rate(jobs(10, commitment=10), 0).score == round(100 * (0.85 * 14 / 15 + 0.15 * 4 / 15))
    assert rate(jobs(10, completion=10), 0).score == round(100 * (0.60 * 14 / 15 + 0.40 * 4 / 15))


def test_a_score_stays_between_0_and_100() -> None:
    """A47: ten no-shows are not less than nothing, and nobody is perfect."""
    assert rate(NO_SHOW * 10, 10).score == 0
    assert rate(jobs(10_000), 0).score == 100


def test_every_part_is_shown_with_its_numbers_and_in_words() -> None:
    """A47: weights are those of the formula and sum to 1; no-shows are a part of their own."""
    made = rate([*jobs(3, evidence=1), *NO_SHOW], 1)
    assert made.formula == FORMULA
    assert [part.name for part in made.parts] == list(ReliabilityPart)
    assert sum(part.weight for part in made.parts if part.weight > 0) == 1
    by_name = {part.name: part for part in made.parts}

    evidence = by_name[ReliabilityPart.EVIDENCE]
    assert (evidence.count, evidence.value, evidence.smoothed) == (3, 2 / 3, (2 + 4) / (3 + 5))
    assert evidence.explanation == "2 of 3 jobs were complete when they were first handed in."
    missed = by_name[ReliabilityPart.NO_SHOWS]
    assert (missed.weight, missed.count, missed.value, missed.smoothed) == (-10, 1, None, None)
    assert missed.explanation == "1 no-show in 90 days; each takes 10 points off."
    assert all(part.value is None and "nothing" in part.explanation for part in rate([], 0).parts[:4])


OCCURRENCES = st.lists(
    st.builds(Occurrence, st.sampled_from(PARTS), st.floats(-1, 90, allow_nan=False), st.booleans()), max_size=40
)


@given(OCCURRENCES, st.integers(0, 12))
def test_any_history_gives_a_score_that_its_parts_explain(seen: list[Occurrence], no_shows: int) -> None:
    """A47: within bounds, whatever the order; parts count what they looked at."""
    made = rate(seen, no_shows)
    assert 0 <= made.score <= 100
    assert abs(rate(seen[::-1], no_shows).score - made.score) <= 1
    assert sum(part.count for part in made.parts) == len(seen) + no_shows
    shares = [part.smoothed for part in made.parts if part.smoothed is not None]
    assert len(shares) == 4
    assert all(0 < share < 1 for share in shares)


@given(OCCURRENCES, st.sampled_from(PARTS), st.integers(0, 5))
def test_what_goes_well_never_costs_and_what_goes_wrong_never_pays(
    seen: list[Occurrence], part: ReliabilityPart, no_shows: int
) -> None:
    """A47: one good thing more, one bad thing more, one no-show more."""
    score = rate(seen, no_shows).score
    assert rate([*seen, Occurrence(part, 0, good=True)], no_shows).score >= score
    assert rate([*seen, Occurrence(part, 0, good=False)], no_shows).score <= score
    assert rate(seen, no_shows + 1).score <= score
