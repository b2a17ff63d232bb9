"""A whole installation of its own for the benchmarks: servers, data and processes, all of them gone at the end."""

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg

from app.container import AfterCommit
from app.migrate import migrate
from app.settings import Keys
from app.tokens import SigningKey, TokenSigner
from app.waker import open_waker
from benchmarks.gauges import on_server_core
from db.engine import write_engine
from db.runner import AfterCommit as Told
from db.runner import Call, Runner
from db.secrets import Secrets
from domain.actors import Actor, Role, TenantId
from sandbox.bulk import seed_bulk
from sandbox.environment import Servers, open_environment, remove_environment
from sandbox.ownership import cluster_place
from sandbox.postgres import find_postmaster
from sandbox.processes import wait_until
from services.identity.command_line import PersonWanted, open_session_for
from subscriptions.wake import Wake

KEY = bytes(range(32))
ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 20.0
APP_ROLE = "cleanshift_app"


@dataclass(frozen=True, slots=True)
class Size:
    """How many businesses, and how much is in each."""

    tenants: int
    cleaners: int
    properties: int
    jobs: int
    swaps: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running API process."""

    pid: int
    port: int
    log: Path


@dataclass(frozen=True, slots=True)
class Installation:
    """Servers with data in them, a runner, and a look behind the walls."""

    servers: Servers
    data: Path
    runner: Runner
    root: asyncpg.Connection
    postmaster: int
    postgres_log: Path

    async def fill(self, size: Size) -> None:
        """Make businesses `bulk-1` and on; what is there already stays."""
        await seed_bulk(
            self.servers.database_url,
            tenants=size.tenants,
            cleaners=size.cleaners,
            properties=size.properties,
            jobs=size.jobs,
            swaps=size.swaps,
            progress=sys.stderr.isatty(),
        )
        # Autovacuum would do it within minutes; both ways of reading shall have good plans from the start.
        await self.root.execute("vacuum analyze")

    async def tenant(self, number: int) -> TenantId:
        """The business `bulk-<number>`."""
        return TenantId(await self.root.fetchval("select tenant_id from tenant where slug = $1", f"bulk-{number}"))

    async def session(self, tenant: TenantId, role: Role, person: object = None) -> Actor:
        """Somebody of the business, signed in; the first of that role unless told."""
        wanted = PersonWanted(role, None if person is None else str(person))
        signed = await self.runner.run(Call(Actor.system(tenant), open_session_for, wanted))
        return Actor(signed.tenant, signed.role, signed.person_id, signed.session_id)

    def token(self, actor: Actor) -> str:
        """A bearer token that outlives the run."""
        return TokenSigner(signing_key(), lifetime=timedelta(hours=6)).sign(actor)

    def environment(self, port: int) -> dict[str, str]:
        """The environment of a process of the product over these servers."""
        return {
            **os.environ,
            "PORT": str(port),
            "DATA": str(self.data),
            "DATABASE_URL": self.servers.database_url,
            "DATABASE_FEED_URL": self.servers.database_feed_url,
            "DATABASE_OPS_URL": self.servers.database_ops_url,
            "DATABASE_OWNER_URL": self.servers.database_owner_url,
            "REDIS_URL": self.servers.redis_url or "",
            "REDIS": "on" if self.servers.redis_url else "off",
            "SECRET_KEY": base64.urlsafe_b64encode(KEY).decode(),
            "LOG_FORMAT": "json",
        }

    @contextmanager
    def server(self, name: str, argv: Sequence[str]) -> Iterator[Server]:
        """A server on one core while the block lasts; `argv` is what follows the interpreter."""
        port, log = free_port(), self.data / f"{name}.log"
        with log.open("wb") as file, on_server_core():
            process = subprocess.Popen(
                [sys.executable, *argv], cwd=ROOT, env=self.environment(port), stdout=file, stderr=file
            )
        try:
            _until_ready(process, port, log)
            yield Server(process.pid, port, log)
        finally:
            _stop(process)

    @contextmanager
    def ours(self) -> Iterator[Server]:
        """An API process of the product."""
        with self.server("ours", ["main.py", "serve"]) as server:
            yield server


@asynccontextmanager
async def open_installation() -> AsyncIterator[Installation]:
    """An empty, migrated installation under a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="cleanshift-bench-") as name:
        data = Path(name)
        try:
            with open_environment(data) as servers:
                await migrate(servers.database_owner_url)
                async with a_runner(servers) as runner, _root(servers) as root:
                    cluster = cluster_place(data / "servers")
                    running = find_postmaster(cluster)
                    assert running is not None
                    yield Installation(servers, data, runner, root, running.pid, cluster.log)
        finally:
            await asyncio.to_thread(remove_environment, data)


@asynccontextmanager
async def _root(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/cleanshift")
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def a_runner(servers: Servers, told: Told | None = None) -> AsyncIterator[Runner]:
    """A runner of commands outside of a server, which wakes feeds like every other; `told` hears of commits first."""
    engine, waker = write_engine(servers.database_url, size=10), open_waker(servers.redis_url)
    try:
        async with Wake(servers.redis_url) as wake:
            after = AfterCommit(wake, waker)

            def tell(tenant: TenantId, *, events: bool, tasks: bool) -> None:
                if told is not None:
                    told(tenant, events=events, tasks=tasks)
                after(tenant, events=events, tasks=tasks)

            keys = Keys.derive(KEY)
            yield Runner(engine, Secrets(keys.hashing, keys.sealing), tell)
    finally:
        await waker.close()
        await engine.dispose()


def signing_key() -> SigningKey:
    """The key that this installation's tokens are signed with."""
    return SigningKey.from_seed(base64.urlsafe_b64encode(Keys.derive(KEY).signing).decode().rstrip("="))


def _until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    if (
        not wait_until(lambda: process.poll() is not None or _answers(port), START_SECONDS)
        or process.poll() is not None
    ):
        raise SystemExit(f"A server of the benchmark did not start: {log.read_text()[-2000:]}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
