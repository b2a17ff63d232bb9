"""A process that starts during an outage: it must not be taken for one that no restart would help."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import TRY_AGAIN
from tests.product.world import ROOT, SECRET_KEY

NOBODY = "postgresql://cleanshift_app:hush-1@127.0.0.1:1/cleanshift"


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_process_that_finds_its_database_away_asks_to_be_started_again(command: str, tmp_path: Path) -> None:
    """R243, R253: with the exit code for "give up" the supervisor would end everything that still runs."""
    urls = dict.fromkeys(("DATABASE_URL", "DATABASE_FEED_URL", "DATABASE_OPS_URL"), NOBODY)
    env = {**urls, "SECRET_KEY": SECRET_KEY, "DATA": str(tmp_path)}
    argv = [sys.executable, str(ROOT / "main.py"), command]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == TRY_AGAIN
    assert done.stderr.count("\n") == 1
    assert "does not answer" in done.stderr
    assert "hush-1" not in done.stderr
