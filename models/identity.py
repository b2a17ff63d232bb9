"""Tenants, markets, people, and the credentials that prove them."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.actors import Role
from domain.onboarding import SkillSource
from domain.scheduling import OnboardingState, Skill
from models.base import (
    ACTOR,
    ADMIN,
    ANONYMOUS,
    ANY_CLEANER,
    DEFINER,
    OFFICE,
    SYSTEM,
    Policy,
    at,
    belongs_to,
    metadata,
    one_of,
    protect,
    ref,
    role_is,
    tenant_table,
    version,
)

STAFF_ROLES = (Role.OWNER, Role.ADMIN, Role.DISPATCHER, Role.OPS)

tenant = protect(
    Table(
        "tenant",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("slug", Text, nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
        Column("clock_offset", Interval, nullable=False, server_default=text("'0'")),
        Column("is_read_only", Boolean, nullable=False, server_default=text("false"), comment="Unpaid (A42)."),
        at("created_at"),
        version(),
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'", name="slug_form"),
    ),
    Policy("known", "SELECT", "true"),
    Policy("founded", "INSERT", SYSTEM),
    Policy("run", "UPDATE", ADMIN),
    Policy("found_by_slug", "SELECT", "true", to=DEFINER),
)
"""One cleaning business (R8). `clock_offset` moves this tenant's business time in the sandbox."""

