"""What is done to a running installation. Each fault has a length, and is over when its function returns."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.soak.cluster import Cluster
from tests.soak.followers import Device
from tests.soak.proxy import BOTH, Proxy, Way
from tests.soak.storm import Weather

Fault = Callable[[Weather, random.Random, float], Awaitable[str]]
"""Does it to the weather for so many seconds, with this chance; says what it did."""

SILENT = (BOTH, frozenset({Way.TO_CLIENT}), frozenset({Way.TO_SERVER}))
CUTS_A_SECOND = 4


async def cut(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Cut every connection of an API process, several times."""
    times = max(1, round(seconds * CUTS_A_SECOND))
    for _ in range(times):
        chance.choice(_proxies(weather)).cut()
        await asyncio.sleep(seconds / times)
    return f"{times} cuts"


async def halfopen(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Pass nothing on in one direction or both; then everything that waited, or what was open stays dead for good."""
    proxy, ways, forgotten = chance.choice(_proxies(weather)), chance.choice(SILENT), chance.random() < 0.5
    proxy.mute(ways)
    await asyncio.sleep(seconds)
    (proxy.forget if forgotten else proxy.resume)()
    silent = " and ".join(sorted(way.value for way in ways))
    return f"nothing {silent}; {'the open connections stay dead' if forgotten else 'then all that waited'}"


async def delay(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Every piece of bytes is late."""
    proxy = chance.choice(_proxies(weather))
    proxy.delay = chance.uniform(0.1, 0.8)
    late = proxy.delay
    await asyncio.sleep(seconds)
    proxy.delay = 0.0
    return f"{late * 1000:.0f} ms each way"


async def gap(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Messages vanish on sockets that stay open: only `previous` can tell."""
    proxies, before = _proxies(weather), weather.vanished
    for proxy in proxies:
        proxy.lose_messages()
    await asyncio.sleep(seconds)
    for proxy in proxies:
        proxy.lose_no_more()
    return f"{weather.vanished - before} messages made away with"


async def api(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Kill an API process."""
    victim = chance.choice(weather.cluster.apis).child
    victim.kill()
    return f"{victim.name} killed"


async def worker(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Kill a worker."""
    victim = chance.choice(weather.cluster.workers)
    victim.kill()
    return f"{victim.name} killed"


async def redis(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Kill Redis, and start it again after a while."""
    weather.cluster.kill_redis()
    await asyncio.sleep(seconds)
    await weather.cluster.start_redis()
    return "killed, then back"


async def hang(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Redis does not answer, though its connections stand."""
    pid = weather.cluster.hang_redis()
    await asyncio.sleep(seconds)
    weather.cluster.wake_redis(pid)
    return "stopped, then going on"


async def postgres(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Kill PostgreSQL, and start it again after a while."""
    weather.cluster.kill_postgres()
    await asyncio.sleep(seconds)
    await weather.cluster.start_postgres()
    return "killed, then back"


async def restart(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Kill everything at once, and start it again."""
    cluster = weather.cluster
    kill_everything(cluster)
    await asyncio.sleep(seconds)
    await cluster.start_redis()
    await cluster.until_ready()
    return "everything killed, then back"


async def clock(weather: Weather, chance: random.Random, seconds: float) -> str:
    """Some clients' clocks are days wrong from now on."""
    storm = chance.choice(weather.storms)
    wrong_by = timedelta(hours=chance.choice((-1, 1)) * chance.uniform(1, 24 * 400))
    wrong = Device(wrong_by)
    chance.choice(storm.followers).device = wrong
    chance.choice(storm.writers).counter.device = wrong
    return f"a follower's and a writer's clock wrong by {wrong_by.total_seconds() / 86_400:+.1f} days"


FAULTS: dict[str, Fault] = {
    one.__name__: one for one in (cut, halfopen, delay, gap, api, worker, redis, hang, postgres, restart, clock)
}


def kill_everything(cluster: Cluster) -> None:
    """Every process of the installation, PostgreSQL and Redis among them."""
    for child in cluster.children:
        child.kill()
    cluster.kill_redis()
    cluster.kill_postgres()


def _proxies(weather: Weather) -> list[Proxy]:
    return [one.proxy for one in weather.cluster.apis]
