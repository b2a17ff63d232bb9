"""Addresses are looked up before the transaction that needs them: no transaction is open during a call (R27)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from db.command import Command
from db.runner import Call
from domain.actors import Role
from domain.errors import NotConfigured, Unavailable
from domain.geo import Address, Position
from gateways.geocoding import Geocoder
from resolvers.context import Context
from services.booking.places import KeepPlaces, keep_places

AT_ONCE = 8
"""How many addresses are looked up at the same time."""


async def seldom(context: Context, _input: Any) -> None:
    """Before what costs something: who books for themself, with nothing but a booking's token or signed in, may ask
    only so often. Raises `RateLimited`.
    """
    who, limits = context.signed_in, context.services.visits
    if who.role in {Role.ANONYMOUS, Role.CUSTOMER} and limits is not None:
        limits.ensure(str(who.person), context.origin.address or context.source)


def looked_up(asks: Command[Any, list[Address]]) -> Callable[[Context, Any], Awaitable[None]]:
    """Before a mutation: have the addresses looked up that `asks` names, and keep where they are.

    Who books for themself may have it done only so often (`RateLimited`). What is not found is not kept, so that the
    command itself refuses it. Raises `Unavailable` where the provider is away, and `NotConfigured` where there is none:
    nothing is written then.
    """

    async def look_up(context: Context, input: Any) -> None:
        await seldom(context, input)
        missing = await context.services.runner.run(_call(context, asks, input))
        if not missing:
            return
        found = await _located(_geocoder(context), missing)
        if any(isinstance(place, Unavailable) for place in found.values()):
            raise Unavailable("Addresses cannot be looked up at the moment.")
        await _keep(context, found)

    return look_up


async def look_up_many(context: Context, missing: Sequence[Address], seconds: float) -> frozenset[str]:
    """Look up and keep as many of these as there is time for; the keys of those that nobody can tell now."""
    geocoder = context.services.geocoder
    if geocoder is None or not missing:
        return frozenset()
    found = await _located(geocoder, missing, seconds)
    await _keep(context, found)
    return frozenset(address.key for address, place in found.items() if isinstance(place, Unavailable))


def _geocoder(context: Context) -> Geocoder:
    geocoder = context.services.geocoder
    if geocoder is None:
        raise NotConfigured("This installation cannot look addresses up; say where the home is.", field=("latitude",))
    return geocoder


async def _located(
    geocoder: Geocoder, addresses: Sequence[Address], seconds: float | None = None
) -> dict[Address, Position | Unavailable | None]:
    """Where each is; None for what is nowhere, and the failure for what nobody could tell (in time)."""
    found: dict[Address, Position | Unavailable | None] = {one: Unavailable("There was no time.") for one in addresses}
    places = asyncio.Semaphore(AT_ONCE)

    async def locate(address: Address) -> None:
        async with places:
            try:
                found[address] = await geocoder.locate(address)
            except Unavailable as failure:
                found[address] = failure

    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for one in addresses:
                group.create_task(locate(one))
    except TimeoutError:
        pass
    return found


async def _keep(context: Context, found: dict[Address, Position | Unavailable | None]) -> None:
    places = [(address, place) for address, place in found.items() if isinstance(place, Position)]
    if places:
        await context.services.runner.run(_call(context, keep_places, KeepPlaces(places)))


def _call(context: Context, command: Command[Any, Any], input: Any) -> Call[Any, Any]:
    return Call(context.signed_in, command, input, request_id=context.request_id, origin=context.origin)
