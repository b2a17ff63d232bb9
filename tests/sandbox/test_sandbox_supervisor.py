"""API and worker under one supervisor: restarted when they die, ended together, nothing left behind however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.processes import is_running, wait_until

PROJECT = Path(__file__).parents[2]
DEADLINE_SECONDS = 10
STEADY = "import time; time.sleep(60)"
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(grandchild.pid, file=started, flush=True)
time.sleep(60)
"""
SUPERVISE = '''
import json, os, sys
from sandbox import supervisor

supervisor.STOP_SECONDS = 0.3
folder, codes = sys.argv[1], json.loads(sys.argv[2])
prelude = """
import os
started = open(os.environ["STARTED"], "a")
print(os.getpid(), file=started, flush=True)
"""
children = [
    supervisor.Child(name, [sys.executable, "-c", prelude + code], dict(os.environ) | {"STARTED": f"{folder}/{name}"})
    for name, code in codes.items()
]
ticks = open(f"{folder}/ticks", "a")
sys.exit(supervisor.supervise(children, each_second=lambda: print(1, file=ticks, flush=True)))
'''


@pytest.fixture
def supervising(tmp_path) -> Iterator:
    """Start a supervisor over children given by their code."""
    started = []

    def start(**codes: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", SUPERVISE, str(tmp_path), json.dumps(codes)]
        started.append(
            subprocess.Popen(
                argv, env=os.environ | {"PYTHONPATH": str(PROJECT)}, start_new_session=True, stdout=subprocess.DEVNULL
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def pids(folder: Path, name: str, count: int) -> list[int]:
    """The process ids that a child has noted, once there are `count` of them."""

    def noted() -> list[int]:
        try:
            return [int(line) for line in folder.joinpath(name).read_text().splitlines()]
        except FileNotFoundError:
            return []

    assert wait_until(lambda: len(noted()) >= count, DEADLINE_SECONDS)
    return noted()


def test_a_child_that_dies_is_started_again_and_its_sibling_goes_on(supervising, tmp_path):
    supervising(api=STEADY, worker=STEADY)
    [api], [worker] = pids(tmp_path, "api", 1), pids(tmp_path, "worker", 1)

    os.kill(api, signal.SIGKILL)

    successor = pids(tmp_path, "api", 2)[1]
    assert is_running(successor)
    assert is_running(worker)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_ends_all_and_is_no_failure(supervising, tmp_path, signum):
    supervisor = supervising(api=STEADY, worker=STEADY)
    children = pids(tmp_path, "api", 1) + pids(tmp_path, "worker", 1)

    os.killpg(supervisor.pid, signum)
    os.killpg(supervisor.pid, signum)

    assert supervisor.wait(DEADLINE_SECONDS) == 0
    assert not any(is_running(pid) for pid in children)


def test_a_child_that_will_not_end_is_killed_with_its_own_children(supervising, tmp_path):
    supervisor = supervising(api=STUBBORN)
    family = pids(tmp_path, "api", 2)

    supervisor.terminate()

    assert supervisor.wait(DEADLINE_SECONDS) == 0
    assert wait_until(lambda: not any(is_running(pid) for pid in family), DEADLINE_SECONDS)


def test_a_child_that_gives_up_ends_the_others_and_is_reported(supervising, tmp_path):
    supervisor = supervising(worker=STEADY, api="import sys; sys.exit(78)")

    assert supervisor.wait(DEADLINE_SECONDS) == 78
    assert not any(
        is_running(pid) for name in ("api", "worker") if (tmp_path / name).exists() for pid in pids(tmp_path, name, 1)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its parent")
def test_children_end_when_the_supervisor_is_killed(supervising, tmp_path):
    supervisor = supervising(api=STEADY, worker=STEADY)
    children = pids(tmp_path, "api", 1) + pids(tmp_path, "worker", 1)

    supervisor.kill()

    assert wait_until(lambda: not any(is_running(pid) for pid in children), DEADLINE_SECONDS)


def test_something_may_be_looked_after_each_second(supervising, tmp_path):
    supervising(api=STEADY)

    assert pids(tmp_path, "ticks", 1)
