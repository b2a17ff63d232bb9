"""Where cleaners were while they worked, as their devices told."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.fieldwork.tracks import TrackFlag
from schema.types.described import described
from schema.types.identity import Cleaner
from schema.types.relay import Node

if TYPE_CHECKING:
    from schema.types.fieldwork import Visit
    from schema.types.scheduling import Job


@described
@strawberry.type
class TrackPoint:
    """One position of a track, as the device told it."""

    at: datetime
    """When, by the device's clock."""
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    accuracy_metres: float
    """The radius in metres within which the device is likely to be."""
    is_mock: bool
    """Whether the system said that the position is made up."""


@described
@strawberry.type
class TrackBatch(Node):
    """A part of where a device went: kept as it came, and never proof by itself.

    For the office and its cleaner, for the customer once the job is over.
    """

    job: Annotated["Job", strawberry.lazy("schema.types.scheduling")]
    """The job."""
    visit: Annotated["Visit", strawberry.lazy("schema.types.fieldwork")]
    """The visit that it belongs to."""
    cleaner: Cleaner | None
    """Whose device it was; null for who may not know."""
    sequence: int
    """The device's own count."""
    points: list[TrackPoint]
    """The positions, in the order of time."""
    first_at: datetime
    """The first position's time, by the device's clock."""
    last_at: datetime
    """The last one's."""
    received_at: datetime
    """When the server received it."""
    plausibility: int
    """How far it can be believed, 0 to 100."""
    flags: list[TrackFlag]
    """What speaks against it."""
    digest: str
    """sha256 of the positions in hex, as the evidence chain names it."""
