"""What the event, the audit line and the tasks cost a write: the same change with and without them, turn by turn.

All writes are one business's, so that all wait for the one row at its log's head; each writer has a swap of its own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from benchmarks.figures import Line, Report, percentile, ratios, spread
from benchmarks.gauges import database_cpu_seconds
from benchmarks.http_load import for_seconds
from benchmarks.installation import APP_ROLE, Installation, a_runner
from benchmarks.towns import metropolis
from db.command import Command
from db.runner import Call, Runner
from db.tx import Tx
from domain.actors import Actor, Role, TenantId
from domain.events import EventType
from models import swap
from services.cards import record_swap_move

CONNECTIONS = 10
"""As many as an API process has for writing."""
WARM_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure."""

    rounds: int
    seconds: float
    cleaners: int
    """Of the business; as many as the other benchmarks of the run have."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A swap with another note."""

    id: UUID
    note: str


@dataclass(slots=True)
class Figures:
    """A value a round."""

    a_second: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    database_ms: list[float] = field(default_factory=list)


async def _note(tx: Tx, input: Noted) -> None:
    await tx.change(swap, input.id, note=input.note)


async def _note_and_tell(tx: Tx, input: Noted) -> None:
    await tx.change(swap, input.id, note=input.note)
    await record_swap_move(tx, EventType.SWAP_CHANGED, input.id)


# Not declared: the product's commands are walked by name.
NOTE: Command[Noted, None] = Command("note", frozenset({Role.SYSTEM}), _note, Noted, type(None), secret=True)
NOTE_AND_TELL: Command[Noted, None] = Command(
    "note_and_tell", frozenset({Role.SYSTEM}), _note_and_tell, Noted, type(None), secret=True
)


@dataclass(slots=True)
class Side:
    """One of the two writes."""

    command: Command[Noted, None]
    figures: Figures = field(default_factory=Figures)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and to what is written."""

    place: Installation
    runner: Runner
    tenant: TenantId
    swaps: Sequence[UUID]

    async def round(self, side: Side, seconds: float) -> None:
        """Each writer changes its own swap over and over."""
        took: list[float] = []
        go_on, began = for_seconds(seconds), time.perf_counter()
        database = database_cpu_seconds(self.place.postmaster, APP_ROLE)
        await asyncio.gather(*(self._writer(side.command, id, took, go_on) for id in self.swaps))
        side.figures.a_second.append(len(took) / (time.perf_counter() - began))
        side.figures.p99_ms.append(percentile(took, 0.99))
        database = database_cpu_seconds(self.place.postmaster, APP_ROLE) - database
        side.figures.database_ms.append(database * 1000 / len(took))

    async def _writer(
        self, command: Command[Noted, None], id: UUID, took: list[float], go_on: Callable[[int], bool]
    ) -> None:
        count = 0
        while go_on(count):
            count, began = count + 1, time.perf_counter()
            await self.runner.run(Call(Actor.system(self.tenant), command, Noted(id, f"note {count}")))
            took.append((time.perf_counter() - began) * 1000)


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """Both in turns, in this process."""
    town = await metropolis(place, pace.cleaners)
    swaps = [UUID(card["id"]) for card in town.cards[:CONNECTIONS]]
    told, silent = Side(NOTE_AND_TELL), Side(NOTE)
    async with a_runner(place.servers) as runner:
        bench = Bench(place, runner, town.tenant, swaps)
        for side in (told, silent):
            await bench.round(side, WARM_SECONDS)
            side.figures = Figures()
        for turn in range(pace.rounds):
            for side in (told, silent) if turn % 2 == 0 else (silent, told):
                await bench.round(side, pace.seconds)
    title = f"Writes of one business, {CONNECTIONS} at a time; second column: without event, audit line and task"
    report.add(title, _lines(told.figures, silent.figures))


def _lines(told: Figures, silent: Figures) -> list[Line]:
    return [
        Line(
            "transactions a second, one client core",
            spread(told.a_second, 0),
            spread(silent.a_second, 0),
            ratios(told.a_second, silent.a_second, 2),
        ),
        Line("p99, ms", spread(told.p99_ms, 1), spread(silent.p99_ms, 1), ratios(silent.p99_ms, told.p99_ms, 2)),
        Line(
            "PostgreSQL CPU each, ms",
            spread(told.database_ms),
            spread(silent.database_ms),
            ratios(silent.database_ms, told.database_ms, 2),
        ),
    ]
