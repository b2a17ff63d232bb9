"""The day of money, run as anybody would: `make day` (R46 to R50, R137 to R177, R241)."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sandbox.day import start_after
from sandbox.ownership import cluster_place
from sandbox.processes import wait_until

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("now", "reads", "means"),
    [
        ("2026-11-24T15:00:40Z", "10:03", "2026-11-24T15:03Z"),
        # The night in which the clocks go back: before the hour that comes twice, in it, and in it again.
        ("2026-11-01T04:57:00Z", "01:00", "2026-11-01T05:00Z"),
        ("2026-11-01T05:27:00Z", "01:30", "2026-11-01T05:30Z"),
        ("2026-11-01T06:27:00Z", "02:00", "2026-11-01T07:00Z"),
        # And that in which they go forward: there is no 02:01.
        ("2026-03-08T06:58:00Z", "03:01", "2026-03-08T07:01Z"),
    ],
)
def test_the_first_clean_is_booked_for_a_time_of_day_that_is_still_to_come(now: str, reads: str, means: str) -> None:
    """A form takes a day and a time of day, which mean the first of two instants."""
    start = start_after(datetime.fromisoformat(now), NEW_YORK)

    said = datetime.combine(start.date(), start.time(), NEW_YORK)
    assert said.strftime("%H:%M") == reads
    assert said.astimezone(UTC) == datetime.fromisoformat(means)


def test_a_day_from_booking_to_refund_agrees_with_the_providers_own_journal(tmp_path: Path) -> None:
    """It ends well, every figure of the example is in its account of itself, and no server and no file is left."""
    command, environment = [sys.executable, "-m", "sandbox.day"], {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as day:
        assert wait_until(lambda: any(tmp_path.glob("cleanshift-day-*")), START_SECONDS)
        (data,) = tmp_path.glob("cleanshift-day-*")
        said, complaints = day.communicate()
    assert day.returncode == 0, said + complaints
    assert "refused at 194.99" in said
    assert "everything agrees" in said
    # Reserve of 195.00, the provider's fee, what a first cleaner earns, and what is put back of the reserve.
    for posting in ("RESERVE -390", "CASH +18904", "PAYABLE -6950", "TIPS -1000", "RESERVE +500"):
        assert posting in said
    violations = re.search(r'"violations": (\[[^\]]*\])', said)
    assert violations is not None
    assert violations[1] == "[]"
    assert not data.exists()
    # As root it lies outside of the data folder.
    assert not cluster_place(data / "servers").home.exists()
