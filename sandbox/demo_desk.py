"""What a demo business has already, and the people in whose names the rest of it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from app.auth import Auth
from db.command import Command
from db.runner import Call, Runner
from domain.actors import Actor, Role, TenantId
from sandbox.stamped import looking
from services.identity.command_line import PersonWanted, open_session_for
from services.identity.forms import SignedIn, Tokens
from services.identity.sessions import SignOut, sign_out

Input = TypeVar("Input")
Result = TypeVar("Result")

SOURCE = "192.0.2.1"
"""An address of documentation: what is signed in here does not count against anybody on this machine."""


@dataclass(slots=True)
class Desk:
    """Runs commands as the people of one business: each gets a session when first needed, and all end at the end."""

    runner: Runner
    auth: Auth
    tenant: TenantId
    _actors: dict[UUID, Actor] = field(default_factory=dict)

    async def run(self, person: UUID, role: Role, command: Command[Input, Result], input: Input) -> Result:
        """Run the command as this person. Raises `Refused`."""
        if person not in self._actors:
            signed_in = await self.as_system(open_session_for, PersonWanted(role, str(person), "demo"))
            self.adopt(signed_in)
        return await self.runner.run(Call(self._actors[person], command, input, request_id="demo"))

    async def as_system(self, command: Command[Input, Result], input: Input) -> Result:
        """Run the command as the installation itself."""
        return await self.runner.run(Call(Actor.system(self.tenant), command, input, request_id="demo"))

    def adopt(self, signed_in: SignedIn | Tokens) -> None:
        """Act through this session from now on."""
        person = signed_in.person_id
        self._actors[person] = Actor(self.tenant, signed_in.role, person, signed_in.session_id)

    async def leave(self) -> None:
        """End every session that was opened here."""
        while self._actors:
            _, actor = self._actors.popitem()
            await self.runner.run(Call(actor, sign_out, SignOut(), request_id="demo"))


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is of a business, by the names and addresses of the plan."""

    now: datetime
    is_configured: bool
    """Whether any setting differs from its default."""
    markets: Mapping[str, asyncpg.Record]
    staff: Mapping[str, asyncpg.Record]
    cleaners: Mapping[str, asyncpg.Record]
    customers: Mapping[str, UUID]
    homes: Mapping[str, UUID]
    submissions: frozenset[tuple[UUID, UUID, date]]
    pending: int
    """Open swaps that have time left."""
    starts: tuple[datetime, ...]
    """When the live shifts that are still to come start."""


async def standing(runner: Runner, tenant: TenantId) -> Standing:
    """Look at what a business has; what is archived counts as not there, but for staff and cleaners."""
    async with looking(runner.engine, tenant) as (rows, now):

        async def by(column: str, query: str) -> dict[str, Any]:
            return {row[column]: row for row in await rows.fetch(query, tenant)}

        customers = await by("email", "select * from customer where tenant_id = $1 and archived_at is null")
        homes = await by("name", "select * from property where tenant_id = $1 and archived_at is null")
        return Standing(
            now,
            await rows.fetchval("select settings <> '{}'::jsonb from tenant where tenant_id = $1", tenant),
            await by("name", "select * from market where tenant_id = $1 and archived_at is null"),
            await by("email", _PEOPLE.format("staff")),
            await by("email", _PEOPLE.format("cleaner")),
            {email: row["id"] for email, row in customers.items()},
            {name: row["id"] for name, row in homes.items()},
            frozenset(tuple(row) for row in await rows.fetch(_SUBMISSIONS, tenant)),
            await rows.fetchval(_PENDING, tenant, now),
            tuple(row["starts_at"] for row in await rows.fetch(_STARTS, tenant, now)),
        )


_PEOPLE = """select who.*, proof.login, proof.secret_hash is not null as has_secret
    from {} who left join credential proof on proof.tenant_id = who.tenant_id and proof.person_id = who.id
    where who.tenant_id = $1 and who.email is not null"""
_SUBMISSIONS = "select cleaner_id, market_id, period_start from availability_submission where tenant_id = $1"
_PENDING = "select count(*) from swap where tenant_id = $1 and status = 'PENDING' and expires_at > $2"
_STARTS = "select starts_at from assignment where tenant_id = $1 and released_at is null and starts_at > $2"
