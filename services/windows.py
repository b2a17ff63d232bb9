"""Announcing that a market's availability window has changed its state, at the instant at which it does (R87, R92)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.availability import MarketCalendar, Window, WindowState, next_transition, window_at
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

    The card is the window as it is now, so that whoever hears of it late, or of two changes in the wrong order, ends up
    with the truth. An instant that is none of the calendar's any more, because an admin has changed it, is passed over.
    """
    place = await tx.get(market, input.market_id, "marketId")
    changed_to = _changed_to(calendar_of(place), input.at)
    if place.archived_at is None and changed_to is not None:
        window = window_at(calendar_of(place), tx.now)
        _tell(tx, place, window)
        if window.state is changed_to:
            payload = {"market_id": str(place.id), "at": input.at.isoformat()}
            tx.later("notify_window", payload, dedupe_key=f"notify:window:{place.id}:{input.at.isoformat()}")
    return input.market_id


@command(Role.SYSTEM)
async def repeat_window(tx: Tx, input: AnnounceWindow) -> MarketId:
    """Tell those who watch where the window stands now; for ops (A4). Nobody is notified."""
    place = await tx.get(market, input.market_id, "marketId")
    _tell(tx, place, window_at(calendar_of(place), tx.now))
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


def _tell(tx: Tx, place: Any, window: Window) -> None:
    tx.emit(Event(EventType.AVAILABILITY_WINDOW_CHANGED, "Market", place.id, window_card(place, window)))


def _changed_to(calendar: MarketCalendar, instant: datetime) -> WindowState | None:
    change = next_transition(calendar, instant - datetime.resolution)
    return change.state if change.at == instant else None
