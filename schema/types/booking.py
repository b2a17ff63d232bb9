"""The catalogue as clients see it."""

from datetime import datetime
from decimal import Decimal

import strawberry

from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class Service(Node):
    """Something that the business offers."""

    name: str
    """Its name, unique in the business."""
    description: str
    """What it comprises."""
    expected_hours: Decimal
    """Hours per head, unless a job says otherwise; exact to two decimals."""
    archived_at: datetime | None
    """When it was taken out of the catalogue."""
    version: int
    """Counts changes."""
