"""Whether a check-in is at the place (R106, A20)."""

from dataclasses import dataclass

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


def ensure_inside(fence: Fence, fix: Fix) -> float:
    """The distance in metres. Raises `OutsideGeofence` unless distance - accuracy <= radius and the fix is exact (A20).

    A fix that says itself that it is made up never counts.
    """
    distance = distance_metres(fence.centre, fix.position)
    seen = {"distanceMetres": round(distance), "radiusMetres": fence.radius_metres}
    if fix.is_mock:
        raise OutsideGeofence("The position comes from a mock provider.", field=("fix",), details=seen)
    if fix.accuracy_metres > fence.accuracy_metres:
        message = f"The position is too vague: {fix.accuracy_metres:.0f} m, where {fence.accuracy_metres} m are needed."
        raise OutsideGeofence(message, field=("fix", "accuracyMetres"), details=seen)
    if distance - fix.accuracy_metres > fence.radius_metres:
        message = f"You are {distance:.0f} m away; check in within {fence.radius_metres} m."
        raise OutsideGeofence(message, field=("fix",), details=seen)
    return distance
