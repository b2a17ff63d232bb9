"""The audit log as administrators read it."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from domain.actors import Role
from schema.types.described import described
from schema.types.relay import Node


@described
@strawberry.type
class AuditEntry(Node):
    """One thing that somebody did. Entries are appended, never changed, and chained, so that a change would show."""

    seq: int
    """Its place in the business's audit log: dense, from 1."""
    action: str
    """What was done, as offer_swap."""
    entity: str
    """The type of what it was done to, as Swap."""
    entity_id: strawberry.ID
    """Its global id; `node` finds it where it is one of the types that can be fetched by id."""
    reason: str | None
    """The reason that was given."""
    detail: JSON
    """What else was noted, exactly as it was written: ids in it are plain."""
    actor_id: strawberry.ID | None
    """Who did it, as a person's global id; null for the installation itself and for who was not signed in."""
    actor_role: Role
    """In which role."""
    request_id: str
    """The request in which it was done."""
    at: datetime
    """When, in business time."""
