"""Shifts and swaps written as rows, where a test needs more of them than commands could make in its time."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.ids import new_id
from domain.actors import Actor
from domain.ids import AssignmentId, JobId, PropertyId, SwapId
from tests.product.world import Town

LEAD = timedelta(hours=2)

_SHIFT = """
with place as (select * from property where tenant_id = $1 and id = $2),
planned as (
    insert into job (tenant_id, id, property_id, customer_id, market_id, starts_at, ends_at, expected_hours, status,
        payment_status, created_at)
    select $1, $3, id, customer_id, market_id, $5, $6, $7, 'ASSIGNED', 'PENDING', now() from place),
assigned as (
    insert into assignment (tenant_id, id, job_id, customer_id, cleaner_id, role, starts_at, ends_at, created_at)
    select $1, $4, $3, customer_id, $8, 'PRIMARY', $5, $6, now() from place)
insert into swap (tenant_id, id, kind, status, job_id, assignment_id, market_id, role, owner_id, opened_at, expires_at)
select $1, $9, 'COVER', 'PENDING', $3, $4, market_id, 'PRIMARY', $8, now(), $10 from place where $9::uuid is not null"""


@dataclass(frozen=True)
class Planted:
    """A job with its cleaner, and the swap in which the shift is offered."""

    job: JobId
    assignment: AssignmentId
    swap: SwapId
    owner: Actor


@dataclass
class Garden:
    """Plants rows in one town."""

    town: Town
    home: PropertyId
    weeks: Any = field(default_factory=lambda: itertools.count(1))

    async def monday(self, hour: int = 14) -> datetime:
        """The next week that nothing was planted in: its Monday at this hour, UTC."""
        today = await self.town.day(0, hour)
        return today + timedelta(days=7 - today.weekday(), weeks=next(self.weeks))

    async def shift(
        self, who: Actor, start: datetime, hours: str = "3", *, offered: bool = False, **more: Any
    ) -> Planted:
        """A shift of this cleaner, on the market if asked."""
        planted = Planted(JobId(new_id()), AssignmentId(new_id()), SwapId(new_id()), who)
        ends_at = start + timedelta(hours=float(hours))
        swap: UUID | None = planted.swap if offered else None
        keys = (self.town.tenant, more.get("home", self.home), planted.job, planted.assignment)
        expires_at = more.get("expires_at", start - LEAD)
        await self.town.world.root.execute(_SHIFT, *keys, start, ends_at, Decimal(hours), who.person, swap, expires_at)
        return planted

    async def swap(self, who: Actor, start: datetime, hours: str = "3", **more: Any) -> Planted:
        """A shift of this cleaner on the market."""
        return await self.shift(who, start, hours, offered=True, **more)
