"""Customers and their homes: where their fields come from, and their mutations."""

from collections.abc import Mapping
from typing import Any

from domain.price_book import PriceBook
from domain.scheduling import Laundry, required_skills
from models import customer
from models import property as home
from resolvers.codes import HAS_CODE, VIEWS
from resolvers.common import OFFICE, contains, is_set
from resolvers.engine.sources import Sql, column, computed, sql
from resolvers.expose import expose
from resolvers.places import looked_up
from resolvers.prices import rules_in_force, shown
from resolvers.registry import registry
from schema.types.customers import Customer, Property
from schema.types.filters import CustomerFilter, PropertyFilter
from schema.types.prices import Price
from services import customers as commands
from services.homes import price_by


def skills_of(hot_tub: bool, laundry: str) -> list[str]:
    """What a home demands of its cleaners (R80)."""
    return sorted(required_skills(has_hot_tub=hot_tub, laundry=Laundry(laundry)))


def price_now(
    bedrooms: int,
    bathrooms: int,
    square_feet: int,
    laundry: str,
    laundry_loads: int,
    hot_tub_service: str,
    hot_tub_drain: str,
    rules: Mapping[str, Any],
) -> Price | None:
    """What a clean of the home costs by the book in force (R60); null where the book has no price for it (A31)."""
    home = {
        "bedrooms": bedrooms,
        "bathrooms": bathrooms,
        "square_feet": square_feet,
        "laundry": laundry,
        "laundry_loads": laundry_loads,
        "hot_tub_service": hot_tub_service,
        "hot_tub_drain": hot_tub_drain,
    }
    price = price_by(home, PriceBook.from_json(rules))
    return None if price is None else shown(price)


BOOK_IN_FORCE = sql(lambda row: rules_in_force(row.tenant_id))


def on_own_jobs(name: str) -> Sql:
    """A column of a home that a cleaner reads for their own live jobs only (matrix of roles): null elsewhere."""

    def write(row: Any, stamp: Any) -> str:
        return f"""CASE WHEN {stamp.role} <> 'cleaner' OR EXISTS (SELECT FROM assignment own
            JOIN job mine ON mine.tenant_id = own.tenant_id AND mine.id = own.job_id
            WHERE own.tenant_id = {row.tenant_id} AND own.cleaner_id = {stamp.actor_id}
              AND own.released_at IS NULL AND mine.property_id = {row.id}) THEN {getattr(row, name)} END"""

    return sql(write)


registry.sources(
    Customer,
    customer,
    email=column().only(*OFFICE, "customer"),
    phone=column().only(*OFFICE, "customer"),
)
registry.sources(
    Property,
    home,
    name=column().only(*OFFICE, "customer"),
    address=on_own_jobs("address"),
    postal_code=on_own_jobs("postal_code"),
    latitude=on_own_jobs("latitude"),
    longitude=on_own_jobs("longitude"),
    notes=on_own_jobs("notes"),
    geofence_metres=on_own_jobs("geofence_metres"),
    price=computed(price_now, rules=BOOK_IN_FORCE).only(*OFFICE),
    geocoded_at=column().only(*OFFICE),
    required_skills=computed(skills_of),
    has_access_code=HAS_CODE,
    access_code_views=VIEWS,
)
registry.filters(CustomerFilter, is_archived=is_set("archived_at"), search=contains("name", "email"))
registry.filters(PropertyFilter, is_archived=is_set("archived_at"))

MUTATIONS = {
    "create_customer": expose(commands.create_customer, Customer),
    "update_customer": expose(commands.update_customer, Customer),
    "archive_customer": expose(commands.archive_customer, Customer),
    "create_property": expose(commands.create_property, Property, before=looked_up(commands.find_unplaced_property)),
    "update_property": expose(commands.update_property, Property, before=looked_up(commands.find_unplaced_change)),
    "archive_property": expose(commands.archive_property, Property),
}
