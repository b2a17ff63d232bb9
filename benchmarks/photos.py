"""Photos of 10 MiB through one process, many at once: its memory beside what it takes when idle, and the pace."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import httpx2

from app.settings import Keys
from app.storage import FOLDER
from benchmarks.figures import Line, Report, ratios, spread
from benchmarks.gauges import megabytes
from benchmarks.installation import KEY, Installation, Server
from db.secrets import Secrets
from domain.fieldwork.photos import MOST_BYTES
from gateways.links import FilePermit, Links, UploadPermit
from gateways.objects import FolderStore

BODY = bytes(range(256)) * (MOST_BYTES // 256)
DIGEST = hashlib.sha256(BODY).hexdigest()
TYPE = "image/jpeg"
SAMPLE_SECONDS = 0.02
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Pace:
    """So many photos at once, and in a round; and how many rounds."""

    at_once: int
    photos: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the photos of one round are put, and where they are had again."""

    puts: Sequence[str]
    gets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Round:
    """One round's figures, memory in MiB."""

    idle: float
    up_peak: float
    down_peak: float
    up_rate: float
    """MiB a second."""


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """Ours beside the usual way, round by round, each in a process of its own."""
    ours, usual = [], []
    for number in range(pace.rounds):
        with place.ours() as server:
            ours.append(await _round(server, _ours(place, pace), pace))
        with place.server("usual_photos", ["-m", "benchmarks.usual_photos"]) as server:
            usual.append(await _round(server, _usual(number, pace), pace))
    title = f"{pace.photos} photos of 10 MiB, {pace.at_once} at once"
    report.add(title, _lines(ours, usual))


def _ours(place: Installation, pace: Pace) -> Place:
    keys = Keys.derive(KEY)
    links = Links(Secrets(keys.hashing, keys.sealing), FolderStore.at(place.data / FOLDER))
    names = [str(uuid4()) for _ in range(pace.photos)]
    permits = [UploadPermit(f"incoming/{name}", f"{name}/original", TYPE, len(BODY), DIGEST) for name in names]
    files = [FilePermit(f"incoming/{name}", TYPE, "photo.jpg") for name in names]
    return Place([links.upload(one) for one in permits], [links.file(one) for one in files])


def _usual(number: int, pace: Pace) -> Place:
    paths = [f"/photos/{number}-{index}" for index in range(pace.photos)]
    return Place(paths, paths)


async def _round(server: Server, where: Place, pace: Pace) -> Round:
    limits = httpx2.Limits(max_connections=pace.at_once)
    address = f"http://127.0.0.1:{server.port}"
    async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=TIMEOUT_SECONDS) as http:

        async def put(url: str) -> None:
            answer = await http.put(url, content=BODY, headers={"content-type": TYPE})
            assert answer.status_code == 201, answer.text

        async def get(url: str) -> None:
            digest = hashlib.sha256()
            async with http.stream("GET", url) as answer:
                async for piece in answer.aiter_raw():
                    digest.update(piece)
            assert digest.hexdigest() == DIGEST

        await http.get("/readyz")
        idle = megabytes(server.pid)
        began = time.perf_counter()
        up = await _peak(server.pid, put, where.puts, pace.at_once)
        seconds = time.perf_counter() - began
        down = await _peak(server.pid, get, where.gets, pace.at_once)
    return Round(idle, up, down, pace.photos * len(BODY) / 2**20 / seconds)


async def _peak(pid: int, work: Callable[[str], Awaitable[None]], urls: Sequence[str], at_once: int) -> float:
    """The most memory that the process had meanwhile."""
    peak = megabytes(pid)

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, megabytes(pid))
            await asyncio.sleep(SAMPLE_SECONDS)

    watching = asyncio.create_task(watch())
    left = iter(urls)
    await asyncio.gather(*(_one_after_the_other(work, left) for _ in range(at_once)))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return max(peak, megabytes(pid))


async def _one_after_the_other(work: Callable[[str], Awaitable[None]], left: Iterator[str]) -> None:
    for url in left:
        await work(url)


def _lines(ours: Sequence[Round], usual: Sequence[Round]) -> list[Line]:
    def both(what: str, of: Callable[[Round], float], digits: int = 1) -> Line:
        mine, theirs = [of(one) for one in ours], [of(one) for one in usual]
        return Line(what, spread(mine, digits), spread(theirs, digits), ratios(theirs, mine))

    return [
        both("memory, idle (MiB)", lambda one: one.idle),
        both("most memory while they come in, as a multiple of idle", lambda one: one.up_peak / one.idle, 2),
        both("what was added while they come in (MiB)", lambda one: one.up_peak - one.idle),
        both("most memory while they go out, as a multiple of idle", lambda one: one.down_peak / one.idle, 2),
        Line(
            "taken, checked and on disk (MiB/s)",
            spread([one.up_rate for one in ours], 0),
            spread([one.up_rate for one in usual], 0),
            ratios([one.up_rate for one in ours], [one.up_rate for one in usual], 2),
        ),
    ]
