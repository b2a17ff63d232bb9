"""Wake-ups: heard at once across processes while Redis is there, never missed for good when it is not.

Where a test means the wake-up and not the poll, the poll is switched off.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection

from db.ids import new_id
from domain.actors import TenantId
from subscriptions.wake import MOST_TENANTS, MOST_UNREAD, SupervisedBackend, Wake
from tests.subscriptions.bell import Bell
from tests.subscriptions.client import PATIENCE, Client
from tests.subscriptions.conftest import StartApi
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY

NO_POLL = 3600.0


class Ear:
    """Hears, and can be waited for."""

    def __init__(self) -> None:
        self.heard: set[TenantId] = set()
        self.everywhere = 0
        self._changed = asyncio.Event()

    def __call__(self, tenants: Collection[TenantId] | None) -> None:
        self.everywhere += tenants is None
        self.heard |= set(tenants or ())
        self._changed.set()

    async def until(self, tenant: TenantId | None) -> None:
        """Until this tenant was named, or "everywhere" was said."""
        async with asyncio.timeout(PATIENCE):
            while tenant not in self.heard if tenant else not self.everywhere:
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def listening(url: str | None) -> AsyncIterator[tuple[Wake, Ear]]:
    async with Wake(url) as wake:
        ear = Ear()
        wake.listen(ear)
        if url is not None:
            await ear.until(None)
        yield wake, ear


def a_tenant() -> TenantId:
    return TenantId(new_id())


async def test_two_processes_hear_each_other_and_each_itself(bell: Bell) -> None:
    tenant, other = a_tenant(), a_tenant()

    async with listening(bell.url) as (one, here), listening(bell.url) as (two, there):
        one.publish(tenant)
        two.publish(other)

        for ear in (here, there):
            await ear.until(tenant)
            await ear.until(other)


async def test_without_redis_a_process_hears_itself() -> None:
    tenant = a_tenant()

    async with listening(None) as (wake, ear):
        wake.publish(tenant)

        assert ear.heard == {tenant}


async def test_after_redis_was_killed_it_is_heard_again_and_everywhere_is_looked_for_what_was_missed(
    bell: Bell,
) -> None:
    async with listening(bell.url) as (one, here), listening(bell.url) as (_, there):
        for _ in range(2):
            bell.kill()
            missed, tenant = a_tenant(), a_tenant()
            one.publish(missed)
            await here.until(missed)
            here.everywhere = there.everywhere = 0

            bell.start()
            await here.until(None)
            await there.until(None)
            one.publish(tenant)

            await there.until(tenant)


async def test_a_process_starts_while_redis_is_away(bell: Bell) -> None:
    bell.kill()
    async with Wake(bell.url) as wake:
        ear = Ear()
        wake.listen(ear)

        wake.publish(a_tenant())
        bell.start()

        await ear.until(None)


async def test_a_burst_becomes_few_messages_and_too_many_tenants_become_everywhere(bell: Bell) -> None:
    async with listening(bell.url) as (one, _), listening(bell.url) as (_, there):
        there.everywhere = 0
        few = [a_tenant() for _ in range(50)]
        for tenant in few * 100:
            one.publish(tenant)
        await there.until(few[-1])

        for _ in range(MOST_TENANTS + 1):
            one.publish(a_tenant())
        await there.until(None)

        assert set(few) <= there.heard


async def test_what_cannot_be_kept_becomes_one_look_everywhere() -> None:
    backend = SupervisedBackend(None, "channel")
    await backend.subscribe("channel")

    for number in range(MOST_UNREAD + 1):
        backend._arrived(str(number))

    assert (await backend.next_published()).message == "*"
    await backend.unsubscribe("channel")
    backend._arrived("dropped")
    assert backend._unread.empty()


async def test_commits_of_another_process_arrive_by_wake_up_alone(
    start_api: StartApi, bell: Bell, ours: Business, theirs: Business
) -> None:
    """Polls are off: without a wake-up nothing would arrive within the test's patience."""
    one = await ours.cleaner()
    client = await Client.open(await start_api(redis_url=bell.url, poll_seconds=NO_POLL), token(one))
    feed = await client.begun(AVAILABILITY)

    async with listening(bell.url) as (wake, ear):
        for number in range(20):
            await theirs.count(number)
            await ours.count(number)
            wake.publish(ours.tenant)
            await client.frames(feed, number + 2)

        bell.kill()
        ear.everywhere = 0
        await ours.count(20)
        bell.start()
        # "Look everywhere" after the reconnect finds what was committed meanwhile.
        await client.until(lambda: len(feed.frames) == 22)
        await ours.count(21)
        await ear.until(None)
        wake.publish(ours.tenant)
        await client.until(lambda: len(feed.frames) == 23)

    assert feed.holes == 0
    await client.close()


async def test_without_redis_the_poll_delivers(start_api: StartApi, ours: Business) -> None:
    one = await ours.cleaner()
    client = await Client.open(await start_api(), token(one))
    feed = await client.begun(AVAILABILITY)

    for number in range(3):
        await ours.count(number)
        await client.frames(feed, number + 2)

    assert feed.holes == 0
    await client.close()
