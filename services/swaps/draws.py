"""The draw: who gets a shift that several want, or that a standing bid was made for.

The draw is the system's: it takes the shift for whoever comes first in the drawn order and may still have it.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from db.command import command
from db.tx import Tx
from domain.actors import CleanerId, Role
from domain.errors import NotEligible, SwapAlreadyTaken
from domain.events import EventType
from domain.ids import MarketId, SwapId
from domain.standing import StandingBid, draw_order
from domain.swaps import SwapFacts, SwapKind, SwapStatus
from models import standing_bid, swap, swap_ask
from services.cards import Aside, record_swap_move, swap_card
from services.scheduling import tenant_policy
from services.swap_facts import swap_facts
from services.swaps.holding import hold_bids, hold_jobs_of
from services.swaps.taking import Wish, judge, take

OVERDUE = timedelta(minutes=1)
"""How long after its instant a draw counts as forgotten."""
SEED_BYTES = 16


@dataclass(frozen=True, slots=True)
class DrawSwap:
    """A swap that is to be drawn now, or that standing bids may want."""

    swap_id: SwapId


@dataclass(frozen=True, slots=True)
class FindOverdueDraws:
    """The tenant's draws that a lost task left behind."""


@command(Role.SYSTEM)
async def draw_swap(tx: Tx, input: DrawSwap) -> SwapId:
    """Draw among those who asked and those whose standing bid fits: each has the same chance.

    Who may not have the shift any more is passed over. If nobody is left, the first who accepts takes it from now on.
    Drawn too early, or for a swap that is not to be had any more, nothing changes. Refused like an accept if the world
    changes under its hands: draw again.
    """
    # Before the first look: who asks at this moment is either drawn among, or finds that the draw is over.
    await hold_jobs_of(tx, input.swap_id)
    card = await swap_card(tx, input.swap_id)
    row = await tx.one(select(swap).where(tx.own(swap), swap.c.id == input.swap_id))
    if row is None or card is None or row.status != SwapStatus.PENDING or row.kind != SwapKind.COVER:
        return input.swap_id
    if row.draws_at is not None and tx.now < row.draws_at:
        return input.swap_id
    seed = secrets.token_bytes(SEED_BYTES)
    order = draw_order(seed, await _wanting(tx, input.swap_id, swap_facts(card)))
    losers = Aside(people=tuple(order), detail={"seed": seed.hex(), "drawn": [str(each) for each in order]})
    for cleaner_id in order:
        if await _may_take(tx, wish := Wish(input.swap_id, cleaner_id)):
            await take(tx, wish, losers)
            return input.swap_id
    if row.draws_at is not None:
        await _open_to_the_first(tx, row)
    return input.swap_id


@command(Role.SYSTEM)
async def find_overdue_draws(tx: Tx, input: FindOverdueDraws) -> list[SwapId]:
    """Swaps that should have been drawn a minute ago, at most 200."""
    overdue = select(swap.c.id).where(
        tx.own(swap), swap.c.status == SwapStatus.PENDING, swap.c.draws_at <= tx.now - OVERDUE
    )
    return [SwapId(row.id) for row in await tx.all(overdue.order_by(swap.c.draws_at, swap.c.id).limit(200))]


async def _wanting(tx: Tx, swap_id: SwapId, facts: SwapFacts) -> set[CleanerId]:
    """Who asked, and whose standing bid the shift fits."""
    asked = await tx.all(select(swap_ask.c.cleaner_id).where(tx.own(swap_ask), swap_ask.c.swap_id == swap_id))
    wanting = {CleanerId(row.cleaner_id) for row in asked}
    if (await tenant_policy(tx)).swaps.standing_bids:
        await hold_bids(tx, facts.market_id, placing=False)
        standing = select(standing_bid).where(
            tx.own(standing_bid),
            standing_bid.c.market_id == facts.market_id,
            standing_bid.c.withdrawn_at.is_(None),
        )
        bids = [_bid(row) for row in await tx.all(standing)]
        wanting |= {bid.cleaner_id for bid in bids if bid.wants(facts.shift, facts.zone)}
    return wanting


def _bid(row: Any) -> StandingBid:
    return StandingBid(
        cleaner_id=CleanerId(row.cleaner_id),
        market_id=MarketId(row.market_id),
        weekdays=frozenset(row.weekdays),
        earliest_minute=row.earliest_minute,
        latest_minute=row.latest_minute,
        from_day=row.from_day,
        until_day=row.until_day,
    )


async def _may_take(tx: Tx, wish: Wish) -> bool:
    """Judged before anything is locked, so that only who takes the shift is."""
    try:
        await judge(tx, wish, is_trade=False)
    except (NotEligible, SwapAlreadyTaken):
        return False
    return True


async def _open_to_the_first(tx: Tx, row: Any) -> None:
    undrawn = (
        update(swap)
        .where(tx.own(swap), swap.c.id == row.id, swap.c.version == row.version)
        .values(draws_at=None, version=swap.c.version + 1)
    )
    if await tx.write(undrawn):
        await record_swap_move(tx, EventType.SWAP_CHANGED, row.id)
