"""A business that takes cards at a provider of its own: the sandbox in process, and tasks that are drained by hand.

The clocks of both businesses and of the sandbox move together. `drain` does what workers would do, in order; what the
provider has is asked of the sandbox itself (`intents`, `charges`, `journal`), never of our own rows.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from db.ids import new_id
from db.runner import Call
from domain.actors import NOWHERE, Actor, Origin, Role
from domain.consent import CONSENT_VERSION
from domain.errors import Code, Refused
from domain.fieldwork.phases import VisitPhase
from domain.ids import CustomerId, JobId, PaymentMethodId, PropertyId, ServicePlanId, TaskId
from domain.notifications import Message
from domain.payments.ask import Thing
from gateways.messages import ProviderReceipt
from gateways.stripe_api import StripeProviders
from sandbox.stripe import Json
from sandbox.stripe.edge import platform_id
from sandbox.stripe.resources.payment_methods import new_method
from sandbox.stripe.sandbox import Sandbox
from sandbox.stripe.transport import SandboxTransport
from services import customers, scheduling
from services.payments.absorbers import ABSORBERS
from services.payments.accounts import ConnectProvider, ProviderKeys, connect_provider
from services.payments.cards import AddPaymentMethod, add_payment_method
from tasks.context import TaskContext, Tools
from tasks.kinds import KINDS
from tasks.store import Task
from tests.fieldwork.site import Site as Fieldwork
from tests.fieldwork.site import command_of
from tests.product.world import MIAMI, Town, World

ZONE = ZoneInfo("America/New_York")
CONSENT = "I agree that my card is charged for each clean after it is done."
UNPAID_PLAN = """insert into service_plan (tenant_id, id, customer_id, property_id, market_id, status, frequency, term,
    first_on, at_minute, expected_hours, price_cents, currency, price, created_at)
    values ($1, $2, $3, $4, $5, 'PENDING_PAYMENT', 'WEEKLY', 'MONTHLY', $6, 600, 3, 9000, 'usd', '{}', now())"""
WRITTEN = (
    "event",
    "audit",
    "task",
    "job",
    "customer",
    "payment",
    "payment_method",
    "money_op",
    "ledger_entry",
    "ledger_posting",
    "payout",
    "refund",
    "dispute",
    "notification",
    "money_alarm",
    "mutation_receipt",
)
"""What a refusal must have left alone."""
MOST_TASKS = 2_000


@dataclass
class Post:
    """Messages that went out."""

    sent: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> ProviderReceipt:
        self.sent.append(message)
        return ProviderReceipt("test", str(message.id))


@dataclass
class Home:
    """A home, whose it is, and their card as our row and as the provider's id."""

    property: PropertyId
    customer: CustomerId
    who: Actor
    card: PaymentMethodId | None = None
    method: str = ""


