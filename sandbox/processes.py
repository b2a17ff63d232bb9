"""How servers are started so that they outlive their starter, and recognised again by another process.

A process id alone proves nothing: it may be reused, or be the corpse of a killed server whose parent has not reaped it.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
POLL_SECONDS = 0.01
# Background jobs of a shell without job control outlive it and are reaped by init, never left as our corpses.
LAUNCHER = 'umask 077; log="$1"; shift; "$@" >"$log" 2>&1 </dev/null & echo $!'


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Whom the servers run as; `switch` is False where that is already us."""

    uid: int
    gid: int
    home: Path
    switch: bool

    def popen_options(self) -> dict[str, object]:
        """Options for `subprocess`: the user, a folder that it can enter, an environment free of `PG*` settings."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.home), "LC_ALL": "C", "TZ": "UTC"}
        options: dict[str, object] = {"env": environment, "cwd": "/", "umask": 0o077}
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options


def spawn_detached(argv: Sequence[str], log: Path, user: ServerUser, *, cwd: Path | None = None) -> int:
    """Start a server in its own session, out of reach of the terminal's Ctrl-C; return its process id.

    The log is opened by the server's own user: a privileged open in that user's folder could be led astray by a link.
    """
    options = user.popen_options() | ({"cwd": str(cwd)} if cwd else {})
    # `sh` has done its part as soon as it has printed the id.
    done = subprocess.run(  # noqa: S603 - our own argument list
        ["/bin/sh", "-c", LAUNCHER, "sh", str(log), *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )
    return int(done.stdout)


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a corpse waiting for its parent."""
    return _state(pid) not in {"", "Z", "X"}


def command_line(pid: int) -> str:
    """The arguments (or the title a server has set over them), joined by spaces; empty for no such process."""
    if PROC.joinpath("self").exists():
        try:
            return (
                PROC.joinpath(str(pid), "cmdline")
                .read_bytes()
                .rstrip(b"\0")
                .replace(b"\0", b" ")
                .decode(errors="replace")
            )
        except OSError:
            return ""
    return _ps(pid, "args")


def owner_of(pid: int) -> int | None:
    """The user id a process runs as, or None for no such process."""
    if PROC.joinpath("self").exists():
        try:
            return PROC.joinpath(str(pid)).stat().st_uid
        except OSError:
            return None
    uid = _ps(pid, "uid")
    return int(uid) if uid else None


def pids_titled(prefix: str) -> list[int]:
    """Live processes whose command line starts with `prefix`."""
    if PROC.joinpath("self").exists():
        pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    else:
        pids = [int(pid) for pid in _run_ps("-axo", "pid=").split()]
    return [pid for pid in pids if command_line(pid).startswith(prefix) and is_running(pid)]


def wait_until(reached: Callable[[], bool], seconds: float) -> bool:
    """Look until `reached` or the time is over; whether it was reached."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(pid: int, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the process is gone, waiting the given seconds after each."""
    for signum, seconds in signals:
        if not is_running(pid):
            return
        send(pid, signum)
        if wait_until(lambda: not is_running(pid), seconds):
            return


def send(pid: int, signum: signal.Signals) -> None:
    """Send a signal; a process that has just ended is no error."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return


def port_for(stored: Path) -> int:
    """The port remembered in `stored`, or a free one (remembered there) if there is none or somebody has taken it."""
    try:
        port = int(stored.read_text())
    except (OSError, ValueError):
        port = 0
    if not port or not _is_free(port):
        port = _free_port()
        stored.write_text(f"{port}\n")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of an earlier server that linger in TIME_WAIT do not take the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _state(pid: int) -> str:
    if PROC.joinpath("self").exists():
        try:
            # The second field is the name in parentheses, which may itself hold any character.
            return PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return ""
    return _ps(pid, "stat")[:1]


def _ps(pid: int, field: str) -> str:
    return _run_ps("-p", str(pid), "-o", f"{field}=").strip()


def _run_ps(*arguments: str) -> str:
    ps = shutil.which("ps") or "/bin/ps"
    return subprocess.run([ps, *arguments], capture_output=True, text=True, check=False).stdout  # noqa: S603 - as above
