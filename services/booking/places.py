"""Where addresses are, kept once they were looked up, so that the provider is asked once for each (R27).

Nothing here goes over a network: whose command needs a place has it looked up before its transaction begins
(`resolvers/places.py`), and finds it here then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.command import command
from db.tx import Tx
from domain.actors import OFFICE, Role
from domain.geo import Address, Position, rounded
from models import geocoded
from services.checks import text

DIGITS = 6
"""A tenth of a metre."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is, in degrees, and when that was found out; None where nobody has looked it up."""

    latitude: float
    longitude: float
    found_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeepPlaces:
    """What a provider has answered."""

    places: Sequence[tuple[Address, Position]]


@command(*OFFICE, Role.CUSTOMER, Role.ANONYMOUS, secret=True, when_unpaid=True)
async def keep_places(tx: Tx, input: KeepPlaces) -> int:
    """Keep where these addresses are; how many there were. What was found before stays."""
    rows = [
        {
            "tenant_id": tx.actor.tenant,
            "address_key": address.key,
            "latitude": rounded(position.latitude, DIGITS),
            "longitude": rounded(position.longitude, DIGITS),
            "found_at": tx.now,
        }
        for address, position in input.places
    ]
    if not rows:
        return 0
    return await tx.write(insert(geocoded).values(rows).on_conflict_do_nothing())


async def place_of(tx: Tx, address: str, city: str, postal_code: str) -> Place | None:
    """Where an address is, if it was looked up and found."""
    return (await places_of(tx, [Address(address, city, postal_code)])).get(Address(address, city, postal_code).key)


async def places_of(tx: Tx, addresses: Iterable[Address]) -> dict[str, Place]:
    """Where these addresses are, by their keys, as far as it is known."""
    keys = {address.key for address in addresses}
    rows = await tx.all(select(geocoded).where(tx.own(geocoded), geocoded.c.address_key.in_(keys))) if keys else []
    return {row.address_key: Place(float(row.latitude), float(row.longitude), row.found_at) for row in rows}


async def unplaced(tx: Tx, addresses: Iterable[Address]) -> list[Address]:
    """Those of the addresses that have to be looked up, each once."""
    asked = {address.key: address for address in addresses}
    known = await places_of(tx, asked.values())
    return [address for key, address in asked.items() if key not in known]


def written_address(address: str, city: str, postal_code: str) -> Address:
    """An address as a home's is kept; `Invalid` names the part that cannot be one."""
    return Address(
        text(address, "address", most=300), text(city, "city", most=100), text(postal_code, "postalCode", most=20)
    )
