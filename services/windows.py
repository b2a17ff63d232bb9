"""Announcing that a market's availability window has changed its state, at the instant at which it does (R87, R92)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.availability import MarketCalendar, Window, next_transition, window_at
from domain.events import Event, EventType
from domain.ids import MarketId
from models import market
from services.availability import calendar_of


@dataclass(frozen=True, slots=True)
class AnnounceWindow:
    """A change of a market's window."""

    market_id: MarketId
    at: datetime
    """The instant at which the window changes; for a repeat, when ops asked for it."""


@command(Role.SYSTEM)
async def announce_window(tx: Tx, input: AnnounceWindow) -> MarketId:
    """Tell everybody who watches that the window changed at this instant (R92), and its cleaners if that is still news.

    An instant that is none of the calendar's any more, because an admin has changed it, is passed over in silence.
    """
    place = await tx.get(market, input.market_id, "marketId")
    window = _changed_at(calendar_of(place), input.at)
    if place.archived_at is None and window is not None:
        card = window_card(place, window)
        tx.emit(Event(EventType.AVAILABILITY_WINDOW_CHANGED, "Market", place.id, card))
        if window.state is window_at(calendar_of(place), tx.now).state:
            payload = {"market_id": str(place.id), "at": input.at.isoformat()}
            tx.later("notify_window", payload, dedupe_key=f"notify:window:{place.id}:{input.at.isoformat()}")
    return input.market_id


@command(Role.SYSTEM)
async def repeat_window(tx: Tx, input: AnnounceWindow) -> MarketId:
    """Tell those who watch where the window stands now; for ops (A4). Nobody is notified."""
    place = await tx.get(market, input.market_id, "marketId")
    card = window_card(place, window_at(calendar_of(place), tx.now))
    tx.emit(Event(EventType.AVAILABILITY_WINDOW_CHANGED, "Market", place.id, card))
    return input.market_id


def window_card(place: Any, window: Window) -> dict[str, Any]:
    """The card of a market's window, from the market's row; keys are the card type's field names."""
    instants = ("opens_at", "deadline_at", "grace_ends_at", "next_opens_at", "next_deadline_at")
    return {
        "market_id": str(place.id),
        "market_name": place.name,
        "zone": place.zone,
        "state": window.state.value,
        **{name: getattr(window, name).isoformat() for name in instants},
        "period_start": window.period_start.isoformat(),
        "period_end": window.period_end.isoformat(),
    }


def _changed_at(calendar: MarketCalendar, instant: datetime) -> Window | None:
    change = next_transition(calendar, instant - datetime.resolution)
    return change.window if change.at == instant else None
