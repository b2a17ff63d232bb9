"""Plans, the business's own account with the provider, and signing up: where fields come from, and their mutations."""

from typing import Any

import strawberry
from strawberry.types import Info

from db.ids import new_id
from db.runner import Call
from domain.actors import Actor, TenantId
from domain.billing import CURRENCY, PLANS
from domain.errors import NotConfigured, Refused
from models import provider_account, tenant_subscription
from resolvers.common import ADMINS
from resolvers.context import Context
from resolvers.engine.sources import computed, one, sql
from resolvers.expose import expose, mutation
from resolvers.registry import registry
from schema.errors import UserError
from schema.inputs import input_type, to_command
from schema.types.billing import Plan, ProviderAccount, TenantSubscription
from schema.types.described import described, for_clients
from schema.types.identity import Tenant
from services.billing import choosing, sign_up
from services.payments import accounts, disconnecting

TENANT_SUBSCRIPTION = one(tenant_subscription, on="tenant_id", to="tenant_id").only(*ADMINS)
PROVIDER_ACCOUNT = one(provider_account, on="tenant_id", to="tenant_id").only(*ADMINS)


def webhook_path(secret_path: str) -> str:
    """The path as the provider is given it, behind this installation's address."""
    return f"/webhooks/stripe/{secret_path}"


def ensure_billing(context: Context) -> None:
    """Refuse where this installation bills no plans (A42)."""
    if context.services.sign_ups is None:
        raise NotConfigured("This installation bills no plans.")


registry.sources(
    TenantSubscription,
    tenant_subscription,
    is_read_only=sql(lambda row: f"(SELECT t.is_read_only FROM tenant t WHERE t.tenant_id = {row.tenant_id})", bool),
    seats_taken=sql(
        lambda row: (
            f"""((SELECT count(*) FROM staff s WHERE s.tenant_id = {row.tenant_id} AND s.archived_at IS NULL)
            + (SELECT count(*) FROM cleaner c WHERE c.tenant_id = {row.tenant_id} AND c.archived_at IS NULL))"""
        ),
        int,
    ),
)
registry.sources(
    ProviderAccount,
    provider_account,
    webhook_path=computed(webhook_path, secret_path=sql(lambda row: row.webhook_path, str)),
)


async def plans(info: Info[Context, None]) -> list[Plan]:
    """The platform's plans, the cheapest first; for everybody. Empty where this installation bills none."""
    if info.context.services.sign_ups is None:
        return []
    return [
        Plan(
            name=one.name,
            title=one.title,
            price_cents=one.price_cents,
            currency=CURRENCY,
            seats=one.seats,
            jobs_a_month=one.jobs_a_month,
            trial_days=one.trial_days,
            features=sorted(one.features),
        )
        for one in sorted(PLANS.values(), key=lambda each: each.price_cents)
    ]


@described
@strawberry.type
class SignUpPayload:
    """The answer of signUp."""

    ok: bool
    """Whether the business was founded, and its owner's invitation is on its way."""
    errors: list[UserError]
    """Why not; empty if it was."""


async def _sign_up(info: Info[Context, None], input: Any) -> Any:
    context = info.context
    try:
        ensure_billing(context)
        wish = to_command(sign_up.SignUp, input)
        if context.services.sign_ups is not None:
            context.services.sign_ups.ensure(context.source)
        actor = Actor.system(TenantId(new_id()))
        await context.services.runner.run(
            Call(actor, sign_up.sign_up_business, wish, request_id=context.request_id, origin=context.origin)
        )
    except Refused as refusal:
        return SignUpPayload(ok=False, errors=[UserError.of(refusal)])
    return SignUpPayload(ok=True, errors=[])


def _signing_up() -> Any:
    _sign_up.__annotations__.update({"input": input_type(sign_up.SignUp, keyed=False), "return": SignUpPayload})
    words = (
        "Found a business of one's own, on trial, with its first market; its owner is invited by mail. Needs no"
        " sign-in; seldom from one network address."
    )
    return mutation(_sign_up, "sign_up", words)


PLANS_FIELD: Any = strawberry.field(resolver=plans, description=for_clients(plans.__doc__ or ""))

MUTATIONS = {
    "sign_up": _signing_up(),
    "choose_plan": expose(choosing.choose_plan, TenantSubscription, guard=ensure_billing),
    "cancel_plan_subscription": expose(choosing.cancel_plan_subscription, TenantSubscription, guard=ensure_billing),
    "connect_provider": expose(accounts.connect_provider, ProviderAccount),
    "disconnect_provider": expose(disconnecting.disconnect_provider, Tenant),
}
