"""The swap market, live: what is on offer, and who took it (R199, R250, R255)."""

from datetime import datetime
from typing import Final
from uuid import UUID

from domain.actors import Actor
from domain.events import EventType
from domain.feeds import HandOverRole
from domain.swaps import SwapStatus
from services.cards import SWAP_CARD, SWAP_CARD_FROM
from subscriptions.feeds import FRESH, OFFICE_CLASS, Asked, Facts, Fresh, Klass, Value, market_class, sees_market
from subscriptions.log import LogEvent
from subscriptions.reads import Rows, Snapshot

SWAP_EVENTS: Final = frozenset(
    {
        EventType.SWAP_OFFERED,
        EventType.SWAP_CHANGED,
        EventType.SWAP_REQUESTED,
        EventType.SWAP_ACCEPTED,
        EventType.SWAP_DECLINED,
        EventType.SWAP_RETURNED,
        EventType.SWAP_WITHDRAWN,
        EventType.SWAP_EXPIRED,
    }
)
_CARDS = f"""select coalesce(json_agg({SWAP_CARD} order by s.expires_at, s.id), '[]') from {SWAP_CARD_FROM}
    where s.tenant_id = stamp.tenant_id"""
_OPEN = f"{_CARDS} and s.status in ('{SwapStatus.PENDING}', '{SwapStatus.AWAITING_APPROVAL}')"
_IN_OWN_MARKETS = f"""{_CARDS} and s.status = '{SwapStatus.PENDING}'
    and exists (select from cleaner_market cm where cm.tenant_id = s.tenant_id
        and cm.market_id = s.market_id and cm.cleaner_id = stamp.actor_id)"""
_DEALS: Final = frozenset({EventType.SWAP_REQUESTED, EventType.SWAP_ACCEPTED})


class SwapMarketFeed:
    """Pending swaps of the viewer's markets (R94 to R103)."""

    field = "swapMarket"
    replays = True

    def klass(self, actor: Actor, facts: Facts, asked: Asked) -> Klass:
        """The office, or a set of markets."""
        return market_class(actor, facts)

    def until(self, klass: Klass) -> datetime | None:
        """Time changes nothing about who sees what."""
        return None

    def rows(self, klass: Klass) -> Rows:
        """The cards of what is pending, by their end. Time plays no part: an expiry is an event."""
        return Rows(_OPEN if klass == OFFICE_CLASS else _IN_OWN_MARKETS)

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """Every swap that the class may decide about: take, or for the office also approve."""
        return {"__typename": "SwapMarketSnapshot", "swaps": snapshot.rows}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """The two parties learn what they are to a hand-over, and to one that the office has to agree to."""
        if event.type not in _DEALS:
            return None
        if str(person) == event.card["owner_id"]:
            return HandOverRole.GAVE
        return HandOverRole.TOOK if str(person) == event.card["taker_id"] else None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """Listed or gone; more for parties and office. A renamed market or new zone changes every card."""
        if event.type == EventType.MARKET_CHANGED:
            return FRESH if sees_market(klass, str(event.entity_id)) else None
        if event.type not in SWAP_EVENTS:
            return None
        office = klass == OFFICE_CLASS
        if event.type in _DEALS and (part or (office and event.type == EventType.SWAP_ACCEPTED)):
            return _deal(event, part or HandOverRole.OFFICE)
        if not sees_market(klass, event.card["market_id"]):
            return None
        if event.card["status"] == SwapStatus.PENDING or (
            office and event.card["status"] == SwapStatus.AWAITING_APPROVAL
        ):
            return {"__typename": "SwapListed", "swap": event.card}
        return {"__typename": "SwapGone", "swap_id": event.card["id"]}


def _deal(event: LogEvent, role: str) -> Value:
    card = event.card
    named = {"swap_id": card["id"], "swap": card, "viewer_role": role}
    if event.type == EventType.SWAP_REQUESTED:
        return {"__typename": "SwapAwaitsApproval", **named}
    return {"__typename": "SwapHandedOver", "job_id": card["job_id"], **named}
