"""Cleaners: who works for the business, where, and what they can do (R23, R18, A8).

The office keeps the cleaners; what touches pay or access (tiers, archive, onboarding) is for administrators.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, OFFICE
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.events import Event, EventType
from domain.ids import CleanerId, MarketId
from domain.policy import STANDARD_TIER
from domain.scheduling import LIVE_JOB_STATES, OnboardingState, Skill
from models import assignment, cleaner, cleaner_market, cleaner_skill, job, market, swap
from services.billing.limits import ensure_seat
from services.cards import hold_work_of, refresh_swap_cards
from services.checks import changes, email, phone, text, within
from services.identity.people import disable
from services.inputs import arg
from services.scheduling import tenant_policy

MOST_MARKETS = 100


@dataclass(frozen=True, slots=True)
class CreateCleaner:
    """A new cleaner; their QR token is issued separately."""

    name: str = arg("Their name as colleagues see it, at most 200 characters.")
    email: str | None = arg("Where mail reaches them.", default=None)
    phone: str | None = arg("The phone on file, in international form (E.164), as +13055550100.", default=None)
    market_ids: list[MarketId] | None = arg("The markets they work in; none unless given.", default=None)
    skills: list[Skill] | None = arg("What they can do beyond cleaning; nothing unless given.", default=None)
    pay_tier: str | None = arg("A tier of the settings, for administrators; standard unless given.", default=None)
    home_latitude: float | None = arg("Where they start from: degrees north.", default=None)
    home_longitude: float | None = arg("Where they start from: degrees east.", default=None)


@dataclass(frozen=True, slots=True)
class UpdateCleaner:
    """What is to be different about a cleaner; what is left out stays."""

    cleaner_id: CleanerId = arg("The cleaner.")
    name: str | None = arg("Their name as colleagues see it.", default=None)
    email: str | None = arg("Where mail reaches them.", default=None)
    phone: str | None = arg("The phone on file, in international form (E.164).", default=None)
    pay_tier: str | None = arg("A tier of the settings, for administrators to choose (A49).", default=None)
    home_latitude: float | None = arg("Where they start from: degrees north.", default=None)
    home_longitude: float | None = arg("Where they start from: degrees east.", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the cleaner has another version.", default=None)


@dataclass(frozen=True, slots=True)
class SetCleanerMarkets:
    """Where a cleaner works from now on."""

    cleaner_id: CleanerId = arg("The cleaner.")
    market_ids: list[MarketId] = arg("All the markets they work in.")
    expected_version: int | None = arg("Refuse with CONFLICT if the cleaner has another version.", default=None)


@dataclass(frozen=True, slots=True)
class SetCleanerSkills:
    """What a cleaner can do from now on."""

    cleaner_id: CleanerId = arg("The cleaner.")
    skills: list[Skill] = arg("All that they can do beyond cleaning.")
    expected_version: int | None = arg("Refuse with CONFLICT if the cleaner has another version.", default=None)


@dataclass(frozen=True, slots=True)
class CompleteOnboarding:
    """A cleaner who is let in although stages of onboarding are missing."""

    cleaner_id: CleanerId = arg("The cleaner.")
    reason: str = arg("Why, for the audit log; at most 500 characters.")


@dataclass(frozen=True, slots=True)
class ArchiveCleaner:
    """A cleaner who has left."""

    cleaner_id: CleanerId = arg("The cleaner; refused while they hold shifts that are still to be done.")


@command(*OFFICE)
async def create_cleaner(tx: Tx, input: CreateCleaner) -> CleanerId:
    """Add a cleaner at the first stage of onboarding (R23). Pay tiers are for administrators."""
    values = changes(await _values(tx, input))
    await ensure_seat(tx)
    made = CleanerId(await tx.insert(cleaner, **values, onboarding=OnboardingState.INVITED.value, created_at=tx.now))
    await _put_in_markets(tx, made, input.market_ids or ())
    await _put_skills(tx, made, input.skills or ())
    await tell_cleaner(tx, made)
    return made


@command(*OFFICE)
async def update_cleaner(tx: Tx, input: UpdateCleaner) -> CleanerId:
    """Change a cleaner; what is left out stays. Pay tiers are for administrators.

    A new name shows at once on their jobs, and on the shifts that they have on the swap market.
    """
    if input.name is not None:
        await hold_work_of(tx, input.cleaner_id)
    await _live(tx, input.cleaner_id)
    await tx.change(cleaner, input.cleaner_id, input.expected_version, **changes(await _values(tx, input)))
    await tell_cleaner(tx, input.cleaner_id, renamed=input.name is not None)
    if input.name is not None:
        await refresh_swap_cards(tx, swap.c.owner_id == input.cleaner_id)
    return input.cleaner_id


@command(*OFFICE)
async def set_cleaner_markets(tx: Tx, input: SetCleanerMarkets) -> CleanerId:
    """Let a cleaner work in exactly these markets; feeds show them these markets' swaps at once."""
    await _live(tx, input.cleaner_id)
    await tx.change(cleaner, input.cleaner_id, input.expected_version)
    await tx.write(
        delete(cleaner_market).where(tx.own(cleaner_market), cleaner_market.c.cleaner_id == input.cleaner_id)
    )
    await _put_in_markets(tx, input.cleaner_id, input.market_ids)
    await tell_cleaner(tx, input.cleaner_id)
    return input.cleaner_id


