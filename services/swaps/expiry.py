"""Swaps whose time is over (R100, A27): expired by a task at the instant, and by a sweep if that was lost."""

from dataclasses import dataclass

from sqlalchemy import select, update

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.events import EventType
from domain.ids import SwapId
from domain.swaps import OPEN_SWAP_STATES, SwapStatus
from models import swap
from services.cards import record_swap_move

SWEEP = 200
"""How many overdue swaps one transaction expires."""


@dataclass(frozen=True, slots=True)
class ExpireSwap:
    """A swap whose time may be over."""

    swap_id: SwapId


@dataclass(frozen=True, slots=True)
class ExpireDueSwaps:
    """Every swap of the tenant whose time is over."""


@command(Role.SYSTEM)
async def expire_swap(tx: Tx, input: ExpireSwap) -> SwapId:
    """Expire one swap if it is open and its time is over; otherwise change nothing (R100, A27)."""
    await _expire(tx, [input.swap_id])
    return input.swap_id


@command(Role.SYSTEM)
async def expire_due_swaps(tx: Tx, input: ExpireDueSwaps) -> int:
    """Expire what a lost task left behind, at most 200 swaps; how many there were (R100)."""
    due = select(swap.c.id).where(tx.own(swap), swap.c.status.in_(OPEN_SWAP_STATES), swap.c.expires_at <= tx.now)
    rows = await tx.all(due.order_by(swap.c.expires_at, swap.c.id).limit(SWEEP))
    return await _expire(tx, [SwapId(row.id) for row in rows])


async def _expire(tx: Tx, ids: list[SwapId]) -> int:
    gone = await tx.all(
        update(swap)
        .where(tx.own(swap), swap.c.id.in_(ids), swap.c.status.in_(OPEN_SWAP_STATES), swap.c.expires_at <= tx.now)
        .values(status=SwapStatus.EXPIRED, closed_at=tx.now, version=swap.c.version + 1)
        .returning(swap.c.id)
    )
    for row in gone:
        await record_swap_move(tx, EventType.SWAP_EXPIRED, row.id)
    return len(gone)
