"""Tasks of the swap market: expiry and draw at their instants, the sweep behind, and telling people (R100, A27)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.errors import NotEligible, SwapAlreadyTaken, Unavailable
from domain.events import EventType
from domain.ids import SwapId
from services.notifications import FIRST, NotifySwap, notify_swap
from services.swaps import (
    SWEEP,
    DrawSwap,
    ExpireDueSwaps,
    ExpireSwap,
    FindOverdueDraws,
    draw_swap,
    expire_due_swaps,
    expire_swap,
    find_overdue_draws,
)
from tasks.context import TaskContext

DRAWS = 5
"""How often a draw is begun again when the world changes under its hands."""


async def expire(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Expire one swap; nothing if it is taken, withdrawn, or has been given more time."""
    await context.run(expire_swap, ExpireSwap(SwapId(UUID(payload["swap_id"]))))


async def sweep(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Expire whatever is overdue in the tenant: the net below the task that each swap has."""
    while await context.run(expire_due_swaps, ExpireDueSwaps()) == SWEEP:
        pass
    for swap_id in await context.run(find_overdue_draws, FindOverdueDraws()):
        await _draw(context, swap_id)


async def draw(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Draw one swap among those who want it; nothing if it is not to be had, or not to be drawn yet."""
    await _draw(context, SwapId(UUID(payload["swap_id"])))


async def _draw(context: TaskContext, swap_id: SwapId) -> None:
    for _ in range(DRAWS):
        try:
            await context.run(draw_swap, DrawSwap(swap_id))
        except (NotEligible, SwapAlreadyTaken):
            continue
        return
    raise Unavailable("The swap changes too fast to be drawn.")


async def notify(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell whom a swap's move concerns; of an offer all who could take it, page by page."""
    event, swap_id = EventType(payload["event"]), SwapId(UUID(payload["swap_id"]))
    people = tuple(UUID(person) for person in payload.get("people", ()))
    after: UUID | None = FIRST
    while after is not None:
        after = await context.run(notify_swap, NotifySwap(event, swap_id, payload.get("version", 0), people, after))
