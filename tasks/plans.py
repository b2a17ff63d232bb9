"""Tasks of cleaning plans: their cleans become jobs, some weeks ahead (R63, R64)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.actors import TenantId
from domain.ids import MarketId
from services.plans.generation import FIRST, TendPlans, tend_plans
from tasks.context import TaskContext


async def tend(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Tend every plan of a market, page by page; done twice it changes nothing."""
    market = MarketId(UUID(payload["market_id"]))
    after: UUID | None = FIRST
    while after is not None:
        after = await context.run(tend_plans, TendPlans(market, after))
