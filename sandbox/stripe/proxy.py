"""A TCP proxy in front of the sandbox: the only way to true resets, which no ASGI application can make.

`python -m sandbox.stripe.proxy --port N --to PORT`. The sandbox marks an answer that must not arrive with the header
`x-sandbox-fault`: `drop` closes the client's connection without a byte, `reset` resets it (RST).
"""

import argparse
import asyncio
import contextlib
import socket
import struct

_DROP = b"x-sandbox-fault: drop"
_RESET = b"x-sandbox-fault: reset"
_CHUNK = 65536


class Proxy:
    """Passes bytes between clients and the sandbox's port; `broken`: every connection is reset at once."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.broken = False
        self.resets = 0

    async def start(self, port: int = 0) -> int:
        """Listen on 127.0.0.1; returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and let go of every connection."""
        if self._server:
            self._server.close()
        for each in self._open:
            each.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass(reader, writer))
        self._open.add(passing)
        passing.add_done_callback(self._open.discard)
        await asyncio.wait([passing])

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.broken:
            self._reset(writer)
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            self._reset(writer)
            return
        sending = asyncio.create_task(self._requests(reader, upstream))
        try:
            await self._answers(upstream_reader, writer)
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            for each in (upstream, writer):
                each.close()
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()

    async def _requests(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                upstream.write(chunk)
                await upstream.drain()

    async def _answers(self, upstream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await upstream.read(_CHUNK):
                if self.broken or _RESET in chunk:
                    self._reset(writer)
                    return
                if _DROP in chunk:
                    return
                writer.write(chunk)
                await writer.drain()

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self.resets += 1
        connection = writer.get_extra_info("socket")
        # Linger of zero seconds: closing sends RST, not FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def _forever(port: int, to_port: int) -> None:
    await Proxy(to_port).start(port)
    await asyncio.Event().wait()


def main() -> None:
    """Run until stopped."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe.proxy", description="True connection resets.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", type=int, required=True)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_forever(given.port, given.to))


if __name__ == "__main__":
    main()
