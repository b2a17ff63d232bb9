"""What is put by, and what cleaners are paid: reserve, states, holds, who took part, tips (R151 to R177, A11, A34)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalTransition
from domain.onboarding import PayoutAccountStatus
from domain.pay import Work, earnings_of
from domain.payments.payouts import (
    HOLD_WORDS,
    LEFT_US,
    PAYOUT_TRANSITIONS,
    HoldReason,
    Part,
    Participation,
    PayoutFacts,
    PayoutStatus,
    TipSplit,
    due_at,
    ensure_payout_transition,
    reason_to_hold,
    split_tip,
    took_part,
)
from domain.payments.reserve import reserve_of
from domain.policy import PayPolicy
from domain.scheduling import AssignmentRole

MOVES = {
    "PENDING": {"RELEASED", "HELD", "CARRIED", "EXPORTED"},
    "HELD": {"PENDING", "CARRIED", "EXPORTED"},
    "RELEASED": {"IN_TRANSIT", "PAID_OUT", "FAILED", "REVERSED"},
    "IN_TRANSIT": {"PAID_OUT", "FAILED", "REVERSED"},
    "PAID_OUT": {"FAILED", "REVERSED"},
    "FAILED": {"IN_TRANSIT", "PAID_OUT", "REVERSED"},
    "REVERSED": set(),
    "CARRIED": set(),
    "EXPORTED": set(),
}


@pytest.mark.parametrize(("cents", "reserve"), [(19_500, 390), (12_345, 247), (1, 0), (24, 0), (25, 1), (0, 0)])
def test_two_percent_are_put_by_half_up_r151(cents, reserve):
    """A13."""
    assert reserve_of(cents) == reserve


@given(st.integers(0, 99_999_999))
def test_the_reserve_is_the_rules_own_formula_r151_r261(cents):
    assert reserve_of(cents) == (cents * 2 + 50) // 100


def test_the_reserve_is_a_setting_r259():
    assert (reserve_of(19_500, 350), reserve_of(19_500, 0)) == (683, 0)


def test_a_laundry_lead_of_an_urgent_clean_of_three_and_a_half_hours_gets_79_50_r160_to_r163():
    earned = earnings_of(Work(Decimal("3.5"), AssignmentRole.LAUNDRY_LEAD, urgent=True, laundry_loads=2), PayPolicy())

    assert (earned.base_cents, earned.urgent_cents, earned.laundry_cents) == (5_950, 1_000, 1_000)
    assert earned.total_cents == 7_950


def test_a_payout_moves_only_as_its_table_says_r164_r171():
    """R260: what was released is never released again."""
    assert {before.value: {after.value for after in moves} for before, moves in PAYOUT_TRANSITIONS.items()} == MOVES
    for before in PayoutStatus:
        for after in PayoutStatus:
            if after.value in MOVES[before.value]:
                ensure_payout_transition(before, after)
            else:
                with pytest.raises(IllegalTransition):
                    ensure_payout_transition(before, after)


def test_nothing_that_has_left_us_comes_to_be_paid_again_r171():
    reachable = set(LEFT_US)
    for _ in PayoutStatus:
        reachable |= {after for before in reachable for after in PAYOUT_TRANSITIONS[before]}

    assert not reachable & {PayoutStatus.PENDING, PayoutStatus.HELD, PayoutStatus.CARRIED, PayoutStatus.EXPORTED}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (PayoutFacts(7_950, None), HoldReason.NO_ACCOUNT),  # R165
        (PayoutFacts(7_950, PayoutAccountStatus.REQUESTED), HoldReason.ONBOARDING_INCOMPLETE),  # R166
        (PayoutFacts(7_950, PayoutAccountStatus.OPEN), HoldReason.ONBOARDING_INCOMPLETE),
        (PayoutFacts(7_950, PayoutAccountStatus.RESTRICTED), HoldReason.ACCOUNT_RESTRICTED),  # R172
        (PayoutFacts(99, PayoutAccountStatus.READY), HoldReason.BELOW_MINIMUM),  # R167
        (PayoutFacts(100, PayoutAccountStatus.READY), None),  # R167
        (PayoutFacts(7_950, PayoutAccountStatus.READY), None),
        (PayoutFacts(7_950, PayoutAccountStatus.READY, disputed=True), HoldReason.DISPUTED),
        (PayoutFacts(99, None, disputed=True), HoldReason.DISPUTED),
        (PayoutFacts(7_950, PayoutAccountStatus.READY, covered=False), HoldReason.NOT_COVERED),
    ],
)
def test_a_payout_is_held_for_a_reason_r165_to_r167_r172(facts, reason):
    assert reason_to_hold(facts, 100) is reason


def test_99_cents_are_carried_over_and_go_with_the_next_payout_r167():
    small = PayoutFacts(99, PayoutAccountStatus.READY)
    with_the_next = PayoutFacts(99 + 1, PayoutAccountStatus.READY)

    assert reason_to_hold(small, 100) is HoldReason.BELOW_MINIMUM
    assert reason_to_hold(with_the_next, 100) is None
    ensure_payout_transition(PayoutStatus.HELD, PayoutStatus.CARRIED)


def test_every_hold_says_in_words_why_and_what_to_do_r173_a37():
    assert set(HOLD_WORDS) == set(HoldReason)
    assert all(words.why.endswith(".") and words.what_to_do.endswith(".") for words in HOLD_WORDS.values())
    assert {reason for reason, words in HOLD_WORDS.items() if not words.heals_itself} == {
        HoldReason.ACCOUNT_INVALID,
        HoldReason.ACCOUNT_CLOSED,
        HoldReason.DISPUTED,
        HoldReason.NOT_COVERED,
        HoldReason.BY_OFFICE,
    }


@pytest.mark.parametrize("role", AssignmentRole)
@pytest.mark.parametrize(
    ("checked_in", "checked_out", "overridden"), [(i, o, v) for i in (0, 1) for o in (0, 1) for v in (0, 1)]
)
def test_who_worked_is_paid_and_a_mere_backup_never_a11(role, checked_in, checked_out, overridden):
    part = Part(role, bool(checked_in), bool(checked_out), bool(overridden))

    if checked_in and checked_out:
        assert took_part(part)
    elif overridden:
        assert took_part(part) is (bool(checked_in) or role is not AssignmentRole.BACKUP)
    else:
        assert not took_part(part)
    assert took_part(part, Participation.ALL_ASSIGNED)  # R154, as the seed says


@pytest.mark.parametrize(
    ("tip", "hours", "split", "parts"),
    [
        (1_000, ["3.5", "2"], TipSplit.EQUALLY, (500, 500)),
        (1_001, ["3.5", "2"], TipSplit.EQUALLY, (501, 500)),
        (1_100, ["3.5", "2"], TipSplit.BY_HOURS, (700, 400)),
        (1, ["1", "1", "1"], TipSplit.EQUALLY, (1, 0, 0)),
    ],
)
def test_a_tip_is_split_among_who_took_part_a34(tip, hours, split, parts):
    assert split_tip(tip, [Decimal(one) for one in hours], split) == parts


@given(
    st.integers(0, 99_999_999),
    st.lists(st.decimals(Decimal("0.01"), 24, places=2), min_size=1, max_size=10),
    st.sampled_from(TipSplit),
)
def test_all_of_a_tip_goes_to_the_cleaners_a34(tip, hours, split):
    assert sum(split_tip(tip, hours, split)) == tip


def test_a_tip_for_nobody_is_a_bug_a34():
    with pytest.raises(ValueError, match="shared"):
        split_tip(100, [])


FRIDAY_EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)  # 18:00 in New York
ZONE = "America/New_York"


def test_a_payout_is_due_at_the_capture_or_a_delay_after_it_a3_r175():
    assert due_at(FRIDAY_EVENING, timedelta(0), ZONE) == FRIDAY_EVENING
    assert due_at(FRIDAY_EVENING, timedelta(minutes=15), ZONE) == FRIDAY_EVENING + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("captured", "due"),
    [
        ("2026-11-20T18:00", "2026-11-23T09:00"),  # Friday evening: Monday
        ("2026-11-20T17:00", "2026-11-23T09:00"),
        ("2026-11-20T16:59", "2026-11-20T16:59"),
        ("2026-11-21T12:00", "2026-11-23T09:00"),
        ("2026-11-18T06:00", "2026-11-18T09:00"),
        ("2026-11-18T20:00", "2026-11-19T09:00"),
    ],
)
def test_who_pays_in_business_hours_only_waits_for_them_r174(captured, due):
    """A3: a setting, off by default."""
    captured_at, expected = (datetime.fromisoformat(one).replace(tzinfo=ZoneInfo(ZONE)) for one in (captured, due))

    assert due_at(captured_at.astimezone(UTC), timedelta(0), ZONE, business_hours_only=True) == expected


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_business_hours_never_pay_early_nor_on_a_weekend_r174(captured_at):
    due = due_at(captured_at, timedelta(0), ZONE, business_hours_only=True)
    local = due.astimezone(ZoneInfo(ZONE))

    assert captured_at <= due < captured_at + timedelta(days=4)
    assert local.weekday() < 5
    assert 9 <= local.hour < 17
