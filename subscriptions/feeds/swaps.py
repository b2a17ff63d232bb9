"""The swap market, live: what is on offer, and who took it (R199, R250, R255)."""

from typing import Final
from uuid import UUID

from domain.actors import Actor
from domain.events import EventType
from domain.feeds import HandOverRole
from domain.swaps import SwapStatus
from services.cards import SWAP_CARD, SWAP_CARD_FROM
from subscriptions.feeds import FRESH, OFFICE_CLASS, Facts, Fresh, Klass, Value, market_class, sees_market
from subscriptions.log import LogEvent
from subscriptions.reads import Snapshot

SWAP_EVENTS: Final = frozenset(
    {
        EventType.SWAP_OFFERED,
        EventType.SWAP_CHANGED,
        EventType.SWAP_ACCEPTED,
        EventType.SWAP_WITHDRAWN,
        EventType.SWAP_EXPIRED,
    }
)
_PENDING = f"""select coalesce(json_agg({SWAP_CARD} order by s.expires_at, s.id), '[]') from {SWAP_CARD_FROM}
    where s.tenant_id = stamp.tenant_id and s.status = '{SwapStatus.PENDING}'"""
_IN_OWN_MARKETS = """ and exists (select from cleaner_market cm where cm.tenant_id = s.tenant_id
    and cm.market_id = s.market_id and cm.cleaner_id = stamp.actor_id)"""


class SwapMarketFeed:
    """Pending swaps of the viewer's markets (R94 to R103)."""

    field = "swapMarket"

    def klass(self, actor: Actor, facts: Facts) -> Klass:
        """The office, or a set of markets."""
        return market_class(actor, facts)

    def rows(self, klass: Klass) -> str:
        """The cards of what is pending, by their end. Time plays no part: an expiry is an event."""
        return _PENDING if klass == OFFICE_CLASS else _PENDING + _IN_OWN_MARKETS

    def snapshot(self, klass: Klass, snapshot: Snapshot) -> Value:
        """Every pending swap."""
        return {"__typename": "SwapMarketSnapshot", "swaps": snapshot.rows}

    def part(self, event: LogEvent, person: UUID) -> str | None:
        """The two parties of a hand-over learn what they are to it."""
        if event.type != EventType.SWAP_ACCEPTED:
            return None
        if str(person) == event.card["owner_id"]:
            return HandOverRole.GAVE
        return HandOverRole.TOOK if str(person) == event.card["taker_id"] else None

    def delta(self, event: LogEvent, klass: Klass, part: str | None) -> Value | Fresh | None:
        """Listed or gone; handed over for parties and office. A renamed market or new zone changes every card."""
        if event.type == EventType.MARKET_CHANGED:
            return FRESH if sees_market(klass, str(event.entity_id)) else None
        if event.type not in SWAP_EVENTS:
            return None
        if event.type == EventType.SWAP_ACCEPTED and (part or klass == OFFICE_CLASS):
            return _handed_over(event, part or HandOverRole.OFFICE)
        if not sees_market(klass, event.card["market_id"]):
            return None
        if event.card["status"] == SwapStatus.PENDING:
            return {"__typename": "SwapListed", "swap": event.card}
        return {"__typename": "SwapGone", "swap_id": event.card["id"]}


def _handed_over(event: LogEvent, role: str) -> Value:
    card = event.card
    ids = {"swap_id": card["id"], "job_id": card["job_id"]}
    return {"__typename": "SwapHandedOver", **ids, "swap": card, "viewer_role": role}
