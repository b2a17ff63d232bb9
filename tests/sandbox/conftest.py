"""Folders, processes and questions for the tests of the embedded servers; independent of the other tests' database."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sandbox.environment import SandboxError, remove_environment
from sandbox.ownership import cluster_place, myself
from sandbox.postgres import find_postmaster
from sandbox.redis_server import RedisFolder, find_redis

PROJECT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from sandbox.environment import open_environment

with open_environment(Path(sys.argv[1]), durable=False):
    print("open", flush=True)
    sys.stdin.read()
print("left", flush=True)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Iterator[Path]:
    """One data folder (under a private folder, as pytest makes them) for the tests of a module, one after the other."""
    folder = tmp_path_factory.mktemp("sandbox") / "a data folder"
    yield folder
    remove_environment(folder)


@pytest.fixture
def own_data(tmp_path) -> Iterator[Path]:
    """A data folder for one test."""
    folder = tmp_path / "data"
    yield folder
    remove_environment(folder)


@pytest.fixture
def running() -> Callable[[Path], tuple[int | None, int | None]]:
    """The process ids of the PostgreSQL and the Redis that live in a data folder."""

    def find(data: Path) -> tuple[int | None, int | None]:
        postmaster = find_postmaster(cluster_place(data / "servers"))
        redis = find_redis(RedisFolder(data / "servers" / "redis", myself(), ""))
        return postmaster.pid if postmaster else None, redis

    return find


@pytest.fixture
def ask() -> Callable[..., object]:
    """Ask a database for one value, in a thread with its own loop (the tests' own may be running)."""

    async def fetch(url: str, *statements: str) -> object:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    def in_thread(work: Coroutine[Any, Any, object]) -> object:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, work).result()

    return lambda url, *statements: in_thread(fetch(url, *statements))


@pytest.fixture
def holding() -> Callable[[Path], object]:
    """Another process that holds a data folder's servers until its standard input ends."""

    @contextmanager
    def hold(data: Path) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        ) as process:
            try:
                assert process.stdout
                assert process.stdout.readline() == "open\n"
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    return hold


@pytest.fixture
def refusal() -> Callable[..., str]:
    """The one line with which something is refused."""

    def message(act: Callable[[], object]) -> str:
        with pytest.raises(SandboxError) as raised:
            act()
        assert "\n" not in str(raised.value)
        return str(raised.value)

    return message
