"""How long a clean of a home takes by rule of thumb, where nobody has said so (R24, R60)."""

from decimal import Decimal

from domain.price_book import HomeFacts
from domain.scheduling import LONGEST_SHIFT_HOURS

START_HOURS = Decimal(1)
"""To come in, look around and leave."""
ROOM_HOURS = Decimal("0.5")
"""For each bedroom and each bathroom."""


def usual_hours(home: HomeFacts) -> Decimal:
    """Hours per head: one, and half of one a room, at most the longest shift; three bedrooms and two baths are 3.5."""
    return min(START_HOURS + ROOM_HOURS * (home.bedrooms + home.bathrooms), Decimal(LONGEST_SHIFT_HOURS))