@command(*OFFICE)
async def set_cleaner_skills(tx: Tx, input: SetCleanerSkills) -> CleanerId:
    """Let a cleaner have exactly these skills."""
    await _live(tx, input.cleaner_id)
    await tx.change(cleaner, input.cleaner_id, input.expected_version)
    await tx.write(delete(cleaner_skill).where(tx.own(cleaner_skill), cleaner_skill.c.cleaner_id == input.cleaner_id))
    await _put_skills(tx, input.cleaner_id, input.skills)
    await tell_cleaner(tx, input.cleaner_id)
    return input.cleaner_id


@command(*ADMINS)
async def complete_onboarding(tx: Tx, input: CompleteOnboarding) -> CleanerId:
    """Open jobs and market to a cleaner whose onboarding is not complete, on one's own authority (R18, R134).

    The reason is audited with what is missing, and that stays on the cleaner's list. For who is in, nothing changes.
    """
    reason = text(input.reason, "reason", most=500)
    row = await _live(tx, input.cleaner_id)
    if row.onboarding != OnboardingState.COMPLETE:
        await tx.change(cleaner, row.id, onboarding=OnboardingState.COMPLETE.value)
        tx.audit("Cleaner", row.id, reason=reason, detail={"missing": row.missing_stages, "stage": row.onboarding})
        await tell_cleaner(tx, input.cleaner_id)
    return input.cleaner_id


@command(*ADMINS)
async def archive_cleaner(tx: Tx, input: ArchiveCleaner) -> CleanerId:
    """Archive a cleaner: no sign-in any more, every session ends (R23).

    Refused with CONFLICT while they hold shifts still to be done, which the answer lists.
    """
    row = await tx.get(cleaner, input.cleaner_id, "cleanerId", lock=True)
    if row.archived_at is None:
        await _ensure_no_shifts(tx, row.id)
        await tx.change(cleaner, row.id, archived_at=tx.now)
        await disable(tx, row.id)
        await tell_cleaner(tx, input.cleaner_id)
    return input.cleaner_id


