"""The submission window by the market's wall clock, and what a submission may hold."""

# ruff: noqa: DTZ001 (a wall-clock time has no zone)

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.availability import (
    MarketCalendar,
    Period,
    Slot,
    SlotLimits,
    WindowState,
    ensure_can_submit,
    ensure_slots,
    next_transition,
    period_containing,
    validate_zone,
    window_at,
)
from domain.errors import AvailabilityWindowClosed, Code, Invalid

NEW_YORK = MarketCalendar("America/New_York")
ZONES = (
    "America/New_York",
    "America/Havana",  # the clock jumps over midnight
    "America/St_Johns",  # the clock goes back over midnight until 2011
    "Asia/Beirut",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Asia/Kathmandu",
    "Africa/Casablanca",  # goes back for Ramadan
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kiritimati",
    "Europe/Dublin",
    "UTC",
)
calendars = st.builds(
    lambda zone, lead, hour, share: MarketCalendar(zone, date(2026, 1, 4), lead, hour, int(60 * (24 - hour) * share)),
    st.sampled_from(ZONES),
    st.integers(0, 13),
    st.integers(1, 23),
    st.floats(0, 1),
)
instants = st.datetimes(datetime(2005, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


def eastern(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("at", "state"),
    [
        ("2026-01-03T23:59:59", "CLOSED"),
        ("2026-01-04T00:00:00", "OPEN"),
        ("2026-01-04T17:59:59", "OPEN"),
        ("2026-01-04T18:00:00", "GRACE"),
        ("2026-01-04T18:59:59", "GRACE"),
        ("2026-01-04T19:00:00", "CLOSED"),
        ("2026-01-11T12:00:00", "CLOSED"),
        ("2026-01-17T23:59:00", "CLOSED"),
        ("2026-01-18T00:00:00", "OPEN"),
        ("2025-12-21T12:00:00", "OPEN"),  # cycles run backwards from the epoch too
        ("2025-12-28T12:00:00", "CLOSED"),
    ],
)
def test_the_window_is_open_on_the_submission_sunday_until_six_and_in_grace_until_seven_r85_to_r88(at, state):
    assert window_at(NEW_YORK, eastern(at)).state == state


@pytest.mark.parametrize(
    ("sunday", "deadline", "open_hours"),
    [
        ("2026-01-04", "2026-01-04T23:00:00Z", 18),
        ("2026-07-05", "2026-07-05T22:00:00Z", 18),
        ("2027-03-14", "2027-03-14T22:00:00Z", 17),
        ("2027-11-07", "2027-11-07T23:00:00Z", 19),
    ],
)
def test_the_deadline_is_six_by_the_wall_clock_in_winter_summer_and_on_both_clock_change_days_r89(
    sunday, deadline, open_hours
):
    window = window_at(NEW_YORK, eastern(f"{sunday}T12:00"))

    assert window.state is WindowState.OPEN
    assert window.deadline_at == datetime.fromisoformat(deadline)
    assert window.grace_ends_at == window.deadline_at + timedelta(hours=1)
    assert window.deadline_at - window.opens_at == timedelta(hours=open_hours)
    for instant in (window.opens_at, window.deadline_at, window.grace_ends_at, window.next_opens_at):
        assert instant.tzinfo is UTC


def test_a_sunday_off_cycle_is_closed_and_names_the_next_window_r90():
    window = window_at(NEW_YORK, eastern("2026-01-11T12:00"))

    assert window.state is WindowState.CLOSED
    assert window.opens_at == window.next_opens_at == eastern("2026-01-18T00:00")
    assert window.deadline_at == window.next_deadline_at == eastern("2026-01-18T18:00")
    assert (window.period_start, window.period_end) == (date(2026, 1, 19), date(2026, 2, 1))


def test_from_its_first_instant_an_open_window_points_to_the_one_after_it():
    window = window_at(NEW_YORK, eastern("2026-01-04T00:00"))

    assert window.state is WindowState.OPEN
    assert window.next_opens_at == eastern("2026-01-18T00:00")
    assert window.next_deadline_at == eastern("2026-01-18T18:00")


def test_an_open_window_describes_itself_and_the_one_after_it_a23b():
    now = eastern("2026-01-04T18:30")

    window = window_at(NEW_YORK, now)

    assert window.server_time == now
    assert window.opens_at == eastern("2026-01-04T00:00")
    assert window.next_opens_at == eastern("2026-01-18T00:00")
    assert window.period == Period(date(2026, 1, 5), date(2026, 1, 18), "America/New_York")


@pytest.mark.parametrize(("lead", "opens"), [(0, "2026-01-18"), (2, "2026-01-16"), (13, "2026-01-05")])
def test_lead_days_open_the_window_earlier_a23(lead, opens):
    market = MarketCalendar("America/New_York", lead_days=lead)

    window = window_at(market, eastern("2026-01-18T12:00"))

    assert window.opens_at == eastern(f"{opens}T00:00")


def test_a_window_that_opens_where_the_grace_period_ends_is_never_closed():
    market = MarketCalendar("America/New_York", lead_days=13, deadline_hour=23, grace_minutes=60)

    change = next_transition(market, eastern("2026-01-04T23:30"))

    assert (change.at, change.state) == (eastern("2026-01-05T00:00"), WindowState.OPEN)
    assert change.window.period_start == date(2026, 1, 19)


def test_a_deadline_in_the_hour_that_the_clock_jumps_over_falls_on_the_jump():
    market = MarketCalendar("America/New_York", deadline_hour=2, grace_minutes=30)

    window = window_at(market, eastern("2027-03-14T01:00"))

    assert window.deadline_at == window.grace_ends_at == datetime(2027, 3, 14, 7, tzinfo=UTC)
    assert next_transition(market, window.server_time).state is WindowState.CLOSED


def test_a_deadline_in_the_hour_that_comes_twice_counts_the_first_time():
    market = MarketCalendar("America/New_York", deadline_hour=1, grace_minutes=30)
    second_time = eastern("2027-11-07T01:15").replace(fold=1)

    assert window_at(market, eastern("2027-11-07T01:15")).state is WindowState.GRACE
    assert window_at(market, second_time).state is WindowState.CLOSED


def test_a_window_that_a_clock_change_swallows_is_not_announced():
    market = MarketCalendar("America/Havana", date(2026, 3, 8), deadline_hour=1, grace_minutes=0)
    before = datetime(2026, 3, 7, 12, tzinfo=UTC)

    window = window_at(market, before)
    change = next_transition(market, before)

    assert window.opens_at == window.grace_ends_at == datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert (change.at, change.state) == (datetime(2026, 3, 22, 4, tzinfo=UTC), WindowState.OPEN)


def test_a_window_opens_when_the_day_begins_that_has_no_midnight():
    market = MarketCalendar("America/Havana", date(2026, 3, 8))

    window = window_at(market, datetime(2026, 3, 8, 12, tzinfo=UTC))

    assert window.opens_at.astimezone(ZoneInfo(market.zone)).time() == time(1)


def test_a_window_that_would_open_on_a_day_that_never_was_opens_on_the_next():
    market = MarketCalendar("Pacific/Apia", date(2012, 1, 1), lead_days=2)

    window = window_at(market, datetime(2012, 1, 1, tzinfo=UTC))

    assert window.opens_at.astimezone(ZoneInfo("Pacific/Apia")).date() == date(2011, 12, 31)


@given(calendars, instants)
def test_boundaries_are_ordered_and_the_state_follows_from_them(market, instant):
    window = window_at(market, instant)

    assert window.opens_at <= window.deadline_at <= window.grace_ends_at
    assert instant < window.grace_ends_at
    assert window.next_opens_at > instant
    assert (window.period_end - window.period_start).days == 13
    assert window.period_start.weekday() == 0
    expected = "CLOSED" if instant < window.opens_at else "OPEN" if instant < window.deadline_at else "GRACE"
    assert window.state == expected


@given(calendars, instants)
def test_the_state_is_a_function_of_the_wall_clock_alone(market, instant):
    wall = instant.astimezone(ZoneInfo(market.zone)).replace(tzinfo=None, fold=0)
    # An hour that comes twice counts the first time only; there two instants share a wall clock.
    day = timedelta(days=1)
    shifts = {(instant + step).astimezone(ZoneInfo(market.zone)).utcoffset() for step in (-day, timedelta(0), day)}
    assume(len(shifts) == 1)

    since_sunday = (wall - datetime(2026, 1, 4)) % timedelta(days=14)
    to_sunday = timedelta(days=14) - since_sunday
    deadline = timedelta(hours=market.deadline_hour)
    if since_sunday < deadline or to_sunday <= timedelta(days=market.lead_days):
        expected = "OPEN"
    elif since_sunday < deadline + timedelta(minutes=market.grace_minutes):
        expected = "GRACE"
    else:
        expected = "CLOSED"

    assert window_at(market, instant).state == expected


@given(calendars, instants)
def test_the_next_transition_is_the_first_instant_at_which_the_state_differs(market, instant):
    before = window_at(market, instant)

    change = next_transition(market, instant)

    assert change.at > instant
    assert change.state is change.window.state is not before.state
    assert change.window == window_at(market, change.at)
    assert window_at(market, change.at - timedelta(microseconds=1)).state is before.state
    halfway = instant + (change.at - instant) / 2
    assert window_at(market, halfway).state is before.state


@given(calendars, instants)
def test_transitions_strictly_increase_and_every_cycle_lasts_fourteen_days(market, instant):
    changes = [next_transition(market, instant)]
    for _ in range(6):
        changes.append(next_transition(market, changes[-1].at))

    assert all(one.at < other.at for one, other in pairwise(changes))
    openings = [change.window.period_start for change in changes if change.state is WindowState.OPEN]
    assert len(openings) >= 2
    assert all((other - one).days % 14 == 0 for one, other in pairwise(openings))
    assert all((opening - date(2026, 1, 5)).days % 14 == 0 for opening in openings)


@given(calendars, st.dates(date(2005, 1, 1), date(2040, 1, 1)))
def test_every_day_belongs_to_the_period_of_exactly_one_submission_sunday(market, day):
    period = period_containing(market, day)

    assert period.starts_on <= day <= period.ends_on
    assert (period.starts_on - timedelta(days=1) - market.epoch).days % 14 == 0
    assert (period.ends_on - period.starts_on).days == 13


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"epoch": date(2026, 1, 5)}, "epoch"),
        ({"lead_days": -1}, "leadDays"),
        ({"lead_days": 14}, "leadDays"),
        ({"deadline_hour": 0}, "deadlineHour"),
        ({"deadline_hour": 24}, "deadlineHour"),
        ({"grace_minutes": -1}, "graceMinutes"),
        ({"deadline_hour": 23, "grace_minutes": 61}, "graceMinutes"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_its_field(values, field):
    with pytest.raises(Invalid) as refusal:
        MarketCalendar("UTC", **values)

    assert refusal.value.field == (field,)


@pytest.mark.parametrize("name", ["America/New_York", "Australia/Lord_Howe", "America/Indiana/Knox", "UTC"])
def test_a_zone_of_a_place_is_accepted_a25(name):
    assert validate_zone(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "America",
        "America/Gotham",
        "america/new_york",
        "EST",
        "Etc/GMT+5",
        "+05:00",
        "/etc/passwd",
        "../UTC",
        "A/\0",
        "localtime",
    ],
)
def test_an_unknown_zone_or_a_fixed_offset_is_refused_with_its_field_a25(name):
    with pytest.raises(Invalid) as refusal:
        validate_zone(name, field=("market", "zone"))

    assert refusal.value.field == ("market", "zone")


