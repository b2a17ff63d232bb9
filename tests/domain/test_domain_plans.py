"""Plans: days by the market's calendar and clocks, pauses, skips, terms, what calling off costs (R45, R65, A50)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalTransition
from domain.plans import (
    PLAN_TRANSITIONS,
    Frequency,
    Occurrence,
    PlanSchedule,
    PlanStatus,
    Term,
    cancellation_fee,
    ensure_plan_transition,
    no_access_fee,
    occurrences,
    term_end,
)
from domain.policy import CancellationPolicy

ZONE = "America/New_York"
WEEKLY = PlanSchedule(Frequency.WEEKLY, date(2026, 10, 20), 9 * 60, ZONE)  # a Tuesday
SINCE, UNTIL = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)

MOVES = {
    "PENDING_PAYMENT": {"ACTIVE", "CANCELED"},
    "ACTIVE": {"PAUSED", "ENDED", "CANCELED"},
    "PAUSED": {"ACTIVE", "ENDED", "CANCELED"},
    "ENDED": set(),
    "CANCELED": set(),
}


def days(plan, since=SINCE, until=UNTIL):
    return [one.on for one in occurrences(plan, since, until)]


def test_a_plan_moves_only_as_its_table_says_a50():
    """R260."""
    assert {before.value: {after.value for after in moves} for before, moves in PLAN_TRANSITIONS.items()} == MOVES
    for before in PlanStatus:
        for after in PlanStatus:
            if after.value in MOVES[before.value]:
                ensure_plan_transition(before, after)
            else:
                with pytest.raises(IllegalTransition):
                    ensure_plan_transition(before, after)


def test_a_clean_at_nine_stays_at_nine_when_the_clocks_change_a25():
    """Summer time ends on 1 November 2026 in New York, and begins on 14 March 2027."""
    starts = [one.starts_at for one in occurrences(WEEKLY, SINCE, datetime(2027, 3, 20, tzinfo=UTC))]

    assert {start.astimezone(ZoneInfo(ZONE)).hour for start in starts} == {9}
    assert [start.hour for start in starts[:3]] == [13, 13, 14]  # 20 and 27 October, 3 November
    assert starts[-1] == datetime(2027, 3, 16, 13, tzinfo=UTC)


def test_a_time_that_the_clocks_jump_over_is_the_instant_of_the_jump_a25():
    sundays = PlanSchedule(Frequency.WEEKLY, date(2027, 3, 7), 2 * 60 + 30, ZONE)

    found = occurrences(sundays, datetime(2027, 3, 10, tzinfo=UTC), datetime(2027, 3, 15, tzinfo=UTC))

    assert found == (Occurrence(date(2027, 3, 14), datetime(2027, 3, 14, 7, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        (Frequency.ONCE, ["10-20"]),
        (Frequency.WEEKLY, ["10-20", "10-27", "11-03", "11-10", "11-17", "11-24"]),
        (Frequency.BIWEEKLY, ["10-20", "11-03", "11-17"]),
        (Frequency.FOUR_WEEKLY, ["10-20", "11-17"]),
        (Frequency.MONTHLY, ["10-20", "11-17"]),  # the third Tuesday
    ],
)
def test_each_frequency_has_its_rhythm_r45(frequency, expected):
    assert days(replace(WEEKLY, frequency=frequency)) == [date.fromisoformat(f"2026-{day}") for day in expected]


def test_a_fifth_weekday_of_the_month_becomes_the_last_r45():
    fifth = PlanSchedule(Frequency.MONTHLY, date(2026, 9, 29), 540, ZONE)  # the fifth Tuesday

    found = days(fifth, SINCE - timedelta(days=30), datetime(2027, 3, 1, tzinfo=UTC))

    assert [f"{day:%m-%d}" for day in found] == ["09-29", "10-27", "11-24", "12-29", "01-26", "02-23"]


def test_a_fifth_weekday_on_the_last_day_of_a_month_is_that_day_r45():
    fifth = PlanSchedule(Frequency.MONTHLY, date(2026, 3, 31), 540, ZONE)

    found = days(fifth, datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC))

    assert [f"{day:%m-%d}" for day in found] == ["06-30", "07-28", "08-25"]


def test_a_span_has_its_first_instant_and_not_its_last_r64():
    first, second = (one.starts_at for one in occurrences(WEEKLY, SINCE, UNTIL)[:2])

    assert days(WEEKLY, first, second) == [date(2026, 10, 20)]
    assert occurrences(WEEKLY, first, first) == ()


def test_skips_and_pauses_leave_days_out_and_do_not_shift_the_rhythm_a50():
    plan = replace(WEEKLY, frequency=Frequency.BIWEEKLY, skips=frozenset({date(2026, 11, 3)}))
    assert [day.day for day in days(plan)] == [20, 17]

    paused = replace(WEEKLY, frequency=Frequency.BIWEEKLY, paused_on=date(2026, 10, 21), resumes_on=date(2026, 11, 17))
    assert [day.day for day in days(paused)] == [20, 17]
    assert [day.day for day in days(replace(paused, resumes_on=None))] == [20]
    assert days(replace(paused, paused_on=date(2026, 10, 20), resumes_on=None)) == []


def test_no_clean_is_after_the_last_day_of_the_term_r37():
    assert days(replace(WEEKLY, ends_on=date(2026, 11, 3)))[-1] == date(2026, 11, 3)
    assert days(replace(WEEKLY, ends_on=date(2026, 11, 2)))[-1] == date(2026, 10, 27)


@pytest.mark.parametrize(
    ("first", "term", "last"),
    [
        ("2026-10-20", Term.ANNUAL, "2027-10-19"),
        ("2028-02-29", Term.ANNUAL, "2029-02-28"),
        ("2026-10-20", Term.MONTHLY, None),
        ("2026-10-20", None, None),
    ],
)
def test_a_year_ends_the_day_before_its_date_and_months_go_on_r37_r65(first, term, last):
    assert term_end(date.fromisoformat(first), term) == (date.fromisoformat(last) if last else None)


PLANS = st.builds(
    PlanSchedule,
    frequency=st.sampled_from(Frequency),
    first_on=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    at_minute=st.integers(0, 1_439),
    zone=st.sampled_from([ZONE, "Australia/Lord_Howe", "Pacific/Apia", "Europe/London", "Asia/Kolkata"]),
    ends_on=st.none() | st.dates(date(2026, 6, 1), date(2028, 12, 31)),
    paused_on=st.none() | st.dates(date(2026, 6, 1), date(2028, 12, 31)),
    resumes_on=st.none() | st.dates(date(2026, 6, 1), date(2028, 12, 31)),
)
INSTANTS = st.datetimes(datetime(2025, 12, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(PLANS, INSTANTS, INSTANTS, INSTANTS)
def test_what_is_generated_in_parts_is_what_is_generated_at_once_r63_r64(plan, one, two, three):
    since, between, until = sorted((one, two, three))

    whole = occurrences(plan, since, until)

    assert occurrences(plan, since, between) + occurrences(plan, between, until) == whole
    assert len({clean.on for clean in whole}) == len(whole)
    assert list(whole) == sorted(whole, key=lambda clean: clean.starts_at)
    assert all(since <= clean.starts_at < until and clean.on >= plan.first_on for clean in whole)
    assert all(plan.takes_place(clean.on) for clean in whole)


@given(PLANS, INSTANTS, INSTANTS)
def test_every_clean_of_a_rhythm_is_on_its_weekday_r36(plan, one, other):
    since, until = sorted((one, other))

    assert {clean.on.weekday() for clean in occurrences(plan, since, until)} <= {plan.first_on.weekday()}


STARTS = datetime(2026, 11, 24, 14, tzinfo=UTC)
DEAR = CancellationPolicy(free_hours=24, late_fee_percent=50, no_access_fee_percent=33)


@pytest.mark.parametrize(
    ("before", "fee"),
    [
        (timedelta(hours=48), 0),
        (timedelta(hours=24), 0),
        (timedelta(hours=24) - timedelta(microseconds=1), 9_751),
        (timedelta(0), 9_751),
        (timedelta(hours=-1), 9_751),
    ],
)
def test_calling_off_costs_from_less_than_24_hours_before_the_start_a50(before, fee):
    assert cancellation_fee(DEAR, 19_501, STARTS, STARTS - before) == fee  # 9750.5 goes up


def test_nothing_is_charged_unless_the_business_says_so_a50():
    assert cancellation_fee(CancellationPolicy(), 19_500, STARTS, STARTS) == 0
    assert no_access_fee(CancellationPolicy(), 19_500) == 0
    assert no_access_fee(DEAR, 19_500) == 6_435


@given(st.integers(0, 99_999_999), st.integers(0, 100))
def test_a_fee_is_never_more_than_the_price_a50(price, rate):
    policy = CancellationPolicy(late_fee_percent=rate, no_access_fee_percent=rate)

    assert 0 <= no_access_fee(policy, price) == cancellation_fee(policy, price, STARTS, STARTS) <= price
