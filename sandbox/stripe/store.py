"""The documents: account -> collection -> id -> object, changed only inside a `Tx`, which becomes one journal line."""

import copy
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import missing

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
INDEXED = {
    "payment_intents": ("customer",),
    "payment_methods": ("customer",),
    "charges": ("payment_intent", "customer", "transfer_group"),
    "refunds": ("charge", "payment_intent"),
    "transfers": ("transfer_group", "destination", "source_transaction"),
    "reversals": ("transfer",),
    "balance_transactions": ("source",),
    "disputes": ("charge", "payment_intent"),
    "deliveries": ("event", "status"),
    "subscriptions": ("customer",),
    "invoices": ("customer", "_subscription"),
    "checkout_sessions": ("customer",),
    "timers": ("subject",),
}
"""Fields by which a collection is found without a walk through all of it."""

UNNAMED = {"idempotency", "balances", "balances_told", "sandbox"}
"""Collections whose ids are not the provider's, so that no id leads there."""

Put = tuple[str, str, str, Json | None]


def digest(*parts: object, length: int = 24) -> str:
    """`length` letters and digits that depend on `parts` only."""
    number = int.from_bytes(hashlib.sha256(":".join(map(str, parts)).encode()).digest(), "big")
    letters: list[str] = []
    while len(letters) < length:
        number, rest = divmod(number, 62)
        letters.append(ALPHABET[rest])
    return "".join(letters)


class Store:
    """All documents of all accounts, with their indexes."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.count = 0
        self.accounts: dict[str, dict[str, dict[str, Json]]] = {}
        self._where: dict[str, tuple[str, str]] = {}
        self._index: dict[tuple[str, str, str, Any], dict[str, None]] = {}

    def new_id(self, prefix: str, length: int = 24) -> str:
        """A fresh id; the same sequence for the same seed."""
        self.count += 1
        return f"{prefix}_{digest(self.seed, prefix, self.count, length=length)}"

    def collection(self, account: str, name: str) -> dict[str, Json]:
        """The documents of one collection, oldest first. Read only."""
        return self.accounts.setdefault(account, {}).setdefault(name, {})

    def whereabouts(self, id: str) -> tuple[str, str] | None:
        """Account and collection of any object's id."""
        return self._where.get(id)

    def ids_with(self, account: str, name: str, fields: str, value: Any) -> dict[str, None] | None:
        """Ids found through an index, in order of creation; None where there is no such index."""
        if fields not in INDEXED.get(name, ()):
            return None
        return self._index.get((account, name, fields, value), {})

    def set(self, put: Put) -> Json | None:
        """Put or (None) remove a document; returns the earlier one."""
        account, name, id, doc = put
        documents = self.collection(account, name)
        before = documents.get(id)
        if doc is None:
            documents.pop(id, None)
            self._where.pop(id, None)
        else:
            documents[id] = doc
            if name not in UNNAMED:
                self._where[id] = (account, name)
        for indexed in INDEXED.get(name, ()):
            old, new = (before or {}).get(indexed), (doc or {}).get(indexed)
            if old != new or doc is None:
                self._index.get((account, name, indexed, old), {}).pop(id, None)
            if new is not None and (old != new or before is None):
                self._index.setdefault((account, name, indexed, new), {})[id] = None
        return before


@dataclass
class Cause:
    """Why something was committed: a request, a timer, or the control API."""

    what: str
    request_id: str | None = None
    key: str | None = None

    def as_json(self) -> Json:
        """For the journal."""
        return {"what": self.what, "request_id": self.request_id, "key": self.key}


