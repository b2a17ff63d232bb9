"""Where a socket's messages leave: straight to the server's transport where it shows one, else by ASGI `send`.

Several messages become one write on the transport, which is ten times cheaper than ASGI's send for each. ASGI also has
no way to ask "would this wait?", which decides who is slow. Closing a peer that does not read would wait for it: such a
transport is aborted.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from starlette.types import Send

from subscriptions.frames import Shared, text_frame

MOST_WAITING_BYTES = 65_536
CLOSE_SECONDS = 2.0
LEAVE_SECONDS = 1.0
REASON_BYTES = 123
"""What a close frame has room for (RFC 6455, section 5.5)."""


class Outlet(Protocol):
    """One socket's way out."""

    @property
    def writable(self) -> bool:
        """Whether a write now would leave without piling up."""

    def write(self, messages: Sequence[bytes]) -> None:
        """Send these text messages in order; to a closed socket nothing is sent. Never waits."""

    def show(self, prefix: bytes, shared: Shared) -> bool:
        """Send what many are sent to the operation with this prefix; False, and nothing, if it is not writable."""

    async def room(self, seconds: float) -> bool:
        """Wait until writable; False if it has not become so in time."""

    async def close(self, code: int, reason: str) -> None:
        """End the socket with a close frame, or without one where the peer does not read."""

    def abort(self) -> None:
        """End the socket at once."""

    @property
    def waiting_bytes(self) -> int:
        """How much has been written and has not left."""

    @property
    def is_closing(self) -> bool:
        """Whether the server has begun to close the socket by itself, as it does when it is told to stop."""

    def leave(self) -> None:
        """Nothing more comes: what has not left in a second is dropped, and does not hold the server up."""


def open_outlet(send: Send) -> Outlet:
    """The quickest way out that this server offers; to be called in the socket's own task, after the accept."""
    protocol = getattr(send, "__self__", None)
    if all(hasattr(protocol, name) for name in ("writable", "transport", "close_sent")):
        return TransportOutlet(protocol, send)
    return AsgiOutlet(send)


class TransportOutlet:
    """Writes ready-made frames to uvicorn's transport."""

    __slots__ = ("_leaving", "_protocol", "_send")

    def __init__(self, protocol: Any, send: Send) -> None:
        self._protocol = protocol
        self._send = send
        self._leaving = False

    @property
    def _open(self) -> bool:
        return not (self._protocol.close_sent or self._protocol.transport.is_closing())

    @property
    def writable(self) -> bool:
        """Whether the transport's buffer is below its high-water mark."""
        return bool(self._protocol.writable.is_set())

    def write(self, messages: Sequence[bytes]) -> None:
        """One write for all messages."""
        if self._open:
            self._protocol.transport.write(b"".join([text_frame(message) for message in messages]))

    def show(self, prefix: bytes, shared: Shared) -> bool:
        """One write for all, of bytes that are ready but for the id: the one thing done for each socket and event."""
        protocol = self._protocol
        if not protocol.writable.is_set():
            return False
        transport = protocol.transport
        if not (protocol.close_sent or transport.is_closing()):
            transport.write(shared.frames(prefix))
        return True

    async def room(self, seconds: float) -> bool:
        """Wait for the transport's buffer to drain."""
        return self.writable or await _is_set(self._protocol.writable, seconds)

    async def close(self, code: int, reason: str) -> None:
        """Close, or abort where the close frame could not leave."""
        if not self.writable:
            self.abort()
            return
        with contextlib.suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason_of(reason)})

    def abort(self) -> None:
        """Drop the transport with all that waits in it."""
        self._protocol.transport.abort()

    @property
    def waiting_bytes(self) -> int:
        """The transport's buffer."""
        return int(self._protocol.transport.get_write_buffer_size())

    @property
    def is_closing(self) -> bool:
        """Whether the transport takes nothing more."""
        return bool(self._protocol.transport.is_closing())

    def leave(self) -> None:
        """A transport that is closed waits for its buffer for ever: look at it once more."""
        if not self._leaving and self.waiting_bytes:
            self._leaving = True
            asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._drop_rest)

    def _drop_rest(self) -> None:
        if self.waiting_bytes:
            self.abort()


class AsgiOutlet:
    """Any ASGI server: one task sends what waits, and only while something does.

    ASGI cannot end a connection whose peer reads nothing: how long such a one lingers is the server's to decide.
    """

    __slots__ = ("_bytes", "_drained", "_over", "_owner", "_pump", "_send", "_waiting", "aborted")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._owner = asyncio.current_task()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._pump: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._over = False
        self.aborted = False

    @property
    def writable(self) -> bool:
        """Whether less than 64 KiB wait."""
        return self._over or self._bytes < MOST_WAITING_BYTES

    def write(self, messages: Sequence[bytes]) -> None:
        """Put the messages in line."""
        if self._over:
            return
        self._waiting.extend(messages)
        self._bytes += sum(len(message) for message in messages)
        self._drained.clear()
        if self._pump is None:
            self._pump = asyncio.create_task(self._send_waiting())

    def show(self, prefix: bytes, shared: Shared) -> bool:
        """Put them in line, if there is room."""
        if not self.writable:
            return False
        self.write(shared.messages(prefix))
        return True

    async def room(self, seconds: float) -> bool:
        """Wait until the line is empty."""
        return self.writable or await _is_set(self._drained, seconds)

    async def close(self, code: int, reason: str) -> None:
        """Send what waits, then close; abort if the peer does not take it."""
        if not await _is_set(self._drained, CLOSE_SECONDS):
            self.abort()
            return
        self._over = True
        with contextlib.suppress(OSError, RuntimeError):
            await self._send({"type": "websocket.close", "code": code, "reason": reason_of(reason)})

    def abort(self) -> None:
        """ASGI knows no abort: leave the application, upon which the server closes the connection."""
        self.leave()
        if self._owner is not None and not self.aborted:
            self.aborted = True
            self._owner.cancel()

    @property
    def waiting_bytes(self) -> int:
        """What stands in line."""
        return self._bytes

    @property
    def is_closing(self) -> bool:
        """ASGI tells of it by the message that ends the socket, and in no other way."""
        return False

    def leave(self) -> None:
        """Take what stands in line back."""
        self._end()
        if self._pump is not None:
            self._pump.cancel()

    def _end(self) -> None:
        self._over = True
        self._waiting.clear()
        self._bytes = 0
        self._drained.set()

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                message = self._waiting.popleft()
                await self._send({"type": "websocket.send", "text": message.decode()})
                self._bytes -= len(message)
        except (OSError, RuntimeError):
            self._end()
        finally:
            self._pump = None
        self._drained.set()


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event. That it came decides: by now others may have written again, which is no sign of a stall."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def reason_of(text: str) -> str:
    """As much of a reason as a close frame takes. A longer one would keep the frame from being sent at all."""
    return text.encode()[:REASON_BYTES].decode(errors="ignore")
