"""Accounts with the payment provider: plan in a transaction, ask without one, record in another (R131, R136)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.errors import Unavailable
from domain.ids import PayoutAccountId
from domain.onboarding import PayoutAccountStatus
from gateways.payout_accounts import AccountRefused, AccountWish, PayoutAccounts, ProviderAccount
from gateways.stripe_accounts import AccountSettings
from services.onboarding.payouts import (
    PayoutPlan,
    PayoutWish,
    RecordPayoutAccount,
    RecordPayoutLink,
    plan_payout_account,
    record_payout_account,
    record_payout_link,
)
from services.payments.ops import ENVIRONMENT
from tasks.context import TaskContext

PAGE = "/work"
"""The cleaner's own page: it asks for a new link, or says what the provider still wants."""


async def open_account(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Have the account opened, and show the cleaner the provider's page unless nothing is left to do there."""
    plan = await _plan(context, payload)
    provider = _provider(context, plan)
    try:
        account = await _opened(provider, tenant, plan)
    except AccountRefused as refusal:
        await _record_refusal(context, plan, refusal)
        return
    await _record(context, plan, account)
    if account.status is not PayoutAccountStatus.READY:
        link = await provider.link(account.id)
        wish = RecordPayoutLink(plan.account, plan.requested_at, link.url, link.lives)
        await context.run(record_payout_link, wish)


async def refresh_account(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Read how the account stands, if there is one yet."""
    plan = await _plan(context, payload)
    provider = _provider(context, plan)
    if plan.provider_id is None:
        return
    try:
        account = await provider.read(plan.provider_id)
    except AccountRefused as refusal:
        await _record_refusal(context, plan, refusal)
        return
    await _record(context, plan, account)


def _provider(context: TaskContext, plan: PayoutPlan) -> PayoutAccounts:
    """The business's own account with the provider; cleaners' accounts are connected to it (A41)."""
    if plan.keys is None:
        raise Unavailable("This business has not connected a payment provider.")
    page = f"{context.tools.public_url}{PAGE}"
    settings = AccountSettings(ENVIRONMENT, f"{page}?payouts=again", f"{page}?payouts=done", currency=plan.currency)
    return context.tools.accounts_of(context.tools.provider_of(plan.keys), settings)


async def _plan(context: TaskContext, payload: Mapping[str, Any]) -> PayoutPlan:
    return await context.run(plan_payout_account, PayoutWish(PayoutAccountId(UUID(payload["account"]))))


async def _opened(provider: PayoutAccounts, tenant: TenantId, plan: PayoutPlan) -> ProviderAccount:
    if plan.provider_id is not None:
        return await provider.read(plan.provider_id)
    return await provider.open(AccountWish(plan.account, tenant, plan.name, plan.email))


async def _record(context: TaskContext, plan: PayoutPlan, account: ProviderAccount) -> None:
    said = RecordPayoutAccount(plan.account, account.id, account.status, account.requirements)
    await context.run(record_payout_account, said)


async def _record_refusal(context: TaskContext, plan: PayoutPlan, refusal: AccountRefused) -> None:
    """A definite no is shown to the cleaner, who may ask again; it is not asked again by itself."""
    said = RecordPayoutAccount(plan.account, None, PayoutAccountStatus.RESTRICTED, (str(refusal),))
    await context.run(record_payout_account, said)
