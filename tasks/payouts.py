"""Tasks of cleaners' pay: looked at when it is due, swept, followed to the bank, and told (R174 to R176, R190)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import MarketId, PayoutId
from domain.payments.ask import Thing
from gateways.payments import Provider
from services.payouts.bank import BankPayoutAsked, RecordBankPayout, keys_to_follow, record_bank_payout
from services.payouts.notices import NotifyPayout, notify_payout
from services.payouts.release import LookAtPayout, look_at_payout
from services.payouts.sweeping import FIRST, SweepPayouts, sweep_payouts
from tasks.context import TaskContext

MOST_BEFORE = 20
"""How many bank payouts that were sent back one after the other are followed."""


async def release(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Pay one payout, or hold it with its reason."""
    await context.run(look_at_payout, LookAtPayout(PayoutId(UUID(payload["payout"]))))


async def sweep(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Have every payout of a market looked at that may go now."""
    market = MarketId(UUID(payload["market_id"]))
    after: UUID | None = FIRST
    while after is not None:
        after = await context.run(sweep_payouts, SweepPayouts(market, after))


async def notify(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell people how a payout stands."""
    await context.run(notify_payout, NotifyPayout(PayoutId(UUID(payload["payout"])), payload["version"]))


async def follow(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Read a bank payout of a cleaner's account, and which of our transfers it carries."""
    keys = await context.run(keys_to_follow, BankPayoutAsked())
    if keys is None:
        return
    provider, account = context.tools.provider_of(keys), payload["account"]
    found = await provider.read(Thing.PAYOUT, payload["payout"], account=account)
    if found is not None:
        carried = await _transfers(provider, str(found["id"]), account)
        await context.run(record_bank_payout, RecordBankPayout(str(found["id"]), found["status"], carried))


async def _transfers(provider: Provider, bank_payout: str, account: str) -> tuple[str, ...]:
    """Our transfers among what a bank payout carries: each is a payment on the account, with its transfer's id.

    What a bank sent back is in the next one as a whole: then what the one before it carried is carried again.
    """
    found: dict[str, None] = {}
    ahead, seen = [bank_payout], {bank_payout}
    while ahead and len(seen) <= MOST_BEFORE:
        wanted = {"payout": ahead.pop(), "expand": ["data.source"]}
        async for one in provider.pages(Thing.BALANCE_TRANSACTION, account=account, **wanted):
            source = one.get("source")
            if not isinstance(source, Mapping):
                continue
            if source.get("object") == "payout" and source["id"] not in seen:
                seen.add(source["id"])
                ahead.append(source["id"])
            elif transfer := source.get("source_transfer"):
                found[transfer if isinstance(transfer, str) else str(transfer["id"])] = None
    return tuple(found)
