"""A business on a plan, the platform that bills it, and the provider's webhooks as they really come: signed, over HTTP.

The provider is the sandbox in process; its webhooks go through the very routes of the API.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from stripe import WebhookSignature

from app.webhooks import Webhooks
from db.ids import new_id
from domain.actors import PLATFORM_TENANT, Actor, Role, TenantId
from domain.errors import Code, Refused
from domain.ids import TaskId
from domain.payments.ask import Ask
from domain.payments.outcomes import Answered
from domain.payments.webhooks import HEARD, HEARD_OF_CONNECTED, HEARD_OF_PLANS
from sandbox.stripe import Json
from sandbox.stripe.courier import new_secret
from sandbox.stripe.edge import platform_id
from sandbox.stripe.resources import checkout
from services.billing.choosing import ChoosePlan, choose_plan
from services.billing.sign_up import SignUp, sign_up_business
from services.payments.accounts import ConnectProvider, ProviderKeys, connect_provider
from tasks.context import TaskContext
from tasks.kinds import KINDS
from tasks.store import Task
from tests.payments.site import Site, a_site, with_tools
from tests.product.world import Town, World, ops

GRACE = timedelta(days=7)
PLATFORM_ACCOUNT = platform_id("platform")
TRACED = ("webhook_event", "task", "event", "audit", "tenant_subscription", "money_op", "mutation_receipt", "job")


@dataclass
class House:
    """One business on a plan, and everybody whom its plan concerns."""

    town: Town
    site: Site
    http: httpx2.AsyncClient
    hook: str
    """The path of the business's own webhook."""
    secrets: list[str] = field(default_factory=list)
    platform_secret: str = ""

    @property
    def world(self) -> World:
        return self.town.world

    @property
    def sandbox(self) -> Any:
        return self.site.sandbox

    # -- plans ---------------------------------------------------------------------------------------------------

    async def plan(self) -> Any:
        """The row of the business's plan."""
        return await self.site.row("tenant_subscription", self.town.tenant, "tenant_id")

    async def choose(self, plan: str = "team") -> Any:
        """The owner chooses a plan; what follows is done. The row."""
        await self.site.do(await self.owner(), choose_plan, ChoosePlan(plan))
        await self.work()
        return await self.plan()

    async def owner(self) -> Actor:
        """The owner, signed in anew: much time may have passed."""
        return await self.world.session_of(self.town.tenant, Role.OWNER)

    async def pay(self, url: str | None = None, card: str = "pm_card_visa") -> Json:
        """The page is opened and finished with a test card; the provider tells, and it is worked off."""
        done = self.finish(url or (await self.plan())["checkout_url"], card)
        await self.told()
        return done

    def finish(self, url: str, card: str = "pm_card_visa") -> Json:
        """The page is finished, and the provider has told nobody yet."""
        with self.sandbox.tx(PLATFORM_ACCOUNT, "test: page") as tx:
            done: Json = checkout.complete(tx, url.rsplit("/", 1)[1], card)
        return done

    async def subscribe(self, plan: str = "team") -> Any:
        """The business has chosen and paid; the row."""
        await self.choose(plan)
        await self.pay()
        return await self.plan()

    @property
    def platform(self) -> str:
        """The platform's own account at the provider."""
        return PLATFORM_ACCOUNT

    async def outcome(self, outcome: str) -> None:
        """What every card of the business does from now on at the platform's account."""
        for id in list(self.sandbox.store.collection(PLATFORM_ACCOUNT, "payment_methods")):
            await self.site.outcome(id, outcome)

    async def is_read_only(self) -> bool:
        return bool(await self.site.value("select is_read_only from tenant where tenant_id = $1", self.town.tenant))

    def subscriptions(self) -> list[Json]:
        """What the provider has of the business, the oldest first."""
        return list(self.sandbox.store.collection(PLATFORM_ACCOUNT, "subscriptions").values())

    def live(self) -> list[Json]:
        return [one for one in self.subscriptions() if one["status"] not in {"canceled", "incomplete_expired"}]

    def events_of_platform(self) -> list[Json]:
        """What the provider would tell the platform, the oldest first."""
        events = self.sandbox.store.collection(PLATFORM_ACCOUNT, "events").values()
        return [{name: value for name, value in event.items() if name[0] != "_"} for event in events]

    async def made(self, ask: Ask) -> str:
        """Something is made at the provider, in the business's own account; its id."""
        provider = self.site.tools.provider_of(ProviderKeys(f"sk_test_{self.town.slug}"))
        outcome = await provider.send(ask, f"key-{new_id()}")
        assert isinstance(outcome, Answered), outcome
        return outcome.id

    # -- time and work -------------------------------------------------------------------------------------------

    async def move(self, by: timedelta) -> None:
        """Time passes for both businesses, the platform and the provider."""
        await self.site.move(by)
        await self.world.move_clock(PLATFORM_TENANT, by)

    async def work(self) -> list[Exception]:
        """Everything that is due of all three tenants is done; what went wrong."""
        trouble = await self.site.drain()
        trouble += await self._work_of_platform()
        return trouble + await self.site.drain()

    async def told(self) -> None:
        """The provider tells what it has to tell, and it is worked off."""
        for _ in range(10):
            sent = await self.sandbox.courier.deliver_due(even_if_held=True, everything=True)
            for problem in await self.work():
                raise problem
            if not sent:
                return

    async def watch(self) -> None:
        """The duty falls due."""
        for problem in await self.site.duty("watch_plan"):
            raise problem

    async def _work_of_platform(self) -> list[Exception]:
        trouble: list[Exception] = []
        rows = await self.world.root.fetch(
            "select * from task where tenant_id = $1 and state = 'READY' and kind = any($2) order by id",
            PLATFORM_TENANT,
            ["handle_webhook"],
        )
        for row in rows:
            try:
                await self.attempt(PLATFORM_TENANT, row["kind"], json.loads(row["payload"]))
            except Exception as problem:  # noqa: BLE001 (what a worker does with whatever a task raises)
                trouble.append(problem)
            else:
                await self.world.root.execute("update task set state = 'DONE' where id = $1", row["id"])
        return trouble

    async def attempt(self, tenant: TenantId, kind: str, payload: dict[str, Any]) -> None:
        now = await self.world.now(tenant)
        task = Task(tenant, TaskId(new_id()), kind, payload, 1, new_id(), now)
        await KINDS[kind](TaskContext(self.site.tools, task), tenant, payload)

    # -- webhooks ------------------------------------------------------------------------------------------------

    async def post(
        self,
        event: dict[str, Any] | bytes,
        *,
        path: str | None = None,
        secret: str | None = None,
        ago: int = 0,
        header: str | None = None,
    ) -> int:
        """An event arrives at the business's webhook, signed so many seconds ago; the answer's status."""
        raw = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = signed(raw, secret or self.secrets[0], ago) if header is None else header
        headers = [(b"stripe-signature", signature.encode("latin-1"))] if signature else []
        return (await self.http.post(path or self.hook, content=raw, headers=headers)).status_code

    async def picture(self) -> dict[str, int]:
        """How much there is of everything that a webhook could leave behind, in all three tenants."""
        tenants = [self.town.tenant, self.site.other.tenant, PLATFORM_TENANT]
        return {
            table: await self.site.value(f"select count(*) from {table} where tenant_id = any($1)", tenants)
            for table in TRACED
        }

    async def events(self, tenant: TenantId | None = None) -> list[Any]:
        return await self.site.rows(
            "select * from webhook_event where tenant_id = $1 order by id", tenant or self.town.tenant
        )

    # -- refusals ------------------------------------------------------------------------------------------------

    async def refused(self, who: Actor, command: Any, input: Any) -> Refused:
        """The command is refused, and nothing is left of it."""
        before = await self.picture()
        with pytest.raises(Refused) as caught:
            await self.site.do(who, command, input)
        assert await self.picture() == before
        return caught.value

    async def is_refused(self, code: Code, who: Actor, command: Any, input: Any) -> bool:
        return (await self.refused(who, command, input)).code is code


