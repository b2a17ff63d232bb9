"""Who may take a shift, and every reason why not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.availability import Slot
from domain.eligibility import ReasonCode, ensure_can_take, ensure_owner_can_take, reasons_not_to_take
from domain.errors import NotEligible, SwapAlreadyTaken
from domain.geo import Position
from domain.ids import AssignmentId, CleanerId, MarketId
from domain.policy import SwapPolicy
from domain.scheduling import AssignmentRole, Shift, Skill
from domain.swaps import SwapFacts, SwapKind, SwapOpener, SwapStatus, TakerFacts

STARTS = datetime(2026, 1, 7, 15, tzinfo=UTC)  # Wednesday 10 AM in New York
ENDS = STARTS + timedelta(hours=4)
NOW = STARTS - timedelta(days=2)
MARKET = MarketId(UUID(int=100))
OWNER, CLEANER = CleanerId(UUID(int=10)), CleanerId(UUID(int=11))
SPOT = Position(28.5384, -81.3789)
POLICY = SwapPolicy()

SWAP = SwapFacts(
    status=SwapStatus.PENDING,
    shift=Shift(AssignmentId(UUID(int=1)), STARTS, ENDS, Decimal(4), SPOT),
    role=AssignmentRole.PRIMARY,
    owner_id=OWNER,
    taker_id=None,
    market_id=MARKET,
    zone="America/New_York",
    opened_by=SwapOpener.CLEANER,
    opened_at=NOW,
    expires_at=STARTS - timedelta(hours=2),
    skills=frozenset({Skill.HOT_TUB}),
)
TAKER = TakerFacts(CLEANER, frozenset({MARKET}), frozenset({Skill.HOT_TUB}), onboarded=True)


def shift(starts_at: datetime, hours: str = "2", *, number: int = 2, position: Position | None = SPOT) -> Shift:
    return Shift(
        AssignmentId(UUID(int=number)), starts_at, starts_at + timedelta(hours=float(hours)), Decimal(hours), position
    )


def codes(swap=SWAP, taker=TAKER, policy=POLICY, now=NOW) -> list[str]:
    return [reason.code.value for reason in reasons_not_to_take(swap, taker, policy, now)]


def only_message(taker: TakerFacts, policy: SwapPolicy = POLICY) -> str:
    (reason,) = reasons_not_to_take(SWAP, taker, policy, NOW)
    return reason.message


def holding(*shifts: Shift) -> TakerFacts:
    return replace(TAKER, shifts=shifts)


def test_a_free_cleaner_of_the_market_with_the_skills_may_take_it_r82():
    assert codes() == []
    ensure_can_take(SWAP, TAKER, POLICY, NOW)


@pytest.mark.parametrize("status", sorted(set(SwapStatus) - {SwapStatus.PENDING}))
def test_a_swap_that_is_not_pending_is_gone_r98(status):
    assert codes(replace(SWAP, status=status)) == ["NOT_PENDING"]


def test_at_approval_the_swap_is_still_to_be_had_by_the_taker_it_awaits_and_by_nobody_else_a27b():
    awaiting = replace(SWAP, status=SwapStatus.AWAITING_APPROVAL, taker_id=TAKER.cleaner_id)

    assert codes(awaiting) == []
    assert codes(awaiting, replace(TAKER, cleaner_id=CleanerId(UUID(int=12)))) == ["NOT_PENDING"]
    assert codes(replace(awaiting, expires_at=NOW)) == ["EXPIRED"]


def test_a_swap_is_over_from_the_instant_of_its_expiry_whatever_its_state_says_a27():
    assert codes(now=SWAP.expires_at - timedelta(microseconds=1)) == []
    assert codes(now=SWAP.expires_at) == ["EXPIRED"]


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"cleaner_id": OWNER}, "OWN_SHIFT", "your own"),
        ({"archived": True}, "CLEANER_ARCHIVED", "archived"),
        ({"onboarded": False}, "ONBOARDING_INCOMPLETE", "onboarding"),
        ({"market_ids": frozenset({UUID(int=101)})}, "MARKET_NOT_YOURS", "market"),
        ({"skills": frozenset({Skill.LAUNDRY})}, "SKILL_MISSING", "hot tub"),
    ],
)
def test_what_the_cleaner_is_or_lacks_is_a_reason_in_plain_words_a26_r18(facts, code, words):
    (reason,) = reasons_not_to_take(SWAP, replace(TAKER, **facts), POLICY, NOW)

    assert reason.code == code
    assert words in reason.message


def test_every_missing_skill_is_named():
    swap = replace(SWAP, skills=frozenset(Skill))

    messages = [r.message for r in reasons_not_to_take(swap, replace(TAKER, skills=frozenset()), POLICY, NOW)]

    assert [message.partition(": ")[2] for message in messages] == ["hot tub.", "laundry."]


def test_an_overlap_names_the_other_shifts_local_times_a26():
    taker = holding(shift(ENDS - timedelta(minutes=30)))

    assert only_message(taker) == "It overlaps your shift of 2026-01-07 13:30 to 15:30."


def test_every_overlapping_shift_is_a_reason_in_the_order_of_time():
    taker = holding(shift(STARTS + timedelta(hours=2), "1", number=3), shift(STARTS - timedelta(hours=1)))

    reasons = reasons_not_to_take(SWAP, taker, POLICY, NOW)

    assert [r.code for r in reasons] == [ReasonCode.OVERLAP, ReasonCode.OVERLAP]
    assert "09:00" in reasons[0].message
    assert "12:00" in reasons[1].message


def test_the_swaps_own_shift_is_no_obstacle_but_another_part_in_the_same_job_is():
    assert codes(taker=holding(SWAP.shift)) == []
    assert codes(taker=holding(replace(SWAP.shift, assignment_id=AssignmentId(UUID(int=2))))) == ["OVERLAP"]


@pytest.mark.parametrize(
    ("other", "rest"),
    [
        (shift(STARTS - timedelta(hours=12), "2"), None),
        (shift(STARTS - timedelta(hours=12) + timedelta(minutes=15), "2"), "9.75"),
        (shift(ENDS + timedelta(hours=10)), None),
        (shift(STARTS - timedelta(hours=12) + timedelta(seconds=1)), "9.99"),
        (shift(STARTS - timedelta(hours=4)), None),  # the same day: no rest is asked
        (shift(ENDS + timedelta(hours=6)), None),  # still Wednesday in New York
        (shift(STARTS - timedelta(hours=11), "11"), "0"),
    ],
)
def test_ten_hours_of_rest_are_required_between_working_days_a27b(other, rest):
    near = replace(POLICY, travel_overhead_minutes=0)

    messages = [r.message for r in reasons_not_to_take(SWAP, holding(other), near, NOW) if r.code == "REST_TOO_SHORT"]

    assert [f"leaves {rest} h of rest" in message for message in messages] == ([] if rest is None else [True])


def test_rest_counts_from_the_days_last_shift_and_to_its_first_only():
    previous_night = shift(STARTS - timedelta(hours=11), "2", number=2)  # 11 PM to 1 AM, starts on Tuesday
    early = shift(STARTS - timedelta(hours=3), "1", number=3)
    next_morning = shift(ENDS + timedelta(hours=11), "2", number=4)
    evening = shift(ENDS + timedelta(hours=5), "2", number=5)
    over_all = shift(STARTS + timedelta(hours=10), "13", number=6)  # starts on Wednesday evening, ends on Thursday noon
    after_that = shift(STARTS + timedelta(hours=28), "2", number=7)

    assert codes(taker=holding(previous_night)) == ["REST_TOO_SHORT"]
    assert codes(taker=holding(previous_night, early)) == []
    assert codes(taker=holding(next_morning)) == []
    assert codes(taker=holding(next_morning, evening)) == []
    assert codes(taker=holding(over_all, after_that)) == []


def test_rest_between_others_is_not_held_against_this_shift():
    monday_night = shift(STARTS - timedelta(hours=40), "2", number=2)
    tuesday_early = shift(STARTS - timedelta(hours=34), "2", number=3)

    assert codes(taker=holding(monday_night, tuesday_early)) == []


def test_a_shift_over_midnight_into_this_one_is_an_overlap_and_not_negative_rest():
    assert codes(taker=holding(shift(STARTS - timedelta(hours=11), "12"))) == ["OVERLAP"]


def test_rest_is_measured_in_elapsed_hours_when_the_clock_changes_a25():
    # 10 PM on Saturday to 8 AM on the 23-hour Sunday is nine hours.
    starts = datetime(2027, 3, 14, 12, tzinfo=UTC)
    swap = replace(
        SWAP, shift=Shift(AssignmentId(UUID(int=1)), starts, starts + timedelta(hours=2), Decimal(2)), expires_at=starts
    )
    taker = holding(shift(datetime(2027, 3, 14, 1, tzinfo=UTC), "2"))

    (reason,) = reasons_not_to_take(swap, taker, POLICY, NOW)

    assert reason.code == "REST_TOO_SHORT"
    assert "leaves 9 h of rest" in reason.message


def test_forty_hours_a_market_week_are_allowed_and_a_minute_more_is_not_a27b():
    monday = datetime(2026, 1, 5, 13, tzinfo=UTC)
    forty = holding(*(shift(monday + timedelta(days=d), "9", number=2 + d) for d in (0, 1, 3, 4)))
    more = replace(forty, shifts=(*forty.shifts, shift(monday + timedelta(days=5), "0.25", number=9)))

    assert codes(taker=forty) == []
    assert only_message(more) == "You would work 40.25 h in the week of 2026-01-05; at most 40 h are allowed."


def test_hours_of_other_weeks_do_not_count():
    sunday_before = shift(datetime(2026, 1, 4, 14, tzinfo=UTC), "20")
    # Monday 3 AM in UTC is still Sunday of this week in New York.
    sunday_night = shift(datetime(2026, 1, 12, 3, tzinfo=UTC), "20", number=3)
    monday_after = shift(datetime(2026, 1, 12, 12, tzinfo=UTC), "20", number=4)

    assert codes(taker=holding(sunday_before, sunday_night)) == []
    assert codes(taker=holding(replace(sunday_night, expected_hours=Decimal("36.01")))) == ["WEEK_HOURS_EXCEEDED"]
    assert codes(taker=holding(sunday_before, monday_after)) == []


FAR = Position(28.5384, -81.2)  # 17.5 km: 35 min at 30 km/h, and 10


def test_the_way_from_and_to_the_neighbouring_shifts_must_fit_into_the_gaps_a27b():
    before = shift(STARTS - timedelta(hours=2, minutes=44), position=FAR)
    after = shift(ENDS + timedelta(minutes=30), number=3, position=FAR)

    reasons = reasons_not_to_take(SWAP, holding(after, before), POLICY, NOW)

    assert [r.code for r in reasons] == ["TRAVEL_TOO_LONG", "TRAVEL_TOO_LONG"]
    assert reasons[0].message == (
        "The way from your shift of 2026-01-07 07:16 to 09:16 takes 45 min and there are only 44 min."
    )
    assert reasons[1].message.startswith("The way to your shift of 2026-01-07 14:30 to 16:30 takes 45 min")
    assert codes(taker=holding(shift(STARTS - timedelta(hours=2, minutes=45), position=FAR))) == []


def test_between_unknown_places_only_the_overhead_is_asked():
    assert codes(taker=holding(shift(ENDS + timedelta(minutes=10), position=None))) == []
    assert codes(taker=holding(shift(ENDS + timedelta(minutes=9), position=None))) == ["TRAVEL_TOO_LONG"]


def test_a_shift_that_ends_when_this_one_starts_leaves_no_time_for_the_way():
    assert codes(taker=holding(shift(STARTS - timedelta(hours=2)))) == ["TRAVEL_TOO_LONG"]
    assert codes(taker=holding(shift(ENDS))) == ["TRAVEL_TOO_LONG"]


def test_only_the_neighbouring_shift_counts_for_travel():
    far_but_long_ago = shift(STARTS - timedelta(hours=5), "1", number=2, position=Position(30, -81))
    next_door = shift(STARTS - timedelta(hours=2), "1", number=3)

    assert codes(taker=holding(next_door, far_but_long_ago)) == []


@pytest.mark.parametrize(
    ("slots", "eligible"),
    [
        ([], False),
        ([(0, 4)], True),
        ([(-1, 5)], True),
        ([(2, 4), (0, 2)], True),
        ([(0, 2), (2.5, 4)], False),
        ([(0, 3.5)], False),
        ([(0.5, 4)], False),
        ([(-3, 3), (-1, 1), (3, 4)], True),
    ],
)
def test_availability_counts_only_where_the_tenant_asks_for_it(slots, eligible):
    available = tuple(Slot(STARTS + timedelta(hours=a), STARTS + timedelta(hours=b)) for a, b in slots)
    taker = replace(TAKER, available=available)
    strict = replace(POLICY, availability_required=True)

    assert codes(taker=taker) == []
    assert codes(taker=taker, policy=strict) == ([] if eligible else ["UNAVAILABLE"])


def test_all_reasons_are_given_at_once_in_a_stable_order_r82():
    taker = TakerFacts(
        cleaner_id=OWNER,
        market_ids=frozenset(),
        skills=frozenset(),
        onboarded=False,
        archived=True,
        shifts=(
            shift(STARTS + timedelta(hours=1), "1", number=2),
            shift(STARTS - timedelta(hours=11), "6", number=3),
            shift(ENDS + timedelta(minutes=5), "35", number=4, position=FAR),
        ),
    )
    swap = replace(SWAP, status=SwapStatus.EXPIRED)
    strict = replace(POLICY, availability_required=True)

    trade = replace(swap, kind=SwapKind.TRADE, wants=frozenset({AssignmentId(UUID(int=99))}))

    # The owner's side of a trade is judged apart.
    every = [code.value for code in ReasonCode if code is not ReasonCode.OWNER_CANNOT_TAKE]
    assert codes(trade, taker, strict, SWAP.expires_at) == every
    assert codes(swap, taker, strict, SWAP.expires_at) == every[:-1]
    reversed_facts = replace(taker, shifts=taker.shifts[::-1])
    assert reasons_not_to_take(swap, taker, strict, NOW) == reasons_not_to_take(swap, reversed_facts, strict, NOW)


def test_a_trade_is_for_who_holds_a_wanted_shift_and_judged_without_it_a27b():
    """The shift that is given is no obstacle: neither by its hours, nor by its time."""
    mine = shift(STARTS + timedelta(hours=1), "1", number=2)
    trade = replace(SWAP, kind=SwapKind.TRADE, wants=frozenset({mine.assignment_id}))
    holder = replace(TAKER, shifts=(mine,))
    busy = replace(TAKER, shifts=(mine, shift(STARTS + timedelta(hours=2), "1", number=3)))

    assert codes(trade, TAKER, POLICY) == ["NOTHING_TO_GIVE"]
    assert codes(trade, holder, POLICY) == []
    assert codes(SWAP, holder, POLICY) == ["OVERLAP"]
    assert codes(trade, busy, POLICY) == ["OVERLAP"]


def test_of_several_wanted_shifts_one_that_makes_room_is_enough_a27b():
    in_the_way = shift(STARTS + timedelta(hours=1), "1", number=2)
    elsewhere = shift(STARTS - timedelta(days=2), "1", number=3)
    trade = replace(SWAP, kind=SwapKind.TRADE, wants=frozenset({in_the_way.assignment_id, elsewhere.assignment_id}))

    assert codes(trade, replace(TAKER, shifts=(elsewhere, in_the_way)), POLICY) == []


def test_why_a_trades_owner_cannot_is_not_told_to_its_taker_a27():
    offered = replace(SWAP, owner_id=TAKER.cleaner_id)
    owner = replace(TAKER, cleaner_id=OWNER, shifts=(shift(STARTS, "1", number=5),))

    with pytest.raises(NotEligible) as refusal:
        ensure_owner_can_take(offered, owner, POLICY, NOW)

    assert [one["code"] for one in refusal.value.details["reasons"]] == ["OWNER_CANNOT_TAKE"]
    ensure_owner_can_take(offered, replace(owner, shifts=()), POLICY, NOW)


def test_a_gone_swap_is_refused_with_the_one_sentence_whatever_else_is_wrong_r98():
    with pytest.raises(SwapAlreadyTaken, match=r"^Swap was already taken or expired\.$"):
        ensure_can_take(replace(SWAP, status=SwapStatus.ACCEPTED), replace(TAKER, archived=True), POLICY, NOW)
    with pytest.raises(SwapAlreadyTaken):
        ensure_can_take(SWAP, TAKER, POLICY, SWAP.expires_at)


def test_an_ineligible_cleaner_is_refused_with_every_reason_r82():
    with pytest.raises(NotEligible) as refusal:
        ensure_can_take(SWAP, replace(TAKER, skills=frozenset(), onboarded=False), POLICY, NOW)

    assert refusal.value.code == "NOT_ELIGIBLE"
    assert [reason["code"] for reason in refusal.value.details["reasons"]] == ["ONBOARDING_INCOMPLETE", "SKILL_MISSING"]
    assert refusal.value.message.count(".") == 2


others = st.lists(
    st.builds(
        lambda number, start, length: shift(STARTS + timedelta(minutes=start), str(Decimal(length) / 4), number=number),
        st.integers(2, 10_000),
        st.integers(-4_000, 4_000),
        st.integers(1, 48),
    ),
    max_size=5,
    unique_by=lambda s: s.assignment_id,
)


@given(others)
def test_whoever_may_take_the_shift_then_has_a_lawful_week(shifts):
    taker = holding(*shifts)
    if codes(taker=taker):
        return

    for other in shifts:
        gap = max(other.starts_at - ENDS, STARTS - other.ends_at)
        assert gap >= timedelta(minutes=10)
    monday = datetime(2026, 1, 5, 5, tzinfo=UTC)
    week = [s for s in shifts if monday <= s.starts_at < monday + timedelta(days=7)]

    assert sum((s.expected_hours for s in week), Decimal(4)) <= 40


@given(others, others)
def test_another_shift_never_removes_an_overlap_or_shortens_the_week(shifts, more):
    hard = {"OVERLAP", "WEEK_HOURS_EXCEEDED"}
    taken = {s.assignment_id for s in shifts}
    extra = [s for s in more if s.assignment_id not in taken]

    fewer = set(codes(taker=holding(*shifts))) & hard

    assert fewer <= set(codes(taker=holding(*shifts, *extra)))
