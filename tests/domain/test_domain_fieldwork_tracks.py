"""How far a track can be believed: each flaw is found, and takes off what it should (R117, A20, A40)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.fieldwork.geofence import Fence, Fix
from domain.fieldwork.tracks import (
    MOST_POINTS,
    Point,
    Surroundings,
    TrackFlag,
    as_json,
    digest_of,
    ensure_batch,
    judge_track,
    newest_live,
)
from domain.geo import Position

HOME = Position(25.7617, -80.1918)
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
METRE = 1 / 111_195
AROUND = Surroundings(Fence(HOME), NOON - timedelta(minutes=10), NOON + timedelta(hours=3))


def point(second: float, metres: float = 0, accuracy: float = 10, *, mock: bool = False) -> Point:
    """So many seconds after noon, so far north of the home."""
    return Point(
        NOON + timedelta(seconds=second),
        Fix(Position(HOME.latitude + metres * METRE, HOME.longitude), accuracy, mock),
    )


CALM = tuple(point(second, second % 40) for second in range(0, 600, 30))

VECTORS = [
    ("a calm clean", CALM, 100, ()),
    ("one point", (point(0),), 100, ()),
    ("one mocked point of many", (*CALM, point(600, mock=True)), 0, (TrackFlag.MOCK,)),
    # 2,000 m in 30 s are 240 km/h, and 20 m of them may be an error.
    ("too fast for a car", (point(0), point(30, 2_000), point(900, 100)), 47, (TrackFlag.IMPOSSIBLE_SPEED,)),
    (
        "too fast for a plane",
        (point(0), point(1, 50_000), point(7_200)),
        0,
        (TrackFlag.TELEPORT, TrackFlag.IMPOSSIBLE_SPEED),
    ),
    ("at once in two places", (point(0), point(0, 500)), 0, (TrackFlag.TELEPORT, TrackFlag.IMPOSSIBLE_SPEED)),
    # The two may be the same place, as vague as they are.
    ("a jump within the error", (point(0, 0, 300), point(0, 400, 300)), 80, (TrackFlag.VAGUE,)),
    ("far away all the time", tuple(point(60 * n, 5_000) for n in range(10)), 60, (TrackFlag.FAR_FROM_HOME,)),
    ("away for the smaller half", (point(0), point(600, 800), point(1_200)), 87, ()),
    ("vague all the time", tuple(point(60 * n, 0, 400) for n in range(10)), 80, (TrackFlag.VAGUE,)),
    ("before the check-in", (point(-3_600), point(0)), 80, (TrackFlag.CLOCK,)),
    ("tomorrow", (point(86_400),), 60, (TrackFlag.CLOCK,)),
]


@pytest.mark.parametrize(("points", "score", "flags"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_the_vectors(points: tuple[Point, ...], score: int, flags: tuple[TrackFlag, ...]) -> None:
    """R117, A20: what each flaw takes off, and what is said of it."""
    verdict = judge_track(points, AROUND)
    assert (verdict.plausibility, verdict.flags) == (score, flags)


def test_a_drive_at_the_limit_is_possible_and_a_metre_more_is_not() -> None:
    """R117: 200 km/h are 1,000 m in 18 s; that both positions may err is in the cleaner's favour."""
    start = point(0, 0, 0)
    assert judge_track((start, point(18, 999, 0)), AROUND).flags == ()
    assert judge_track((start, point(18, 1_002, 0)), AROUND).flags == (TrackFlag.IMPOSSIBLE_SPEED,)
    assert judge_track((start, point(18, 1_009, 10)), AROUND).flags == ()


def test_nobody_jumps_between_two_batches_either() -> None:
    """R117: the last point of the batch before counts, unless it is later than the first of this one."""
    jumped = replace(AROUND, before=point(-30, 5_000))
    assert TrackFlag.IMPOSSIBLE_SPEED in judge_track(CALM, jumped).flags
    assert judge_track(CALM, replace(AROUND, before=point(300, 5_000))).flags == ()


def test_what_comes_late_is_flagged_and_loses_nothing() -> None:
    """A40: a late fact is kept, and believed as far as it deserves."""
    verdict = judge_track(CALM, replace(AROUND, is_late=True))
    assert (verdict.plausibility, verdict.flags) == (100, (TrackFlag.LATE,))


def test_a_batch_has_one_to_five_hundred_points_in_the_order_of_time() -> None:
    """R117: refused with the path of the field."""
    ensure_batch([point(n) for n in range(MOST_POINTS)])
    ensure_batch([point(0), point(0)])
    for points, field in (
        ([], ("points",)),
        ([point(n) for n in range(MOST_POINTS + 1)], ("points",)),
        ([point(5), point(9), point(8)], ("points", "2", "at")),
    ):
        with pytest.raises(Invalid) as refusal:
            ensure_batch(points)
        assert refusal.value.field == field


def test_a_live_position_is_new_and_not_made_up_by_whatever_clock() -> None:
    """A40: sent and seen are by the same clock, so one that is wrong by a day shows the same."""
    assert newest_live(CALM, CALM[-1].at + timedelta(seconds=90)) is CALM[-1]
    assert newest_live(CALM, CALM[-1].at + timedelta(minutes=3)) is None
    assert newest_live(CALM, CALM[-1].at - timedelta(minutes=3)) is None
    assert newest_live((point(0, mock=True),), NOON) is None


POINTS = st.builds(
    point,
    st.floats(-100_000, 100_000, allow_nan=False),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(0, 1e6, allow_nan=False),
    mock=st.booleans(),
)
BATCHES = st.lists(POINTS, min_size=1, max_size=30).map(lambda batch: sorted(batch, key=lambda one: one.at))


@given(BATCHES)
def test_a_verdict_is_a_share_of_a_hundred_with_reasons(points: list[Point]) -> None:
    """R117: 0 to 100; without a flag at most the smaller halves are off; a mock is worth nothing."""
    verdict = judge_track(points, AROUND)
    assert 0 <= verdict.plausibility <= 100
    assert verdict.flags or verdict.plausibility >= 70
    assert verdict.plausibility == 0 or not any(one.fix.is_mock for one in points)
    assert list(verdict.flags) == sorted(set(verdict.flags), key=list(TrackFlag).index)


@given(BATCHES, st.integers(0, 29))
def test_a_point_that_turns_out_to_be_made_up_never_makes_a_batch_better(points: list[Point], place: int) -> None:
    """R117."""
    worse = [replace(one, fix=replace(one.fix, is_mock=True)) if n == place else one for n, one in enumerate(points)]
    assert judge_track(worse, AROUND).plausibility <= judge_track(points, AROUND).plausibility


@given(BATCHES)
def test_a_digest_names_exactly_these_points(points: list[Point]) -> None:
    """R117, R127: the same however often it is made; another for a point more, and for one a metre off."""
    kept = as_json(points)
    assert digest_of(kept) == digest_of(as_json(points))
    assert digest_of(kept) != digest_of([*kept, kept[-1]])
    moved = [{**kept[0], "latitude": kept[0]["latitude"] + METRE}, *kept[1:]]
    assert digest_of(kept) != digest_of(moved)
