"""The swap market as clients see it: swaps, the cards of the live feed, and the feed's frames."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain.eligibility import ReasonCode
from domain.feeds import HandOverRole
from domain.scheduling import AssignmentRole, Laundry, Skill
from domain.swaps import SwapKind, SwapStatus
from schema.types.described import described
from schema.types.feeds import Heartbeat, Resync
from schema.types.identity import Cleaner, Market
from schema.types.relay import Cursor, Node
from schema.types.scheduling import Assignment, Job


@described
@strawberry.type
class Reason:
    """One reason why a shift cannot be taken."""

    code: ReasonCode
    """Which rule; branch on this."""
    message: str
    """The rule with its numbers, for the cleaner."""


@described
@strawberry.type
class CanTake:
    """Whether the acting cleaner may take a shift now."""

    ok: bool
    """True if nothing speaks against it."""
    reasons: list[Reason]
    """Everything that speaks against it."""


@described
@strawberry.type
class SwapPreview:
    """What taking a shift would mean for the acting cleaner."""

    earnings_cents: int
    """Pay with bonuses, in cents of the tenant's currency."""
    earnings: Decimal
    """The same in units of the currency, exact."""
    travel_minutes: int
    """Minutes of travel to it from the day's previous shift, else from home."""
    week_hours: Decimal
    """Hours of work in the shift's market-local week, this shift included."""


@described
@strawberry.type
class Swap(Node):
    """A shift that looks, or looked, for somebody else."""

    kind: SwapKind
    """One-way, or one shift for another."""
    status: SwapStatus
    """Where it stands."""
    note: str
    """What its owner wants colleagues to know."""
    role: AssignmentRole
    """What the taker will be on the job."""
    job: Job | None
    """The job; null for an owner who has given it away."""
    assignment: Assignment | None
    """The shift; the office and whoever holds it."""
    market: Market | None
    """The market it is offered in."""
    owner: Cleaner
    """Who offers it."""
    taker: Cleaner | None
    """Who took it."""
    opened_at: datetime
    """When it was offered."""
    expires_at: datetime
    """Until when it can be taken."""
    closed_at: datetime | None
    """When it was taken, withdrawn or expired."""
    viewer_can_take: CanTake | None
    """Whether the acting cleaner may take it; null for others."""
    viewer_preview: SwapPreview | None
    """What taking it would mean for the acting cleaner; null for others."""
    version: int
    """Counts changes."""


@described
@strawberry.type
class SwapCard:
    """What the market shows of a shift: enough to decide, nothing of the home's address."""

    id: strawberry.ID
    """The swap's global id."""
    kind: SwapKind
    """One-way, or one shift for another."""
    status: SwapStatus
    """Where it stood when the card was made."""
    note: str
    """What its owner wants colleagues to know."""
    role: AssignmentRole
    """What the taker will be on the job."""
    owner_id: strawberry.ID
    """Who offers it."""
    owner_name: str
    """The owner's display name."""
    market_id: strawberry.ID
    """The market."""
    market_name: str
    """The market's name."""
    zone: str
    """The market's time zone."""
    job_id: strawberry.ID
    """The job."""
    starts_at: datetime
    """When the shift starts."""
    ends_at: datetime
    """When it ends."""
    expected_hours: Decimal
    """Hours of work, exact to two decimals."""
    is_urgent: bool
    """Whether the urgent bonus is paid."""
    city: str
    """The home's city."""
    bedrooms: int
    """The home's bedrooms."""
    bathrooms: int
    """The home's bathrooms."""
    square_feet: int
    """The home's area in square feet."""
    laundry: Laundry
    """Where its laundry is done."""
    laundry_loads: int
    """Loads of laundry."""
    hot_tub: bool
    """Whether there is a hot tub to service."""
    required_skills: list[Skill]
    """What it demands of its cleaner."""
    opened_at: datetime
    """When it was offered."""
    expires_at: datetime
    """Until when it can be taken."""
    version: int
    """Counts changes of the swap."""
    viewer_can_take: CanTake | None
    """Whether the acting cleaner may take it; null for others. Selecting it makes the feed personal."""
    viewer_preview: SwapPreview | None
    """What taking it would mean for the acting cleaner; null for others. Selecting it makes the feed personal."""


@described
@strawberry.type
class SwapMarketSnapshot:
    """The open swaps as of a place in the log; forget what was known before."""

    cursor: Cursor
    """Resume after this."""
    server_time: datetime
    """Business time on the server."""
    swaps: list[SwapCard]
    """Every open swap that the viewer may see, the one that ends first, first."""


@described
@strawberry.type
class SwapListed:
    """A swap is open: new, or its card has changed."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before; if it is not the one known, something is missing."""
    swap: SwapCard
    """The swap."""


@described
@strawberry.type
class SwapGone:
    """A swap is not open any more."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    swap_id: strawberry.ID
    """Which one."""


@described
@strawberry.type
class SwapHandedOver:
    """A shift has changed hands; its two cleaners and the office are told, everybody else gets SwapGone."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    swap_id: strawberry.ID
    """Which swap."""
    job_id: strawberry.ID
    """Whose job."""
    swap: SwapCard
    """The swap as it is now."""
    viewer_role: HandOverRole
    """What the viewer has to do with it."""


SwapMarketFrame = Annotated[
    SwapMarketSnapshot | SwapListed | SwapGone | SwapHandedOver | Heartbeat | Resync,
    strawberry.union(
        "SwapMarketFrame",
        description="One message of the swap market's feed: a snapshot first, then changes, each with its cursor.",
    ),
]
