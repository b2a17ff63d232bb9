"""Jobs, their states, and the market's week."""

# ruff: noqa: DTZ001 (a wall-clock time has no zone)

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalTransition, Invalid
from domain.geo import Position, distance_metres, travel_minutes
from domain.ids import AssignmentId
from domain.scheduling import (
    JOB_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    JobStatus,
    Laundry,
    PaymentStatus,
    Shift,
    Skill,
    ensure_job_transition,
    ensure_schedulable,
    hours_in_week,
    is_urgent,
    required_skills,
    transitions_markdown,
    week_of,
)
from domain.wallclock import instant_of, local_day

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ZONES = ("America/New_York", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Asia/Kathmandu", "UTC")


def legal(*moves: str) -> set[tuple[str, str]]:
    return {
        (before, after) for line in moves for before, _, afters in [line.partition(" > ")] for after in afters.split()
    }


JOB_MOVES = legal(
    "UNASSIGNED > ASSIGNED CANCELED",
    "ASSIGNED > UNASSIGNED IN_PROGRESS CANCELED NO_SHOW",
    "IN_PROGRESS > COMPLETED CANCELED NO_ACCESS",
    "NO_SHOW > ASSIGNED UNASSIGNED CANCELED",
)
PAYMENT_MOVES = legal(
    "PENDING > AUTHORIZED CAPTURED FAILED REQUIRES_ACTION RELEASED",
    "AUTHORIZED > CAPTURE_PENDING CAPTURED EXPIRED RELEASED",
    "CAPTURE_PENDING > CAPTURED AUTHORIZED FAILED EXPIRED",
    "CAPTURED > REFUNDED PARTIALLY_REFUNDED DISPUTED",
    "FAILED > AUTHORIZED CAPTURED REQUIRES_ACTION RELEASED",
    "REQUIRES_ACTION > AUTHORIZED CAPTURED FAILED RELEASED",
    "EXPIRED > AUTHORIZED FAILED REQUIRES_ACTION RELEASED",
    "RELEASED > PENDING",
    "REFUNDED > CAPTURED PARTIALLY_REFUNDED DISPUTED",
    "PARTIALLY_REFUNDED > CAPTURED PARTIALLY_REFUNDED REFUNDED DISPUTED",
    "DISPUTED > CAPTURED PARTIALLY_REFUNDED REFUNDED",
)


@pytest.mark.parametrize(("before", "after"), list(product(JobStatus, JobStatus)))
def test_a_job_moves_only_as_its_table_says_r73_a17(before, after):
    """R260: every other move is refused with its own code, and says where from and where to."""
    if (before.value, after.value) in JOB_MOVES:
        ensure_job_transition(before, after)
    else:
        with pytest.raises(IllegalTransition) as refusal:
            ensure_job_transition(before, after)
        assert refusal.value.details["from"] == before.value
        assert refusal.value.details["to"] == after.value
        assert set(refusal.value.details["allowed"]) == {b for a, b in JOB_MOVES if a == before.value}


def test_a_payment_moves_only_as_its_table_says_r73_a17():
    """R260."""
    table = {(before.value, after.value) for before, moves in PAYMENT_TRANSITIONS.items() for after in moves}

    assert table == set(PAYMENT_MOVES)


def test_the_published_table_has_a_row_for_every_state_a17():
    job_lines = transitions_markdown(JOB_TRANSITIONS).splitlines()

    assert job_lines[0] == "| from | to |"
    assert "| UNASSIGNED | ASSIGNED, CANCELED |" in job_lines
    assert "| COMPLETED | (final) |" in job_lines
    assert len(job_lines) == 2 + len(JobStatus)
    assert len(transitions_markdown(PAYMENT_TRANSITIONS).splitlines()) == 2 + len(PaymentStatus)


@pytest.mark.parametrize(
    ("hot_tub", "laundry", "skills"),
    [
        (False, Laundry.NONE, set()),
        (True, Laundry.NONE, {Skill.HOT_TUB}),
        (False, Laundry.IN_UNIT, {Skill.LAUNDRY}),
        (True, Laundry.OFF_SITE, {Skill.HOT_TUB, Skill.LAUNDRY}),
    ],
)
def test_a_property_demands_the_skills_for_its_hot_tub_and_laundry_r80(hot_tub, laundry, skills):
    assert required_skills(has_hot_tub=hot_tub, laundry=laundry) == skills


def test_a_job_is_urgent_when_less_than_a_day_is_left_a22():
    assert is_urgent(NOW, NOW + timedelta(hours=24) - timedelta(microseconds=1))
    assert not is_urgent(NOW, NOW + timedelta(hours=24))
    assert not is_urgent(NOW, NOW + timedelta(hours=3), timedelta(hours=2))


def test_a_job_within_two_years_and_a_day_long_can_be_planned():
    ensure_schedulable(NOW + timedelta(seconds=1), Decimal("0.5"), NOW)
    ensure_schedulable(NOW + timedelta(days=731), Decimal(24), NOW)


@pytest.mark.parametrize(
    ("starts_at", "hours", "field"),
    [
        (NOW.replace(tzinfo=None), "3", "startsAt"),
        (NOW, "3", "startsAt"),
        (datetime.min.replace(tzinfo=UTC), "3", "startsAt"),
        (NOW + timedelta(days=731, seconds=1), "3", "startsAt"),
        (datetime.max.replace(tzinfo=UTC), "3", "startsAt"),
        (NOW + timedelta(days=1), "0", "expectedHours"),
        (NOW + timedelta(days=1), "-1", "expectedHours"),
        (NOW + timedelta(days=1), "24.01", "expectedHours"),
        (NOW + timedelta(days=1), "NaN", "expectedHours"),
        (NOW + timedelta(days=1), "Infinity", "expectedHours"),
    ],
)
def test_a_past_or_absurd_job_is_refused_with_its_field(starts_at, hours, field):
    with pytest.raises(Invalid) as refusal:
        ensure_schedulable(starts_at, Decimal(hours), NOW)

    assert refusal.value.field == (field,)


def shift(starts_at: datetime, hours: str = "3", number: int = 1) -> Shift:
    return Shift(AssignmentId(UUID(int=number)), starts_at, starts_at + timedelta(hours=float(hours)), Decimal(hours))


def test_shifts_that_touch_do_not_overlap():
    first, second = shift(NOW), shift(NOW + timedelta(hours=3))

    assert not first.overlaps(second)
    assert not second.overlaps(first)
    assert first.overlaps(shift(NOW + timedelta(hours=2)))


def test_the_market_week_begins_on_monday_by_the_markets_clock_a27b():
    sunday_evening = datetime(2026, 1, 12, 3, tzinfo=UTC)  # 10 PM on Sunday in New York

    week = week_of("America/New_York", sunday_evening)

    assert week.starts_on == date(2026, 1, 5)
    assert week.starts_at == datetime(2026, 1, 5, 5, tzinfo=UTC)
    assert week.ends_at == datetime(2026, 1, 12, 5, tzinfo=UTC)


def test_a_week_with_a_clock_change_is_an_hour_shorter_or_longer():
    spring = week_of("America/New_York", datetime(2027, 3, 10, tzinfo=UTC))
    autumn = week_of("America/New_York", datetime(2027, 11, 3, tzinfo=UTC))

    assert spring.ends_at - spring.starts_at == timedelta(days=7, hours=-1)
    assert autumn.ends_at - autumn.starts_at == timedelta(days=7, hours=1)


def test_hours_count_in_the_week_in_which_the_shift_starts():
    week = week_of("UTC", NOW)
    monday, next_monday = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 12, tzinfo=UTC)
    shifts = [
        shift(monday - timedelta(hours=1)),
        shift(monday, "3.25"),
        shift(next_monday - timedelta(hours=1), "4.5"),
        shift(next_monday),
    ]

    assert hours_in_week(shifts, week) == Decimal("7.75")


