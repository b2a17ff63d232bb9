"""The embedded Redis (or Valkey): a wake-up bell that may be missing, never a place of truth."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import redis

from sandbox import SandboxError
from sandbox.processes import (
    ServerUser,
    command_line,
    end,
    is_running,
    owner_of,
    port_for,
    send,
    spawn_detached,
    wait_until,
)

START_SECONDS = 60
START_ATTEMPTS = 3
STOP_SIGNALS = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))
# Paths are relative to the server's folder: they need no quoting there, and the title shows no private path.
CONFIGURATION = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir .
pidfile redis.pid
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
loglevel warning
"""


@dataclass(frozen=True, slots=True)
class RedisFolder:
    """Where a Redis lives, with its password."""

    folder: Path
    user: ServerUser
    password: str = field(repr=False)

    @property
    def log(self) -> Path:
        """What the server last said; begun anew at each start."""
        return self.folder / "server.log"

    @property
    def port(self) -> int:
        """The port it last listened on, 0 before the first start."""
        try:
            return int(self.folder.joinpath("port").read_text())
        except (OSError, ValueError):
            return 0

    @property
    def url(self) -> str:
        """Address and password in one."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


def find_redis(server: RedisFolder) -> int | None:
    """The process id of this folder's live server; a reused id or a corpse is none."""
    try:
        pid = int(server.folder.joinpath("redis.pid").read_text())
    except (OSError, ValueError):
        return None
    title = command_line(pid)
    ours = f":{server.port}" in title and ("redis-server" in title or "valkey-server" in title)
    return pid if ours and owner_of(pid) == server.user.uid and is_running(pid) else None


def start(server: RedisFolder, program: Path) -> str:
    """Adopt the running server or start it; return its URL. Raises SandboxError if it does not come up within 60 s."""
    server.folder.mkdir(mode=0o700, exist_ok=True)
    pid = find_redis(server)
    if pid and _answers_while_alive(server, pid):
        return server.url
    for _ in range(START_ATTEMPTS):
        if _answers_while_alive(server, _launch(server, program)):
            return server.url
    raise SandboxError(f"Redis does not start; it says: {_last_words(server)} ({server.log})")


def ask_to_stop(server: RedisFolder) -> None:
    """Tell the server to end, without waiting for it."""
    pid = find_redis(server)
    if pid:
        send(pid, signal.SIGTERM)


def stop(server: RedisFolder) -> None:
    """Stop the server if it runs, in good order if it lets us."""
    pid = find_redis(server)
    if pid:
        end(pid, STOP_SIGNALS)


def _launch(server: RedisFolder, program: Path) -> int:
    configuration = CONFIGURATION.format(port=port_for(server.folder / "port"), password=server.password)
    server.folder.joinpath("redis.pid").unlink(missing_ok=True)
    path = server.folder / "redis.conf"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(configuration)
    return spawn_detached([str(program), "redis.conf"], server.log, server.user, cwd=server.folder)


def _answers_while_alive(server: RedisFolder, pid: int) -> bool:
    """Wait until the server answers; False if it has ended instead, or is alive but mute (and is then killed)."""
    wait_until(lambda: _answers(server) or not is_running(pid), START_SECONDS)
    if not is_running(pid):
        return False
    if _answers(server):
        return wait_until(lambda: find_redis(server) is not None, 5)
    end(pid, ((signal.SIGKILL, 5),))
    return False


def _answers(server: RedisFolder) -> bool:
    with redis.Redis.from_url(server.url, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _last_words(server: RedisFolder) -> str:
    try:
        return (server.log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
    except OSError:
        return "nothing"
