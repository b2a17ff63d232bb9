"""Holds on cards: the nightly run and its sweep, attempts that are due, and how a payment stands (A1, A2, A36)."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import CustomerId, JobId, MarketId, PaymentId
from domain.payments.ask import Thing
from services.payments.absorbing import AbsorbPayment, FindIntent, absorb_payment, find_intent
from services.payments.accounts import ReadKeys, read_keys
from services.payments.declines import TryAgain, UseNewCard, try_again, use_new_card
from services.payments.expiry import CallOffUnpaid, WatchHolds, call_off_unpaid, watch_holds
from services.payments.hold_notices import NotifyCardNeeded, NotifyPayment, notify_card_needed, notify_payment
from services.payments.holds import PlanHolds, plan_holds
from tasks.context import TaskContext
from tasks.watching import ensure_all_well, look_after_each


async def hold(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Hold what is to be held in a market, a page at a time, and look after what is held."""
    market, due_at = MarketId(UUID(payload["market_id"])), datetime.fromisoformat(payload["due_at"])
    after = PlanHolds(market, due_at).after
    for page in count():
        more = await context.run(plan_holds, PlanHolds(market, due_at, after, page))
        if more is None:
            break
        after = more
    refused = await look_after_each(context, lambda seen: context.run(watch_holds, WatchHolds(market, seen)))
    await context.run(call_off_unpaid, CallOffUnpaid(market))
    ensure_all_well(refused)


async def retry(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Ask a card again whose time has come."""
    await context.run(try_again, TryAgain(PaymentId(UUID(payload["payment"]))))


async def use_card(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Pay with a new card what an old one did not."""
    await context.run(use_new_card, UseNewCard(CustomerId(UUID(payload["customer"]))))


async def read(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Read how a payment stands at the provider, and apply it."""
    payment = PaymentId(UUID(payload["payment"]))
    intent = await context.run(find_intent, FindIntent(payment))
    keys = await context.run(read_keys, ReadKeys())
    if intent is None or keys is None:
        return
    thing = await context.tools.provider_of(keys).read(Thing.INTENT, intent)
    if thing is not None:
        await context.run(absorb_payment, AbsorbPayment(payment, thing))


async def tell(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell people how a payment stands."""
    said = NotifyPayment(PaymentId(UUID(payload["payment"])), payload["occasion"], context.tools.public_url)
    await context.run(notify_payment, said)


async def tell_card_needed(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell a customer that a card is needed."""
    said = NotifyCardNeeded(JobId(UUID(payload["job"])), context.tools.public_url)
    await context.run(notify_card_needed, said)
