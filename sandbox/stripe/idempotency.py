"""Answers kept by key: replayed for the same request, refused for another, forgotten after their time."""

import hashlib
from dataclasses import dataclass

import orjson

from sandbox.stripe import Json
from sandbox.stripe.clock import DAY
from sandbox.stripe.errors import StripeError
from sandbox.stripe.routes import Ask
from sandbox.stripe.store import Store, Tx

KEPT_FOR = {False: DAY, True: 30 * DAY}
"""v1 prunes a key after 24 hours of the sandbox's clock, v2 after 30 days."""


@dataclass(frozen=True)
class Kept:
    """The first answer of a key."""

    key: str
    fingerprint: str
    status: int
    body: Json
    request_id: str
    is_v2: bool

    def replayed(self, fingerprint: str, key: str) -> tuple[int, Json, dict[str, str]]:
        """The same answer again, marked; raises idempotency_error for other parameters."""
        if fingerprint != self.fingerprint:
            raise StripeError(
                400,
                f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                type="idempotency_error",
                stored=False,
            )
        headers = {"idempotent-replayed": "true", "original-request": self.request_id}
        return self.status, self.body, headers


def fingerprint(ask: Ask) -> str:
    """Method, path and sorted parameters; the account acted for is the store's own scope."""
    words = orjson.dumps([ask.method, ask.path, ask.params], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(words).hexdigest()


def find_kept(store: Store, account: str, key: str, is_v2: bool, now: float) -> Kept | None:
    """What the key answered, unless it is too old."""
    doc = store.collection(account, "idempotency").get(_id(key, is_v2))
    if doc is None or doc["created"] + KEPT_FOR[is_v2] <= now:
        return None
    return Kept(key, doc["fingerprint"], doc["status"], doc["body"], doc["request_id"], is_v2)


def keep(tx: Tx, kept: Kept) -> None:
    """Store an answer under its key, and drop two that are too old, so that the store stays small."""
    old: list[str] = []
    for id, doc in tx.store.collection(tx.account, "idempotency").items():
        if doc["created"] + KEPT_FOR[doc["is_v2"]] > tx.at or len(old) == 2:
            break
        old.append(id)
    for id in old:
        tx.remove("idempotency", id)
    tx.put(
        "idempotency",
        {
            "id": _id(kept.key, kept.is_v2),
            "fingerprint": kept.fingerprint,
            "status": kept.status,
            "body": kept.body,
            "request_id": kept.request_id,
            "is_v2": kept.is_v2,
            "created": tx.at,
        },
    )


def _id(key: str, is_v2: bool) -> str:
    return f"{'v2' if is_v2 else 'v1'}:{key}"