@dataclass
class Site:
    """One business's money, beside another business that must not notice any of it."""

    town: Town
    other: Town
    sandbox: Sandbox
    tools: Tools
    post: Post

    @property
    def world(self) -> World:
        return self.town.world

    @property
    def account(self) -> str:
        """The business's own account at the provider."""
        return platform_id(self.town.slug)

    async def do(self, who: Actor, command: Any, input: Any, *, origin: Origin = NOWHERE, **more: Any) -> Any:
        return await self.world.runner.run(Call(who, command, input, origin=origin, **more))

    async def system(self, command: Any, input: Any) -> Any:
        return await self.do(Actor.system(self.town.tenant), command, input)

    async def now(self) -> datetime:
        return await self.world.now(self.town.tenant)

    # -- time ----------------------------------------------------------------------------------------------------

    async def move(self, by: timedelta) -> None:
        """Move both businesses' clocks and the sandbox's."""
        for town in (self.town, self.other):
            await self.world.move_clock(town.tenant, by)
        self.sandbox.advance(by.total_seconds())

    async def until(self, at: datetime) -> None:
        """Move to an instant, if it is not over."""
        by = at - await self.now()
        if by > timedelta():
            await self.move(by)

    async def until_hour(self, hour: int, *, days: int = 0) -> None:
        """Move to the next time that the market's clocks show this hour, so many days later."""
        now = (await self.now()).astimezone(ZONE)
        wanted = datetime.combine(now.date(), time(hour), ZONE)
        if wanted <= now:
            wanted += timedelta(days=1)
        await self.until(wanted + timedelta(days=days))

    # -- furniture -----------------------------------------------------------------------------------------------

    async def settings(self, **sections: Mapping[str, Any]) -> None:
        """Set numbers of sections, as `payments={"alarmHours": 30}`; the others stay."""
        kept = json.loads(await self.value("select settings from tenant where tenant_id = $1", self.town.tenant))
        merged = {**kept, **{name: {**kept.get(name, {}), **values} for name, values in sections.items()}}
        await self.world.root.execute(
            "update tenant set settings = $2 where tenant_id = $1", self.town.tenant, json.dumps(merged)
        )

    async def connect(self, town: Town | None = None) -> None:
        """The business's own account at the provider: `sk_test_<slug>`."""
        place = town or self.town
        form = ConnectProvider(f"sk_test_{place.slug}", [f"whsec_{place.slug}"], f"pk_test_{place.slug}")
        await self.world.run(place.owner, connect_provider, form)

    async def home(self, card: str | None = "visa", town: Town | None = None, **columns: Any) -> Home:
        """A home (2 bedrooms, 1 bathroom, 900 sqft: 90.00) of a new customer with this test card saved, if any."""
        place = town or self.town
        number = next(self.world.counter)
        person = customers.CreateCustomer(f"Customer {number}", f"customer{number}@x.example", "+13055550190")
        whose = await self.world.run(place.owner, customers.create_customer, person)
        form = customers.CreateProperty(
            whose, place.market, f"Home {number}", f"{number} Bay Road", "Miami", "33139", *MIAMI, 2, 1, 900
        )
        made = await self.world.run(place.owner, customers.create_property, form)
        for name, value in columns.items():
            await self.world.root.execute(f"update property set {name} = $2 where id = $1", made, value)
        home = Home(made, whose, await self.world.session_of(place.tenant, Role.CUSTOMER, whose))
        if card is not None:
            await self.save_card(home, card, place)
        return home

    def fresh_method(self, card: str = "visa", town: Town | None = None) -> str:
        """A card as the provider's own field hands it out: known there, nobody's yet."""
        with self.sandbox.tx(platform_id((town or self.town).slug), "test: card") as tx:
            return str(new_method(tx, card)["id"])

    async def save_card(self, home: Home, card: str = "visa", town: Town | None = None) -> PaymentMethodId:
        """The customer gives a card, with consent to later charges; the tasks that keep it are done."""
        home.method = self.fresh_method(card, town)
        form = AddPaymentMethod(home.method, CONSENT_VERSION, return_url="https://cleanshift.test/cards")
        home.card = await self.do(home.who, add_payment_method, form, origin=Origin("203.0.113.7", "tests"))
        await self.drain()
        assert home.card is not None
        return home.card

    async def job(
        self, home: Home, starts_at: datetime | None = None, *, cents: int | None = None, hours: str = "3"
    ) -> JobId:
        """A clean; the day after tomorrow at 14:00 of the market unless told, so that it is not held at once.

        Its price is the book's unless told.
        """
        if starts_at is None:
            day = (await self.now()).astimezone(ZONE).date() + timedelta(days=2)
            starts_at = datetime.combine(day, time(14), ZONE)
        form = scheduling.CreateJob(home.property, starts_at, Decimal(hours))
        made: JobId = await self.do(self.town.owner, scheduling.create_job, form)
        if cents is not None:
            await self.world.root.execute(
                "update job set price_cents = $2, currency = 'usd' where id = $1", made, cents
            )
        return made

    async def unpaid_plan(self, home: Home, days: int = 3) -> ServicePlanId:
        """A plan that waits for its first payment; its first clean is so many days ahead."""
        plan, first_on = ServicePlanId(new_id()), (await self.now() + timedelta(days=days)).date()
        whose = (self.town.tenant, plan, home.customer, home.property, self.town.market, first_on)
        await self.world.root.execute(UNPAID_PLAN, *whose)
        return plan

    async def held_job(self, home: Home | None = None, **more: Any) -> JobId:
        """A clean that is held on the card; the time is 20:00 the evening before."""
        made = await self.job(home or await self.home(), **more)
        await self.hold_night(made)
        assert await self.status(made) == "AUTHORIZED", await self.payments(made)
        return made

    async def hold_night(self, job: JobId | None = None) -> None:
        """The evening before a clean comes, or tomorrow's unless told, and what is to be held is held."""
        eve = (await self.now()).astimezone(ZONE).date() + timedelta(days=1)
        if job is not None:
            eve = (await self.row("job", job))["starts_at"].astimezone(ZONE).date() - timedelta(days=1)
        await self.until(datetime.combine(eve, time(20), ZONE))
        await self.duty("hold_payments")

    async def crew(self, job: JobId, who: Actor | None = None) -> tuple[Actor, Any]:
        """Put a cleaner on the job; who, and their shift."""
        cleaner = who or await self.town.cleaner()
        return cleaner, await Fieldwork(self.town, self.other).put(job, cleaner)

    async def prove(self, job: JobId, who: Actor | None = None, *, hold: bool = True) -> Actor:
        """The clean is done and proven: time moves to its start, evidence is complete; then tasks are drained."""
        await self.settings(fieldwork={"photoZones": []})
        cleaner, shift = await self.crew(job, who)
        starts_at = (await self.row("job", job))["starts_at"]
        await self.until(starts_at - timedelta(minutes=30))
        await Fieldwork(self.town, self.other).reach(cleaner, shift, VisitPhase.DONE)
        if hold:
            await self.drain()
        return cleaner

    async def paid_job(self, home: Home | None = None, who: Actor | None = None, **more: Any) -> JobId:
        """A clean that was held, proven and captured."""
        made = await self.held_job(home, **more)
        await self.prove(made, who)
        assert await self.status(made) == "CAPTURED", await self.payments(made)
        return made

    # -- tasks ---------------------------------------------------------------------------------------------------

    async def duty(self, name: str, town: Town | None = None) -> list[Exception]:
        """A duty falls due now, for the business's market; it and what follows from it is done."""
        place = town or self.town
        payload = {"market_id": str(place.market), "due_at": (await self.world.now(place.tenant)).isoformat()}
        await self.attempt(name, payload, place)
        return await self.drain()

    async def attempt(self, kind: str, payload: Mapping[str, Any], town: Town | None = None, attempt: int = 1) -> None:
        """One attempt of one task, whether or not it is written anywhere."""
        place = town or self.town
        now = await self.world.now(place.tenant)
        task = Task(place.tenant, TaskId(new_id()), kind, payload, attempt, new_id(), now)
        await KINDS[kind](TaskContext(self.tools, task), place.tenant, payload)

    async def drain(self, *kinds: str) -> list[Exception]:
        """Do every task of both businesses that is due, oldest first, and those that follow; of these kinds if told.

        What goes wrong stays to be done: those are tried once a call, and what they raised is the answer.
        """
        tried: set[UUID] = set()
        trouble: list[Exception] = []
        for _ in range(MOST_TASKS):
            row = await self._next(kinds, tried)
            if row is None:
                return trouble
            tried.add(row["id"])
            town = self.town if row["tenant_id"] == self.town.tenant else self.other
            try:
                await self.attempt(row["kind"], json.loads(row["payload"]), town)
            # What a worker does with whatever a task raises.
            except Exception as problem:  # noqa: BLE001
                trouble.append(problem)
            else:
                await self.world.root.execute("update task set state = 'DONE' where id = $1", row["id"])
        raise AssertionError("the tasks never end")

    async def settle(self, *kinds: str) -> None:
        """The same, where nothing may go wrong."""
        for problem in await self.drain(*kinds):
            raise problem

    async def waiting(self, *kinds: str) -> list[Any]:
        """The tasks that are not done yet, due or not."""
        rows: list[Any] = await self.world.root.fetch(
            "select * from task where tenant_id = $1 and state = 'READY' and ($2::text[] = '{}' or kind = any($2))"
            " order by run_at, id",
            self.town.tenant,
            list(kinds),
        )
        return rows

    async def _next(self, kinds: Sequence[str], but: set[UUID]) -> Any:
        return await self.world.root.fetchrow(
            """select t.* from task t join tenant c on c.tenant_id = t.tenant_id
               where t.tenant_id = any($1) and t.state = 'READY' and t.run_at <= now() + c.clock_offset
                 and t.kind = any($2) and not t.id = any($3) order by t.run_at, t.id limit 1""",
            [self.town.tenant, self.other.tenant],
            list(kinds or KINDS),
            list(but),
        )

    # -- what there is -------------------------------------------------------------------------------------------

    async def row(self, table: str, id: Any, key: str = "id") -> Any:
        return await self.world.root.fetchrow(f"select * from {table} where {key} = $1", id)

    async def value(self, sql: str, *given: Any) -> Any:
        return await self.world.root.fetchval(sql, *given)

    async def rows(self, sql: str, *given: Any) -> list[Any]:
        return list(await self.world.root.fetch(sql, *given))

    async def status(self, job: JobId) -> str:
        """The job's payment status."""
        return str(await self.value("select payment_status from job where id = $1", job))

    async def payments(self, job: JobId) -> list[Any]:
        """Every payment of a job, the first one first."""
        return await self.rows("select * from payment where job_id = $1 order by attempt, id", job)

    async def payment(self, job: JobId) -> Any:
        """What the clean is paid with."""
        return await self.world.root.fetchrow("select * from payment where job_id = $1 and is_current", job)

    async def ops(self, kind: str | None = None) -> list[Any]:
        """Steps of the business, the first one first."""
        rows = await self.rows("select * from money_op where tenant_id = $1 order by created_at, id", self.town.tenant)
        return [row for row in rows if kind in {None, row["kind"]}]

    async def books(self) -> dict[str, int]:
        """What stands on each account, debit positive."""
        rows = await self.rows(
            "select account, sum(cents)::bigint as cents from ledger_posting where tenant_id = $1 group by account",
            self.town.tenant,
        )
        return {row["account"]: row["cents"] for row in rows}

    async def entry(self, source: str) -> dict[str, int]:
        """The postings of one entry."""
        rows = await self.rows(
            """select p.account, p.cents from ledger_posting p
               join ledger_entry e on e.tenant_id = p.tenant_id and e.id = p.entry_id
               where e.tenant_id = $1 and e.source = $2""",
            self.town.tenant,
            source,
        )
        return {row["account"]: row["cents"] for row in rows}

    async def alarms(self) -> list[str]:
        """The kinds of alarms that stand."""
        rows = await self.rows(
            "select kind from money_alarm where tenant_id = $1 and cleared_at is null order by kind", self.town.tenant
        )
        return [row["kind"] for row in rows]

    async def notices(self, kind: str) -> list[Any]:
        """Messages of a kind."""
        return await self.rows(
            "select * from notification where tenant_id = $1 and kind = $2 order by id", self.town.tenant, kind
        )

    def things(self, collection: str) -> list[Json]:
        """What the provider has of the business, the oldest first: payment_intents, charges, transfers, ..."""
        return list(self.sandbox.store.collection(self.account, collection).values())

    def intents_of(self, job: JobId) -> list[Json]:
        """The provider's intents of a job."""
        return [one for one in self.things("payment_intents") if one["metadata"].get("job_id") == str(job)]

    def balance(self) -> int:
        """What the provider says that the business has, available and on the way."""
        return sum(int(one["net"]) for one in self.things("balance_transactions"))

    async def outcome(self, method: str, outcome: str | None, times: int | None = None) -> None:
        """What a saved card does from now on: ok, authentication_required, or a decline's code."""
        await self.control("POST", f"payment_methods/{method}", {"outcome": outcome, "times": times})

    async def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """An action that no client of the provider has: `POST`, `charges/ch_1/dispute`."""
        from sandbox.stripe.control import find

        action, args = find(method, path)
        return action(self.sandbox, args, body or {})

    async def hear(self, kind: str, thing: Thing, id: str) -> None:
        """What a webhook does: the thing is read as it is now, and applied."""
        provider = self.tools.provider_of(ProviderKeys(f"sk_test_{self.town.slug}"))
        found = await provider.read(thing, id)
        assert found is not None

        async def absorb(tx: Any, input: Any) -> None:
            await ABSORBERS[kind](tx, input)

        await self.system(command_of(absorb), found)
        await self.settle()

    def fault(self, kind: str, path: str, *, times: int = 1, **more: Any) -> None:
        """The next so many calls of a path fail in this way."""
        self.sandbox.faults.add({"kind": kind, "method": "POST", "path": path, "times": times, **more})

    # -- refusals ------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def refused(self, code: Code) -> AsyncIterator[list[Refused]]:
        """The block is refused with this code, and neither a row nor the provider is different."""
        before, asked = await self.picture(), self.sandbox.journal.seq
        caught: list[Refused] = []
        with pytest.raises(Refused) as refusal:
            yield caught
        caught.append(refusal.value)
        assert refusal.value.code is code, (refusal.value.code, refusal.value)
        assert await self.picture() == before
        assert self.sandbox.journal.seq == asked

    async def picture(self) -> dict[str, tuple[int, int]]:
        """Every row of both businesses that money writes."""
        return await self.world.picture(self.town.tenant, self.other.tenant, tables=WRITTEN)


@asynccontextmanager
async def a_site(town: Town, other: Town) -> AsyncIterator[Site]:
    """Both businesses connected to the sandbox; its clock is theirs."""
    # A seed of its own: the database is shared, and so no two tests may have the same ids.
    sandbox = Sandbox(seed=town.tenant.int & 0xFFFFFFFF)
    sandbox.set_clock((await town.world.now(town.tenant)).timestamp())
    providers = StripeProviders(transport=SandboxTransport(sandbox))
    post = Post()
    nothing: Any = None
    tools = Tools(town.world.runner, post, nothing, "http://cleanshift.test", nothing, providers=providers)
    site = Site(town, other, sandbox, tools, post)
    try:
        await site.connect()
        await site.connect(other)
        await site.home(town=other)
        yield site
    finally:
        await providers.aclose()


def with_tools(site: Site, **different: Any) -> Site:
    """The same site with other tools, as `at_boundary`."""
    return replace(site, tools=replace(site.tools, **different))
