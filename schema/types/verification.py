"""What a check of a job's evidence found."""

from datetime import datetime

import strawberry

from domain.fieldwork.chain import Fault
from schema.types.described import described


@described
@strawberry.type
class EvidenceProblem:
    """Something that is not as it was written down."""

    fault: Fault
    """What kind of thing it is."""
    entry: int | None
    """The number of the chain's entry, if it is about one."""
    message: str
    """The same for people."""


@described
@strawberry.type
class EvidenceReport:
    """A job's chain, computed anew, and everything beside it compared with what the chain wrote down."""

    is_intact: bool
    """Whether nothing was found."""
    problems: list[EvidenceProblem]
    """What was found."""
    entries: int
    """How many entries the chain has."""
    head: str
    """The last entry's SHA-256, in hexadecimal."""
    photos_read: int
    """How many photos' bytes were read from the store and compared."""
    checked_at: datetime
    """When this check was made, by the server."""
