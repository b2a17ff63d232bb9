"""What is kept of a home: checked as a whole, found on the map, and priced (R26, R27, R31, R32, R60)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, RowMapping

from db.tx import Tx
from domain.errors import Invalid
from domain.geo import Address
from domain.plans import Term
from domain.price_book import HomeFacts, PriceBook, ensure_add_ons
from domain.pricing import Price, price_of
from domain.scheduling import Drain, HotTubService, Laundry
from services.booking.places import place_of, unplaced, written_address
from services.booking.price_books import book_in_force

ADDRESS = ("address", "city", "postal_code")
POSITION = ("latitude", "longitude")


@dataclass(frozen=True, slots=True)
class _AddOns:
    """What of a home goes together or not at all."""

    laundry: Laundry
    laundry_loads: int
    hot_tub: HotTubService
    drain: Drain


def ensure_home(home: Mapping[str, Any]) -> None:
    """Raise `Invalid` where laundry and loads, or a hot tub, its service and its draining contradict (R31, R32)."""
    service, drain = HotTubService(home["hot_tub_service"]), Drain(home["hot_tub_drain"])
    if not home["hot_tub"] and service is not HotTubService.NONE:
        raise Invalid("A home without a hot tub has none to be serviced.", field=("hotTubService",))
    if drain is not Drain.NONE and service is HotTubService.NONE:
        raise Invalid("A hot tub that is not serviced is not drained.", field=("hotTubDrain",))
    ensure_add_ons(_AddOns(Laundry(home["laundry"]), home["laundry_loads"], service, drain))


def without_tub(given: Mapping[str, Any]) -> dict[str, Any]:
    """The changes of a home, with what goes without saying: where the hot tub is gone, so is its service."""
    if given.get("hot_tub") is not False:
        return dict(given)
    gone = {"hot_tub_service": HotTubService.NONE, "hot_tub_drain": Drain.NONE}
    return {**gone, **given}


async def placed(tx: Tx, values: Mapping[str, Any], before: Row[Any] | None = None) -> dict[str, Any]:
    """Where the home is: as the office says, or else where its address was found (R27).

    Looked up is what is new: of a home that is known, an address that has changed. `Invalid` names the address that was
    not found, and the coordinate that is missing.
    """
    given = [name for name in POSITION if values.get(name) is not None]
    if len(given) == 1:
        missing = next(name for name in POSITION if name not in given)
        raise Invalid("Say both, or neither to have the address looked up.", field=(missing,))
    if given:
        return {"geocoded_at": None}
    address = _address(values, before)
    if before is not None and address == _address({}, before):
        return {}
    place = await place_of(tx, address.address, address.city, address.postal_code)
    if place is None:
        raise Invalid("This address was not found; correct it, or say where the home is.", field=("address",))
    return {"latitude": place.latitude, "longitude": place.longitude, "geocoded_at": place.found_at}


async def to_look_up(tx: Tx, values: Mapping[str, Any], before: Row[Any] | None = None) -> list[Address]:
    """The address that `placed` will ask for, if nobody has looked it up yet."""
    if any(values.get(name) is not None for name in POSITION):
        return []
    address = _address(values, before)
    if before is not None and address == _address({}, before):
        return []
    return await unplaced(tx, [address])


async def price_there(tx: Tx, home: Row[Any]) -> Price | None:
    """What a clean of the home costs by the book in force (R60); None where the office has to name it (A31)."""
    return price_by(home._asdict(), (await book_in_force(tx)).book)


def price_by(home: Mapping[str, Any] | RowMapping, book: PriceBook, term: Term | None = None) -> Price | None:
    """What a clean of such a home costs by this book; None where it has no price for it (A31)."""
    try:
        price = price_of(facts_of(home), book, term)
    except Invalid:
        # A home without a bedroom or a bathroom can be kept, and no book has a price for it.
        return None
    return None if price.is_custom_quote else price


def facts_of(home: Mapping[str, Any] | RowMapping) -> HomeFacts:
    """What of a kept home its price depends on."""
    return HomeFacts(
        home["bedrooms"],
        home["bathrooms"],
        home["square_feet"],
        Laundry(home["laundry"]),
        home["laundry_loads"],
        HotTubService(home["hot_tub_service"]),
        Drain(home["hot_tub_drain"]),
    )


def _address(values: Mapping[str, Any], before: Row[Any] | None) -> Address:
    kept = {name: getattr(before, name) for name in ADDRESS} if before is not None else {}
    return written_address(*({**kept, **{k: v for k, v in values.items() if v is not None}}[name] for name in ADDRESS))
