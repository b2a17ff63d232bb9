"""The installation as the identity tests meet it, and the businesses in it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.auth import Auth
from db.ids import new_id
from db.runner import Call, Runner
from domain.actors import Actor, CleanerId, Role, StaffId, StaffRole, TenantId
from domain.ids import MarketId
from services.identity.business import FoundBusiness, found_business
from services.identity.cleaners import CompleteOnboarding, CreateCleaner, complete_onboarding, create_cleaner
from services.identity.forms import AcceptInvite, SetPin, Tokens
from services.identity.links import FindInvitation, find_invitation, link_token
from services.identity.qr import IssueQr, issue_qr
from services.identity.staff import InviteStaff, invite_staff

PASSWORD = "a fine long secret"
PIN = "849271"
SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def an_id() -> Any:
    """A new id of whatever type is wanted."""
    return new_id()


Expect = Callable[[type[Exception], Awaitable[Any]], Awaitable[Any]]


@dataclass
class Business:
    """A business with one of each of its people, and how they sign in."""

    id: TenantId
    slug: str
    owner: Actor
    market: MarketId
    emails: dict[Role, str] = field(default_factory=dict)
    staff: dict[Role, StaffId] = field(default_factory=dict)
    cleaner: CleanerId = CleanerId(UUID(int=0))
    qr: str = ""


@dataclass
class House:
    """The installation under test."""

    auth: Auth
    runner: Runner
    root: asyncpg.Connection
    told: list[tuple[TenantId, bool, bool]]
    clock: list[datetime]

    async def run(self, actor: Actor, command: Any, input: Any, **more: Any) -> Any:
        return await self.runner.run(Call(actor, command, input, **more))

    async def value(self, query: str, *args: Any) -> Any:
        return await self.root.fetchval(query, *args)

    def actor(self, tokens: Tokens) -> Actor:
        found = self.auth.actor_of(f"Bearer {tokens.access_token}")
        assert found is not None
        return found

    async def everything(self) -> dict[str, list[str]]:
        """Every row of every table as text: to see what was written, and that no secret was."""
        tables = await self.root.fetch(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        return {
            name: sorted(row[0] for row in await self.root.fetch(f'select t::text from "{name}" t'))
            for (name,) in tables
        }

    async def move_clock(self, tenant: TenantId, by: timedelta) -> None:
        """Let this tenant's business time go on by so much."""
        await self.root.execute("update tenant set clock_offset = clock_offset + $2 where tenant_id = $1", tenant, by)

    async def invited(self, tenant: TenantId, person: UUID) -> str:
        """The token in the mail of a person's invitation."""
        link = await self.run(Actor.system(tenant), find_invitation, FindInvitation(person))
        return link_token(self.runner.secrets, tenant, link)

    async def join(self, tenant: TenantId, person: UUID) -> Actor:
        token = await self.invited(tenant, person)
        return self.actor(await self.auth.accept_invite(AcceptInvite(token, PASSWORD), "127.0.0.1"))

    async def found(self) -> Business:
        tenant, slug = TenantId(new_id()), f"b-{new_id().hex}"
        form = FoundBusiness(slug, "Bright Homes", "Owner One", f"owner@{slug}.example", "Miami")
        founded = await self.run(Actor.system(tenant), found_business, form)
        owner = await self.join(tenant, founded.owner_id)
        business = Business(tenant, slug, owner, founded.market_id)
        business.emails[Role.OWNER], business.staff[Role.OWNER] = form.owner_email, founded.owner_id
        return business

    async def hire(self, business: Business, role: Role) -> Actor:
        address = f"{role}-{new_id().hex}@{business.slug}.example"
        person = await self.run(business.owner, invite_staff, InviteStaff(f"The {role}", address, StaffRole(role)))
        business.emails[role], business.staff[role] = address, person
        return await self.join(business.id, person)

    async def engage(self, business: Business) -> Actor:
        """A cleaner, onboarded, with a PIN."""
        business.cleaner = await self.run(
            business.owner,
            create_cleaner,
            CreateCleaner("Cleaner One", phone="+13055550100", market_ids=[business.market]),
        )
        await self.run(business.owner, complete_onboarding, CompleteOnboarding(business.cleaner, "Known for years."))
        business.qr = (await self.run(business.owner, issue_qr, IssueQr(business.cleaner))).qr_token
        return self.actor(await self.auth.set_pin(SetPin(business.qr, PIN), "127.0.0.1"))
