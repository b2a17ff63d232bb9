"""What must hold of a business's schedule and market at every moment, whoever did what at once: asked of its rows."""

from typing import Any

from tests.product.world import Town

_OPEN = "s.status in ('PENDING', 'AWAITING_APPROVAL')"
_LIVE = "a.released_at is null and a.role <> 'BACKUP'"

BROKEN = {
    "nobody is in two places at once": f"""
        select a.id from assignment a join assignment b using (tenant_id, cleaner_id)
        where tenant_id = $1 and a.id < b.id and {_LIVE} and b.released_at is null and b.role <> 'BACKUP'
          and a.starts_at < b.ends_at and b.starts_at < a.ends_at""",
    "a shift on the market is its owner's": f"""
        select s.id from swap s where s.tenant_id = $1 and {_OPEN} and s.assignment_id is not null
          and not exists (select from assignment a where a.tenant_id = s.tenant_id and a.id = s.assignment_id
            and a.cleaner_id = s.owner_id and {_LIVE})""",
    "a place on the market is vacant": f"""
        select s.id from swap s where s.tenant_id = $1 and {_OPEN} and s.assignment_id is null
          and exists (select from assignment a where a.tenant_id = s.tenant_id and a.job_id = s.job_id
            and a.role = s.role and {_LIVE})""",
    "what is on the market is still to be done": f"""
        select s.id from swap s join job j on j.tenant_id = s.tenant_id and j.id = s.job_id
        where s.tenant_id = $1 and {_OPEN} and j.status not in ('UNASSIGNED', 'ASSIGNED', 'NO_SHOW')""",
    "a shift is where its last swap has brought it": f"""
        select a.id from assignment a cross join lateral (
            select case when s.given_id = a.id then s.owner_id else s.taker_id end as person from swap s
            where s.tenant_id = a.tenant_id and s.status = 'ACCEPTED' and a.id in (s.assignment_id, s.given_id)
            order by s.closed_at desc limit 1) last
        where a.tenant_id = $1 and {_LIVE} and last.person <> a.cleaner_id""",
    "a vacancy's taker is on the job, unless it moved on": """
        select s.id from swap s where s.tenant_id = $1 and s.status = 'ACCEPTED' and s.assignment_id is null
          and not exists (select from assignment a where a.tenant_id = s.tenant_id and a.job_id = s.job_id
            and a.role = s.role and a.created_at = s.closed_at and (a.cleaner_id = s.taker_id
              or a.released_at is not null
              or exists (select from swap later where later.tenant_id = s.tenant_id and later.status = 'ACCEPTED'
                and a.id in (later.assignment_id, later.given_id))))""",
    "a trade has both of its sides": """
        select s.id from swap s where s.tenant_id = $1
          and ((s.kind = 'TRADE' and s.taker_id is not null) <> (s.given_id is not null))""",
    "a planned job is assigned when somebody is on it": f"""
        select j.id from job j where j.tenant_id = $1 and j.status in ('UNASSIGNED', 'ASSIGNED')
          and (j.status = 'ASSIGNED') <> exists (select from assignment a where a.tenant_id = j.tenant_id
            and a.job_id = j.id and {_LIVE})""",
    "a canceled job has nobody on it": """
        select j.id from job j join assignment a on a.tenant_id = j.tenant_id and a.job_id = j.id
        where j.tenant_id = $1 and j.status = 'CANCELED' and a.released_at is null""",
    "each role of a job is one person's": """
        select a.id from assignment a join assignment b using (tenant_id, job_id, role)
        where tenant_id = $1 and a.id < b.id and a.released_at is null and b.released_at is null
          and role <> 'BACKUP'""",
    "an offer's end has its task": f"""
        select s.id from swap s where s.tenant_id = $1 and {_OPEN}
          and exists (select from event e where e.tenant_id = s.tenant_id and e.entity_id = s.id
            and e.type = 'SwapOffered')
          and not exists (select from task t where t.tenant_id = s.tenant_id and t.kind = 'expire_swap'
            and t.payload ->> 'swap_id' = s.id::text and t.run_at = s.expires_at)""",
    "every move is told": """
        select e.entity_id from event e join swap s on s.tenant_id = e.tenant_id and s.id = e.entity_id
        where e.tenant_id = $1 and e.type <> 'SwapChanged'
          and not exists (select from task t where t.tenant_id = e.tenant_id and t.kind = 'notify_swap'
            and t.payload ->> 'swap_id' = e.entity_id::text and t.payload ->> 'event' = e.type
            and t.payload ->> 'version' = e.payload -> 'card' ->> 'version')""",
    "the last that was told of a swap is how it is": """
        select s.id from swap s cross join lateral (
            select e.payload from event e where e.tenant_id = s.tenant_id and e.entity_id = s.id
            order by e.seq desc limit 1) last
        where s.tenant_id = $1 and (last.payload -> 'card' ->> 'status', last.payload -> 'card' ->> 'version')
            <> (s.status, s.version::text)""",
    "the log is dense": """
        select h.tenant_id from tenant_head h join event e using (tenant_id) where tenant_id = $1
        group by h.tenant_id, h.seq having not (count(*) = h.seq and min(e.seq) = 1 and max(e.seq) = h.seq)""",
}
"""What must never be found, by what it would break; `$1` is the business."""

_ALL = " union all ".join(f"select '{name.replace(chr(39), chr(39) * 2)}', found::text from ({sql}) as f(found)"
                          for name, sql in BROKEN.items())  # fmt: skip


async def broken(town: Town) -> list[tuple[Any, ...]]:
    """Everything in the business that does not hold: what, and of which row."""
    return [tuple(row) for row in await town.world.root.fetch(_ALL, town.tenant)]
