"""Tenants, markets and people: where their fields come from, and their mutations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from models import cleaner, market, staff, tenant
from resolvers.availability import market_window
from resolvers.common import ADMINS, OFFICE, contains, is_set
from resolvers.engine.sources import column, computed, one, sql, where
from resolvers.registry import registry
from schema.types.filters import CleanerFilter, MarketFilter, StaffFilter
from schema.types.identity import Cleaner, Market, Staff, Tenant, Viewer
from schema.types.relay import encode_id


def _own(row: Any) -> str:
    return f"own.tenant_id = {row.tenant_id} AND own.cleaner_id = {row.id}"


def market_ids(ids: list[Any]) -> list[str]:
    """The markets as global ids."""
    return [encode_id("Market", id) for id in ids]


def server_time(now: datetime) -> datetime:
    """Business time."""
    return now


registry.sources(
    Viewer,
    None,
    role=column("role"),
    tenant=one(tenant, on="tenant_id", to="tenant_id"),
    staff=one(staff, on="actor_id"),
    cleaner=one(cleaner, on="actor_id"),
    server_time=computed(server_time),
)
registry.sources(Tenant, tenant, settings=column().only(*OFFICE))
registry.sources(Market, market, availability_window=computed(market_window))
registry.sources(
    Staff, staff, email=column().only(*ADMINS, own="id"), role=column().only(*ADMINS, own="id")
)
registry.sources(
    Cleaner,
    cleaner,
    email=column().only(*OFFICE, own="id"),
    phone=column().only(*OFFICE, own="id"),
    pay_tier=column().only(*ADMINS, own="id"),
    onboarding=column().only(*OFFICE, own="id"),
    skills=sql(
        lambda row: f"ARRAY(SELECT own.skill FROM cleaner_skill own WHERE {_own(row)} ORDER BY own.skill)"
    ).only(*OFFICE, own="id"),
    market_ids=computed(
        market_ids,
        ids=sql(lambda row: f"ARRAY(SELECT own.market_id FROM cleaner_market own WHERE {_own(row)} ORDER BY 1)", UUID),
    ).only(*OFFICE, own="id"),
)

registry.filters(MarketFilter, is_archived=is_set("archived_at"))
registry.filters(StaffFilter, is_archived=is_set("archived_at"))
registry.filters(
    CleanerFilter,
    is_archived=is_set("archived_at"),
    search=contains("name"),
    market_id=where(
        lambda row, value: f"EXISTS (SELECT FROM cleaner_market own WHERE {_own(row)} AND own.market_id = {value})",
        id_of="Market",
    ),
    skill=where(lambda row, value: f"EXISTS (SELECT FROM cleaner_skill own WHERE {_own(row)} AND own.skill = {value})"),
    # Free: said to be available on that day, and on no job that touches it in the zone of the cleaner's own markets.
    free_on=where(
        lambda row, value: f"""(EXISTS (SELECT FROM availability own WHERE {_own(row)} AND own.day = {value})
            AND NOT EXISTS (SELECT FROM assignment own
                JOIN job busy ON busy.tenant_id = own.tenant_id AND busy.id = own.job_id
                JOIN market place ON place.tenant_id = busy.tenant_id AND place.id = busy.market_id
                WHERE {_own(row)} AND own.released_at IS NULL AND own.role <> 'BACKUP'
                  AND (own.starts_at AT TIME ZONE place.zone)::date <= {value}
                  AND ((own.ends_at - interval '1 microsecond') AT TIME ZONE place.zone)::date >= {value}))"""
    ),
)

