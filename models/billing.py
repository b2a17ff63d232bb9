"""What a business pays the platform (A42)."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Table, Text, UniqueConstraint, Uuid, text

from domain.payments.states import SubscriptionStatus
from models.base import ADMIN, SYSTEM, Policy, at, metadata, one_of, protect, version

tenant_subscription = protect(
    Table(
        "tenant_subscription",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("id", Uuid, nullable=False),
        Column("plan", Text, nullable=False, comment="Its name in the platform's list."),
        Column("status", Text, nullable=False),
        Column("customer_id", Text, comment="The platform's provider's id of the business."),
        Column("subscription_id", Text),
        Column("wanted_plan", Text, comment="Chosen, and not paid for yet."),
        at("wanted_at", nullable=True),
        Column("checkout_url", Text, comment="Where the plan is paid for; null where no page is open."),
        at("checkout_until", nullable=True),
        at("trial_ends_at", nullable=True),
        at("paid_until", nullable=True),
        at("past_due_at", nullable=True),
        Column("ends_with_period", Boolean, nullable=False, server_default=text("false")),
        at("canceled_at", nullable=True),
        at("created_at"),
        version(),
        one_of("status", SubscriptionStatus),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "subscription_id"),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "ALL", SYSTEM),
)
"""A business's plan with the platform; one a business."""
