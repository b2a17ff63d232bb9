"""The embedded PostgreSQL: made once in its folder, started, recognised, restarted after a crash, and stopped.

Listens on 127.0.0.1 only, with passwords (scram-sha-256) and no unix socket, whose path could grow too long.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox import SandboxError
from sandbox.binaries import POSTGRES_MAJOR
from sandbox.processes import (
    ServerUser,
    command_line,
    end,
    is_running,
    owner_of,
    pids_titled,
    port_for,
    spawn_detached,
    wait_until,
)

START_SECONDS = 60
START_ATTEMPTS = 3
ORPHAN_SECONDS = 10
# A fast shutdown writes a checkpoint; an immediate one leaves that to the next start; the last resort always works.
STOP_SIGNALS = ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
    # Statements' own errors are answers to the client, and may quote people's words: only the server's life is logged.
    "log_min_messages=log",
    "log_checkpoints=off",
    # Compiling a plan costs more than running one of ours.
    "jit=off",
)
NOT_DURABLE = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    # A test runs most of its statements a few times only: half of the work would be to plan each of them five times.
    "plan_cache_mode=force_generic_plan",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster lives and whom it runs as; `home` cannot be written by others, `folder` belongs to the server."""

    home: Path
    user: ServerUser

    @property
    def folder(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        """What the server last said; begun anew at each start."""
        return self.folder / "server.log"

    @property
    def name(self) -> str:
        """Stands in the title of each of the cluster's processes."""
        return f"cleanshift-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live postmaster of our cluster, as its own `postmaster.pid` describes it."""

    pid: int
    port: int
    status: str


def find_postmaster(cluster: Cluster) -> Postmaster | None:
    """The live postmaster of this very cluster; a reused process id, a corpse or another's process is none."""
    try:
        lines = cluster.folder.joinpath("postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (OSError, ValueError, IndexError):
        return None
    ours = f" -D {cluster.folder} " in command_line(pid) and owner_of(pid) == cluster.user.uid
    return Postmaster(pid, port, lines[7].strip() if len(lines) > 7 else "") if ours and is_running(pid) else None


def start(cluster: Cluster, programs: Path, password: str, *, durable: bool = True) -> int:
    """Adopt the running server or start it, making the cluster first if there is none; return its port.

    `durable=False` (tests) is faster, but the last commits may be lost when the server is killed or the power is cut; a
    server that already runs stays as it is.
    Raises SandboxError for a cluster of another major version and for a server that does not come up within 60 s.
    """
    if not cluster.folder.exists():
        _create(cluster, programs, password, durable=durable)
    _ensure_version(cluster)
    running = _settled(cluster)
    if running:
        return running.port
    for _ in range(START_ATTEMPTS):
        # Each time: what was just launched may have been killed too, and has left its lock file.
        _clear_after_crash(cluster)
        started = _launch(cluster, programs, durable=durable)
        if started:
            return started.port
    raise SandboxError(f"PostgreSQL does not start; it says: {_last_words(cluster)} ({cluster.log})")


def stop(cluster: Cluster) -> None:
    """Stop the server if it runs, in good order if it lets us."""
    running = find_postmaster(cluster)
    if running:
        end(running.pid, STOP_SIGNALS)


def _create(cluster: Cluster, programs: Path, password: str, *, durable: bool) -> None:
    # Made beside its place and renamed, so that an interrupted initdb never looks like a cluster.
    draft, secret = cluster.home / "cluster.draft", cluster.home / "initdb.password"
    shutil.rmtree(draft, ignore_errors=True)
    secret.unlink(missing_ok=True)
    draft.mkdir(mode=0o700)
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    if cluster.user.switch:
        os.chown(draft, cluster.user.uid, cluster.user.gid)
        os.chown(secret, cluster.user.uid, cluster.user.gid)
    try:
        _initdb(cluster, programs, [f"--pgdata={draft}", f"--pwfile={secret}", *([] if durable else ["--no-sync"])])
    finally:
        secret.unlink()
    draft.rename(cluster.folder)


def _initdb(cluster: Cluster, programs: Path, options: list[str]) -> None:
    # The builtin C.UTF-8 orders text alike on every machine, whatever its C library or locales.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
    login = ["--username=postgres", "--auth-host=scram-sha-256", "--auth-local=scram-sha-256"]
    done = subprocess.run(  # noqa: S603 - our own argument list
        [str(programs / "initdb"), *locale, *login, *options],
        capture_output=True,
        text=True,
        check=False,
        **cluster.user.popen_options(),  # type: ignore[call-overload]
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise SandboxError(f"PostgreSQL's initdb failed in {cluster.home}: {said[0]}")


def _ensure_version(cluster: Cluster) -> None:
    try:
        version = int(cluster.folder.joinpath("PG_VERSION").read_text())
    except (OSError, ValueError) as error:
        raise SandboxError(
            f"{cluster.folder} is damaged: remove it to start afresh, or choose another DATA=."
        ) from error
    if version != POSTGRES_MAJOR:
        raise SandboxError(
            f"{cluster.folder} was made by PostgreSQL {version}, this is {POSTGRES_MAJOR}: "
            "remove it to start afresh, or choose another DATA=."
        )


def _settled(cluster: Cluster) -> Postmaster | None:
    """The running server once it is ready; None if none runs or the one that ran has ended meanwhile."""

    def has_settled() -> bool:
        found = find_postmaster(cluster)
        return found is None or found.status == "ready"

    if not wait_until(has_settled, START_SECONDS):
        raise SandboxError(f"PostgreSQL neither starts nor stops; it says: {_last_words(cluster)} ({cluster.log})")
    return find_postmaster(cluster)


def _clear_after_crash(cluster: Cluster) -> None:
    # PostgreSQL takes any live process with the old id, even a corpse, for the old postmaster, and would not start.
    # Its lock file may only go once no backend of a killed postmaster can still write.
    def orphans() -> list[int]:
        return [pid for pid in pids_titled(f"postgres: {cluster.name}: ") if owner_of(pid) == cluster.user.uid]

    if not wait_until(lambda: not orphans(), ORPHAN_SECONDS):
        for pid in orphans():
            end(pid, ((signal.SIGKILL, 5),))
    cluster.folder.joinpath("postmaster.pid").unlink(missing_ok=True)


def _launch(cluster: Cluster, programs: Path, *, durable: bool) -> Postmaster | None:
    """Start the server and wait until it is ready; None if it ended instead (its port may just have been taken)."""
    settings = [f"port={port_for(cluster.home / 'port')}", f"cluster_name={cluster.name}", *SETTINGS]
    options = [word for setting in settings + ([] if durable else list(NOT_DURABLE)) for word in ("-c", setting)]
    argv = [str(programs / "postgres"), "-D", str(cluster.folder), *options]
    pid = spawn_detached(argv, cluster.log, cluster.user)
    wait_until(lambda: _is_ready(cluster) or not is_running(pid), START_SECONDS)
    if _is_ready(cluster) or not is_running(pid):
        return find_postmaster(cluster)
    end(pid, STOP_SIGNALS[1:])
    raise SandboxError(
        f"PostgreSQL was not ready within {START_SECONDS} s; it says: {_last_words(cluster)} ({cluster.log})"
    )


def _is_ready(cluster: Cluster) -> bool:
    found = find_postmaster(cluster)
    return found is not None and found.status == "ready"


def _last_words(cluster: Cluster) -> str:
    try:
        lines = cluster.log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (telling or lines or ["nothing"])[-1]
