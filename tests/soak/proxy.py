"""A small TCP proxy between clients and one server: it cuts, goes silent one way or both, delays, and recovers."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from tests.soak.sieve import Sieve

CHUNK = 65_536


class Way(Enum):
    """A direction, by where its bytes go."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


BOTH = frozenset(Way)


@dataclass(slots=True)
class End:
    """One end of a link."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass(slots=True, eq=False)
class Link:
    """A client's connection and the one that the proxy made for it."""

    client: End
    server: End
    open: dict[Way, asyncio.Event] = field(default_factory=lambda: {way: asyncio.Event() for way in Way})
    sieve: Sieve = field(default_factory=Sieve)
    pumps: list["asyncio.Task[None]"] = field(default_factory=list)
    is_lost: bool = False
    """Mute for good: somebody between has forgotten this connection."""

    def let_through(self, muted: Iterable[Way]) -> None:
        """Open the directions that are not muted; bytes of the others wait, as those of lost packets do."""
        for way, gate in self.open.items():
            if way in muted:
                gate.clear()
            elif not self.is_lost:
                gate.set()

    def cut(self) -> None:
        """End both connections at once, without a word."""
        for end in (self.client, self.server):
            end.writer.transport.abort()
        for pump in self.pumps:
            pump.cancel()


class Proxy:
    """`async with Proxy(port) as proxy`: clients connect to `proxy.port`."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        """Seconds that every piece of bytes is late."""
        self._target = target
        self._links: set[Link] = set()
        self._muted: frozenset[Way] = frozenset()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._lost = 0

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut everything and stop."""
        assert self._server is not None
        self._server.close()
        for serving in self._serving:
            serving.cancel()
        if self._serving:
            await asyncio.wait(self._serving)
        await self._server.wait_closed()

    @property
    def messages_lost(self) -> int:
        """How many deltas `lose_messages` has made away with."""
        return self._lost + sum(link.sieve.lost for link in self._links)

    def cut(self) -> None:
        """Cut every connection."""
        for link in list(self._links):
            link.cut()

    def mute(self, ways: frozenset[Way] = BOTH) -> None:
        """Pass nothing on in these directions, without a word to anybody; new connections meet the same."""
        self._muted = ways
        for link in self._links:
            link.let_through(ways)

    def forget(self) -> None:
        """Whatever is mute now stays so for good, though new connections go through again."""
        for link in self._links:
            link.is_lost = True
        self.resume()

    def resume(self) -> None:
        """Pass everything on at once, also what has waited; what was forgotten stays mute."""
        self._muted, self.delay = frozenset(), 0.0
        for link in self._links:
            link.let_through(())

    def lose_messages(self) -> None:
        """Lose a delta of each websocket that is open now."""
        for link in self._links:
            link.sieve.lose_one()

    def lose_no_more(self) -> None:
        """End it; a client that could not notice yet is cut."""
        for link in list(self._links):
            link.sieve.calm()
            if link.sieve.has_hole:
                link.cut()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(End(reader, writer)))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, client: End) -> None:
        try:
            server = End(*await asyncio.open_connection("127.0.0.1", self._target))
        except OSError:
            client.writer.transport.abort()
            return
        link = Link(client, server)
        link.let_through(self._muted)
        link.pumps = [asyncio.create_task(self._pump(link, way)) for way in Way]
        self._links.add(link)
        try:
            await asyncio.wait(link.pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._links.discard(link)
            self._lost += link.sieve.lost
            await _close(link)

    async def _pump(self, link: Link, way: Way) -> None:
        """Pass bytes on until one side ends it."""
        source, sink = (link.client, link.server) if way is Way.TO_SERVER else (link.server, link.client)
        with contextlib.suppress(OSError):
            while True:
                await link.open[way].wait()
                chunk = await source.reader.read(CHUNK)
                if not chunk:
                    return
                if self.delay:
                    await asyncio.sleep(self.delay)
                # It may have become mute meanwhile.
                await link.open[way].wait()
                sink.writer.write(link.sieve.passed(chunk) if way is Way.TO_CLIENT else chunk)
                await sink.writer.drain()


async def _close(link: Link) -> None:
    for pump in link.pumps:
        pump.cancel()
    await asyncio.wait(link.pumps)
    for end in (link.client, link.server):
        end.writer.close()
    for end in (link.client, link.server):
        with contextlib.suppress(OSError):
            await end.writer.wait_closed()
