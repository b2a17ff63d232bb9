"""What a move of the market locks before it looks: the jobs first, then people, then the swap, then assignments.

Whoever changes who is on a job holds the job from before the first look until the end. What was read under that lock
stays true, and nobody waits in a circle.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from db.tx import Tx
from domain.ids import MarketId, SwapId
from domain.swaps import SwapKind, SwapStatus
from models import assignment, job, swap, swap_want


async def hold_jobs_of(tx: Tx, id: SwapId, *, if_pending: bool = False) -> Row[Any] | None:
    """Lock the job of a swap, and of a TRADE those of the shifts that may be given for it.

    The swap's `kind` and `owner_id`, which never change; None for a swap that the actor does not see. With
    `if_pending` also for one that is not to be had: a thousand who come too late need not wait for each other.
    """
    seen = select(swap.c.id, swap.c.kind, swap.c.owner_id, swap.c.job_id).where(tx.own(swap), swap.c.id == id)
    row = await tx.one(seen.where(swap.c.status == SwapStatus.PENDING) if if_pending else seen)
    if row is None:
        return None
    async with tx.as_system():
        wanted = await _jobs_wanted(tx, id) if row.kind == SwapKind.TRADE else []
        await _hold(tx, [row.job_id, *wanted])
    return row


async def hold_bids(tx: Tx, market_id: MarketId, *, placing: bool) -> None:
    """Let no draw of a market miss a standing bid that is just being placed, nor such a bid miss a swap."""
    lock = func.pg_advisory_xact_lock if placing else func.pg_advisory_xact_lock_shared
    await tx.scalar(select(lock(func.hashtextextended(f"standing_bid:{market_id}", 0))))


async def _jobs_wanted(tx: Tx, id: SwapId) -> list[UUID]:
    named = select(swap_want.c.assignment_id).where(tx.own(swap_want), swap_want.c.swap_id == id)
    rows = await tx.all(select(assignment.c.job_id).where(tx.own(assignment), assignment.c.id.in_(named)))
    return [row.job_id for row in rows]


async def _hold(tx: Tx, ids: Iterable[UUID]) -> None:
    for id in sorted(set(ids)):
        await tx.get(job, id, lock=True)