def signed(raw: bytes, secret: str, ago: int = 0) -> str:
    """The header of an event that was signed so many seconds ago; a negative number is the future."""
    header: str = WebhookSignature.generate_signature_header(raw.decode(), secret, int(time.time()) - ago)
    return header


def notice(kind: str = "payment_intent", id: str = "pi_1", type: str = "payment_intent.succeeded", **more: Any) -> Json:
    """A whole event as the provider tells it."""
    event = f"evt_{new_id().hex}"
    return {"id": event, "object": "event", "type": type, "data": {"object": {"object": kind, "id": id}}, **more}


async def sign_up(world: World, plan: str = "team") -> Town:
    """A business that has signed itself up."""
    tenant, slug = TenantId(new_id()), f"s-{new_id().hex[-12:]}"
    form = SignUp(slug, f"Business {slug}", "Owner 1", f"owner@{slug}.example", "Miami", plan=plan)
    founded = await world.run(Actor.system(tenant), sign_up_business, form)
    assert founded.market_id is not None
    # It is founded at the real time; its trial begins when it lives, so that it is as long on every day of the week.
    await world.root.execute(
        """update tenant_subscription p set created_at = p.created_at + t.clock_offset,
               trial_ends_at = p.trial_ends_at + t.clock_offset
           from tenant t where t.tenant_id = p.tenant_id and t.tenant_id = $1""",
        tenant,
    )
    return Town(world, tenant, slug, await world.session_of(tenant, Role.OWNER), founded.market_id)


