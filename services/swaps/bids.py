"""Standing bids: a cleaner says once which shifts they would always take."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.errors import Conflict
from domain.events import Event, EventType
from domain.ids import MarketId, StandingBidId
from domain.standing import StandingBid, ensure_standing_bid
from domain.swaps import SwapKind, SwapStatus
from models import standing_bid, swap
from services.availability import market_of
from services.gate import ensure_onboarded
from services.inputs import arg
from services.scheduling import lock_cleaners, tenant_policy
from services.swaps.holding import hold_bids

MOST_BIDS = 20
"""How many standing bids one cleaner may have at once."""
MOST_SWAPS = 100
"""How many open swaps a new bid is entered for at once."""


@dataclass(frozen=True, slots=True)
class PlaceStandingBid:
    """The shifts that the acting cleaner wants whenever one comes up; by the market's wall clock."""

    market_id: MarketId = arg("A market that the cleaner works in.")
    weekdays: list[int] = arg("On which days the shifts start, from 1 for Monday to 7 for Sunday.")
    earliest_minute: int = arg("The earliest start, in minutes after midnight.", default=0)
    latest_minute: int = arg(
        "The latest end, in minutes after midnight of the day of the start; up to 2880, the end of the next day.",
        default=2_880,
    )
    from_day: date | None = arg("The first day of such a shift.", default=None)
    until_day: date | None = arg("The last day of such a shift.", default=None)


@dataclass(frozen=True, slots=True)
class WithdrawStandingBid:
    """A standing bid that holds no more."""

    standing_bid_id: StandingBidId = arg("The bid to withdraw.")


@command(Role.CLEANER)
async def place_standing_bid(tx: Tx, input: PlaceStandingBid) -> StandingBidId:
    """Say "take any of these for me": entered for every shift that fits, also for those on the market now.

    A shift is taken only while every rule allows it (A27b). CONFLICT where the tenant has no standing bids.
    """
    await ensure_onboarded(tx)
    if not (await tenant_policy(tx)).swaps.standing_bids:
        raise Conflict("This business has no standing bids.")
    place = await market_of(tx, tx.actor.cleaner_id, input.market_id)
    bid = StandingBid(
        cleaner_id=tx.actor.cleaner_id,
        market_id=input.market_id,
        weekdays=frozenset(input.weekdays),
        earliest_minute=input.earliest_minute,
        latest_minute=input.latest_minute,
        from_day=input.from_day,
        until_day=input.until_day,
    )
    ensure_standing_bid(bid, tx.now.astimezone(ZoneInfo(place.zone)).date())
    await hold_bids(tx, input.market_id, placing=True)
    await _ensure_room(tx)
    values = {name: getattr(bid, name) for name in ("earliest_minute", "latest_minute", "from_day", "until_day")}
    made = StandingBidId(
        await tx.insert(
            standing_bid,
            cleaner_id=bid.cleaner_id,
            market_id=bid.market_id,
            weekdays=sorted(bid.weekdays),
            placed_at=tx.now,
            **values,
        )
    )
    await _enter_for_open_swaps(tx, input.market_id, made)
    await _tell(tx, made)
    return made


@command(Role.CLEANER, *OFFICE)
async def withdraw_standing_bid(tx: Tx, input: WithdrawStandingBid) -> StandingBidId:
    """End a standing bid: its cleaner, or the office. What it has taken stays taken; ending twice changes nothing."""
    row = await tx.get(standing_bid, input.standing_bid_id, "standingBidId")
    if row.withdrawn_at is None:
        await tx.change(standing_bid, row.id, withdrawn_at=tx.now)
        await _tell(tx, input.standing_bid_id)
    return input.standing_bid_id


async def _ensure_room(tx: Tx) -> None:
    await lock_cleaners(tx, [tx.actor.cleaner_id])
    held = select(func.count()).where(
        tx.own(standing_bid),
        standing_bid.c.cleaner_id == tx.actor.cleaner_id,
        standing_bid.c.withdrawn_at.is_(None),
    )
    if await tx.scalar(held) >= MOST_BIDS:
        raise Conflict(f"At most {MOST_BIDS} standing bids at once: withdraw one first.")


async def _enter_for_open_swaps(tx: Tx, market_id: MarketId, bid_id: StandingBidId) -> None:
    """What is to be drawn later finds the bid by itself; what the first may take is looked at now."""
    fitting = select(swap.c.id).where(
        tx.own(swap),
        swap.c.market_id == market_id,
        swap.c.status == SwapStatus.PENDING,
        swap.c.kind == SwapKind.COVER,
        swap.c.draws_at.is_(None),
    )
    for row in await tx.all(fitting.order_by(swap.c.expires_at, swap.c.id).limit(MOST_SWAPS)):
        tx.later("draw_swap", {"swap_id": str(row.id)}, dedupe_key=f"draw:{row.id}:{bid_id}")


async def _tell(tx: Tx, id: StandingBidId) -> None:
    row = await tx.get(standing_bid, id)
    card = {"id": str(id), "market_id": str(row.market_id), "withdrawn": row.withdrawn_at is not None}
    tx.audit("StandingBid", id, detail=card)
    tx.emit(Event(EventType.STANDING_BID_CHANGED, "StandingBid", id, card))
