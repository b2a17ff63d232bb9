"""Cleaners put their shifts on the market, as a COVER or a TRADE, and take them off again (R94, A27, A29)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.errors import Conflict, Invalid, NotFound
from domain.events import EventType
from domain.ids import AssignmentId, SwapId
from domain.scheduling import AssignmentRole, JobStatus, is_urgent
from domain.swaps import SwapOpener, ensure_can_offer
from models import assignment, cleaner_market, job, swap
from services.cards import record_swap_move, take_off
from services.checks import text
from services.fieldwork.holding import hold_job
from services.fieldwork.reliability import LATE, rate_later
from services.gate import ensure_onboarded
from services.inputs import arg
from services.scheduling import tenant_policy
from services.swaps.listing import Listing, expiry, list_shift, live_shift

MOST_WANTED = 20
"""How many shifts one TRADE may name."""


@dataclass(frozen=True, slots=True)
class OfferSwap:
    """A shift that its cleaner cannot work."""

    assignment_id: AssignmentId = arg("The acting cleaner's own live assignment.")
    note: str = arg("What colleagues should know, at most 500 characters.", default="")
    wants: list[AssignmentId] | None = arg(
        "Makes it a TRADE: colleagues' shifts in the cleaner's markets, at most 20, of which one is taken in return.",
        default=None,
    )


@dataclass(frozen=True, slots=True)
class WithdrawSwap:
    """An offer that is not needed any more."""

    swap_id: SwapId = arg("The open swap to take off the market.")


@command(Role.CLEANER)
async def offer_swap(tx: Tx, input: OfferSwap) -> SwapId:
    """Put an own shift on the market (R94, A27); its cleaner stays responsible until it is taken.

    With `wants` it is a TRADE: whoever holds one of those shifts may take it by giving that one, both at once.
    """
    await ensure_onboarded(tx)
    # Twice: while somebody was changing the job, the shift may have gone.
    await hold_job(tx, (await _own_shift(tx, input.assignment_id)).job_id)
    mine = await _own_shift(tx, input.assignment_id)
    policy = await tenant_policy(tx)
    listing = Listing(
        shift=mine,
        role=AssignmentRole(mine.role),
        opened_by=SwapOpener.CLEANER,
        note=text(input.note, "note", least=0, most=500),
        assignment_id=mine.id,
        owner_id=tx.actor.cleaner_id,
        wants=await _wanted(tx, input.wants),
    )
    ensure_can_offer(JobStatus(mine.status), expiry(listing, policy), tx.now)
    made = await list_shift(tx, listing, policy)
    await record_swap_move(tx, EventType.SWAP_OFFERED, made)
    if is_urgent(tx.now, mine.starts_at, LATE):
        rate_later(tx, tx.actor.cleaner_id, f"offered:{made}")
    return made


@command(Role.CLEANER, *OFFICE)
async def withdraw_swap(tx: Tx, input: WithdrawSwap) -> SwapId:
    """Take an open swap off the market: whose offer it is, or the office (A29). CONFLICT if it is not open any more.

    A cover that the office has opened for somebody's shift is the office's to withdraw.
    """
    which = swap.c.id == input.swap_id
    if tx.actor.role is Role.CLEANER:
        await ensure_onboarded(tx)
        which &= (swap.c.owner_id == tx.actor.cleaner_id) & (swap.c.opened_by == SwapOpener.CLEANER)
    if not await take_off(tx, which):
        await _refuse_withdrawal(tx, input.swap_id)
    return input.swap_id


async def _own_shift(tx: Tx, id: AssignmentId) -> Row[Any]:
    """The acting cleaner's live assignment with what its job says."""
    row = await live_shift(tx, (assignment.c.id == id) & (assignment.c.cleaner_id == tx.actor.cleaner_id))
    if row is None:
        raise NotFound(field=("assignmentId",))
    if row.role == AssignmentRole.BACKUP:
        raise Conflict("A backup has no shift to give away.", field=("assignmentId",))
    return row


async def _wanted(tx: Tx, ids: list[AssignmentId] | None) -> tuple[AssignmentId, ...]:
    """The shifts that a TRADE names, if each is a colleague's, still to come, and in a market of the acting cleaner.

    Their rows are not the cleaner's to read; the answer for one that cannot be named is that there is none (R3).
    """
    if ids is None:
        return ()
    wanted = tuple(dict.fromkeys(ids))
    if not 1 <= len(wanted) <= MOST_WANTED:
        raise Invalid(f"Name 1 to {MOST_WANTED} shifts.", field=("wants",))
    nameable = (
        select(assignment.c.id)
        .join(job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id))
        .join(
            cleaner_market,
            (cleaner_market.c.tenant_id == job.c.tenant_id) & (cleaner_market.c.market_id == job.c.market_id),
        )
        .where(
            tx.own(assignment),
            assignment.c.id.in_(wanted),
            assignment.c.cleaner_id != tx.actor.cleaner_id,
            assignment.c.released_at.is_(None),
            assignment.c.role != AssignmentRole.BACKUP,
            assignment.c.starts_at > tx.now,
            job.c.status == JobStatus.ASSIGNED,
            cleaner_market.c.cleaner_id == tx.actor.cleaner_id,
        )
    )
    async with tx.as_system():
        found = {row.id for row in await tx.all(nameable)}
    for place, id in enumerate(ids):
        if id not in found:
            raise NotFound(field=("wants", str(place)))
    return wanted


async def _refuse_withdrawal(tx: Tx, id: SwapId) -> None:
    row = await tx.one(select(swap.c.status, swap.c.owner_id, swap.c.opened_by).where(tx.own(swap), swap.c.id == id))
    if row is None or (tx.actor.role is Role.CLEANER and row.owner_id != tx.actor.cleaner_id):
        raise NotFound(field=("swapId",))
    if tx.actor.role is Role.CLEANER and row.opened_by == SwapOpener.OFFICE:
        raise Conflict("The office has opened this cover: ask the office.", field=("swapId",))
    raise Conflict(f"This swap is {row.status} and cannot be withdrawn.", field=("swapId",))
