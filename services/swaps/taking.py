"""Taking a shift from the market and giving it back (R96 to R101, A26 to A29)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.eligibility import ensure_can_take, ensure_owner_can_take, reasons_not_to_take
from domain.errors import Conflict, Invalid, NotEligible, NotFound, SwapAlreadyTaken
from domain.events import EventType
from domain.ids import AssignmentId, CleanerId, SwapId
from domain.policy import TenantPolicy
from domain.swaps import (
    SwapFacts,
    SwapKind,
    SwapStatus,
    TakerFacts,
    ensure_can_return,
    shifts_to_give,
    status_after_return,
)
from models import assignment, swap, swap_ask
from services.cards import Aside, emit_job, record_swap_move, swap_card, take_off, tell_job
from services.gate import ensure_onboarded
from services.inputs import arg
from services.scheduling import lock_cleaners, tenant_policy
from services.swap_facts import facts_of, shift_as_offer, swap_facts
from services.swaps.holding import hold_jobs_of

GONE_ON = "The shift has gone on to somebody else since."


@dataclass(frozen=True, slots=True)
class AcceptSwap:
    """A shift to take."""

    swap_id: SwapId = arg("The swap to take.")
    gives: AssignmentId | None = arg(
        "Of a TRADE, which own shift is given for it; the earliest wanted one that will do unless told.", default=None
    )


@dataclass(frozen=True, slots=True)
class ReturnSwap:
    """A shift that its taker regrets."""

    swap_id: SwapId = arg("The swap that the acting cleaner has taken, or has asked for.")


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants which swap, and what they would give of a TRADE (None: whatever will do)."""

    swap_id: SwapId
    cleaner_id: CleanerId
    gives: AssignmentId | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What may be claimed: the swap as it was judged, what is given for it, and whether it waits for its draw."""

    version: int
    status: SwapStatus
    gives: AssignmentId | None
    is_drawn: bool


@command(Role.CLEANER)
async def accept_swap(tx: Tx, input: AcceptSwap) -> SwapId:
    """Give the shift to the acting cleaner, if no one was faster (R96 to R101, A26, A27b).

    Where the tenant asks for approval it then awaits the office's, and where shifts are drawn the cleaner is entered in
    the draw: the swap's status says which. Refused with SWAP_ALREADY_TAKEN for a taken, expired, foreign and unknown
    swap alike (R98), and with NOT_ELIGIBLE and every reason where the rules forbid it; then nothing has changed.
    """
    await ensure_onboarded(tx)
    await take(tx, Wish(input.swap_id, tx.actor.cleaner_id, input.gives))
    return input.swap_id


@command(Role.CLEANER)
async def return_swap(tx: Tx, input: ReturnSwap) -> SwapId:
    """Give back what one took within the grace, or take back one's asking (A27b, A29).

    The shift is its owner's again and back on the market for others, if time is left; of a TRADE both shifts go back.
    Refused with CONFLICT when the grace is over or the shift has gone on to somebody else, with SHIFT_OVERLAP where its
    owner has other work by then.
    """
    await ensure_onboarded(tx)
    if await hold_jobs_of(tx, input.swap_id) is None:
        raise NotFound(field=("swapId",))
    if await _unask(tx, input.swap_id):
        return input.swap_id
    taken = await tx.one(
        select(swap).where(tx.own(swap), swap.c.id == input.swap_id, swap.c.taker_id == tx.actor.cleaner_id)
    )
    if taken is None:
        raise NotFound(field=("swapId",))
    ensure_can_return(SwapStatus(taken.status), taken.closed_at, (await tenant_policy(tx)).swaps.return_grace, tx.now)
    await _give_back(tx, taken)
    return input.swap_id


async def take(tx: Tx, wish: Wish, aside: Aside | None = None) -> None:
    """Give the shift to who wants it: judged, claimed and handed over, or all refused.

    What is drawn is the draw's to give: then the wish is kept for it. Raises what `accept_swap` does.
    """
    held = await hold_jobs_of(tx, wish.swap_id, if_pending=True)
    if held is None:
        raise SwapAlreadyTaken(field=("swapId",))
    async with _parties(tx, wish, held) as is_trade:
        judged = await judge(tx, wish, is_trade=is_trade)
        if judged.is_drawn and tx.actor.role is not Role.SYSTEM:
            await _ask(tx, wish)
            return
        # While its job is held a swap can only close: by its owner, by the office, by its time.
        if not await _claim(tx, wish, judged):
            raise SwapAlreadyTaken(field=("swapId",))
    if judged.status is SwapStatus.AWAITING_APPROVAL:
        await record_swap_move(tx, EventType.SWAP_REQUESTED, wish.swap_id, aside)
        return
    await hand_over(tx, wish.swap_id, aside)


async def judge(tx: Tx, wish: Wish, *, is_trade: bool) -> Judged:
    """Whether this cleaner may take the swap as it is now, and what they would give; raises what `take` does."""
    card = await swap_card(tx, wish.swap_id)
    if card is None:
        raise SwapAlreadyTaken(field=("swapId",))
    facts, me = swap_facts(card), await facts_of(tx, wish.cleaner_id)
    if me is None:
        raise SwapAlreadyTaken(field=("swapId",))
    if wish.gives is not None:
        facts = replace(facts, wants=facts.wants & {wish.gives})
    ensure_can_take(facts, me.taker, me.policy.swaps, tx.now)
    if wish.gives is not None and not is_trade:
        raise Invalid("Nothing is given for a COVER.", field=("gives",))
    gives = await _ensure_trade(tx, facts, me.taker, me.policy) if is_trade else None
    status = SwapStatus.AWAITING_APPROVAL if me.policy.swaps.approval_required else SwapStatus.ACCEPTED
    return Judged(int(card["version"]), status, gives, is_drawn=card["draws_at"] is not None)


async def hand_over(tx: Tx, swap_id: SwapId, aside: Aside | None = None) -> None:
    """Move the shift of a swap that was just accepted to its taker, and what a TRADE gives for it to its owner."""
    row = await tx.get(swap, swap_id)
    if row.given_id is not None:
        # Its holder may have offered it to others as well.
        await take_off(tx, swap.c.assignment_id == row.given_id)
    # The owner may have been taken off the job since: then there is nothing left to hand over.
    if not await _hand_over(tx, swap_id):
        raise SwapAlreadyTaken(field=("swapId",))
    await record_swap_move(tx, EventType.SWAP_ACCEPTED, swap_id, aside)
    if row.owner_id is None:
        await tell_job(tx, EventType.CLEANER_ASSIGNED, row.job_id, people=(row.taker_id,))
    else:
        await _tell_jobs(tx, row)


async def _hand_over(tx: Tx, swap_id: UUID) -> bool:
    """Have the database change who works on the jobs of a swap; whether there was anything left to change."""
    is_done = bool(await tx.scalar(select(func.hand_over(swap_id))))
    tx.forget()
    return is_done


async def _tell_jobs(tx: Tx, moved: Row[Any]) -> None:
    """Tell of the jobs whose shifts have changed hands; the swap's own line in the audit says why."""
    of_given = select(assignment.c.job_id).where(tx.own(assignment), assignment.c.id == moved.given_id)
    async with tx.as_system():
        given = [row.job_id for row in await tx.all(of_given)] if moved.given_id else []
        for job_id in sorted({moved.job_id, *given}):
            await emit_job(tx, EventType.CLEANER_ASSIGNED, job_id, (moved.taker_id, moved.owner_id))


