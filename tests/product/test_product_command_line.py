"""The command line as its users meet it: one command brings everything up, and what is wrong is one line."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from app.migrate import migrate
from sandbox.environment import remove_environment
from tests.product.world import PATIENCE, ROOT, SECRET_KEY, World, environment

CONFIG = 78
MAIN = str(ROOT / "main.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean(**more: str) -> dict[str, str]:
    """An environment that names no servers."""
    named = ("DATABASE_", "REDIS", "SECRET_KEY", "ENVIRONMENT")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(named)}, **more}


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, MAIN, *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)


def wait_for(url: str, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + PATIENCE * 2
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if httpx2.get(url).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError(url)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "a folder with spaces"
    yield folder
    if folder.exists():
        remove_environment(folder)


@pytest.mark.parametrize("redis", ["on", "off"])
def test_one_command_brings_everything_up_and_leaves_nothing_behind(data: Path, redis: str) -> None:
    """Started, asked as a cleaner, stopped by SIGTERM; no process is left, and the data is."""
    port = free_port()
    env = clean(PORT=str(port), DATA=str(data), REDIS=redis)
    process = subprocess.Popen([sys.executable, MAIN, "dev"], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        wait_for(f"http://127.0.0.1:{port}/demo.json", process)
        family = psutil.Process(process.pid).children(recursive=True)
        demo = httpx2.get(f"http://127.0.0.1:{port}/demo.json").json()
        who = demo["cleaners"][0]
        payload = "{ credentials { accessToken } errors { code } }"
        signing = f"mutation ($i: SignInWithPinInput!) {{ signInWithPin(input: $i) {payload} }}"
        given = {"query": signing, "variables": {"i": {"qrToken": who["qrToken"], "pin": who["pin"]}}}
        signed = httpx2.post(f"http://127.0.0.1:{port}/graphql", json=given).json()["data"]["signInWithPin"]
        assert signed["errors"] == []
        token = run("token", "--tenant", "demo", "--role", "cleaner", env=env)
        headers = {"authorization": f"Bearer {token.stdout.strip()}"}
        asked = {"query": "{ viewer { role tenant { slug } } swaps { totalCount } }"}
        answer = httpx2.post(f"http://127.0.0.1:{port}/graphql", json=asked, headers=headers).json()
        assert answer["data"]["viewer"] == {"role": "CLEANER", "tenant": {"slug": "demo"}}
        assert httpx2.get(f"http://127.0.0.1:{port}/readyz").json() == {"ready": True, "redis": redis == "on"}
        assert httpx2.get(f"http://127.0.0.1:{port}/").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert "A first subscription" in printed
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert (data / "demo.json").exists()


def test_a_taken_port_is_one_line(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("dev", "serve"):
            done = run(command, env=clean(PORT=str(port), DATA=str(data)))
            assert (done.returncode, done.stdout) == (CONFIG, "")
            said = f"cleanshift: Port {port} cannot be used (Address already in use): choose another with PORT=.\n"
            assert done.stderr == said


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file stands where the folder should be: as good as no permission, also for root."""
    (tmp_path / "file").write_text("")
    done = run("migrate", env=clean(DATA=str(tmp_path / "file" / "data")))
    assert done.returncode == CONFIG
    assert done.stderr.count("\n") == 1
    assert "DATA=" in done.stderr


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    done = run("serve", env=clean(PORT="many", DATA=str(tmp_path)))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    done = run("serve", env=clean(DATABASE_URL="postgresql://x", ENVIRONMENT="moon", DATA=str(tmp_path)))
    assert done.returncode == CONFIG
    assert done.stderr.count("\n") == 1


async def test_a_database_of_a_newer_schema_is_refused_in_one_line(world: World) -> None:
    """Also by migrate, which must not touch what it does not know."""
    await world.root.execute("update alembic_version set version_num = '9999'")
    try:
        env = environment(world.servers, world.data, PORT=str(free_port()))
        for command in ("serve", "worker", "migrate"):
            done = run(command, env=env)
            assert done.returncode == CONFIG
            assert done.stderr.count("\n") == 1
            assert "newer" in done.stderr
    finally:
        await world.root.execute("update alembic_version set version_num = '0001'")


async def test_a_role_with_too_much_power_is_refused_in_one_line(world: World) -> None:
    """A superuser, the owner, and a role that bypasses row-level security: none may serve."""
    place = world.servers.database_url.rsplit("@", 1)[1]
    await world.root.execute("create role mighty login bypassrls password 'mighty-1'")
    await world.root.execute("grant select on alembic_version to mighty")
    superuser = world.servers.superuser_url.rsplit("/", 1)[0] + "/cleanshift"
    try:
        await world.root.execute("grant connect on database cleanshift to mighty")
        await world.root.execute("grant usage on schema public to mighty")
        for url, word in (
            (superuser, "superuser"),
            (world.servers.database_owner_url, "owns tables"),
            (f"postgresql://mighty:mighty-1@{place}", "bypasses"),
        ):
            env = environment(world.servers, world.data, PORT=str(free_port()), DATABASE_URL=url)
            done = run("serve", env=env)
            assert done.returncode == CONFIG
            assert done.stderr.count("\n") == 1
            assert word in done.stderr
    finally:
        await world.root.execute("drop owned by mighty")
        await world.root.execute("drop role mighty")


def test_production_gives_out_no_tokens_and_brings_up_no_servers(data: Path) -> None:
    env = clean(ENVIRONMENT="production", SECRET_KEY=SECRET_KEY, DATA=str(data))
    for command in ("token", "serve", "seed"):
        done = run(command, env=env)
        assert done.returncode == CONFIG
        assert done.stderr.count("\n") == 1
    assert not data.exists()


async def test_migrating_twice_changes_nothing_and_a_new_epoch_moves_every_cursor(world: World) -> None:
    """What is said after restoring a backup turns every cursor into a Resync."""
    town = await world.found()
    before = await world.root.fetchval("select epoch from tenant_head where tenant_id = $1", town.tenant)
    assert await migrate(world.servers.database_owner_url) == "0001"
    assert await world.root.fetchval("select epoch from tenant_head where tenant_id = $1", town.tenant) == before
    await migrate(world.servers.database_owner_url, new_epoch=True)
    assert await world.root.fetchval("select epoch from tenant_head where tenant_id = $1", town.tenant) > before
    assert await world.root.fetchval("select relforcerowsecurity from pg_class where relname = 'tenant_head'") is True


def test_every_command_has_help() -> None:
    for command in ("dev", "serve", "worker", "migrate", "seed", "schema", "token"):
        done = run(command, "--help", env=clean())
        assert done.returncode == 0
        assert command in done.stdout