async def tell_cleaner(tx: Tx, id: CleanerId, *, renamed: bool = False) -> None:
    """Audit and announce a cleaner as they are now; feeds follow markets, skills and onboarding by it."""
    row = await tx.get(cleaner, id)
    markets = select(cleaner_market.c.market_id).where(tx.own(cleaner_market), cleaner_market.c.cleaner_id == id)
    skills = select(cleaner_skill.c.skill).where(tx.own(cleaner_skill), cleaner_skill.c.cleaner_id == id)
    card = {
        "id": str(row.id),
        "name": row.name,
        "onboarding": row.onboarding,
        "archived": row.archived_at is not None,
        "market_ids": sorted(str(one.market_id) for one in await tx.all(markets)),
        "skills": sorted(one.skill for one in await tx.all(skills)),
        "version": row.version,
    }
    tx.audit("Cleaner", id, detail=card)
    tx.emit(Event(EventType.CLEANER_CHANGED, "Cleaner", id, {**card, "renamed": renamed}, (id,)))


async def _values(tx: Tx, input: CreateCleaner | UpdateCleaner) -> dict[str, Any]:
    if (input.home_latitude is None) != (input.home_longitude is None):
        raise Invalid("A place needs latitude and longitude.", field=("homeLongitude",))
    return {
        "name": text(input.name, "name", most=200),
        "email": email(input.email, "email"),
        "phone": phone(input.phone, "phone"),
        "pay_tier": await _pay_tier(tx, input.pay_tier),
        "home_latitude": within(input.home_latitude, "homeLatitude", -90, 90),
        "home_longitude": within(input.home_longitude, "homeLongitude", -180, 180),
    }


async def _pay_tier(tx: Tx, tier: str | None) -> str | None:
    if tier is None:
        return None
    if tx.actor.role not in ADMINS:
        raise Forbidden("What cleaners earn is for administrators.", field=("payTier",))
    known = {STANDARD_TIER, *dict((await tenant_policy(tx)).pay.tier_rate_cents)}
    if tier not in known:
        raise Invalid(f"The settings know these tiers: {', '.join(sorted(known))}.", field=("payTier",))
    return tier


async def _live(tx: Tx, id: CleanerId) -> Row[Any]:
    row = await tx.get(cleaner, id, "cleanerId", lock=True)
    if row.archived_at is not None:
        raise Conflict("This cleaner is archived.", field=("cleanerId",))
    return row


async def _put_in_markets(tx: Tx, id: CleanerId, wanted: Iterable[MarketId]) -> None:
    ids = list(dict.fromkeys(wanted))
    if len(ids) > MOST_MARKETS:
        raise Invalid(f"At most {MOST_MARKETS} markets.", field=("marketIds",))
    known = select(market.c.id).where(tx.own(market), market.c.id.in_(ids), market.c.archived_at.is_(None))
    found: set[UUID] = {row.id for row in await tx.all(known)} if ids else set()
    for place, market_id in enumerate(ids):
        if market_id not in found:
            raise NotFound(field=("marketIds", str(place)))
    await tx.insert_all(cleaner_market, [{"cleaner_id": id, "market_id": market_id} for market_id in ids])


async def _put_skills(tx: Tx, id: CleanerId, wanted: Iterable[Skill]) -> None:
    await tx.insert_all(cleaner_skill, [{"cleaner_id": id, "skill": str(skill)} for skill in dict.fromkeys(wanted)])


async def _ensure_no_shifts(tx: Tx, id: UUID) -> None:
    shifts = await tx.all(
        select(assignment.c.id, assignment.c.starts_at)
        .join(job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id))
        .where(
            tx.own(assignment),
            assignment.c.cleaner_id == id,
            assignment.c.released_at.is_(None),
            assignment.c.ends_at > tx.now,
            job.c.status.in_([str(state) for state in LIVE_JOB_STATES]),
        )
        .order_by(assignment.c.starts_at)
    )
    if shifts:
        raise Conflict(
            f"This cleaner still holds {len(shifts)} shifts: {_starts(row.starts_at for row in shifts[:10])}.",
            field=("cleanerId",),
            details={"assignmentIds": [str(row.id) for row in shifts]},
        )


def _starts(instants: Iterable[datetime]) -> str:
    return ", ".join(f"{instant:%Y-%m-%d %H:%M} UTC" for instant in instants)
