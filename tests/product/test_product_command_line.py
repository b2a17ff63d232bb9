"""The command line as its users meet it: one command brings everything up, and what is wrong is one line."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
import structlog
from starlette.types import Receive, Scope, Send

from app.boot import ensure_servable
from app.logs import RequestLog
from app.migrate import head, migrate
from app.settings import ConfigurationError, Settings
from sandbox.commands import migrate_database
from sandbox.environment import Servers, remove_environment
from sandbox.servers import environment_of, with_servers
from tests.ports import free_port
from tests.product.world import PATIENCE, ROOT, SECRET_KEY, World, an_api, environment

CONFIG = 78
MAIN = str(ROOT / "main.py")
READS_THAT_WAIT = "select count(*) from pg_locks where relation = 'swap'::regclass and not granted"


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


def lives(process: psutil.Process) -> bool:
    """Whether it is still there, and not only as a line in the table that nobody has read."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


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
        # The pages are served while the demo is still being made; the welcome comes when it is.
        welcome = any("A first subscription" in line for line in process.stdout)
        # A pipe that nobody empties holds up whoever writes to it, after 64 KiB of log.
        rest = threading.Thread(target=process.stdout.read)
        rest.start()
        there = f"http://127.0.0.1:{port}"
        family = psutil.Process(process.pid).children(recursive=True)
        demo = httpx2.get(f"{there}/demo.json", timeout=PATIENCE).json()
        who = demo["cleaners"][0]
        payload = "{ credentials { accessToken } errors { code } }"
        signing = f"mutation ($i: SignInWithPinInput!) {{ signInWithPin(input: $i) {payload} }}"
        given = {"query": signing, "variables": {"i": {"qrToken": who["qrToken"], "pin": who["pin"]}}}
        signed = httpx2.post(f"{there}/graphql", json=given, timeout=PATIENCE).json()["data"]["signInWithPin"]
        assert signed["errors"] == []
        token = run("token", "--tenant", "demo", "--role", "cleaner", env=env)
        headers = {"authorization": f"Bearer {token.stdout.strip()}"}
        asked = {"query": "{ viewer { role tenant { slug } } swaps { totalCount } }"}
        answer = httpx2.post(f"{there}/graphql", json=asked, headers=headers, timeout=PATIENCE).json()
        assert answer["data"]["viewer"] == {"role": "CLEANER", "tenant": {"slug": "demo"}}
        ready = httpx2.get(f"{there}/readyz", timeout=PATIENCE).json()
        assert ready == {"ready": True, "redis": redis == "on"}
        assert httpx2.get(f"{there}/", timeout=PATIENCE).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)
    rest.join()
    process.stdout.close()
    assert process.returncode == 0
    assert welcome
    assert not [one for one in family if lives(one)]
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
        await world.root.execute("update alembic_version set version_num = $1", head())


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


@pytest.mark.parametrize("setting", ["DATABASE_URL", "DATABASE_FEED_URL", "SECRET_KEY", "DATABASE_OPS_URL"])
async def test_a_server_that_is_not_ours_refuses_in_one_line_as_well(world: World, setting: str) -> None:
    """R243: `uvicorn main:app` checks what `serve` checks, writes nothing, and shows no stack."""
    town = await world.found()
    before = await world.trace(town.tenant)
    wrong = {
        "DATABASE_URL": (world.servers.database_owner_url, "owns tables"),
        "DATABASE_FEED_URL": ("", "DATABASE_FEED_URL"),
        "DATABASE_OPS_URL": (elsewhere(world.servers.database_ops_url, database="moon"), "no such database"),
        "SECRET_KEY": ("hush-1", "SECRET_KEY"),
    }
    value, word = wrong[setting]
    process = under_uvicorn(environment(world.servers, world.data, **{setting: value}))
    _, printed = process.communicate(timeout=60)
    assert process.returncode != 0
    said = [line for line in printed.splitlines() if "cleanshift: " in line]
    assert len(said) == 1
    assert word in said[0]
    assert "Traceback" not in printed
    assert "hush-" not in printed
    assert await world.trace(town.tenant) == before


async def test_a_server_that_is_not_ours_serves_what_is_set_up_rightly(world: World) -> None:
    port = free_port()
    process = under_uvicorn(environment(world.servers, world.data), port)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
    finally:
        process.send_signal(signal.SIGTERM)
        _, printed = process.communicate(timeout=40)
    assert "Traceback" not in printed


