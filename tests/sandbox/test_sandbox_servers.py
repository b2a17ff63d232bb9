"""The embedded servers start, keep their data, are shared, survive kills and end with their last user."""

import os
import shutil
import signal
import socket
from pathlib import Path

import asyncpg
import pytest
import redis

from sandbox.binaries import redis_program
from sandbox.environment import ensure_running, open_environment, remove_environment
from sandbox.ownership import claim, cluster_place, myself
from sandbox.postgres import Cluster
from sandbox.processes import is_running, wait_until
from sandbox.signals import unwinding

AS_ROOT = os.geteuid() == 0


def opened(data: Path, **wishes):
    return open_environment(data, durable=False, **wishes)


def test_data_and_ports_are_there_again_at_the_next_start_and_nothing_runs_in_between(data, ask, running):
    with opened(data) as first:
        ask(first.database_owner_url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        with redis.Redis.from_url(first.redis_url) as client:
            client.set("kept", "7")
    assert running(data) == (None, None)

    with opened(data) as second:
        assert second == first
        assert ask(second.database_owner_url, "SELECT n FROM kept") == 7
        with redis.Redis.from_url(second.redis_url) as client:
            assert client.get("kept") == b"7"


def test_servers_listen_on_loopback_only_ask_for_a_password_and_lead_their_own_session(data, ask, running):
    with opened(data) as servers:
        postgres, redis_pid = running(data)
        without_password = servers.database_url.replace(servers.database_url.split("@")[0], "postgresql://postgres:no")

        assert ask(servers.superuser_url, "SHOW listen_addresses") == "127.0.0.1"
        assert ask(servers.superuser_url, "SHOW unix_socket_directories") == ""
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(without_password, "SELECT 1")
        redis_port = int(servers.redis_url.rsplit(":", 1)[1].split("/")[0])
        with redis.Redis(port=redis_port) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        assert os.getsid(0) not in {os.getsid(postgres), os.getsid(redis_pid)}
        assert "cleanshift" not in repr(servers)
        kept = data / "servers" / "passwords.json"
        assert kept.stat().st_mode & 0o077 == 0


def test_no_role_that_we_work_with_has_any_power(data, ask):
    with opened(data) as servers:
        powers = "rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication OR rolinherit"
        ours = "rolname LIKE 'cleanshift\\_%'"
        assert ask(servers.superuser_url, f"SELECT count(*) FROM pg_roles WHERE {ours}") == 5
        assert ask(servers.superuser_url, f"SELECT count(*) FROM pg_roles WHERE {ours} AND ({powers})") == 0
        members = f"SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE {ours}"
        assert ask(servers.superuser_url, members) == 1

        for url in (servers.database_url, servers.database_feed_url, servers.database_ops_url):
            for overreach in ("CREATE TABLE mine ()", "CREATE TEMP TABLE mine ()", "SET ROLE cleanshift_owner"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    ask(url, overreach)
        assert ask(servers.database_owner_url, "SELECT to_regclass('mine')") is None


def test_the_owner_hands_functions_to_the_definer_and_finds_btree_gist(data, ask):
    with opened(data) as servers:
        owner = ask(
            servers.database_owner_url,
            "CREATE FUNCTION across() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "ALTER FUNCTION across() OWNER TO cleanshift_definer",
            "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'across'",
        )
        assert owner == "cleanshift_definer"
        ask(
            servers.database_owner_url,
            "CREATE TABLE apart (who int, during tstzrange, EXCLUDE USING gist (who WITH =, during WITH &&))",
        )
        assert (
            ask(servers.database_owner_url, "SELECT datlocale FROM pg_database WHERE datname = 'cleanshift'")
            == "C.UTF-8"
        )


def test_a_second_process_adopts_the_servers_and_the_last_to_leave_stops_them(data, holding, running):
    with opened(data):
        servers = running(data)
        assert None not in servers
        with holding(data) as other:
            assert running(data) == servers

            other.communicate("")
            assert other.returncode == 0
            assert running(data) == servers

    with holding(data) as other:
        with opened(data):
            servers = running(data)
        assert running(data) == servers

        other.communicate("")
    assert running(data) == (None, None)


def test_a_killed_holder_leaves_servers_that_the_next_one_adopts_and_stops(data, holding, running):
    with holding(data) as other:
        other.kill()
        other.wait()
    left_behind = running(data)
    assert None not in left_behind

    with opened(data):
        assert running(data) == left_behind
    assert running(data) == (None, None)


def test_a_terminated_holder_stops_the_servers(data, holding, running):
    with holding(data) as other:
        servers = running(data)
        other.send_signal(signal.SIGTERM)
        # The second one arrives while the servers are being stopped.
        other.send_signal(signal.SIGTERM)
        other.wait()

    assert running(data) == (None, None)
    assert not any(is_running(pid) for pid in servers)


def test_a_second_signal_does_not_cut_short_what_the_first_one_began():
    """It may arrive anywhere between the first one and the line that stops the servers."""
    ending = (signal.SIGTERM, signal.SIGHUP)
    earlier = {signum: signal.signal(signum, signal.SIG_DFL) for signum in ending}
    cleared = []

    def end_twice():
        with unwinding():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                for signum in ending:
                    signal.raise_signal(signum)
                    cleared.append(signum)

    try:
        with pytest.raises(SystemExit) as left:
            end_twice()
        put_back = [signal.getsignal(signum) for signum in ending]
    finally:
        for signum, before in earlier.items():
            signal.signal(signum, before)

    assert cleared == list(ending)
    assert left.value.code == 128 + signal.SIGTERM
    assert put_back == [signal.SIG_DFL, signal.SIG_DFL]


def test_killed_servers_are_restarted_on_their_ports_with_what_was_committed(data, ask, running):
    with open_environment(data) as servers:
        ask(servers.database_owner_url, "CREATE TABLE survived (n int)", "INSERT INTO survived VALUES (1)")
        killed = running(data)
        assert ensure_running(data) is None

        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: running(data) == (None, None), 5)

        assert ensure_running(data) == servers
        assert not set(running(data)) & {None, *killed}
        assert ask(servers.database_owner_url, "SELECT n FROM survived") == 1
        assert servers.redis_url
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()


def test_a_stale_lock_file_with_a_strangers_process_id_is_not_taken_for_the_server(data, ask, running):
    with opened(data):
        pass
    cluster = cluster_place(data / "servers").folder
    lock = cluster / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{cluster}\n1\n5432\n\n127.0.0.1\n\nready\n")
    os.chown(lock, cluster.stat().st_uid, cluster.stat().st_gid)
    assert running(data)[0] is None

    with opened(data) as servers:
        assert ask(servers.database_url, "SELECT 1") == 1
        assert running(data)[0] not in {None, os.getpid()}


def test_ports_taken_by_others_are_replaced(data, ask):
    with opened(data) as servers:
        ports = [int(url.rsplit(":", 1)[1].split("/")[0]) for url in (servers.database_url, servers.redis_url)]
    takers = [socket.create_server(("127.0.0.1", port)) for port in ports]
    try:
        with opened(data) as servers:
            assert ask(servers.database_url, "SELECT 1") == 1
            assert not any(f":{port}/" in servers.database_url + servers.redis_url for port in ports)
    finally:
        for taker in takers:
            taker.close()


def test_another_major_version_is_refused_and_the_cluster_stays_as_it_is(data, ask, refusal, running):
    cluster = cluster_place(data / "servers").folder
    with opened(data) as servers:
        ask(servers.database_owner_url, "SELECT 1")
    (cluster / "PG_VERSION").write_text("17\n")

    message = refusal(lambda: opened(data).__enter__())

    assert "PostgreSQL 17" in message
    assert "DATA=" in message
    assert running(data) == (None, None)
    (cluster / "PG_VERSION").write_text("18\n")
    with opened(data) as servers:
        assert ask(servers.database_url, "SELECT 1") == 1


def test_redis_may_be_unwanted(data, running):
    with opened(data, redis=False) as servers:
        assert servers.redis_url is None
        assert running(data)[1] is None


def test_without_a_working_redis_program_there_is_none(tmp_path):
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)

    assert redis_program(myself(), path=str(tmp_path), package="no_such_package") is None
    assert redis_program(myself(), path=str(tmp_path / "nowhere"), package="no_such_package") is None


