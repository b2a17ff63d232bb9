"""The frames that every feed has in common."""

from datetime import datetime

import strawberry

from domain.feeds import ResyncReason
from schema.types.described import described
from schema.types.relay import Cursor


@described
@strawberry.type
class Heartbeat:
    """Nothing happened, and the line is alive."""

    cursor: Cursor
    """How far this feed has been delivered; a valid `after`."""
    previous: Cursor
    """The cursor of the frame before; if it is not the one known, something is missing."""
    server_time: datetime
    """Business time on the server."""


@described
@strawberry.type
class Resync:
    """What is missing cannot be replayed: a snapshot follows at once. Forget what was known before."""

    reason: ResyncReason
    """Why."""
