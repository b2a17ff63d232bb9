"""A provider that answers what it is told to, on a real socket: whole, broken off, late, or not at all."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Wire:
    """The raw answers to come, one a request, and the requests as they came."""

    port: int = 0
    answers: list[bytes | str] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest if one)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append((line, headers, body.decode()))
        self.asked.set()
        return await self._answer(self.answers.pop(0), reader, writer)

    async def _answer(self, answer: bytes | str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if answer == "reset":
            writer.transport.abort()
            return False
        if answer == "hang":
            assert await reader.read() == b""
            self.gone.set()
            return False
        if answer == "drip":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            gone = asyncio.ensure_future(reader.read())
            while not gone.done():
                writer.write(b" ")
                await asyncio.wait({gone}, timeout=0.02)
            await gone
            return False
        assert isinstance(answer, bytes)
        writer.write(answer)
        await writer.drain()
        # Without its length an answer ends with its connection.
        return b"content-length" in answer and not answer.startswith(b"cut")


def said(status: int, body: Any, *, cut: int = 0, **headers: str) -> bytes:
    """An HTTP answer; the last `cut` bytes of its body are missing, and it does not say so."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    raw = raw[: len(raw) - cut]
    lines = {"content-type": "application/json", "request-id": "req_1", "content-length": str(len(raw))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + raw


@asynccontextmanager
async def a_wire() -> AsyncIterator[Wire]:
    wire = Wire()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
