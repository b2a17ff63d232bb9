"""When cleaners can work, and how they said so (R84, R93)."""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Index, Text, UniqueConstraint, Uuid

from models.base import ACTOR, ADMIN, CLEANER, OFFICE, Policy, at, belongs_to, protect, ref, tenant_table, version

availability_submission = protect(
    tenant_table(
        "availability_submission",
        ref("cleaner_id"),
        ref("market_id"),
        Column("period_start", Date, nullable=False, comment="The market-local Monday after the deadline (A23b)."),
        at("submitted_at"),
        Column("is_late", Boolean, nullable=False),
        Column("bypass_by", Uuid, comment="The admin who let it in after the window (R91, A24)."),
        Column("bypass_reason", Text),
        version(),
        belongs_to("cleaner_id", "cleaner"),
        belongs_to("market_id", "market"),
        UniqueConstraint("tenant_id", "cleaner_id", "market_id", "period_start"),
        CheckConstraint("(bypass_by is null) = (bypass_reason is null)", name="bypass_has_reason"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("bypass", "ALL", ADMIN),
    Policy("own", "ALL", f"{CLEANER} and cleaner_id = {ACTOR}"),
)

availability = protect(
    tenant_table(
        "availability",
        ref("submission_id"),
        ref("cleaner_id"),
        Column("day", Date, nullable=False, comment="The market-local day."),
        at("starts_at"),
        at("ends_at"),
        belongs_to("submission_id", "availability_submission"),
        belongs_to("cleaner_id", "cleaner"),
        CheckConstraint("ends_at > starts_at", name="has_length"),
        Index("availability_by_submission", "tenant_id", "submission_id", "starts_at", "id"),
        Index("availability_by_day", "tenant_id", "day", "cleaner_id"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("bypass", "ALL", ADMIN),
    Policy("own", "ALL", f"{CLEANER} and cleaner_id = {ACTOR}"),
)
"""One stretch of time in which a cleaner can be given work."""
