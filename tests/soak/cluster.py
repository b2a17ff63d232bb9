"""PostgreSQL, Redis, two API processes and two workers: real processes, each of which can be killed by its id.

What dies is started again, as the supervisor of `make run` does. Clients reach each API through a proxy of its own.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2

from app.migrate import migrate
from sandbox import TRY_AGAIN, SandboxError, tether
from sandbox.environment import Servers, ensure_running, open_environment, remove_environment
from sandbox.ownership import cluster_place, myself
from sandbox.postgres import find_postmaster
from sandbox.processes import end
from sandbox.redis_server import RedisFolder, find_redis
from tests.ports import free_port
from tests.product.world import ROOT, environment, stop
from tests.soak.proxy import Proxy

NODES = 2
HEARTBEAT_SECONDS = 1.0
GONE_SECONDS = 10.0
START_ATTEMPTS = 5
READY_SECONDS = 240.0
LOOK_SECONDS = 0.1
API = (sys.executable, str(ROOT / "main.py"), "serve")
WORKER = (sys.executable, str(ROOT / "main.py"), "worker")
BRISK_WORKER = (sys.executable, "-m", "tests.soak.brisk_worker")
"""One that does not wait as long as the product's for what a dead worker held."""


@dataclass(slots=True)
class Child:
    """One process of the product."""

    name: str
    argv: Sequence[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    was_killed: bool = False
    outages: int = 0
    """How often the database had been away when this process began."""

    def start(self) -> None:
        """Start it, tied to this process: if we are killed, so is it. Only from the main thread, which ties it."""
        tie = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*tie, *self.argv], env=self.env, stdout=log, stderr=log)
        self.was_killed = False

    def kill(self) -> None:
        """Kill it as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.was_killed = True
            self.process.send_signal(signal.SIGKILL)

    @property
    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None


@dataclass(slots=True)
class Api:
    """One API process with the proxy in front of it."""

    child: Child
    port: int
    proxy: Proxy


@dataclass(slots=True)
class Cluster:
    """Everything that runs; made by `open_cluster`."""

    servers: Servers
    data: Path
    apis: list[Api] = field(default_factory=list)
    workers: list[Child] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    """Processes that ended by themselves though their database was there all the time."""
    _outages: int = 0

    @property
    def ports(self) -> list[int]:
        """Where clients connect."""
        return [api.proxy.port for api in self.apis]

    @property
    def children(self) -> list[Child]:
        return [*(api.child for api in self.apis), *self.workers]

    def kill_postgres(self) -> None:
        """Kill the postmaster; its other processes notice and end."""
        running = find_postmaster(cluster_place(self.data / "servers"))
        self._outages += 1
        if running is not None:
            end(running.pid, ((signal.SIGKILL, GONE_SECONDS),))

    async def start_postgres(self) -> None:
        """Have PostgreSQL running, recovered from its log."""
        await self._start(redis=False)

    def kill_redis(self) -> None:
        """Kill Redis, also one that hangs."""
        pid = self._redis()
        if pid is not None:
            end(pid, ((signal.SIGKILL, GONE_SECONDS),))

    def hang_redis(self) -> int | None:
        """Stop Redis in its tracks: connections stay, nobody answers. Its id, for `wake_redis`."""
        pid = self._redis()
        if pid is not None:
            os.kill(pid, signal.SIGSTOP)
        return pid

    def wake_redis(self, pid: int | None) -> None:
        """Let a hanging Redis go on, if it is still there."""
        if pid is not None and pid == self._redis():
            os.kill(pid, signal.SIGCONT)

    async def start_redis(self) -> None:
        """Have Redis running, and PostgreSQL."""
        await self._start(redis=True)

    def calm(self) -> None:
        """End what the network does."""
        for api in self.apis:
            api.proxy.resume()
            api.proxy.lose_no_more()

    async def until_ready(self) -> None:
        """Wait until every API process answers with its database."""
        async with asyncio.timeout(READY_SECONDS), httpx2.AsyncClient(timeout=3) as http:
            for api in self.apis:
                while not await _is_ready(http, api.port):
                    await asyncio.sleep(LOOK_SECONDS)

    async def keep(self) -> None:
        """Start again whatever has died, until cancelled."""
        while True:
            for child in self.children:
                if child.is_dead:
                    self._note(child)
                    self.start(child)
            await asyncio.sleep(LOOK_SECONDS)

    def start(self, child: Child) -> None:
        """Start a process over the servers as they are."""
        child.outages = self._outages
        child.start()

    def _note(self, child: Child) -> None:
        assert child.process is not None
        asks_for_it = child.process.returncode == TRY_AGAIN
        if not (asks_for_it or child.was_killed or child.outages != self._outages):
            said = child.log.read_text(errors="replace").strip().splitlines()[-1:]
            self.deaths.append(f"{child.name} ended with {child.process.returncode}: {said}")

    async def _start(self, *, redis: bool) -> None:
        """The next fault may come while a server still starts: then it is started again."""
        for _ in range(START_ATTEMPTS - 1):
            with contextlib.suppress(SandboxError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.to_thread(ensure_running, self.data, redis=redis)
                return
        await asyncio.to_thread(ensure_running, self.data, redis=redis)

    def _redis(self) -> int | None:
        return find_redis(RedisFolder(self.data / "servers" / "redis", myself(), ""))


@contextmanager
def open_servers(data: Path) -> Iterator[Servers]:
    """Migrated servers that keep every commit whatever befalls them; their data is removed at the end."""
    try:
        with open_environment(data) as servers:
            asyncio.run(migrate(servers.database_owner_url))
            yield servers
    finally:
        remove_environment(data)


@asynccontextmanager
async def open_cluster(servers: Servers, data: Path, worker: Sequence[str] = WORKER) -> AsyncIterator[Cluster]:
    """Two API processes and two workers over these servers, for as long as the block lasts."""
    cluster = Cluster(servers, data)
    logs = data / "logs"
    logs.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        for number in range(NODES):
            cluster.apis.append(await _api(cluster, stack, logs / f"api-{number}.log"))
            env = environment(servers, data)
            cluster.workers.append(Child(f"worker {number}", worker, env, logs / f"worker-{number}.log"))
        keeper = None
        try:
            for child in cluster.children:
                cluster.start(child)
            keeper = asyncio.create_task(cluster.keep())
            await cluster.until_ready()
            yield cluster
        finally:
            if keeper is not None:
                keeper.cancel()
                await asyncio.wait([keeper])
            await _end_all(cluster)


async def _api(cluster: Cluster, stack: AsyncExitStack, log: Path) -> Api:
    port = free_port()
    env = environment(cluster.servers, cluster.data, PORT=str(port), HEARTBEAT_SECONDS=str(HEARTBEAT_SECONDS))
    child = Child(f"API {len(cluster.apis)}", API, env, log)
    return Api(child, port, await stack.enter_async_context(Proxy(port)))


async def _end_all(cluster: Cluster) -> None:
    """In good order, all at the same time; a Redis that still hangs would outlive us."""
    cluster.calm()
    running = [child.process for child in cluster.children if child.process is not None]
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in running:
        await asyncio.to_thread(stop, process)


async def _is_ready(http: httpx2.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx2.TransportError:
        return False


@asynccontextmanager
async def looking(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection, made when it is needed: those from before a fault are gone."""
    connection = await asyncpg.connect(servers.superuser_url, database="cleanshift")
    try:
        yield connection
    finally:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close()
