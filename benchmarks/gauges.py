"""What a process and a database have used: CPU seconds and memory, read from the system."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

CORES = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set[int]()
"""The cores that we were given, where the system lets a process choose among them."""
CAN_PIN = len(CORES) > 1


def cpu_seconds(pid: int) -> float:
    """CPU seconds, user and system, of one process with all its threads."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


def cpu_microseconds(pid: int) -> float:
    """CPU microseconds of one process with all its threads, exact where the system tells it so."""
    try:
        return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e3
    except OSError:
        return cpu_seconds(pid) * 1e6


def megabytes(pid: int) -> float:
    """Resident memory of one process in MiB."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def database_cpu_seconds(postmaster: int, role: str) -> float:
    """CPU seconds of the connections that the cluster now holds for a role."""
    total = 0.0
    for backend in psutil.Process(postmaster).children():
        try:
            if f" {role} " in " ".join(backend.cmdline()):
                total += sum(backend.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def allow_files(count: int) -> None:
    """Let this process and those that it starts hold so many open files; refused in one line where they may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
        except (ValueError, OSError):
            raise SystemExit(
                f"The benchmark needs {count} open files a process: raise the limit (ulimit -n)."
            ) from None


@contextmanager
def on_server_core() -> Iterator[None]:
    """What is started inside stays on the first core, where the system can tell it to."""
    if not CAN_PIN:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(CORES)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def off_server_core() -> Iterator[None]:
    """Keep this process, the load, off the servers' core."""
    if CAN_PIN:
        os.sched_setaffinity(0, CORES - {min(CORES)})
    try:
        yield
    finally:
        if CAN_PIN:
            os.sched_setaffinity(0, CORES)


def grown(path: Path, since: int) -> str:
    """What was appended to a file after its first `since` bytes."""
    with path.open("rb") as file:
        file.seek(since)
        return file.read().decode(errors="replace")
