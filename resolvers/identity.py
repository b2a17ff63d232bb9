"""Tenants, markets and people: where their fields come from, and their mutations."""

from datetime import datetime
from typing import Any

from domain.policy import SwapPolicy, TenantPolicy
from models import cleaner, cleaner_profile, customer, market, payout_account, session, signed_document, staff, tenant
from resolvers.availability import market_window
from resolvers.common import ADMINS, OFFICE, WORKFORCE, contains, is_set
from resolvers.engine.sources import column, computed, many, one, sql, where
from resolvers.expose import expose
from resolvers.onboarding import documents_to_sign, pay_tiers
from resolvers.registry import registry
from resolvers.reliability import RELIABILITY
from schema.types.filters import CleanerFilter, MarketFilter, StaffFilter
from schema.types.identity import Business, Cleaner, Market, Session, Staff, Tenant, Viewer
from schema.types.relay import encode_id
from services.identity import business, cleaners, qr, sessions
from services.identity import staff as people


def _own(row: Any) -> str:
    return f"own.tenant_id = {row.tenant_id} AND own.cleaner_id = {row.id}"


def market_ids(ids: list[Any]) -> list[str]:
    """The markets as global ids."""
    return [encode_id("Market", id) for id in ids]


def currency(settings: dict[str, Any]) -> str:
    """The code of the business's currency."""
    return TenantPolicy.from_json(settings).pay.currency


def swap_terms(settings: dict[str, Any]) -> SwapPolicy:
    """The numbers of the swap market; the contract names which of them are public."""
    return TenantPolicy.from_json(settings).swaps


def server_time(now: datetime) -> datetime:
    """Business time."""
    return now


registry.sources(
    Viewer,
    None,
    role=column("role"),
    tenant=one(tenant, on="tenant_id", to="tenant_id"),
    business=one(tenant, on="tenant_id", to="tenant_id").only(*WORKFORCE, "ops"),
    staff=one(staff, on="actor_id"),
    cleaner=one(cleaner, on="actor_id"),
    customer=one(customer, on="actor_id"),
    sessions=many(session, via="person_id", order="created_at desc"),
    server_time=computed(server_time),
)
registry.sources(Session, session)
registry.sources(Business, tenant, currency=computed(currency), swaps=computed(swap_terms))
registry.sources(Tenant, tenant, settings=column().only(*OFFICE))
# A customer gets a market's name and zone, to read times by; when cleaners say what they can is not theirs to know.
registry.sources(
    Market,
    market,
    window_epoch=column().only(*WORKFORCE),
    window_lead_days=column().only(*WORKFORCE),
    window_deadline_hour=column().only(*WORKFORCE),
    window_grace_minutes=column().only(*WORKFORCE),
    availability_window=computed(market_window).only(*WORKFORCE),
    archived_at=column().only(*WORKFORCE),
)
registry.sources(Staff, staff, email=column().only(*ADMINS, own="id"), role=column().only(*ADMINS, own="id"))
registry.sources(
    Cleaner,
    cleaner,
    email=column().only(*OFFICE, own="id"),
    phone=column().only(*OFFICE, own="id"),
    pay_tier=column().only(*ADMINS, own="id"),
    onboarding=column().only(*OFFICE, own="id"),
    missing_stages=column().only(*OFFICE, own="id"),
    profile=one(cleaner_profile, on="id", to="cleaner_id").only(*OFFICE, own="id"),
    payout_account=one(payout_account, on="id", to="cleaner_id").only(*ADMINS, own="id"),
    signed_documents=many(signed_document, via="cleaner_id", order="signed_at asc").only(*ADMINS, own="id"),
    documents_to_sign=sql(documents_to_sign).only(*ADMINS, own="id"),
    certified_at=column().only(*OFFICE, own="id"),
    certified_skills=sql(
        lambda row: (
            f"ARRAY(SELECT own.skill FROM cleaner_skill own WHERE {_own(row)} AND own.source = 'SELF' ORDER BY 1)"
        )
    ).only(*OFFICE, own="id"),
    pay_tiers=computed(
        pay_tiers,
        held=sql(lambda row: f"ARRAY(SELECT own.skill FROM cleaner_skill own WHERE {_own(row)} ORDER BY 1)", list),
        settings=sql(lambda row: f"(SELECT t.settings FROM tenant t WHERE t.tenant_id = {row.tenant_id})", dict),
    ).only(*ADMINS, own="id"),
    skills=sql(lambda row: f"ARRAY(SELECT own.skill FROM cleaner_skill own WHERE {_own(row)} ORDER BY own.skill)").only(
        *OFFICE, own="id"
    ),
    market_ids=computed(
        market_ids,
        ids=sql(lambda row: f"ARRAY(SELECT own.market_id FROM cleaner_market own WHERE {_own(row)} ORDER BY 1)", list),
    ).only(*OFFICE, own="id"),
    reliability=RELIABILITY,
    archived_at=column().only(*OFFICE, own="id"),
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
        lambda row, value: (
            f"""(EXISTS (SELECT FROM availability own WHERE {_own(row)} AND own.day = {value})
            AND NOT EXISTS (SELECT FROM assignment own
                JOIN job busy ON busy.tenant_id = own.tenant_id AND busy.id = own.job_id
                JOIN market place ON place.tenant_id = busy.tenant_id AND place.id = busy.market_id
                WHERE {_own(row)} AND own.released_at IS NULL AND own.role <> 'BACKUP'
                  AND (own.starts_at AT TIME ZONE place.zone)::date <= {value}
                  AND ((own.ends_at - interval '1 microsecond') AT TIME ZONE place.zone)::date >= {value}))"""
        )
    ),
)


MUTATIONS = {
    "update_tenant": expose(business.update_tenant, Tenant),
    "create_market": expose(business.create_market, Market),
    "update_market": expose(business.update_market, Market),
    "archive_market": expose(business.archive_market, Market),
    "invite_staff": expose(people.invite_staff, Staff),
    "resend_invite": expose(people.resend_invite, Staff),
    "update_staff": expose(people.update_staff, Staff),
    "change_staff_role": expose(people.change_staff_role, Staff),
    "archive_staff": expose(people.archive_staff, Staff),
    "unlock_staff": expose(people.unlock_staff, Staff),
    "create_cleaner": expose(cleaners.create_cleaner, Cleaner),
    "update_cleaner": expose(cleaners.update_cleaner, Cleaner),
    "set_cleaner_markets": expose(cleaners.set_cleaner_markets, Cleaner),
    "set_cleaner_skills": expose(cleaners.set_cleaner_skills, Cleaner),
    "complete_onboarding": expose(cleaners.complete_onboarding, Cleaner),
    "archive_cleaner": expose(cleaners.archive_cleaner, Cleaner),
    "reset_pin": expose(qr.reset_pin, Cleaner),
    "revoke_qr": expose(qr.revoke_qr, Cleaner),
    "unlock_cleaner": expose(qr.unlock_cleaner, Cleaner),
    "sign_out": expose(sessions.sign_out, Session),
    "revoke_session": expose(sessions.revoke_session, Session),
}
