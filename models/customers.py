"""Customers and the homes they have cleaned (R22, R25, R26, R31, R32)."""

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Index, Integer, Text, UniqueConstraint, text

from domain.scheduling import Drain, HotTubService, Laundry
from models.base import (
    ACTOR,
    CLEANER,
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

customer = protect(
    tenant_table(
        "customer",
        Column("name", Text, nullable=False),
        Column("email", Text),
        Column("phone", Text),
        Column("provider_id", Text, comment="The payment provider's id of the customer (R25, R44)."),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        UniqueConstraint("tenant_id", "provider_id"),
        Index("customer_by_email", "tenant_id", text("lower(email)")),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("self", "SELECT", f"{role_is('customer')} and id = {ACTOR}"),
)

property = protect(  # the trade's word for a home, here only a table
    tenant_table(
        "property",
        ref("customer_id"),
        ref("market_id"),
        Column("name", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("city", Text, nullable=False),
        Column("postal_code", Text, nullable=False),
        Column("latitude", Double, nullable=False),
        Column("longitude", Double, nullable=False),
        Column("bedrooms", Integer, nullable=False),
        Column("bathrooms", Integer, nullable=False),
        Column("square_feet", Integer, nullable=False),
        Column("laundry", Text, nullable=False),
        Column("laundry_loads", Integer, nullable=False, server_default=text("0")),
        Column("hot_tub", Boolean, nullable=False, server_default=text("false")),
        Column("hot_tub_service", Text, nullable=False, server_default=text("'NONE'")),
        Column("hot_tub_drain", Text, nullable=False, server_default=text("'NONE'")),
        at("geocoded_at", nullable=True, doc="When the address was looked up; null where the office placed it (R27)."),
        Column("notes", Text, nullable=False, server_default=text("''")),
        Column("geofence_metres", Integer, comment="How near a check-in must be (R29); the setting's where null."),
        at("archived_at", nullable=True),
        at("created_at"),
        version(),
        belongs_to("customer_id", "customer"),
        belongs_to("market_id", "market"),
        one_of("laundry", Laundry),
        one_of("hot_tub_service", HotTubService),
        one_of("hot_tub_drain", Drain),
        CheckConstraint("hot_tub or (hot_tub_service = 'NONE' and hot_tub_drain = 'NONE')", name="tub_to_service"),
        CheckConstraint("latitude between -90 and 90 and longitude between -180 and 180", name="on_earth"),
        CheckConstraint("geofence_metres between 10 and 10000", name="geofence_sane"),
        CheckConstraint("laundry_loads between 0 and 50", name="loads_sane"),
        Index("property_by_customer", "tenant_id", "customer_id", "id"),
    ),
    Policy("office", "ALL", OFFICE),
    Policy("owner", "SELECT", f"{role_is('customer')} and customer_id = {ACTOR}"),
    # A cleaner sees the homes of the jobs that the job policy shows: own ones and offered ones.
    Policy(
        "of_visible_jobs",
        "SELECT",
        f"""{CLEANER} and exists (select from job visible
            where visible.tenant_id = property.tenant_id and visible.property_id = property.id)""",
    ),
)
