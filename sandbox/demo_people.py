"""Founding a demo business: its markets, people who can sign in, and the homes they clean.

Every step looks first whether it was done, so that an interrupted run is finished by the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.auth import Auth
from db.ids import new_id
from db.runner import Runner
from db.tenants import tenant_by_slug
from domain.actors import PLATFORM_TENANT, Role, StaffRole, TenantId
from domain.errors import NotFound
from domain.ids import CleanerId, CustomerId, MarketId, StaffId
from domain.scheduling import Laundry, OnboardingState
from sandbox.demo_desk import SOURCE, Desk, Standing, standing
from sandbox.demo_plan import PASSWORD, PIN, BusinessPlan, CleanerPlan, HomePlan, MarketPlan
from services.customers import CreateCustomer, CreateProperty, create_customer, create_property
from services.fieldwork.codes import SetAccessCode, set_access_code
from services.identity.business import (
    CreateMarket,
    FoundBusiness,
    InviteOps,
    UpdateTenant,
    create_market,
    found_business,
    invite_ops,
    update_tenant,
)
from services.identity.cleaners import CompleteOnboarding, CreateCleaner, complete_onboarding, create_cleaner
from services.identity.forms import AcceptInvite, SetPin
from services.identity.links import FindInvitation, find_invitation, link_token
from services.identity.qr import IssueQr, issue_qr
from services.identity.staff import InviteStaff, ResendInvite, invite_staff, resend_invite
from services.identity.tokens import qr_login
from services.inputs import JSON

OPS_EMAIL = "ops@platform.example"
LET_IN = "The demo begins with people who are in."


@dataclass(frozen=True, slots=True)
class Founded:
    """A business that is set up, as the next steps need it."""

    desk: Desk
    plan: BusinessPlan
    owner: UUID
    qr_tokens: Mapping[int, str]
    """The token of each cleaner who can sign in, by number."""


def email_of(who: str, plan: BusinessPlan) -> str:
    """The address of somebody of a demo business."""
    return f"{who}@{plan.slug}.example"


async def found_ops(runner: Runner, auth: Auth) -> None:
    """Make sure that the platform has somebody who runs it."""
    desk = Desk(runner, auth, PLATFORM_TENANT)
    found = (await standing(runner, PLATFORM_TENANT)).staff.get(OPS_EMAIL)
    person = found["id"] if found else (await desk.as_system(invite_ops, InviteOps("Ops 1", OPS_EMAIL))).owner_id
    if not (found and found["has_secret"]):
        await _join(desk, person)
        await desk.leave()


async def set_up(runner: Runner, auth: Auth, plan: BusinessPlan, kept: Mapping[str, str]) -> Founded:
    """Make sure that the business and all its people and homes are there. `kept` are QR tokens by cleaner's label."""
    tenant = await tenant_by_slug(runner.engine, plan.slug)
    desk = Desk(runner, auth, tenant or TenantId(new_id()))
    if tenant is None:
        await _found(desk, plan)
    here = await standing(runner, desk.tenant)
    owner: UUID = here.staff[email_of("owner", plan)]["id"]
    await _staff(desk, plan, here)
    if not here.is_configured:
        await desk.run(owner, Role.OWNER, update_tenant, UpdateTenant(settings=JSON(dict(plan.settings))))
    await _markets(desk, plan, owner, here)
    here = await standing(runner, desk.tenant)
    site = _Site(desk, plan, owner, here)
    qr_tokens = {one.number: await _cleaner(site, one, kept.get(one.label)) for one in plan.cleaners}
    await _homes(site)
    return Founded(desk, plan, owner, {number: token for number, token in qr_tokens.items() if token})


@dataclass(frozen=True, slots=True)
class _Site:
    desk: Desk
    plan: BusinessPlan
    owner: UUID
    here: Standing


async def _found(desk: Desk, plan: BusinessPlan) -> None:
    first = plan.markets[0]
    form = FoundBusiness(plan.slug, plan.name, "Owner 1", email_of("owner", plan), first.name, first.zone)
    await desk.as_system(found_business, form)


async def _staff(desk: Desk, plan: BusinessPlan, here: Standing) -> None:
    owner = here.staff[email_of("owner", plan)]
    if not owner["has_secret"]:
        await _join(desk, owner["id"])
    for role in (StaffRole.ADMIN, StaffRole.DISPATCHER):
        found = here.staff.get(email_of(role, plan))
        if found and (found["has_secret"] or found["archived_at"]):
            continue
        form = InviteStaff(f"{role.capitalize()} 1", email_of(role, plan), role)
        person = found["id"] if found else await desk.run(owner["id"], Role.OWNER, invite_staff, form)
        await _join(desk, person, inviter=owner["id"])


