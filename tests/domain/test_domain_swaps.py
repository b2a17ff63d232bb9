"""The states of a swap, its end, what it pays, and what it would mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Conflict, IllegalTransition, Invalid
from domain.geo import Position
from domain.ids import AssignmentId, CleanerId, MarketId
from domain.pay import Work, earnings_of
from domain.policy import PayPolicy, SwapPolicy, TenantPolicy
from domain.scheduling import AssignmentRole, JobStatus, Shift
from domain.swaps import (
    SWAP_TRANSITIONS,
    Preview,
    SwapFacts,
    SwapKind,
    SwapOpener,
    SwapStatus,
    TakerFacts,
    earns_urgent_bonus,
    ensure_can_offer,
    ensure_can_return,
    ensure_swap_transition,
    expiry_of,
    late_offer_earns_bonus,
    preview,
    shifts_to_give,
    status_after_return,
)

STARTS = datetime(2026, 1, 7, 15, tzinfo=UTC)  # Wednesday 10 AM in New York
ENDS = STARTS + timedelta(hours=4)
OPENED = STARTS - timedelta(days=3)
SPOT = Position(28.5384, -81.3789)
TENANT = TenantPolicy()
MARKET = MarketId(UUID(int=100))

SWAP = SwapFacts(
    status=SwapStatus.PENDING,
    shift=Shift(AssignmentId(UUID(int=1)), STARTS, ENDS, Decimal("3.5"), SPOT),
    role=AssignmentRole.PRIMARY,
    owner_id=CleanerId(UUID(int=10)),
    taker_id=None,
    market_id=MARKET,
    zone="America/New_York",
    opened_by=SwapOpener.CLEANER,
    opened_at=OPENED,
    expires_at=STARTS - timedelta(hours=2),
)
TAKER = TakerFacts(CleanerId(UUID(int=11)), frozenset({MARKET}), frozenset(), onboarded=True)

MOVES = {
    "PENDING": {"AWAITING_APPROVAL", "ACCEPTED", "WITHDRAWN", "EXPIRED"},
    "AWAITING_APPROVAL": {"ACCEPTED", "DECLINED", "WITHDRAWN", "EXPIRED", "RETURNED"},
    "ACCEPTED": {"RETURNED"},
    "RETURNED": {"PENDING"},
}


def shift(starts_at: datetime, hours: str = "2", *, number: int = 2, position: Position | None = None) -> Shift:
    return Shift(
        AssignmentId(UUID(int=number)), starts_at, starts_at + timedelta(hours=float(hours)), Decimal(hours), position
    )


def test_a_swap_moves_only_as_its_table_says_a27b():
    """R260."""
    table = {before.value: {after.value for after in moves} for before, moves in SWAP_TRANSITIONS.items() if moves}

    assert table == MOVES


def test_every_swap_state_has_a_row_in_the_table():
    assert set(SWAP_TRANSITIONS) == set(SwapStatus)


def test_a_cleaners_swap_ends_two_hours_before_the_start_and_the_offices_at_the_end_a27():
    lead = SwapPolicy().cleaner_lead

    assert expiry_of(STARTS, ENDS, lead, SwapOpener.CLEANER) == STARTS - timedelta(hours=2)
    assert expiry_of(STARTS, ENDS, lead, SwapOpener.OFFICE) == ENDS


@pytest.mark.parametrize("status", [JobStatus.ASSIGNED, JobStatus.NO_SHOW])
def test_an_assigned_shift_can_be_offered_while_time_is_left_r94(status):
    ensure_can_offer(status, SWAP.expires_at, SWAP.expires_at - timedelta(microseconds=1))


def test_a_shift_without_time_left_cannot_be_offered_a27():
    with pytest.raises(Invalid) as refusal:
        ensure_can_offer(JobStatus.ASSIGNED, SWAP.expires_at, SWAP.expires_at)

    assert refusal.value.field == ("assignmentId",)
    assert refusal.value.details == {"until": SWAP.expires_at.isoformat()}


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.ASSIGNED, JobStatus.NO_SHOW}))
def test_a_shift_that_is_not_assigned_or_already_runs_cannot_be_offered_r94(status):
    with pytest.raises(IllegalTransition) as refusal:
        ensure_can_offer(status, ENDS, OPENED)

    assert refusal.value.field == ("assignmentId",)


@pytest.mark.parametrize(
    ("work", "parts"),
    [
        (Work(Decimal("3.5"), AssignmentRole.PRIMARY), (5950, 0, 0)),
        (Work(Decimal("3.5"), AssignmentRole.LAUNDRY_LEAD, urgent=True, laundry_loads=2), (5950, 1000, 1000)),
        (Work(Decimal("3.5"), AssignmentRole.PRIMARY, laundry_loads=2), (5950, 0, 0)),
        (Work(Decimal("3.5"), AssignmentRole.BACKUP, urgent=True, laundry_loads=2), (5950, 1000, 0)),
        (Work(Decimal(2), AssignmentRole.PRIMARY, tier="premium"), (4400, 0, 0)),
        (Work(Decimal("0.5"), AssignmentRole.PRIMARY, tier="odd"), (1, 0, 0)),  # half a cent goes up
    ],
)
def test_earnings_are_hours_by_rate_and_the_bonuses_in_three_parts_r160_to_r163(work, parts):
    """A12: whole hours and the urgent bonus for each who is paid, laundry for its lead alone."""
    policy = PayPolicy(tier_rate_cents=(("odd", 1), ("premium", 2200)))

    earned = earnings_of(work, policy)

    assert (earned.base_cents, earned.urgent_cents, earned.laundry_cents) == parts
    assert earned.total_cents == sum(parts)


@given(st.decimals(0, 24, places=2), st.integers(0, 100_000), st.booleans(), st.integers(0, 50))
def test_earnings_are_whole_cents_within_half_a_cent_of_the_exact_sum_r261(hours, rate, urgent, loads):
    policy = PayPolicy(rate_cents=rate)

    earned = earnings_of(Work(hours, AssignmentRole.LAUNDRY_LEAD, urgent, loads), policy)

    exact = hours * rate + 1000 * urgent + 500 * loads
    assert isinstance(earned.total_cents, int)
    assert -Decimal("0.5") < earned.total_cents - exact <= Decimal("0.5")


LATE = STARTS - timedelta(hours=23)


@pytest.mark.parametrize(
    ("opener", "now", "opted_in", "bonus"),
    [
        (SwapOpener.CLEANER, OPENED, True, False),
        (SwapOpener.CLEANER, LATE, False, False),
        (SwapOpener.CLEANER, LATE, True, True),
        # What the office opens late makes the job urgent instead: nobody earns the bonus twice.
        (SwapOpener.OFFICE, LATE, True, False),
        (SwapOpener.OFFICE, OPENED, False, False),
    ],
)
def test_what_a_cleaner_offers_late_earns_the_urgent_bonus_only_by_choice_a22(opener, now, opted_in, bonus):
    policy = TenantPolicy(swaps=SwapPolicy(late_offer_bonus=opted_in))

    assert late_offer_earns_bonus(opener, STARTS, now, policy) is bonus


@pytest.mark.parametrize(
    ("facts", "bonus"),
    [({}, False), ({"job_is_urgent": True}, True), ({"urgent_bonus": True}, True)],
)
def test_the_bonus_is_paid_for_an_urgent_job_and_for_an_offer_that_earned_it_a22(facts, bonus):
    assert earns_urgent_bonus(replace(SWAP, **facts)) is bonus


GRACE = timedelta(minutes=10)


def test_a_shift_is_given_back_within_the_grace_and_not_at_its_end_a29():
    ensure_can_return(SwapStatus.ACCEPTED, OPENED, GRACE, OPENED + GRACE - timedelta(microseconds=1))
    ensure_can_return(SwapStatus.AWAITING_APPROVAL, None, GRACE, OPENED + timedelta(days=1))

    with pytest.raises(Conflict, match="within 10 min"):
        ensure_can_return(SwapStatus.ACCEPTED, OPENED, GRACE, OPENED + GRACE)


@pytest.mark.parametrize(
    "status",
    sorted(set(SwapStatus) - {SwapStatus.ACCEPTED, SwapStatus.AWAITING_APPROVAL}),
)
def test_what_was_not_taken_is_not_given_back_a27b(status):
    with pytest.raises(IllegalTransition):
        ensure_can_return(status, OPENED, GRACE, OPENED)


def test_a_returned_swap_is_for_others_again_while_time_is_left_a27b():
    assert status_after_return(STARTS, STARTS - timedelta(microseconds=1)) is SwapStatus.PENDING
    assert status_after_return(STARTS, STARTS) is SwapStatus.RETURNED


def test_every_move_of_a_swap_is_in_the_published_table_a27b():
    for before in SwapStatus:
        for after in SwapStatus:
            if after in MOVES.get(before, set()):
                ensure_swap_transition(before, after)
            else:
                with pytest.raises(IllegalTransition):
                    ensure_swap_transition(before, after)


def test_for_a_trade_one_of_the_wanted_shifts_is_given_the_earliest_first_a27b():
    one, two, other = (shift(STARTS + timedelta(days=days), number=days) for days in (5, 4, 6))
    trade = replace(SWAP, kind=SwapKind.TRADE, wants=frozenset({one.assignment_id, two.assignment_id}))
    holder = replace(TAKER, shifts=(one, two, other))

    assert shifts_to_give(trade, holder) == (two.assignment_id, one.assignment_id)
    assert shifts_to_give(trade, TAKER) == ()
    assert shifts_to_give(SWAP, holder) == (None,)


def test_a_preview_of_a_trade_counts_the_week_without_the_shift_that_is_given():
    mine = shift(STARTS + timedelta(days=1))
    trade = replace(SWAP, kind=SwapKind.TRADE, wants=frozenset({mine.assignment_id}))

    assert preview(trade, replace(TAKER, shifts=(mine,)), TENANT).week_hours == Decimal("3.5")


def test_a_preview_shows_earnings_travel_and_the_weeks_hours():
    near = Position(28.5384, -81.4289)  # 4.9 km
    taker = replace(TAKER, shifts=(shift(STARTS - timedelta(hours=3), position=near),))

    assert preview(SWAP, taker, TENANT) == Preview(5950, 20, Decimal("5.5"))


def test_a_preview_for_a_laundry_lead_on_an_urgent_job_is_the_golden_sum():
    swap = replace(SWAP, role=AssignmentRole.LAUNDRY_LEAD, laundry_loads=2, job_is_urgent=True)

    assert preview(swap, TAKER, TENANT) == Preview(7950, 0, Decimal("3.5"))


def test_travel_is_from_the_days_previous_shift_else_from_home_else_unknown():
    home = Position(28.5384, -81.3789)
    far = Position(28.9, -81.4)
    previous = shift(STARTS - timedelta(hours=4), number=3, position=SPOT)
    earlier = shift(STARTS - timedelta(hours=8), number=4, position=far)
    yesterday = shift(STARTS - timedelta(days=1), number=5, position=far)
    later = shift(ENDS + timedelta(hours=1), number=6, position=far)

    assert preview(SWAP, TAKER, TENANT).travel_minutes == 0
    assert preview(SWAP, replace(TAKER, home=home), TENANT).travel_minutes == 10
    assert preview(SWAP, replace(TAKER, shifts=(yesterday, later)), TENANT).travel_minutes == 0
    assert preview(SWAP, replace(TAKER, home=far, shifts=(earlier, previous)), TENANT).travel_minutes == 10
    assert preview(SWAP, replace(TAKER, home=home, shifts=(earlier,)), TENANT).travel_minutes > 80


def test_travel_is_also_from_a_shift_that_ends_when_this_one_starts():
    taker = replace(TAKER, shifts=(shift(STARTS - timedelta(hours=2), position=SPOT),))

    assert preview(SWAP, taker, TENANT).travel_minutes == 10


def test_the_shift_itself_is_not_counted_twice_when_the_taker_already_holds_it():
    taker = replace(TAKER, shifts=(SWAP.shift, shift(STARTS + timedelta(days=1))))

    assert preview(SWAP, taker, TENANT).week_hours == Decimal("5.5")
