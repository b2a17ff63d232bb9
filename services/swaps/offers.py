"""The swap market's moves: offer, accept, withdraw, expire (R94 to R103, A26 to A29).

Whoever changes a swap's status from PENDING first has won: each move is one conditional UPDATE, and the rule beside it
only explains. The shift, the event, the audit line and the notifications are in the same transaction, or nothing is.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import JSON

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.eligibility import ensure_can_take
from domain.errors import Conflict, NotFound, SwapAlreadyTaken
from domain.events import EventType
from domain.ids import AssignmentId, SwapId
from domain.scheduling import AssignmentRole, JobStatus
from domain.swaps import SwapKind, SwapStatus, ensure_can_offer, expiry_of
from models import assignment, job, swap
from services.cards import record_swap_move, swap_card
from services.checks import text
from services.gate import ensure_onboarded
from services.inputs import arg
from services.scheduling import lock_cleaners, tenant_policy
from services.swap_facts import STAMPED_VIEWER_FACTS, swap_facts, viewer_facts

SWEEP = 200
"""How many overdue swaps one transaction expires."""
CLAIMS = 5
"""How often an accept looks again at a swap that changes under its hands."""


@dataclass(frozen=True, slots=True)
class OfferSwap:
    """A shift that its cleaner cannot work."""

    assignment_id: AssignmentId = arg("The acting cleaner's own live assignment.")
    note: str = arg("What colleagues should know, at most 500 characters.", default="")


@dataclass(frozen=True, slots=True)
class AcceptSwap:
    """A shift to take."""

    swap_id: SwapId = arg("The swap to take.")


@dataclass(frozen=True, slots=True)
class WithdrawSwap:
    """An offer that is not needed any more."""

    swap_id: SwapId = arg("The pending swap to take off the market.")


@dataclass(frozen=True, slots=True)
class ExpireSwap:
    """A swap whose time may be over."""

    swap_id: SwapId = arg("The swap.")


@dataclass(frozen=True, slots=True)
class ExpireDueSwaps:
    """Every swap of the tenant whose time is over."""


@command(Role.CLEANER)
async def offer_swap(tx: Tx, input: OfferSwap) -> SwapId:
    """Put an own shift on the market as a COVER (R94, A27); its cleaner stays responsible until it is taken."""
    await ensure_onboarded(tx)
    mine = await _own_shift(tx, input.assignment_id)
    lead = (await tenant_policy(tx)).swaps.cleaner_lead
    expires_at = expiry_of(mine.starts_at, mine.ends_at, lead, opened_by_cleaner=True)
    ensure_can_offer(JobStatus(mine.status), expires_at, tx.now)
    made = SwapId(
        await tx.insert(
            swap,
            kind=SwapKind.COVER,
            status=SwapStatus.PENDING,
            job_id=mine.job_id,
            assignment_id=mine.id,
            market_id=mine.market_id,
            role=mine.role,
            owner_id=tx.actor.cleaner_id,
            note=text(input.note, "note", least=0, most=500),
            opened_at=tx.now,
            expires_at=expires_at,
        )
    )
    tx.later("expire_swap", {"swap_id": str(made)}, run_at=expires_at)
    # The insert waited for whoever was changing the job: what was read before it may be over.
    if await _own_shift(tx, mine.id) != mine:
        raise Conflict("The shift has just changed.", field=("assignmentId",))
    await record_swap_move(tx, EventType.SWAP_OFFERED, made)
    return made


@command(Role.CLEANER)
async def accept_swap(tx: Tx, input: AcceptSwap) -> SwapId:
    """Give the shift to the acting cleaner, if no one was faster (R96 to R101, A26, A27b).

    Refused with SWAP_ALREADY_TAKEN for a taken, expired, foreign and unknown swap alike (R98), and with NOT_ELIGIBLE
    and every reason where the rules forbid it; then nothing has changed.
    """
    await ensure_onboarded(tx)
    # Lock before reading the facts: two shifts taken at once by one cleaner must see each other.
    await lock_cleaners(tx, [tx.actor.cleaner_id])
    # What changed between judging and claiming is judged anew; each time around, the rules may say no.
    for _ in range(CLAIMS):
        if await _claim(tx, input.swap_id, await _judged_version(tx, input.swap_id)):
            break
    else:
        raise SwapAlreadyTaken(field=("swapId",))
    # The owner may have been taken off the job since: then there is nothing left to hand over.
    if await tx.scalar(select(func.hand_over(input.swap_id))) is None:
        raise SwapAlreadyTaken(field=("swapId",))
    await record_swap_move(tx, EventType.SWAP_ACCEPTED, input.swap_id)
    return input.swap_id


@command(Role.CLEANER, *OFFICE)
async def withdraw_swap(tx: Tx, input: WithdrawSwap) -> SwapId:
    """Take a pending swap off the market: its owner, or the office (A29). CONFLICT if it is not pending any more."""
    statement = (
        update(swap)
        .where(tx.own(swap), swap.c.id == input.swap_id, swap.c.status == SwapStatus.PENDING)
        .values(status=SwapStatus.WITHDRAWN, closed_at=tx.now, version=swap.c.version + 1)
    )
    if tx.actor.role is Role.CLEANER:
        await ensure_onboarded(tx)
        statement = statement.where(swap.c.owner_id == tx.actor.cleaner_id)
    if await tx.write(statement) == 0:
        await _refuse_withdrawal(tx, input.swap_id)
    await record_swap_move(tx, EventType.SWAP_WITHDRAWN, input.swap_id)
    return input.swap_id


@command(Role.SYSTEM)
async def expire_swap(tx: Tx, input: ExpireSwap) -> SwapId:
    """Expire one swap if it is pending and its time is over; otherwise change nothing (R100, A27)."""
    await _expire(tx, [input.swap_id])
    return input.swap_id


@command(Role.SYSTEM)
async def expire_due_swaps(tx: Tx, input: ExpireDueSwaps) -> int:
    """Expire what a lost task left behind, at most 200 swaps; how many there were (R100)."""
    due = select(swap.c.id).where(tx.own(swap), swap.c.status == SwapStatus.PENDING, swap.c.expires_at <= tx.now)
    rows = await tx.all(due.order_by(swap.c.expires_at, swap.c.id).limit(SWEEP))
    return await _expire(tx, [SwapId(row.id) for row in rows])


async def _own_shift(tx: Tx, id: AssignmentId) -> Row[Any]:
    """The acting cleaner's live assignment with what its job says."""
    row = await tx.one(
        select(assignment, job.c.status, job.c.market_id)
        .join(job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id))
        .where(
            tx.own(assignment),
            assignment.c.id == id,
            assignment.c.cleaner_id == tx.actor.cleaner_id,
            assignment.c.released_at.is_(None),
        )
    )
    if row is None:
        raise NotFound(field=("assignmentId",))
    if row.role == AssignmentRole.BACKUP:
        raise Conflict("A backup has no shift to give away.", field=("assignmentId",))
    return row


