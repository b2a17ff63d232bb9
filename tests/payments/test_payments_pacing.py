"""No more calls a second than a provider takes: in order, apart by the pace, and at once where nobody waits."""

import asyncio

import pytest

from gateways.pacing import Pacer


class _Time(asyncio.SelectorEventLoop):
    """A loop whose clock is moved by whoever sleeps: nothing is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0

    def time(self) -> float:
        return self.at

    def _run_once(self) -> None:
        # What is due next is due now.
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.at = max(self.at, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@pytest.fixture
def loop() -> _Time:
    return _Time()


def test_turns_come_in_order_and_as_far_apart_as_the_pace(loop: _Time) -> None:
    """Ten at once at four a second: the first at once, each other a quarter of a second later."""
    turns: list[tuple[float, int]] = []

    async def one(pacer: Pacer, number: int) -> None:
        await pacer.turn()
        turns.append((loop.time(), number))

    async def crowd() -> None:
        pacer = Pacer(4)
        await asyncio.gather(*(one(pacer, number) for number in range(10)))

    try:
        loop.run_until_complete(crowd())
    finally:
        loop.close()
    assert turns == [(number / 4, number) for number in range(10)]


def test_who_comes_when_nobody_waits_goes_at_once(loop: _Time) -> None:
    """The pace is no tax on a single call, and an idle while is not saved up for a burst."""

    async def now_and_then() -> list[float]:
        pacer, waits = Pacer(4), []
        for _ in range(3):
            before = loop.time()
            await pacer.turn()
            waits.append(loop.time() - before)
            await asyncio.sleep(10)
        return waits

    try:
        assert loop.run_until_complete(now_and_then()) == [0.0, 0.0, 0.0]
    finally:
        loop.close()
