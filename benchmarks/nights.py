"""A night of holds: the cleans of tomorrow planned, and each held at the provider's sandbox by a worker (R137 to R146).

The plan is counted in statements. Then a worker process works it off, is killed in the middle, and another goes on;
whatever happens, each clean is held once. With the provider's own limit, and without any.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import httpx2
import orjson
import psutil

from benchmarks.figures import Line, Report
from benchmarks.installation import Installation, free_port
from benchmarks.statements import counted_statements
from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, Role, TenantId
from domain.ids import MarketId
from services.payments.accounts import ConnectProvider, connect_provider
from services.payments.holds import PlanHolds, plan_holds

CARD = "pm_card_mastercard"
JOBS_A_CUSTOMER = 20
AT_ONCE = 16
PRICE = 19_500
START_SECONDS = 30.0
LIMIT_SECONDS = 3_600.0
LOOK_SECONDS = 0.25
FIRST_BUSINESS = 11
"""Businesses that no other benchmark touches."""


@dataclass(frozen=True, slots=True)
class Night:
    """So many cleans; the provider's limit and our pace in calls a second, 0 for none; killed after this share."""

    jobs: int
    cap: int = 0
    pace: int = 0
    killed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a night came to."""

    plan_seconds: float
    plan_statements: int
    seconds: float
    held_twice: int
    peak_mib: float
    first_mib: float


async def measure(place: Installation, report: Report, *, quick: bool) -> None:
    """Print jobs a minute for two sizes, what the plan costs, and a night under the provider's limit."""
    small, large = (100, 400) if quick else (1_000, 10_000)
    nights = [
        Night(small),
        Night(large, killed_at=0.4),
        Night(small, cap=100, pace=80) if quick else Night(large, cap=100, pace=80),
    ]
    async with _provider(place) as (url, control):
        lines: list[Line] = []
        for number, night in enumerate(nights):
            outcome = await _night(place, url, control, night, FIRST_BUSINESS + number)
            lines += _lines(night, outcome)
        report.add("a night of holds", lines)


def _lines(night: Night, outcome: Outcome) -> list[Line]:
    kind = f"{night.jobs:,} cleans" + (
        f", provider's limit {night.cap}/s, our pace {night.pace}/s" if night.cap else ""
    )
    rate = night.jobs / outcome.seconds * 60
    killed = ", the worker killed in the middle" if night.killed_at else ""
    return [
        Line(f"{kind}: planned", f"{outcome.plan_seconds:.2f} s, {outcome.plan_statements} statements"),
        Line(f"{kind}: held{killed}", f"{rate:,.0f} jobs a minute; held twice or not at all: {outcome.held_twice}"),
        Line(
            f"{kind}: the worker's memory",
            f"{outcome.first_mib:.0f} MiB at the first hold, {outcome.peak_mib:.0f} at most",
        ),
    ]


