"""The swap market: where its fields come from, what its cards show, and its mutations."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.eligibility import reasons_not_to_take
from domain.scheduling import Laundry, required_skills
from domain.swaps import SwapFacts, preview
from models import assignment, cleaner, standing_bid, swap
from resolvers.common import card_id, is_set
from resolvers.engine.sources import computed, one, sql, where
from resolvers.expose import expose
from resolvers.registry import registry
from resolvers.swap_filter import can_take
from schema.types.filters import StandingBidFilter, SwapFilter, SwapOrder
from schema.types.identity import Cleaner
from schema.types.relay import encode_id
from schema.types.swaps import StandingBid, Swap, SwapAwaitsApproval, SwapCard, SwapGone, SwapHandedOver
from services import swaps as commands
from services.cards import SWAP_CARD, SWAP_CARD_FROM
from services.swap_facts import ViewerFacts, swap_facts, viewer_facts, viewer_facts_sql

_CARD = sql(
    lambda row: f"(SELECT {SWAP_CARD} FROM {SWAP_CARD_FROM} WHERE s.tenant_id = {row.tenant_id} AND s.id = {row.id})",
    dict,
)

_WANTS = sql(
    lambda row: (
        f"(SELECT json_agg(w.assignment_id ORDER BY w.assignment_id) FROM swap_want w"
        f" WHERE w.tenant_id = {row.tenant_id} AND w.swap_id = {row.id})"
    ),
    list,
)

Card = Mapping[str, Any]


class _Newest:
    """The facts of the card that was asked for last: a feed asks of the same one for each of its viewers."""

    def __init__(self) -> None:
        self._kept: tuple[Card, SwapFacts] | None = None

    def facts(self, card: Card) -> SwapFacts:
        """The facts of this very mapping, which nobody changes.

        Without its taker: that a swap awaits the office for this very cleaner lets the office agree, and leaves them
        nothing more to take.
        """
        kept = self._kept
        if kept is None or kept[0] is not card:
            kept = self._kept = card, replace(swap_facts(card), taker_id=None)
        return kept[1]


_newest = _Newest()


def viewer_can_take(card: Card | None, viewer: ViewerFacts | None, now: datetime) -> Card | None:
    """Whether the acting cleaner may take the swap now, with every reason against it (A27b)."""
    if card is None or viewer is None:
        return None
    reasons = reasons_not_to_take(_newest.facts(card), viewer.taker, viewer.policy.swaps, now)
    return {"ok": not reasons, "reasons": [{"code": one.code, "message": one.message} for one in reasons]}


def viewer_preview(card: Card | None, viewer: ViewerFacts | None) -> Card | None:
    """What taking the swap would mean for the acting cleaner."""
    if card is None or viewer is None:
        return None
    meant = preview(_newest.facts(card), viewer.taker, viewer.policy)
    return {
        "earnings_cents": meant.earnings_cents,
        "earnings": Decimal(meant.earnings_cents).scaleb(-2),
        "travel_minutes": meant.travel_minutes,
        "week_hours": meant.week_hours,
    }


def has_asked(row: Any, stamp: Any) -> str:
    """Whether the acting cleaner is entered in the swap's draw."""
    return f"""EXISTS (SELECT FROM swap_ask asked WHERE asked.tenant_id = {row.tenant_id}
        AND asked.swap_id = {row.id} AND asked.cleaner_id = {stamp.actor_id})"""


def wanted(wants: list[str] | None) -> list[str]:
    """The shifts that a TRADE names, as global ids."""
    return [encode_id("Assignment", id) for id in wants or ()]


def card_skills(hot_tub: bool, laundry: str) -> list[str]:
    """What the shift's home demands (R80)."""
    return sorted(required_skills(has_hot_tub=hot_tub, laundry=Laundry(laundry)))


registry.viewer_facts(lambda stamp: viewer_facts_sql(stamp.tenant_id, stamp.actor_id, stamp.now), viewer_facts)
registry.sources(
    Swap,
    swap,
    owner=one(cleaner, on="owner_id"),
    given=one(assignment, on="given_id"),
    wanted_assignment_ids=computed(wanted, wants=_WANTS),
    viewer_has_asked=sql(has_asked),
    viewer_can_take=computed(viewer_can_take, card=_CARD),
    viewer_preview=computed(viewer_preview, card=_CARD),
)
registry.card(
    SwapCard,
    id=card_id("Swap", "id"),
    owner_id=card_id("Cleaner", "owner_id"),
    taker_id=card_id("Cleaner", "taker_id"),
    assignment_id=card_id("Assignment", "assignment_id"),
    wanted_assignment_ids=computed(wanted),
    market_id=card_id("Market", "market_id"),
    job_id=card_id("Job", "job_id"),
    required_skills=computed(card_skills),
    viewer_can_take=computed(viewer_can_take),
    viewer_preview=computed(viewer_preview),
)
registry.card(SwapGone, swap_id=card_id("Swap", "swap_id"))
registry.card(SwapAwaitsApproval, swap_id=card_id("Swap", "swap_id"))
registry.card(SwapHandedOver, swap_id=card_id("Swap", "swap_id"), job_id=card_id("Job", "job_id"))
registry.sources(StandingBid, standing_bid)
registry.filters(StandingBidFilter, is_withdrawn=is_set("withdrawn_at"))
registry.filters(
    SwapFilter,
    is_mine=where(
        lambda row, stamp, value: f"coalesce({stamp.actor_id} IN ({row.owner_id}, {row.taker_id}), false) = {value}"
    ),
    can_take=where(lambda row, stamp, value: f"({can_take(row, stamp)}) = {value}"),
)
registry.orders(
    SwapOrder,
    job_starts_at=sql(
        lambda row: f"(SELECT j.starts_at FROM job j WHERE j.tenant_id = {row.tenant_id} AND j.id = {row.job_id})",
        datetime,
    ),
)

MUTATIONS = {
    "offer_swap": expose(commands.offer_swap, Swap),
    "accept_swap": expose(commands.accept_swap, Swap),
    "withdraw_swap": expose(commands.withdraw_swap, Swap),
    "return_swap": expose(commands.return_swap, Swap),
    "approve_swap": expose(commands.approve_swap, Swap),
    "decline_swap": expose(commands.decline_swap, Swap),
    "open_cover": expose(commands.open_cover, Swap),
    "cover_sick_call": expose(commands.cover_sick_call, Cleaner),
    "place_standing_bid": expose(commands.place_standing_bid, StandingBid),
    "withdraw_standing_bid": expose(commands.withdraw_standing_bid, StandingBid),
}