def test_a_submission_in_the_open_window_is_in_time_and_one_in_grace_is_late_a24():
    assert ensure_can_submit(window_at(NEW_YORK, eastern("2026-01-04T17:59"))) is False
    assert ensure_can_submit(window_at(NEW_YORK, eastern("2026-01-04T18:30"))) is True


def test_a_submission_after_grace_is_refused_with_the_next_window_r90():
    with pytest.raises(AvailabilityWindowClosed) as refusal:
        ensure_can_submit(window_at(NEW_YORK, eastern("2026-01-04T19:00")))

    assert refusal.value.code is Code.WINDOW_CLOSED
    assert "Sunday 18 January 2026 at 18:00 (America/New_York)" in refusal.value.message
    assert refusal.value.details == {
        "opensAt": "2026-01-18T05:00:00+00:00",
        "deadlineAt": "2026-01-18T23:00:00+00:00",
        "serverTime": "2026-01-05T00:00:00+00:00",
    }


@pytest.mark.parametrize("at", ["2026-01-04T12:00", "2026-01-04T18:30", "2026-01-11T12:00"])
def test_a_bypass_is_never_refused_and_never_late_r91(at):
    assert ensure_can_submit(window_at(NEW_YORK, eastern(at)), bypass=True) is False


PERIOD = Period(date(2027, 3, 8), date(2027, 3, 21), "America/New_York")


