"""The sandbox as a process: killed and restored, over real sockets, behind a proxy that makes true resets."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from sandbox import SandboxError
from sandbox.stripe.app import stripe_app
from sandbox.stripe.proxy import Proxy
from sandbox.stripe.sandbox import Sandbox
from tests.ports import free_port
from tests.stripe_sandbox.driving import DAY, JOB, START, Driver, a_sandbox, state

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@asynccontextmanager
async def a_process(data: Path, *more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    port = free_port()
    arguments = [sys.executable, "-m", "sandbox.stripe", "--port", str(port), "--data", str(data), *more]
    process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT)
    try:
        async with asyncio.timeout(PATIENCE), httpx2.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{port}/__sandbox/health")
                    break
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def closing() -> Iterator[list[Sandbox]]:
    sandboxes: list[Sandbox] = []
    yield sandboxes
    for sandbox in sandboxes:
        sandbox.close()


def over(port: int) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"authorization": "Bearer sk_test_demo"},
        timeout=httpx2.Timeout(30.0),
        trust_env=False,
    )


async def test_killed_at_any_moment_it_comes_back_with_all_that_it_answered(tmp_path: Path):
    answered: list[str] = []

    async def customers(client: httpx2.AsyncClient) -> None:
        for number in range(10_000):
            answer = await client.post(
                "/v1/customers", data={"name": f"{number}"}, headers={"idempotency-key": f"{number}"}
            )
            answered.append(answer.json()["id"])

    async with a_process(tmp_path) as (process, port), over(port) as client:
        writing = asyncio.create_task(customers(client))
        async with asyncio.timeout(PATIENCE):
            while len(answered) < 40:
                await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(httpx2.TransportError):
            await writing
    first = Sandbox(folder=tmp_path)
    first.close()
    kept = list(next(iter(c["customers"] for a, c in first.store.accounts.items() if "customers" in c)))

    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1
    async with a_process(tmp_path) as (_, port), over(port) as client:
        replay = await client.post("/v1/customers", data={"name": "3"}, headers={"idempotency-key": "3"})
        assert (replay.json()["id"], replay.headers["idempotent-replayed"]) == (answered[3], "true")
        fresh = await client.post("/v1/customers", data={"name": "x"}, headers={"idempotency-key": "x"})
        assert fresh.json()["id"] not in kept


async def test_a_restart_from_the_journal_gives_the_same_state_and_the_same_future(
    tmp_path: Path, closing: list[Sandbox]
):
    before = a_sandbox(folder=tmp_path)
    api = Driver(before)
    cleaner = api.cleaner()
    charge = await api.charge()
    await api.post("transfers", amount=100, currency="usd", destination=cleaner, source_transaction=charge["id"])
    await api.refused("transfers", "k1", amount=100_000, currency="usd", destination=cleaner)
    hold = await api.hold()
    await api.control("settings", {"auto_payout": False, "rate_cap": 1_000_000})
    before.advance(DAY)
    before.close()

    after = a_sandbox(folder=tmp_path, frozen_at=None)
    closing.append(after)

    assert state(after) == state(before)
    assert (after.clock.now(), after.settings, after.journal.seq) == (START + DAY, before.settings, before.journal.seq)
    again = Driver(after)
    after.advance(4 * DAY)
    assert (await again.get(f"payment_intents/{hold['id']}"))["cancellation_reason"] == "expired"
    assert (await again.get("balance"))["pending"][0]["amount"] == 0


async def test_a_line_torn_by_a_crash_is_cut_off_and_the_rest_stands(tmp_path: Path, closing: list[Sandbox]):
    before = a_sandbox(folder=tmp_path)
    customer = await Driver(before).post("customers")
    before.close()
    with (tmp_path / "journal.jsonl").open("ab") as lines:
        lines.write(b'{"seq": 2, "puts": [["acct')

    after = a_sandbox(folder=tmp_path)
    closing.append(after)
    await Driver(after).post("customers")

    assert [line["seq"] for line in after.journal.after(0)] == [1, 2]
    assert (await Driver(after).get(f"customers/{customer['id']}"))["id"] == customer["id"]


def test_two_sandboxes_never_share_a_journal(tmp_path: Path, closing: list[Sandbox]):
    closing.append(Sandbox(folder=tmp_path))

    with pytest.raises(SandboxError, match="Another sandbox"):
        Sandbox(folder=tmp_path)


async def test_the_journal_is_the_whole_truth_line_by_line(stripe_api: Driver):
    charge = await stripe_api.charge()

    answer = (await stripe_api.http.get("/__sandbox/journal?after=0&limit=2")).json()
    rest = (await stripe_api.http.get(f"/__sandbox/journal?after={answer['lines'][-1]['seq']}")).json()
    lines = answer["lines"] + rest["lines"]
    replayed: dict[str, dict] = {}
    for line in lines:
        replayed.update({id: doc for _, _, id, doc in line["puts"]})

    assert answer["has_more"]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert replayed[charge["id"]]["amount_captured"] == JOB
    effects = [type for line in lines for type, _ in line["effects"]]
    assert effects == stripe_api.events()


async def test_over_sockets_faults_are_real_and_the_proxy_makes_true_resets(tmp_path: Path):
    async with a_process(tmp_path) as (_, port):
        proxy = Proxy(port)
        through = await proxy.start()
        async with over(port) as direct, over(through) as client:
            assert (await client.post("/v1/customers", data={"name": "a"})).status_code == 200
            for kind, error in (
                ("drop_after", httpx2.RemoteProtocolError),
                ("reset_after", httpx2.ReadError),
                ("reset_before", httpx2.ReadError),
            ):
                await direct.post("/__sandbox/faults", json={"rules": [{"kind": kind, "method": "POST"}]})
                with pytest.raises(error):
                    await client.post("/v1/customers", data={"name": kind})
            await direct.post("/__sandbox/faults", json={"rules": [{"kind": "hang_after", "seconds": 30}]})
            with pytest.raises(httpx2.ReadTimeout):
                await client.post("/v1/customers", data={"name": "hang"}, timeout=httpx2.Timeout(30, read=2))
            await direct.post("/__sandbox/faults", json={"rules": [{"kind": "truncate"}]})
            torn = await client.post("/v1/customers", data={"name": "torn"})
            with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
                torn.json()
            proxy.broken = True
            with pytest.raises(httpx2.TransportError):
                await client.get("/v1/customers")
            names = [row["name"] for row in (await direct.get("/v1/customers")).json()["data"]]
        await proxy.stop()

    assert names == ["torn", "hang", "reset_after", "drop_after", "a"]
    assert proxy.resets == 3


async def test_it_works_through_an_asgi_transport_as_well(sandbox: Sandbox):
    api = Driver(sandbox, "demo", httpx2.ASGITransport(app=stripe_app(sandbox)))

    customer = await api.sdk.v1.customers.create_async({"name": "Customer 1", "metadata": {"a": "b"}})
    page = await api.http.get("/authenticate/nothing")

    assert customer.metadata is not None
    assert customer.metadata["a"] == "b"
    assert page.status_code == 410


async def test_deliveries_go_out_over_sockets_by_themselves(tmp_path: Path):
    got = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        if not got.done():
            got.set_result(head)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks"
    async with a_process(tmp_path) as (_, port), over(port) as client:
        await client.post("/v1/webhook_endpoints", data={"url": url, "enabled_events[0]": "*"})
        await client.post("/v1/customers", data={"name": "a"})
        head = await asyncio.wait_for(got, PATIENCE)
    server.close()

    assert b"stripe-signature: t=" in head.lower()
