"""Each fault once, under load: nothing lost, nothing twice, nothing in another order, for followers and writers alike.

Two businesses over two API processes and two workers; PostgreSQL and Redis of their own. Every count must be 0.
"""

import base64
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from app.settings import Keys
from app.tokens import SigningKey, TokenSigner
from domain.actors import Actor
from sandbox.environment import Servers
from tests.product.world import KEY
from tests.soak.cluster import BRISK_WORKER, Cluster, looking, open_cluster, open_servers
from tests.soak.faults import FAULTS, kill_everything
from tests.soak.folding import Market
from tests.soak.followers import Device, Follower, Line
from tests.soak.proxy import BOTH, Way
from tests.soak.schedule import chance_of
from tests.soak.storm import Weather, a_weather
from tests.soak.verdict import judged
from tests.soak.writers import Counter, Ledger, Wish

SEED = 20261122
LENGTHS = {"cut": 1.0, "delay": 1.0, "api": 0.0, "worker": 0.0, "redis": 2.0, "hang": 2.5, "postgres": 0.3}
DAYS, HOUR = timedelta(days=1), timedelta(hours=1)
CLOSE = "update market set window_lead_days = 0 where tenant_id = $1 returning window_epoch"
"""The window opens not before its Sunday, which is some days away."""


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Servers, Path]]:
    data = Path(tempfile.mkdtemp(prefix="cleanshift-soak-"))
    try:
        with open_servers(data) as servers:
            yield servers, data
    finally:
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
async def cluster(place: tuple[Servers, Path]) -> AsyncIterator[Cluster]:
    async with open_cluster(*place, worker=BRISK_WORKER) as running:
        yield running


async def all_is_well(weather: Weather) -> None:
    """When everything has settled, nothing that can be counted has gone wrong."""
    await weather.settle()
    judgement = await judged(weather)
    assert judgement.counts.wrong() == {}, judgement.notes


@pytest.mark.parametrize("fault", LENGTHS)
async def test_nothing_is_lost_or_doubled_or_disordered_through(fault: str, cluster: Cluster) -> None:
    """R96, R199, R236, R253: cuts, delays, and the deaths of API, worker, Redis and PostgreSQL."""
    async with a_weather(cluster, SEED) as weather:
        await weather.busy()
        await FAULTS[fault](weather, chance_of(SEED), LENGTHS[fault])
        await weather.busy()

        await all_is_well(weather)


async def test_nothing_is_lost_or_doubled_or_disordered_through_the_death_of_everything_at_once(
    cluster: Cluster,
) -> None:
    async with a_weather(cluster, SEED) as weather:
        await weather.busy()
        kill_everything(cluster)
        await cluster.start_redis()
        await weather.busy()

        await all_is_well(weather)


@pytest.mark.parametrize("ways", [frozenset({Way.TO_CLIENT}), BOTH], ids=["one way", "both ways"])
async def test_a_half_open_socket_is_found_by_its_silence(ways: frozenset[Way], cluster: Cluster) -> None:
    """Nobody is told that the line is dead; new connections go through, the old ones never again."""
    async with a_weather(cluster, SEED) as weather:
        await weather.busy()
        for api in cluster.apis:
            api.proxy.mute(ways)
            api.proxy.forget()
        await weather.until(lambda: all(one.silences for one in weather.followers))
        await weather.busy()

        await all_is_well(weather)


async def test_messages_that_vanish_from_an_open_socket_are_found_by_the_next_one(cluster: Cluster) -> None:
    """R199: `previous` is not what the client has; it comes back with its cursor and misses nothing."""
    async with a_weather(cluster, SEED) as weather:
        await weather.busy()
        for api in cluster.apis:
            api.proxy.lose_messages()
        await weather.until(lambda: sum(one.holes for one in weather.followers) >= 3)

        await all_is_well(weather)
        assert weather.vanished >= 3


async def test_a_wrong_clock_of_a_client_changes_nothing_that_it_sees_or_may_do(cluster: Cluster) -> None:
    """R89, R233: feeds, tokens and windows go by the server's time; what a device takes for the time is not asked."""
    async with a_weather(cluster, SEED, towns=1) as weather:
        (storm,) = weather.storms
        for follower, days in zip(storm.followers, (-400, -1, 1, 400, -3, 3), strict=True):
            follower.device = Device(days * DAYS)
        for writer, days in zip(storm.writers, (-2, 2, 400), strict=True):
            writer.counter.device = Device(days * DAYS)
        for api in cluster.apis:
            api.proxy.cut()
        await weather.busy()

        await all_is_well(weather)


async def test_a_wrong_clock_neither_prolongs_a_token_nor_opens_a_window(cluster: Cluster) -> None:
    """R9, R89: a device that lives before the token's end, or inside the next window, is refused all the same."""
    async with a_weather(cluster, SEED, towns=1) as weather, httpx2.AsyncClient() as http:
        await weather.settle()
        (storm,) = weather.storms
        cleaner = storm.writers[0]
        chance = chance_of(SEED)

        over = Line(cluster.ports, _signed_two_hours_ago(cluster))
        late = Follower("late", cleaner.actor, Market(), over, chance, Device(-2 * HOUR))
        with pytest.raises(ConnectionClosed) as closed:
            await late._once()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403

        async with looking(cluster.servers) as root:
            sunday = await root.fetchval(CLOSE, storm.tenant)
        noon = datetime.combine(sunday, time(17), UTC)
        inside = Counter(http, cleaner.counter.line, Ledger(), chance, Device(noon - datetime.now(UTC)))
        wish = Wish("early", "submitAvailability", cleaner.actor, storm.market)
        await inside.bring(wish, cleaner.submission, "availabilitySubmission")
        assert (wish.made, wish.refusals) == (None, ("WINDOW_CLOSED",))


def _signed_two_hours_ago(cluster: Cluster) -> Callable[[Actor], str]:
    keys = Keys.derive(KEY)
    key = SigningKey.from_seed(base64.urlsafe_b64encode(keys.signing).decode().rstrip("="))
    return TokenSigner(key, lifetime=HOUR, now=lambda: datetime.now(UTC) - 2 * HOUR).sign
