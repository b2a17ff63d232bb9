"""What a file speaks of and is there already, read for many lines at once: a file sent again is quickly through.

The words of `services/importing.py` for what is the same customer, home and job.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from db.tx import Tx
from domain.errors import Refused
from domain.geo import Address
from domain.importing import OF_JOB, ImportLine, ImportOutcome, LineReport
from domain.scheduling import JobStatus
from models import customer, job, market
from models import property as home
from services.checks import email as checked_email
from services.checks import phone as checked_phone
from services.homes import ADDRESS, POSITION

OF_CUSTOMER = frozenset({"customer name", "email", "phone"})


@dataclass(frozen=True, slots=True)
class Kept:
    """Customers by email, their homes, and the jobs there, as they were when some lines were begun."""

    customers: Mapping[str, Row[Any]]
    homes: Mapping[UUID, Sequence[Row[Any]]]
    jobs: Mapping[tuple[UUID, datetime], UUID]

    def as_it_was(self, line: ImportLine) -> LineReport | None:
        """The report of a line all of which is there already; None where that has to be looked at more closely."""
        try:
            return None if line.surplus else self._as_it_was(line)
        except Refused:
            # Why, whoever takes the line finds out.
            return None

    def customer_of(self, line: ImportLine) -> UUID | None:
        """Whom the line speaks of, if they were there."""
        row = self.customers.get(line.cells.get("email", "").lower())
        return None if row is None else row.id

    def _as_it_was(self, line: ImportLine) -> LineReport | None:
        name, address = line.text("customer name"), checked_email(line.text("email"), "email")
        who = self.customers.get(address or "")
        if who is None or name is None or changes_of_customer(who, name, checked_phone(line.text("phone"), "phone")):
            return None
        if line.address is None:
            beside = line.cells.keys() - OF_CUSTOMER
            return None if beside else _unchanged(line, customer=who.id)
        where = home_of(line, self.homes.get(who.id, ()))
        if where is None or changes_of_home(where, line.home_facts()):
            return None
        starts_at = line.instant("job starts at", where.zone)
        if starts_at is None:
            named = any(column in line.cells for column in OF_JOB)
            return None if named else _unchanged(line, customer=who.id, property=where.id)
        planned = self.jobs.get((where.id, starts_at))
        return None if planned is None else _unchanged(line, customer=who.id, property=where.id, job=planned)


async def kept(tx: Tx, lines: Iterable[ImportLine]) -> Kept:
    """What is there of these lines, in three statements."""
    emails = {line.cells["email"].lower() for line in lines if "email" in line.cells}
    customers: dict[str, Row[Any]] = {}
    for row in await tx.all(
        select(customer)
        .where(tx.own(customer), customer.c.archived_at.is_(None), func.lower(customer.c.email).in_(emails))
        .order_by(customer.c.created_at, customer.c.id)
    ):
        customers.setdefault(row.email.lower(), row)
    people = [row.id for row in customers.values()]
    homes: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in await tx.all(
        select(home, market.c.zone)
        .join(market, (market.c.tenant_id == home.c.tenant_id) & (market.c.id == home.c.market_id))
        .where(tx.own(home), home.c.archived_at.is_(None), home.c.customer_id.in_(people))
        .order_by(home.c.id)
    ):
        homes[row.customer_id].append(row)
    planned = select(job.c.id, job.c.property_id, job.c.starts_at).where(
        tx.own(job), job.c.customer_id.in_(people), job.c.status != JobStatus.CANCELED
    )
    jobs = {(row.property_id, row.starts_at): row.id for row in await tx.all(planned.order_by(job.c.id.desc()))}
    return Kept(customers, homes, jobs)


def changes_of_customer(row: Row[Any], name: str, phone: str | None) -> dict[str, str]:
    """What a line makes different of a customer; what it leaves out stays."""
    given = {"name": name, "phone": phone}
    return {word: value for word, value in given.items() if value is not None and value != getattr(row, word)}


def changes_of_home(row: Row[Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a line makes different of a home. The spelling of its address that is kept stays: it is the same one."""
    different = {name: value for name, value in facts.items() if name not in ADDRESS and value != getattr(row, name)}
    if not different.keys().isdisjoint(POSITION):
        different |= {name: facts[name] for name in POSITION if name in facts}
    return different


def home_of(line: ImportLine, homes: Iterable[Row[Any]]) -> Row[Any] | None:
    """Which of a customer's homes is at the line's address; what the line leaves out of it is taken as the same."""
    return next((row for row in homes if _is_at(row, line)), None)


def _is_at(row: Row[Any], line: ImportLine) -> bool:
    city, postal_code = line.cells.get("city", row.city), line.cells.get("postal code", row.postal_code)
    there = Address(line.cells["address"], city, postal_code)
    return Address(row.address, row.city, row.postal_code).key == there.key


def _unchanged(line: ImportLine, **ids: UUID) -> LineReport:
    return LineReport(line.number, ImportOutcome.UNCHANGED, ids=ids)
