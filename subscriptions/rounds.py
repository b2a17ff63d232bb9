"""Reads that many ask for at once and one statement answers.

Who asks while a read runs is answered by the next one: the running one may have begun before what made them ask.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class Round(Generic[Asked, Answer]):
    """One read, for all who asked before it began."""

    asked: set[Asked] = field(default_factory=set)
    answers: "asyncio.Task[Mapping[Asked, Answer]] | None" = None


class Rounds(Generic[Key, Asked, Answer]):
    """Gathers who asks. At most one read a key runs at a time, as a task that no waiter's cancel can kill."""

    def __init__(self, read: Callable[[Collection[Asked]], Coroutine[Any, Any, Mapping[Asked, Answer]]]) -> None:
        self._read = read
        self._running: dict[Key, asyncio.Task[Mapping[Asked, Answer]]] = {}
        self._gathering: dict[Key, Round[Asked, Answer]] = {}

    async def of(self, key: Key, asked: Asked) -> Answer | None:
        """The answer as of a moment after this call; None if the read has none for what was asked."""
        gathered = self._gathering.get(key)
        if gathered is None:
            gathered = self._gathering[key] = Round()
            gathered.answers = asyncio.create_task(self._run(key, gathered))
            gathered.answers.add_done_callback(_looked_at)
        gathered.asked.add(asked)
        assert gathered.answers is not None  # noqa: S101 (made with the round)
        return (await asyncio.shield(gathered.answers)).get(asked)

    async def _run(self, key: Key, gathered: Round[Asked, Answer]) -> Mapping[Asked, Answer]:
        before = self._running.get(key)
        if before is not None:
            await asyncio.wait([before])
        assert gathered.answers is not None  # noqa: S101 (this task)
        del self._gathering[key]
        self._running[key] = gathered.answers
        try:
            return await self._read(gathered.asked)
        finally:
            del self._running[key]


def _looked_at(task: "asyncio.Task[Any]") -> None:
    """Those who asked may all have gone: then nobody is told of a failure."""
    if not task.cancelled():
        task.exception()
