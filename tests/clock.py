"""When the businesses of the tests live: on a morning in the middle of a week, whatever the hour at which they run.

`TEST_AT=2026-11-29T23:40-05:00` lets them live then, to see that nothing hangs on the hour or the day: within the
coming week, because a business is still founded at the real time, and its invitations last for seven days.
"""

from datetime import datetime, time, timedelta
from os import environ
from zoneinfo import ZoneInfo

import asyncpg

MIDWEEK = range(1, 4)
MORNING = time(10, 30, tzinfo=ZoneInfo("America/New_York"))
"""At that hour no rule of the trade turns, and no day, in any market of the tests."""


def time_of_tests() -> datetime:
    """The coming Tuesday, Wednesday or Thursday morning, five days ahead at most; or what `TEST_AT` names."""
    if "TEST_AT" in environ:
        return datetime.fromisoformat(environ["TEST_AT"])
    tomorrow = datetime.now(MORNING.tzinfo).date() + timedelta(days=1)
    coming = (tomorrow + timedelta(days=ahead) for ahead in range(7))
    return datetime.combine(next(day for day in coming if day.weekday() in MIDWEEK), MORNING)


async def set_clocks(superuser_url: str, database: str = "cleanshift") -> None:
    """Let every business of this database live at that time from its founding on."""
    root = await asyncpg.connect(superuser_url, database=database)
    by = await root.fetchval("select $1::timestamptz - clock_timestamp()", time_of_tests())
    await root.execute(f"alter table tenant alter clock_offset set default '{by.total_seconds()} seconds'")
    await root.execute("update tenant set clock_offset = default")
    await root.close()
