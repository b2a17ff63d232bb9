"""Standing bids and the draw among those who want a shift."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.ids import AssignmentId, CleanerId, MarketId
from domain.scheduling import Shift
from domain.standing import StandingBid, draw_order, ensure_standing_bid

ZONE = "America/New_York"
NINE = datetime(2026, 1, 7, 14, tzinfo=UTC)  # Wednesday 9 AM in New York
TODAY = date(2026, 1, 5)
BID = StandingBid(CleanerId(UUID(int=1)), MarketId(UUID(int=9)), frozenset({3}), 9 * 60, 13 * 60)


def shift(starts_at: datetime = NINE, hours: float = 4) -> Shift:
    return Shift(AssignmentId(UUID(int=5)), starts_at, starts_at + timedelta(hours=hours), Decimal(str(hours)))


def test_a_bid_is_made_for_its_weekdays_between_its_hours_by_the_markets_clock_a25():
    minute = timedelta(minutes=1)

    assert BID.wants(shift(), ZONE)
    assert not BID.wants(shift(NINE - minute), ZONE)
    assert not BID.wants(shift(NINE + minute), ZONE)
    assert not BID.wants(shift(NINE + timedelta(days=1)), ZONE)
    # The same instants are 6 AM in Los Angeles.
    assert not BID.wants(shift(), "America/Los_Angeles")


def test_a_shift_over_midnight_counts_from_the_day_on_which_it_starts():
    night = replace(BID, earliest_minute=20 * 60, latest_minute=26 * 60)

    assert night.wants(shift(NINE + timedelta(hours=13)), ZONE)
    assert not night.wants(shift(NINE + timedelta(hours=13), 4.5), ZONE)


def test_a_bid_holds_from_its_first_to_its_last_day():
    wednesday = date(2026, 1, 7)

    assert replace(BID, from_day=wednesday, until_day=wednesday).wants(shift(), ZONE)
    assert not replace(BID, from_day=wednesday + timedelta(days=1)).wants(shift(), ZONE)
    assert not replace(BID, until_day=wednesday - timedelta(days=1)).wants(shift(), ZONE)


def test_hours_are_read_from_the_wall_clock_on_a_day_of_25_hours():
    """A25: on 2026-11-01 New York turns back at 2 AM; 9 AM stays 9 AM."""
    sunday = replace(BID, weekdays=frozenset({7}))

    assert sunday.wants(shift(datetime(2026, 11, 1, 14, tzinfo=UTC)), ZONE)
    assert not sunday.wants(shift(datetime(2026, 11, 1, 13, tzinfo=UTC)), ZONE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"weekdays": frozenset()}, "weekdays"),
        ({"weekdays": frozenset({0, 1})}, "weekdays"),
        ({"earliest_minute": -1}, "earliestMinute"),
        ({"earliest_minute": 1_440}, "earliestMinute"),
        ({"latest_minute": 9 * 60}, "latestMinute"),
        ({"latest_minute": 2_881}, "latestMinute"),
        ({"until_day": TODAY - timedelta(days=1)}, "untilDay"),
        ({"from_day": date(2026, 2, 2), "until_day": date(2026, 2, 1)}, "untilDay"),
    ],
)
def test_a_bid_that_no_shift_could_fit_is_refused_with_its_field_r19(change, field):
    ensure_standing_bid(BID, TODAY)

    with pytest.raises(Invalid) as refusal:
        ensure_standing_bid(replace(BID, **change), TODAY)

    assert refusal.value.field == (field,)


CLEANERS = [CleanerId(UUID(int=number)) for number in range(1, 6)]


@given(st.binary(min_size=16, max_size=16), st.permutations(CLEANERS))
def test_who_asked_first_makes_no_difference_to_the_draw(seed, asked):
    assert draw_order(seed, asked) == draw_order(seed, CLEANERS)
    assert sorted(draw_order(seed, asked)) == CLEANERS


def test_everybody_wins_a_fair_share_of_many_draws():
    """5,000 draws among five: 1,000 each, within five standard deviations (28.3)."""
    won = Counter(draw_order(number.to_bytes(16), CLEANERS)[0] for number in range(5_000))

    assert all(abs(won[cleaner] - 1_000) < 142 for cleaner in CLEANERS)
