"""Tasks of the availability window: announcing its changes, and reminding of its deadline (R84, R85, R87, R92)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import MarketId
from services.notifications import FIRST, NotifyWindow, RemindOfDeadline, notify_window, remind_of_deadline
from services.windows import AnnounceWindow, announce_window, repeat_window
from tasks.context import TaskContext


async def announce(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Put a change of a market's window into the event log, once; or where it stands, if ops asked for that."""
    market_id, at = MarketId(UUID(payload["market_id"])), datetime.fromisoformat(payload["due_at"])
    asked = bool(payload.get("by_ops"))
    command, name = (repeat_window, "repeat") if asked else (announce_window, "announce")
    # The key names the instant, so that a second attempt announces nothing.
    await context.run(command, AnnounceWindow(market_id, at), once=f"{name}:{market_id}:{at.isoformat()}")


async def notify(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tell the market's cleaners, page by page."""
    market_id, at = MarketId(UUID(payload["market_id"])), datetime.fromisoformat(payload["at"])
    after: UUID | None = FIRST
    while after is not None:
        after = await context.run(notify_window, NotifyWindow(market_id, at, after))


async def remind(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Remind those of the market's cleaners who have not submitted, page by page.

    What is true now decides, not when the task was due: so a late run and one that ops asked for (A4) do the same, and
    none repeats what another has sent.
    """
    market_id = MarketId(UUID(payload["market_id"]))
    after: UUID | None = FIRST
    while after is not None:
        after = await context.run(remind_of_deadline, RemindOfDeadline(market_id, after))
