"""Customers and their homes: what the office keeps about whom it cleans for (R22, R25, R26, R31, R32)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, select, update

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE
from domain.errors import Conflict
from domain.events import Event, EventType
from domain.geo import Address
from domain.ids import CustomerId, MarketId, PropertyId
from domain.plans import PlanStatus
from domain.scheduling import LIVE_JOB_STATES, Drain, HotTubService, Laundry
from models import assignment, customer, job, market, service_plan
from models import property as home
from services.cards import refresh_swap_cards
from services.checks import changes, email, phone, text, within
from services.homes import ensure_home, placed, to_look_up, without_tub
from services.identity.customers import change_address, close_access, open_access
from services.inputs import arg

MOST_ROOMS = 50
MOST_SQUARE_FEET = 100_000
FENCES = (10, 10_000)
"""The smallest and the widest circle around a home, in metres."""
MOST_LOADS = 50
FACTS_REACH = timedelta(days=8)
"""How far back a cleaner's shifts count for what they may take next."""


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    """A new customer."""

    name: str = arg("The customer's name, at most 200 characters.")
    email: str | None = arg("Where mail reaches them.", default=None)
    phone: str | None = arg("A phone number in international form (E.164), as +13055550100.", default=None)


@dataclass(frozen=True, slots=True)
class UpdateCustomer:
    """What is to be different; what is left out stays."""

    customer_id: CustomerId = arg("The customer to change.")
    name: str | None = arg("The customer's name, at most 200 characters.", default=None)
    email: str | None = arg("Where mail reaches them.", default=None)
    phone: str | None = arg("A phone number in international form (E.164).", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the customer has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ArchiveCustomer:
    """Who is not a customer any more."""

    customer_id: CustomerId = arg("The customer to archive; refused while jobs of theirs are still to be done.")


@dataclass(frozen=True, slots=True)
class CreateProperty:
    """A home of a customer."""

    customer_id: CustomerId = arg("Whose home it is.")
    market_id: MarketId = arg("The market it lies in; its zone is the home's business time.")
    name: str = arg("How the office calls it, at most 200 characters.")
    address: str = arg("Street and number, shown to assigned cleaners only.")
    city: str = arg("The city, shown to whoever is offered a job there.")
    postal_code: str = arg("The postal code.")
    latitude: float | None = arg("Degrees north, -90 to 90; without coordinates the address is looked up (R27).")
    longitude: float | None = arg("Degrees east, -180 to 180.")
    bedrooms: int = arg("How many bedrooms, 0 to 50.")
    bathrooms: int = arg("How many bathrooms, 0 to 50.")
    square_feet: int = arg("The area in square feet, 1 to 100,000.")
    laundry: Laundry = arg("Where its laundry is done (R31).", default=Laundry.NONE)
    laundry_loads: int = arg("Loads of laundry a clean, 0 to 50; 0 where laundry is NONE.", default=0)
    hot_tub: bool = arg("Whether there is a hot tub to service (R32).", default=False)
    hot_tub_service: HotTubService = arg("What is done to it at each clean.", default=HotTubService.NONE)
    hot_tub_drain: Drain = arg("How often it is drained; NONE without a service.", default=Drain.NONE)
    notes: str = arg("What a cleaner must know, shown to assigned cleaners only; at most 5,000 characters.", default="")
    geofence_metres: int | None = arg(
        "How near a check-in must be (R29), 10 to 10,000 metres; the business's setting unless told.", default=None
    )


@dataclass(frozen=True, slots=True)
class UpdateProperty:
    """What is to be different; what is left out stays."""

    property_id: PropertyId = arg("The home to change.")
    name: str | None = arg("How the office calls it.", default=None)
    address: str | None = arg("Street and number.", default=None)
    city: str | None = arg("The city.", default=None)
    postal_code: str | None = arg("The postal code.", default=None)
    latitude: float | None = arg(
        "Degrees north, -90 to 90; an address that changes without coordinates is looked up anew (R27).",
        default=None,
    )
    longitude: float | None = arg("Degrees east, -180 to 180.", default=None)
    bedrooms: int | None = arg("How many bedrooms, 0 to 50.", default=None)
    bathrooms: int | None = arg("How many bathrooms, 0 to 50.", default=None)
    square_feet: int | None = arg("The area in square feet.", default=None)
    laundry: Laundry | None = arg("Where its laundry is done.", default=None)
    laundry_loads: int | None = arg("Loads of laundry a clean.", default=None)
    hot_tub: bool | None = arg("Whether there is a hot tub to service; without one its service ends.", default=None)
    hot_tub_service: HotTubService | None = arg("What is done to it at each clean.", default=None)
    hot_tub_drain: Drain | None = arg("How often it is drained.", default=None)
    notes: str | None = arg("What a cleaner must know.", default=None)
    geofence_metres: int | None = arg("How near a check-in must be, 10 to 10,000 metres.", default=None)
    expected_version: int | None = arg("Refuse with CONFLICT if the home has another version.", default=None)


@dataclass(frozen=True, slots=True)
class ArchiveProperty:
    """A home that is not cleaned any more."""

    property_id: PropertyId = arg("The home to archive; refused while jobs there are still to be done.")


@command(*OFFICE)
async def create_customer(tx: Tx, input: CreateCustomer) -> CustomerId:
    """Add a customer (R22, R25); one with an email address can sign in by mailed links (R30)."""
    values = _customer_values(input)
    made = CustomerId(await tx.insert(customer, **values, created_at=tx.now))
    if values["email"] is not None:
        await open_access(tx, made)
    _tell_customer(tx, made, values["name"])
    return made


@command(*OFFICE)
async def update_customer(tx: Tx, input: UpdateCustomer) -> CustomerId:
    """Change a customer (R22); what is left out stays. Another email address ends the sessions of the old one (R30)."""
    before = await _live_customer(tx, input.customer_id, lock=True)
    values = changes(_customer_values(input))
    await tx.change(customer, input.customer_id, input.expected_version, **values)
    if values.get("email", before.email) != before.email:
        await change_address(tx, input.customer_id, values["email"])
    _tell_customer(tx, input.customer_id, values.get("name", before.name))
    return input.customer_id


@command(*OFFICE)
async def archive_customer(tx: Tx, input: ArchiveCustomer) -> CustomerId:
    """Archive a customer and their homes, and end their sessions and access (R22, R30).

    Refused with CONFLICT while jobs of theirs are still to be done.
    """
    row = await tx.get(customer, input.customer_id, "customerId", lock=True)
    await _ensure_no_live_jobs(tx, job.c.customer_id == input.customer_id, "customerId")
    await _ensure_no_plans(tx, service_plan.c.customer_id == input.customer_id, "customerId")
    if row.archived_at is None:
        await tx.change(customer, input.customer_id, archived_at=tx.now)
        await _archive_homes(tx, input.customer_id)
        await close_access(tx, input.customer_id)
        _tell_customer(tx, input.customer_id, row.name)
    return input.customer_id


@command(*OFFICE)
async def create_property(tx: Tx, input: CreateProperty) -> PropertyId:
    """Add a home to a customer (R26, R31, R32); without coordinates it is where its address is (R27)."""
    # Held, so that neither is archived while its newest home is being written.
    await _live_customer(tx, input.customer_id, share=True)
    await _hold_live_market(tx, input.market_id)
    values = _property_values(input)
    ensure_home(values)
    values |= await placed(tx, values)
    made = await tx.insert(home, **values, customer_id=input.customer_id, market_id=input.market_id, created_at=tx.now)
    _tell_property(tx, PropertyId(made), values["name"], input.customer_id)
    return PropertyId(made)


@command(*OFFICE)
async def update_property(tx: Tx, input: UpdateProperty) -> PropertyId:
    """Change a home; what is left out stays. Shifts of it that are on the swap market show the change at once.

    Its cleaners are named: where their shifts lie decides what else they can take. Jobs keep the price that they were
    planned with; what the next one costs is the home's price.
    """
    before = await tx.get(home, input.property_id, "propertyId", lock=True)
    if before.archived_at is not None:
        raise Conflict("This property is archived.", field=("propertyId",))
    values = without_tub(changes(_property_values(input)))
    ensure_home({**before._asdict(), **values})
    values |= await placed(tx, values, before)
    await tx.change(home, input.property_id, input.expected_version, **values)
    crew = await _hold_crew(tx, input.property_id)
    _tell_property(tx, input.property_id, values.get("name", before.name), before.customer_id, *crew)
    await refresh_swap_cards(tx, job.c.property_id == input.property_id)
    return input.property_id


@command(*OFFICE, secret=True)
async def find_unplaced_property(tx: Tx, input: CreateProperty) -> list[Address]:
    """The address of a home that is to be looked up before it can be added (R27)."""
    return await to_look_up(tx, _property_values(input))


@command(*OFFICE, secret=True)
async def find_unplaced_change(tx: Tx, input: UpdateProperty) -> list[Address]:
    """The same, before a home is changed."""
    before = await tx.get(home, input.property_id, "propertyId")
    return await to_look_up(tx, _property_values(input), before)


@command(*OFFICE)
async def archive_property(tx: Tx, input: ArchiveProperty) -> PropertyId:
    """Archive a home. Refused with CONFLICT while jobs there are still to be done."""
    row = await tx.get(home, input.property_id, "propertyId", lock=True)
    await _ensure_no_live_jobs(tx, job.c.property_id == input.property_id, "propertyId")
    await _ensure_no_plans(tx, service_plan.c.property_id == input.property_id, "propertyId")
    if row.archived_at is None:
        await tx.change(home, input.property_id, archived_at=tx.now)
        _tell_property(tx, input.property_id, row.name, row.customer_id)
    return input.property_id


def _customer_values(input: CreateCustomer | UpdateCustomer) -> dict[str, Any]:
    return {
        "name": text(input.name, "name", most=200),
        "email": email(input.email, "email"),
        "phone": phone(input.phone, "phone"),
    }


def _property_values(input: CreateProperty | UpdateProperty) -> dict[str, Any]:
    return {
        "name": text(input.name, "name", most=200),
        "address": text(input.address, "address", most=300),
        "city": text(input.city, "city", most=100),
        "postal_code": text(input.postal_code, "postalCode", most=20),
        "latitude": within(input.latitude, "latitude", -90, 90),
        "longitude": within(input.longitude, "longitude", -180, 180),
        "bedrooms": within(input.bedrooms, "bedrooms", 0, MOST_ROOMS),
        "bathrooms": within(input.bathrooms, "bathrooms", 0, MOST_ROOMS),
        "square_feet": within(input.square_feet, "squareFeet", 1, MOST_SQUARE_FEET),
        "laundry": input.laundry,
        "laundry_loads": within(input.laundry_loads, "laundryLoads", 0, MOST_LOADS),
        "hot_tub": input.hot_tub,
        "hot_tub_service": input.hot_tub_service,
        "hot_tub_drain": input.hot_tub_drain,
        "notes": text(input.notes, "notes", least=0, most=5000),
        "geofence_metres": within(input.geofence_metres, "geofenceMetres", *FENCES),
    }


async def _archive_homes(tx: Tx, customer_id: CustomerId) -> None:
    """Archive those of a customer's homes that are not archived yet."""
    gone = await tx.all(
        update(home)
        .where(tx.own(home), home.c.customer_id == customer_id, home.c.archived_at.is_(None))
        .values(archived_at=tx.now, version=home.c.version + 1)
        .returning(home.c.id, home.c.name)
    )
    for row in gone:
        _tell_property(tx, PropertyId(row.id), row.name, customer_id)


async def _live_customer(tx: Tx, customer_id: CustomerId, *, lock: bool = False, share: bool = False) -> Row[Any]:
    row = await tx.get(customer, customer_id, "customerId", lock=lock, share=share)
    if row.archived_at is not None:
        raise Conflict("This customer is archived.", field=("customerId",))
    return row


async def _hold_live_market(tx: Tx, market_id: MarketId) -> None:
    row = await tx.get(market, market_id, "marketId", share=True)
    if row.archived_at is not None:
        raise Conflict("This market is archived.", field=("marketId",))


async def _ensure_no_live_jobs(tx: Tx, which: Any, field: str) -> None:
    live = exists().where(tx.own(job), which, job.c.status.in_([str(state) for state in LIVE_JOB_STATES]))
    if await tx.scalar(select(live)):
        raise Conflict("There are jobs still to be done; cancel or finish them first.", field=(field,))


async def _ensure_no_plans(tx: Tx, which: Any, field: str) -> None:
    over = (PlanStatus.ENDED.value, PlanStatus.CANCELED.value)
    if await tx.scalar(select(exists().where(tx.own(service_plan), which, service_plan.c.status.not_in(over)))):
        raise Conflict("There is a cleaning plan; end it first.", field=(field,))


def _tell_customer(tx: Tx, id: CustomerId, name: str) -> None:
    tx.audit("Customer", id)
    tx.emit(Event(EventType.CUSTOMER_CHANGED, "Customer", id, {"id": str(id), "name": name}))


async def _hold_crew(tx: Tx, id: PropertyId) -> list[UUID]:
    """Who has a shift at the home. Its jobs are held: one that is being offered has told of the home as it was."""
    of_home = tx.own(job), job.c.property_id == id, job.c.status.in_([str(state) for state in LIVE_JOB_STATES])
    await tx.all(select(job.c.id).where(*of_home).order_by(job.c.id).with_for_update())
    on_it = select(assignment.c.cleaner_id).join(
        job, (job.c.tenant_id == assignment.c.tenant_id) & (job.c.id == assignment.c.job_id)
    )
    recent = assignment.c.released_at.is_(None), assignment.c.starts_at > tx.now - FACTS_REACH
    rows = await tx.all(on_it.where(tx.own(assignment), job.c.property_id == id, *recent).distinct())
    return [row.cleaner_id for row in rows]


def _tell_property(tx: Tx, id: PropertyId, name: str, customer_id: UUID, *people: UUID) -> None:
    tx.audit("Property", id)
    card = {"id": str(id), "name": name, "customer_id": str(customer_id)}
    tx.emit(Event(EventType.PROPERTY_CHANGED, "Property", id, card, people))
