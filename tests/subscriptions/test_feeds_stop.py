"""SIGTERM with sockets open: who reads is told 1012, who does not is dropped, and the process leaves."""

import asyncio
import signal
from dataclasses import replace
from typing import Any

from tests.subscriptions.client import PATIENCE, Client
from tests.subscriptions.conftest import an_api_process
from tests.subscriptions.test_feeds_slow import census, masked_ping, stalled_client
from tests.subscriptions.town import Business, token
from tests.subscriptions.toy import AVAILABILITY, Wiring

NEVER = 3_600


async def test_a_process_with_stalled_sockets_leaves_by_itself_and_tells_the_others(
    wiring: Wiring, servers: Any, ours: Business, theirs: Business
) -> None:
    """The server would wait for its connections for an hour, and stalled ones are not dropped before that either."""
    limits = {"messages_a_second": 100_000, "messages_at_once": 100_000}
    patient = replace(wiring, redis_url=servers.redis_url, grace_seconds=NEVER, stall_seconds=NEVER, limits=limits)
    async with an_api_process(patient) as (process, port):
        healthy = [await Client.open(port, token(await one.cleaner())) for one in (ours, ours, theirs)]
        feeds = [await client.begun(AVAILABILITY) for client in healthy]
        # One operation that never ends, one socket that asks without reading, and ten that have stopped reading.
        await healthy[0].send({"id": "s", "type": "subscribe", "payload": {"query": "{ hello stall }"}})
        deaf = await Client.open(port, token(await ours.cleaner()), ping_interval=None, max_queue=1)
        deaf.stop_reading()
        stalled = [deaf, *[await stalled_client(port, ours) for _ in range(10)]]
        for _ in range(300):
            deaf.connection.transport.write(masked_ping())
        for start in range(0, 1_000, 100):
            await ours.count(*range(start, start + 100))
        await healthy[0].frames(feeds[0], 1_001)
        assert (await census(healthy[0]))["waiting"] > 0

        process.send_signal(signal.SIGTERM)
        codes = [await client.closed() for client in healthy]
        async with asyncio.timeout(PATIENCE):
            await process.wait()

        assert codes == [1012] * 3
        assert process.returncode in {0, -signal.SIGTERM}
        assert [len(feed.frames) for feed in feeds[:2]] == [1_001] * 2
        for client in stalled:
            client.read_on()
            assert await client.closed() in {1006, 1012}
