"""Plans of businesses at the platform's own account: prices found, pages opened, subscriptions read again (A42)."""

from collections.abc import Mapping
from typing import Any

from db.runner import Call
from domain.actors import Actor, TenantId
from domain.billing import CURRENCY, INTERVAL, PLANS, Plan, told_of
from domain.errors import NotConfigured, Unavailable
from domain.payments import asks_plans
from domain.payments.ask import Ask, Thing
from domain.payments.outcomes import Answered, Refusal
from gateways.payments import Object, Provider
from services.billing.choosing import FindWanted, PlanPage, find_wanted, plan_page
from services.billing.second import GiveBackPlan, give_back_plan
from services.billing.subscriptions import (
    AbsorbSubscriptions,
    CheckPlan,
    FindSubscription,
    Seen,
    absorb_subscriptions,
    check_plan,
    find_subscription,
)
from services.payments.accounts import ProviderKeys
from tasks.context import TaskContext, Tools

READINGS = 5
"""How often a subscription is read again because somebody else brought news of it meanwhile."""


async def open_page(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Find the price of the plan that was chosen, and have the page for it asked for."""
    wanted = await context.run(find_wanted, FindWanted())
    if wanted is None:
        return
    provider = platform(context.tools)
    price = await _price(provider, PLANS[wanted.plan])
    item = None
    if wanted.subscription_id is not None:
        running = await provider.read(Thing.SUBSCRIPTION, wanted.subscription_id)
        item = None if running is None else told_of(running).item
    await context.run(plan_page, PlanPage(wanted.plan, price, item, context.tools.public_url))


async def refresh(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Read the business's subscription, and apply what it says."""
    await refresh_plan(context.tools, tenant, str(context.task.id))


async def watch(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """End trials by the clock, and read the subscription again: a webhook may have been lost."""
    asks_provider = await context.run(check_plan, CheckPlan(context.tools.plan_grace))
    if asks_provider and context.tools.platform_key is not None:
        await refresh_plan(context.tools, tenant, str(context.task.id))


async def give_back(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Give back what was paid for a second plan, once that has ended: until then more might be."""
    provider, id = platform(context.tools), str(payload["subscription"])
    ended = await provider.read(Thing.SUBSCRIPTION, id)
    if ended is not None and told_of(ended).is_running:
        return
    pages = provider.pages(Thing.INVOICE, subscription=id, status="paid", expand=["data.payments"])
    await context.run(give_back_plan, GiveBackPlan(id, [invoice async for invoice in pages]))


async def refresh_plan(tools: Tools, tenant: TenantId, request_id: str, told: str | None = None) -> None:
    """Read all subscriptions that the business has, the one that was told of among them, and apply them.

    Its own one is first: whether it still runs decides whether another is a second one.
    """
    provider, actor = platform(tools), Actor.system(tenant)
    for _ in range(READINGS):
        seen = await tools.runner.run(Call(actor, find_subscription, FindSubscription(), request_id=request_id))
        if seen is None:
            return
        said = AbsorbSubscriptions(seen.version, await _subscriptions(provider, seen, told), tools.plan_grace)
        if await tools.runner.run(Call(actor, absorb_subscriptions, said, request_id=request_id)):
            return
    raise Unavailable("The plan changed each time that it was read.")


async def _subscriptions(provider: Provider, seen: Seen, told: str | None) -> list[Object]:
    """The business's own one first, then the others that run, the oldest first."""
    found: dict[str, Object] = {}
    for id in (seen.subscription_id, told):
        if id is not None and id not in found and (thing := await provider.read(Thing.SUBSCRIPTION, id)) is not None:
            found[id] = thing
    if seen.customer_id is not None:
        running = [thing async for thing in provider.pages(Thing.SUBSCRIPTION, customer=seen.customer_id)]
        found = {**found, **{str(thing["id"]): thing for thing in reversed(running) if thing["id"] not in found}}
    return list(found.values())


def platform(tools: Tools) -> Provider:
    """The platform's own account. Raises `NotConfigured` where this installation has none."""
    if tools.platform_key is None:
        raise NotConfigured("This installation bills no plans.")
    return tools.provider_of(ProviderKeys())


async def _price(provider: Provider, plan: Plan) -> str:
    """The provider's id of the plan's price, which is made when it is first wanted.

    Whoever makes it at the same time asks the same with the same key, and is answered with the same price.
    """
    async for found in provider.pages(Thing.PRICE, lookup_keys=[plan.lookup_key], active=True):
        if found["unit_amount"] == plan.price_cents and found["currency"] == CURRENCY:
            return str(found["id"])
    marks = {"tenant_id": "platform", "op_id": plan.lookup_key, "plan": plan.name}
    product = await _made(provider, asks_plans.create_product(name=plan.title, metadata=marks), plan)
    price = asks_plans.create_price(
        product=product,
        amount_cents=plan.price_cents,
        currency=CURRENCY,
        metadata=marks,
        interval=INTERVAL,
        lookup_key=plan.lookup_key,
    )
    return await _made(provider, price, plan)


async def _made(provider: Provider, ask: Ask, plan: Plan) -> str:
    outcome = await provider.send(ask, f"cleanshift:{ask.verb.value}:{plan.lookup_key}")
    if isinstance(outcome, Answered):
        return outcome.id
    if isinstance(outcome, Refusal):
        raise Unavailable(f"The provider refuses the plan {plan.name}: {outcome.code} {outcome.message}")
    raise Unavailable(f"The provider did not answer: {outcome.reason}.")
