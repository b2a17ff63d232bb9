"""The swap market's writes over HTTP: everybody after one swap, and shifts that change hands."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from benchmarks.documents import ACCEPT, OFFER, TAKEABLE
from benchmarks.figures import Line, Report
from benchmarks.gauges import cpu_seconds, database_cpu_seconds
from benchmarks.http_load import Connection, Post, answer, for_seconds
from benchmarks.installation import APP_ROLE, Installation, Server
from domain.actors import Role, TenantId
from schema.types.relay import decode_id, encode_id

BUSINESS = 2
"""Another than the reads' and the feeds'."""
RACERS = 32
PAIRS = 8


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Who takes part."""

    id: str
    token: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cleaners, each of whom may take the other's shift back."""

    first: Cleaner
    second: Cleaner
    assignment: str


@dataclass(frozen=True, slots=True)
class Used:
    """What so many mutations cost in all."""

    count: int
    seconds: float
    server_seconds: float
    database_seconds: float

    def lines(self, what: str, *, each: int = 1) -> list[Line]:
        """As lines of the table; `each` mutations are one of `what`."""
        made = max(1, self.count // each)
        return [
            Line(f"{what} a second, one server core", f"{made / self.seconds:,.0f}"),
            Line("server CPU each, ms", f"{self.server_seconds * 1000 / made:.2f}"),
            Line("PostgreSQL CPU each, ms", f"{self.database_seconds * 1000 / made:.2f}"),
        ]


async def measure(place: Installation, seconds: float, report: Report) -> None:
    """One hot swap first, then pairs of cleaners who pass their shifts to each other."""
    tenant = await place.tenant(BUSINESS)
    people = await _cleaners(place, tenant)
    hot = await place.root.fetchval(
        "select id from swap where tenant_id = $1 and status = 'PENDING' order by expires_at desc, id limit 1", tenant
    )
    with place.ours() as server:
        refusals = await _race(place, server, people, str(encode_id("Swap", hot)), seconds)
        report.add(f"Accepting one swap, {RACERS} at a time, refused but for one", refusals.lines("accepts"))
        pairs = await _pairs(place, server, tenant, people)
        swaps = await _hand_over(place, server, pairs, seconds)
        report.add(f"Offer and accept of one business, {len(pairs)} at a time", swaps.lines("offer + accept", each=2))


async def _cleaners(place: Installation, tenant: TenantId) -> list[Cleaner]:
    rows = await place.root.fetch("select id from cleaner where tenant_id = $1 order by created_at, id", tenant)
    actors = await asyncio.gather(*(place.session(tenant, Role.CLEANER, row["id"]) for row in rows))
    return [Cleaner(str(encode_id("Cleaner", actor.person)), place.token(actor)) for actor in actors]


async def _race(place: Installation, server: Server, people: Sequence[Cleaner], swap: str, seconds: float) -> Used:
    codes: list[str | None] = []
    go_on = for_seconds(seconds)

    async def one(who: Cleaner) -> int:
        connection, wire, done = await Connection.open(server.port), Post.of(who.token, ACCEPT, {"id": swap}).wire(), 0
        while go_on(done):
            payload = orjson.loads(await connection.send(wire))["data"]["acceptSwap"]
            codes.append(payload["errors"][0]["code"] if payload["errors"] else None)
            done += 1
        await connection.close()
        return done

    used = await _used(place, server, [one(people[n % len(people)]) for n in range(RACERS)])
    if codes.count(None) > 1 or not set(codes) <= {None, "SWAP_ALREADY_TAKEN", "NOT_ELIGIBLE"}:
        raise AssertionError(f"One swap was taken {codes.count(None)} times: {set(codes)}")
    return used


async def _used(place: Installation, server: Server, work: Sequence[Any]) -> Used:
    """What it costs to do all this at the same time; each piece of work says how many mutations it was."""
    began = time.perf_counter()
    server_cpu, database_cpu = cpu_seconds(server.pid), database_cpu_seconds(place.postmaster, APP_ROLE)
    count = sum(await asyncio.gather(*work))
    return Used(
        count,
        time.perf_counter() - began,
        cpu_seconds(server.pid) - server_cpu,
        database_cpu_seconds(place.postmaster, APP_ROLE) - database_cpu,
    )


async def _pairs(place: Installation, server: Server, tenant: TenantId, people: Sequence[Cleaner]) -> list[Pair]:
    """Disjoint pairs of cleaners between whom a shift may go there and back by every rule."""
    known, busy, found = {one.id: one for one in people}, set[str](), list[Pair]()
    for taker in people:
        if len(found) == PAIRS:
            break
        if taker.id in busy:
            continue
        takeable = (await answer(server.port, Post.of(taker.token, TAKEABLE, {})))["data"]["swaps"]["nodes"]
        for swap in takeable:
            owner = known[swap["owner"]["id"]]
            if owner.id in busy:
                continue
            assignment = await place.root.fetchval(
                "select assignment_id from swap where tenant_id = $1 and id = $2",
                tenant,
                decode_id(swap["id"], "Swap"),
            )
            pair = Pair(taker, owner, str(encode_id("Assignment", assignment)))
            if await _take(server, taker, swap["id"]) and await _pass(server, pair):
                busy |= {taker.id, owner.id}
                found.append(pair)
                break
    if not found:
        raise AssertionError("No two cleaners can exchange a shift.")
    return found


async def _take(server: Server, who: Cleaner, swap: str) -> bool:
    payload = (await answer(server.port, Post.of(who.token, ACCEPT, {"id": swap})))["data"]["acceptSwap"]
    return not payload["errors"]


async def _pass(server: Server, pair: Pair) -> bool:
    """There and back once: whether both may."""
    for giver, taker in ((pair.first, pair.second), (pair.second, pair.first)):
        offered = await answer(server.port, Post.of(giver.token, OFFER, {"id": pair.assignment}))
        payload = offered["data"]["offerSwap"]
        if payload["errors"] or not await _take(server, taker, payload["swap"]["id"]):
            return False
    return True


async def _hand_over(place: Installation, server: Server, pairs: Sequence[Pair], seconds: float) -> Used:
    go_on = for_seconds(seconds)

    async def one(pair: Pair) -> int:
        connection, done = await Connection.open(server.port), 0
        giver, taker = pair.first, pair.second
        while go_on(done):
            offer = Post.of(giver.token, OFFER, {"id": pair.assignment}).wire()
            offered = orjson.loads(await connection.send(offer))["data"]["offerSwap"]
            if offered["errors"]:
                raise AssertionError(offered["errors"])
            accept = Post.of(taker.token, ACCEPT, {"id": offered["swap"]["id"]}).wire()
            accepted = orjson.loads(await connection.send(accept))["data"]["acceptSwap"]
            if accepted["errors"]:
                raise AssertionError(accepted["errors"])
            giver, taker, done = taker, giver, done + 2
        await connection.close()
        return done

    return await _used(place, server, [one(pair) for pair in pairs])
