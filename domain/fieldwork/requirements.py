"""What a clean has to show: photos by zone, scaled by the home, and what is still missing (R109 to R112, A21).

`missing` is the one function that decides: the app, the office and the capture of money all ask it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class PhotoStage(StrEnum):
    """What a photo shows (R128)."""

    BEFORE = "BEFORE"
    """The state on arrival, damage included (R107)."""
    AFTER = "AFTER"
    """The work done (R109)."""
    ACCESS = "ACCESS"
    """Why nobody could get in."""


class Scale(StrEnum):
    """What a zone's number of after photos is counted by (R111)."""

    PROPERTY = "PROPERTY"
    BEDROOM = "BEDROOM"
    BATHROOM = "BATHROOM"
    HOT_TUB = "HOT_TUB"
    LAUNDRY = "LAUNDRY"


class EvidenceStatus(StrEnum):
    """Whether a job is proven; the server derives it, and what a client claims is ignored (R119, A19)."""

    OPEN = "OPEN"
    """The work is under way."""
    INCOMPLETE = "INCOMPLETE"
    """Everybody has left and something is missing: nothing is captured (R122, R123)."""
    COMPLETE = "COMPLETE"
    """All that is required is there (R112)."""
    OVERRIDDEN = "OVERRIDDEN"
    """An administrator has accepted it as it is, with a reason."""
    NO_ACCESS = "NO_ACCESS"
    """Nobody could get in; photo and note say so."""


PROVEN = frozenset({EvidenceStatus.COMPLETE, EvidenceStatus.OVERRIDDEN})
"""What money may be captured for (R113)."""


class RequirementCode(StrEnum):
    """What can be missing."""

    CHECK_IN = "CHECK_IN"
    """Nobody responsible has checked in (R114)."""
    CHECK_IN_POSITION = "CHECK_IN_POSITION"
    """A check-in has no accepted position (R121)."""
    CHECK_OUT = "CHECK_OUT"
    """Somebody who checked in has not checked out (R115)."""
    CHECK_OUT_POSITION = "CHECK_OUT_POSITION"
    """A check-out has no position (R121)."""
    BEFORE_PHOTOS = "BEFORE_PHOTOS"
    """Too few before photos of a zone (R107)."""
    AFTER_PHOTOS = "AFTER_PHOTOS"
    """Too few after photos of a zone (R109, R111)."""
    CHECKLIST = "CHECKLIST"
    """A required checklist item is open (R110)."""
    ACCESS_PHOTO = "ACCESS_PHOTO"
    """No photo shows why one cannot get in; asked where somebody says so."""


@dataclass(frozen=True, slots=True)
class ZoneRule:
    """How many photos one zone needs: `before` as it stands, `after` for each of what `scale` counts (R111, A21)."""

    zone: str
    before: int
    after: int
    scale: Scale = Scale.PROPERTY


DEFAULT_ZONES = (
    ZoneRule("kitchen", 1, 1),
    ZoneRule("bathroom", 1, 2, Scale.BATHROOM),
    ZoneRule("bedroom", 1, 1, Scale.BEDROOM),
    ZoneRule("living", 1, 1),
    ZoneRule("hot_tub", 1, 1, Scale.HOT_TUB),
)


@dataclass(frozen=True, slots=True)
class Size:
    """What of a home the rules count."""

    bedrooms: int
    bathrooms: int
    hot_tub: bool = False
    laundry: bool = False

    def count(self, scale: Scale) -> int:
        """How many of what the scale counts the home has."""
        counts: Mapping[Scale, int] = {
            Scale.PROPERTY: 1,
            Scale.BEDROOM: self.bedrooms,
            Scale.BATHROOM: self.bathrooms,
            Scale.HOT_TUB: int(self.hot_tub),
            Scale.LAUNDRY: int(self.laundry),
        }
        return counts[scale]


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """Photos of one zone: how many before and after it are required, or are there."""

    zone: str
    before: int
    after: int


def required_photos(rules: Iterable[ZoneRule], size: Size) -> tuple[ZoneCount, ...]:
    """The photos that a home of this size needs; a zone it does not have needs none (R111)."""
    return tuple(
        ZoneCount(rule.zone, rule.before, rule.after * many) for rule in rules if (many := size.count(rule.scale))
    )


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """What one visit has shown. `is_responsible`: by the primary cleaner, or by who activated as backup."""

    is_responsible: bool
    checked_in: bool
    in_position: bool
    checked_out: bool
    out_position: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that decides whether a job is proven."""

    required: tuple[ZoneCount, ...]
    photos: tuple[ZoneCount, ...]
    """Photos that the server has checked and kept, by zone; zones that nobody photographed may be left out."""
    open_items: tuple[str, ...]
    """The labels of required checklist items that are not done."""
    visits: tuple[VisitFacts, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that still stands between a job and its proof."""

    code: RequirementCode
    message: str
    zone: str | None = None
    required: int = 1
    present: int = 0


def missing(facts: Facts) -> tuple[Missing, ...]:
    """All that is missing, in the order in which a visit goes; empty means proven (R112, R120, R121, A21)."""
    return (*_missing_arrival(facts), *_missing_work(facts), *_missing_departure(facts))


def missing_before(facts: Facts, *, checked_in: bool) -> tuple[Missing, ...]:
    """What is missing before somebody may begin to work: their own check-in, and the before photos (R107)."""
    own = () if checked_in else (Missing(RequirementCode.CHECK_IN, "You have not checked in."),)
    return (*own, *_missing_before_photos(facts))


def _missing_arrival(facts: Facts) -> tuple[Missing, ...]:
    found = []
    if not any(visit.is_responsible and visit.checked_in for visit in facts.visits):
        found.append(Missing(RequirementCode.CHECK_IN, "Nobody responsible has checked in."))
    found += [
        Missing(RequirementCode.CHECK_IN_POSITION, "A check-in has no position.")
        for visit in facts.visits
        if visit.checked_in and not visit.in_position
    ]
    return (*found, *_missing_before_photos(facts))


def _missing_before_photos(facts: Facts) -> tuple[Missing, ...]:
    there = {count.zone: count.before for count in facts.photos}
    return tuple(
        _too_few(RequirementCode.BEFORE_PHOTOS, count.zone, count.before, there.get(count.zone, 0))
        for count in facts.required
        if there.get(count.zone, 0) < count.before
    )


def _missing_work(facts: Facts) -> tuple[Missing, ...]:
    there = {count.zone: count.after for count in facts.photos}
    photos = [
        _too_few(RequirementCode.AFTER_PHOTOS, count.zone, count.after, there.get(count.zone, 0))
        for count in facts.required
        if there.get(count.zone, 0) < count.after
    ]
    return (*(Missing(RequirementCode.CHECKLIST, f"Not done: {label}") for label in facts.open_items), *photos)


def _missing_departure(facts: Facts) -> tuple[Missing, ...]:
    came = [visit for visit in facts.visits if visit.checked_in]
    found = [Missing(RequirementCode.CHECK_OUT, "Not checked out yet.") for visit in came if not visit.checked_out]
    found += [
        Missing(RequirementCode.CHECK_OUT_POSITION, "A check-out has no position.")
        for visit in came
        if visit.checked_out and not visit.out_position
    ]
    return tuple(found)


def _too_few(code: RequirementCode, zone: str, required: int, present: int) -> Missing:
    when = "before" if code is RequirementCode.BEFORE_PHOTOS else "after"
    return Missing(code, f"{present} of {required} {when} photos of {zone}.", zone, required, present)
