"""Customers, homes and jobs from a file: each line is taken wholly or not at all, and again it changes nothing (R22).

The same customer is who has the same email, the same home the same address of the same customer, the same job the same
start there. What a line does not say stays as it is.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy import text as sql_text

from db.command import Command, command
from db.tx import Tx
from domain.actors import OFFICE
from domain.errors import Code, Conflict, Invalid, Refused
from domain.geo import Address
from domain.ids import CustomerId, MarketId, PropertyId, ServiceId
from domain.importing import OF_JOB, ImportLine, ImportOutcome, LineReport
from domain.scheduling import JobStatus
from models import customer, job, market, service
from models import property as home
from services.booking.places import unplaced
from services.checks import email as checked_email
from services.checks import phone as checked_phone
from services.customers import (
    CreateCustomer,
    CreateProperty,
    UpdateCustomer,
    UpdateProperty,
    create_customer,
    create_property,
    update_customer,
    update_property,
)
from services.imported import OF_CUSTOMER, changes_of_customer, changes_of_home, home_of, kept
from services.scheduling import CreateJob, create_job

NO_TIME = "There was no time for this line: send the file again, what is taken stays."
NOT_LOOKED_UP = "The address cannot be looked up at the moment: send the file again."
NEEDED = ("city", "postal code", "bedrooms", "bathrooms", "square feet")
"""What a home that is new must say."""


@dataclass(frozen=True, slots=True)
class ImportLines:
    """Lines of a file, in their order."""

    lines: Sequence[ImportLine]
    is_dry_run: bool = False
    """Whether nothing is kept."""
    away: frozenset[str] = frozenset()
    """The keys of the addresses of which nobody can tell now where they are."""
    is_over: Callable[[], bool] = lambda: False
    """Whether there is no time for another line."""


@dataclass(slots=True)
class _Taken:
    """What a line has come to so far."""

    outcome: ImportOutcome
    ids: dict[str, Any]

    def note(self, kind: str, id: UUID, outcome: ImportOutcome) -> None:
        self.ids[kind] = id
        if self.outcome is ImportOutcome.UNCHANGED or outcome is ImportOutcome.CREATED:
            self.outcome = outcome


@command(*OFFICE, secret=True)
async def find_unplaced_lines(tx: Tx, input: ImportLines) -> list[Address]:
    """The addresses of new homes that are to be looked up before the lines can be taken (R27)."""
    asked = [line.address for line in input.lines if line.needs_look_up()]
    addresses = [one for one in asked if one is not None]
    streets = {one.address.lower() for one in addresses}
    parts = select(home.c.address, home.c.city, home.c.postal_code)
    rows = await tx.all(parts.where(tx.own(home), func.lower(home.c.address).in_(streets))) if streets else []
    known = {Address(row.address, row.city, row.postal_code).key for row in rows}
    return await unplaced(tx, [one for one in addresses if one.key not in known])


@command(*OFFICE, secret=True)
async def import_lines(tx: Tx, input: ImportLines) -> list[LineReport]:
    """Take lines: a refused one loses nothing of the others. A dry run reports the same, and keeps nothing."""
    reports: list[LineReport] = []
    places = {row.name.casefold(): row for row in await tx.all(_live(tx, market))}
    before, touched = await kept(tx, input.lines), set[UUID | None]()
    async with _part(tx, "file", undo=input.is_dry_run):
        for line in input.lines:
            known = None if before.customer_of(line) in touched else before.as_it_was(line)
            if known is None and input.is_over():
                known = _refused(line, Refused(NO_TIME), Code.UNAVAILABLE)
            if known is None:
                known = await _take(tx, line, places, input.away)
                touched.add(known.ids.get("customer"))
            reports.append(known)
    return reports


async def _take(tx: Tx, line: ImportLine, places: Mapping[str, Row[Any]], away: frozenset[str]) -> LineReport:
    try:
        async with _part(tx, "line"):
            taken = await _customer_home_and_job(tx, line, places, away)
    except _Away:
        return _refused(line, Refused(NOT_LOOKED_UP, field=("address",)), Code.UNAVAILABLE)
    except Refused as refusal:
        return _refused(line, refusal, refusal.code)
    return LineReport(line.number, taken.outcome, ids=taken.ids)


async def _customer_home_and_job(
    tx: Tx, line: ImportLine, places: Mapping[str, Row[Any]], away: frozenset[str]
) -> _Taken:
    if line.surplus:
        raise Invalid("This line has more cells than the header.", field=("",))
    taken = _Taken(ImportOutcome.UNCHANGED, {})
    with _columns({"name": "customer name"}):
        whose = await _customer(tx, line, taken)
    if line.address is None:
        _ensure_nothing_of_home(line)
        return taken
    with _columns(_HOME_COLUMNS):
        where = await _home(tx, line, whose, _Where(taken, places, away))
    if "job starts at" in line.cells:
        with _columns({"startsAt": "job starts at", "expectedHours": "hours", "serviceId": "service"}):
            await _job(tx, line, where, taken)
    elif missing := next((name for name in OF_JOB if name in line.cells), None):
        raise Invalid("A clean needs to say when it starts.", field=(missing,))
    return taken


@dataclass(frozen=True, slots=True)
class _Where:
    """What is known beside the line itself."""

    taken: _Taken
    places: Mapping[str, Row[Any]]
    away: frozenset[str]


async def _customer(tx: Tx, line: ImportLine, taken: _Taken) -> CustomerId:
    name = line.text("customer name")
    if name is None:
        raise Invalid("Every line names a customer.", field=("name",))
    address, number = checked_email(line.text("email"), "email"), checked_phone(line.text("phone"), "phone")
    known = await _known_customer(tx, name, address, number)
    if known is None:
        made: CustomerId = await _do(tx, create_customer, CreateCustomer(name, address, number))
        taken.note("customer", made, ImportOutcome.CREATED)
        return made
    different: dict[str, Any] = changes_of_customer(known, name, number)
    if different:
        await _do(tx, update_customer, replace(UpdateCustomer(CustomerId(known.id)), **different))
    taken.note("customer", known.id, ImportOutcome.UPDATED if different else ImportOutcome.UNCHANGED)
    return CustomerId(known.id)


async def _known_customer(tx: Tx, name: str, address: str | None, number: str | None) -> Row[Any] | None:
    """Who has this email; without one, who has this name and phone, and no email either."""
    if address is not None:
        which = [func.lower(customer.c.email) == address]
    else:
        same_phone = customer.c.phone.is_(None) if number is None else customer.c.phone == number
        which = [customer.c.email.is_(None), func.lower(customer.c.name) == name.lower(), same_phone]
    return await tx.one(_live(tx, customer).where(*which).order_by(customer.c.created_at, customer.c.id).limit(1))


async def _home(tx: Tx, line: ImportLine, whose: CustomerId, about: _Where) -> Row[Any]:
    address = line.address
    assert address is not None  # noqa: S101 (asked before)
    facts = line.home_facts()
    homes = await tx.all(_live(tx, home).where(home.c.customer_id == whose).order_by(home.c.id))
    known = home_of(line, homes)
    if known is not None:
        different = changes_of_home(known, facts)
        if different:
            await _do(tx, update_property, UpdateProperty(PropertyId(known.id), **different))
        about.taken.note("property", known.id, ImportOutcome.UPDATED if different else ImportOutcome.UNCHANGED)
        return known
    for column in NEEDED:
        if column not in line.cells:
            raise Invalid("A home that is new must say this.", field=(column,))
    if line.needs_look_up() and address.key in about.away:
        raise _Away
    place = _market(line, about.places)
    given = {"latitude": None, "longitude": None, "name": address.address, **facts}
    made: PropertyId = await _do(tx, create_property, CreateProperty(whose, MarketId(place.id), **given))
    about.taken.note("property", made, ImportOutcome.CREATED)
    return await tx.get(home, made)


async def _job(tx: Tx, line: ImportLine, where: Row[Any], taken: _Taken) -> None:
    zone = (await tx.get(market, where.market_id)).zone
    starts_at = line.instant("job starts at", zone)
    assert starts_at is not None  # noqa: S101 (asked before)
    known = await _known_job(tx, where.id, starts_at)
    if known is not None:
        taken.note("job", known, ImportOutcome.UNCHANGED)
        return
    wanted = line.text("service")
    offered = None
    if wanted is not None:
        named = func.lower(service.c.name) == wanted.lower()
        offered = await tx.one(_live(tx, service).where(named).limit(1))
        if offered is None:
            raise Invalid("There is no service of this name in the catalogue.", field=("serviceId",))
    wish = CreateJob(
        PropertyId(where.id),
        starts_at,
        line.decimal("hours"),
        service_id=None if offered is None else ServiceId(offered.id),
    )
    taken.note("job", await _do(tx, create_job, wish), ImportOutcome.CREATED)


async def _known_job(tx: Tx, property_id: UUID, starts_at: datetime) -> UUID | None:
    same = (job.c.property_id == property_id, job.c.starts_at == starts_at, job.c.status != JobStatus.CANCELED)
    found: UUID | None = await tx.scalar(select(job.c.id).where(tx.own(job), *same).order_by(job.c.id).limit(1))
    return found


def _market(line: ImportLine, places: Mapping[str, Row[Any]]) -> Row[Any]:
    named = line.text("market")
    if named is None and len(places) == 1:
        return next(iter(places.values()))
    if named is None:
        raise Invalid("The business has several markets, or none: name the home's.", field=("market",))
    if named.casefold() not in places:
        raise Conflict("There is no market of this name.", field=("market",))
    return places[named.casefold()]


def _ensure_nothing_of_home(line: ImportLine) -> None:
    if line.cells.keys() - OF_CUSTOMER:
        raise Invalid("A home needs to say its address.", field=("address",))


def _live(tx: Tx, table: Any) -> Any:
    return select(table).where(tx.own(table), table.c.archived_at.is_(None))


class _Away(Exception):
    """Nobody can tell now where the home is."""


_HOME_COLUMNS = {
    "name": "property name",
    "postalCode": "postal code",
    "squareFeet": "square feet",
    "laundryLoads": "laundry loads",
    "hotTubService": "hot tub service",
    "hotTubDrain": "drain",
    "marketId": "market",
}


@contextmanager
def _columns(words: Mapping[str, str]) -> Iterator[None]:
    """Let a refusal name the file's column instead of the command's field."""
    try:
        yield
    except Refused as refusal:
        refusal.field = tuple(words.get(part, part) for part in refusal.field)
        raise


async def _do(tx: Tx, wish: Command[Any, Any], input: Any) -> Any:
    """What a command does, as a part of this one's transaction; the id of what it made or changed."""
    return await wish.body(tx, input)


def _refused(line: ImportLine, refusal: Refused, code: Code) -> LineReport:
    column = next((part for part in refusal.field if part), None)
    return LineReport(line.number, ImportOutcome.REFUSED, code, column, refusal.message)


@asynccontextmanager
async def _part(tx: Tx, name: str, *, undo: bool = False) -> AsyncIterator[None]:
    """Take back what the block writes and stages: where it is refused, and with `undo` in any case."""
    staged: list[list[Any]] = [tx.staged.events, tx.staged.audit, tx.staged.tasks]
    before = [len(each) for each in staged]

    async def take_back() -> None:
        await tx.connection.execute(sql_text(f"rollback to savepoint {name}"))
        tx.forget()
        for each, length in zip(staged, before, strict=True):
            del each[length:]

    await tx.connection.execute(sql_text(f"savepoint {name}"))
    try:
        yield
    except (Refused, _Away):
        await take_back()
        await tx.connection.execute(sql_text(f"release savepoint {name}"))
        raise
    if undo:
        await take_back()
    await tx.connection.execute(sql_text(f"release savepoint {name}"))
