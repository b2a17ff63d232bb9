"""The work on the spot and its proof: visits, checklists, photos, tracks, and the chained evidence (R104 to R129)."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
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

from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.photos import PhotoStatus
from domain.fieldwork.requirements import EvidenceStatus, PhotoStage
from models.base import (
    ACTOR,
    ADMIN,
    APP,
    CLEANER,
    OFFICE,
    SYSTEM,
    Grant,
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


def crew(table: str) -> str:
    """SQL: the acting cleaner is on the row's job."""
    return f"""{CLEANER} and exists (select from assignment own where own.tenant_id = {table}.tenant_id
        and own.job_id = {table}.job_id and own.cleaner_id = {ACTOR} and own.released_at is null)"""


def proven_to(table: str) -> str:
    """SQL: the acting customer's own job, and it is over: until then its evidence is not theirs to watch."""
    return f"""{role_is("customer")} and customer_id = {ACTOR} and exists (select from job done
        where done.tenant_id = {table}.tenant_id and done.id = {table}.job_id
          and done.status in ('COMPLETED', 'NO_ACCESS'))"""


OWN = f"{CLEANER} and cleaner_id = {ACTOR}"

visit = protect(
    tenant_table(
        "visit",
        ref("job_id"),
        ref("assignment_id"),
        Column("customer_id", Uuid, nullable=False),
        ref("cleaner_id"),
        Column(
            "is_responsible",
            Boolean,
            nullable=False,
            server_default=text("true"),
            comment="Came as primary or backup: the check-in counts for the job (A11).",
        ),
        Column("phase", Text, nullable=False),
        at("begun_at", doc="When the instructions were opened."),
        at("instructed_at", nullable=True, doc="When they were acknowledged."),
        at("checked_in_at", nullable=True),
        Column("check_in_latitude", Double),
        Column("check_in_longitude", Double),
        Column("check_in_accuracy_metres", Double),
        Column("check_in_distance_metres", Double),
        Column("check_in_overridden", Boolean, nullable=False, server_default=text("false")),
        at("started_at", nullable=True, doc="When the timer began to run (R108)."),
        at("finished_at", nullable=True, doc="When the timer stopped."),
        at("checked_out_at", nullable=True),
        Column("check_out_latitude", Double),
        Column("check_out_longitude", Double),
        Column("check_out_accuracy_metres", Double),
        Column("check_out_distance_metres", Double),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("assignment_id", "assignment"),
        belongs_to("customer_id", "customer"),
        belongs_to("cleaner_id", "cleaner"),
        UniqueConstraint("tenant_id", "assignment_id", "cleaner_id"),
        one_of("phase", VisitPhase),
        Index("visit_by_job", "tenant_id", "job_id", "id"),
        Index("visit_by_cleaner", "tenant_id", "cleaner_id", "begun_at", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "ALL", OWN),
    # When somebody arrived and left; where, the schema keeps to the office.
    Policy("crew", "SELECT", crew("visit")),
    Policy("customer", "SELECT", f"{role_is('customer')} and customer_id = {ACTOR}"),
)
"""One cleaner's way through one job (R104). Times are business time at receipt; the device's own are in the chain."""

evidence = protect(
    tenant_table(
        "evidence",
        ref("job_id"),
        Column("customer_id", Uuid, nullable=False),
        Column("status", Text, nullable=False),
        Column("requirements", JSONB, nullable=False, comment="Zones with their counts, as of the first visit."),
        Column("submissions", Integer, nullable=False, server_default=text("0")),
        at("submitted_at", nullable=True, doc="The first submission (R118)."),
        Column("complete_at_first", Boolean, comment="Whether the first submission was complete (A47)."),
        at("completed_at", nullable=True),
        Column("override_reason", Text),
        Column("no_access_note", Text),
        Column("entries", Integer, nullable=False, server_default=text("0")),
        Column("head", LargeBinary, nullable=False, server_default=text("'\\x'"), comment="The last entry's hash."),
        at("created_at"),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("customer_id", "customer"),
        UniqueConstraint("tenant_id", "job_id"),
        one_of("status", EvidenceStatus),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("crew", "SELECT", crew("evidence")),
    Policy("customer", "SELECT", proven_to("evidence")),
    # What is proven is derived by the server, never written by who is to prove it (A19).
    Policy("derived", "ALL", SYSTEM),
)
"""The evidence packet of a job (R118, R119) and the head of its chain."""

evidence_entry = protect(
    Table(
        "evidence_entry",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("job_id", Uuid, primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("customer_id", Uuid, nullable=False),
        Column("kind", Text, nullable=False),
        Column("payload", JSONB, nullable=False),
        at("captured_at", nullable=True, doc="The device's clock, as it claims."),
        at("received_at", doc="The server's clock."),
        Column("skew_ms", BigInteger, comment="The device's clock minus the server's when it was sent."),
        Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("actor_id", Uuid, nullable=False),
        Column("actor_role", Text, nullable=False),
        Column("hash", LargeBinary, nullable=False, comment="sha256 over the entry before and this one."),
        ForeignKeyConstraint(["tenant_id", "job_id"], ["evidence.tenant_id", "evidence.job_id"]),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("crew", "SELECT", crew("evidence_entry")),
    Policy("customer", "SELECT", proven_to("evidence_entry")),
    Policy("append", "INSERT", SYSTEM),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""One fact of the packet, chained to the one before (R127, R247); written once."""

photo = protect(
    tenant_table(
        "photo",
        ref("job_id"),
        ref("visit_id"),
        Column("customer_id", Uuid, nullable=False),
        ref("cleaner_id"),
        Column("stage", Text, nullable=False),
        Column("zone", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("content_type", Text, nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("sha256", LargeBinary, nullable=False, comment="As the device announced it; the server compares."),
        Column("width", Integer),
        Column("height", Integer),
        Column("perceptual_hash", BigInteger),
        Column("claims", JSONB, comment="What the file's EXIF says: a claim, not a fact."),
        Column("refusal", Text, comment="Why it was refused, as a stable code."),
        Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        at("captured_at", nullable=True),
        at("requested_at"),
        at("expires_at", doc="Until when it can be uploaded."),
        at("uploaded_at", nullable=True, doc="When the device said that it is there."),
        at("stored_at", nullable=True, doc="When the server had checked it."),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("visit_id", "visit"),
        belongs_to("customer_id", "customer"),
        belongs_to("cleaner_id", "cleaner"),
        one_of("stage", PhotoStage),
        one_of("status", PhotoStatus),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        Index("photo_by_job", "tenant_id", "job_id", "stage", "zone", "id"),
        Index("photo_by_look", "tenant_id", "perceptual_hash", postgresql_where=text("status = 'STORED'")),
        Index("photo_by_content", "tenant_id", "sha256"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("crew", "SELECT", crew("photo")),
    Policy("customer", "SELECT", f"{proven_to('photo')} and status = 'STORED'"),
    Policy("announced", "INSERT", f"{OWN} and status = 'REQUESTED'"),
    Policy("uploaded", "UPDATE", f"{OWN} and status = 'REQUESTED'", check=f"{OWN} and status = 'UPLOADED'"),
    Policy("checked", "ALL", SYSTEM),
)
"""A photo, announced, uploaded, checked (R107, R109, R125, A18). Its bytes are in the object store."""

checklist_template = protect(
    tenant_table(
        "checklist_template",
        Column("name", Text, nullable=False),
        ref("property_id", nullable=True),
        ref("service_id", nullable=True),
        Column("items", JSONB, nullable=False, comment="A list of zone, label, required, in their order."),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("property_id", "property"),
        belongs_to("service_id", "service"),
        Index(
            "checklist_template_once",
            "tenant_id",
            "property_id",
            "service_id",
            unique=True,
            postgresql_where=text("archived_at is null"),
            postgresql_nulls_not_distinct=True,
        ),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("admin", "ALL", ADMIN),
)
"""What is to be done, by home and service; the most specific one counts (R108)."""

checklist_item = protect(
    tenant_table(
        "checklist_item",
        ref("job_id"),
        Column("customer_id", Uuid, nullable=False),
        Column("place", Integer, nullable=False),
        Column("zone", Text, nullable=False),
        Column("label", Text, nullable=False),
        Column("required", Boolean, nullable=False),
        at("done_at", nullable=True),
        ref("done_by", nullable=True),
        Column("note", Text, nullable=False, server_default=text("''")),
        version(),
        belongs_to("job_id", "job"),
        belongs_to("customer_id", "customer"),
        belongs_to("done_by", "cleaner"),
        UniqueConstraint("tenant_id", "job_id", "place"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("crew", "SELECT", crew("checklist_item")),
    Policy("ticked", "UPDATE", crew("checklist_item")),
    Policy("customer", "SELECT", proven_to("checklist_item")),
    Policy("system", "ALL", SYSTEM),
)
"""One thing to do on one job, copied from the template when the job's first visit begins (R110, R116)."""

track_batch = protect(
    tenant_table(
        "track_batch",
        ref("job_id"),
        ref("visit_id"),
        Column("customer_id", Uuid, nullable=False),
        ref("cleaner_id"),
        Column(
            "sequence", Integer, nullable=False, comment="The device's own count: the same one again changes nothing."
        ),
        Column("points", JSONB, nullable=False, comment="A list of at, latitude, longitude, accuracy, mock."),
        at("first_at"),
        at("last_at"),
        at("received_at"),
        Column("plausibility", Integer, nullable=False, comment="0 to 100; never proof by itself."),
        Column("flags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
        Column("digest", LargeBinary, nullable=False, comment="sha256 of the points, as the chain names it."),
        belongs_to("job_id", "job"),
        belongs_to("visit_id", "visit"),
        belongs_to("customer_id", "customer"),
        belongs_to("cleaner_id", "cleaner"),
        UniqueConstraint("tenant_id", "visit_id", "sequence"),
        CheckConstraint("plausibility between 0 and 100", name="plausibility_range"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("own", "SELECT", OWN),
    Policy("appended", "INSERT", OWN),
    Policy("customer", "SELECT", proven_to("track_batch")),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""Where a device says it went (R117), as it told us; written once."""

live_location = protect(
    Table(
        "live_location",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("visit_id", Uuid, primary_key=True),
        Column("job_id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        Column("cleaner_id", Uuid, nullable=False),
        Column("latitude", Double, nullable=False),
        Column("longitude", Double, nullable=False),
        Column("accuracy_metres", Double, nullable=False),
        at("at"),
        belongs_to("visit_id", "visit"),
        Index("live_location_by_job", "tenant_id", "job_id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "ALL", OWN),
    Policy(
        "customer",
        "SELECT",
        f"""{role_is("customer")} and customer_id = {ACTOR} and exists (select from job running
            where running.tenant_id = live_location.tenant_id and running.id = live_location.job_id
              and running.status = 'IN_PROGRESS')""",
    ),
)
"""Where a cleaner is now; gone when the visit ends."""

subject_key = protect(
    Table(
        "subject_key",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("subject_id", Uuid, primary_key=True),
        Column("wrapped", LargeBinary, comment="The key, sealed with the installation's; null once destroyed."),
        at("created_at"),
        at("destroyed_at", nullable=True),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("office", "ALL", OFFICE),
)
"""The key under which a subject's secrets are sealed: destroying it erases them, wherever their ciphertext is kept."""

access_code = protect(
    Table(
        "access_code",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("property_id", Uuid, primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
        at("changed_at"),
        belongs_to("property_id", "property"),
    ),
    Policy("office", "ALL", OFFICE),
)
"""How one gets into a home, sealed under the customer's key (R28). Cleaners get it from a command that logs it."""

access_code_view = protect(
    tenant_table(
        "access_code_view",
        ref("property_id"),
        ref("job_id", nullable=True),
        Column("viewer_id", Uuid, nullable=False),
        Column("viewer_role", Text, nullable=False),
        at("at"),
        belongs_to("property_id", "property"),
        belongs_to("job_id", "job"),
        Index("access_code_view_by_property", "tenant_id", "property_id", "at", "id"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("logged", "INSERT", f"viewer_id = {ACTOR}"),
    Policy("own", "SELECT", f"viewer_id = {ACTOR}"),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""Each time somebody was shown a home's access code."""

no_show = protect(
    Table(
        "no_show",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("job_id", Uuid, primary_key=True),
        Column("cleaner_id", Uuid, primary_key=True),
        at("at"),
        belongs_to("job_id", "job"),
        belongs_to("cleaner_id", "cleaner"),
        Index("no_show_by_cleaner", "tenant_id", "cleaner_id", "at"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("own", "SELECT", OWN),
    Policy("noted", "INSERT", SYSTEM),
    Policy("disproved", "DELETE", SYSTEM),
    grants=(Grant(APP, "SELECT, INSERT, DELETE"),),
)
"""Who did not come to which job (A46); it stays, whoever works it in the end, unless it is certified that they came."""

reliability = protect(
    Table(
        "reliability",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("cleaner_id", Uuid, primary_key=True),
        Column("formula", Integer, nullable=False, comment="The version of the formula that made it."),
        Column("score", Integer, nullable=False),
        Column("parts", JSONB, nullable=False),
        at("computed_at"),
        belongs_to("cleaner_id", "cleaner"),
        CheckConstraint("score between 0 and 100", name="score_range"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", OWN),
)
"""How far a cleaner can be relied on, part by part (R81, A47)."""
