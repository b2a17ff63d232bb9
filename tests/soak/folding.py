"""What a client knows of a feed: the last snapshot with every change since folded into it."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

Frame = dict[str, Any]
State = dict[Any, Any]

_CARD = """fragment card on SwapCard { id status note role ownerId ownerName jobId startsAt endsAt expectedHours
    isUrgent city openedAt expiresAt version %s }"""
_SWAPS = (
    """subscription ($after: Cursor) { swapMarket(after: $after) { __typename
    ... on SwapMarketSnapshot { cursor serverTime swaps { ...card } }
    ... on SwapListed { cursor previous swap { ...card } }
    ... on SwapGone { cursor previous swapId }
    ... on SwapHandedOver { cursor previous swapId jobId viewerRole }
    ... on Heartbeat { cursor previous serverTime } ... on Resync { reason } } } """
    + _CARD
)
_SUBMISSION = "id cleanerId marketId periodStart submittedAt isLate bypassed slots { startsAt endsAt }"
_WINDOW = "marketId marketName zone state opensAt deadlineAt"
_AVAILABILITY = f"""subscription ($after: Cursor) {{ availability(after: $after) {{ __typename
    ... on AvailabilitySnapshot {{ cursor serverTime windows {{ {_WINDOW} }} submissions {{ {_SUBMISSION} }} }}
    ... on AvailabilitySubmitted {{ cursor previous submission {{ {_SUBMISSION} }} }}
    ... on AvailabilityWindowChanged {{ cursor previous window {{ {_WINDOW} }} }}
    ... on Heartbeat {{ cursor previous serverTime }} ... on Resync {{ reason }} }} }}"""


class Fold(Protocol):
    """One feed as a client reads it."""

    state: State
    is_personal: bool
    """Whether it asks for what depends on the viewer's own shifts."""
    kinds: ClassVar[dict[str, frozenset[str]]]
    """By type of event: what a viewer may be shown of it."""

    @property
    def query(self) -> str:
        """The subscription."""
        ...

    def anew(self) -> "Fold":
        """One that asks the same and knows nothing yet."""
        ...

    def begin(self, snapshot: Frame) -> None:
        """Forget what was known."""

    def change(self, delta: Frame) -> str:
        """Fold a change in; the global id of what it is about."""
        ...


@dataclass(slots=True)
class Market:
    """The open swaps by id. A personal one also asks whether the viewer could take each."""

    is_personal: bool = False
    state: State = field(default_factory=dict)
    kinds: ClassVar[dict[str, frozenset[str]]] = {
        "SwapOffered": frozenset({"SwapListed"}),
        "SwapChanged": frozenset({"SwapListed"}),
        "SwapAccepted": frozenset({"SwapGone", "SwapHandedOver"}),
        "SwapWithdrawn": frozenset({"SwapGone"}),
        "SwapExpired": frozenset({"SwapGone"}),
    }

    @property
    def query(self) -> str:
        """The subscription."""
        return _SWAPS % ("viewerCanTake { ok reasons { code } }" if self.is_personal else "")

    def anew(self) -> "Market":
        """The same question."""
        return Market(self.is_personal)

    def begin(self, snapshot: Frame) -> None:
        """What is on offer."""
        self.state = {card["id"]: card for card in snapshot["swaps"]}

    def change(self, delta: Frame) -> str:
        """One more, or one less."""
        if delta["__typename"] == "SwapListed":
            id: str = delta["swap"]["id"]
            self.state[id] = delta["swap"]
            return id
        id = delta["swapId"]
        self.state.pop(id, None)
        return id


@dataclass(slots=True)
class Availability:
    """Windows by market, submissions by id."""

    state: State = field(default_factory=dict)
    is_personal: bool = False
    kinds: ClassVar[dict[str, frozenset[str]]] = {
        "AvailabilitySubmitted": frozenset({"AvailabilitySubmitted"}),
        "AvailabilityWindowChanged": frozenset({"AvailabilityWindowChanged"}),
    }

    @property
    def query(self) -> str:
        """The subscription."""
        return _AVAILABILITY

    def anew(self) -> "Availability":
        """The same question."""
        return Availability()

    def begin(self, snapshot: Frame) -> None:
        """What is submitted."""
        self.state = {card["marketId"]: card for card in snapshot["windows"]}
        self.state |= {card["id"]: card for card in snapshot["submissions"]}

    def change(self, delta: Frame) -> str:
        """A submission replaces the one of the same person and weeks, a window itself."""
        card = delta.get("submission") or delta["window"]
        id: str = card["id"] if "submission" in delta else card["marketId"]
        self.state[id] = card
        return id
