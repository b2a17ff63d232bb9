"""The day of money, run as anybody would: `make day` (R46 to R50, R137 to R177, R241)."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_day_from_booking_to_refund_agrees_with_the_providers_own_journal() -> None:
    """It ends well, and every figure of the example is in its account of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.day"], cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False
    )
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    assert "refused at 194.99" in said
    assert "everything agrees" in said
    # Reserve of 195.00, the provider's fee, what a first cleaner earns, and what is put back of the reserve.
    for posting in ("RESERVE -390", "CASH +18904", "PAYABLE -6950", "TIPS -1000", "RESERVE +500"):
        assert posting in said
    violations = re.search(r'"violations": (\[[^\]]*\])', said)
    assert violations is not None
    assert violations[1] == "[]"
