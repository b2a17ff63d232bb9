"""Cleaning plans: where their fields come from, and what is done with them (R45, R63 to R65, R203, A50)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from domain.plans import Frequency, Occurrence, PlanSchedule, PlanStatus, upcoming
from models import service_plan
from resolvers.common import OFFICE
from resolvers.engine.sources import column, computed, sql
from resolvers.expose import expose
from resolvers.prices import shown_price
from resolvers.registry import registry
from schema.types.plans import ServicePlan
from services import plans as commands

LIVE = (PlanStatus.ACTIVE, PlanStatus.PAUSED)
MOST_OCCURRENCES = 50


def start_time(at_minute: int | None) -> str | None:
    """Minutes after midnight as a clock shows them."""
    return None if at_minute is None else f"{at_minute // 60:02}:{at_minute % 60:02}"


def days_of(skipped: Sequence[str]) -> list[date]:
    """The skipped days."""
    return [date.fromisoformat(day) for day in skipped]


def next_cleans(
    status: str,
    frequency: str,
    first_on: date | None,
    at_minute: int | None,
    ends_on: date | None,
    paused_on: date | None,
    resumes_on: date | None,
    zone: str | None,
    skipped: Sequence[str],
    args: Mapping[str, Any],
    now: datetime,
) -> Sequence[Occurrence]:
    """The next days of the plan with a clean; none of one that has ended, or whose days come from a calendar."""
    if status not in LIVE or first_on is None or at_minute is None or zone is None:
        return ()
    count = max(0, min(args.get("first") or 10, MOST_OCCURRENCES))
    skips = frozenset(days_of(skipped))
    schedule = PlanSchedule(Frequency(frequency), first_on, at_minute, zone, ends_on, paused_on, resumes_on, skips)
    return upcoming(schedule, now, count)


ZONE = sql(lambda row: f"(SELECT m.zone FROM market m WHERE m.tenant_id = {row.tenant_id} AND m.id = {row.market_id})")
SKIPPED = sql(
    lambda row: (
        f"""(SELECT coalesce(json_agg(k.on_day ORDER BY k.on_day), '[]') FROM service_plan_skip k
        WHERE k.tenant_id = {row.tenant_id} AND k.plan_id = {row.id})"""
    )
)

registry.sources(
    ServicePlan,
    service_plan,
    start_time=computed(start_time),
    price=computed(shown_price),
    skipped_days=computed(days_of, skipped=SKIPPED),
    occurrences=computed(next_cleans, zone=ZONE, skipped=SKIPPED),
    calendar_url=column().only(*OFFICE, "customer"),
)

MUTATIONS = {
    "create_plan": expose(commands.create_plan, ServicePlan),
    "pause_plan": expose(commands.pause_plan, ServicePlan),
    "resume_plan": expose(commands.resume_plan, ServicePlan),
    "skip_clean": expose(commands.skip_clean, ServicePlan),
    "unskip_clean": expose(commands.unskip_clean, ServicePlan),
    "end_plan": expose(commands.end_plan, ServicePlan),
    "renew_plan": expose(commands.renew_plan, ServicePlan),
}
