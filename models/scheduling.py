"""Jobs and who is assigned to them (R70 to R76)."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

from domain.scheduling import AssignmentRole, JobStatus, PaymentStatus
from models.base import (
    ACTOR,
    CLEANER,
    DEFINER,
    OFFICE,
    Policy,
    at,
    belongs_to,
    one_of,
    protect,
    ref,
    role_is,
    tenant_table,
    version,
)

job = protect(
    tenant_table(
        "job",
        ref("property_id"),
        ref("customer_id"),
        ref("market_id"),
        ref("service_id", nullable=True),
        ref("plan_id", nullable=True),
        ref("quote_id", nullable=True),
        Column("planned_on", Date, comment="The day of its plan that it is for; moved, it stays that day's clean."),
        Column("price_cents", Integer, comment="Frozen when it was booked; null where no price is known yet."),
        Column("price", JSONB, comment="The breakdown, line by line."),
        Column("currency", Text),
        Column("pay_terms", JSONB, comment="What its cleaners are paid by, settled when it was proven (A11, A49)."),
        at("starts_at"),
        at("ends_at"),
        Column("expected_hours", Numeric(5, 2), nullable=False, comment="Hours per head (A12)."),
        Column("status", Text, nullable=False),
        Column("payment_status", Text, nullable=False),
        Column("payment_intent_id", Text),
        Column("prepaid", Boolean, nullable=False, server_default=text("false")),
        Column("is_urgent", Boolean, nullable=False, server_default=text("false")),
        Column("instructions", Text, nullable=False, server_default=text("''")),
        at("late_at", nullable=True, doc="When the office was told that nobody had come yet (A46)."),
        at("missed_at", nullable=True, doc="When it became a no-show (A46)."),
        at("completed_at", nullable=True),
        at("canceled_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("property_id", "property"),
        belongs_to("customer_id", "customer"),
        belongs_to("market_id", "market"),
        belongs_to("service_id", "service"),
        belongs_to("plan_id", "service_plan"),
        belongs_to("quote_id", "quote"),
        one_of("status", JobStatus),
        one_of("payment_status", PaymentStatus),
        CheckConstraint("ends_at > starts_at", name="has_length"),
        # What the assignments' copies of the customer and these times refer to.
        UniqueConstraint("tenant_id", "id", "customer_id", "starts_at", "ends_at", name="job_times_key"),
        CheckConstraint("price_cents > 0", name="price_positive"),
        # A plan's cleans are generated again and again, each once (R64).
        UniqueConstraint("tenant_id", "plan_id", "planned_on", name="job_once_a_day_of_plan"),
        Index("job_by_start", "tenant_id", "starts_at", "id"),
        Index(
            "job_to_hold",
            "tenant_id",
            "market_id",
            "starts_at",
            postgresql_where=text("payment_status in ('PENDING', 'FAILED', 'EXPIRED', 'RELEASED') and not prepaid"),
        ),
        Index("job_by_property", "tenant_id", "property_id", "starts_at", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("customer", "SELECT", f"{role_is('customer')} and customer_id = {ACTOR}"),
    Policy(
        "assigned",
        "SELECT",
        f"""{CLEANER} and exists (select from assignment own
            where own.tenant_id = job.tenant_id and own.job_id = job.id and own.cleaner_id = {ACTOR})""",
    ),
    Policy(
        "offered",
        "SELECT",
        f"""{CLEANER} and exists (select from swap offered
            where offered.tenant_id = job.tenant_id and offered.job_id = job.id
              and offered.status in ('PENDING', 'AWAITING_APPROVAL'))""",
    ),
    Policy("handed_over", "SELECT", "true", to=DEFINER),
    Policy("hand_over", "UPDATE", "true", to=DEFINER),
)
"""One clean. `ends_at` is the start plus the expected hours."""

assignment = protect(
    tenant_table(
        "assignment",
        ref("job_id"),
        Column("customer_id", Uuid, nullable=False, comment="The job's, kept equal by the foreign key."),
        ref("cleaner_id"),
        Column("role", Text, nullable=False),
        at("starts_at", doc="The job's, kept equal by the foreign key."),
        at("ends_at", doc="The job's, kept equal by the foreign key."),
        at("released_at", nullable=True, doc="When the cleaner was taken off; null while the assignment is live."),
        at("created_at"),
        version(),
        belongs_to("cleaner_id", "cleaner"),
        one_of("role", AssignmentRole),
        ForeignKeyConstraint(
            ["tenant_id", "job_id", "customer_id", "starts_at", "ends_at"],
            ["job.tenant_id", "job.id", "job.customer_id", "job.starts_at", "job.ends_at"],
            onupdate="CASCADE",
        ),
        # The second wall behind the rule: nobody is in two places at once, whatever a command forgot.
        ExcludeConstraint(
            ("tenant_id", "="),
            ("cleaner_id", "="),
            (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
            name="assignment_no_overlap",
            using="gist",
            where=text("released_at is null and role <> 'BACKUP'"),
            deferrable=True,
            initially="IMMEDIATE",
        ),
        Index(
            "assignment_once",
            "tenant_id",
            "job_id",
            "cleaner_id",
            unique=True,
            postgresql_where=text("released_at is null"),
        ),
        Index(
            "assignment_one_primary",
            "tenant_id",
            "job_id",
            "role",
            unique=True,
            postgresql_where=text("released_at is null and role in ('PRIMARY', 'LAUNDRY_LEAD')"),
        ),
        Index("assignment_by_cleaner", "tenant_id", "cleaner_id", "starts_at", "id"),
        Index("assignment_by_customer", "tenant_id", "customer_id", "starts_at", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", f"{CLEANER} and cleaner_id = {ACTOR}"),
    # Asks the row and not its job: the job's policies ask the assignments, and PostgreSQL would go round in circles.
    Policy("customer", "SELECT", f"{role_is('customer')} and customer_id = {ACTOR}"),
    # For `hand_over`, and for `crew_of_actor`.
    Policy("handed_over", "SELECT", "true", to=DEFINER),
    Policy("hand_over", "UPDATE", "true", to=DEFINER),
    Policy("take_over", "INSERT", "true", to=DEFINER),
)
"""A cleaner on a job (R74). A swap moves the row to its taker; the history is in the event log and the audit."""
