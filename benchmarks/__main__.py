"""`python -m benchmarks`: run them all (about four minutes), or some; print one table and leave nothing behind."""

import os
import platform
from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from benchmarks import feed, live, races
from benchmarks.figures import Report
from benchmarks.gauges import CAN_PIN, off_server_core
from benchmarks.installation import Size, open_installation

LARGE = Size(tenants=20, cleaners=40, properties=200, jobs=1000, swaps=200)
"""The businesses that are measured."""
SMALL = Size(tenants=50, cleaners=20, properties=20, jobs=100, swaps=10)
"""The rest of the fifty that are listened to."""


class Name(StrEnum):
    """The benchmarks."""

    FEED = "feed"
    LIVE = "live"
    RACES = "races"


def run(
    quick: Annotated[bool, typer.Option("--quick", help="About two minutes instead of four.")] = False,
    only: Annotated[list[Name] | None, typer.Option(help="Only this one; may be given several times.")] = None,
) -> None:
    """Measure the API beside the usual way of building the same, its live feeds, and its swap race."""
    wanted = only or list(Name)
    report = Report()
    uvloop.run(_measure(wanted, report, quick=quick))
    pinned = "each server on one of them" if CAN_PIN else "nothing pinned"
    report.print(f"{os.cpu_count()} cores, {pinned}; Python {platform.python_version()}; median (min to max) of rounds")


async def _measure(wanted: list[Name], report: Report, *, quick: bool) -> None:
    async with open_installation() as place:
        await place.fill(LARGE)
        await place.fill(SMALL)
        with off_server_core():
            if Name.FEED in wanted:
                pace = feed.Pace(3, 2.0, 1.0) if quick else feed.Pace(5, 4.0, 2.0)
                await feed.measure(place, pace, report)
            if Name.LIVE in wanted:
                await live.measure(place, 8.0 if quick else 20.0, report)
            if Name.RACES in wanted:
                await races.measure(place, 4.0 if quick else 12.0, report)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(run)
    command()
