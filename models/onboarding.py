"""What comes before a cleaner's first job: profile, payout account, documents (R130 to R136, R7)."""

from sqlalchemy import ARRAY, CheckConstraint, Column, Date, Integer, LargeBinary, Text, UniqueConstraint, text

from domain.onboarding import DocumentKind, PayoutAccountStatus
from models.base import (
    ACTOR,
    ADMIN,
    ANY_CLEANER,
    APP,
    OFFICE,
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

OWN = f"{ANY_CLEANER} and cleaner_id = {ACTOR}"

cleaner_profile = protect(
    tenant_table(
        "cleaner_profile",
        ref("cleaner_id"),
        Column("legal_name", Text, nullable=False),
        Column("birth_date", Date, nullable=False),
        Column("address", Text, nullable=False),
        Column("city", Text, nullable=False),
        Column("postal_code", Text, nullable=False),
        Column("emergency_contact", Text, nullable=False),
        Column("emergency_phone", Text, nullable=False),
        Column("years_of_experience", Integer, nullable=False),
        Column("about", Text, nullable=False, server_default=text("''")),
        at("submitted_at"),
        version(),
        belongs_to("cleaner_id", "cleaner"),
        UniqueConstraint("tenant_id", "cleaner_id"),
        CheckConstraint("years_of_experience between 0 and 80", name="experience_sane"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("own", "ALL", OWN),
)
"""Who a cleaner is, as they say themselves (R130); apart from `cleaner`, whose row colleagues may read."""

payout_account = protect(
    tenant_table(
        "payout_account",
        ref("cleaner_id"),
        Column("status", Text, nullable=False),
        Column("account_id", Text, comment="The provider's id of the account (R136)."),
        Column("requirements", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("link", Text, comment="The provider's page for the cleaner; only they are shown it."),
        at("link_expires_at", nullable=True),
        at("requested_at"),
        at("ready_at", nullable=True, doc="Since when it is complete (R136); null while it is not."),
        version(),
        belongs_to("cleaner_id", "cleaner"),
        UniqueConstraint("tenant_id", "cleaner_id"),
        UniqueConstraint("tenant_id", "account_id"),
        one_of("status", PayoutAccountStatus),
    ),
    Policy("admin", "SELECT", ADMIN),
    Policy("own", "SELECT", OWN),
    Policy("asked", "INSERT", OWN),
    Policy("system", "ALL", SYSTEM),
)
"""A cleaner's account with the payment provider (R131, R135, R136)."""

legal_document = protect(
    tenant_table(
        "legal_document",
        Column("kind", Text, nullable=False),
        Column("edition", Integer, nullable=False, comment="1, 2, 3, ... of its kind; the last one is in force."),
        Column("title", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False, comment="sha256 of title and body."),
        at("published_at"),
        UniqueConstraint("tenant_id", "kind", "edition"),
        one_of("kind", DocumentKind),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("cleaners", "SELECT", ANY_CLEANER),
    Policy("published", "INSERT", ADMIN),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""A text of the business to be signed; never changed, only followed by another edition."""

signed_document = protect(
    tenant_table(
        "signed_document",
        ref("cleaner_id"),
        Column("kind", Text, nullable=False),
        Column("edition", Integer, nullable=False, comment="0 stands for the text that the product brings along."),
        Column("title", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False, comment="sha256 of the title and body that were signed."),
        Column("typed_name", Text, nullable=False),
        at("signed_at"),
        Column("address", Text, nullable=False, comment="The network address the signature came from."),
        Column("device", Text, nullable=False, server_default=text("''")),
        Column("pdf", LargeBinary, nullable=False),
        Column("pdf_digest", LargeBinary, nullable=False, comment="sha256 of the PDF."),
        belongs_to("cleaner_id", "cleaner"),
        UniqueConstraint("tenant_id", "cleaner_id", "kind", "edition"),
        one_of("kind", DocumentKind),
    ),
    # Not even dispatchers: the signer, and the business's administrators (R7, R234).
    Policy("admin", "SELECT", ADMIN),
    Policy("own", "SELECT", OWN),
    Policy("signed", "INSERT", OWN),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""A signature and the paper it stands on (R132); written once."""
