"""What cleaners are paid (R154, R160 to R177)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.payments.payouts import HoldReason, PayoutKind, PayoutStatus
from models.base import (
    ACTOR,
    ADMIN,
    ANY_CLEANER,
    APP,
    SYSTEM,
    Grant,
    Policy,
    at,
    belongs_to,
    one_of,
    protect,
    ref,
    tenant_table,
    version,
)

payroll_export = protect(
    tenant_table(
        "payroll_export",
        ref("market_id", nullable=True),
        Column("period_start", Date, nullable=False),
        Column("period_end", Date, nullable=False, comment="The last day of it."),
        Column("currency", Text, nullable=False),
        Column("lines", Integer, nullable=False),
        Column("total_cents", BigInteger, nullable=False),
        Column("content", Text, nullable=False, comment="The file, as it was first given out: it never changes."),
        Column("made_by", Uuid, nullable=False),
        at("created_at"),
        belongs_to("market_id", "market"),
        CheckConstraint("period_end >= period_start", name="has_length"),
        UniqueConstraint(
            "tenant_id",
            "market_id",
            "period_start",
            "period_end",
            name="payroll_export_once",
            postgresql_nulls_not_distinct=True,
        ),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("system", "ALL", SYSTEM),
    grants=(Grant(APP, "SELECT, INSERT, UPDATE"),),
)
"""What a business took over into its own payroll for a period (A41)."""

payout = protect(
    tenant_table(
        "payout",
        ref("job_id"),
        ref("cleaner_id"),
        ref("assignment_id", nullable=True),
        ref("payment_id"),
        ref("carried_into", nullable=True),
        Column("kind", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("currency", Text, nullable=False),
        Column("base_cents", BigInteger, nullable=False),
        Column("urgent_cents", BigInteger, nullable=False),
        Column("laundry_cents", BigInteger, nullable=False),
        Column("tip_cents", BigInteger, nullable=False, server_default=text("0")),
        Column(
            "carried_cents", BigInteger, nullable=False, server_default=text("0"), comment="Of earlier, too small ones."
        ),
        Column("amount_cents", BigInteger, nullable=False, comment="All parts together: what is transferred."),
        Column("reversed_cents", BigInteger, nullable=False, server_default=text("0")),
        Column("expected_hours", Numeric(5, 2), nullable=False),
        Column("rate_cents", Integer, nullable=False, comment="For an hour, as it was used (A49)."),
        Column("tier", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("policy", Text, nullable=False, comment="Who is paid of a crew, as it was decided (A11)."),
        Column("hold_reason", Text),
        Column("hold_note", Text, comment="What to do about it, in words for people."),
        Column("account_id", Text, comment="Where it went: the cleaner's account with the provider."),
        Column("transfer_id", Text),
        Column("failure", JSONB(none_as_null=True)),
        Column("decided_by", Uuid, comment="Who released a held one by hand."),
        ref("export_id", nullable=True),
        Column("bank_payout_id", Text, comment="The provider's id of what carries it to the cleaner's bank."),
        at("due_at"),
        at("released_at", nullable=True),
        at("created_at"),
        at("updated_at"),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("cleaner_id", "cleaner"),
        belongs_to("payment_id", "payment"),
        belongs_to("export_id", "payroll_export"),
        one_of("kind", PayoutKind),
        one_of("status", PayoutStatus),
        one_of("hold_reason", HoldReason),
        CheckConstraint(
            "amount_cents = base_cents + urgent_cents + laundry_cents + tip_cents + carried_cents", name="adds_up"
        ),
        CheckConstraint("amount_cents >= 0 and reversed_cents between 0 and amount_cents", name="amounts_sane"),
        UniqueConstraint("tenant_id", "job_id", "cleaner_id", "kind", "payment_id", name="payout_once"),
        UniqueConstraint("tenant_id", "transfer_id"),
        Index("payout_by_cleaner", "tenant_id", "cleaner_id", "id"),
        Index("payout_by_payment", "tenant_id", "payment_id", "id"),
        # Of a job's laundry there is one bonus (R162, A12).
        Index(
            "payout_one_laundry_lead",
            "tenant_id",
            "payment_id",
            unique=True,
            postgresql_where=text("laundry_cents > 0"),
        ),
        Index(
            "payout_waiting", "tenant_id", "status", "due_at", postgresql_where=text("status in ('PENDING', 'HELD')")
        ),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("own", "SELECT", f"{ANY_CLEANER} and cleaner_id = {ACTOR}"),
    Policy("system", "ALL", SYSTEM),
)
"""What one cleaner gets of one clean, part by part (R163, R177)."""
