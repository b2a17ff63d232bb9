"""The sandbox's own time: real time moved by an offset, or frozen until somebody moves it."""

import time
from dataclasses import dataclass

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_SATURDAY = 5
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


@dataclass
class Clock:
    """Unix seconds. `frozen_at` set: time stands still there; else it is real time plus `offset`."""

    offset: float = 0.0
    frozen_at: float | None = None

    def now(self) -> float:
        """The sandbox's present."""
        return self.frozen_at if self.frozen_at is not None else time.time() + self.offset

    def move(self, seconds: float) -> None:
        """Jump; what became due in between is done by `Sandbox.tick`."""
        if self.frozen_at is not None:
            self.frozen_at += seconds
        else:
            self.offset += seconds

    def state(self) -> dict[str, float | None]:
        """What restores this clock."""
        return {"offset": self.offset, "frozen_at": self.frozen_at}


def business_days_later(at: float, days: int) -> int:
    """Midnight UTC of the `days`-th business day after `at`: when card money becomes available."""
    day = int(at) // DAY
    while days:
        day += 1
        if (day + _EPOCH_WEEKDAY) % 7 < _SATURDAY:
            days -= 1
    return day * DAY
