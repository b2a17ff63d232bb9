"""The states of a swap, its end, what it pays, and what it would mean."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalTransition, Invalid
from domain.geo import Position
from domain.ids import AssignmentId, CleanerId, MarketId
from domain.pay import Work, earnings_of
from domain.policy import PayPolicy, SwapPolicy, TenantPolicy
from domain.scheduling import AssignmentRole, JobStatus, Shift
from domain.swaps import (
    SWAP_TRANSITIONS,
    Preview,
    SwapFacts,
    SwapStatus,
    TakerFacts,
    earns_urgent_bonus,
    ensure_can_offer,
    expiry_of,
    preview,
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
    opened_by_cleaner=True,
    opened_at=OPENED,
    expires_at=STARTS - timedelta(hours=2),
)
TAKER = TakerFacts(CleanerId(UUID(int=11)), frozenset({MARKET}), frozenset(), onboarded=True)

MOVES = {
    "PENDING": {"AWAITING_APPROVAL", "ACCEPTED", "WITHDRAWN", "EXPIRED"},
    "AWAITING_APPROVAL": {"ACCEPTED", "DECLINED", "WITHDRAWN", "EXPIRED"},
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

    assert expiry_of(STARTS, ENDS, lead, opened_by_cleaner=True) == STARTS - timedelta(hours=2)
    assert expiry_of(STARTS, ENDS, lead, opened_by_cleaner=False) == ENDS


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
    ("facts", "opted_in", "bonus"),
    [
        ({}, False, False),
        ({"job_is_urgent": True}, False, True),
        ({"opened_at": LATE}, False, False),
        ({"opened_at": LATE}, True, True),
        ({"opened_at": LATE, "job_is_urgent": True}, False, True),
        ({"opened_by_cleaner": False}, False, False),
        ({"opened_by_cleaner": False, "opened_at": LATE}, False, True),
        ({}, True, False),
    ],
)
def test_a_late_cover_of_the_office_pays_the_urgent_bonus_and_a_late_offer_only_by_choice_a22(facts, opted_in, bonus):
    policy = TenantPolicy(swaps=SwapPolicy(late_offer_bonus=opted_in))

    assert earns_urgent_bonus(replace(SWAP, **facts), policy) is bonus


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