def slot(starts: str, ends: str) -> Slot:
    return Slot(eastern(starts), eastern(ends))


def test_slots_come_back_in_utc_and_in_order_and_may_touch_each_other_and_midnight():
    late = slot("2027-03-21T20:00", "2027-03-22T00:00")
    morning, noon = slot("2027-03-14T01:00", "2027-03-14T12:00"), slot("2027-03-14T12:00", "2027-03-14T13:00")

    accepted = ensure_slots([late, noon, morning], PERIOD)

    assert accepted == (morning, noon, late)
    assert accepted[0].starts_at.tzinfo is UTC
    assert accepted[0].ends_at - accepted[0].starts_at == timedelta(hours=10)


def test_no_slots_at_all_is_an_answer():
    assert ensure_slots([], PERIOD) == ()


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (slot("2027-03-09T12:00", "2027-03-09T09:00"), "endsAt"),
        (slot("2027-03-09T12:00", "2027-03-09T12:00"), "endsAt"),
        (slot("2027-03-09T12:00", "2027-03-09T12:14"), "endsAt"),
        (slot("2027-03-09T20:00", "2027-03-10T00:01"), "endsAt"),
        (slot("2027-03-07T23:00", "2027-03-08T01:00"), "startsAt"),
        (slot("2027-03-22T00:00", "2027-03-22T02:00"), "startsAt"),
        (slot("2026-03-10T09:00", "2027-03-10T12:00"), "startsAt"),
        (slot("2027-03-10T09:00", "2028-03-10T12:00"), "endsAt"),
        (Slot(datetime(2027, 3, 10, 9), eastern("2027-03-10T12:00")), "startsAt"),
        (Slot(eastern("2027-03-10T09:00"), datetime(2027, 3, 10, 12)), "endsAt"),
        (Slot(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)), "startsAt"),
    ],
)
def test_an_impossible_slot_is_refused_with_the_path_to_the_value_r19(bad, field):
    good = [slot("2027-03-08T09:00", "2027-03-08T12:00"), slot("2027-03-09T06:00", "2027-03-09T08:00")]

    with pytest.raises(Invalid) as refusal:
        ensure_slots([*good, bad], PERIOD)

    assert refusal.value.field == ("slots", "2", field)


