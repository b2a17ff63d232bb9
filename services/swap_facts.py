"""The facts that decide who may take a swap, read in one place for the command, the queries and the live feeds.

A cleaner's facts are one JSON value made by one SQL expression over the stamp; a swap's facts are its card. What a feed
shows as "you can take this" is therefore judged by the same function, over the same facts, as the accept itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSON

from db.tx import Tx
from domain.actors import CleanerId
from domain.availability import Slot
from domain.geo import Position
from domain.ids import AssignmentId, MarketId
from domain.policy import TenantPolicy
from domain.scheduling import AssignmentRole, Laundry, OnboardingState, Shift, Skill, required_skills
from domain.swaps import SwapFacts, SwapKind, SwapOpener, SwapStatus, TakerFacts

MOST_SHIFTS = 500


@dataclass(frozen=True, slots=True)
class ViewerFacts:
    """What is known of the acting cleaner, and the tenant's numbers."""

    taker: TakerFacts
    policy: TenantPolicy


def viewer_facts_sql(tenant: str, actor: str, now: str) -> str:
    """A scalar sub-select over expressions for tenant, actor and now; it yields json, null for who is no cleaner.

    Lists are in order, for the digest of the whole goes into cursors. Shifts reach back eight days: a market week and a
    rest before it. Rows are those that the actor's policies show.
    """
    return f"""(SELECT json_build_object(
        'cleaner_id', me.id, 'onboarding', me.onboarding, 'archived', me.archived_at IS NOT NULL,
        'pay_tier', me.pay_tier, 'latitude', me.home_latitude, 'longitude', me.home_longitude,
        'settings', (SELECT t.settings FROM tenant t WHERE t.tenant_id = me.tenant_id),
        'markets', (SELECT coalesce(json_agg(cm.market_id ORDER BY cm.market_id), '[]') FROM cleaner_market cm
            WHERE cm.tenant_id = me.tenant_id AND cm.cleaner_id = me.id),
        'skills', (SELECT coalesce(json_agg(cs.skill ORDER BY cs.skill), '[]') FROM cleaner_skill cs
            WHERE cs.tenant_id = me.tenant_id AND cs.cleaner_id = me.id),
        'shifts', (SELECT coalesce(json_agg(json_build_array(
                a.id, a.starts_at, a.ends_at, j.expected_hours::text, p.latitude, p.longitude)
                ORDER BY a.starts_at, a.id), '[]')
            FROM (SELECT * FROM assignment own WHERE own.tenant_id = me.tenant_id AND own.cleaner_id = me.id
                AND own.released_at IS NULL AND own.role <> 'BACKUP' AND own.starts_at > {now} - interval '8 days'
                ORDER BY own.starts_at LIMIT {MOST_SHIFTS}) a
            JOIN job j ON j.tenant_id = a.tenant_id AND j.id = a.job_id
            JOIN property p ON p.tenant_id = j.tenant_id AND p.id = j.property_id),
        'available', (SELECT coalesce(json_agg(json_build_array(v.starts_at, v.ends_at)
                ORDER BY v.starts_at, v.id), '[]') FROM availability v
            WHERE v.tenant_id = me.tenant_id AND v.cleaner_id = me.id AND v.ends_at > {now}))
        FROM cleaner me WHERE me.tenant_id = {tenant} AND me.id = {actor})"""


STAMPED_VIEWER_FACTS = "SELECT " + viewer_facts_sql(
    "current_setting('app.tenant_id')::uuid",
    "current_setting('app.actor_id')::uuid",
    "current_setting('app.now')::timestamptz",
)
"""The acting cleaner's facts inside a stamped transaction."""

_FACTS_OF_ONE = text(
    "SELECT "
    + viewer_facts_sql(
        "current_setting('app.tenant_id')::uuid", "CAST(:cleaner AS uuid)", "current_setting('app.now')::timestamptz"
    )
).columns(json_build_object=JSON)

