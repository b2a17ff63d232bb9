"""Where each field's value comes from, and the line that exposes each command: one file an area."""

import strawberry

from resolvers import (
    audit,
    availability,
    booking,
    codes,
    customers,
    fieldwork,
    identity,
    live_jobs,
    notifications,
    onboarding,
    ops,
    photos,
    scheduling,
    sign_in,
    swaps,
    tracks,
)
from resolvers.engine.sources import same
from resolvers.events import EVENTS
from resolvers.ops import OPS, TASKS
from resolvers.registry import registry
from resolvers.verification import VERIFY_EVIDENCE
from schema.types.described import described
from schema.types.query import Reads

AREAS = (
    sign_in.MUTATIONS,
    identity.MUTATIONS,
    onboarding.MUTATIONS,
    customers.MUTATIONS,
    booking.MUTATIONS,
    scheduling.MUTATIONS,
    fieldwork.MUTATIONS,
    tracks.MUTATIONS,
    codes.MUTATIONS,
    photos.MUTATIONS,
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
    verify_evidence = VERIFY_EVIDENCE
    tasks = TASKS


registry.sources(
    Query,
    None,
    viewer=same(),
    availability_window=availability.WINDOW,
    failed_tasks=audit.FAILED_TASKS,
    legal_documents=onboarding.LEGAL_DOCUMENTS,
)

__all__ = ["AREAS", "Query", "live_jobs", "notifications", "registry"]
