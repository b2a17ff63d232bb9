"""The office agrees to a swap or does not, where the tenant asks for it (A27b)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, update

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE
from domain.errors import Conflict
from domain.events import EventType
from domain.ids import AssignmentId, CleanerId, SwapId
from domain.swaps import SwapKind, SwapStatus
from models import swap
from services.cards import Aside, record_swap_move
from services.checks import text
from services.inputs import arg
from services.scheduling import lock_cleaners
from services.swaps.holding import hold_jobs_of
from services.swaps.taking import Wish, hand_over, judge


@dataclass(frozen=True, slots=True)
class ApproveSwap:
    """A swap that awaits the office."""

    swap_id: SwapId = arg("The swap that awaits approval.")


@dataclass(frozen=True, slots=True)
class DeclineSwap:
    """A swap that the office does not agree to."""

    swap_id: SwapId = arg("The swap that awaits approval.")
    reason: str = arg("Why, for the audit; at most 500 characters.")


@command(*OFFICE)
async def approve_swap(tx: Tx, input: ApproveSwap) -> SwapId:
    """Agree to a swap: its shift changes hands, if the rules still allow it (A27b).

    Refused with NOT_ELIGIBLE and every reason where they do not any more; the swap then still awaits the office.
    """
    await hold_jobs_of(tx, input.swap_id)
    before = await _awaiting(tx, input.swap_id)
    await lock_cleaners(tx, [person for person in (before.taker_id, before.owner_id) if person])
    gives = None if before.given_id is None else AssignmentId(before.given_id)
    judged = await judge(
        tx, Wish(input.swap_id, CleanerId(before.taker_id), gives), is_trade=before.kind == SwapKind.TRADE
    )
    await _decide(tx, before, SwapStatus.ACCEPTED, judged.version)
    await hand_over(tx, input.swap_id)
    return input.swap_id


@command(*OFFICE)
async def decline_swap(tx: Tx, input: DeclineSwap) -> SwapId:
    """Do not agree to a swap: its owner keeps the shift and may offer it again (A27b)."""
    before = await _awaiting(tx, input.swap_id)
    await _decide(tx, before, SwapStatus.DECLINED, before.version)
    aside = Aside(reason=text(input.reason, "reason", most=500))
    await record_swap_move(tx, EventType.SWAP_DECLINED, input.swap_id, aside)
    return input.swap_id


async def _awaiting(tx: Tx, id: SwapId) -> Row[Any]:
    row = await tx.get(swap, id, "swapId")
    if row.status != SwapStatus.AWAITING_APPROVAL:
        raise Conflict(f"This swap is {row.status} and does not await approval.", field=("swapId",))
    return row


async def _decide(tx: Tx, before: Row[Any], status: SwapStatus, version: int) -> None:
    """One conditional UPDATE decides against who withdraws, gives back or lets it expire meanwhile."""
    decided = (
        update(swap)
        .where(
            tx.own(swap),
            swap.c.id == before.id,
            swap.c.version == version,
            swap.c.status == SwapStatus.AWAITING_APPROVAL,
            swap.c.taker_id == before.taker_id,
        )
        .values(status=status, closed_at=tx.now, version=swap.c.version + 1)
    )
    if await tx.write(decided) == 0:
        raise Conflict(field=("swapId",))