@dataclass
class Tx:
    """One request's (or timer's) work on one account: all of it becomes one journal line, or nothing does.

    Documents are never changed in place: `change` puts a new one.
    """

    store: Store
    account: str
    at: float
    cause: Cause
    random: Any
    settings: Json
    emitter: "Callable[[Tx, str, Json, Json | None], Json]"
    thin_emitter: "Callable[[Tx, str, Json, Json], Json]"
    scheduled: list[tuple[float, str, str]] = field(default_factory=list)
    puts: dict[tuple[str, str, str], Json | None] = field(default_factory=dict)
    effects: list[list[str]] = field(default_factory=list)
    _undo: list[Put] = field(default_factory=list)

    @property
    def now(self) -> int:
        """Unix seconds of this transaction."""
        return int(self.at)

    def on(self, account: str) -> "Tx":
        """The same transaction, working on another account (a connected one, say)."""
        other = copy.copy(self)
        other.account = account
        return other

    def new_id(self, prefix: str) -> str:
        """A fresh id: `cus_...`."""
        return self.store.new_id(prefix)

    def find(self, collection: str, id: str | None) -> Json | None:
        """The document, or None."""
        return self.store.collection(self.account, collection).get(id or "")

    def get(self, collection: str, id: str, param: str = "id") -> Json:
        """The document; raises the provider's `No such ...` naming `param`."""
        found = self.find(collection, id)
        if found is None:
            raise missing(KINDS.get(collection, collection.rstrip("s")), id, param)
        return found

    def put(self, collection: str, doc: Json) -> Json:
        """Store a new document (or replace a whole one) under its `id`."""
        self._set(collection, doc["id"], doc)
        return doc

    def change(self, collection: str, id: str, **fields: Any) -> Json:
        """Store the document with these top-level fields replaced; returns it."""
        return self.put(collection, {**self.get(collection, id), **fields})

    def remove(self, collection: str, id: str) -> None:
        """Take a document away."""
        self._set(collection, id, None)

    def where(self, collection: str, **equal: Any) -> Iterator[Json]:
        """Documents whose fields equal these, newest first; indexed where `INDEXED` says so."""
        documents = self.store.collection(self.account, collection)
        wanted = {field: value for field, value in equal.items() if value is not None}
        for name, value in wanted.items():
            ids = self.store.ids_with(self.account, collection, name, value)
            if ids is not None:
                found: Any = [documents[id] for id in reversed(ids)]
                break
        else:
            found = reversed(documents.values())
        return (doc for doc in found if all(doc.get(name) == value for name, value in wanted.items()))

    def emit(self, type: str, obj: Json, previous: Json | None = None) -> Json:
        """Record an event about `obj` and queue it for every endpoint that wants it."""
        return self.emitter(self, type, obj, previous)

    def emit_thin(self, type: str, related: Json, changes: Json | None = None) -> Json:
        """Record a v2 event: it names `related` ({id, type, url}) and carries no object."""
        return self.thin_emitter(self, type, related, changes or {})

    def at_time(self, at: float, kind: str, subject: str) -> None:
        """Let the timer `kind` run for `subject` when the sandbox's clock reaches `at`."""
        id = self.new_id("timer")
        self.put("timers", {"id": id, "at": at, "kind": kind, "subject": subject})
        self.scheduled.append((at, self.account, id))

    def undo(self) -> None:
        """Take back every write."""
        for put in reversed(self._undo):
            self.store.set(put)
        self._undo.clear()
        self.puts.clear()
        self.effects.clear()
        self.scheduled.clear()

    def _set(self, collection: str, id: str, doc: Json | None) -> None:
        before = self.store.set((self.account, collection, id, doc))
        self._undo.append((self.account, collection, id, before))
        self.puts[self.account, collection, id] = doc


KINDS = {
    "payment_methods": "PaymentMethod",
    "accounts": "destination",
    "balance_transactions": "balance transaction",
    "checkout_sessions": "checkout.session",
    "reversals": "transfer reversal",
    "connected": "account",
    "events": "event",
}
"""How the provider's message names what is missing, where it is not the collection's name in the singular."""
KINDS |= {"payment_intents": "payment_intent", "setup_intents": "setupintent"}
