"""Messages of graphql-transport-ws as bytes. A shared payload is encoded once; only the operation's id differs."""

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
    size = len(message)
    if size < 126:
        return bytes((0x81, size)) + message
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + message
    return b"\x81\x7f" + size.to_bytes(8, "big") + message