@given(st.sampled_from(ZONES), st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_every_instant_lies_in_its_week(zone, instant):
    week = week_of(zone, instant)

    assert week.starts_on.weekday() == 0
    assert week.starts_at <= instant < week.ends_at
    assert week_of(zone, week.ends_at).starts_at == week.ends_at


@given(st.sampled_from(ZONES), st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1)))
def test_a_wall_clock_time_becomes_the_first_instant_that_shows_it_or_the_jump_over_it_a25(zone, wall):
    instant = instant_of(wall, zone)

    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    just_before = (instant - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown >= wall > just_before
    assert instant.tzinfo is UTC


def test_a_time_that_the_clock_jumps_over_becomes_the_jump():
    assert instant_of(datetime(2027, 3, 14, 2, 30), "America/New_York") == datetime(2027, 3, 14, 7, tzinfo=UTC)
    assert instant_of(datetime(2011, 12, 30, 15), "Pacific/Apia") == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert local_day("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)) == date(2011, 12, 31)


def test_the_poles_and_the_date_line_are_on_the_globe():
    assert Position(-90, -180) != Position(90, 180)


def test_distance_is_that_of_the_great_circle():
    miami, orlando = Position(25.7617, -80.1918), Position(28.5384, -81.3789)

    assert distance_metres(miami, orlando) == pytest.approx(330_500, rel=0.005)
    assert distance_metres(Position(0, 179.999), Position(0, -179.999)) == pytest.approx(222.4, rel=0.01)
    assert distance_metres(Position(0, 0), Position(0, 180)) == pytest.approx(20_015_115, rel=0.001)


places = st.builds(Position, st.floats(-90, 90), st.floats(-180, 180))


@given(places, places)
def test_distance_is_the_same_both_ways_and_nothing_to_itself(here, there):
    assert distance_metres(here, there) == pytest.approx(distance_metres(there, here), abs=1e-6)
    assert distance_metres(here, here) == 0
    assert 0 <= distance_metres(here, there) <= 20_015_200


def test_travel_is_distance_by_speed_rounded_up_and_the_overhead_a27b():
    here, there = Position(0, 0), Position(0, 0.1)  # 11.12 km

    assert travel_minutes(here, there, 30, 10) == 33
    assert travel_minutes(here, here, 30, 10) == 10
    assert travel_minutes(None, there, 30, 10) == travel_minutes(here, None, 30, 10) == 10


@pytest.mark.parametrize(
    ("latitude", "longitude", "field"),
    [
        (90.1, 0, "latitude"),
        (-91, 0, "latitude"),
        (float("nan"), 0, "latitude"),
        (0, 180.5, "longitude"),
        (0, float("inf"), "longitude"),
    ],
)
def test_a_position_off_the_globe_is_refused_with_its_field(latitude, longitude, field):
    with pytest.raises(Invalid) as refusal:
        Position(latitude, longitude)

    assert refusal.value.field == (field,)
