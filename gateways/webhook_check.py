"""Whether what arrives at a webhook was signed by the provider, just now, for this endpoint (R157).

The check is the library's, on the raw body. It lets a time in the future pass and knows one secret only: both are done
here, because an endpoint has two secrets while one is replaced.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import stripe

TOLERANCE_SECONDS = 300
LONGEST_HEADER = 4_000
FORMS = frozenset({"event", "v2.core.event"})
"""A whole event, or a thin one that only names its object."""


class Forged(Exception):
    """Not signed with a secret of this endpoint, or not an event."""


class Stale(Exception):
    """Signed, but for another time than now: repeated by somebody, or one of the clocks is wrong."""


def read_event(raw: bytes, header: str | None, secrets: Sequence[str], now: datetime) -> dict[str, Any]:
    """The event as plain JSON, once its signature is right under one of the secrets and its time is now.

    Whole and thin events alike: `object` tells which (`event`, `v2.core.event`), `id` and `type` are always there.
    Raises `Forged`, or `Stale` for what is signed more than 300 seconds before or after `now`, to the second.
    """
    signed_at = _signed_at(raw, header, secrets)
    if abs(int(now.timestamp()) - signed_at) > TOLERANCE_SECONDS:
        raise Stale(f"signed at {signed_at}")
    return _event(raw)


def _signed_at(raw: bytes, header: str | None, secrets: Sequence[str]) -> int:
    """The time that is part of what was signed."""
    # Beyond ASCII the library's comparison of signatures raises instead of saying no.
    if not header or len(header) > LONGEST_HEADER or not header.isascii():
        raise Forged("no signature")
    try:
        body = raw.decode()
    except UnicodeDecodeError:
        raise Forged("not UTF-8") from None
    if not any(_fits(body, header, secret) for secret in secrets):
        raise Forged("no signature of ours")
    # The first one counts, as it did for the signature.
    parts = (part.split("=", 2) for part in header.split(","))
    return next(int(part[1]) for part in parts if part[0] == "t")


def _fits(body: str, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret, tolerance=None))
    except stripe.SignatureVerificationError:
        return False


def _event(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        raise Forged("not JSON") from None
    if not isinstance(said, dict) or said.get("object") not in FORMS:
        raise Forged("not an event")
    if not all(isinstance(said.get(name), str) and said[name] for name in ("id", "type")):
        raise Forged("an event without id or type")
    return said