async def test_who_has_no_connection_left_to_answer_with_says_in_time_that_it_is_not_ready(world: World) -> None:
    """R243: a probe is not kept waiting behind reads that wait themselves; what was asked is answered later."""
    town = await world.found()
    headers = {"authorization": f"Bearer {world.token(town.owner)}"}
    body = {"query": "{ swaps { totalCount } }"}
    async with an_api(world, POOL_SIZE="2") as api:
        async with world.root.transaction():
            await world.root.execute("lock table swap in access exclusive mode")
            asked = [asyncio.create_task(api.http.post("/graphql", json=body, headers=headers)) for _ in range(2)]
            async with asyncio.timeout(PATIENCE):
                while await world.root.fetchval(READS_THAT_WAIT) < len(asked):
                    await asyncio.sleep(0.02)
            probed = await api.http.get("/readyz")
        answers = [(await one).json() for one in asked]
        again = await api.http.get("/readyz")
    assert (probed.status_code, probed.json()["ready"]) == (503, False)
    assert [answer["data"] for answer in answers] == [{"swaps": {"totalCount": 0}}] * 2
    assert (again.status_code, again.json()["ready"]) == (200, True)


def under_uvicorn(env: dict[str, str], port: int = 0) -> subprocess.Popen[str]:
    """`main:app` under a plain server that knows nothing of us."""
    argv = [sys.executable, "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", str(port)]
    return subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def settings(world: World, **more: str | None) -> Settings:
    """Settings that name the world's servers."""
    named = ("database_url", "database_feed_url", "database_ops_url", "redis_url")
    given = {name: getattr(world.servers, name) for name in named}
    return Settings.read(**{**given, "secret_key": SECRET_KEY, "data": str(world.data), **more})


async def refused(checked: Settings) -> str:
    """The one line with which these settings are refused."""
    with pytest.raises(ConfigurationError) as refusal:
        await ensure_servable(checked)
    said = str(refusal.value)
    assert "\n" not in said
    assert "hush-" not in said
    return said


def elsewhere(url: str, *, role: str | None = None, database: str = "cleanshift") -> str:
    place = url.rsplit("@", 1)[1].rsplit("/", 1)[0]
    return f"postgresql://{role or url.split('//')[1].rsplit('@', 1)[0]}@{place}/{database}"


@pytest.mark.parametrize("which", ["database_url", "database_feed_url", "database_ops_url"])
async def test_each_wrong_address_is_one_line_that_names_its_setting_and_no_password(world: World, which: str) -> None:
    """R243: before the API or a worker starts."""
    await ensure_servable(settings(world))
    url = getattr(world.servers, which)
    for wrong, word in (
        (elsewhere(url, role="cleanshift_app:hush-1"), "password"),
        (elsewhere(url, role="nobody_here:hush-1"), "password"),
        (elsewhere(url, database="moon"), "no such database"),
        ("postgresql://cleanshift_app:hush-1@127.0.0.1:1/cleanshift", "does not answer"),
        ("postgresql://cleanshift_app:hush-1@127.0.0.1:hush-2/cleanshift", "must be an address"),
        ("postgres://cleanshift_app:hush-1@127.0.0.1/cleanshift", "must be an address"),
        ("hush-1", "must be an address"),
    ):
        said = await refused(settings(world, **{which: wrong}))
        assert which.upper() in said
        assert word in said, said
    if which != "database_url":
        without = settings(world).model_copy(update={which: None})
        assert which.upper() in await refused(without)


async def test_wrong_keys_and_a_wrong_address_of_redis_are_one_line(world: World) -> None:
    bare = settings(world, environment="production").model_copy(update={"secret_key": None})
    assert "SECRET_KEY" in await refused(bare)
    for wrong in ("hush-1", "\u2713", "A" * 44):
        assert "SECRET_KEY" in await refused(settings(world, secret_key=wrong))
    for wrong in ("hush-1", "http://127.0.0.1", "redis://x:hush-1@127.0.0.1:hush-2/0"):
        assert "REDIS_URL" in await refused(settings(world, redis_url=wrong))
    # One that is merely away stops nothing (R253).
    await ensure_servable(settings(world, redis_url="redis://127.0.0.1:1/0"))