@asynccontextmanager
async def a_house(town: Town, other: Town) -> AsyncIterator[House]:
    """The business `town` is replaced by one that has signed itself up; `other` is on no plan."""
    await ops(town.world)
    own = await sign_up(town.world)
    await own.world.root.execute("update tenant set clock_offset = default where tenant_id = $1", PLATFORM_TENANT)
    async with a_site(own, other) as plain:
        site = with_tools(plain, platform_key="sk_test_platform", plan_grace=GRACE)
        # The platform's account is one for all: no two tests may have the same ids there.
        site.sandbox.store.seed = new_id().int
        platform_secret = _endpoint(site, PLATFORM_ACCOUNT, "http://api/webhooks/platform", HEARD_OF_PLANS)
        running: Any = SimpleNamespace(runner=own.world.runner)
        routes = Webhooks(lambda: running, [platform_secret]).routes()
        transport = httpx2.ASGITransport(app=Starlette(routes=routes))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as http:
            path = await site.row("provider_account", own.tenant, "tenant_id")
            house = House(own, site, http, f"/webhooks/stripe/{path['webhook_path']}")
            house.platform_secret = platform_secret
            await connect(house, hears(house))
            site.sandbox.courier.send = house_post(http)
            await house.work()
            yield house


def hears(house: House) -> list[str]:
    """The endpoints of the business at the provider: their secrets."""
    account, url = house.site.account, f"http://api{house.hook}"
    own = _endpoint(house.site, account, url, HEARD)
    return [own, _endpoint(house.site, account, url, HEARD_OF_CONNECTED, connect=True)]


async def connect(house: House, secrets: list[str]) -> None:
    """The owner gives these signing secrets."""
    form = ConnectProvider(f"sk_test_{house.town.slug}", secrets)
    await house.site.do(house.town.owner, connect_provider, form)
    house.secrets = secrets


def house_post(http: httpx2.AsyncClient) -> Any:
    """How the sandbox reaches the API."""

    async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        return (await http.post(url, content=body, headers=headers)).status_code

    return post


def _endpoint(site: Site, account: str, url: str, events: tuple[str, ...], *, connect: bool = False) -> str:
    with site.sandbox.tx(account, "test: endpoint") as tx:
        secret = new_secret(tx)
        tx.put(
            "webhook_endpoints",
            {
                "id": tx.new_id("we"),
                "object": "webhook_endpoint",
                "enabled_events": list(events),
                "status": "enabled",
                "url": url,
                "_connect": connect,
                "_secrets": [{"secret": secret, "until": None}],
            },
        )
    return secret
