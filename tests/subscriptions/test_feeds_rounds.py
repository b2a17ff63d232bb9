"""Reads that many ask for at once: one for all who came before it began, and a later one for who comes meanwhile."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from domain.errors import Unavailable
from subscriptions.ports import Limits
from subscriptions.rounds import Rounds
from tests.subscriptions.client import PATIENCE


class Library:
    """Answers with the number of the read that answered, and keeps each read waiting until it is let go."""

    def __init__(self) -> None:
        self.reads: list[set[str]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.away = False

    async def read(self, asked: Collection[str]) -> Mapping[str, int]:
        self.reads.append(set(asked))
        number = len(self.reads)
        self.begun.set()
        await self.go_on.wait()
        if self.away:
            raise Unavailable("The library is closed.")
        return {one: number for one in asked if one != "unknown"}


async def begun(library: Library) -> None:
    async with asyncio.timeout(PATIENCE):
        await library.begun.wait()
    library.begun.clear()


async def test_all_who_ask_before_a_read_begins_share_it_and_who_asks_later_gets_a_later_one() -> None:
    library = Library()
    rounds: Rounds[int, str, int] = Rounds(library.read)
    first = [asyncio.create_task(rounds.of(1, one)) for one in ("a", "b", "unknown", "a")]
    await begun(library)
    later = [asyncio.create_task(rounds.of(1, one)) for one in ("a", "c")]
    elsewhere = asyncio.create_task(rounds.of(2, "d"))
    # Another key does not wait for this one.
    await begun(library)

    library.go_on.set()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*first) == [1, 1, None, 1]
        answers = await asyncio.gather(elsewhere, *later)

    assert answers == [2, 3, 3]
    assert library.reads == [{"a", "b", "unknown"}, {"d"}, {"a", "c"}]


async def test_a_read_that_fails_fails_for_all_who_asked_and_for_nobody_after_them() -> None:
    library = Library()
    library.away = True
    rounds: Rounds[int, str, int] = Rounds(library.read)
    first = [asyncio.create_task(rounds.of(1, one)) for one in ("a", "b")]
    await begun(library)
    first[0].cancel()
    library.go_on.set()

    async with asyncio.timeout(PATIENCE):
        found = await asyncio.gather(*first, return_exceptions=True)
        library.away = False
        assert await rounds.of(1, "a") == 2

    assert [type(one) for one in found] == [asyncio.CancelledError, Unavailable]


@pytest.mark.parametrize("seconds", [0.5, 5.0, 7.5, 15.0, 60.0])
def test_every_socket_beats_once_in_the_time_that_is_set_and_is_looked_at_every_second(seconds: float) -> None:
    limits = Limits(heartbeat_seconds=seconds)

    assert limits.tick_seconds * limits.heartbeat_buckets == pytest.approx(seconds)
    assert limits.tick_seconds <= 1.0
