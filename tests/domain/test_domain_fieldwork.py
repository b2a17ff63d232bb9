"""What a clean must show, as pure functions: completeness, the fence, the phases, and what devices say of time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import IllegalTransition, Invalid, OutsideGeofence
from domain.fieldwork.checklists import default_items
from domain.fieldwork.device import ClockFlag, DeviceTime, judge
from domain.fieldwork.geofence import Fence, Fix, FixFlag, ensure_inside, sight
from domain.fieldwork.phases import VISIT_TRANSITIONS, VisitPhase, ensure_visit_transition
from domain.fieldwork.requirements import (
    DEFAULT_ZONES,
    Facts,
    RequirementCode,
    Scale,
    Size,
    VisitFacts,
    ZoneCount,
    ZoneRule,
    missing,
    missing_before,
    required_photos,
)
from domain.geo import EARTH_RADIUS_METRES, Position

CAME = VisitFacts(is_responsible=True, checked_in=True, in_position=True, checked_out=True, out_position=True)
TWO_A_BATH = (ZoneRule("bathroom", 1, 2, Scale.BATHROOM),)
DEGREE = EARTH_RADIUS_METRES * 3.141592653589793 / 180
"""Metres of latitude."""


def codes(facts: Facts) -> list[RequirementCode]:
    return [one.code for one in missing(facts)]


# Completeness


def test_two_photos_for_each_of_three_baths_are_six() -> None:
    """R111: the vector: 2 x 3 = 6; five are incomplete, six are complete."""
    required = required_photos(TWO_A_BATH, Size(bedrooms=1, bathrooms=3))
    assert required == (ZoneCount("bathroom", 1, 6),)

    five = Facts(required, (ZoneCount("bathroom", 1, 5),), (), (CAME,))
    (lacking,) = missing(five)
    assert (lacking.code, lacking.zone, lacking.required, lacking.present) == (
        RequirementCode.AFTER_PHOTOS,
        "bathroom",
        6,
        5,
    )
    assert lacking.message == "5 of 6 after photos of bathroom."
    assert missing(replace(five, photos=(ZoneCount("bathroom", 1, 6),))) == ()


@pytest.mark.parametrize(("before", "after", "ticked"), list(product((False, True), repeat=3)))
def test_evidence_is_complete_where_before_and_after_and_checklist_are(before: bool, after: bool, ticked: bool) -> None:
    """R112: each leg alone decides; all eight cases."""
    facts = Facts(
        required=(ZoneCount("kitchen", 1, 1),),
        photos=(ZoneCount("kitchen", int(before), int(after)),),
        open_items=() if ticked else ("Bins are emptied",),
        visits=(CAME,),
    )
    expected = {
        RequirementCode.BEFORE_PHOTOS: not before,
        RequirementCode.CHECKLIST: not ticked,
        RequirementCode.AFTER_PHOTOS: not after,
    }
    assert codes(facts) == [code for code, lacks in expected.items() if lacks]


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ((), [RequirementCode.CHECK_IN]),
        ((replace(CAME, is_responsible=False),), [RequirementCode.CHECK_IN]),
        ((replace(CAME, checked_in=False, checked_out=False),), [RequirementCode.CHECK_IN]),
        ((replace(CAME, in_position=False),), [RequirementCode.CHECK_IN_POSITION]),
        ((replace(CAME, checked_out=False, out_position=False),), [RequirementCode.CHECK_OUT]),
        ((replace(CAME, out_position=False),), [RequirementCode.CHECK_OUT_POSITION]),
        ((CAME, replace(CAME, is_responsible=False, checked_out=False)), [RequirementCode.CHECK_OUT]),
        ((CAME, replace(CAME, checked_in=False, in_position=False, checked_out=False, out_position=False)), []),
        ((CAME, replace(CAME, is_responsible=False)), []),
    ],
)
def test_who_came_must_have_been_there_and_left(
    visits: tuple[VisitFacts, ...], expected: list[RequirementCode]
) -> None:
    """R114, R115, R118, R121, A11: times and positions of all who checked in, one of them responsible."""
    assert codes(Facts((), (), (), visits)) == expected


def test_more_of_one_zone_does_not_make_up_for_another() -> None:
    """A21: zones are required by name."""
    facts = Facts((ZoneCount("kitchen", 1, 1), ZoneCount("bathroom", 1, 2)), (ZoneCount("kitchen", 9, 9),), (), (CAME,))
    assert [(one.code, one.zone) for one in missing(facts)] == [
        (RequirementCode.BEFORE_PHOTOS, "bathroom"),
        (RequirementCode.AFTER_PHOTOS, "bathroom"),
    ]


def test_a_zone_that_a_home_does_not_have_needs_no_photo() -> None:
    """R111, A21: a studio without a bedroom, a home with a hot tub."""
    assert {zone.zone for zone in required_photos(DEFAULT_ZONES, Size(0, 1))} == {"kitchen", "bathroom", "living"}
    assert "hot_tub" in {zone.zone for zone in required_photos(DEFAULT_ZONES, Size(2, 1, hot_tub=True))}


def test_work_begins_with_ones_own_check_in_and_the_before_photos_alone() -> None:
    """R107: neither after photos nor checklist nor who else has come are asked."""
    facts = Facts((ZoneCount("kitchen", 1, 1),), (), ("Bins are emptied",), ())
    assert [one.code for one in missing_before(facts, checked_in=False)] == [
        RequirementCode.CHECK_IN,
        RequirementCode.BEFORE_PHOTOS,
    ]
    shown = replace(facts, photos=(ZoneCount("kitchen", 1, 0),))
    assert missing_before(shown, checked_in=True) == ()


ZONES = st.sampled_from(("kitchen", "bathroom", "bedroom"))
COUNTS = st.integers(0, 4)
ZONE_COUNTS = st.dictionaries(ZONES, st.tuples(COUNTS, COUNTS), max_size=3).map(
    lambda zones: tuple(ZoneCount(zone, *counts) for zone, counts in zones.items())
)
VISITS = st.builds(VisitFacts, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
ITEMS = st.lists(st.sampled_from(("a", "b", "c")), unique=True).map(tuple)
FACTS = st.builds(Facts, ZONE_COUNTS, ZONE_COUNTS, ITEMS, st.lists(VISITS, max_size=3).map(tuple))


@given(FACTS, ZONES, st.booleans())
def test_a_photo_more_never_adds_to_what_is_missing(facts: Facts, zone: str, after: bool) -> None:
    """R112, A21: evidence is only ever added, and adding it takes nothing back."""
    there = {count.zone: count for count in facts.photos}
    had = there.get(zone, ZoneCount(zone, 0, 0))
    more = replace(had, after=had.after + 1) if after else replace(had, before=had.before + 1)
    _ensure_fewer(facts, replace(facts, photos=tuple({**there, zone: more}.values())))


@given(FACTS)
def test_a_tick_more_never_adds_to_what_is_missing(facts: Facts) -> None:
    """R110, R112."""
    _ensure_fewer(facts, replace(facts, open_items=facts.open_items[1:]))


@given(FACTS, st.integers(0, 2))
def test_who_leaves_with_a_position_never_adds_to_what_is_missing(facts: Facts, place: int) -> None:
    """R115, R121."""
    visits = list(facts.visits)
    if place < len(visits):
        visits[place] = replace(visits[place], checked_out=True, out_position=True)
    _ensure_fewer(facts, replace(facts, visits=tuple(visits)))


@given(FACTS)
def test_nothing_is_missing_exactly_where_every_rule_is_met(facts: Facts) -> None:
    """R112, R120, R121, A21: the union of all rules, said a second time."""
    there = {count.zone: count for count in facts.photos}
    none = ZoneCount("", 0, 0)
    came = [visit for visit in facts.visits if visit.checked_in]
    proven = (
        all(there.get(zone.zone, none).before >= zone.before for zone in facts.required)
        and all(there.get(zone.zone, none).after >= zone.after for zone in facts.required)
        and not facts.open_items
        and any(visit.is_responsible for visit in came)
        and all(visit.in_position and visit.checked_out and visit.out_position for visit in came)
    )
    assert (missing(facts) == ()) == proven


def _ensure_fewer(before: Facts, after: Facts) -> None:
    assert _things(after) <= _things(before)
    assert len(missing(after)) <= len(missing(before))


def _things(facts: Facts) -> set[tuple[str, str | None, str]]:
    """What is missing, without the counts that photos change."""
    return {
        (one.code.value, one.zone, one.message if one.code is RequirementCode.CHECKLIST else "")
        for one in missing(facts)
    }


# The fence


@pytest.mark.parametrize(
    ("metres", "accuracy", "flags"),
    [
        (0, 0, ()),
        (150, 0, ()),
        (151, 0, (FixFlag.OUTSIDE,)),
        (160, 10, ()),
        (161, 10, (FixFlag.OUTSIDE,)),
        (0, 100, ()),
        (0, 100.01, (FixFlag.VAGUE,)),
        (250, 100, ()),
        (251, 100, (FixFlag.OUTSIDE,)),
        (240, 100.01, (FixFlag.VAGUE,)),
        (20_000, 300, (FixFlag.VAGUE, FixFlag.OUTSIDE)),
    ],
)
def test_a_fix_counts_where_distance_less_accuracy_is_within_the_radius(
    metres: float, accuracy: float, flags: tuple[FixFlag, ...]
) -> None:
    """A20: 150 m, and at most 100 m of accuracy; both edges."""
    fence = Fence(Position(25.7617, -80.1918))
    # A hair inside, so that the edge does not hang on the last bit of a sine.
    fix = Fix(Position(25.7617 + (metres - 1e-4) / DEGREE, -80.1918), accuracy)

    seen = sight(fence, fix)

    assert seen.flags == flags
    assert seen.distance_metres == pytest.approx(metres, abs=0.01)
    if not flags:
        assert ensure_inside(fence, fix) == seen.distance_metres
    else:
        with pytest.raises(OutsideGeofence) as refusal:
            ensure_inside(fence, fix)
        assert refusal.value.details["distanceMetres"] == round(metres)
        assert refusal.value.details["flags"] == list(flags)


def test_a_fix_that_says_it_is_made_up_never_counts() -> None:
    """A20: also in the middle of the home."""
    fix = Fix(Position(25.7617, -80.1918), 5, is_mock=True)
    with pytest.raises(OutsideGeofence, match="mock"):
        ensure_inside(Fence(Position(25.7617, -80.1918)), fix)


def test_the_fence_goes_over_the_antimeridian_and_around_the_pole() -> None:
    """A20: metres on the ground, not degrees."""
    assert ensure_inside(Fence(Position(0, 180)), Fix(Position(0, -179.9995), 5)) < 60
    assert ensure_inside(Fence(Position(90, 0)), Fix(Position(89.9995, 170), 5)) < 60


@pytest.mark.parametrize("accuracy", [-1, nan, inf, 1_000_001])
def test_an_accuracy_that_is_no_length_is_invalid(accuracy: float) -> None:
    """R19."""
    with pytest.raises(Invalid) as refusal:
        Fix(Position(0, 0), accuracy)
    assert refusal.value.field == ("fix", "accuracyMetres")


@pytest.mark.parametrize(("latitude", "longitude"), [(nan, 0), (0, nan), (90.1, 0), (0, -180.1), (inf, 0)])
def test_a_position_that_is_nowhere_is_invalid(latitude: float, longitude: float) -> None:
    """R19."""
    with pytest.raises(Invalid):
        Position(latitude, longitude)


# Phases


@pytest.mark.parametrize(("before", "after"), list(product(VisitPhase, repeat=2)))
def test_a_visit_moves_along_its_table_and_nowhere_else(before: VisitPhase, after: VisitPhase) -> None:
    """R104: none skipped, none taken out of order, none twice."""
    order = [VisitPhase.INSTRUCTION, VisitPhase.ARRIVAL, VisitPhase.IN_PROGRESS, VisitPhase.COMPLETION, VisitPhase.DONE]
    is_next = (before, after) in zip(order, order[1:], strict=False)
    if is_next or (before, after) == (VisitPhase.ARRIVAL, VisitPhase.NO_ACCESS):
        ensure_visit_transition(before, after)
    else:
        with pytest.raises(IllegalTransition) as refusal:
            ensure_visit_transition(before, after)
        assert refusal.value.details["allowed"] == [one for one in VisitPhase if one in VISIT_TRANSITIONS[before]]


# The device's clock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TOLERANCE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("captured", "sent", "skew_ms", "flags"),
    [
        (None, None, None, ()),
        (0, 0, 0, ()),
        (300, 300, 300_000, ()),
        (301, 301, 301_000, (ClockFlag.CLOCK_SKEW,)),
        (-301, -301, -301_000, (ClockFlag.CLOCK_SKEW,)),
        (86_400, 86_400, 86_400_000, (ClockFlag.CLOCK_SKEW,)),
        (-600, 0, 0, ()),
        (-601, 0, 0, (ClockFlag.LATE,)),
        (1, 0, 0, (ClockFlag.FROM_THE_FUTURE,)),
        (-90_000, -86_400, -86_400_000, (ClockFlag.CLOCK_SKEW, ClockFlag.LATE)),
        (-20, None, -20_000, ()),
        (None, 2, 2_000, ()),
    ],
)
def test_a_devices_time_is_compared_with_the_servers(
    captured: int | None, sent: int | None, skew_ms: int | None, flags: tuple[ClockFlag, ...]
) -> None:
    """A40: seconds off the server's noon; a fact of yesterday by a clock that is right is late, not wrong."""
    told = DeviceTime(*(None if off is None else NOON + timedelta(seconds=off) for off in (captured, sent)))
    timing = judge(told, NOON, TOLERANCE)
    assert (timing.skew_ms, timing.flags) == (skew_ms, flags)
    assert timing.captured_at == (told.captured_at or told.sent_at)


# The checklist that a home gets


def test_a_home_gets_a_line_for_each_of_its_rooms() -> None:
    """R108, R111: numbered where there are several, none for what it does not have."""
    lines = default_items(Size(bedrooms=2, bathrooms=1))
    labels = [line.label for line in lines]
    assert "The bed is made up with fresh linen (1 of 2)" in labels
    assert "The bed is made up with fresh linen (2 of 2)" in labels
    assert "Towels are changed" in labels
    assert not [line for line in lines if line.zone in {"hot_tub", "laundry"}]
    assert {line.zone for line in default_items(Size(1, 1, hot_tub=True, laundry=True))} >= {"hot_tub", "laundry"}
    assert len(set(labels)) == len(labels)
