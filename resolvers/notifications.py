"""Messages: where their fields come from."""

from typing import Any

from models import notification
from resolvers.engine.sources import Sql, computed, sql
from resolvers.registry import registry
from schema.types.notifications import Notification
from schema.types.relay import encode_id


def _content(part: str) -> Sql:
    """A part of the message for the person it goes to; null for the office, which sees the status alone."""

    def write(row: Any, stamp: Any) -> str:
        return f"CASE WHEN {row.person_id} = {stamp.actor_id} THEN {row.content} ->> '{part}' END"

    return sql(write)


def person(person_id: Any) -> str:
    """The person as a global id: messages go to cleaners and staff, whose ids never collide."""
    return encode_id("Person", person_id)


registry.sources(
    Notification,
    notification,
    person_id=computed(person),
    subject=_content("subject"),
    body=_content("body"),
)
