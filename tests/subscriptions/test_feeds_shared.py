"""What is known of viewers is read once for all who ask at once, and each of their sessions is verified."""

import asyncio
from collections.abc import Iterable
from typing import Any

import asyncpg
import pytest

from db.engine import read_pool
from domain.actors import Actor, Role
from domain.errors import Unauthenticated
from subscriptions.reads import Reads
from subscriptions.standings import Standing
from tests.subscriptions.client import PATIENCE, Client
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import FACTS, MARKET, Wiring

SESSIONS = 30


class CountingPool:
    """A pool that counts its statements, and holds them back while it is told to."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.statements = 0
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()

    async def fetch(self, *arguments: Any, **options: Any) -> Any:
        self.statements += 1
        self.asked.set()
        rows = await self._pool.fetch(*arguments, **options)
        await self.open.wait()
        return rows


@pytest.fixture
async def pool(wiring: Wiring) -> Any:
    made = await read_pool(wiring.database_url, size=2)
    yield CountingPool(made)
    await made.close()


async def standings(reads: Reads, actors: Iterable[Actor], *, whole: bool = False) -> list[Standing | BaseException]:
    asking = (reads.standing(actor, whole=whole) for actor in actors)
    return list(await asyncio.gather(*asking, return_exceptions=True))


def markets(standing: Standing | BaseException) -> set[str]:
    assert isinstance(standing, Standing)
    assert standing.facts is not None
    return {str(market) for market in standing.facts["markets"]}


@pytest.mark.parametrize(("whole", "statements"), [(False, 2), (True, 3)])
async def test_all_sockets_of_a_person_that_ask_at_once_are_answered_by_one_statement(
    pool: Any, ours: Business, theirs: Business, whole: bool, statements: int
) -> None:
    one, other, foreign = await ours.cleaner(ours.north, ours.south), await ours.cleaner(), await theirs.cleaner()
    sessions = [one, *[await ours.signed_in(Role.CLEANER, one.person) for _ in range(SESSIONS - 1)]]
    await ours.revoke(sessions[0], tell=False)
    await ours.revoke(sessions[7], tell=False)
    # The same person in another role, with somebody else's session, and in a tenant that is not theirs.
    office = await ours.signed_in(Role.OWNER, one.person)
    thief = Actor(one.tenant, Role.CLEANER, one.person, other.session)
    stranger = Actor(foreign.tenant, Role.CLEANER, one.person, sessions[1].session)

    found = await standings(Reads(pool, FACTS), [*sessions, thief, office, stranger], whole=whole)

    over = [place for place, standing in enumerate(found) if isinstance(standing, Unauthenticated)]
    assert over == [0, 7, SESSIONS, SESSIONS + 2]
    kept = [standing for standing in found if isinstance(standing, Standing)]
    assert len(kept) == SESSIONS - 2 + 1
    assert markets(kept[0]) == {str(ours.north), str(ours.south)}
    assert len({id(standing) for standing in kept[:-1]}) == 1
    assert {standing.is_whole for standing in kept} == {whole}
    # One for each tenant; for the whole one for the cleaner, one for the owner, one for the stranger.
    assert pool.statements == statements


async def test_what_decides_classes_is_read_by_one_statement_for_all_of_a_tenant_to_each_their_own(
    pool: Any, ours: Business, theirs: Business
) -> None:
    """R1, R18: nobody is given the markets of another, and nobody has a standing by another's session or role."""
    mine = [await ours.cleaner(*places) for places in ((ours.north,), (ours.south,), (ours.north, ours.south))]
    foreign = await theirs.cleaner(theirs.north)
    owner = await ours.signed_in(Role.OWNER)
    gone = await ours.cleaner(ours.north)
    await ours.revoke(gone, tell=False)
    posing = [
        Actor(ours.tenant, Role.OWNER, mine[0].person, mine[0].session),
        Actor(ours.tenant, Role.CLEANER, mine[1].person, mine[0].session),
        Actor(ours.tenant, Role.CLEANER, foreign.person, foreign.session),
        Actor(theirs.tenant, Role.CLEANER, mine[0].person, mine[0].session),
    ]

    found = await standings(Reads(pool, FACTS), [*mine, foreign, owner, gone, *posing])

    assert [markets(standing) for standing in found[:4]] == [
        {str(ours.north)},
        {str(ours.south)},
        {str(ours.north), str(ours.south)},
        {str(theirs.north)},
    ]
    assert isinstance(found[4], Standing)
    assert found[4].facts is None
    assert [type(standing) for standing in found[5:]] == [Unauthenticated] * 5
    assert pool.statements == 2
    alone = await standings(Reads(pool, FACTS), [*mine, foreign], whole=True)
    assert [markets(standing) for standing in alone] == [markets(standing) for standing in found[:4]]


async def test_who_asks_while_a_read_runs_gets_a_later_one_and_all_of_them_the_same(pool: Any, ours: Business) -> None:
    one = await ours.cleaner()
    reads = Reads(pool, FACTS)
    pool.open.clear()
    first = asyncio.create_task(reads.standing(one))
    async with asyncio.timeout(PATIENCE):
        await pool.asked.wait()
    late = [asyncio.create_task(reads.standing(one)) for _ in range(SESSIONS)]
    await ours.put_in_market(one.person, ours.south)

    pool.open.set()
    async with asyncio.timeout(PATIENCE):
        before, *after = await asyncio.gather(first, *late)

    assert isinstance(before, Standing)
    assert {len(markets(standing)) for standing in after} == {2}
    assert pool.statements == 2


async def test_those_who_leave_while_it_is_read_take_nobody_with_them(pool: Any, ours: Business) -> None:
    one = await ours.cleaner()
    reads = Reads(pool, FACTS)
    pool.open.clear()
    waiting = [asyncio.create_task(reads.standing(one)) for _ in range(3)]
    async with asyncio.timeout(PATIENCE):
        await pool.asked.wait()
    waiting[0].cancel()
    pool.open.set()

    found = await asyncio.gather(*waiting, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert [isinstance(standing, Standing) for standing in found[1:]] == [True, True]
    assert isinstance(await reads.standing(one), Standing)


async def test_every_socket_of_a_person_follows_what_an_event_changed_and_a_revoked_one_is_closed(
    api: int, ours: Business, theirs: Business
) -> None:
    one = await ours.cleaner()
    sessions = [one, *[await ours.signed_in(Role.CLEANER, one.person) for _ in range(14)]]
    clients = [await Client.open(api, token(actor)) for actor in sessions]
    feeds = [await client.begun(MARKET) for client in clients]
    foreign = await Client.open(api, token(await theirs.cleaner()))
    untouched = await foreign.begun(MARKET)
    other = await ours.cleaner(ours.north, ours.south)
    await ours.offer(other, ours.south, note="south")

    await ours.revoke(sessions[3], tell=False)
    await ours.put_in_market(one.person, ours.south)
    await ours.changed(one)

    assert await clients.pop(3).closed() == 4403
    assert len(feeds.pop(3).frames) == 1
    for client, feed in zip(clients, feeds, strict=True):
        await client.frames(feed, 2)
        assert [swap["note"] for swap in feed.frames[1]["swaps"]] == ["south"]
        await client.close()
    assert untouched.kinds() == ["SwapMarketSnapshot"]
    await foreign.close()
