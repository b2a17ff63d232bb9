"""Messages to people: what is to be sent, to whom, by which channel, and what became of it (R184 to R190, A38)."""

from sqlalchemy import Column, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.notifications import Channel, DeliveryStatus
from models.base import ACTOR, APP, OFFICE, SYSTEM, Grant, Policy, at, one_of, protect, tenant_table

notification = protect(
    tenant_table(
        "notification",
        Column("person_id", Uuid, nullable=False),
        Column("channel", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("topic_key", Text, nullable=False, comment="What it is about; with person and channel it is sent once."),
        Column("address", Text, nullable=False),
        Column("content", JSONB, nullable=False, comment="subject and body; a sealed secret is never stored here."),
        Column("status", Text, nullable=False),
        Column("failure", Text),
        at("created_at"),
        at("sent_at", nullable=True),
        UniqueConstraint("tenant_id", "topic_key", "person_id", "channel"),
        one_of("channel", Channel),
        one_of("status", DeliveryStatus),
        Index("notification_by_person", "tenant_id", "person_id", "created_at", "id"),
    ),
    Policy("write", "INSERT", SYSTEM),
    Policy("office", "SELECT", OFFICE),
    Policy("own", "SELECT", f"person_id = {ACTOR}"),
    Policy("delivery", "UPDATE", SYSTEM),
    grants=(Grant(APP, "SELECT, INSERT, UPDATE"),),
)
