"""The catalogue of services that a business offers (R24); prices come to it with the price books."""

from sqlalchemy import CheckConstraint, Column, Numeric, Text, UniqueConstraint, text

from models.base import ADMIN, ANY_CLEANER, OFFICE, Policy, at, protect, role_is, tenant_table, version

service = protect(
    tenant_table(
        "service",
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False, server_default=text("''")),
        Column("expected_hours", Numeric(5, 2), nullable=False, comment="Hours per head, unless a job says otherwise."),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("expected_hours > 0 and expected_hours <= 24", name="hours_sane"),
    ),
    Policy("catalogue", "SELECT", f"{OFFICE} or {ANY_CLEANER} or {role_is('customer')}"),
    Policy("admin", "ALL", ADMIN),
)
