"""What a business offers, at which price, and how a customer comes to it: quotes, drafts, plans (R24, R33 to R45)."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.booking import DraftStatus, QuoteRequestStatus, QuoteStatus
from domain.plans import Frequency, PlanStatus, Term
from models.base import (
    ACTOR,
    ADMIN,
    ANONYMOUS,
    ANY_CLEANER,
    APP,
    OFFICE,
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

CUSTOMER = role_is("customer")
OWN = f"{CUSTOMER} and customer_id = {ACTOR}"
VISITOR = f"{ANONYMOUS} and draft_id = {ACTOR}"

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
    Policy("catalogue", "SELECT", f"{OFFICE} or {ANY_CLEANER} or {CUSTOMER} or {ANONYMOUS}"),
    Policy("admin", "ALL", ADMIN),
)

price_book = protect(
    tenant_table(
        "price_book",
        Column("edition", Integer, nullable=False, comment="1, 2, 3, ...; the last one is in force."),
        Column("rules", JSONB, nullable=False, comment="As `domain.pricing.PriceBook` reads them, in full."),
        Column("note", Text, nullable=False, server_default=text("''")),
        at("published_at"),
        UniqueConstraint("tenant_id", "edition"),
    ),
    Policy("office", "SELECT", OFFICE),
    Policy("published", "INSERT", ADMIN),
    grants=(Grant(APP, "SELECT, INSERT"),),
)
"""Prices of a business (R59, A30); an edition is never changed, only followed by another."""

booking_draft = protect(
    tenant_table(
        "booking_draft",
        ref("customer_id", nullable=True),
        ref("market_id", nullable=True),
        ref("quote_id", nullable=True),
        ref("plan_id", nullable=True),
        Column("status", Text, nullable=False),
        Column("steps", JSONB, nullable=False, server_default=text("'{}'"), comment="What each saved step says."),
        Column("price", JSONB, comment="The live price of what is saved so far; null where it cannot be told yet."),
        Column("failure", JSONB, comment="Why the payment did not come to be, in words for the customer."),
        Column("summary", JSONB, comment="What was ordered, as it was when it was paid (R40); null until then."),
        at("expires_at"),
        at("confirmed_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("market_id", "market"),
        one_of("status", DraftStatus),
        Index("booking_draft_by_customer", "tenant_id", "customer_id", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    # What its steps say is checked and priced by the product, which writes it: whose it is look at it alone.
    Policy("own", "SELECT", OWN),
    # A visitor's token names the draft itself.
    Policy("visitor", "SELECT", f"{ANONYMOUS} and id = {ACTOR}"),
)
"""A booking in the making, saved at each of its steps (R41)."""

quote = protect(
    tenant_table(
        "quote",
        ref("customer_id", nullable=True),
        ref("property_id", nullable=True),
        ref("draft_id", nullable=True),
        ref("request_id", nullable=True),
        ref("price_book_id", nullable=True),
        Column("status", Text, nullable=False),
        Column("home", JSONB, nullable=False, comment="The facts of the home that the price is for."),
        Column("price", JSONB, nullable=False, comment="The breakdown, line by line."),
        Column("total_cents", Integer, nullable=False),
        Column("currency", Text, nullable=False),
        Column("term", Text),
        Column("is_custom", Boolean, nullable=False, server_default=text("false"), comment="Named by the office."),
        Column("note", Text, nullable=False, server_default=text("''")),
        Column("signature", LargeBinary, nullable=False, comment="Keyed hash over all that was promised (A33)."),
        at("expires_at"),
        at("accepted_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("property_id", "property"),
        belongs_to("price_book_id", "price_book"),
        one_of("status", QuoteStatus),
        one_of("term", Term),
        CheckConstraint("total_cents > 0", name="total_positive"),
        Index("quote_by_customer", "tenant_id", "customer_id", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", OWN),
    Policy("visitor", "SELECT", VISITOR),
)
"""A price that is promised until it expires."""

quote_request = protect(
    tenant_table(
        "quote_request",
        ref("customer_id", nullable=True),
        ref("property_id", nullable=True),
        ref("draft_id", nullable=True),
        ref("quote_id", nullable=True),
        Column("status", Text, nullable=False),
        Column("contact", JSONB, nullable=False, comment="Name, email and phone of who asks."),
        Column("home", JSONB, nullable=False),
        Column("reasons", JSONB, nullable=False, comment="Why no price could be told by itself (A31)."),
        Column("note", Text, nullable=False, server_default=text("''")),
        at("created_at"),
        at("answered_at", nullable=True),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("property_id", "property"),
        belongs_to("quote_id", "quote"),
        one_of("status", QuoteRequestStatus),
        Index("quote_request_by_customer", "tenant_id", "customer_id", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", OWN),
    Policy("visitor", "SELECT", VISITOR),
)
"""Somebody whose home the price book has no price for (A31, R182, R204)."""

service_plan = protect(
    tenant_table(
        "service_plan",
        ref("customer_id"),
        ref("property_id"),
        ref("market_id"),
        ref("service_id", nullable=True),
        ref("quote_id", nullable=True),
        ref("price_book_id", nullable=True),
        Column("status", Text, nullable=False),
        Column("frequency", Text, nullable=False),
        Column("term", Text),
        Column("first_on", Date, comment="The day of the first clean, by the market's calendar; null until known."),
        Column("at_minute", Integer, comment="Minutes after local midnight at which each clean starts; as first_on."),
        Column("ends_on", Date, comment="The last day of the term; null where it goes on until it is ended."),
        Column("expected_hours", Numeric(5, 2), nullable=False),
        Column("price_cents", Integer, nullable=False, comment="Of each clean."),
        Column("currency", Text, nullable=False),
        Column("price", JSONB, nullable=False),
        Column("is_first_clean_prepaid", Boolean, nullable=False, server_default=text("false"), comment="R45, R48."),
        Column("payment_intent_id", Text, comment="Of the first clean (R48)."),
        Column("calendar_url", Text, comment="Where the bookings of a vacation home are published (R36)."),
        Column("paused_on", Date, comment="From when on no cleans take place; null while it is not paused."),
        Column("resumes_on", Date),
        Column("planned_until", Date, comment="Up to which day its cleans are planned as jobs."),
        at("ended_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("property_id", "property"),
        belongs_to("market_id", "market"),
        belongs_to("service_id", "service"),
        belongs_to("quote_id", "quote"),
        belongs_to("price_book_id", "price_book"),
        one_of("status", PlanStatus),
        one_of("frequency", Frequency),
        one_of("term", Term),
        CheckConstraint("at_minute between 0 and 1439", name="minute_of_day"),
        CheckConstraint("(first_on is null) = (at_minute is null)", name="day_and_time"),
        CheckConstraint("price_cents > 0", name="price_positive"),
        Index("service_plan_by_customer", "tenant_id", "customer_id", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", OWN),
)
"""A customer's cleaning plan: a service subscription, not to be confused with the business's own plan with us (R45)."""

service_plan_skip = protect(
    Table(
        "service_plan_skip",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("plan_id", Uuid, primary_key=True),
        Column("on_day", Date, primary_key=True, comment="By the market's calendar: no clean takes place."),
        Column("customer_id", Uuid, nullable=False),
        at("created_at"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
        belongs_to("plan_id", "service_plan"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("own", "SELECT", OWN),
)
"""A clean of a plan that is left out."""

geocoded = protect(
    Table(
        "geocoded",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("address_key", Text, primary_key=True, comment="The address in one spelling."),
        Column("latitude", Numeric(9, 6), nullable=False),
        Column("longitude", Numeric(9, 6), nullable=False),
        at("found_at"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.tenant_id"]),
    ),
    Policy("office", "ALL", f"{OFFICE} or {CUSTOMER} or {ANONYMOUS}"),
)
"""Where an address is, asked of the provider once (R27)."""
