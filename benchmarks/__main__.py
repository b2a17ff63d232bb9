"""`python -m benchmarks`: run them all, or some; print one table and leave nothing behind."""

import os
import platform
from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from benchmarks import fanout, feed, nights, photos, proof, races, sockets, stream, writes
from benchmarks.figures import Report
from benchmarks.gauges import CAN_PIN, allow_files, off_server_core
from benchmarks.installation import Installation, Size, open_installation
from benchmarks.towns import NEIGHBOURS, settle

LARGE = Size(tenants=20, cleaners=40, properties=200, jobs=1000, swaps=200)
"""The businesses that are measured."""
SMALL = Size(tenants=50, cleaners=20, properties=20, jobs=100, swaps=10)
"""The rest of the fifty that are listened to."""

FILES = 4096
"""A socket is an open file at its either end, and no process has more than 2,000 of them."""


class Name(StrEnum):
    """The benchmarks."""

    FEED = "feed"
    FANOUT = "fanout"
    STREAM = "stream"
    SOCKETS = "sockets"
    WRITES = "writes"
    RACES = "races"
    PHOTOS = "photos"
    PROOF = "proof"
    NIGHTS = "nights"


LIVE = {Name.FANOUT, Name.STREAM, Name.SOCKETS, Name.WRITES}
"""Those in which a metropolis and many small towns take part."""


def run(
    quick: Annotated[bool, typer.Option("--quick", help="Smaller crowds and fewer, shorter rounds.")] = False,
    only: Annotated[list[Name] | None, typer.Option(help="Only this one; may be given several times.")] = None,
) -> None:
    """Measure the API and its live feeds beside the usual way of building the same, its writes, and its swap race."""
    allow_files(FILES)
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
            await _measure_live(wanted, place, report, quick=quick)
            if Name.PHOTOS in wanted:
                await photos.measure(place, photos.Pace(8, 16, 1) if quick else photos.Pace(16, 48, 3), report)
            if Name.PROOF in wanted:
                await proof.measure(place, proof.Pace(4, 2, 100) if quick else proof.Pace(16, 4, 1_000), report)
            if Name.NIGHTS in wanted:
                await nights.measure(place, report, quick=quick)
            if Name.RACES in wanted:
                await races.measure(place, 4.0 if quick else 12.0, report)


async def _measure_live(wanted: list[Name], place: Installation, report: Report, *, quick: bool) -> None:
    crowd = 500 if quick else 2000
    if LIVE & set(wanted):
        await settle(place, cleaners=crowd, towns=crowd // NEIGHBOURS)
    if Name.FANOUT in wanted:
        await fanout.measure(place, fanout.Pace(crowd, 3, 5) if quick else fanout.Pace(crowd, 5, 10), report)
    if Name.STREAM in wanted:
        await stream.measure(place, stream.Pace(crowd // NEIGHBOURS, 500, 10.0 if quick else 60.0), report)
    if Name.SOCKETS in wanted:
        await sockets.measure(place, sockets.Pace(crowd), report)
    if Name.WRITES in wanted:
        await writes.measure(place, writes.Pace(3, 2.0, crowd) if quick else writes.Pace(5, 4.0, crowd), report)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(run)
    command()
