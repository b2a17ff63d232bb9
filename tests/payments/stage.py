"""Where money is put to the proof: two businesses, a provider and its workers, set up once and set back for each run.

What the product's workers do is done here by hand, several tasks at once, so that a run can be stopped, crashed and
repeated. A crash abandons an attempt exactly where a dead process would: what is committed stays, the rest is lost.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from db.ids import new_id
from domain.actors import Actor
from domain.errors import Refused, Unavailable
from domain.ids import JobId, TaskId
from domain.payments.ops import Boundary
from domain.payments.webhooks import HEARD, HEARD_OF_CONNECTED, notice_of
from gateways.payments import RefusedByProvider
from gateways.stripe_api import StripeProviders
from gateways.webhook_check import read_event
from sandbox.stripe.control import find
from sandbox.stripe.edge import account_of, platform_id
from sandbox.stripe.errors import StripeError
from sandbox.stripe.resources.payment_methods import new_method
from sandbox.stripe.sandbox import Sandbox
from sandbox.stripe.store import Store
from sandbox.stripe.transport import SandboxTransport
from services.fieldwork import templates, visits
from services.payments.notices import KeepNotice, keep_notice
from tasks.context import TaskContext, TaskFunction, Tools
from tasks.kinds import KINDS
from tasks.store import MOST_ATTEMPTS, Task
from tests.fieldwork.site import Site as Fieldwork
from tests.fieldwork.site import at_home, command_of
from tests.payments.site import Home, Post, Site
from tests.product.world import Town, World

UNHEARD = (
    "notify_",
    "tell_",
    "deliver_",
    "announce_",
    "remind_",
    "rate_",
    "sweep_photos",
    "send_mailed",
    "prune_",
    "expire_",
)
"""Tasks that move no money: they are taken off, not done."""
OPEN_STEPS = "select 1 from money_op where tenant_id = $1 and state in ('PLANNED', 'SENT', 'UNKNOWN') limit 1"
WAITING_PAY = "select 1 from payout where tenant_id = $1 and status in ('PENDING', 'HELD') limit 1"
ANY_JOB = "select 1 from job where tenant_id = $1 limit 1"
DUTIES = {
    "sweep_money": OPEN_STEPS,
    "sweep_payouts": WAITING_PAY,
    "hold_payments": ANY_JOB,
    "reconcile_money": ANY_JOB,
    "check_money": ANY_JOB,
}
"""What a quiet installation does again and again, and when there is anything for it to do."""
SELDOM = {"hold_payments": 2, "reconcile_money": 4, "check_money": 4}
"""Not in each turn: in every so manieth."""
AT_ONCE = 4
MOST_TASKS = 3_000
KEPT = "kept_stage"


class Crash(BaseException):
    """The process is dead."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it went over the wire, and what came back."""

    method: str
    path: str
    key: str | None
    body: bytes
    status: int
    """0 where nothing came back."""
    account: str = ""
    """Whose key it was sent with."""


CRASHED = Sent("CRASH", "", None, b"", 0)


class Wire(httpx2.AsyncBaseTransport):
    """Goes to the sandbox of the run; everything that is sent is written down."""

    def __init__(self) -> None:
        self.sandbox: Sandbox | None = None
        self.sent: list[Sent] = []
        self.garble: Callable[[bytes], bytes] | None = None
        """What becomes of bodies on their way, where somebody wants to see that it is noticed."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as the sandbox does; another task may go on before and after."""
        assert self.sandbox is not None
        key, body = request.headers.get("idempotency-key"), await request.aread()
        if self.garble is not None and (garbled := self.garble(body)) != body:
            kept = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
            body, request = garbled, httpx2.Request(request.method, request.url, headers=kept, content=garbled)
        account = _account_of(request)
        line = Sent(request.method, request.url.path, key, body, 0, account)
        await asyncio.sleep(0)
        try:
            answer = await SandboxTransport(self.sandbox).handle_async_request(request)
        except httpx2.TransportError:
            self.sent.append(line)
            raise
        self.sent.append(replace(line, status=answer.status_code))
        await asyncio.sleep(0)
        return answer


def _account_of(request: httpx2.Request) -> str:
    """Whose key it is; nobody's, where the provider does not know it."""
    try:
        return account_of({"authorization": request.headers.get("authorization", "")})
    except StripeError:
        return ""


@dataclass
class Business:
    """One of the two, as it is furnished."""

    town: Town
    homes: list[Home] = field(default_factory=list)
    cleaners: list[Actor] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    """The cleaners' accounts at the provider."""
    second: Actor | None = None
    """Another administrator."""
    hook: str = ""

    @property
    def account(self) -> str:
        return platform_id(self.town.slug)