@asynccontextmanager
async def _parties(tx: Tx, wish: Wish, held: Row[Any]) -> AsyncIterator[bool]:
    """Lock those whose schedules are judged, before their facts are read; whether it is a TRADE.

    Two shifts taken at once by one cleaner must see each other. Of a TRADE the owner's schedule is judged too, which is
    not the taker's to read.
    """
    if held.kind == SwapKind.TRADE:
        async with tx.as_system():
            await lock_cleaners(tx, [wish.cleaner_id, held.owner_id])
            yield True
    else:
        await lock_cleaners(tx, [wish.cleaner_id])
        yield False


async def _ensure_trade(tx: Tx, facts: SwapFacts, taker: TakerFacts, policy: TenantPolicy) -> AssignmentId:
    """The earliest of the taker's wanted shifts that both sides can live with."""
    assert facts.owner_id is not None  # noqa: S101 (a TRADE has an owner)
    owner = await facts_of(tx, facts.owner_id)
    refusal: NotEligible | SwapAlreadyTaken = SwapAlreadyTaken(field=("swapId",))
    for gift in shifts_to_give(facts, taker):
        given = await shift_as_offer(tx, gift) if gift is not None else None
        if gift is None or given is None or owner is None:
            continue
        if reasons_not_to_take(replace(facts, wants=frozenset({gift})), taker, policy.swaps, tx.now):
            continue
        try:
            without = owner.taker.without(facts.shift.assignment_id)
            ensure_owner_can_take(given, without, policy.swaps, tx.now)
        except NotEligible as error:
            refusal = error
        else:
            return gift
    raise refusal


async def _claim(tx: Tx, wish: Wish, judged: Judged) -> bool:
    """The UPDATE is the lock: whoever finds the row pending and in time wins, everyone else changes nothing (R96).

    The version is the one that was judged, for a job that is moved meanwhile is another shift.
    """
    won = (
        update(swap)
        .where(
            tx.own(swap),
            swap.c.id == wish.swap_id,
            swap.c.version == judged.version,
            swap.c.status == SwapStatus.PENDING,
            swap.c.expires_at > tx.now,
        )
        .values(
            status=judged.status,
            taker_id=wish.cleaner_id,
            given_id=judged.gives,
            closed_at=tx.now if judged.status is SwapStatus.ACCEPTED else None,
            version=swap.c.version + 1,
        )
    )
    # What is drawn is the draw's to give.
    won = won.values(draws_at=None) if tx.actor.role is Role.SYSTEM else won.where(swap.c.draws_at.is_(None))
    return await tx.write(won) == 1


