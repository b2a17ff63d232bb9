"""When nobody has come: to the second, and under whatever numbers a business has chosen (A46, R28)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import AccessCodeClosed, Conflict
from domain.fieldwork.access import Access, ensure_open
from domain.fieldwork.arrivals import Absence, ArrivalStep, step_due
from domain.policy import FieldworkPolicy
from domain.scheduling import AssignmentRole, JobStatus

START = datetime(2027, 3, 1, 14, tzinfo=UTC)
POLICY = FieldworkPolicy()
SECOND = timedelta(seconds=1)
LEAD, TRAIL = timedelta(hours=2), timedelta(hours=1)
MINE = Access(JobStatus.ASSIGNED, AssignmentRole.PRIMARY, False, START, START + timedelta(hours=3))


def after(minutes: float, **more: object) -> ArrivalStep | None:
    given_ = {"expected_at": START, "told_at": None, "is_running": False, **more}
    return step_due(Absence(**given_), POLICY, START + timedelta(minutes=minutes))  # type: ignore[arg-type]


def test_half_an_hour_is_late_and_an_hour_and_a_half_is_a_no_show() -> None:
    """A46."""
    assert after(30 - 1 / 60) is None
    assert after(30) is ArrivalStep.LATE
    assert after(90 - 1 / 60) is ArrivalStep.LATE
    assert after(90) is ArrivalStep.MISSED


def test_the_office_is_alerted_once_for_each_who_was_to_come() -> None:
    """A46: whoever takes the shift over later has as long as everybody else, and then is late too."""
    told = START + timedelta(minutes=30)
    assert after(60, told_at=told) is None
    taken = START + timedelta(minutes=40)
    assert after(69, expected_at=taken, told_at=told) is None
    assert after(70, expected_at=taken, told_at=told) is ArrivalStep.LATE
    assert after(129, expected_at=taken, told_at=taken + timedelta(minutes=30)) is None
    assert after(130, expected_at=taken, told_at=taken + timedelta(minutes=30)) is ArrivalStep.MISSED


def test_a_job_at_which_somebody_else_works_is_late_and_never_missed() -> None:
    """A46: who does the laundry is there, who is responsible is not."""
    assert after(200, is_running=True) is ArrivalStep.LATE
    assert after(200, is_running=True, told_at=START + timedelta(minutes=31)) is None


@given(st.integers(1, 480), st.integers(1, 1_440), st.integers(0, 3_000))
def test_whatever_the_numbers_nobody_is_accused_early(alert: int, no_show: int, minute: int) -> None:
    """A46: both are settings."""
    policy = replace(POLICY, late_alert_minutes=alert, no_show_minutes=no_show)
    step = step_due(Absence(START, None, is_running=False), policy, START + timedelta(minutes=minute))
    expected = ArrivalStep.MISSED if minute >= no_show else ArrivalStep.LATE if minute >= alert else None
    assert step is expected


def test_a_code_is_shown_from_two_hours_before_to_an_hour_after() -> None:
    """R28: and the refusal says from when until when."""
    opens, closes = START - LEAD, START + timedelta(hours=4)
    ensure_open(MINE, LEAD, TRAIL, opens)
    ensure_open(MINE, LEAD, TRAIL, closes - SECOND)
    for now in (opens - SECOND, closes):
        with pytest.raises(AccessCodeClosed) as refusal:
            ensure_open(MINE, LEAD, TRAIL, now)
        assert refusal.value.details == {"opensAt": opens.isoformat(), "closesAt": closes.isoformat()}


def test_who_need_not_get_in_is_not_shown_a_code() -> None:
    """R28, A11: a backup who has not come, and any job that is over or missed."""
    backup = replace(MINE, role=AssignmentRole.BACKUP)
    ensure_open(replace(backup, checked_in=True), LEAD, TRAIL, START)
    idle = [replace(MINE, status=status) for status in set(JobStatus) - {JobStatus.ASSIGNED, JobStatus.IN_PROGRESS}]
    for access in (backup, *idle):
        with pytest.raises(Conflict):
            ensure_open(access, LEAD, TRAIL, START)
