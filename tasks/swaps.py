"""Tasks of the swap market: expiry at its instant, the sweep behind it, and telling people (R100, A27)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.events import EventType
from domain.ids import SwapId
from services.notifications import FIRST, NotifySwap, notify_swap
from services.swaps import SWEEP, ExpireDueSwaps, ExpireSwap, expire_due_swaps, expire_swap
from tasks.context import TaskContext


async def expire(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Expire one swap; nothing if it is taken, withdrawn, or has been given more time."""
    await context.run(expire_swap, ExpireSwap(SwapId(UUID(payload["swap_id"]))))


async def sweep(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Expire whatever is overdue in the tenant: the net below the task that each swap has."""
    while await context.run(expire_due_swaps, ExpireDueSwaps()) == SWEEP:
        pass


async def notify(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell whom a swap's move concerns; of an offer all who could take it, page by page."""
    event, swap_id = EventType(payload["event"]), SwapId(UUID(payload["swap_id"]))
    after: UUID | None = FIRST
    while after is not None:
        after = await context.run(notify_swap, NotifySwap(event, swap_id, after))
