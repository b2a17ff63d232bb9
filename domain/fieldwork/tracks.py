"""Where a device says that it went, and how far that can be believed (R117, A20, A40).

A track is told by the device it is to prove something about, so it is never proof by itself: it is kept as it came,
with a plausibility from 0 to 100 and what speaks against it. What takes points off:

* MOCK 100, TELEPORT 60, IMPOSSIBLE_SPEED 40: once each, for a single such point or leg is enough;
* CLOCK 40, FAR_FROM_HOME 40, VAGUE 20: by the share of points that it is true of.

CLOCK is flagged for a single point; FAR_FROM_HOME and VAGUE where they hold of more than half. LATE costs nothing: a
batch that comes after its visit has ended was made where there was no signal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from domain.errors import Invalid
from domain.fieldwork.chain import canonical
from domain.fieldwork.geofence import Fence, Fix
from domain.geo import distance_metres, rounded

MOST_POINTS = 500
FASTEST_KMH = 200
"""No cleaner drives faster."""
AIRLINER_KMH = 1_000
"""Nobody flies faster: the position was made up, or belongs to another device."""
LIVE_FOR = timedelta(minutes=2)
"""A position that is older does not tell where somebody is now."""


class TrackFlag(StrEnum):
    """What is odd about a batch of points; it is kept all the same."""

    MOCK = "MOCK"
    """A point says itself that it is made up."""
    TELEPORT = "TELEPORT"
    """Two points lie farther apart than an airliner comes in the time between them."""
    IMPOSSIBLE_SPEED = "IMPOSSIBLE_SPEED"
    """Two points lie farther apart than a car comes in the time between them: 200 km/h."""
    CLOCK = "CLOCK"
    """A point's time lies before the check-in, or in the future."""
    FAR_FROM_HOME = "FAR_FROM_HOME"
    """More than half of the points lie outside of the fence around the home."""
    VAGUE = "VAGUE"
    """More than half of the points are too vague to count at a check-in."""
    LATE = "LATE"
    """It came after its visit had ended, or after the job was over."""


ONCE: Mapping[TrackFlag, int] = {TrackFlag.MOCK: 100, TrackFlag.TELEPORT: 60, TrackFlag.IMPOSSIBLE_SPEED: 40}
BY_SHARE: Mapping[TrackFlag, int] = {TrackFlag.CLOCK: 40, TrackFlag.FAR_FROM_HOME: 40, TrackFlag.VAGUE: 20}
FLAGGED_ABOVE: Mapping[TrackFlag, float] = {
    TrackFlag.CLOCK: 0.0,
    TrackFlag.FAR_FROM_HOME: 0.5,
    TrackFlag.VAGUE: 0.5,
}
"""Above which share of its points a batch is flagged."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where a device was when, as it says; the time is aware and by its own clock."""

    at: datetime
    fix: Fix


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a batch is held against."""

    fence: Fence
    since: datetime
    """The earliest time that makes sense: the check-in, less what clocks may differ."""
    until: datetime
    """The latest: the receipt, and as much more."""
    before: Point | None = None
    """The last point of the visit's batch before this one."""
    is_late: bool = False
    """Whether the visit had ended, or the job was over, when the batch came."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to make of a batch."""

    plausibility: int
    flags: tuple[TrackFlag, ...]


def ensure_batch(points: Sequence[Point]) -> None:
    """Raise `Invalid` unless there are 1 to 500 points in the order of time."""
    if not 1 <= len(points) <= MOST_POINTS:
        raise Invalid(f"A batch has 1 to {MOST_POINTS} points.", field=("points",))
    for place, (one, following) in enumerate(zip(points, points[1:], strict=False), start=1):
        if following.at < one.at:
            raise Invalid("The points must be in the order of time.", field=("points", str(place), "at"))


def judge_track(points: Sequence[Point], around: Surroundings) -> Verdict:
    """How far the batch can be believed, and what speaks against it; the points are in the order of time."""
    legs = list(_legs(points, around.before))
    once = {
        TrackFlag.MOCK: any(point.fix.is_mock for point in points),
        TrackFlag.TELEPORT: any(_is_faster(leg, AIRLINER_KMH) for leg in legs),
        TrackFlag.IMPOSSIBLE_SPEED: any(_is_faster(leg, FASTEST_KMH) for leg in legs),
    }
    shares = {
        TrackFlag.CLOCK: _share(not around.since <= point.at <= around.until for point in points),
        TrackFlag.FAR_FROM_HOME: _share(_is_far(point, around.fence) for point in points),
        TrackFlag.VAGUE: _share(point.fix.accuracy_metres > around.fence.accuracy_metres for point in points),
    }
    off: float = sum(ONCE[flag] for flag, is_so in once.items() if is_so)
    off += sum(BY_SHARE[flag] * share for flag, share in shares.items())
    said = once | {flag: share > FLAGGED_ABOVE[flag] for flag, share in shares.items()}
    said[TrackFlag.LATE] = around.is_late
    return Verdict(max(0, 100 - round(off)), tuple(flag for flag in TrackFlag if said[flag]))


def as_json(points: Iterable[Point]) -> list[dict[str, Any]]:
    """The points as they are kept and hashed: times in UTC, seven decimals of a degree, which is a centimetre."""
    return [
        {
            "at": point.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "latitude": rounded(point.fix.position.latitude, 7),
            "longitude": rounded(point.fix.position.longitude, 7),
            "accuracy": rounded(point.fix.accuracy_metres, 2),
            "mock": point.fix.is_mock,
        }
        for point in points
    ]


def digest_of(points: Sequence[Mapping[str, Any]]) -> bytes:
    """sha256 of kept points, as the evidence chain names it."""
    return sha256(canonical({"points": [dict(point) for point in points]})).digest()


def newest_live(points: Sequence[Point], sent_at: datetime) -> Point | None:
    """The last point, if it tells where the device is now: of the last two minutes before it was sent, and not made up.

    Both times are by the same clock, the device's, so that a wrong one does not matter.
    """
    last = points[-1]
    return None if last.fix.is_mock or not -LIVE_FOR <= sent_at - last.at <= LIVE_FOR else last


def _legs(points: Sequence[Point], before: Point | None) -> Iterator[tuple[Point, Point]]:
    path = [before, *points] if before is not None and before.at <= points[0].at else list(points)
    yield from zip(path, path[1:], strict=False)


def _is_faster(leg: tuple[Point, Point], kmh: int) -> bool:
    """Whether the leg cannot be travelled at this speed, even if both positions err by what they say they may."""
    start, end = leg
    reach = start.fix.accuracy_metres + end.fix.accuracy_metres
    metres = distance_metres(start.fix.position, end.fix.position) - reach
    return metres > (end.at - start.at).total_seconds() * kmh / 3.6


def _is_far(point: Point, fence: Fence) -> bool:
    distance = distance_metres(fence.centre, point.fix.position)
    return distance - point.fix.accuracy_metres > fence.radius_metres


def _share(claims: Iterable[bool]) -> float:
    listed = list(claims)
    return sum(listed) / len(listed)
