"""Two businesses with cleaners, markets and shifts, and writers whose commits the feeds must show."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db.command import Command
from db.ids import new_id
from db.runner import Call, Runner
from db.tx import Tx
from domain.actors import Actor, Role, TenantId
from domain.events import Event, EventType
from domain.ids import AssignmentId, SwapId
from services.swaps import AcceptSwap, OfferSwap, WithdrawSwap, accept_swap, offer_swap, withdraw_swap
from tests.subscriptions.toy import token_of

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Emit:
    """Events to append as they are."""

    events: tuple[Event, ...]


async def _emit(tx: Tx, input: Emit) -> UUID:
    for event in input.events:
        tx.emit(event)
    return tx.actor.tenant


# Not declared with @command: the product's list of commands must not grow by the tests' own.
EMIT = Command("emit", frozenset({Role.SYSTEM}), _emit, Emit, UUID, secret=True)


@dataclass
class Business:
    """One tenant. `north` and `south` are its markets."""

    db: asyncpg.Connection
    runner: Runner
    tenant: TenantId
    name: str
    north: UUID = field(default_factory=new_id)
    south: UUID = field(default_factory=new_id)
    home: UUID = field(default_factory=new_id)
    customer: UUID = field(default_factory=new_id)
    shifts: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def cleaner(self, *markets: UUID, onboarding: str = "COMPLETE") -> Actor:
        """A signed-in cleaner of these markets (north, if none is named)."""
        person = new_id()
        await self.db.execute(
            "insert into cleaner (tenant_id, id, name, onboarding, created_at) values ($1, $2, 'Cleaner', $3, now())",
            self.tenant,
            person,
            onboarding,
        )
        for market in markets or (self.north,):
            await self.put_in_market(person, market)
        return await self.signed_in(Role.CLEANER, person)

    async def signed_in(self, role: Role, person: UUID | None = None) -> Actor:
        """A session of somebody in this role."""
        actor = Actor(self.tenant, role, person or new_id(), new_id())
        await self.db.execute(
            """insert into session (tenant_id, id, person_id, role, created_at, seen_at, expires_at)
               values ($1, $2, $3, $4, now(), now(), now() + interval '1 day')""",
            self.tenant,
            actor.session,
            actor.person,
            str(role),
        )
        return actor

    async def put_in_market(self, cleaner: UUID, market: UUID) -> None:
        await self.db.execute("insert into cleaner_market values ($1, $2, $3)", self.tenant, cleaner, market)

    async def shift(self, actor: Actor, market: UUID | None = None) -> AssignmentId:
        """A shift of this cleaner, far enough from all others."""
        job, made, starts = new_id(), new_id(), datetime.now(UTC) + timedelta(days=7 * next(self.shifts))
        place = market or self.north
        await self.db.execute(
            """insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at, expected_hours,
                   status, payment_status, created_at)
               values ($1, $2, $3, $4, $5, $6, $7, 2, 'ASSIGNED', 'PENDING', now())""",
            self.tenant,
            job,
            self.home,
            self.customer,
            place,
            starts,
            starts + 2 * HOUR,
        )
        await self.db.execute(
            """insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at,
                   created_at)
               values ($1, $2, $3, $4, $5, 'PRIMARY', $6, $7, now())""",
            self.tenant,
            made,
            job,
            self.customer,
            actor.person,
            starts,
            starts + 2 * HOUR,
        )
        return AssignmentId(made)

    async def offer(self, actor: Actor, market: UUID | None = None, note: str = "") -> SwapId:
        """A new shift of this cleaner, put on the market."""
        shift = await self.shift(actor, market)
        return await self.runner.run(Call(actor, offer_swap, OfferSwap(shift, note)))

    async def withdraw(self, actor: Actor, swap: SwapId) -> None:
        await self.runner.run(Call(actor, withdraw_swap, WithdrawSwap(swap)))

    async def accept(self, actor: Actor, swap: SwapId) -> None:
        await self.runner.run(Call(actor, accept_swap, AcceptSwap(swap)))

    async def emit(self, *events: Event) -> None:
        """Append events in one transaction, and wake the feeds."""
        await self.runner.run(Call(Actor.system(self.tenant), EMIT, Emit(events)))

    def window(self, number: int, market: UUID | None = None) -> Event:
        """A numbered event that the availability feed shows to everybody of the market."""
        place = market or self.north
        card = {"market_id": str(place), "number": number, "zone": "UTC", "state": "OPEN"}
        return Event(EventType.AVAILABILITY_WINDOW_CHANGED, "Market", place, card)

    async def count(self, *numbers: int) -> None:
        """Numbered events, in one transaction."""
        await self.emit(*(self.window(number) for number in numbers))

    async def changed(self, actor: Actor) -> None:
        """Say that a cleaner's markets, skills or onboarding have changed."""
        await self.emit(Event(EventType.CLEANER_CHANGED, "Cleaner", actor.person, {}, (actor.person,)))

    async def revoke(self, actor: Actor, *, tell: bool = True) -> None:
        """End a session, as signing out elsewhere does."""
        statement = "update session set revoked_at = now() where tenant_id = $1 and id = $2"
        await self.db.execute(statement, self.tenant, actor.session)
        if tell:
            await self.emit(Event(EventType.SESSION_REVOKED, "Session", actor.session, {}, (actor.person,)))

    async def head(self) -> int:
        return await self.db.fetchval("select seq from tenant_head where tenant_id = $1", self.tenant)


def token(actor: Actor, seconds: float = 600) -> str:
    """A token for this many seconds."""
    return token_of(actor, datetime.now(UTC) + timedelta(seconds=seconds))


async def a_business(db: asyncpg.Connection, runner: Runner, name: str) -> Business:
    """A tenant with two markets, a customer and a home. What is written here is of the real time, and so it lives then,
    whenever the product's businesses do.
    """
    made = Business(db, runner, TenantId(new_id()), f"{name}-{new_id().hex[-8:]}")
    insert: list[tuple[str, tuple[Any, ...]]] = [
        (
            "tenant (tenant_id, slug, name, clock_offset, created_at) values ($1, $2, $2, '0', now())",
            (made.tenant, made.name),
        ),
        ("tenant_head (tenant_id, epoch) values ($1, 7)", (made.tenant,)),
        ("customer (tenant_id, id, name, created_at) values ($1, $2, 'Customer', now())", (made.tenant, made.customer)),
    ]
    for market, label in ((made.north, "North"), (made.south, "South")):
        insert.append(
            (
                """market (tenant_id, id, name, zone, window_epoch, created_at)
                   values ($1, $2, $3, 'UTC', '2026-01-04', now())""",
                (made.tenant, market, label),
            )
        )
    insert.append(
        (
            """property (tenant_id, id, customer_id, market_id, name, address, city, postal_code, latitude, longitude,
                 bedrooms, bathrooms, square_feet, laundry, created_at)
               values ($1, $2, $3, $4, 'Home', '1 Street', 'City', '1000', 1, 1, 2, 1, 900, 'NONE', now())""",
            (made.tenant, made.home, made.customer, made.north),
        )
    )
    for text, arguments in insert:
        await db.execute(f"insert into {text}", *arguments)
    return made
