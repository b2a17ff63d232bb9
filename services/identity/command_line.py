"""Access for who holds the installation anyway: a session for the command line's `token`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, Text, cast, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.errors import Invalid, NotFound
from models import cleaner, customer, staff
from services.identity.forms import SignedIn
from services.identity.sessions import open_session

_TABLES: dict[Role, Table] = {
    Role.OWNER: staff,
    Role.ADMIN: staff,
    Role.DISPATCHER: staff,
    Role.OPS: staff,
    Role.CLEANER: cleaner,
    Role.CUSTOMER: customer,
}
TOKEN_ROLES = tuple(_TABLES)


@dataclass(frozen=True, slots=True)
class PersonWanted:
    """Somebody of this role: by email, name or id, or the first there is."""

    role: Role
    user: str | None = None
    device: str = "command line"


@command(Role.SYSTEM, secret=True)
async def open_session_for(tx: Tx, input: PersonWanted) -> SignedIn:
    """Open a session for a person without their secret. Raises `NotFound` where the tenant has nobody like that."""
    table = _TABLES.get(input.role)
    if table is None:
        raise Invalid(f"A token is for one of: {', '.join(TOKEN_ROLES)}.", field=("role",))
    person: UUID | None = await tx.scalar(
        select(table.c.id).where(tx.own(table), *_like(table, input)).order_by(table.c.created_at, table.c.id).limit(1)
    )
    if person is None:
        raise NotFound("This tenant has nobody like that.", field=("user",))
    return await open_session(tx, person, input.role, input.device)


def _like(table: Table, input: PersonWanted) -> list[ColumnElement[bool]]:
    conditions: list[Any] = [table.c.archived_at.is_(None)]
    if table is staff:
        conditions.append(staff.c.role == str(input.role))
    if input.user is not None:
        wanted = input.user.strip()
        conditions.append(
            or_(table.c.email == wanted.lower(), table.c.name == wanted, cast(table.c.id, Text) == wanted.lower())
        )
    return conditions
