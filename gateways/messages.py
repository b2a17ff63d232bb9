"""Email, SMS and push: what a sender must promise, and the sandbox's sender that writes to a file."""

import asyncio
import fcntl
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

import orjson
import structlog

from domain.notifications import Message

__all__ = ["DeliveryRefused", "Message", "MessageGateway", "Outbox", "ProviderReceipt"]

log = structlog.get_logger(__name__)


class DeliveryRefused(Exception):
    """The provider will never deliver this message: a dead address, say. Sending it again would change nothing."""


@dataclass(frozen=True, slots=True)
class ProviderReceipt:
    """The provider has taken the message over."""

    provider: str
    reference: str


class MessageGateway(Protocol):
    """Sends messages, each at most once by its id.

    Raises `DeliveryRefused` where the answer is a definite no, and `domain.errors.Unavailable` where nobody knows;
    then the same message, with the same id, may be sent again.
    """

    async def send(self, message: Message) -> ProviderReceipt:
        """Hand the message to the provider."""
        ...


@dataclass(slots=True)
class Outbox:
    """The sandbox's sender: a line of JSON a message, so that a developer can read the invitation link."""

    path: Path
    _sent: set[str] = field(default_factory=set)
    _read: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, message: Message) -> ProviderReceipt:
        """Append the message, unless a message of this id is there already; on disk when this returns."""
        async with self._lock:
            written = await asyncio.to_thread(self._append_once, message)
        # The body may carry a link that signs somebody in: it belongs to the file, not to the log.
        log.info("message_sent", message_id=str(message.id), channel=message.channel, repeated=not written)
        return ProviderReceipt("sandbox", str(message.id))

    def _append_once(self, message: Message) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "rb+") as file:
            # Several workers may share the file: one at a time reads what is new and appends.
            fcntl.flock(file, fcntl.LOCK_EX)
            self._catch_up(file)
            if str(message.id) in self._sent:
                return False
            file.seek(0, os.SEEK_END)
            file.write(_line(message))
            file.flush()
            os.fsync(file.fileno())
        return True

    def _catch_up(self, file: BinaryIO) -> None:
        """Learn which messages the file holds, from where it was last read; somebody may have emptied it since."""
        if file.seek(0, os.SEEK_END) < self._read:
            self._sent.clear()
            self._read = 0
        file.seek(self._read)
        self._sent |= {str(orjson.loads(line)["id"]) for line in file if line.endswith(b"\n")}
        self._read = file.tell()


def _line(message: Message) -> bytes:
    record = {
        "id": str(message.id),
        "channel": message.channel,
        "to": message.to,
        "subject": message.subject,
        "body": message.body,
        "at": datetime.now(UTC),
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