def test_overlapping_slots_are_refused_at_the_later_one_wherever_it_stands():
    slots = [slot("2027-03-09T11:59", "2027-03-09T14:00"), slot("2027-03-09T09:00", "2027-03-09T12:00")]

    with pytest.raises(Invalid) as refusal:
        ensure_slots(slots, PERIOD)

    assert refusal.value.field == ("slots", "0", "startsAt")


def test_the_same_slot_twice_is_refused_at_the_second():
    same = slot("2027-03-09T09:00", "2027-03-09T12:00")

    with pytest.raises(Invalid) as refusal:
        ensure_slots([same, same], PERIOD)

    assert refusal.value.field == ("slots", "1", "startsAt")


def test_as_many_slots_as_allowed_each_as_short_as_allowed_are_accepted():
    slots = [slot("2027-03-09T09:00", "2027-03-09T09:15"), slot("2027-03-10T09:00", "2027-03-10T09:15")]

    assert len(ensure_slots(slots, PERIOD, SlotLimits(most_slots=2))) == 2


def test_too_many_slots_are_refused_as_a_whole():
    with pytest.raises(Invalid) as refusal:
        ensure_slots([slot("2027-03-09T09:00", "2027-03-09T12:00")] * 2, PERIOD, SlotLimits(most_slots=1))

    assert refusal.value.field == ("slots",)