async def _judged_version(tx: Tx, id: SwapId) -> int:
    """The version of the swap as which the acting cleaner may take it."""
    offered = await swap_card(tx, id)
    if offered is None:
        raise SwapAlreadyTaken(field=("swapId",))
    await _ensure_eligible(tx, offered)
    return int(offered["version"])


async def _ensure_eligible(tx: Tx, offered: dict[str, Any]) -> None:
    me = viewer_facts(await tx.scalar(sql_text(STAMPED_VIEWER_FACTS).columns(json_build_object=JSON)))
    if me is None:
        raise SwapAlreadyTaken(field=("swapId",))
    ensure_can_take(swap_facts(offered), me.taker, me.policy.swaps, tx.now)


async def _claim(tx: Tx, id: SwapId, version: int) -> bool:
    """The UPDATE is the lock: whoever finds the row pending and in time wins, everyone else changes nothing (R96).

    The version is the one that was judged, for a job that is moved meanwhile is another shift.
    """
    won = (
        update(swap)
        .where(
            tx.own(swap),
            swap.c.id == id,
            swap.c.version == version,
            swap.c.status == SwapStatus.PENDING,
            swap.c.expires_at > tx.now,
        )
        .values(status=SwapStatus.ACCEPTED, taker_id=tx.actor.cleaner_id, closed_at=tx.now, version=swap.c.version + 1)
    )
    return await tx.write(won) == 1


async def _refuse_withdrawal(tx: Tx, id: SwapId) -> None:
    row = await tx.one(select(swap.c.status, swap.c.owner_id).where(tx.own(swap), swap.c.id == id))
    if row is None or (tx.actor.role is Role.CLEANER and row.owner_id != tx.actor.cleaner_id):
        raise NotFound(field=("swapId",))
    raise Conflict(f"This swap is {row.status} and cannot be withdrawn.", field=("swapId",))


async def _expire(tx: Tx, ids: list[SwapId]) -> int:
    gone = await tx.all(
        update(swap)
        .where(tx.own(swap), swap.c.id.in_(ids), swap.c.status == SwapStatus.PENDING, swap.c.expires_at <= tx.now)
        .values(status=SwapStatus.EXPIRED, closed_at=tx.now, version=swap.c.version + 1)
        .returning(swap.c.id)
    )
    for row in gone:
        await record_swap_move(tx, EventType.SWAP_EXPIRED, row.id)
    return len(gone)