@pytest.mark.parametrize("kind", ["link", "file", "writable by all", "another user's"])
def test_a_home_that_is_not_ours_is_refused_and_left_alone(tmp_path, refusal, kind):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    match kind:
        case "link":
            home.symlink_to(elsewhere)
        case "file":
            home.touch()
        case "writable by all":
            home.mkdir()
            home.chmod(0o777)
        case _:
            if not AS_ROOT:
                pytest.skip("only root can give a folder away")
            home.mkdir()
            os.chown(home, cluster_place(tmp_path).user.uid, -1)
    before = home.lstat()

    assert "remove it" in refusal(lambda: claim(Cluster(home, cluster_place(tmp_path).user), "identity"))

    assert home.lstat() == before
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_with_what_to_do(tmp_path, refusal):
    tmp_path.joinpath("file").touch()

    assert "DATA=" in refusal(lambda: opened(tmp_path / "file" / "data").__enter__())


def test_a_removed_data_folder_begins_anew_and_removal_waits_for_its_users(own_data, ask, refusal, running):
    with opened(own_data, redis=False) as servers:
        ask(servers.database_owner_url, "CREATE TABLE gone ()")
        assert "in use" in refusal(lambda: remove_environment(own_data))
        assert running(own_data)[0]
    shutil.rmtree(own_data)

    with opened(own_data, redis=False) as servers:
        assert ask(servers.database_owner_url, "SELECT to_regclass('gone')") is None
    remove_environment(own_data)
    assert list(own_data.iterdir()) == []
    assert not cluster_place(own_data / "servers").home.exists()
