"""Messages and their delivery as clients see them."""

from datetime import datetime

import strawberry

from domain.notifications import Channel, DeliveryStatus
from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class Notification(Node):
    """A message to a person by one channel, and what became of it."""

    kind: str
    """What it is about, as swap_accepted."""
    channel: Channel
    """How it is sent."""
    person_id: strawberry.ID
    """To whom."""
    subject: str | None
    """Its subject; for the person."""
    body: str | None
    """Its text; for the person."""
    status: DeliveryStatus
    """What became of it."""
    created_at: datetime
    """When it was written."""
    sent_at: datetime | None
    """When the provider took it."""