market = protect(
    tenant_table(
        "market",
        Column("name", Text, nullable=False),
        Column("zone", Text, nullable=False),
        Column("window_epoch", Date, nullable=False),
        Column("window_lead_days", Integer, nullable=False, server_default=text("0")),
        Column("window_deadline_hour", Integer, nullable=False, server_default=text("18")),
        Column("window_grace_minutes", Integer, nullable=False, server_default=text("60")),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        UniqueConstraint("tenant_id", "name"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("customers", "SELECT", role_is("customer")),
    Policy(
        "own",
        "SELECT",
        f"""{ANY_CLEANER} and exists (select from cleaner_market own
            where own.tenant_id = market.tenant_id and own.market_id = market.id and own.cleaner_id = {ACTOR})""",
    ),
    Policy("admin", "ALL", ADMIN),
    # To PostgreSQL a row lock is an UPDATE: what is planned in a market holds it, and nothing of it may change.
    Policy("held", "UPDATE", OFFICE, check="false"),
    Policy("clocks", "SELECT", "true", to=DEFINER),
)
"""A region with a wall clock of its own (A25); the window columns are its availability calendar (R84 to R90, A23)."""

staff = protect(
    tenant_table(
        "staff",
        Column("name", Text, nullable=False),
        Column("email", Text, nullable=False),
        Column("role", Text, nullable=False),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        UniqueConstraint("tenant_id", "email"),
        one_of("role", STAFF_ROLES),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("self", "SELECT", f"id = {ACTOR}"),
    Policy("admin", "ALL", ADMIN),
)
"""People of the office, and in the platform's tenant its ops. Their secrets are in `credential`."""

cleaner = protect(
    tenant_table(
        "cleaner",
        Column("name", Text, nullable=False),
        Column("email", Text),
        Column("phone", Text),
        Column(
            "pay_tier", Text, nullable=False, server_default=text("'standard'"), comment="Rates: tenant settings (A49)."
        ),
        Column("home_latitude", Double),
        Column("home_longitude", Double),
        Column("onboarding", Text, nullable=False),
        Column(
            "missing_stages",
            ARRAY(Text),
            nullable=False,
            server_default=text("'{PROFILE,PAYOUTS,DOCUMENTS,SKILLS}'"),
            comment="What is not done yet (R134), also where an administrator has opened the gate all the same.",
        ),
        at("certified_at", nullable=True, doc="When they said what they can do, be it nothing special (R133)."),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        one_of("onboarding", OnboardingState),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("colleagues", "SELECT", ANY_CLEANER),
    # By a trusted function and not by the assignments themselves: their policies ask this table whether a cleaner is
    # onboarded (R18), and PostgreSQL refuses policies that go round in circles. It runs once a statement, and not at
    # all where the role is another; an array, because this text is part of every statement that asks for a cleaner.
    Policy("booked", "SELECT", f"{role_is('customer')} and id = any ((select crew_of_actor())::uuid[])"),
    # The row lock that serialises one cleaner's schedule is an UPDATE to PostgreSQL; nothing of the row may change.
    Policy("self", "UPDATE", f"{ANY_CLEANER} and id = {ACTOR}", check="false"),
)
"""A worker (R23). Colleagues, and customers whose jobs they are on, may read the row; the schema gates its columns."""

cleaner_market = protect(
    Table(
        "cleaner_market",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("cleaner_id", Uuid, primary_key=True),
        Column("market_id", Uuid, primary_key=True),
        belongs_to("cleaner_id", "cleaner"),
        belongs_to("market_id", "market"),
        Index("cleaner_market_by_market", "tenant_id", "market_id", "cleaner_id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", f"{ANY_CLEANER} and cleaner_id = {ACTOR}"),
)

cleaner_skill = protect(
    Table(
        "cleaner_skill",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("cleaner_id", Uuid, primary_key=True),
        Column("skill", Text, primary_key=True),
        Column("source", Text, nullable=False, server_default=text("'OFFICE'"), comment="Who says so (R133)."),
        at("certified_at", nullable=True, doc="When the cleaner said so."),
        belongs_to("cleaner_id", "cleaner"),
        one_of("skill", Skill),
        one_of("source", SkillSource),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", f"{ANY_CLEANER} and cleaner_id = {ACTOR}"),
)

credential = protect(
    Table(
        "credential",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("person_id", Uuid, primary_key=True),
        Column("role", Text, nullable=False),
        Column(
            "login", Text, nullable=False, comment="Lower-case email, the keyed hash of a QR token, or a customer's id."
        ),
        Column("secret_hash", Text, comment="Argon2id; null until the first password or PIN is set."),
        at("secret_deadline", nullable=True, doc="Until when a first PIN may be set (A8)."),
        Column("failures", Integer, nullable=False, server_default=text("0")),
        Column("locks", Integer, nullable=False, server_default=text("0"), comment="Locks in a row; each doubles."),
        at("locked_until", nullable=True),
        Column("disabled", Boolean, nullable=False, server_default=text("false")),
        UniqueConstraint("tenant_id", "login"),
        one_of("role", (*STAFF_ROLES, Role.CLEANER, Role.CUSTOMER)),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("sign_in", "SELECT", ANONYMOUS),
    Policy("attempts", "UPDATE", ANONYMOUS),
    Policy("self", "SELECT", f"person_id = {ACTOR}"),
    Policy("admin", "ALL", ADMIN),
)
"""What proves a person: password for staff (R9), QR token and PIN for cleaners (R10, R11). In no answer (R4, R231).

A customer's has no secret: they are whoever reads the mail to their address (R30).
"""

session = protect(
    tenant_table(
        "session",
        Column("person_id", Uuid, nullable=False),
        Column("role", Text, nullable=False),
        at("created_at"),
        at("seen_at"),
        at("expires_at"),
        at("revoked_at", nullable=True),
        Column("revoked_because", Text),
        Column("device", Text, nullable=False, server_default=text("''")),
        Index("session_by_person", "tenant_id", "person_id"),
    ),
    Policy("signs_in", "ALL", ANONYMOUS),
    Policy("own", "SELECT", f"person_id = {ACTOR}"),
    Policy("own_end", "UPDATE", f"person_id = {ACTOR}"),
    # Whoever archives a customer ends their sessions.
    Policy("customers", "SELECT", f"{OFFICE} and role = 'customer'"),
    Policy("customers_end", "UPDATE", f"{OFFICE} and role = 'customer'"),
    Policy("admin", "ALL", ADMIN),
)
"""One sign-in. Its id is the refresh family; a revoked row ends every token that names it (R12, R13)."""

refresh_token = protect(
    tenant_table(
        "refresh_token",
        ref("session_id"),
        Column("generation", Integer, nullable=False),
        Column("token_hash", LargeBinary, nullable=False),
        at("created_at"),
        at("expires_at"),
        at("used_at", nullable=True),
        belongs_to("session_id", "session"),
        UniqueConstraint("tenant_id", "session_id", "generation"),
        UniqueConstraint("tenant_id", "token_hash"),
    ),
    Policy("rotation", "ALL", ANONYMOUS),
    Policy("system", "ALL", SYSTEM),
)
"""One generation of a refresh family; only hashes are kept (A6)."""

sign_in_source = protect(
    Table(
        "sign_in_source",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("source", Text, primary_key=True, comment="Keyed hash of the network address."),
        Column("failures", Integer, nullable=False, server_default=text("0")),
        Column("locks", Integer, nullable=False, server_default=text("0")),
        at("locked_until", nullable=True),
        at("seen_at"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("attempts", "ALL", ANONYMOUS),
    Policy("system", "ALL", SYSTEM),
)
"""Failed sign-ins by network address (A7)."""

mailed_link = protect(
    tenant_table(
        "mailed_link",
        Column("person_id", Uuid, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("token_hash", LargeBinary, nullable=False),
        at("created_at"),
        at("expires_at"),
        at("used_at", nullable=True),
        one_of("purpose", ("invite", "reset", "sign-in")),
        UniqueConstraint("tenant_id", "token_hash"),
    ),
    Policy("redeem", "ALL", ANONYMOUS),
    Policy("admin", "ALL", ADMIN),
)
"""An invitation, a password reset or a customer's sign-in on its way by mail; single use, stored hashed."""
