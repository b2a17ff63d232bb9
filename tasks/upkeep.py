"""Keeping the log short: what is too old to be asked for is deleted (7 days or a million events a tenant).

Runs as the database role `ops`, which may see how old rows are and delete them, and nothing else of them; people's
sessions and links, which `ops` cannot see at all, are deleted by a command of the tenant's own system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.actors import TenantId
from services.identity.upkeep import PruneIdentity, prune_identity
from tasks.context import TaskContext


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    events: timedelta = timedelta(days=7)
    most_events: int = 1_000_000
    receipts: timedelta = timedelta(days=90)
    tasks: timedelta = timedelta(days=7)
    duty_runs: timedelta = timedelta(days=8)
    """More than the ticks look back, or a duty would run twice."""
    silent_workers: timedelta = timedelta(days=1)


BATCH = 10_000

_NEW_FIRST = """
update tenant_head h set first_seq = greatest(h.first_seq, h.seq - $3 + 1,
    coalesce((select min(e.seq) from event e where e.tenant_id = h.tenant_id and e.at >= $2), h.seq + 1))
where h.tenant_id = $1 returning h.first_seq"""

_DELETE_EVENTS = """
delete from event where tenant_id = $1 and seq < $2
  and seq < (select min(seq) from event where tenant_id = $1) + $3"""


async def prune(context: TaskContext, tenant: TenantId, payload: Mapping[str, Any]) -> None:
    """Delete the tenant's old events, receipts, finished tasks and duty rows, and what identity left behind."""
    await prune_tenant(context, tenant, Retention())
    while await context.run(prune_identity, PruneIdentity()):
        pass


async def prune_tenant(context: TaskContext, tenant: TenantId, keep: Retention) -> None:
    """As `prune`, with other limits."""
    ops, now = context.tools.ops, context.now
    # The mark moves first: a reader that sees it asks for no event that is about to go.
    first = await ops.fetchval(_NEW_FIRST, tenant, now - keep.events, keep.most_events)
    while await ops.execute(_DELETE_EVENTS, tenant, first, BATCH) != "DELETE 0":
        pass
    await ops.execute("delete from mutation_receipt where tenant_id = $1 and at < $2", tenant, now - keep.receipts)
    await ops.execute("delete from duty_run where tenant_id = $1 and due_at < $2", tenant, now - keep.duty_runs)
    await ops.execute(
        "delete from task where tenant_id = $1 and state = 'DONE' and finished_at < clock_timestamp() - $2::interval",
        tenant,
        keep.tasks,
    )
    await ops.execute("delete from worker where seen_at < clock_timestamp() - $1::interval", keep.silent_workers)
