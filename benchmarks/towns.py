"""Who listens in the benchmarks of the live feeds: businesses whose cleaners each watch their one market."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.installation import Installation, Size
from domain.actors import Role, TenantId
from services.cards import SWAP_CARD, SWAP_CARD_FROM

METROPOLIS = 51
"""The number of the business with thousands of cleaners."""
NEIGHBOURS = 10
"""Cleaners of each of the many small ones that follow."""
SIGNING_IN_AT_ONCE = 8
BURST = 20
"""Pending swaps of the metropolis, each with its card."""


@dataclass(frozen=True, slots=True)
class Town:
    """A business of one market, a token for each of its cleaners, and the cards of its pending swaps."""

    tenant: TenantId
    tokens: list[str]
    cards: list[dict[str, Any]]


async def settle(place: Installation, *, cleaners: int, towns: int) -> None:
    """Make the metropolis with so many cleaners, and so many small towns."""
    await place.fill(Size(METROPOLIS, cleaners=cleaners, properties=1, jobs=2 * cleaners, swaps=BURST))
    last = METROPOLIS + towns
    await place.fill(Size(last, cleaners=NEIGHBOURS, properties=1, jobs=2 * NEIGHBOURS, swaps=2))


async def metropolis(place: Installation, cleaners: int) -> Town:
    """The business with so many cleaners in one market, each of them another viewer, all signed in."""
    return await _town(place, METROPOLIS, cleaners)


async def streets(place: Installation, count: int) -> list[Town]:
    """So many businesses with ten cleaners each."""
    return [await _town(place, METROPOLIS + number, NEIGHBOURS) for number in range(1, count + 1)]


def everybody(towns: Sequence[Town]) -> list[str]:
    """All tokens, the towns mixed."""
    return [token for tokens in zip(*(town.tokens for town in towns), strict=True) for token in tokens]


async def _town(place: Installation, number: int, cleaners: int) -> Town:
    tenant = await place.tenant(number)
    people = await place.root.fetch(
        "select id from cleaner where tenant_id = $1 order by id limit $2", tenant, cleaners
    )
    assert len(people) == cleaners
    turn = asyncio.Semaphore(SIGNING_IN_AT_ONCE)

    async def token(person: object) -> str:
        async with turn:
            return place.token(await place.session(tenant, Role.CLEANER, person))

    tokens = await asyncio.gather(*(token(row["id"]) for row in people))
    cards = await place.root.fetch(
        f"select {SWAP_CARD} as card from {SWAP_CARD_FROM} where s.tenant_id = $1 and s.status = 'PENDING'", tenant
    )
    return Town(tenant, list(tokens), [orjson.loads(row["card"]) for row in cards])