@pytest.mark.parametrize("which", ["database_url", "database_feed_url", "database_ops_url"])
async def test_a_member_of_any_other_role_is_refused_for_each_address(world: World, which: str) -> None:
    """One who may write everything, or become the owner, is as mighty as they: not only the application's role."""
    for other, granted in (("pg_write_all_data", "WITH INHERIT TRUE"), ("cleanshift_owner", "WITH INHERIT FALSE")):
        await world.root.execute("create role borrower login password 'hush-1'")
        try:
            await world.root.execute(f"grant {other} to borrower {granted}")
            await world.root.execute("grant connect on database cleanshift to borrower")
            await world.root.execute("grant select on alembic_version to borrower")
            url = elsewhere(getattr(world.servers, which), role="borrower:hush-1")
            said = await refused(settings(world, **{which: url}))
            assert "is a member of another role" in said
            assert which.upper() in said
        finally:
            await world.root.execute("drop owned by borrower")
            await world.root.execute("drop role borrower")


async def test_the_owners_address_alone_names_the_database_to_migrate(world: World, data: Path) -> None:
    """No servers are brought up beside it, or who migrates would believe that it was done."""
    named = Settings.read(database_owner_url=world.servers.database_owner_url, data=str(data))
    assert head() in await asyncio.to_thread(migrate_database, named, new_epoch=False, ops_email=None)
    assert not data.exists()
    away = Settings.read(database_owner_url="postgresql://o:hush-1@127.0.0.1:1/cleanshift", data=str(data))
    with pytest.raises(ConfigurationError, match="DATABASE_OWNER_URL") as refusal:
        await asyncio.to_thread(migrate_database, away, new_epoch=False, ops_email=None)
    assert "hush-" not in str(refusal.value)
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        await asyncio.to_thread(migrate_database, named, new_epoch=True, ops_email="ops@platform.example")
    unnamed = settings(world, environment="production")
    with pytest.raises(ConfigurationError, match="DATABASE_OWNER_URL"):
        await asyncio.to_thread(migrate_database, unnamed, new_epoch=False, ops_email=None)


def test_children_do_not_learn_the_owners_address(
    product_servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only migrate has a use for it."""
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://other")
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    told = environment_of(with_servers(Settings.read(data=str(tmp_path)), product_servers))
    assert "DATABASE_OWNER_URL" not in told
    assert told["DATABASE_URL"] == product_servers.database_url
    assert told["ENVIRONMENT"] == "development"


def test_real_servers_without_a_word_on_the_environment_are_worth_a_warning(
    product_servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    url = product_servers.database_url
    assert Settings.read(database_url=url).is_development_unsaid
    assert not Settings.read(database_url=url, environment="development").is_development_unsaid
    assert not Settings.read(database_url=url, environment="production").is_development_unsaid
    assert not with_servers(Settings.read(data=str(tmp_path)), product_servers).is_development_unsaid


async def test_a_request_that_ends_in_an_error_is_logged_too_and_its_lines_say_whose_they_are() -> None:
    """Each line of a request carries its id and tenant; the next request carries nothing of it."""

    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        structlog.contextvars.bind_contextvars(tenant="a-tenant")
        structlog.get_logger("inside").error("internal_error")
        raise ZeroDivisionError

    async def nothing(*_args: object) -> Any:
        raise AssertionError

    scope = {"type": "http", "path": "/graphql", "headers": [(b"x-request-id", b"an-id")]}
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        with pytest.raises(ZeroDivisionError):
            await RequestLog(broken)(scope, nothing, nothing)
        assert structlog.contextvars.get_contextvars() == {}
    inside, ended = lines
    assert (inside["event"], inside["request_id"], inside["tenant"]) == ("internal_error", "an-id", "a-tenant")
    assert (ended["event"], ended["status"], ended["request_id"]) == ("http", 500, "an-id")


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
    assert await migrate(world.servers.database_owner_url) == head()
    assert await world.root.fetchval("select epoch from tenant_head where tenant_id = $1", town.tenant) == before
    await migrate(world.servers.database_owner_url, new_epoch=True)
    assert await world.root.fetchval("select epoch from tenant_head where tenant_id = $1", town.tenant) > before
    assert await world.root.fetchval("select relforcerowsecurity from pg_class where relname = 'tenant_head'") is True


def test_every_command_has_help() -> None:
    for command in ("dev", "serve", "worker", "migrate", "seed", "schema", "token"):
        done = run(command, "--help", env=clean())
        assert done.returncode == 0
        assert command in done.stdout
