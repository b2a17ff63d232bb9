"""What a client may say by graphql-transport-ws, and the close codes for all else."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from domain.errors import Unauthenticated
from subscriptions.plans import Request

BAD_REQUEST: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
UNKNOWN_PROTOCOL: Final = 4406
INIT_TIMEOUT: Final = 4408
ID_TAKEN: Final = 4409
INIT_AGAIN: Final = 4429
TOO_BIG: Final = 1009
INTERNAL_ERROR: Final = 1011
TRY_LATER: Final = 1013


class ProtocolError(Exception):
    """The client broke the protocol, or may not go on: the code and reason to close with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def parsed(received: Mapping[str, Any], most_bytes: int) -> dict[str, Any]:
    """The message in what ASGI received; raises `ProtocolError`."""
    text = received.get("text")
    if text is None:
        raise ProtocolError(BAD_REQUEST, "Messages are JSON text")
    if len(text) > most_bytes:
        raise ProtocolError(TOO_BIG, "Message too big")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProtocolError(BAD_REQUEST, "Messages are JSON text") from error
    if not isinstance(message, dict):
        raise ProtocolError(BAD_REQUEST, "Messages are JSON objects")
    return message


def bearer(payload: Mapping[str, Any]) -> str:
    """The token in the payload of an init; raises `Unauthenticated`."""
    authorization = payload.get("authorization")
    if not isinstance(authorization, str):
        raise Unauthenticated
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token


def request_of(message: Mapping[str, Any]) -> Request:
    """What a subscribe message asks for; raises `ProtocolError`."""
    payload = optional(message, "payload", dict)
    if payload is None:
        raise ProtocolError(BAD_REQUEST, "A subscribe message has a payload")
    optional(payload, "extensions", dict)
    operation_name = optional(payload, "operationName", str)
    return Request(text_of(payload, "query"), operation_name, optional(payload, "variables", dict) or {})


def id_of(message: Mapping[str, Any], most_characters: int) -> str:
    """The operation's id; raises `ProtocolError`."""
    id = text_of(message, "id")
    if len(id) > most_characters:
        raise ProtocolError(BAD_REQUEST, "id is too long")
    return id


def text_of(message: Mapping[str, Any], name: str) -> str:
    """A member that must be a text with something in it; raises `ProtocolError`."""
    value = message.get(name)
    if not isinstance(value, str) or not value:
        raise ProtocolError(BAD_REQUEST, f"{name} must be a text")
    return value


def optional(message: Mapping[str, Any], name: str, kind: type) -> Any:
    """A member that may be left out or null, but must not be of another type; raises `ProtocolError`."""
    value = message.get(name)
    if value is not None and not isinstance(value, kind):
        raise ProtocolError(BAD_REQUEST, f"{name} is of the wrong type")
    return value
