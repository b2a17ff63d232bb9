"""Tasks that make scores of reliability: one cleaner's after something has happened, everybody's once a day (A47)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import NOBODY, CleanerId, TenantId
from domain.ids import MarketId
from services.fieldwork.reliability import FindCleanersToRate, RateCleaner, find_cleaners_to_rate, rate_cleaner
from tasks.context import TaskContext


async def rate(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Rate one cleaner."""
    await context.run(rate_cleaner, RateCleaner(CleanerId(UUID(payload["cleaner_id"]))))


async def rate_market(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Rate every working cleaner of a market."""
    market, after = MarketId(UUID(payload["market_id"])), NOBODY
    while people := await context.run(find_cleaners_to_rate, FindCleanersToRate(market, after)):
        for person in people:
            await context.run(rate_cleaner, RateCleaner(person))
        after = people[-1]
