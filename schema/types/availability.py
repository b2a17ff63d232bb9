"""Availability and its submission window as clients see them."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from domain.availability import WindowState
from schema.types.described import described
from schema.types.feeds import Heartbeat, Resync
from schema.types.identity import Cleaner, Market
from schema.types.relay import Cursor, Node


@described
@strawberry.type
class NextWindow:
    """The first window that opens after the server's time."""

    opens_at: datetime
    """When it opens."""
    deadline_at: datetime
    """Its deadline."""


@described
@strawberry.type
class AvailabilityWindow:
    """The bi-weekly submission window of a market, by the server's clock in the market's zone.

    While CLOSED, its times and its two weeks are those of the next window.
    """

    state: WindowState
    """What a submission made now would meet."""
    server_time: datetime
    """Business time on the server; count down against this."""
    opens_at: datetime
    """When the window opens or opened."""
    deadline_at: datetime
    """Until when a submission is on time."""
    grace_ends_at: datetime
    """Until when a submission is accepted and marked late."""
    period_start: date
    """The Monday of the two weeks that it is for."""
    period_end: date
    """The last day of the two weeks, included."""
    next: NextWindow
    """The window after the present one."""


@described
@strawberry.type
class AvailabilitySlot:
    """A stretch of time in which a cleaner can work."""

    starts_at: datetime
    """When it starts."""
    ends_at: datetime
    """When it ends."""


@described
@strawberry.type
class AvailabilitySubmission(Node):
    """What a cleaner submitted for two weeks of a market."""

    cleaner: Cleaner
    """Whose availability."""
    market: Market | None
    """The market."""
    period_start: date
    """The Monday of the two weeks."""
    submitted_at: datetime
    """When it was submitted last."""
    is_late: bool
    """Whether it came in the grace period."""
    is_bypass: bool
    """Whether an admin wrote it outside the window."""
    bypass_reason: str | None
    """Why the window was bypassed; for the office."""
    slots: list[AvailabilitySlot]
    """The stretches of time, by start."""
    version: int
    """Counts submissions."""


@described
@strawberry.type
class SubmissionCard:
    """What the feed shows of a submission."""

    id: strawberry.ID
    """The submission's global id."""
    cleaner_id: strawberry.ID
    """Whose it is."""
    market_id: strawberry.ID
    """For which market."""
    period_start: date
    """The Monday of the two weeks."""
    submitted_at: datetime
    """When it was submitted last."""
    is_late: bool
    """Whether it came in the grace period."""
    bypassed: bool
    """Whether an admin wrote it outside the window."""
    slots: list[AvailabilitySlot]
    """The stretches of time, by start."""


@described
@strawberry.type
class AvailabilityWindowCard:
    """A market's window as of a change of its state."""

    market_id: strawberry.ID
    """The market."""
    market_name: str
    """The market's name."""
    zone: str
    """The market's time zone."""
    state: WindowState
    """The state it is in now."""
    opens_at: datetime
    """When the window opens or opened."""
    deadline_at: datetime
    """Until when a submission is on time."""
    grace_ends_at: datetime
    """Until when a submission is accepted and marked late."""
    period_start: date
    """The Monday of the two weeks."""
    period_end: date
    """The last day of the two weeks, included."""


@described
@strawberry.type
class AvailabilitySnapshot:
    """The windows and the submissions for their two weeks as of a place in the log."""

    cursor: Cursor
    """Resume after this."""
    server_time: datetime
    """Business time on the server."""
    windows: list[AvailabilityWindowCard]
    """The window of each market that the viewer works in, or of all for the office."""
    submissions: list[SubmissionCard]
    """The viewer's own submissions for those two weeks, or everybody's for the office."""


@described
@strawberry.type
class AvailabilitySubmitted:
    """A cleaner has submitted availability."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    submission: SubmissionCard
    """The submission."""


@described
@strawberry.type
class AvailabilityWindowChanged:
    """A market's window has opened, gone into grace, or closed."""

    cursor: Cursor
    """Resume after this."""
    previous: Cursor
    """The cursor of the frame before."""
    window: AvailabilityWindowCard
    """The window now."""


AvailabilityFrame = Annotated[
    AvailabilitySnapshot | AvailabilitySubmitted | AvailabilityWindowChanged | Heartbeat | Resync,
    strawberry.union(
        "AvailabilityFrame",
        description="One message of the availability feed: a snapshot first, then changes, each with its cursor.",
    ),
]
