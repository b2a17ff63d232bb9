"""The audit log and what was given up: where their fields come from. Policies show both to administrators alone."""

from datetime import datetime
from uuid import UUID

import strawberry

from domain.actors import NOBODY
from domain.tasks import TaskState
from models import audit, task
from resolvers.engine.sources import computed, many, sql, where
from resolvers.registry import registry
from schema.types.audit import AuditEntry
from schema.types.failures import Task
from schema.types.filters import AuditFilter, FailedTaskOrder
from schema.types.relay import encode_id

PEOPLE = ("Person", "Staff", "Cleaner", "Customer")
"""The types of ids that name somebody; no two people have the same key."""


def entity_id(entity: str, entity_id: UUID) -> strawberry.ID:
    """What an entry is about, as a global id."""
    return encode_id(entity, entity_id)


def actor_id(actor_id: UUID) -> strawberry.ID | None:
    """Who acted, as a person's global id; None for nobody in person."""
    return None if actor_id == NOBODY else encode_id("Person", actor_id)


registry.sources(AuditEntry, audit, entity_id=computed(entity_id), actor_id=computed(actor_id))
registry.filters(AuditFilter, actor_id=where(lambda row, value: f"{row.actor_id} = {value}", id_of=PEOPLE))

registry.sources(Task, task)
registry.orders(
    FailedTaskOrder, finished_at=sql(lambda row: f"coalesce({row.finished_at}, {row.created_at})", datetime)
)

FAILED_TASKS = many(where=lambda row: f"{row.state} = '{TaskState.DEAD}'")
