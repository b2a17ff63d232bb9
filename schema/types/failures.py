"""Work that was given up, as the business's administrators see it."""

from datetime import datetime

import strawberry

from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class Task(Node):
    """Work that was to be done later and was given up after its last attempt; the platform's ops can retry it."""

    kind: str
    """What it was to do, as notify_swap."""
    attempts: int
    """How often it was tried."""
    last_error: str | None
    """The kind of the last failure."""
    run_at: datetime
    """When its last attempt was due, in business time."""
    finished_at: datetime | None
    """When it was given up, by the platform's clock."""