async def _ask(tx: Tx, wish: Wish) -> None:
    """Enter the acting cleaner in the draw; asking twice changes nothing."""
    row = {"tenant_id": tx.actor.tenant, "swap_id": wish.swap_id, "cleaner_id": wish.cleaner_id, "asked_at": tx.now}
    if await tx.write(insert(swap_ask).values(row).on_conflict_do_nothing()):
        tx.audit("Swap", wish.swap_id, detail={"asked": str(wish.cleaner_id)})


async def _unask(tx: Tx, id: SwapId) -> bool:
    """Take the acting cleaner out of a draw that is still to come."""
    waiting = select(swap.c.id).where(
        tx.own(swap), swap.c.id == id, swap.c.status == SwapStatus.PENDING, swap.c.draws_at.is_not(None)
    )
    if await tx.one(waiting) is None:
        return False
    if not await _forget_asking(tx, id):
        return False
    tx.audit("Swap", id, detail={"unasked": str(tx.actor.cleaner_id)})
    return True


async def _forget_asking(tx: Tx, id: SwapId) -> bool:
    """Who gives a shift back does not want to be drawn for it again; whether they had asked."""
    mine = (swap_ask.c.swap_id == id) & (swap_ask.c.cleaner_id == tx.actor.cleaner_id)
    return await tx.write(delete(swap_ask).where(tx.own(swap_ask), mine)) > 0


async def _give_back(tx: Tx, taken: Row[Any]) -> None:
    """Undo the taking, if nobody has closed the swap meanwhile, and list the shift again if time is left."""
    was_taken = taken.status == SwapStatus.ACCEPTED
    shifts = await _shifts_to_hand_back(tx, taken) if was_taken else []
    back = (
        update(swap)
        .where(tx.own(swap), swap.c.id == taken.id, swap.c.version == taken.version)
        .values(status=SwapStatus.RETURNED, closed_at=tx.now, version=swap.c.version + 1)
    )
    if await tx.write(back) == 0:
        raise Conflict(field=("swapId",))
    if was_taken:
        await _hand_back(tx, taken, shifts)
    await _forget_asking(tx, taken.id)
    if status_after_return(taken.expires_at, tx.now) is SwapStatus.PENDING:
        await tx.scalar(select(func.relist(taken.id)))
    await record_swap_move(tx, EventType.SWAP_RETURNED, taken.id, Aside(people=(tx.actor.cleaner_id,)))
    if taken.owner_id is None and was_taken:
        await tell_job(tx, EventType.CLEANER_RELEASED, taken.job_id, people=(tx.actor.cleaner_id,))
    elif was_taken:
        await _tell_jobs(tx, taken)


async def _shifts_to_hand_back(tx: Tx, taken: Row[Any]) -> list[UUID]:
    """What changed hands by the swap, if it is where the swap has left it; both parties locked."""
    async with tx.as_system():
        await lock_cleaners(tx, [person for person in (taken.taker_id, taken.owner_id) if person])
        shifts = await _shifts_taken(tx, taken)
        if not shifts or await _has_gone_on(tx, taken, shifts):
            raise Conflict(GONE_ON, field=("swapId",))
    return shifts


async def _hand_back(tx: Tx, taken: Row[Any], shifts: list[UUID]) -> None:
    """The shifts go back to whose they were; what either of the two has put on the market since goes with them."""
    async with tx.as_system():
        await take_off(tx, swap.c.assignment_id.in_(shifts))
    if not await _hand_over(tx, taken.id):
        raise Conflict(GONE_ON, field=("swapId",))


async def _shifts_taken(tx: Tx, taken: Row[Any]) -> list[UUID]:
    """What changed hands; of a vacancy the place that its taker got by it."""
    if taken.assignment_id is not None:
        return [shift for shift in (taken.assignment_id, taken.given_id) if shift is not None]
    place = select(assignment.c.id).where(
        tx.own(assignment),
        assignment.c.job_id == taken.job_id,
        assignment.c.cleaner_id == taken.taker_id,
        assignment.c.role == taken.role,
        assignment.c.released_at.is_(None),
        # Who was taken off and put on again by the office has it from the office.
        assignment.c.created_at == taken.closed_at,
    )
    return [row.id for row in await tx.all(place)]


async def _has_gone_on(tx: Tx, taken: Row[Any], shifts: list[UUID]) -> bool:
    """Whether a later swap has moved one of the shifts, though it may have come back since."""
    later = select(swap.c.id).where(
        tx.own(swap),
        swap.c.id != taken.id,
        swap.c.assignment_id.in_(shifts) | swap.c.given_id.in_(shifts),
        swap.c.status == SwapStatus.ACCEPTED,
        swap.c.closed_at > taken.closed_at,
    )
    return await tx.one(later) is not None
