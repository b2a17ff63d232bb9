"""The servers of one data folder, shared by every process that works on it.

Each process holds a shared lock on a file of the folder; whoever finds on leaving that nobody else holds one stops the
servers. Locks die with their process, so one that was killed leaves no stale count: if it was the last, the next to
open the folder adopts the servers it left behind.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import SandboxError, postgres, redis_server
from sandbox.binaries import postgres_programs, redis_program
from sandbox.ownership import claim, cluster_place, forget, myself
from sandbox.passwords import Passwords, kept_passwords
from sandbox.redis_server import RedisFolder
from sandbox.roles import DATABASE, prepare_database
from sandbox.signals import postponed, unwinding

__all__ = ["SandboxError", "Servers", "ensure_running", "open_environment", "remove_environment"]


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses with passwords, as asyncpg and redis-py take them; `redis_url` is None where there is no Redis."""

    # Not in the printed form: it could end up in a log.
    database_url: str = field(repr=False)
    database_feed_url: str = field(repr=False)
    database_ops_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    superuser_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a process asks of the data folder's servers."""

    redis: bool = True
    durable: bool = True


@contextmanager
def open_environment(data: Path, *, redis: bool = True, durable: bool = True) -> Iterator[Servers]:
    """Run PostgreSQL and Redis for the folder `data` while the block lasts, or longer if another process needs them.

    Adopts servers that run already and restarts killed ones. `durable=False` is for tests: a killed server
    or a power cut may lose the last commits. Adoption does not change how a server runs.
    In the main thread SIGTERM and SIGHUP unwind the block like Ctrl-C does, so that the servers are stopped.
    Raises SandboxError, one line that says what to do.
    """
    with unwinding():
        folder = _servers_folder(data)
        holder = os.open(folder / "holders.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with _starting(folder):
                # Nobody holds it exclusively but inside the starting lock, so this does not wait.
                fcntl.flock(holder, fcntl.LOCK_SH)
                servers = _start(folder, Wanted(redis, durable))
            yield servers
        finally:
            with postponed():
                _leave(folder, holder)


def ensure_running(data: Path, *, redis: bool = True, durable: bool = True) -> Servers | None:
    """Restart what has died of the servers; cheap enough to be called every second. None if nothing had to be done.

    Only for a process that is inside `open_environment(data)`, with the same wishes. Ports are kept while free.
    """
    folder = _servers_folder(data)
    if _all_running(folder, redis=redis):
        return None
    with _starting(folder):
        return _start(folder, Wanted(redis, durable))


def remove_environment(data: Path) -> None:
    """Remove servers and data of a folder that nobody uses any more, also what root keeps outside of it.

    Raises SandboxError while a process still holds the folder.
    """
    folder = _servers_folder(data)
    holder = os.open(folder / "holders.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with _starting(folder):
            if not _is_last(holder):
                raise SandboxError(f"{data} is in use: stop the processes that work on it first.")
            _stop(folder)
            forget(cluster_place(folder))
            shutil.rmtree(folder)
    finally:
        os.close(holder)


def _servers_folder(data: Path) -> Path:
    folder = data.absolute() / "servers"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(folder / "start.lock", os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise SandboxError(
            f"The data folder {data} cannot be written ({error.strerror}): choose another with DATA=."
        ) from error
    return folder


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the servers of a folder."""
    lock = os.open(folder / "start.lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _start(folder: Path, wanted: Wanted) -> Servers:
    try:
        passwords = kept_passwords(folder / "passwords.json")
        port = _start_postgres(folder, passwords, durable=wanted.durable)
        redis_url = _start_redis(folder, passwords) if wanted.redis else None
        servers = _servers(passwords, port, redis_url)
        prepare_database(servers.superuser_url, passwords)
    except OSError as error:
        raise SandboxError(f"The servers of {folder.parent} cannot start ({error}): choose another DATA=.") from error
    return servers


def _start_postgres(folder: Path, passwords: Passwords, *, durable: bool) -> int:
    cluster = cluster_place(folder)
    claim(cluster, passwords.identity)
    programs = postgres_programs(cluster.user, cluster.home / "programs" if cluster.user.switch else None)
    return postgres.start(cluster, programs, passwords.superuser, durable=durable)


def _start_redis(folder: Path, passwords: Passwords) -> str | None:
    program = redis_program(myself())
    return redis_server.start(RedisFolder(folder / "redis", myself(), passwords.redis), program) if program else None


def _servers(passwords: Passwords, port: int, redis_url: str | None) -> Servers:
    def url(user: str, password: str, database: str = DATABASE) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"

    return Servers(
        database_url=url("cleanshift_app", passwords.app),
        database_feed_url=url("cleanshift_feed", passwords.feed),
        database_ops_url=url("cleanshift_ops", passwords.ops),
        database_owner_url=url("cleanshift_owner", passwords.owner),
        superuser_url=url("postgres", passwords.superuser, "postgres"),
        redis_url=redis_url,
    )


def _all_running(folder: Path, *, redis: bool) -> bool:
    if postgres.find_postmaster(cluster_place(folder)) is None:
        return False
    # A folder that has never had a Redis has none to restart: there is no program for it.
    server = RedisFolder(folder / "redis", myself(), "")
    return not redis or server.port == 0 or redis_server.find_redis(server) is not None


def _leave(folder: Path, holder: int) -> None:
    try:
        with _starting(folder):
            if _is_last(holder):
                _stop(folder)
            # Inside the starting lock, so that nobody waits for a lock that we no longer need.
            fcntl.flock(holder, fcntl.LOCK_UN)
    except FileNotFoundError:
        # The data folder was removed under us; the servers may still run from open files.
        _stop(folder)
    finally:
        os.close(holder)


def _is_last(holder: int) -> bool:
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop(folder: Path) -> None:
    server = RedisFolder(folder / "redis", myself(), "")
    redis_server.ask_to_stop(server)
    postgres.stop(cluster_place(folder))
    redis_server.stop(server)
