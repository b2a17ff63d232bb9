"""What is known of a viewer is read once a person, however many sockets they have, and each session is verified."""

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

    async def fetchrow(self, *arguments: Any, **options: Any) -> Any:
        self.statements += 1
        self.asked.set()
        row = await self._pool.fetchrow(*arguments, **options)
        await self.open.wait()
        return row


@pytest.fixture
async def pool(wiring: Wiring) -> Any:
    made = await read_pool(wiring.database_url, size=2)
    yield CountingPool(made)
    await made.close()


async def standings(reads: Reads, actors: Iterable[Actor]) -> list[Standing | BaseException]:
    return list(await asyncio.gather(*(reads.standing(actor) for actor in actors), return_exceptions=True))


async def test_all_sockets_of_a_person_that_ask_at_once_are_answered_by_one_statement(
    pool: Any, ours: Business, theirs: Business
) -> None:
    one, other, foreign = await ours.cleaner(ours.north, ours.south), await ours.cleaner(), await theirs.cleaner()
    sessions = [one, *[await ours.signed_in(Role.CLEANER, one.person) for _ in range(SESSIONS - 1)]]
    await ours.revoke(sessions[0], tell=False)
    await ours.revoke(sessions[7], tell=False)
    # The same person in another role, with somebody else's session, and in a tenant that is not theirs.
    office = await ours.signed_in(Role.OWNER, one.person)
    thief = Actor(one.tenant, Role.CLEANER, one.person, other.session)
    stranger = Actor(foreign.tenant, Role.CLEANER, one.person, sessions[1].session)

    found = await standings(Reads(pool, FACTS), [*sessions, thief, office, stranger])

    over = [place for place, standing in enumerate(found) if isinstance(standing, Unauthenticated)]
    assert over == [0, 7, SESSIONS, SESSIONS + 2]
    kept = [standing for standing in found if isinstance(standing, Standing)]
    assert len(kept) == SESSIONS - 2 + 1
    assert kept[0].facts is not None
    assert {str(market) for market in kept[0].facts["markets"]} == {str(ours.north), str(ours.south)}
    assert len({id(standing) for standing in kept[:-1]}) == 1
    # One for the cleaner, one for the owner, one for the stranger.
    assert pool.statements == 3


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

    assert {len(standing.facts["markets"]) for standing in after if standing.facts} == {2}
    assert before.sessions == {one.session}
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
    assert (await reads.standing(one)).sessions == {one.session}


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
