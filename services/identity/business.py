"""Businesses and their markets: founded, named, configured (R8, A25)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, PLATFORM_TENANT, Role, StaffId, TenantId
from domain.availability import DEFAULT_EPOCH, MarketCalendar, validate_zone
from domain.errors import Conflict, Forbidden, Invalid
from domain.events import Event, EventType
from domain.ids import MarketId
from domain.policy import TenantPolicy
from domain.scheduling import LIVE_JOB_STATES
from models import job, market, tenant, tenant_head
from services.booking.price_books import ensure_currency_of_prices
from services.checks import changes, email, text
from services.identity.links import open_invitation
from services.identity.staff import add_staff
from services.inputs import JSON, arg
from services.onboarding.stages import look_again

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
PLATFORM_SLUG = "platform"


@dataclass(frozen=True, slots=True)
class FoundBusiness:
    """A new business with its owner and its first market."""

    slug: str = arg("The name that staff type at sign-in: 2 to 63 lower-case letters, digits and hyphens.")
    name: str = arg("The business's name, at most 200 characters.")
    owner_name: str = arg("The owner's name.")
    owner_email: str = arg("Where the owner's invitation goes.")
    market_name: str = arg("The first market's name.")
    zone: str = arg("The first market's IANA time zone.", default="America/New_York")


@dataclass(frozen=True, slots=True)
class InviteOps:
    """Somebody who runs the platform."""

    name: str = arg("Their name.")
    email: str = arg("Where their invitation goes.")


@dataclass(frozen=True, slots=True)
class Founded:
    """What a business starts with; the owner's token is made from `invitation_id` (`links.link_token`)."""

    tenant_id: TenantId
    owner_id: StaffId
    market_id: MarketId | None
    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class UpdateTenant:
    """What is to be different about the business; what is left out stays."""

    name: str | None = arg("The business's name, at most 200 characters.", default=None)
    settings: JSON | None = arg('Settings to change, by section, as {"swaps": {"restHours": 9}}.', default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the business has another version.", default=None)


@dataclass(frozen=True, slots=True)
class CreateMarket:
    """A region with its own wall clock and submission window."""

    name: str = arg("The market's name, at most 200 characters, unique in the business.")
    zone: str = arg('Its IANA time zone, as "America/New_York"; no fixed offsets.')
    epoch: date = arg(
        "A Sunday on which availability is submitted; the others follow every two weeks.", default=DEFAULT_EPOCH
    )
    lead_days: int = arg("How many days before that Sunday the window opens, 0 to 13.", default=0)
    deadline_hour: int = arg("The hour of that Sunday at which the window closes, 1 to 23.", default=18)
    grace_minutes: int = arg("How long late submissions are taken after it.", default=60)


@dataclass(frozen=True, slots=True)
class UpdateMarket:
    """What is to be different about a market; what is left out stays."""

    market_id: MarketId = arg("The market.")
    name: str | None = arg("The market's name.", default=None)
    zone: str | None = arg("Its IANA time zone.", default=None)
    epoch: date | None = arg("A Sunday on which availability is submitted.", default=None)
    lead_days: int | None = arg("How many days before that Sunday the window opens.", default=None)
    deadline_hour: int | None = arg("The hour of that Sunday at which the window closes.", default=None)
    grace_minutes: int | None = arg("How long late submissions are taken after it.", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the market has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ArchiveMarket:
    """A market that is given up."""

    market_id: MarketId = arg("The market; refused while jobs there are still to be done.")


@command(Role.SYSTEM, secret=True)
async def found_business(tx: Tx, input: FoundBusiness) -> Founded:
    """Found a business under the new id that the stamp names: tenant, log, first market, and an invited owner (R8)."""
    return await found(tx, input)


async def found(tx: Tx, input: FoundBusiness) -> Founded:
    """Write down a new business; nothing of it is there yet, and the stamp names its id."""
    # Checked before the parts check themselves, so that a refusal names the field of this form.
    text(input.owner_name, "ownerName", most=200)
    email(input.owner_email, "ownerEmail")
    text(input.market_name, "marketName", most=200)
    await _found(tx, input.slug, input.name)
    values = _market_values(CreateMarket(input.market_name, input.zone))
    made = MarketId(await tx.insert(market, **values, created_at=tx.now))
    await _tell_market(tx, made)
    owner = await add_staff(tx, input.owner_name, input.owner_email, Role.OWNER)
    return Founded(tx.actor.tenant, owner, made, await open_invitation(tx, owner))


@command(Role.SYSTEM, secret=True)
async def invite_ops(tx: Tx, input: InviteOps) -> Founded:
    """Add an ops user to the platform's own tenant, which is founded with the first one; no business has any (A4)."""
    if tx.actor.tenant != PLATFORM_TENANT:
        raise Forbidden
    if await tx.one(select(tenant.c.slug).where(tx.own(tenant))) is None:
        await _found(tx, PLATFORM_SLUG, "Platform")
    person = await add_staff(tx, input.name, input.email, Role.OPS)
    return Founded(tx.actor.tenant, person, None, await open_invitation(tx, person))


@command(*ADMINS)
async def update_tenant(tx: Tx, input: UpdateTenant) -> TenantId:
    """Rename the business or change its settings, section by section (R259).

    Refused with CONFLICT where its currency would be another than that of the price book in force (A43).
    Cleaners who lack only an account with the payment provider are let in where pay is by payroll from now on (A41).
    """
    # Every row that is written names the tenant: locked for good, it would wait for those who wait for its log.
    row = await tx.one(select(tenant).where(tx.own(tenant)).with_for_update(key_share=True))
    assert row is not None  # noqa: S101 (the stamp has found it)
    if input.expected_version not in {None, row.version}:
        raise Conflict(field=("expectedVersion",))
    settings = None if input.settings is None else _settings(row.settings, input.settings)
    before = TenantPolicy.from_json(row.settings)
    after = before if settings is None else TenantPolicy.from_json(settings)
    if after.pay.currency != before.pay.currency:
        await ensure_currency_of_prices(tx, after.pay.currency)
    values = changes({"name": text(input.name, "name", most=200), "settings": settings})
    await tx.write(update(tenant).where(tx.own(tenant)).values(**values, version=tenant.c.version + 1))
    await _tell_tenant(tx)
    if after.payments.payouts_mode is not before.payments.payouts_mode:
        await look_again(tx)
    return tx.actor.tenant


@command(*ADMINS)
async def create_market(tx: Tx, input: CreateMarket) -> MarketId:
    """Add a market (A25)."""
    made = MarketId(await tx.insert(market, **_market_values(input), created_at=tx.now))
    await _tell_market(tx, made)
    return made


@command(*ADMINS)
async def update_market(tx: Tx, input: UpdateMarket) -> MarketId:
    """Change a market; what is left out stays, and the whole must make sense."""
    row = await tx.get(market, input.market_id, "marketId", lock=True)
    given = changes(
        {
            "name": input.name,
            "zone": input.zone,
            "epoch": input.epoch,
            "lead_days": input.lead_days,
            "deadline_hour": input.deadline_hour,
            "grace_minutes": input.grace_minutes,
        }
    )
    before = {
        "name": row.name,
        "zone": row.zone,
        "epoch": row.window_epoch,
        "lead_days": row.window_lead_days,
        "deadline_hour": row.window_deadline_hour,
        "grace_minutes": row.window_grace_minutes,
    }
    values = _market_values(CreateMarket(**(before | given)))
    await tx.change(market, input.market_id, input.expected_version, **values)
    await _tell_market(tx, input.market_id)
    return input.market_id


@command(*ADMINS)
async def archive_market(tx: Tx, input: ArchiveMarket) -> MarketId:
    """Give up a market. Refused with CONFLICT while jobs there are still to be done."""
    row = await tx.get(market, input.market_id, "marketId", lock=True)
    if row.archived_at is None:
        live = select(func.count()).where(
            tx.own(job), job.c.market_id == row.id, job.c.status.in_([str(state) for state in LIVE_JOB_STATES])
        )
        if await tx.scalar(live):
            raise Conflict("There are jobs still to be done in this market.", field=("marketId",))
        await tx.change(market, row.id, archived_at=tx.now)
        await _tell_market(tx, input.market_id)
    return input.market_id


async def _found(tx: Tx, slug: str, name: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise Invalid("A slug has 2 to 63 lower-case letters, digits and hyphens.", field=("slug",))
    await tx.insert(tenant, slug=slug, name=text(name, "name", most=200), created_at=tx.now)
    await tx.insert(tenant_head, epoch=int(tx.now.timestamp()))
    await _tell_tenant(tx)


def _settings(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings with the given ones in them, checked as a whole."""
    # The scalar takes any JSON, so a client may send something else than an object.
    if not isinstance(given, Mapping):
        raise Invalid("This must be an object.", field=("settings",))
    merged = dict(stored)
    for section, values in given.items():
        before = merged.get(section)
        # Whatever is no section is left for the check below to refuse by name.
        if isinstance(before, Mapping) and isinstance(values, Mapping):
            merged[section] = {**before, **values}
        else:
            merged[section] = values
    try:
        TenantPolicy.from_json(merged)
    except Invalid as refusal:
        raise Invalid(refusal.message, field=("settings", *refusal.field)) from None
    return merged


def _market_values(input: CreateMarket) -> dict[str, Any]:
    MarketCalendar(validate_zone(input.zone), input.epoch, input.lead_days, input.deadline_hour, input.grace_minutes)
    return {
        "name": text(input.name, "name", most=200),
        "zone": input.zone,
        "window_epoch": input.epoch,
        "window_lead_days": input.lead_days,
        "window_deadline_hour": input.deadline_hour,
        "window_grace_minutes": input.grace_minutes,
    }


async def _tell_tenant(tx: Tx) -> None:
    row = await tx.one(select(tenant).where(tx.own(tenant)))
    assert row is not None  # noqa: S101 (just written)
    card = {"id": str(row.tenant_id), "slug": row.slug, "name": row.name, "version": row.version}
    tx.audit("Tenant", row.tenant_id, detail=card)
    tx.emit(Event(EventType.TENANT_CHANGED, "Tenant", row.tenant_id, card))


async def _tell_market(tx: Tx, id: MarketId) -> None:
    row = await tx.get(market, id)
    card = {
        "id": str(row.id),
        "name": row.name,
        "zone": row.zone,
        "archived": row.archived_at is not None,
        "version": row.version,
    }
    tx.audit("Market", id, detail=card)
    tx.emit(Event(EventType.MARKET_CHANGED, "Market", id, card))
