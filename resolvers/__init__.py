"""Where each field's value comes from, and the line that exposes each command: one file an area."""

import strawberry

from resolvers import audit, availability, booking, customers, identity, notifications, ops, scheduling, sign_in, swaps
from resolvers.engine.sources import same
from resolvers.events import EVENTS
from resolvers.ops import OPS, TASKS
from resolvers.registry import registry
from schema.types.described import described
from schema.types.query import Reads

AREAS = (
    sign_in.MUTATIONS,
    identity.MUTATIONS,
    customers.MUTATIONS,
    booking.MUTATIONS,
    scheduling.MUTATIONS,
    availability.MUTATIONS,
    swaps.MUTATIONS,
    ops.MUTATIONS,
)
"""The mutations of each area, by name."""


@described
@strawberry.type(description="Everything that can be read: only what the credential's tenant and role may see.")
class Query(Reads):
    """The compiled reads; the event log, whose cursors are signed; and the control room, which looks across tenants."""

    events = EVENTS
    ops = OPS
    tasks = TASKS


registry.sources(Query, None, viewer=same(), availability_window=availability.WINDOW, failed_tasks=audit.FAILED_TASKS)

__all__ = ["AREAS", "Query", "notifications", "registry"]
