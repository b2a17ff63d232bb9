"""The feed of 50 swaps over HTTP: the product beside the usual way, in alternating rounds over the same data."""

import base64
import binascii
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.documents import FEED, PERSONAL_FEED
from benchmarks.figures import Line, Report, ratios, spread
from benchmarks.gauges import cpu_seconds, database_cpu_seconds
from benchmarks.http_load import Post, answer, flood, for_seconds
from benchmarks.installation import APP_ROLE, Installation, Server
from benchmarks.statements import counted_statements
from domain.actors import Role

CONNECTIONS = 8
COUNTED = 25
ROWS = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure."""

    rounds: int
    seconds: float
    warm_seconds: float


@dataclass(slots=True)
class Figures:
    """What one side did, a value a round."""

    server_ms: list[float] = field(default_factory=list)
    database_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    statements: float = 0.0


@dataclass(slots=True)
class Side:
    """One of the two servers, with the request that it gets."""

    server: Server
    path: str
    post: Post
    figures: Figures = field(default_factory=Figures)


async def measure(place: Installation, pace: Pace, report: Report) -> None:
    """Both feeds: the office's, and a cleaner's with the reasons for every row."""
    tenant = await place.tenant(1)
    owner = place.token(await place.session(tenant, Role.OWNER))
    cleaner = place.token(await place.session(tenant, Role.CLEANER))
    with place.ours() as ours, place.server("usual", ["-m", "benchmarks.usual"]) as usual:
        for title, token, document in (
            (f"Feed of {ROWS} swaps with job, property, cleaner; as an owner", owner, FEED),
            ("The same as a cleaner, with viewerCanTake and its reasons", cleaner, PERSONAL_FEED),
        ):
            sides = [
                Side(server, path, Post.of(token, document, {"first": ROWS}, path))
                for server, path in ((ours, "/graphql"), (usual, "/graphql/"))
            ]
            await _compare(place, pace, sides)
            report.add(title, _lines(*(side.figures for side in sides)))


async def _compare(place: Installation, pace: Pace, sides: list[Side]) -> None:
    await _ensure_same(sides)
    for side in sides:
        await flood(side.server.port, side.post, connections=CONNECTIONS, go_on=for_seconds(pace.warm_seconds))
    for turn in range(pace.rounds):
        for side in sides if turn % 2 == 0 else reversed(sides):
            await _round(place, side, pace.seconds)
    for side in sides:
        side.figures.statements = await _statements(place, side)


async def _round(place: Installation, side: Side, seconds: float) -> None:
    server = cpu_seconds(side.server.pid)
    database = database_cpu_seconds(place.postmaster, APP_ROLE)
    began = time.perf_counter()
    answered = await flood(side.server.port, side.post, connections=CONNECTIONS, go_on=for_seconds(seconds))
    took = time.perf_counter() - began
    side.figures.per_second.append(answered / took)
    side.figures.server_ms.append((cpu_seconds(side.server.pid) - server) * 1000 / answered)
    side.figures.database_ms.append((database_cpu_seconds(place.postmaster, APP_ROLE) - database) * 1000 / answered)


async def _ensure_same(sides: list[Side]) -> None:
    """Both must answer the same, but for the encoding of ids."""
    ours, usual = [_plain(await answer(side.server.port, side.post)) for side in sides]
    if "errors" in ours or len(ours["data"]["swaps"]["nodes"]) != ROWS:
        raise AssertionError(f"The feed was not answered: {ours}")
    if ours != usual:
        raise AssertionError("The two servers answer differently.")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _key_of(found) if key == "id" else _plain(found) for key, found in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _key_of(id: str) -> str:
    try:
        return base64.b64decode(id, altchars=b"-_", validate=True).decode().rpartition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return id


async def _statements(place: Installation, side: Side) -> float:
    """Statements a request."""
    async with counted_statements(place) as counted:
        await flood(side.server.port, side.post, connections=1, go_on=lambda sent: sent < COUNTED)
    return counted.count / COUNTED


def _lines(ours: Figures, usual: Figures) -> list[Line]:
    return [
        Line(
            "server CPU a request, ms",
            spread(ours.server_ms),
            spread(usual.server_ms),
            ratios(usual.server_ms, ours.server_ms),
        ),
        Line(
            "PostgreSQL CPU a request, ms",
            spread(ours.database_ms),
            spread(usual.database_ms),
            ratios(usual.database_ms, ours.database_ms),
        ),
        Line("statements a request", f"{ours.statements:g}", f"{usual.statements:g}"),
        Line(
            "requests a second, one server core",
            spread(ours.per_second, 0),
            spread(usual.per_second, 0),
            ratios(ours.per_second, usual.per_second),
        ),
    ]
