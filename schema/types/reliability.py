"""How far a cleaner can be relied on, part by part, as clients see it."""

from datetime import datetime

import strawberry

from domain.fieldwork.reliability import ReliabilityPart
from schema.types.described import described


@described
@strawberry.type
class ReliabilityFactor:
    """One part of a score, with what it is made of."""

    name: ReliabilityPart
    """Which part."""
    weight: float
    """How much of the score it makes, 0 to 1; of no-shows the points that each takes off, negative."""
    value: float | None
    """The share that went well, recent jobs weighing more; null without any, and of no-shows."""
    smoothed: float | None
    """The same smoothed with five jobs at 0.8: what the score is made of; null of no-shows."""
    count: int
    """How many jobs it looks at."""
    explanation: str
    """The same in a sentence."""


@described
@strawberry.type
class Reliability:
    """A score from 0 to 100 of the last 90 days. Without any history it is 80."""

    score: int
    """The score."""
    formula: int
    """The version of the formula that made it."""
    parts: list[ReliabilityFactor]
    """What it is made of."""
    computed_at: datetime | None
    """When it was made; null where nothing has happened yet."""
