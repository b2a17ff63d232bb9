"""Where things are: distance over the ground and the time it takes to get there (R78, A27b)."""

from dataclasses import dataclass
from math import asin, ceil, cos, radians, sin, sqrt

from domain.errors import Invalid

EARTH_RADIUS_METRES = 6_371_008.8
"""The mean radius of the reference ellipsoid; the error of the sphere is at most 0.6 %."""


@dataclass(frozen=True, slots=True)
class Position:
    """A point on the ground, in degrees (WGS 84)."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        # Comparisons are written so that NaN fails them.
        if not -90 <= self.latitude <= 90:
            raise Invalid("The latitude must be between -90 and 90 degrees.", field=("latitude",))
        if not -180 <= self.longitude <= 180:
            raise Invalid("The longitude must be between -180 and 180 degrees.", field=("longitude",))


@dataclass(frozen=True, slots=True)
class Address:
    """Where a home is, in people's words."""

    address: str
    """Street and number."""
    city: str
    postal_code: str

    @property
    def key(self) -> str:
        """The address in one spelling: the same for whoever wrote it in other capitals, or with other white space."""
        return "|".join(" ".join(part.casefold().split()) for part in (self.address, self.city, self.postal_code))


def rounded(value: float, digits: int) -> float:
    """As it is kept and hashed; never a negative zero, which PostgreSQL's JSON does not know."""
    return round(value, digits) + 0.0


def distance_metres(here: Position, there: Position) -> float:
    """Great-circle distance (haversine, which is exact enough for neighbours too)."""
    north, east = radians(there.latitude - here.latitude), radians(there.longitude - here.longitude)
    chord = sin(north / 2) ** 2 + cos(radians(here.latitude)) * cos(radians(there.latitude)) * sin(east / 2) ** 2
    # Rounding may lift the chord of two antipodes a hair above 1.
    return 2 * EARTH_RADIUS_METRES * asin(min(1.0, sqrt(chord)))


def travel_minutes(here: Position | None, there: Position | None, kmh: int, overhead_minutes: int) -> int:
    """Minutes from door to door, rounded up; between unknown places only the overhead is counted (A27b)."""
    if here is None or there is None:
        return overhead_minutes
    return overhead_minutes + ceil(distance_metres(here, there) / 1000 / kmh * 60)
