"""Whether a check-in is at the place (R106, A20)."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Invalid, OutsideGeofence
from domain.geo import Position, distance_metres

RADIUS_METRES = 150
ACCURACY_METRES = 100


@dataclass(frozen=True, slots=True)
class Fix:
    """One position as a device tells it: degrees, and the radius in metres within which the device is likely to be."""

    position: Position
    accuracy_metres: float
    is_mock: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.accuracy_metres <= 1_000_000:
            raise Invalid("The accuracy must be a number of metres, 0 or more.", field=("fix", "accuracyMetres"))


@dataclass(frozen=True, slots=True)
class Fence:
    """The circle around a home, and how exact a fix must be to count."""

    centre: Position
    radius_metres: int = RADIUS_METRES
    accuracy_metres: int = ACCURACY_METRES


class FixFlag(StrEnum):
    """Why a position would not do as a check-in; a check-out is kept with it all the same."""

    MOCK = "MOCK"
    """The device itself says that it is made up."""
    VAGUE = "VAGUE"
    """The device may be farther away than the fence is fine enough to tell."""
    OUTSIDE = "OUTSIDE"
    """It is not at the home."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """How far from the middle of the fence a fix is, in metres, and what is to be said against it."""

    distance_metres: float
    flags: tuple[FixFlag, ...]


def sight(fence: Fence, fix: Fix) -> Sighting:
    """Hold a fix against the fence: inside is distance - accuracy <= radius, by a fix that is exact enough (A20)."""
    distance = distance_metres(fence.centre, fix.position)
    against = {
        FixFlag.MOCK: fix.is_mock,
        FixFlag.VAGUE: fix.accuracy_metres > fence.accuracy_metres,
        FixFlag.OUTSIDE: distance - fix.accuracy_metres > fence.radius_metres,
    }
    return Sighting(distance, tuple(flag for flag, is_so in against.items() if is_so))


def ensure_inside(fence: Fence, fix: Fix) -> float:
    """The distance in metres. Raises `OutsideGeofence` with everything against the fix, unless nothing is (A20).

    A fix that says itself that it is made up never counts.
    """
    seen = sight(fence, fix)
    if not seen.flags:
        return seen.distance_metres
    words = {
        FixFlag.MOCK: "The position comes from a mock provider.",
        FixFlag.VAGUE: f"The position is too vague: {fix.accuracy_metres:.0f} m, where {fence.accuracy_metres} m are"
        " needed.",
        FixFlag.OUTSIDE: f"You are {seen.distance_metres:.0f} m away; check in within {fence.radius_metres} m.",
    }
    raise OutsideGeofence(
        words[seen.flags[0]],
        field=("fix", "accuracyMetres") if seen.flags[0] is FixFlag.VAGUE else ("fix",),
        details={
            "distanceMetres": round(seen.distance_metres),
            "accuracyMetres": round(fix.accuracy_metres),
            "radiusMetres": fence.radius_metres,
            "flags": [flag.value for flag in seen.flags],
        },
    )
