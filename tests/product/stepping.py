"""Two transactions, statement by statement: a schedule of sides decides whose next statement runs.

Each side runs through the real runner; only its connection waits for its turn before every statement. A side that waits
for the other's lock is told by PostgreSQL itself (`pg_blocking_pids`), so that nothing here depends on time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from db.runner import Call, Runner
from db.tx import Tx
from domain.errors import Refused

DEADLINE = 60.0
GLANCE = 0.004
"""How long a statement may take before the database is asked whether it waits for a lock."""
MANY = 60
"""More statements than any command has."""


@dataclass(eq=False)
class Side:
    """One transaction on its way."""

    call: Call[Any, Any]
    stirred: asyncio.Event
    before: Callable[[], Awaitable[object]] | None = None
    """What happens in the world right before its first statement."""
    at_gate: bool = False
    attempts: int = 0
    pid: int = 0
    steps: int = 0
    waits: bool = False
    """Whether its statement under way was last seen to wait for a lock."""
    value: Any = None
    refusal: Refused | None = None
    task: "asyncio.Task[None]" = field(init=False)
    _go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_moving(self) -> bool:
        """Whether a statement of this side is under way."""
        return not self.at_gate and not self.task.done()

    @property
    def code(self) -> str | None:
        """The code of its refusal, if it was refused."""
        return self.refusal.code.value if self.refusal else None

    @property
    def reasons(self) -> list[str]:
        """Why the cleaner is not eligible."""
        return [one["code"] for one in self.refusal.details["reasons"]] if self.refusal else []

    async def turn(self) -> None:
        """Wait until this side's next statement may run."""
        self.at_gate = True
        self.stirred.set()
        await self._go.wait()
        self._go.clear()

    def let(self) -> None:
        """Let its next statement run."""
        self.at_gate = False
        self.waits = False
        self.steps += 1
        self._go.set()

    async def run(self, runner: "SteppedRunner") -> None:
        """The whole command."""
        try:
            self.value = await runner.run(self.call)
        except Refused as refusal:
            self.refusal = refusal


class SteppedConnection:
    """A connection that waits for its side's turn before each statement."""

    def __init__(self, connection: Any, side: Side) -> None:
        self._connection, self._side = connection, side

    async def execute(self, *given: Any, **named: Any) -> Any:
        await self._side.turn()
        return await self._connection.execute(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass(frozen=True)
class SteppedRunner(Runner):
    """The real runner; the stamp, each statement, and the commit are steps of its side."""

    side: Side

    async def _stamped(self, connection: Any, driver: Any, call: Call[Any, Any]) -> Tx:
        self.side.pid = driver.get_server_pid()
        self.side.attempts += 1
        await self.side.turn()
        tx = await super()._stamped(connection, driver, call)
        stepped: Any = SteppedConnection(connection, self.side)
        return replace(tx, connection=stepped)

    async def _body(self, tx: Tx, call: Call[Any, Any], read: Any) -> tuple[Any, Any]:
        done = await super()._body(tx, call, read)
        await self.side.turn()
        return done


@dataclass
class Stage:
    """Plays two calls against each other."""

    runner: Runner
    watcher: asyncpg.Connection
    """A superuser's connection, which sees who waits for whom."""

    async def play(
        self,
        a: Call[Any, Any],
        b: Call[Any, Any],
        schedule: str,
        before_b: Callable[[], Awaitable[object]] | None = None,
    ) -> tuple[Side, Side]:
        """Run both to their ends; letters of a side that waits or has ended are passed over."""
        stirred = asyncio.Event()
        sides = {"A": Side(a, stirred), "B": Side(b, stirred, before_b)}
        for side in sides.values():
            runner = SteppedRunner(self.runner.engine, self.runner.secrets, self.runner.after_commit, side)
            side.task = asyncio.create_task(side.run(runner))
            side.task.add_done_callback(lambda _ended: stirred.set())
        both = list(sides.values())
        async with asyncio.timeout(DEADLINE):
            await self._settle(both, stirred)
            for letter in schedule:
                if sides[letter].at_gate:
                    await self._step(sides[letter], both, stirred)
            while any(not side.task.done() for side in both):
                await self._step(next((side for side in both if side.at_gate), both[0]), both, stirred)
        for side in both:
            side.task.result()
        return sides["A"], sides["B"]

    async def _step(self, side: Side, both: list[Side], stirred: asyncio.Event) -> None:
        if side.at_gate:
            if side.before is not None and side.steps == 0:
                await side.before()
            side.let()
        elif all(one.is_moving for one in both):
            # Each waits for the other: the database will end one of them.
            stirred.clear()
            await stirred.wait()
        await self._settle(both, stirred)

    async def _settle(self, both: list[Side], stirred: asyncio.Event) -> None:
        """Until every side stands at its gate, has ended, or waits for a lock."""
        while moving := [side for side in both if side.is_moving]:
            stirred.clear()
            # Who waited before waits still, unless the other's statement has just let go of the lock.
            if not all(side.waits for side in moving):
                try:
                    async with asyncio.timeout(GLANCE):
                        await stirred.wait()
                    continue
                except TimeoutError:
                    pass
            waits = await self._all_wait([side.pid for side in moving])
            for side in moving:
                side.waits = waits
            if waits:
                return

    async def _all_wait(self, pids: list[int]) -> bool:
        sql = "select bool_and(cardinality(pg_blocking_pids(pid)) > 0) from unnest($1::int[]) pid"
        waits: bool = await self.watcher.fetchval(sql, pids)
        return waits


def schedules(seed: int, steps: tuple[int, int], more: int, every: int = 1) -> Iterator[str]:
    """Each schedule in which one side is interrupted once by the whole of the other, and `more` random ones.

    With `every` greater than 1 only every so many of the first kind, where in the row by the seed and the steps.
    """
    for one, two, most in (("A", "B", steps[0]), ("B", "A", steps[1])):
        for done in range((seed + sum(steps)) % every, most + 1, every):
            yield one * done + two * MANY + one * MANY
    dice = random.Random(seed)  # noqa: S311 (no secret)
    for _ in range(more):
        # Runs of one side, so that statements far apart meet as often as neighbours.
        yield "".join(dice.choice("AB") * dice.randint(1, 4) for _ in range(12))
