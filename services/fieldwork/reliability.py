"""Scores of reliability: read from what happened, made by the formula, and kept with all their parts (R81, A47).

A score is made anew after everything that changes it, and once a day, because what happened grows older.
"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import CleanerId, Role
from domain.fieldwork.reliability import REACH, Occurrence, Reliability, ReliabilityPart, rate
from domain.ids import MarketId
from domain.scheduling import OnboardingState
from models import assignment, cleaner, cleaner_market, reliability
from services.scheduling import tenant_policy

PAGE = 500
DAY = timedelta(days=1)
LATE = timedelta(hours=24)
"""Who offers a shift away later than so long before its start, does it late (A47)."""

# A shift that was kept to its start is one that its cleaner still had by then: worked, missed, or taken over by
# somebody else while they were awaited. Who came to stand in for somebody, came. Who took a shift after its start was
# in time whenever they came.
_FACTS = text("""
with kept as (
    select j.id, j.starts_at, j.status, v.checked_in_at, e.complete_at_first,
        greatest(j.starts_at, a.created_at, (select max(s.closed_at) from swap s where s.tenant_id = a.tenant_id
            and s.job_id = a.job_id and s.taker_id = a.cleaner_id and s.status = 'ACCEPTED')) as had_at
    from assignment a
    join job j on j.tenant_id = a.tenant_id and j.id = a.job_id
    left join visit v on v.tenant_id = a.tenant_id and v.assignment_id = a.id and v.cleaner_id = a.cleaner_id
    left join evidence e on e.tenant_id = a.tenant_id and e.job_id = a.job_id
    where a.tenant_id = :tenant and a.cleaner_id = :cleaner and a.released_at is null
      and j.status in ('COMPLETED', 'NO_ACCESS') and a.starts_at > :since
      and (a.role <> 'BACKUP' or v.checked_in_at is not null)
      and not exists (select from no_show n where n.tenant_id = a.tenant_id and n.job_id = a.job_id
          and n.cleaner_id = a.cleaner_id)),
missed as (
    select j.id, j.starts_at from no_show n
    join job j on j.tenant_id = n.tenant_id and j.id = n.job_id
    where n.tenant_id = :tenant and n.cleaner_id = :cleaner and j.starts_at > :since),
relieved as (
    select distinct j.id, j.starts_at from swap s
    join job j on j.tenant_id = s.tenant_id and j.id = s.job_id
    where s.tenant_id = :tenant and s.owner_id = :cleaner and s.status = 'ACCEPTED' and s.closed_at >= j.starts_at
      and j.starts_at > :since and j.id not in (select id from missed)),
offered as (
    select distinct j.id, j.starts_at from swap s
    join job j on j.tenant_id = s.tenant_id and j.id = s.job_id
    where s.tenant_id = :tenant and s.owner_id = :cleaner and s.opened_by = 'CLEANER' and s.status <> 'WITHDRAWN'
      and s.opened_at > j.starts_at - cast(:late as interval) and j.starts_at > :since and j.status <> 'CANCELED')
select 'COMPLETION' as part, starts_at, checked_in_at is not null as good from kept
union all select 'COMPLETION', starts_at, false from missed
union all select 'COMPLETION', starts_at, false from relieved
union all select 'PUNCTUALITY', starts_at,
    had_at > starts_at or checked_in_at <= starts_at + cast(:punctual as interval)
    from kept where checked_in_at is not null
union all select 'EVIDENCE', starts_at, coalesce(complete_at_first, false)
    from kept where checked_in_at is not null and status = 'COMPLETED'
union all select 'COMMITMENT', starts_at, not exists (select from offered o where o.id = each.id)
    from (select id, starts_at from kept union select id, starts_at from missed
        union select id, starts_at from relieved union select id, starts_at from offered) each
union all select 'NO_SHOWS', starts_at, false from missed""")


@dataclass(frozen=True, slots=True)
class RateCleaner:
    """A cleaner of whom something has happened, or has grown older."""

    cleaner_id: CleanerId


@dataclass(frozen=True, slots=True)
class FindCleanersToRate:
    """The cleaners of a market, page by page."""

    market_id: MarketId
    after: UUID


@command(Role.SYSTEM)
async def rate_cleaner(tx: Tx, input: RateCleaner) -> CleanerId:
    """Make a cleaner's score of the last 90 days and keep it with its parts (R81, A47)."""
    # Whoever rates the same cleaner at once waits, and then sees at least as much.
    await tx.get(cleaner, input.cleaner_id, "cleanerId", lock=True)
    made = await reliability_of(tx, input.cleaner_id)
    row = {
        "formula": made.formula,
        "score": made.score,
        "parts": [asdict(part) for part in made.parts],
        "computed_at": tx.now,
    }
    kept = insert(reliability).values(tenant_id=tx.actor.tenant, cleaner_id=input.cleaner_id, **row)
    await tx.write(kept.on_conflict_do_update(index_elements=["tenant_id", "cleaner_id"], set_=row))
    return input.cleaner_id


@command(Role.SYSTEM)
async def find_cleaners_to_rate(tx: Tx, input: FindCleanersToRate) -> list[CleanerId]:
    """At most 500 working cleaners of a market, by id, beyond the one that was rated last."""
    works = (cleaner_market.c.tenant_id == cleaner.c.tenant_id) & (cleaner_market.c.cleaner_id == cleaner.c.id)
    rows = await tx.all(
        select(cleaner.c.id)
        .join(cleaner_market, works)
        .where(tx.own(cleaner), cleaner_market.c.market_id == input.market_id, cleaner.c.id > input.after)
        .where(cleaner.c.archived_at.is_(None), cleaner.c.onboarding == OnboardingState.COMPLETE)
        .order_by(cleaner.c.id)
        .limit(PAGE)
    )
    return [CleanerId(row.id) for row in rows]


async def reliability_of(tx: Tx, cleaner_id: CleanerId) -> Reliability:
    """The score as of now, from one statement's facts."""
    punctual = timedelta(minutes=(await tenant_policy(tx)).fieldwork.punctual_minutes)
    asked = {"tenant": tx.actor.tenant, "cleaner": cleaner_id, "since": tx.now - REACH}
    rows = await tx.all(_FACTS.bindparams(**asked, late=LATE, punctual=punctual))
    seen = [Occurrence(ReliabilityPart(row.part), (tx.now - row.starts_at) / DAY, row.good) for row in rows]
    return rate(seen, sum(one.part is ReliabilityPart.NO_SHOWS for one in seen))


def rate_later(tx: Tx, cleaner_id: UUID, because: str) -> None:
    """Have a cleaner rated anew once this is committed; `because` names what has happened, each once."""
    tx.later("rate_cleaner", {"cleaner_id": str(cleaner_id)}, dedupe_key=f"rate:{cleaner_id}:{because}")


async def rate_crew_later(tx: Tx, job_id: UUID) -> None:
    """Have everybody rated anew who is on a job that has just come to its end."""
    live: Any = (assignment.c.job_id == job_id) & assignment.c.released_at.is_(None)
    for row in await tx.all(select(assignment.c.cleaner_id).where(tx.own(assignment), live).distinct()):
        rate_later(tx, row.cleaner_id, f"done:{job_id}")
