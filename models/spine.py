"""What every write leaves behind: events, audit, tasks, receipts; and what the workers keep."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.payments.automation import ACTS_IN_SQL
from domain.tasks import TaskState
from models.base import (
    ACTOR,
    ADMIN,
    APP,
    DEFINER,
    FEED,
    OPS,
    SYSTEM,
    Grant,
    Policy,
    Wall,
    at,
    metadata,
    one_of,
    protect,
    role_is,
    walls,
)

DISPATCHED = (
    "Tenant",
    "Market",
    "Cleaner",
    "Customer",
    "Property",
    "Service",
    "Job",
    "AvailabilitySubmission",
    "Swap",
    "StandingBid",
    "BookingDraft",
    "Quote",
    "QuoteRequest",
    "ServicePlan",
)
"""Of what a dispatcher is shown the events: their own areas. A new entity is none of them until it is named here."""

NOTHING = """'{"card": {}, "people": []}'::jsonb"""
"""What an event keeps once it has been scrubbed."""
TELLS_A_POSITION = f"type = 'CleanerMoved' and payload <> {NOTHING}"

tenant_head = protect(
    Table(
        "tenant_head",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("epoch", BigInteger, nullable=False),
        Column("seq", BigInteger, nullable=False, server_default=text("0")),
        Column("first_seq", BigInteger, nullable=False, server_default=text("1"), comment="The oldest event kept."),
        Column("audit_seq", BigInteger, nullable=False, server_default=text("0")),
        Column("audit_hash", LargeBinary, nullable=False, server_default=text("'\\x'")),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("read", "SELECT", "true"),
    Policy("found", "INSERT", SYSTEM),
    Policy("feed", "SELECT", "true", to=FEED),
    Policy("ops", "SELECT", "true", to=OPS),
    Policy("prune", "UPDATE", "true", to=OPS),
    Policy("append", "ALL", "true", to=DEFINER),
    grants=(Grant(APP, "SELECT, INSERT"), Grant(FEED, "SELECT"), Grant(OPS, "SELECT, UPDATE (first_seq)")),
)
"""Where each tenant's log stands. Its row lock puts the tenant's commits in one order."""

event = protect(
    Table(
        "event",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
        Column("type", Text, nullable=False),
        Column("entity", Text, nullable=False),
        Column("entity_id", Uuid, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("actor_id", Uuid, nullable=False),
        Column("request_id", Text, nullable=False),
        at("at"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        Index("event_of_position", "tenant_id", "at", postgresql_where=text(TELLS_A_POSITION)),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("dispatcher", "SELECT", f"{role_is('dispatcher')} and entity in {DISPATCHED}"),
    Policy("feed", "SELECT", "true", to=FEED),
    Policy("age", "SELECT", "true", to=OPS),
    Policy("prune", "DELETE", "true", to=OPS),
    Policy("scrub", "UPDATE", TELLS_A_POSITION, to=OPS, check=f"type = 'CleanerMoved' and payload = {NOTHING}"),
    Policy("append", "ALL", "true", to=DEFINER),
    # Ops may see how old an event is and delete it, but never read it; of one that tells where somebody was they may
    # take that away, and write nothing else.
    grants=(
        Grant(APP, "SELECT"),
        Grant(FEED, "SELECT"),
        Grant(OPS, "SELECT (tenant_id, seq, at), UPDATE (payload), DELETE"),
    ),
)
"""What happened, dense and in commit order. Only `log_append` writes it."""

audit = protect(
    Table(
        "audit",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("seq", BigInteger, primary_key=True),
        Column("action", Text, nullable=False, comment="The command's name."),
        Column("entity", Text, nullable=False),
        Column("entity_id", Uuid, nullable=False),
        Column("reason", Text),
        Column("detail", JSONB, nullable=False),
        Column("actor_id", Uuid, nullable=False),
        Column("actor_role", Text, nullable=False),
        Column("request_id", Text, nullable=False),
        at("at"),
        Column("hash", LargeBinary, nullable=False, comment="sha256 over the previous hash and this row."),
        Column("id", Uuid, nullable=False, server_default=text("uuidv7()"), comment="Only names the row: not hashed."),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        UniqueConstraint("tenant_id", "id"),
        # Where the heads of evidence chains are written down: each check of a packet asks for its own.
        Index("audit_of_evidence", "tenant_id", "entity_id", postgresql_where=text("entity = 'Evidence'")),
        Index(
            "audit_by_people", "tenant_id", "entity_id", "action", postgresql_where=text(f"action in ({ACTS_IN_SQL})")
        ),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("append", "ALL", "true", to=DEFINER),
    grants=(Grant(APP, "SELECT"),),
)
"""Who did what, append-only and hash-chained (R127, R247). Only `log_append` writes it."""

task = protect(
    Table(
        "task",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("payload", JSONB, nullable=False),
        at("run_at", doc="Business time of the tenant."),
        Column("state", Text, nullable=False, server_default=text("'READY'")),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        at("lease_until", nullable=True, doc="The database's raw clock."),
        Column("lease_token", Uuid, comment="The fence: only who holds it may record an outcome."),
        Column("worker", Text),
        Column("dedupe_key", Text),
        Column("last_error", Text),
        at("created_at"),
        at("finished_at", nullable=True),
        one_of("state", TaskState),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        UniqueConstraint("tenant_id", "dedupe_key"),
        Index("task_due", "run_at", postgresql_where=text("state in ('READY', 'LEASED')")),
        Index("task_dead", "tenant_id", "finished_at", postgresql_where=text("state = 'DEAD'")),
    ),
    Policy("write", "INSERT", "true"),
    Policy("failures", "SELECT", f"{ADMIN} and state = 'DEAD'"),
    Policy("ops", "ALL", "true", to=OPS),
    grants=(Grant(APP, "SELECT, INSERT"), Grant(OPS, "SELECT, INSERT, UPDATE, DELETE")),
)
"""Work that happens later; written in the transaction that wants it."""

duty_run = protect(
    Table(
        "duty_run",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("market_id", Uuid, primary_key=True),
        Column("duty", Text, primary_key=True),
        Column(
            "due_at", DateTime(timezone=True), primary_key=True, comment="Business time; a row a due time: runs once."
        ),
        Column("task_id", Uuid, nullable=False),
        at("noticed_at"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("ops", "ALL", "true", to=OPS),
    grants=(Grant(OPS, "SELECT, INSERT, DELETE"),),
)
"""Which periodic duty was due when, and the task that did it."""

mutation_receipt = protect(
    Table(
        "mutation_receipt",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("actor_id", Uuid, primary_key=True),
        Column("command", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("input_mac", LargeBinary, nullable=False),
        Column("entity_id", Uuid, nullable=False),
        at("at"),
        CheckConstraint("length(key) between 1 and 128", name="key_length"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        Index("mutation_receipt_age", "at"),
    ),
    Policy("own", "ALL", f"actor_id = {ACTOR}"),
    Policy("age", "SELECT", "true", to=OPS),
    Policy("prune", "DELETE", "true", to=OPS),
    grants=(Grant(APP, "SELECT, INSERT, UPDATE, DELETE"), Grant(OPS, "SELECT (tenant_id, at), DELETE")),
)
"""That a mutation with this key was done, and to what it led; kept 90 days."""

worker = Table(
    "worker",
    metadata,
    Column("id", Text, primary_key=True),
    at("started_at"),
    at("seen_at"),
    Column("running", Integer, nullable=False, server_default=text("0")),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("failed", BigInteger, nullable=False, server_default=text("0")),
)
"""The workers' heartbeats: of the platform, not of a tenant."""
walls["worker"] = Wall((), (Grant(OPS, "SELECT, INSERT, UPDATE, DELETE"),))
