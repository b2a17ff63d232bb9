"""`make run` in a folder with spaces, under a private one: every way to end it leaves no process behind."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from sandbox.environment import remove_environment
from sandbox.processes import is_running, wait_until

PROJECT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30
MAIN = r"""
import os, sys
from pathlib import Path
from sandbox.environment import open_environment
from sandbox.supervisor import Child, supervise

assert sys.argv[1:] == ["dev"]
with open_environment(Path(os.environ["DATA"]), durable=False):
    # One write a line: what both children print must not mix.
    code = r"import os, time; os.write(1, b'%d\n' % os.getpid()); time.sleep(60)"
    children = [Child(name, [sys.executable, "-c", code], dict(os.environ)) for name in ("api", "worker")]
    supervise(children)
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def project(tmp_path) -> Iterator[Path]:
    """A folder with our Makefile, a program of the same shape as ours, and the present interpreter as its .venv."""
    folder = tmp_path / "a project"
    folder.joinpath(".venv", "bin").mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", folder)
    folder.joinpath("main.py").write_text(MAIN)
    folder.joinpath("requirements.lock").touch()
    folder.joinpath(".venv", "installed-from-lock").touch()
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    yield folder
    remove_environment(folder / "data")


@pytest.mark.parametrize(
    ("signum", "to_group"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGTERM, True)]
)
def test_a_stopped_make_run_leaves_no_process(project, running, signum, to_group):
    data = project / "data"
    environment = {name: word for name, word in os.environ.items() if not name.startswith("MAKE")}
    with subprocess.Popen(
        ["make", "-C", str(project), "run", f"DATA={data}"],
        env=environment | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as make:
        assert make.stdout
        children = [int(line) for line in islice((line for line in make.stdout if line.strip().isdigit()), 2)]
        servers = running(data)

        (os.killpg if to_group else os.kill)(make.pid, signum)

        make.wait(DEADLINE_SECONDS)
    assert None not in servers
    assert wait_until(lambda: not any(is_running(pid) for pid in [*children, *servers]), DEADLINE_SECONDS)
    assert running(data) == (None, None)
