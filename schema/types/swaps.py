"""The swap market as clients see it: swaps, the cards of the live feed, and the feed's frames."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from domain.eligibility import ReasonCode
from domain.feeds import HandOverRole
from domain.scheduling import AssignmentRole, Laundry, Skill
from domain.swaps import SwapKind, SwapOpener, SwapStatus
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
    """What whoever opened it wants takers to know."""
    role: AssignmentRole
    """What the taker will be on the job."""
    job: Job | None
    """The job; null for an owner who has given it away."""
    assignment: Assignment | None
    """The shift; the office and whoever holds it."""
    market: Market | None
    """The market it is offered in."""
    owner: Cleaner | None
    """Whose shift it is, or was; null for a place on a job that nobody had."""
    taker: Cleaner | None
    """Who took it, or would once the office agrees."""
    opened_by: SwapOpener
    """Whether its cleaner or the office put it on the market."""
    urgent_bonus: bool
    """Whether its taker earns the urgent bonus although the job is not urgent."""
    wanted_assignment_ids: list[strawberry.ID]
    """Of a TRADE, the shifts of which its owner would take one; empty for a COVER."""
    given: Assignment | None
    """Of a TRADE that was taken, the shift that was given for it; the office and whoever holds it."""
    opened_at: datetime
    """When it was offered."""
    draws_at: datetime | None
    """When it is drawn among those who asked; null if the first who accepts takes it."""
    expires_at: datetime
    """Until when it can be taken."""
    closed_at: datetime | None
    """When it was taken, declined, withdrawn, given back or expired."""
    viewer_has_asked: bool
    """Whether the acting cleaner asked for it, to be entered in the draw."""
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
    owner_id: strawberry.ID | None
    """Whose shift it is; null for a place on a job that nobody has."""
    owner_name: str | None
    """The owner's display name."""
    taker_id: strawberry.ID | None
    """Who took it, or would once the office agrees."""
    taker_name: str | None
    """The taker's display name."""
    opened_by: SwapOpener
    """Whether its cleaner or the office put it on the market."""
    assignment_id: strawberry.ID | None
    """The shift; null for a place on a job that nobody has."""
    wanted_assignment_ids: list[strawberry.ID]
    """Of a TRADE, the shifts of which its owner would take one; empty for a COVER."""
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
    """Whether the job is urgent, for which the urgent bonus is paid."""
    urgent_bonus: bool
    """Whether its taker earns the urgent bonus although the job is not urgent."""
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
    draws_at: datetime | None
    """When it is drawn among those who asked; null if the first who accepts takes it."""
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
    """Every open swap that the viewer may see, the one that ends first, first; for the office also those to approve."""


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


@described
@strawberry.type
class SwapAwaitsApproval:
    """Somebody wants a shift and the office has to agree; its two cleaners are told, their colleagues get SwapGone.

    The office gets SwapListed: to it the swap stays open until it is decided.
    """

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    swap_id: strawberry.ID
    """Which swap; it is not on the market any more."""
    swap: SwapCard
    """The swap as it is now."""
    viewer_role: HandOverRole
    """What the viewer has to do with it."""


@described
@strawberry.type
class StandingBid(Node):
    """A cleaner's "take any of these for me": entered for every shift of the market that fits."""

    cleaner: Cleaner
    """Whose it is."""
    market: Market
    """The market."""
    weekdays: list[int]
    """On which market-local days the shifts start, from 1 for Monday to 7 for Sunday."""
    earliest_minute: int
    """The earliest start, in minutes after market-local midnight."""
    latest_minute: int
    """The latest end, in minutes after midnight of the day of the start."""
    from_day: date | None
    """The first day of such a shift."""
    until_day: date | None
    """The last day of such a shift."""
    placed_at: datetime
    """When it was placed."""
    withdrawn_at: datetime | None
    """When it was withdrawn; null while it holds."""
    version: int
    """Counts changes."""


SwapMarketFrame = Annotated[
    SwapMarketSnapshot | SwapListed | SwapGone | SwapAwaitsApproval | SwapHandedOver | Heartbeat | Resync,
    strawberry.union(
        "SwapMarketFrame",
        description="One message of the swap market's feed: a snapshot first, then changes, each with its cursor.",
    ),
]
