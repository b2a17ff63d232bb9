"""The sandbox itself: store, journal, clock, faults and timers, and the one way to change anything: `tx`."""

import heapq
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.stripe import Json, resources
from sandbox.stripe.clock import Clock
from sandbox.stripe.contract import Contract
from sandbox.stripe.courier import Courier
from sandbox.stripe.edge import Answer, Edge, Request
from sandbox.stripe.errors import StripeError
from sandbox.stripe.events import emit, emit_thin
from sandbox.stripe.faults import Faults
from sandbox.stripe.journal import Journal
from sandbox.stripe.routes import TIMERS
from sandbox.stripe.store import Cause, Store, Tx

OWN = "sandbox"
"""The name under which the sandbox keeps what belongs to no account: its clock and its settings."""
DEFAULTS: Json = {"auto_payout": False, "rate_cap": None, "signature_clock": "real", "address": None}


class Sandbox:
    """Everything of one sandbox. Not for threads: one event loop, one request at a time.

    `folder`: where the journal is kept and restored from; None: in memory only. `frozen_at`: time stands still there
    until moved. The same seed and the same requests give the same ids, faults and shuffles.
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        contract: Path | None = None,
        seed: int = 0,
        frozen_at: float | None = None,
    ) -> None:
        resources.load()
        self.random = random.Random(seed)  # noqa: S311 - shuffles and faults, to be repeated by seed
        self.clock = Clock(frozen_at=frozen_at)
        self.store = Store(seed)
        self.journal = Journal(folder)
        self.contract = Contract(contract)
        self.faults = Faults(self.random)
        self.edge = Edge(self)
        self.courier = Courier(self)
        self.settings: Json = dict(DEFAULTS)
        self._due: list[tuple[float, str, str]] = []
        self._restore()

    def answer(self, request: Request) -> Answer:
        """Do one request of the API (not of the control API), after everything that is due by the clock."""
        self.tick()
        return self.edge.answer(request)

    @contextmanager
    def tx(self, account: str, cause: str | Cause, at: float | None = None) -> Iterator[Tx]:
        """Changes of one account: one journal line at the end, or nothing if it raises (but see StripeError.keeps)."""
        tx = Tx(
            store=self.store,
            account=account,
            at=self.clock.now() if at is None else at,
            cause=cause if isinstance(cause, Cause) else Cause(cause),
            random=self.random,
            settings=self.settings,
            emitter=emit,
            thin_emitter=emit_thin,
        )
        try:
            yield tx
        except StripeError as error:
            if not error.keeps:
                tx.undo()
            self._commit(tx)
            raise
        except BaseException:
            tx.undo()
            raise
        self._commit(tx)

    def advance(self, seconds: float) -> None:
        """Move the clock on, and do what became due, in order of its time."""
        self.clock.move(seconds)
        self._remember("clock", self.clock.state())
        self.tick()

    def set_clock(self, at: float) -> None:
        """Move the clock to a moment (also back: then nothing is undone)."""
        self.advance(at - self.clock.now())

    def configure(self, changes: Json) -> Json:
        """Change settings: auto_payout, rate_cap (requests a second), signature_clock (real or sandbox), address."""
        unknown = changes.keys() - DEFAULTS.keys()
        if unknown:
            raise StripeError(400, f"Unknown settings: {', '.join(sorted(unknown))}")
        self.settings.update(changes)
        self._remember("settings", dict(self.settings))
        return self.settings

    def tick(self) -> None:
        """Run the timers that are due, each at its own time, in its own transaction; then late requests."""
        while self._due and self._due[0][0] <= self.clock.now():
            at, account, id = heapq.heappop(self._due)
            self._run_timer(account, id, at)
        self.edge.run_late()

    def run_now(self, account: str, timer: str) -> None:
        """Run a timer before its time."""
        self._run_timer(account, timer, self.clock.now())

    def freeze(self, still: bool) -> None:
        """Let time stand still, or run on from where it stood."""
        now = self.clock.now()
        self.clock.frozen_at = now if still else None
        self.clock.offset = 0.0 if still else now - time.time()
        self._remember("clock", self.clock.state())

    def serve_at(self, address: str) -> None:
        """Where browsers reach the pages of this sandbox; links are made from it."""
        if self.settings["address"] != address:
            self.configure({"address": address})

    def close(self) -> None:
        """Let the journal's file go."""
        self.journal.close()

    def _run_timer(self, account: str, id: str, at: float) -> None:
        due = self.store.collection(account, "timers").get(id)
        if due is None:
            return
        with self.tx(account, Cause(f"timer {due['kind']} {due['subject']}"), at=at) as tx:
            tx.remove("timers", id)
            # A kind that nobody registered is a resource that is not there: nothing to do.
            if due["kind"] in TIMERS:
                TIMERS[due["kind"]](tx, due["subject"])

    def _remember(self, id: str, doc: Json) -> None:
        with self.tx("", f"control: {id}") as tx:
            tx.put(OWN, {"id": id, **doc})

    def _commit(self, tx: Tx) -> None:
        if not tx.puts:
            return
        entry: Json = {
            "at": tx.at,
            "n": self.store.count,
            "account": tx.account,
            "cause": tx.cause.as_json(),
            "effects": list(tx.effects),
            "puts": [[*place, doc] for place, doc in tx.puts.items()],
        }
        self.journal.append(entry)
        for scheduled in tx.scheduled:
            heapq.heappush(self._due, scheduled)

    def _restore(self) -> None:
        for entry in self.journal.open():
            self.store.count = entry["n"]
            for account, collection, id, doc in entry["puts"]:
                self.store.set((account, collection, id, doc))
        own = self.store.collection("", OWN)
        if "clock" in own:
            self.clock.offset, self.clock.frozen_at = own["clock"]["offset"], own["clock"]["frozen_at"]
        if "settings" in own:
            self.settings.update({name: own["settings"][name] for name in DEFAULTS if name in own["settings"]})
        for account, collections in self.store.accounts.items():
            self._due += [(due["at"], account, due["id"]) for due in collections.get("timers", {}).values()]
        heapq.heapify(self._due)