@dataclass
class Stage:
    """Two businesses beside each other, and the provider they share."""

    world: World
    both: list[Business]
    sandbox: Sandbox
    wire: Wire
    tools: Tools
    kinds: dict[str, TaskFunction] = field(default_factory=lambda: dict(KINDS))
    doomed: list[str] = field(default_factory=list)
    """Boundaries at which processes die, in this order, each once."""
    counts: Counter[str] = field(default_factory=Counter)
    trouble: list[BaseException] = field(default_factory=list)
    """What no task may raise: bugs."""
    lines: list[Any] = field(default_factory=list)
    """The journal of the furnishing: each run begins with it."""
    kept: list[str] = field(default_factory=list)
    kept_at: datetime | None = None

    # -- set up, and set back ------------------------------------------------------------------------------------

    def site(self, number: int) -> Site:
        """The same business as other tests know it."""
        one, other = self.both[number].town, self.both[1 - number].town
        return Site(one, other, self.sandbox, self.tools, Post())

    @property
    def tenants(self) -> list[UUID]:
        return [one.town.tenant for one in self.both]

    async def keep(self) -> None:
        """Remember how everything is, for `set_back`."""
        root = self.world.root
        rows = await root.fetch(
            """select c.table_name as name from information_schema.columns c
               join information_schema.tables t using (table_schema, table_name)
               where c.table_schema = 'public' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'
               order by 1"""
        )
        self.kept = [row["name"] for row in rows]
        await root.execute(f"drop schema if exists {KEPT} cascade; create schema {KEPT}")
        for name in self.kept:
            await root.execute(f"create table {KEPT}.{name} as select * from public.{name} where false")
            await root.execute(
                f"insert into {KEPT}.{name} select * from public.{name} where tenant_id = any($1)", self.tenants
            )
        self.lines = list(self.sandbox.journal.after(0))
        self.kept_at = await root.fetchval("select now()")

    async def set_back(self, seed: int) -> None:
        """Everything is as it was when it was kept, but for the ids that are still to come."""
        ids = ", ".join(f"'{id}'" for id in self.tenants)
        steps = []
        for name in self.kept:
            steps.append(f"delete from public.{name} where tenant_id in ({ids})")
            steps.append(f"insert into public.{name} select * from {KEPT}.{name}")
        script = ";".join(steps)
        await self.world.root.execute(f"begin; set local session_replication_role = 'replica'; {script}; commit")
        now = await self.world.now(self.both[0].town.tenant)
        self.sandbox = restored(self.lines, seed, now.timestamp())
        self.sandbox.courier.send = self._told
        self.wire.sandbox, self.wire.sent = self.sandbox, []
        self.doomed.clear()
        self.trouble.clear()

    # -- time ----------------------------------------------------------------------------------------------------

    async def now(self) -> datetime:
        return await self.world.now(self.both[0].town.tenant)

    async def move(self, by: timedelta) -> None:
        """All clocks go on: the businesses', the provider's, and that of leases."""
        await self.world.root.execute(
            "update tenant set clock_offset = clock_offset + $2 where tenant_id = any($1)", self.tenants, by
        )
        await self.world.root.execute(
            "update money_op set lease_until = lease_until - $2::interval where tenant_id = any($1)"
            " and lease_until is not null",
            self.tenants,
            by,
        )
        self.sandbox.advance(by.total_seconds())

    # -- what the provider tells ---------------------------------------------------------------------------------

    async def _told(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """A webhook comes in: as the product's door takes it."""
        business = next(one for one in self.both if one.hook and url.endswith(one.hook))
        event = read_event(body, headers.get("stripe-signature"), await self._secrets(business), datetime.now(UTC))
        notice = notice_of(event)
        if notice is None:
            return 400
        try:
            fresh = await self.world.run(Actor.system(business.town.tenant), keep_notice, KeepNotice(notice))
        except (Refused, Unavailable):
            return 503
        self.counts["events delivered"] += 1
        self.counts["events repeated"] += not fresh
        return 200

    async def _secrets(self, business: Business) -> list[str]:
        endpoints = self.sandbox.store.collection(business.account, "webhook_endpoints").values()
        return [secret["secret"] for one in endpoints for secret in one.get("_secrets") or [{"secret": one["_secret"]}]]

    async def deliver(self, *, everything: bool = False) -> int:
        """Take what is due to the businesses' doors."""
        return await self.sandbox.courier.deliver_due(everything=everything, even_if_held=everything)

    async def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What no client of the provider can do."""
        action, args = find("POST", path)
        return action(self.sandbox, args, dict(body or {}))

    # -- workers -------------------------------------------------------------------------------------------------

    def at_boundary(self, boundary: Boundary) -> None:
        """Between the parts of a step: perhaps this process dies here."""
        if self.doomed and self.doomed[0] == boundary.name:
            self.doomed.pop(0)
            self.counts["crashes"] += 1
            self.counts[f"crash {boundary.name}"] += 1
            self.wire.sent.append(CRASHED)
            raise Crash(boundary.name)

    async def work(self, most: int = MOST_TASKS, *, at_once: int = AT_ONCE, twice: bool = False) -> int:
        """Do tasks that are due, several at a time and, if told, each by two workers; how many were tried."""
        tried = 0
        while tried < most:
            rows = await self._due(min(at_once, most - tried))
            if not rows:
                return tried
            tried += len(rows)
            todo = [row for row in rows for _ in range(2 if twice else 1)]
            waits = await asyncio.gather(*(self._attempt(row) for row in todo))
            await self._record(dict(zip((row["id"] for row in reversed(todo)), reversed(waits), strict=True)), rows)
        return tried

    async def _due(self, most: int) -> list[Any]:
        """Claimed, so that nobody does them beside this one; what moves no money is taken off."""
        while True:
            rows = await self.world.root.fetch(
                """update task t set attempts = t.attempts + 1 from (
                       select d.tenant_id, d.id, c.clock_offset from task d join tenant c on c.tenant_id = d.tenant_id
                       where d.tenant_id = any($1) and d.state = 'READY' and d.run_at <= now() + c.clock_offset
                       order by d.run_at, d.id limit $2) due
                   where t.tenant_id = due.tenant_id and t.id = due.id
                   returning t.tenant_id, t.id, t.kind, t.payload, t.attempts, now() + due.clock_offset as now""",
                self.tenants,
                most * 4,
            )
            idle = [row["id"] for row in rows if row["kind"].startswith(UNHEARD) or row["kind"] not in self.kinds]
            if idle:
                await self.world.root.execute("update task set state = 'DONE' where id = any($1)", idle)
            due = [row for row in rows if row["id"] not in idle]
            rest = [row["id"] for row in due[most:]]
            if rest:
                await self.world.root.execute("update task set attempts = attempts - 1 where id = any($1)", rest)
            if due or not rows:
                return due[:most]

    async def _attempt(self, row: Any) -> timedelta | None:
        """What a worker does with a task; None where it is done, or how long to wait until it is tried again."""
        payload = json.loads(row["payload"])
        task = Task(row["tenant_id"], TaskId(row["id"]), row["kind"], payload, row["attempts"], new_id(), row["now"])
        tools = replace(self.tools, at_boundary=self.at_boundary)
        self.counts["tasks"] += 1
        try:
            await self.kinds[row["kind"]](TaskContext(tools, task), row["tenant_id"], payload)
        except Crash:
            # Its lease runs out, and somebody claims it anew.
            return timedelta(seconds=15)
        except (Unavailable, RefusedByProvider, Refused):
            self.counts["tasks put off"] += 1
        # A process edge: what else a task raises is a bug of the product, and is shown.
        except Exception as problem:  # noqa: BLE001
            self.trouble.append(problem)
        else:
            return None
        return timedelta(seconds=2.0 ** row["attempts"])

    async def _record(self, waits: Mapping[UUID, timedelta | None], rows: Sequence[Any]) -> None:
        done = [id for id, wait in waits.items() if wait is None]
        if done:
            await self.world.root.execute("update task set state = 'DONE' where id = any($1)", done)
        for row in rows:
            wait = waits[row["id"]]
            if wait is not None:
                state = "DEAD" if row["attempts"] >= MOST_ATTEMPTS else "READY"
                await self.world.root.execute(
                    "update task set state = $2, run_at = $3 where id = $1", row["id"], state, row["now"] + wait
                )

    async def duty(self, name: str, number: int) -> None:
        """A duty falls due for a business; as a task, so that it can fail and be done again."""
        if name not in self.kinds:
            return
        town = self.both[number].town
        now = await self.world.now(town.tenant)
        payload = json.dumps(
            {"market_id": str(town.market), "due_at": now.replace(second=0, microsecond=0).isoformat()}
        )
        await self.world.root.execute(
            "insert into task (tenant_id, id, kind, payload, run_at, created_at) values ($1, $2, $3, $4, $5, $5)",
            town.tenant,
            new_id(),
            name,
            payload,
            now,
        )

    # -- rest ----------------------------------------------------------------------------------------------------

    async def quiet(self) -> None:
        """Nothing goes wrong any more, and nothing moves any more: then the books must be right."""
        self.sandbox.faults.clear()
        self.doomed.clear()
        self.sandbox.courier.shuffled, self.sandbox.courier.duplicated = False, 0.0
        before: tuple[Any, ...] = ()
        for turn in range(40):
            await self.deliver(everything=True)
            for number in range(2):
                await self._duties(number, turn)
            await self.work()
            await self.move(timedelta(minutes=(16, 70)[turn % 2] if turn < 12 else 240))
            now = await self._stands()
            if now == before and turn >= 3 and not await self._open():
                return
            before = now
        self.counts["never quiet"] += 1

    async def _duties(self, number: int, turn: int) -> None:
        for name, when in DUTIES.items():
            is_due = turn % SELDOM.get(name, 1) == 0
            if is_due and await self.world.root.fetchval(when, self.both[number].town.tenant):
                await self.duty(name, number)

    async def _stands(self) -> tuple[Any, ...]:
        """What must not change any more."""
        rows = await self.world.root.fetch(
            """select state, count(*), sum(tries) from money_op where tenant_id = any($1) group by 1
               union all select status, count(*), 0 from payment where tenant_id = any($1) group by 1
               union all select status, count(*), 0 from payout where tenant_id = any($1) group by 1
               union all select 'entries', count(*), 0 from ledger_entry where tenant_id = any($1) order by 1, 2""",
            self.tenants,
        )
        events = sum(len(self.sandbox.store.collection(one.account, "events")) for one in self.both)
        return (*map(tuple, rows), events)

    async def _open(self) -> int:
        many: int = await self.world.root.fetchval(
            "select count(*) from money_op where tenant_id = any($1) and state in ('PLANNED', 'SENT', 'UNKNOWN')",
            self.tenants,
        )
        return many

    # -- rows ----------------------------------------------------------------------------------------------------

    async def rows(self, sql: str, *given: Any) -> list[Any]:
        return list(await self.world.root.fetch(sql, *given))


def restored(lines: Sequence[Any], seed: int, now: float) -> Sandbox:
    """A sandbox in which these lines were written; its ids go on differently for each seed."""
    sandbox = Sandbox(seed=0)
    for line in lines:
        for account, collection, id, doc in line["puts"]:
            sandbox.store.set((account, collection, id, doc))
    sandbox.store.count = lines[-1]["n"] if lines else 0
    sandbox.store.seed = seed + 1
    sandbox.random.seed(seed)
    for line in lines:
        sandbox.journal.append(dict(line))
    for account, collections in sandbox.store.accounts.items():
        for due in collections.get("timers", {}).values():
            sandbox._due.append((due["at"], account, due["id"]))
    sandbox._due.sort()
    sandbox.clock.move(now - sandbox.clock.now())
    return sandbox


def replayed(lines: Sequence[Any], upto: int | None = None) -> Store:
    """All that the provider has after these lines."""
    store = Store(0)
    for line in lines:
        if upto is not None and line["seq"] > upto:
            break
        for account, collection, id, doc in line["puts"]:
            store.set((account, collection, id, doc))
    return store


@asynccontextmanager
async def a_stage(world: World) -> AsyncIterator[Stage]:
    """Two furnished businesses at a sandbox in process."""
    wire = Wire()
    providers = StripeProviders(transport=wire)
    nothing: Any = None
    tools = Tools(world.runner, Post(), nothing, "http://cleanshift.test", nothing, providers=providers)
    sandbox = Sandbox(seed=1)
    wire.sandbox = sandbox
    both = [Business(await world.found()) for _ in range(2)]
    stage = Stage(world, both, sandbox, wire, tools)
    sandbox.set_clock((await stage.now()).timestamp())
    try:
        for number in range(2):
            await _furnish(stage, number)
        await stage.keep()
        yield stage
    finally:
        await world.root.execute(f"drop schema if exists {KEPT} cascade")
        await providers.aclose()


KNOW_ACCOUNT = """insert into payout_account (tenant_id, id, cleaner_id, status, account_id, requested_at, ready_at)
    values ($1, $2, $3, 'READY', $4, now(), now())"""
CARDS = ("visa", "mastercard", "visa")


async def _furnish(stage: Stage, number: int) -> None:
    business, site = stage.both[number], stage.site(number)
    await _settings(stage, business)
    await site.connect()
    for card in CARDS:
        business.homes.append(await site.home(card))
    await site.drain("send_money")
    for place in range(3):
        who = await business.town.cleaner()
        business.cleaners.append(who)
        business.accounts.append(await _account(stage, business, who, place))
    await _hooks(stage, business)
    business.second = await _second(stage, business)
    await stage.rows("update task set state = 'DONE' where tenant_id = $1", business.town.tenant)


async def _settings(stage: Stage, business: Business) -> None:
    wanted = {
        "fieldwork": {"photoZones": []},
        "payments": {
            "payoutsMode": "TRANSFERS",
            "refundApprovalCents": 5_000,
            "cancellation": {"freeHours": 24, "lateFeePercent": 30, "noAccessFeePercent": 50},
        },
        "scheduling": {"horizonDays": 3_660},
    }
    await stage.rows("update tenant set settings = $2 where tenant_id = $1", business.town.tenant, json.dumps(wanted))
    form = templates.CreateChecklistTemplate("Bare", [templates.TemplateLine("door", "Locked", required=False)])
    await stage.world.run(business.town.owner, templates.create_checklist_template, form)


async def _account(stage: Stage, business: Business, who: Actor, place: int) -> str:
    """An account at the provider that can be paid, known to us."""
    async with httpx2.AsyncClient(transport=stage.wire, base_url="http://stripe.test") as http:
        answer = await http.post(
            "/v1/accounts",
            data={"type": "express", "country": "US", "capabilities[transfers][requested]": "true"},
            headers={"authorization": f"Bearer sk_test_{business.town.slug}"},
        )
    assert answer.status_code == 200, answer.text
    id = str(answer.json()["id"])
    await stage.control(f"accounts/{id}", {"status": "active"})
    await stage.rows(KNOW_ACCOUNT, business.town.tenant, new_id(), who.person, id)
    return id


async def pay_to(world: World, far: Any, town: Town, who: Actor) -> str:
    """An account of this cleaner's at a sandbox that answers at `far.url`, ready to be paid."""
    answer = await far.http.post(
        f"{far.url}/v1/accounts",
        data={"type": "express", "country": "US", "capabilities[transfers][requested]": "true"},
        headers={"authorization": f"Bearer sk_test_{town.slug}"},
    )
    assert answer.status_code == 200, answer.text
    id = str(answer.json()["id"])
    await far.control(f"accounts/{id}", {"status": "active"})
    await world.root.execute(KNOW_ACCOUNT, town.tenant, new_id(), who.person, id)
    return id


async def _hooks(stage: Stage, business: Business) -> None:
    path = await stage.world.root.fetchval(
        "select webhook_path from provider_account where tenant_id = $1", business.town.tenant
    )
    business.hook = str(path)
    headers = {"authorization": f"Bearer sk_test_{business.town.slug}"}
    async with httpx2.AsyncClient(transport=stage.wire, base_url="http://stripe.test", headers=headers) as http:
        for connect, events in ((False, HEARD), (True, HEARD_OF_CONNECTED)):
            form = {"url": f"http://cleanshift.test/webhooks/stripe/{path}", "connect": str(connect).lower()}
            form |= {f"enabled_events[{place}]": event for place, event in enumerate(events)}
            answer = await http.post("/v1/webhook_endpoints", data=form)
            assert answer.status_code == 200, answer.text


async def _second(stage: Stage, business: Business) -> Actor:
    return await Fieldwork(business.town, business.town).admin()


def card_of(sandbox: Sandbox, account: str, kind: str) -> str:
    """A card as the provider's own field hands it out."""
    with sandbox.tx(account, "test: card") as tx:
        return str(new_method(tx, kind)["id"])


async def clean(stage: Stage, number: int, job: JobId, *, complete: bool = True) -> None:
    """Everybody on the job comes, works and leaves, in one transaction each; complete, or with something missing."""
    rows = await stage.rows(
        "select id, cleaner_id, role from assignment where job_id = $1 and released_at is null order by id", job
    )
    business = stage.both[number]
    people = {who.person: who for who in business.cleaners}
    for row in rows:
        if row["role"] == "BACKUP":
            continue

        async def steps(tx: Any, shift: Any) -> None:
            await visits.open_instructions.body(tx, visits.OpenInstructions(shift))
            await visits.acknowledge_instructions.body(tx, visits.AcknowledgeInstructions(shift))
            await visits.check_in.body(tx, visits.CheckIn(shift, at_home()))
            await visits.start_work.body(tx, visits.StartWork(shift))
            await visits.finish_work.body(tx, visits.FinishWork(shift))
            await visits.check_out.body(tx, visits.CheckOut(shift, at_home() if complete else None))

        await stage.world.run(people[row["cleaner_id"]], command_of(steps), row["id"])
