"""What a device says about time: a claim that is kept beside the server's time, and flagged where it is odd (A40)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

LATE_AFTER = timedelta(minutes=10)
"""A fact that reaches the server so long after it happened was made offline."""


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def is_instant(at: datetime) -> bool:
    """Whether this can be a device's time at all, however wrong: with an offset, and since there were such clocks."""
    return at.tzinfo is not None and EARLIEST <= at <= LATEST


class ClockFlag(StrEnum):
    """What is odd about a fact's time; the fact is kept all the same."""

    CLOCK_SKEW = "CLOCK_SKEW"
    """The device's clock differs from the server's by more than is tolerated."""
    LATE = "LATE"
    """It reached the server long after it happened."""
    FROM_THE_FUTURE = "FROM_THE_FUTURE"
    """It claims to have happened after it was sent."""


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """When something happened, and when it was sent, both by the device's clock; aware."""

    captured_at: datetime | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timing:
    """What the server makes of it: the device's clock minus the server's, and what is odd."""

    captured_at: datetime | None
    skew_ms: int | None
    flags: tuple[ClockFlag, ...]


def judge(device: DeviceTime, now: datetime, tolerance: timedelta) -> Timing:
    """Compare a device's times with the server's. Without `sent_at` the capture itself is taken for it."""
    sent = device.sent_at or device.captured_at
    if sent is None:
        return Timing(None, None, ())
    skew = sent - now
    captured = device.captured_at or sent
    odd = {
        ClockFlag.CLOCK_SKEW: abs(skew) > tolerance,
        ClockFlag.LATE: sent - captured > LATE_AFTER,
        ClockFlag.FROM_THE_FUTURE: captured > sent,
    }
    return Timing(
        captured, round(skew / timedelta(milliseconds=1)), tuple(flag for flag, is_so in odd.items() if is_so)
    )
