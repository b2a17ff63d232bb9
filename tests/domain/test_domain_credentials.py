"""Guessable secrets, and locks against guessing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credentials import (
    UNLOCKED,
    LockState,
    after_failure,
    ensure_strong_password,
    ensure_strong_pin,
    first_pin_deadline,
    is_locked,
)
from domain.errors import Code, WeakSecret
from domain.policy import SignInPolicy

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
POLICY = SignInPolicy()


@pytest.mark.parametrize("pin", ["482915", "7391846", "50718342", "907264", "481148", "192900", "204077"])
def test_a_pin_without_a_pattern_is_accepted_a7(pin):
    ensure_strong_pin(pin)


@pytest.mark.parametrize(
    "pin",
    [
        "",
        "48291",
        "482915736",
        "48291a",
        "٤٨٢٩١٥",
        "+48291",
        "²³²³²³",
        "000000",
        "777777",
        "123456",
        "12345678",
        "987654",
        "789012",
        "210987",
        "135791",
        "121212",
        "123123",
        "12341234",
        "112233",
        "11882277",
        "123321",
        "1234321",
        "447447",
        "110011",
        "1010110",
        "159753",
        "147258",
        "199020",
        "199047",
        "471987",
        "2015478",
        "31121990",
        "12311990",
        "19901231",
        "19230415",
        "311290",
        "123190",
        "901231",
        "01011900",
        "31122099",
        "193064",
        "203964",
    ],
)
def test_a_weak_pin_is_refused_with_its_field_a7(pin):
    with pytest.raises(WeakSecret) as refusal:
        ensure_strong_pin(pin, field=("newPin",))

    assert refusal.value.code is Code.WEAK_SECRET
    assert refusal.value.field == ("newPin",)
    assert not pin or pin not in refusal.value.message


@given(st.integers(0, 10**8 - 1), st.integers(6, 8))
def test_most_pins_are_allowed_and_no_pin_breaks_the_rule(number, length):
    pin = f"{number:08d}"[-length:]
    try:
        ensure_strong_pin(pin)
    except WeakSecret:
        return
    assert len(set(pin)) >= 3


def test_eight_digits_that_are_no_date_in_our_times_are_allowed():
    ensure_strong_pin("17031584")
    ensure_strong_pin("31122100")


PASSWORDS = ["correct horse battery", "Ahx7#kdl0Q", "a b c d e f g h", "пароль-длинный", "xyz?" * 50]
WEAK_PASSWORDS = (
    *("", "short", "ninechars", "wxyz" * 50 + "w", "aaaaaaaaaaaa", "abcabcabcabc"),
    *("password123", "PassWord123", "1q2w3e4r5t", "Rosemary2026", "xxrosemaryxx"),
)


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_long_enough_password_of_ones_own_is_accepted(password):
    ensure_strong_password(password, "office@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "ninechars",
        "y" * 201,
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "password123",
        "PassWord123",
        "1q2w3e4r5t",
        "Rosemary2026",
        "xxrosemaryxx",
    ],
)
def test_a_weak_password_is_refused_with_its_field(password):
    with pytest.raises(WeakSecret) as refusal:
        ensure_strong_password(password, "Rosemary@example.com")

    assert refusal.value.field == ("password",)


def test_a_very_short_name_in_the_address_does_not_forbid_every_password_with_it():
    ensure_strong_password("a train to anywhere", "a@example.com")
    ensure_strong_password("a train to anywhere", "ain@example.com")
    ensure_strong_password("a train to anywhere", "")
    with pytest.raises(WeakSecret):
        ensure_strong_password("a train to anywhere", "rain@example.com")


def test_the_fifth_failure_in_a_row_locks_for_fifteen_minutes_r14_a7():
    state = UNLOCKED
    for expected in (1, 2, 3, 4):
        state = after_failure(state.failures, state.lock_count, NOW, POLICY)
        assert state == LockState(expected, 0, None)

    locked = after_failure(state.failures, state.lock_count, NOW, POLICY)

    assert locked == LockState(0, 1, NOW + timedelta(minutes=15))
    assert is_locked(locked.locked_until, NOW + timedelta(minutes=15) - timedelta(microseconds=1))
    assert not is_locked(locked.locked_until, NOW + timedelta(minutes=15))
    assert not is_locked(UNLOCKED.locked_until, NOW)


@pytest.mark.parametrize(
    ("locks", "minutes"), [(0, 15), (1, 30), (2, 60), (3, 120), (6, 960), (7, 1440), (50, 1440), (10**9, 1440)]
)
def test_each_lock_lasts_twice_as_long_as_the_one_before_up_to_a_day_a7(locks, minutes):
    state = after_failure(4, locks, NOW, POLICY)

    assert state == LockState(0, locks + 1, NOW + timedelta(minutes=minutes))


@given(st.integers(1, 60), st.integers(1, 20))
def test_any_number_of_failures_locks_once_for_every_full_row_of_them_r14(guesses, to_lock):
    policy = SignInPolicy(failures_to_lock=to_lock)
    state = UNLOCKED
    for _ in range(guesses):
        state = after_failure(state.failures, state.lock_count, NOW, policy)

    assert (state.lock_count, state.failures) == divmod(guesses, to_lock)
    assert is_locked(state.locked_until, NOW) is (guesses % to_lock == 0)


def test_a_success_resets_failures_and_locks_r15():
    assert LockState(failures=0, lock_count=0, locked_until=None) == UNLOCKED


def test_a_first_pin_can_be_set_for_a_day_a8():
    assert first_pin_deadline(NOW, POLICY) == NOW + timedelta(hours=24)
