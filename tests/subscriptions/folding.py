"""What a client has in hand after a feed's frames: the fold that the contract promises to equal a fresh snapshot.

A feed is what its snapshot, its frames that put a card and its frames that remove one do. The tests hold this table
against the schema, so that a new feed or frame without a fold is found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

Frame = Mapping[str, Any]
Held = dict[str, dict[str, bytes]]
"""By shelf and key, each card as it was sent, byte for byte."""
TWO_WEEKS = timedelta(days=14)


@dataclass(frozen=True)
class Steps:
    """What each frame of a feed does to what the client holds."""

    snapshot: str
    shelves: Mapping[str, str]
    """The snapshot's lists, each with the field that is its cards' key."""
    puts: Mapping[str, tuple[str, str]]
    """Frames that bring a card: the field it is in, and the shelf it belongs to."""
    removes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Frames that take cards away: the field with the key, or keys, and the shelf."""
    clears: frozenset[str] = frozenset()
    """Frames that take all away."""
    silent: frozenset[str] = frozenset({"Heartbeat"})

    @property
    def kinds(self) -> frozenset[str]:
        """Every frame that this fold knows."""
        return frozenset({self.snapshot, "Resync", *self.puts, *self.removes}) | self.clears | self.silent


_JOBS = Steps(
    "JobsSnapshot", {"jobs": "id"}, puts={"JobShown": ("job", "jobs")}, removes={"JobGone": ("jobId", "jobs")}
)
FOLDS: Mapping[str, Steps] = {
    "swapMarket": Steps(
        "SwapMarketSnapshot",
        {"swaps": "id"},
        puts={"SwapListed": ("swap", "swaps")},
        removes={
            "SwapGone": ("swapId", "swaps"),
            "SwapAwaitsApproval": ("swapId", "swaps"),
            "SwapHandedOver": ("swapId", "swaps"),
        },
    ),
    "availability": Steps(
        "AvailabilitySnapshot",
        {"windows": "marketId", "submissions": "id"},
        puts={
            "AvailabilitySubmitted": ("submission", "submissions"),
            "AvailabilityWindowChanged": ("window", "windows"),
        },
    ),
    "jobs": _JOBS,
    "job": _JOBS,
    "liveLocation": Steps(
        "LocationsSnapshot",
        {"locations": "visitId"},
        puts={"LocationMoved": ("location", "locations")},
        removes={"LocationGone": ("visitIds", "locations")},
        clears=frozenset({"LocationsEnded"}),
    ),
    "payments": Steps(
        "PaymentsSnapshot",
        {"payments": "id"},
        puts={"PaymentShown": ("payment", "payments")},
        removes={"PaymentGone": ("paymentId", "payments")},
    ),
    "automation": Steps("AutomationSnapshot", {"automation": "days"}, puts={}),
    "payouts": Steps(
        "PayoutsSnapshot",
        {"payouts": "id"},
        puts={"PayoutShown": ("payout", "payouts")},
        removes={"PayoutGone": ("payoutId", "payouts")},
    ),
}
"""By the subscription's field."""


def _cards(shelf: Any) -> list[Frame]:
    """A shelf's cards; of one that holds a single card that one."""
    return shelf if isinstance(shelf, list) else [shelf]


class Fold:
    """One client of one feed."""

    def __init__(self, feed: str) -> None:
        self._steps = FOLDS[feed]
        self._cards: dict[str, dict[str, Frame]] = {}
        self._zones: dict[str, ZoneInfo] = {}
        """A market's zone outlives its window, which goes where the market is given up."""

    def take(self, frame: Frame) -> None:
        """Do what the frame says; a frame that nothing is known of is an error."""
        kind, steps = frame["__typename"], self._steps
        if kind == "Resync":
            self._cards = {}
        elif kind == steps.snapshot:
            self._cards = {
                shelf: {card[key]: card for card in _cards(frame[shelf])} for shelf, key in steps.shelves.items()
            }
        elif kind in steps.puts:
            where, shelf = steps.puts[kind]
            self._cards[shelf][frame[where][steps.shelves[shelf]]] = frame[where]
        elif kind in steps.removes:
            where, shelf = steps.removes[kind]
            for key in frame[where] if isinstance(frame[where], list) else [frame[where]]:
                self._cards[shelf].pop(key, None)
        elif kind in steps.clears:
            self._cards = {shelf: {} for shelf in steps.shelves}
        else:
            assert kind in steps.silent, kind
        for window in self._cards.get("windows", {}).values():
            self._zones[window["marketId"]] = ZoneInfo(window["zone"])

    def held(self, now: datetime) -> Held:
        """What is in hand at this business time.

        Time is the only thing that no frame tells: a submission whose two weeks are over is in no snapshot any more,
        and a client lets it go by its date. Nothing else may differ.
        """
        return {
            shelf: {key: orjson.dumps(card) for key, card in cards.items() if not self._is_over(card, now)}
            for shelf, cards in self._cards.items()
        }

    def _is_over(self, card: Frame, now: datetime) -> bool:
        if "periodStart" not in card or "submittedAt" not in card:
            return False
        today = now.astimezone(self._zones[card["marketId"]]).date()
        return date.fromisoformat(card["periodStart"]) + TWO_WEEKS <= today