async def _join(desk: Desk, person: StaffId, inviter: UUID | None = None) -> None:
    """Accept an invitation, so that the password is the documented one."""
    try:
        link = await desk.as_system(find_invitation, FindInvitation(person))
    except NotFound:
        # Interrupted a week ago: the link is too old.
        await desk.run(inviter or person, Role.OWNER, resend_invite, ResendInvite(person))
        link = await desk.as_system(find_invitation, FindInvitation(person))
    token = link_token(desk.runner.secrets, desk.tenant, link)
    desk.adopt(await desk.auth.accept_invite(AcceptInvite(token, PASSWORD, "demo"), SOURCE))


async def _markets(desk: Desk, plan: BusinessPlan, owner: UUID, here: Standing) -> None:
    for one in plan.markets:
        if one.name not in here.markets:
            await desk.run(owner, Role.OWNER, create_market, _market_form(one))


def _market_form(one: MarketPlan) -> CreateMarket:
    return CreateMarket(one.name, one.zone, lead_days=one.lead_days)


async def _cleaner(site: _Site, one: CleanerPlan, kept: str | None) -> str | None:
    """Make sure that this cleaner can sign in; their QR token, or None for who was archived by a visitor."""
    desk, found = site.desk, site.here.cleaners.get(email_of(f"cleaner-{one.number}", site.plan))
    if found is not None and found["archived_at"]:
        return None
    person = CleanerId(found["id"]) if found else await _hire(site, one)
    if not one.is_joining and (found is None or found["onboarding"] != OnboardingState.COMPLETE):
        await desk.run(site.owner, Role.OWNER, complete_onboarding, CompleteOnboarding(person, LET_IN))
    if found is None or not found["has_secret"]:
        token = (await desk.run(site.owner, Role.OWNER, issue_qr, IssueQr(person))).qr_token
        desk.adopt(await desk.auth.set_pin(SetPin(token, PIN, "demo"), SOURCE))
        return token
    if kept is not None and found["login"] == qr_login(desk.runner.secrets, kept):
        return kept
    # The token that was given out is known nowhere but in the kept file: without that, it takes another.
    return (await desk.run(site.owner, Role.OWNER, issue_qr, IssueQr(person))).qr_token


async def _hire(site: _Site, one: CleanerPlan) -> CleanerId:
    form = CreateCleaner(
        name=one.label,
        email=email_of(f"cleaner-{one.number}", site.plan),
        phone=f"+1305555{100 + one.number:04}",
        market_ids=[MarketId(site.here.markets[name]["id"]) for name in one.markets],
        skills=list(one.skills),
        home_latitude=one.home[0],
        home_longitude=one.home[1],
    )
    return await site.desk.run(site.owner, Role.OWNER, create_cleaner, form)


async def _homes(site: _Site) -> None:
    customers = dict(site.here.customers)
    for number, one in enumerate(site.plan.homes, start=1):
        if one.name in site.here.homes or one.market not in site.here.markets:
            continue
        address = email_of(f"customer-{one.customer}", site.plan)
        if address not in customers:
            who = CreateCustomer(f"Customer {one.customer}", address, f"+1305555{150 + one.customer:04}")
            owner = await site.desk.run(site.owner, Role.OWNER, create_customer, who)
            customers[address] = owner
        form = _home_form(one, CustomerId(customers[address]), MarketId(site.here.markets[one.market]["id"]))
        made = await site.desk.run(site.owner, Role.OWNER, create_property, form)
        code = SetAccessCode(made, f"Key box beside the door: {1000 + 37 * number}")
        await site.desk.run(site.owner, Role.OWNER, set_access_code, code)


def _home_form(one: HomePlan, customer: CustomerId, market: MarketId) -> CreateProperty:
    bedrooms, bathrooms, square_feet = one.rooms
    return CreateProperty(
        customer_id=customer,
        market_id=market,
        name=one.name,
        address=one.address,
        city=one.city,
        postal_code=one.postal_code,
        latitude=one.position[0],
        longitude=one.position[1],
        bedrooms=bedrooms,
        bathrooms=bathrooms,
        square_feet=square_feet,
        laundry=one.laundry,
        laundry_loads=0 if one.laundry is Laundry.NONE else 2,
        hot_tub=one.hot_tub,
        notes="Key in the box beside the door; the code is in the app on the day.",
    )
