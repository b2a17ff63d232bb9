"""Availability: where its fields come from, and its mutations."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from domain.availability import MarketCalendar, Window, window_at
from models import availability_submission
from resolvers.common import OFFICE, WORKFORCE, card_id
from resolvers.engine.sources import column, computed, sql
from resolvers.expose import expose
from resolvers.registry import registry
from schema.types.availability import AvailabilitySubmission, AvailabilityWindowCard, SubmissionCard
from services import availability as commands


def market_window(
    zone: str,
    window_epoch: date,
    window_lead_days: int,
    window_deadline_hour: int,
    window_grace_minutes: int,
    now: datetime,
) -> Mapping[str, Any]:
    """A market's submission window as of business time (R87)."""
    calendar = MarketCalendar(zone, window_epoch, window_lead_days, window_deadline_hour, window_grace_minutes)
    return shown(window_at(calendar, now))


def window_of_market(place: Mapping[str, Any] | None, now: datetime) -> Mapping[str, Any] | None:
    """The same from a market's row as JSON; None where there is no such market for the actor."""
    if place is None:
        return None
    epoch = date.fromisoformat(place["window_epoch"])
    return market_window(
        place["zone"],
        epoch,
        place["window_lead_days"],
        place["window_deadline_hour"],
        place["window_grace_minutes"],
        now,
    )


def shown(window: Window) -> Mapping[str, Any]:
    """The window as the contract names its parts."""
    return {
        "state": window.state,
        "server_time": window.server_time,
        "opens_at": window.opens_at,
        "deadline_at": window.deadline_at,
        "grace_ends_at": window.grace_ends_at,
        "period_start": window.period_start,
        "period_end": window.period_end,
        "next": {"opens_at": window.next_opens_at, "deadline_at": window.next_deadline_at},
    }


def slots(rows: list[list[str]]) -> list[Mapping[str, Any]]:
    """The stretches of time of a submission."""
    return [{"starts_at": datetime.fromisoformat(start), "ends_at": datetime.fromisoformat(end)} for start, end in rows]


WINDOW = computed(
    window_of_market,
    place=sql(
        lambda stamp, args: (
            f"""(SELECT to_json(m) FROM market m
            WHERE m.tenant_id = {stamp.tenant_id} AND m.id = {args.id("market_id", "Market")})"""
        ),
        dict,
    ),
).only(*WORKFORCE)

registry.sources(
    AvailabilitySubmission,
    availability_submission,
    is_bypass=sql(lambda row: f"{row.bypass_by} IS NOT NULL"),
    bypass_reason=column().only(*OFFICE),
    slots=computed(
        slots,
        rows=sql(
            lambda row: (
                f"""(SELECT coalesce(json_agg(json_build_array(v.starts_at, v.ends_at) ORDER BY v.starts_at), '[]')
                FROM availability v WHERE v.tenant_id = {row.tenant_id} AND v.submission_id = {row.id})"""
            ),
            list,
        ),
    ),
)

registry.card(
    SubmissionCard,
    id=card_id("AvailabilitySubmission", "id"),
    cleaner_id=card_id("Cleaner", "cleaner_id"),
    market_id=card_id("Market", "market_id"),
)
registry.card(AvailabilityWindowCard, market_id=card_id("Market", "market_id"))

MUTATIONS = {
    "submit_availability": expose(commands.submit_availability, AvailabilitySubmission),
    "set_availability": expose(commands.set_availability, AvailabilitySubmission),
}
