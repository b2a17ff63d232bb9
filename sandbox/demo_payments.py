"""The demo's businesses as merchants: each with an account of its own in the payments sandbox, and its webhooks (A41).

What a business's owner does by hand: give the key, enter the address of its webhooks at the provider, and give the
signing secrets that the provider shows for it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx2

from app.auth import Auth
from app.demo import demo_key
from app.settings import Settings
from db.runner import Runner
from db.tenants import tenant_by_slug
from domain.actors import Role
from domain.payments.webhooks import HEARD, HEARD_OF_CONNECTED, HEARD_THIN
from gateways.stripe_api import API_VERSION
from sandbox import SandboxError
from sandbox.demo_desk import Desk, standing
from sandbox.demo_people import email_of
from sandbox.demo_plan import BUSINESSES, BusinessPlan
from sandbox.stamped import looking
from services.payments.accounts import ConnectProvider, connect_provider

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.1


async def connect_demo(runner: Runner, auth: Auth, settings: Settings) -> None:
    """Make sure that the demo's businesses are connected and hear of what happens at the provider."""
    if settings.stripe_url is None:
        return
    async with httpx2.AsyncClient(base_url=settings.stripe_url, timeout=10, trust_env=False) as http:
        await _ready(http)
        for plan in BUSINESSES:
            tenant = await tenant_by_slug(runner.engine, plan.slug)
            if tenant is not None:
                desk = Desk(runner, auth, tenant)
                await _connect(_Shop(desk, plan, http, settings.base_url))
                await desk.leave()


@dataclass(frozen=True, slots=True)
class _Shop:
    desk: Desk
    plan: BusinessPlan
    http: httpx2.AsyncClient
    base_url: str

    async def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """One request to the sandbox, with the business's key."""
        headers = {"authorization": f"Bearer {key_of(self.plan)}", "stripe-version": API_VERSION}
        answer = await self.http.request(method, path, headers=headers, **body)
        said: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise SandboxError(f"The payments sandbox refuses the demo: {said}")
        return said


def key_of(plan: BusinessPlan) -> str:
    """The key of a demo business in the sandbox: an account springs up for it."""
    return demo_key(plan.slug)


async def _ready(http: httpx2.AsyncClient) -> None:
    """Wait for the sandbox, which starts at the same time."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            if (await http.get("/__sandbox/health")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        if asyncio.get_running_loop().time() > deadline:
            raise SandboxError("The payments sandbox does not answer.")
        await asyncio.sleep(POLL_SECONDS)


async def _connect(shop: _Shop) -> None:
    hook = await _hook(shop)
    here = [one["url"] for one in (await shop.ask("GET", "/v1/webhook_endpoints"))["data"]]
    if hook is not None and here and all(url == hook for url in here):
        return
    if hook is None:
        await _give(shop, [])
        hook = await _hook(shop)
    # An API that has moved to another port is another address: the old endpoints would never be answered again.
    await _forget(shop)
    secrets = [await _told(shop, str(hook), connect=False), await _told(shop, str(hook), connect=True)]
    await _give(shop, [*secrets, await _told_thinly(shop, str(hook))])


async def _give(shop: _Shop, secrets: list[str]) -> None:
    here = await standing(shop.desk.runner, shop.desk.tenant)
    owner = here.staff[email_of("owner", shop.plan)]["id"]
    form = ConnectProvider(key_of(shop.plan), secrets, f"pk_test_{shop.plan.slug}")
    await shop.desk.run(owner, Role.OWNER, connect_provider, form)


async def _hook(shop: _Shop) -> str | None:
    """The address of the business's webhooks; None where it is not connected."""
    async with looking(shop.desk.runner.engine, shop.desk.tenant) as (rows, _now):
        found = await rows.fetchval("select webhook_path from provider_account where tenant_id = $1", shop.desk.tenant)
    return None if found is None else f"{shop.base_url}/webhooks/stripe/{found}"


async def _forget(shop: _Shop) -> None:
    for endpoint in (await shop.ask("GET", "/v1/webhook_endpoints"))["data"]:
        await shop.ask("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")


async def _told(shop: _Shop, hook: str, *, connect: bool) -> str:
    """Have the provider tell us; its signing secret."""
    events = HEARD_OF_CONNECTED if connect else HEARD
    form = {f"enabled_events[{place}]": event for place, event in enumerate(events)}
    made = await shop.ask("POST", "/v1/webhook_endpoints", data={**form, "url": hook, "connect": str(connect).lower()})
    return str(made["secret"])


async def _told_thinly(shop: _Shop, hook: str) -> str:
    """The same for the provider's newer events, which name a cleaner's account and say nothing else of it."""
    wish = {
        "name": "Cleanshift",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "events_from": ["self", "other_accounts"],
        "enabled_events": list(HEARD_THIN),
        "webhook_endpoint": {"url": hook},
        "include": ["webhook_endpoint.signing_secret"],
    }
    made = await shop.ask("POST", "/v2/core/event_destinations", json=wish)
    return str(made["webhook_endpoint"]["signing_secret"])
