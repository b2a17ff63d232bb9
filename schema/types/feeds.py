"""The frames that every feed has in common."""

from datetime import datetime
from enum import Enum

import strawberry

from schema.types.described import described, enumerated
from schema.types.relay import Cursor


@enumerated
class ResyncReason(Enum):
    """Why a feed starts over."""

    TOO_OLD = "TOO_OLD"
    """The cursor is older than the log."""
    EPOCH_CHANGED = "EPOCH_CHANGED"
    """The database was restored since the cursor was made."""
    AHEAD = "AHEAD"
    """The cursor is ahead of the log."""


@described
@strawberry.type
class Heartbeat:
    """Nothing happened, and the line is alive."""

    cursor: Cursor
    """How far this feed has been delivered; a valid `after`."""
    server_time: datetime
    """Business time on the server."""


@described
@strawberry.type
class Resync:
    """What is missing cannot be replayed: a snapshot follows at once. Forget what was known before."""

    reason: ResyncReason
    """Why."""
