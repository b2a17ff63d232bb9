"""Webhooks are worked off: what the notice is about is read from the provider, and that is applied (R179, R183)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import PLATFORM_TENANT, TenantId
from domain.errors import NotConfigured, Unavailable
from domain.payments.ask import Thing
from domain.payments.webhooks import READ_AS, Notice
from gateways.payments import Object, Provider, RefusedByProvider
from services.payments.absorbers import ABSORBERS
from services.payments.accounts import NoteCheck, ProviderKeys, ReadKeys, note_check, read_keys
from services.payments.moving import FindKnown, find_known
from services.payments.notices import (
    AbsorbNotice,
    FindNotice,
    Kept,
    absorb_notice,
    find_notice,
    settle_notice,
)
from tasks.billing import platform, refresh_plan
from tasks.context import TaskContext

UNAUTHORIZED = 401


async def handle(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Work off one notice. Raises `Unavailable` where the provider cannot be asked now: the task comes again."""
    event = UUID(payload["event"])
    kept = await context.run(find_notice, FindNotice(event))
    if kept is None:
        return
    if tenant == PLATFORM_TENANT:
        await _handle_plan(context, event, kept.notice)
        return
    thing = await _thing(context, tenant, kept)
    await context.run(absorb_notice, AbsorbNotice(event, kept.notice.kind, thing))


async def check_keys(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Read the account that a business's keys open, and write down what is wrong with them if anything is."""
    keys = await context.run(read_keys, ReadKeys())
    if keys is None:
        return
    found, problem = await _tried(context, keys)
    is_strange = found not in {None, keys.account_id} and await _is_strange(context, keys)
    await context.run(note_check, NoteCheck(keys.version, found, problem, is_strange))


async def _tried(context: TaskContext, keys: ProviderKeys) -> tuple[str | None, str | None]:
    """Which account the keys open, and what is wrong with them."""
    try:
        account = await context.tools.provider_of(keys).read(Thing.OWN_ACCOUNT)
    except NotConfigured:
        return None, "This installation is not connected to a payment provider."
    except RefusedByProvider as refused:
        return None, str(refused)
    return (None if account is None else str(account["id"])), None


async def _is_strange(context: TaskContext, keys: ProviderKeys) -> bool:
    """Whether the account knows none of the customers who were the last to come; not where it does not tell."""
    provider, known = context.tools.provider_of(keys), await context.run(find_known, FindKnown())
    try:
        return bool(known) and not any([await provider.read(Thing.CUSTOMER, id) for id in known])
    except RefusedByProvider:
        return False


async def _thing(context: TaskContext, tenant: TenantId, kept: Kept) -> Object | None:
    """What the notice is about, as it is now; None where it is of no kind of ours, gone, or of somebody else."""
    notice = kept.notice
    if notice.kind not in ABSORBERS or notice.thing is None or kept.keys is None:
        return None
    try:
        thing = await _read(context.tools.provider_of(kept.keys), notice)
    except RefusedByProvider as refused:
        if refused.refusal.http_status == UNAUTHORIZED:
            await context.run(note_check, NoteCheck(kept.keys.version, None, str(refused)))
            raise Unavailable("The provider does not know the business's key any more.") from refused
        # Of an account that is not ours to read: a stranger's.
        return None
    if thing is None or (thing.get("metadata") or {}).get("tenant_id") not in {None, str(tenant)}:
        # Two businesses may share one account: each leaves the other's alone.
        return None
    return thing if notice.account is None else {**thing, "account": notice.account}


async def _read(provider: Provider, notice: Notice) -> Object | None:
    thing, id = READ_AS[str(notice.kind)], str(notice.thing)
    found = await provider.read(thing, id, account=notice.account)
    if found is None and thing is Thing.ACCOUNT:
        return await provider.read(Thing.ACCOUNT_V1, id)
    return found


async def _handle_plan(context: TaskContext, event: UUID, notice: Notice) -> None:
    """Read what a business has of plans: whatever the notice is about, its subscription is what decides (R178)."""
    subscription = await _subscription_of(platform(context.tools), notice)
    tenant = None if subscription is None else _tenant_of(subscription)
    if subscription is None or tenant is None:
        await context.run(settle_notice, AbsorbNotice(event))
        return
    await refresh_plan(context.tools, tenant, f"task:{context.task.id}", str(subscription["id"]))
    await context.run(settle_notice, AbsorbNotice(event, notice.kind))


async def _subscription_of(provider: Provider, notice: Notice) -> Object | None:
    id = notice.thing if notice.kind == "subscription" else None
    if notice.thing is not None and notice.kind == "invoice":
        invoice = await provider.read(Thing.INVOICE, notice.thing) or {}
        about = ((invoice.get("parent") or {}).get("subscription_details") or {}).get("subscription")
        id = _id(about)
    elif notice.thing is not None and notice.kind == "checkout.session":
        id = _id((await provider.read(Thing.CHECKOUT, notice.thing) or {}).get("subscription"))
    return None if id is None else await provider.read(Thing.SUBSCRIPTION, id)


def _id(about: Any) -> str | None:
    if isinstance(about, Mapping):
        about = about.get("id")
    return about if isinstance(about, str) else None


def _tenant_of(subscription: Object) -> TenantId | None:
    """Whose it is by the marks that we have put on it; None for what was made by hand."""
    try:
        return TenantId(UUID((subscription.get("metadata") or {}).get("tenant_id", "")))
    except ValueError:
        return None
