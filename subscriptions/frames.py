"""Messages of graphql-transport-ws as bytes. A shared payload is encoded once; only the operation's id differs."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

PROTOCOL: Final = "graphql-transport-ws"
ACK: Final = b'{"type":"connection_ack"}'


def next_prefix(operation_id: str) -> bytes:
    """What precedes the payload of every `next` of one operation. The id is the client's text, so it is encoded."""
    return b'{"id":' + orjson.dumps(operation_id) + b',"type":"next","payload":'


def next_message(prefix: bytes, payload: bytes) -> bytes:
    """A `next` of the operation with this prefix."""
    return b"".join((prefix, payload, b"}"))


def complete_message(operation_id: str) -> bytes:
    """The operation has ended."""
    return orjson.dumps({"id": operation_id, "type": "complete"})


def error_message(operation_id: str, errors: list[Any]) -> bytes:
    """The operation was refused, or cannot go on; its id is free again."""
    return orjson.dumps({"id": operation_id, "type": "error", "payload": errors})


def pong_message(payload: dict[str, Any] | None) -> bytes:
    """The answer to a ping, with what it brought."""
    return orjson.dumps({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})


def text_frame(message: bytes) -> bytes:
    """One unmasked, uncompressed websocket text frame (RFC 6455, section 5.2)."""
    return _text_header(len(message)) + message


def _text_header(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size))
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


class Shared:
    """`next` messages with these payloads for many operations, alike but for their ids: made once a length of id."""

    __slots__ = ("_glue", "_tails")

    def __init__(self, payloads: Sequence[bytes], prefix_length: int) -> None:
        self._tails = [payload + b"}" for payload in payloads]
        headers = [_text_header(prefix_length + len(tail)) for tail in self._tails]
        # What stands between one prefix and the next, so that the frames of an operation are a single join.
        self._glue = [before + after for before, after in zip([b"", *self._tails], [*headers, b""], strict=True)]

    def frames(self, prefix: bytes) -> bytes:
        """As websocket frames for the operation with this prefix, ready for the transport."""
        return prefix.join(self._glue)

    def messages(self, prefix: bytes) -> list[bytes]:
        """The same as messages, for servers that frame themselves."""
        return [prefix + tail for tail in self._tails]
