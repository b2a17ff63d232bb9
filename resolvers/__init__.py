"""Where each field's value comes from, and the line that exposes each command: one file an area."""

from resolvers import availability, customers, identity, notifications, scheduling, swaps
from resolvers.engine.sources import same
from resolvers.registry import registry
from schema.types.query import Query

registry.sources(Query, None, viewer=same(), availability_window=availability.WINDOW)

AREAS = (
    getattr(identity, "MUTATIONS", {}),
    customers.MUTATIONS,
    scheduling.MUTATIONS,
    availability.MUTATIONS,
    swaps.MUTATIONS,
)
"""The mutations of each area, by name."""

__all__ = ["AREAS", "notifications", "registry"]