async def _night(place: Installation, url: str, control: httpx2.AsyncClient, night: Night, number: int) -> Outcome:
    tenant = await place.tenant(number)
    key = f"sk_test_bulk_{number}"
    await control.post("/__sandbox/settings", json={"rate_cap": None})
    await _calm(place, url)
    market = await _furnish(place, tenant, control, night.jobs, key)
    await control.post("/__sandbox/settings", json={"rate_cap": night.cap or None})
    settings = {"payments": {"holdsASecond": night.pace // 2}}
    await place.root.execute(
        "update tenant set settings = $2 where tenant_id = $1", tenant, orjson.dumps(settings).decode()
    )
    planned, statements = await _plan(place, tenant, market)
    began = time.perf_counter()
    memory = await _worked_off(place, url, tenant, night)
    seconds = time.perf_counter() - began
    return Outcome(planned, statements, seconds, await _not_once(place, control, tenant, key, night.jobs), *memory)


async def _plan(place: Installation, tenant: TenantId, market: MarketId) -> tuple[float, int]:
    """Plan the whole night; how long it took with the database's log on, and how many statements."""
    now: datetime = await place.root.fetchval("select now()")
    began = time.perf_counter()
    async with counted_statements(place) as counted:
        after = PlanHolds(market, now).after
        for page in count():
            call = Call(Actor.system(tenant), plan_holds, PlanHolds(market, now, after, page))
            more = await place.runner.run(call)
            if more is None:
                break
            after = more
    return time.perf_counter() - began, counted.count


async def _worked_off(place: Installation, url: str, tenant: TenantId, night: Night) -> tuple[float, float]:
    """Have a worker hold everything, killed where the night says so; its memory at most, and at the first hold."""
    held = "select count(*) from payment where tenant_id = $1 and status = 'AUTHORIZED'"
    peak = first = 0.0
    until = time.monotonic() + LIMIT_SECONDS
    for share in [night.killed_at, None] if night.killed_at else [None]:
        wanted = night.jobs if share is None else int(night.jobs * share)
        with _worker(place, url, night.pace) as worker:
            while (done := await place.root.fetchval(held, tenant)) < wanted:
                if time.monotonic() > until or worker.status() == psutil.STATUS_ZOMBIE:
                    raise SystemExit(f"The night's worker did not get through: {_log(place).read_text()[-3000:]}")
                resident = worker.memory_info().rss / 2**20
                first, peak = first or (resident if done else 0.0), max(peak, resident)
                await asyncio.sleep(LOOK_SECONDS)
    return peak, first


@contextmanager
def _worker(place: Installation, url: str, pace: int) -> Iterator[psutil.Process]:
    """A worker process of the product, killed at the end of the block as by an accident."""
    environment = {**place.environment(free_port()), "STRIPE_URL": url, "STRIPE_CALLS_A_SECOND": str(pace)}
    with _log(place).open("ab") as log:
        process = subprocess.Popen([sys.executable, "main.py", "worker"], env=environment, stdout=log, stderr=log)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


async def _calm(place: Installation, url: str) -> None:
    """Let a worker do first what fell due in all the businesses while none was there."""
    due = "select count(*) from task where state in ('READY', 'LEASED') and run_at <= now()"
    seen = "select count(*) from duty_run"
    with _worker(place, url, 0):
        while not await place.root.fetchval(seen) or await place.root.fetchval(due):  # noqa: ASYNC110 - a poll
            await asyncio.sleep(LOOK_SECONDS)


def _log(place: Installation) -> Path:
    return place.data / "night-worker.log"


async def _not_once(place: Installation, control: httpx2.AsyncClient, tenant: TenantId, key: str, jobs: int) -> int:
    """How many cleans have not exactly one live hold at the provider, by the provider's own list."""
    holds: dict[str, int] = {}
    after: dict[str, str] = {}
    while True:
        answer = await control.get("/v1/payment_intents", params={"limit": "100", **after}, headers=_bearer(key))
        page = answer.json()
        for intent in page["data"]:
            if intent["status"] == "requires_capture":
                job = intent["metadata"]["job_id"]
                holds[job] = holds.get(job, 0) + 1
        if not page["has_more"]:
            break
        after = {"starting_after": page["data"][-1]["id"]}
    more = sum(1 for count in holds.values() if count != 1)
    return more + abs(jobs - len(holds))


async def _furnish(place: Installation, tenant: TenantId, control: httpx2.AsyncClient, jobs: int, key: str) -> MarketId:
    """Customers with saved cards, and so many cleans tomorrow; everything else of the business is out of the way."""
    owner = await place.session(tenant, Role.OWNER)
    await place.runner.run(Call(owner, connect_provider, ConnectProvider(key, ["whsec_unheard"])))
    market = await place.root.fetchval("select id from market where tenant_id = $1 order by id limit 1", tenant)
    await place.root.execute("update job set prepaid = true where tenant_id = $1", tenant)
    gate = asyncio.Semaphore(AT_ONCE)
    customers = await asyncio.gather(*(_customer(control, gate, key) for _ in range(-(-jobs // JOBS_A_CUSTOMER))))
    for provider_id, method_id in customers:
        await _homes(place, tenant, market, provider_id, method_id, min(jobs, JOBS_A_CUSTOMER))
        jobs -= JOBS_A_CUSTOMER
    await place.root.execute("vacuum analyze")
    return MarketId(market)


async def _customer(control: httpx2.AsyncClient, gate: asyncio.Semaphore, key: str) -> tuple[str, str]:
    """A customer with a card at the provider: both their ids."""
    async with gate:
        made = (await control.post("/v1/customers", data={"name": "One of many"}, headers=_bearer(key))).json()
        attached = await control.post(
            f"/v1/payment_methods/{CARD}/attach", data={"customer": made["id"]}, headers=_bearer(key)
        )
        return made["id"], attached.json()["id"]


async def _homes(
    place: Installation, tenant: TenantId, market: UUID, provider_id: str, method_id: str, cleans: int
) -> None:
    """A customer of ours with one home, a card and so many cleans there from this time tomorrow on."""
    customer, home = new_id(), new_id()
    await place.root.execute(
        "insert into customer (tenant_id, id, name, provider_id, created_at) values ($1, $2, $3, $4, now())",
        tenant,
        customer,
        f"Customer {provider_id[-6:]}",
        provider_id,
    )
    await place.root.execute(
        """insert into property (tenant_id, id, customer_id, market_id, name, address, city, postal_code, latitude,
            longitude, bedrooms, bathrooms, square_feet, laundry, created_at)
        values ($1, $2, $3, $4, 'Home', '1 Main Street', 'Miami', '33101', 25.76, -80.19, 3, 2, 2400, 'NONE', now())""",
        tenant,
        home,
        customer,
        market,
    )
    await place.root.execute(
        """insert into payment_method (tenant_id, id, customer_id, status, method_id, brand, last4, is_default,
            usage, consented_at, created_at)
        values ($1, $2, $3, 'ACTIVE', $4, 'mastercard', '4444', true, 'unscheduled', now(), now())""",
        tenant,
        new_id(),
        customer,
        method_id,
    )
    start = datetime.now().astimezone() + timedelta(hours=24)
    rows = [(tenant, new_id(), home, customer, market, start + timedelta(minutes=n), PRICE) for n in range(cleans)]
    await place.root.executemany(
        """insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at, expected_hours,
            status, payment_status, price_cents, currency, created_at)
        values ($1, $2, $3, $4, $5, $6::timestamptz, $6::timestamptz + interval '3 hours', 3, 'UNASSIGNED',
            'PENDING', $7, 'usd', now())""",
        rows,
    )


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@asynccontextmanager
async def _provider(place: Installation) -> AsyncIterator[tuple[str, httpx2.AsyncClient]]:
    """The sandbox as a process of its own: its address, and a client of it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder = place.data / "stripe"
    folder.mkdir(exist_ok=True)
    argv = [sys.executable, "-m", "sandbox.stripe", "--port", str(port), "--data", str(folder)]
    with (place.data / "stripe.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)  # noqa: ASYNC220 - nothing else runs yet
    try:
        async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
            await _until_answering(client)
            yield url, client
    finally:
        process.terminate()
        process.wait()


async def _until_answering(client: httpx2.AsyncClient) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            await client.get("/__sandbox/health")
        except httpx2.HTTPError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return
