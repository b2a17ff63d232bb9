"""Who has not submitted is reminded a day, two hours and a quarter of an hour before the deadline (R84, R85)."""

# ruff: noqa: DTZ001 (a wall-clock time has no zone)

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.availability import (
    REMINDER_LEADS,
    MarketCalendar,
    WindowState,
    next_reminder,
    standing_reminder,
    window_at,
)
from domain.notifications import CHANNELS, NotificationKind, compose

NEW_YORK = MarketCalendar("America/New_York")
DAY, TWO_HOURS, QUARTER = REMINDER_LEADS
TICK = timedelta(microseconds=1)
calendars = st.builds(
    lambda zone, lead, hour: MarketCalendar(zone, date(2026, 1, 4), lead, hour, 0),
    st.sampled_from(["America/New_York", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin"]),
    st.integers(0, 13),
    st.integers(1, 23),
)
instants = st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def eastern(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("since", "due"),
    [
        ("2026-01-01T12:00", ["2026-01-03T23:00", "2026-01-04T21:00", "2026-01-04T22:45"]),
        ("2026-07-01T12:00", ["2026-07-04T22:00", "2026-07-05T20:00", "2026-07-05T21:45"]),
        # The clocks go forward in the night before: 24 real hours before 18:00 EDT it is 17:00 EST.
        ("2027-03-11T12:00", ["2027-03-13T22:00", "2027-03-14T20:00", "2027-03-14T21:45"]),
        # They go back: 24 real hours before 18:00 EST it is 19:00 EDT.
        ("2027-11-04T12:00", ["2027-11-06T23:00", "2027-11-07T21:00", "2027-11-07T22:45"]),
    ],
    ids=["winter", "summer", "clocks go forward", "clocks go back"],
)
def test_the_reminders_lie_real_hours_before_the_deadline_on_the_markets_clock_r85_a25(since, due):
    first = next_reminder(NEW_YORK, eastern(since))
    second = next_reminder(NEW_YORK, first.at)
    third = next_reminder(NEW_YORK, second.at)

    assert [one.at for one in (first, second, third)] == [utc(one) for one in due]
    assert [one.lead for one in (first, second, third)] == [DAY, TWO_HOURS, QUARTER]
    deadline = window_at(NEW_YORK, first.at).deadline_at
    assert [one.ends_at for one in (first, second, third)] == [second.at, third.at, deadline]
    assert next_reminder(NEW_YORK, third.at).at > deadline + timedelta(days=12)


@pytest.mark.parametrize(
    ("at", "lead"),
    [
        ("2026-01-03T17:59:59", None),
        ("2026-01-03T18:00:00", DAY),
        ("2026-01-04T15:59:59", DAY),
        ("2026-01-04T16:00:00", TWO_HOURS),
        ("2026-01-04T17:45:00", QUARTER),
        ("2026-01-04T17:59:59", QUARTER),
        ("2026-01-04T18:00:00", None),  # grace
        ("2026-01-04T19:00:00", None),
        ("2026-01-10T18:00:00", None),  # a Saturday off cycle
    ],
)
def test_at_most_the_newest_reminder_stands_and_none_from_the_deadline_on_r85_r88(at, lead):
    standing = standing_reminder(window_at(NEW_YORK, eastern(at)))

    assert (standing and standing.lead) == lead


def test_a_window_without_any_time_before_its_deadline_is_not_reminded_of():
    """Midnight to 01:00 is jumped over in Havana: that window opens in its grace period, or not at all."""
    market = MarketCalendar("America/Havana", date(2026, 3, 8), deadline_hour=1, grace_minutes=30)
    saturday = datetime(2026, 3, 7, 12, tzinfo=UTC)

    assert standing_reminder(window_at(market, saturday)) is None
    assert next_reminder(market, saturday).at == datetime(2026, 3, 21, 5, tzinfo=UTC)


@given(calendars, instants)
def test_each_reminder_stands_from_its_instant_until_the_next_or_the_deadline(market, instant):
    due = [next_reminder(market, instant)]
    for _ in range(3):
        due.append(next_reminder(market, due[-1].at))

    assert instant < due[0].at
    assert all(one.at < one.ends_at <= other.at for one, other in pairwise(due))
    for one in due:
        assert standing_reminder(window_at(market, one.at)) == one
        assert standing_reminder(window_at(market, one.ends_at - TICK)) == one
        assert standing_reminder(window_at(market, one.ends_at)) != one
        assert one.at + one.lead == window_at(market, one.at).deadline_at
    middle = instant + (due[0].at - instant) / 2
    now = standing_reminder(window_at(market, instant))
    assert standing_reminder(window_at(market, middle)) == (now if now and middle < now.ends_at else None)


CARD = {
    "market_name": "Miami",
    "zone": "America/New_York",
    "opens_at": "2027-03-14T05:00:00+00:00",
    "deadline_at": "2027-03-14T22:00:00+00:00",
    "period_start": "2027-03-15",
    "period_end": "2027-03-28",
}
TWO_WEEKS = "You have not said yet when you can work from Monday 15 March to Sunday 28 March."


@pytest.mark.parametrize(
    ("state", "window"),
    [
        (WindowState.CLOSED, "opens on Sunday 14 March at 00:00 and is open until Sunday 14 March at 18:00"),
        (WindowState.OPEN, "is open until Sunday 14 March at 18:00"),
    ],
)
def test_a_reminder_says_when_the_window_opens_or_until_when_it_is_open_a23(state, window):
    content = compose(NotificationKind.WINDOW_REMINDER, {**CARD, "state": state})

    assert content.subject == "Your availability is missing"
    assert content.body == f"The window of Miami {window}. {TWO_WEEKS}"


def test_a_reminder_goes_the_way_of_the_windows_own_messages():
    assert CHANNELS[NotificationKind.WINDOW_REMINDER] == CHANNELS[NotificationKind.WINDOW_CHANGED]
