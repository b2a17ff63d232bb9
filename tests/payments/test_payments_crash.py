"""Real workers are killed at each boundary of a step, and others finish what they began: each effect there is once.

The provider is the sandbox in its own process, the workers are `main.py worker`, and SIGKILL comes from FAILPOINT at
the very place: before a step is begun, once it is marked as sent, once the provider has answered, once it is recorded.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain.ids import JobId
from domain.payments.ops import BOUNDARIES, Boundary
from gateways.stripe_api import StripeProviders
from sandbox.stripe import Json
from sandbox.stripe.edge import platform_id
from services.payments import refunds
from tasks.context import Tools
from tests.payments import witness
from tests.payments.site import Post, Site
from tests.payments.stage import pay_to, replayed
from tests.ports import free_port
from tests.product.world import ROOT, Town, a_worker

PATIENCE = 60.0
KINDS = ("INTENT", "CAPTURE", "REFUND", "TRANSFER")
ALL = os.environ.get("MONEY_CRASHES") == "all"
"""Whether each kind dies at each boundary; else every boundary has two kinds, and every kind two boundaries."""
FAR_OFF = "now() + interval '1 hour'"


@dataclass
class Far:
    """The sandbox in a process of its own, over its control API."""

    url: str
    http: httpx2.AsyncClient

    async def control(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        answer = await self.http.post(f"{self.url}/__sandbox/{path}", json=dict(body or {}))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def journal(self) -> list[Json]:
        lines: list[Json] = []
        while True:
            after = {"after": lines[-1]["seq"] if lines else 0}
            page = (await self.http.get(f"{self.url}/__sandbox/journal", params=after)).json()
            lines += page["lines"]
            if not page["has_more"]:
                return lines


@asynccontextmanager
async def a_sandbox_process(data: Path) -> AsyncIterator[Far]:
    port = free_port()
    arguments = [sys.executable, "-m", "sandbox.stripe", "--port", str(port), "--data", str(data)]
    process = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as http:
            async with asyncio.timeout(PATIENCE):
                while not await _answers(http, url):
                    await asyncio.sleep(0.05)
            yield Far(url, http)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _answers(http: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/__sandbox/health")).status_code == 200
    except httpx2.TransportError:
        return False


@dataclass
class FarSite(Site):
    """A business whose provider is that process."""

    far: Far | None = None

    async def move(self, by: timedelta) -> None:
        assert self.far is not None
        for town in (self.town, self.other):
            await self.world.move_clock(town.tenant, by)
        await self.far.control("clock", {"advance_seconds": by.total_seconds()})

    def fresh_method(self, card: str = "visa", town: Town | None = None) -> str:
        return f"pm_card_{card}"


@pytest.fixture
async def site(town: Town, other: Town, tmp_path: Path) -> AsyncIterator[FarSite]:
    async with a_sandbox_process(tmp_path) as far:
        await far.control("clock", {"set": (await town.world.now(town.tenant)).timestamp()})
        providers = StripeProviders()
        nothing: Any = None
        tools = Tools(
            town.world.runner,
            Post(),
            nothing,
            "http://cleanshift.test",
            nothing,
            providers=providers,
            provider_url=far.url,
        )
        made = FarSite(town, other, nothing, tools, Post(), far=far)
        for one in (town, other):
            await made.connect(one)
        await made.settings(payments={"payoutsMode": "TRANSFERS"}, fieldwork={"photoZones": []})
        await made.drain("check_provider")
        yield made
        await providers.aclose()


@dataclass(frozen=True)
class Left:
    """Cleans of which each has one step that is planned, and that nobody has begun."""

    held: JobId
    captured: JobId
    paid: JobId


async def leave_work(site: FarSite) -> Left:
    """Drive three cleans by hand to where a hold, a capture, a refund and a transfer are due, and no further."""
    assert site.far is not None
    first, second = await site.town.cleaner(), await site.town.cleaner()
    homes = [await site.home() for _ in range(3)]
    paid = await site.held_job(homes[0])
    await site.prove(paid, first)
    captured = await site.held_job(homes[1])
    await site.prove(captured, second, hold=False)
    held = await site.job(homes[2], await site.now() + timedelta(hours=20))
    refund = refunds.RefundPayment((await site.payment(paid))["id"], "a vase", 1_000)
    await site.do(site.town.owner, refunds.refund_payment, refund)
    # Until now the pay had to wait.
    await pay_to(site.world, site.far, site.town, first)
    return Left(held, captured, paid)


async def planned(site: Site) -> Counter[str]:
    """Kinds of the steps that are not finished."""
    return Counter(op["kind"] for op in await site.ops() if op["state"] in {"PLANNED", "SENT", "UNKNOWN"})


async def only(site: Site, kind: str) -> None:
    """Tasks that send other steps are put off: this worker is to die over this one."""
    await site.world.root.execute(
        """update task t set run_at = now() + interval '10 years' from money_op o
            where t.kind = 'send_money' and t.state in ('READY', 'LEASED') and t.payload ->> 'op' = o.id::text
              and o.kind <> $1 and t.tenant_id = $2""",
        kind,
        site.town.tenant,
    )
    await site.world.root.execute(
        """update task set run_at = now() + interval '10 years' where kind <> 'send_money' and state = 'READY'"""
    )
    await site.world.root.execute(
        f"update task set lease_until = {FAR_OFF} where state = 'LEASED' and tenant_id = $1", site.town.tenant
    )
    await site.world.root.execute(
        """update task t set run_at = now() from money_op o
           where t.payload ->> 'op' = o.id::text and o.kind = $1 and t.state = 'READY' and t.tenant_id = $2""",
        kind,
        site.town.tenant,
    )


async def let_all_go(site: Site) -> None:
    """The leases of the dead run out, and everything is due."""
    root, tenant = site.world.root, site.town.tenant
    past = "now() - interval '1 second'"
    await root.execute(f"update task set lease_until = {past} where state = 'LEASED' and tenant_id = $1", tenant)
    await root.execute("update task set run_at = now() where state in ('READY', 'LEASED') and tenant_id = $1", tenant)
    await root.execute(
        f"update money_op set lease_until = {past} where lease_until is not null and tenant_id = $1", tenant
    )


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := await condition()):
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"{what}: not in {PATIENCE} s")
    return found


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda boundary: boundary.name)
async def test_a_worker_killed_at_a_boundary_is_followed_by_one_that_finishes_each_effect_once(
    site: FarSite, boundary: Boundary
) -> None:
    """R157, R158, R238: a hold, a capture, a refund and a transfer, each with a worker that dies over it."""
    assert site.far is not None
    await site.world.root.execute("update task set state = 'DONE' where state in ('READY', 'LEASED')")
    left = await leave_work(site)
    assert set(await planned(site)) >= {"INTENT", "CAPTURE", "REFUND"}, await planned(site)
    env = {"STRIPE_URL": site.far.url, "FAILPOINT": f"{boundary.name}:1"}

    for kind in KINDS if ALL else KINDS[BOUNDARIES.index(boundary) % 2 :: 2]:
        if kind == "TRANSFER":
            # Of the clean that is paid for by now.
            await _plan_transfer(site, left)
        await only(site, kind)
        async with a_worker(site.world, **env) as doomed:
            await until(partial(_ended, doomed), f"the worker dies at {boundary.name} of {kind}")
        assert doomed.returncode == -signal.SIGKILL, (kind, doomed.returncode)
    if not await site.world.root.fetchval("select 1 from money_op where kind = 'TRANSFER' and job_id = $1", left.paid):
        await _plan_transfer(site, left)
    await let_all_go(site)
    async with a_worker(site.world, STRIPE_URL=site.far.url):
        await until(lambda: _all_done(site), "another worker finishes")
        await let_all_go(site)
        await until(lambda: _all_done(site), "and what follows from it")

    report = await _judged(site)
    print(f"\n{boundary.name}: {dict(Counter(op['kind'] for op in await site.ops()))}\n{report}")
    assert not report.broken
    account = replayed(await site.far.journal()).accounts[platform_id(site.town.slug)]
    made = Counter(one["metadata"]["job_id"] for one in account["payment_intents"].values())
    assert made == {str(left.held): 1, str(left.captured): 1, str(left.paid): 1}
    assert Counter(one["metadata"]["job_id"] for one in account["refunds"].values()) == {str(left.paid): 1}
    taken = [one["payment_intent"] for one in account["charges"].values() if one["captured"]]
    assert len(taken) == len(set(taken)) == 2
    transfers = Counter(one["metadata"]["payout_id"] for one in account["transfers"].values())
    assert transfers
    assert set(transfers.values()) == {1}


async def _plan_transfer(site: FarSite, left: Left) -> None:
    """A payout that had waited is set free: its transfer is planned, and not sent."""
    row = await site.world.root.fetchrow("select id from payout where job_id = $1", left.paid)
    await site.attempt("release_payout", {"payout": str(row["id"])})
    assert (await planned(site))["TRANSFER"] >= 1


async def _ended(process: Any) -> bool:
    return process.poll() is not None


async def _all_done(site: Site) -> bool:
    waiting = await site.world.root.fetchval(
        """select count(*) from task t join tenant using (tenant_id) where tenant_id = $1
           and state in ('READY', 'LEASED') and run_at <= now() + clock_offset""",
        site.town.tenant,
    )
    return not waiting and not await planned(site)


async def _judged(site: FarSite) -> witness.Report:
    """All invariants, on the journal of the process and on our rows."""
    assert site.far is not None
    lines = await site.far.journal()
    store = replayed(lines)
    towns = (site.town, site.other)
    rows = {town.tenant: await witness.read_rows(site.world.root, town.tenant) for town in towns}
    ids = {town.tenant: witness.ids_of(rows[town.tenant], store, platform_id(town.slug)) for town in towns}
    now = (await site.now()).timestamp()
    return witness.judge(
        witness.Case(
            town.tenant,
            platform_id(town.slug),
            lines,
            store,
            rows[town.tenant],
            frozenset().union(*(named for tenant, named in ids.items() if tenant != town.tenant)),
            now,
        )
        for town in towns
    )
