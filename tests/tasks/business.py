"""A small cleaning business, written straight into the tables, and tasks for it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db.ids import new_id
from domain.actors import NOBODY, PLATFORM_TENANT, Actor, Role, TenantId
from domain.ids import MarketId

EPOCH = datetime(2026, 1, 4, tzinfo=UTC).date()


@dataclass
class Business:
    """The ids of what was made."""

    tenant: TenantId
    market: MarketId
    cleaners: list[UUID] = field(default_factory=list)
    owner: UUID = NOBODY


async def a_business(db: asyncpg.Connection, slug: str, *, cleaners: int = 3) -> Business:
    """A tenant with a market, an owner, and onboarded cleaners who have an email, a phone and the skills."""
    made = Business(TenantId(new_id()), MarketId(new_id()), owner=new_id())
    await db.execute(
        "insert into tenant (tenant_id, slug, name, created_at) values ($1, $2, $2, now())", made.tenant, slug
    )
    await db.execute("insert into tenant_head (tenant_id, epoch) values ($1, 1)", made.tenant)
    await db.execute(
        """insert into market (tenant_id, id, name, zone, window_epoch, created_at)
           values ($1, $2, 'Miami', 'America/New_York', $3, now() - interval '30 days')""",
        made.tenant,
        made.market,
        EPOCH,
    )
    await db.execute(
        """insert into staff (tenant_id, id, name, email, role, created_at)
           values ($1, $2, 'Owner 1', $3, 'owner', now())""",
        made.tenant,
        made.owner,
        f"owner@{slug}.test",
    )
    for index in range(cleaners):
        await a_cleaner(db, made, email=f"cleaner{index}@{slug}.test")
    return made


async def set_clock(db: asyncpg.Connection, business: Business, instant: datetime) -> None:
    """From now on it is this instant for the business."""
    offset = "update tenant set clock_offset = $2::timestamptz - clock_timestamp() where tenant_id = $1"
    await db.execute(offset, business.tenant, instant)


async def live_at(db: asyncpg.Connection, business: Business, instant: datetime) -> None:
    """Let the business live at this instant, and its market be there for a month by then, whatever day it really is."""
    await set_clock(db, business, instant)
    await db.execute(
        "update market set created_at = $2 where tenant_id = $1", business.tenant, instant - timedelta(days=30)
    )


async def a_cleaner(
    db: asyncpg.Connection, business: Business, *, email: str | None = None, phone: str | None = None
) -> UUID:
    """An onboarded cleaner of the business's market."""
    person = new_id()
    business.cleaners.append(person)
    await db.execute(
        """insert into cleaner (tenant_id, id, name, email, phone, onboarding, created_at)
           values ($1, $2, $3, $4, $5, 'COMPLETE', now())""",
        business.tenant,
        person,
        f"Cleaner {len(business.cleaners)}",
        email,
        phone,
    )
    await db.execute("insert into cleaner_market values ($1, $2, $3)", business.tenant, person, business.market)
    return person


async def a_swap(
    db: asyncpg.Connection, business: Business, *, owner: int = 0, expires_in: timedelta = timedelta(days=2)
) -> UUID:
    """A pending swap of a cleaner's shift three days from now; its id."""
    t, m, person = business.tenant, business.market, business.cleaners[owner]
    customer, home, job, shift, swap = (new_id() for _ in range(5))
    starts = datetime.now(UTC) + timedelta(days=3)
    times = (starts, starts + timedelta(hours=3))
    await db.execute(
        "insert into customer (tenant_id, id, name, created_at) values ($1, $2, 'Customer 1', now())", t, customer
    )
    await db.execute(
        """insert into property (tenant_id, id, customer_id, market_id, name, address, city, postal_code,
             latitude, longitude, bedrooms, bathrooms, square_feet, laundry, created_at)
           values ($1, $2, $3, $4, 'Home', '1 Street', 'Miami', '33101', 25.8, -80.2, 2, 1, 900, 'NONE', now())""",
        t, home, customer, m,
    )  # fmt: skip
    await db.execute(
        """insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at,
             expected_hours, status, payment_status, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, 3, 'ASSIGNED', 'PENDING', now())""",
        t, job, home, customer, m, *times,
    )  # fmt: skip
    await db.execute(
        """insert into assignment (tenant_id, id, job_id, cleaner_id, role, starts_at, ends_at, customer_id, created_at)
           values ($1, $2, $3, $4, 'PRIMARY', $5, $6, $7, now())""",
        t, shift, job, person, *times, customer,
    )  # fmt: skip
    await db.execute(
        """insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, owner_id, role,
             opened_at, expires_at) values ($1, $2, 'COVER', 'PENDING', $3, $4, $5, $6, 'PRIMARY', now(), $7)""",
        t, swap, job, shift, m, person, datetime.now(UTC) + expires_in,
    )  # fmt: skip
    return swap


async def a_task(
    db: asyncpg.Connection,
    business: Business,
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    due_in: timedelta = timedelta(0),
) -> UUID:
    """A ready task; its id."""
    task = new_id()
    await db.execute(
        """insert into task (tenant_id, id, kind, payload, run_at, created_at)
           values ($1, $2, $3, $4, clock_timestamp() + $5::interval, now())""",
        business.tenant,
        task,
        kind,
        json.dumps(payload or {}),
        due_in,
    )
    return task


async def an_ops_actor(db: asyncpg.Connection) -> Actor:
    """Somebody of the platform, signed in."""
    person, session = new_id(), new_id()
    await db.execute(
        """insert into session (tenant_id, id, person_id, role, created_at, seen_at, expires_at)
           values ($1, $2, $3, 'ops', now(), now(), now() + interval '1 day')""",
        PLATFORM_TENANT,
        session,
        person,
    )
    return Actor(PLATFORM_TENANT, Role.OPS, person, session)