# A shift as if the office offered it: what a trade's owner is asked about.
_SHIFT_AS_OFFER = text("""SELECT json_build_object(
        'id', a.id, 'kind', 'COVER', 'status', 'PENDING', 'role', a.role, 'opened_by', 'OFFICE',
        'opened_at', a.created_at, 'expires_at', a.starts_at, 'urgent_bonus', false, 'wants', null,
        'owner_id', a.cleaner_id, 'taker_id', null, 'market_id', m.id, 'zone', m.zone, 'assignment_id', a.id,
        'starts_at', a.starts_at, 'ends_at', a.ends_at, 'expected_hours', j.expected_hours::text,
        'is_urgent', j.is_urgent, 'laundry', p.laundry, 'laundry_loads', p.laundry_loads, 'hot_tub', p.hot_tub,
        'latitude', p.latitude, 'longitude', p.longitude)
    FROM assignment a
    JOIN job j ON j.tenant_id = a.tenant_id AND j.id = a.job_id
    JOIN property p ON p.tenant_id = j.tenant_id AND p.id = j.property_id
    JOIN market m ON m.tenant_id = j.tenant_id AND m.id = j.market_id
    WHERE a.tenant_id = :tenant AND a.id = :shift AND a.released_at IS NULL
      AND j.status IN ('ASSIGNED', 'NO_SHOW')""").columns(json_build_object=JSON)


async def facts_of(tx: Tx, cleaner_id: UUID) -> ViewerFacts | None:
    """The facts of a cleaner, as far as the acting person may see them; None for who is not seen."""
    return viewer_facts(await tx.scalar(_FACTS_OF_ONE.bindparams(cleaner=cleaner_id)))


async def shift_as_offer(tx: Tx, assignment_id: UUID) -> SwapFacts | None:
    """A live shift as if the office offered it; None if there is none, or its job cannot change hands any more."""
    found = await tx.scalar(_SHIFT_AS_OFFER.bindparams(tenant=tx.actor.tenant, shift=assignment_id))
    return None if found is None else swap_facts(found)


def viewer_facts(row: Mapping[str, Any] | None) -> ViewerFacts | None:
    """The facts from their JSON; None for who is no cleaner."""
    if row is None:
        return None
    taker = TakerFacts(
        cleaner_id=CleanerId(UUID(row["cleaner_id"])),
        market_ids=frozenset(MarketId(UUID(id)) for id in row["markets"]),
        skills=frozenset(Skill(skill) for skill in row["skills"]),
        onboarded=row["onboarding"] == OnboardingState.COMPLETE,
        archived=row["archived"],
        shifts=tuple(_shift(*parts) for parts in row["shifts"]),
        available=tuple(Slot(_instant(start), _instant(end)) for start, end in row["available"]),
        home=_position(row["latitude"], row["longitude"]),
        pay_tier=row["pay_tier"],
    )
    return ViewerFacts(taker, TenantPolicy.from_json(row["settings"]))


def swap_facts(card: Mapping[str, Any]) -> SwapFacts:
    """The facts of a swap from its card."""
    return SwapFacts(
        status=SwapStatus(card["status"]),
        shift=_shift(
            # A vacancy has no shift yet; its own id stands for it, and is nobody's shift.
            card["assignment_id"] or card["id"],
            card["starts_at"],
            card["ends_at"],
            card["expected_hours"],
            card["latitude"],
            card["longitude"],
        ),
        role=AssignmentRole(card["role"]),
        owner_id=CleanerId(UUID(card["owner_id"])) if card["owner_id"] else None,
        taker_id=CleanerId(UUID(card["taker_id"])) if card["taker_id"] else None,
        market_id=MarketId(UUID(card["market_id"])),
        zone=card["zone"],
        opened_by=SwapOpener(card["opened_by"]),
        opened_at=_instant(card["opened_at"]),
        expires_at=_instant(card["expires_at"]),
        kind=SwapKind(card["kind"]),
        wants=frozenset(AssignmentId(UUID(id)) for id in card["wants"] or ()),
        urgent_bonus=card["urgent_bonus"],
        skills=required_skills(has_hot_tub=card["hot_tub"], laundry=Laundry(card["laundry"])),
        job_is_urgent=card["is_urgent"],
        laundry_loads=card["laundry_loads"],
    )


def _shift(id: str, starts_at: str, ends_at: str, hours: str, latitude: float | None, longitude: float | None) -> Shift:
    return Shift(
        AssignmentId(UUID(id)), _instant(starts_at), _instant(ends_at), Decimal(hours), _position(latitude, longitude)
    )


def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _position(latitude: float | None, longitude: float | None) -> Position | None:
    return None if latitude is None or longitude is None else Position(latitude, longitude)
