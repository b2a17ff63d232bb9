"""The sixteen invariants of money, judged on the provider's own journal and on our rows as the database has them.

Nothing here asks the product: the provider's side is what its journal says, ours is what stands in the tables. Each
invariant tells what is broken in words, and how many things it has judged, so that an empty world proves nothing.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sandbox.stripe.store import Store

LEFT_US = frozenset({"RELEASED", "IN_TRANSIT", "PAID_OUT", "FAILED", "REVERSED"})
PAID = frozenset({"CAPTURED", "PARTIALLY_REFUNDED", "REFUNDED", "DISPUTED"})
OVER = frozenset({"CANCELED", "NO_SHOW", "NO_ACCESS"})
CLEAN_KINDS = frozenset({"HOLD", "PREPAID"})
SLACK = 5.0
"""Seconds by which the clocks of the two sides may differ."""
TABLES = (
    "job",
    "payment",
    "payout",
    "money_op",
    "ledger_entry",
    "ledger_posting",
    "refund",
    "dispute",
    "invoice",
    "evidence",
    "assignment",
    "visit",
    "payout_account",
    "money_alarm",
    "customer",
)
OPEN = ("PLANNED", "SENT", "UNKNOWN")
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
THINGS = re.compile(r"\b(?:cus|pm|pi|ch|seti|re|tr|trr|dp|acct|po)_[A-Za-z0-9]{8,}")

Row = Mapping[str, Any]


@dataclass
class Verdict:
    """What one invariant has found, and how much it has looked at."""

    judged: int = 0
    broken: list[str] = field(default_factory=list)

    def hold(self, truth: bool, words: str) -> None:
        """One thing is judged."""
        self.judged += 1
        if not truth:
            self.broken.append(words)

    def add(self, other: "Verdict") -> None:
        self.judged += other.judged
        self.broken += other.broken


@dataclass
class Case:
    """One business's money on both sides."""

    tenant: UUID
    account: str
    """Its account at the provider."""
    lines: Sequence[Any]
    """The whole journal, of all accounts."""
    store: Store
    """What the provider has after it."""
    rows: dict[str, list[Row]]
    others: frozenset[str]
    """Ids of the other businesses, ours and the provider's."""
    now: float
    """Unix seconds of the provider's clock."""
    sent: Sequence[Any] = ()
    """What went over the wire, where that was written down."""
    quiet: bool = True
    """Whether everything has come to rest."""
    _indexed: dict[str, dict[Any, Row]] = field(default_factory=dict)

    def things(self, collection: str) -> list[Any]:
        return list(self.store.collection(self.account, collection).values())

    def by_id(self, table: str) -> dict[Any, Row]:
        if table not in self._indexed:
            self._indexed[table] = {row["id"]: row for row in self.rows[table]}
        return self._indexed[table]

    def payment_of(self, thing: Any) -> Row | None:
        """Our payment that a thing of the provider's says it is for."""
        said = (thing.get("metadata") or {}).get("payment_id")
        return self.by_id("payment").get(_uuid(said)) if said else None

    def intent(self, id: str | None) -> Any:
        return self.store.collection(self.account, "payment_intents").get(id or "")

    def charges_of(self, payment: Row) -> list[Any]:
        return [
            one
            for one in self.things("charges")
            if one["payment_intent"] == payment["intent_id"] and one["payment_intent"] is not None
        ]

    def is_service(self, intent: Any) -> bool:
        row = self.payment_of(intent)
        return row is not None and row["kind"] in CLEAN_KINDS

    def posted(self) -> dict[UUID, dict[str, int]]:
        """The sides of each entry."""
        sides: dict[UUID, dict[str, int]] = defaultdict(dict)
        for one in self.rows["ledger_posting"]:
            sides[one["entry_id"]][one["account"]] = one["cents"]
        return sides

    def balance(self, *accounts: str) -> int:
        return sum(int(one["cents"]) for one in self.rows["ledger_posting"] if one["account"] in accounts)


def one_charge_a_job(case: Case) -> Verdict:
    """1: of a job's service at most one charge has money, at most one hold lives, and a prepaid one is never held.

    A hold that replaces another stands beside it only until the other is let go (A2).
    """
    said = Verdict()
    by_job: dict[str, list[Any]] = defaultdict(list)
    of_payment = Counter(intent["metadata"].get("payment_id") for intent in case.things("payment_intents"))
    for id, many in of_payment.items():
        said.hold(many == 1, f"payment {id} was made known {many} times")
    for intent in case.things("payment_intents"):
        job = intent["metadata"].get("job_id") or str((case.payment_of(intent) or {}).get("job_id"))
        said.hold(case.payment_of(intent) is not None, f"intent {intent['id']} belongs to no payment of ours")
        if case.is_service(intent):
            by_job[job].append(intent)
    for job, intents in by_job.items():
        taken = [one for one in intents if one["amount_received"] > 0]
        said.hold(len(taken) <= 1, f"job {job} was charged {len(taken)} times: {[one['id'] for one in taken]}")
        alive = [one for one in intents if one["status"] == "requires_capture"]
        if case.quiet:
            said.hold(len(alive) <= 1, f"job {job} has {len(alive)} live holds: {[one['id'] for one in alive]}")
            said.hold(not (taken and alive), f"job {job} is paid and held at the same time")
        if any((case.payment_of(one) or {}).get("kind") == "PREPAID" and one["amount_received"] for one in intents):
            held = [one["id"] for one in intents if one["capture_method"] == "manual"]
            said.hold(not held, f"job {job} was prepaid and held all the same: {held}")
    alive_now: dict[str, set[str]] = defaultdict(set)
    for _, intent in _history(case, "payment_intents"):
        if not case.is_service(intent):
            continue
        job = intent["metadata"].get("job_id", "")
        (alive_now[job].add if intent["status"] == "requires_capture" else alive_now[job].discard)(intent["id"])
        if len(alive_now[job]) > 1:
            attempts = sorted(
                (row for row in map(case.payment_of, map(case.intent, alive_now[job])) if row),
                key=lambda row: row["attempt"],
            )
            replaced = all(row["let_go"] is not None or row["status"] == "EXPIRED" for row in attempts[:-1])
            is_passing = len(attempts) == 2 and (replaced or not case.quiet)
            said.hold(is_passing, f"job {job} was held twice at once: {sorted(alive_now[job])}")
    return said


def captured_as_agreed(case: Case) -> Verdict:
    """2: no more is captured than was authorized, it is the frozen price or a recorded reduction, and it was proven."""
    said = Verdict()
    proven = {row["job_id"]: row for row in case.rows["evidence"]}
    for charge in case.things("charges"):
        took = charge["amount_captured"]
        said.hold(took <= charge["amount"], f"charge {charge['id']}: {took} captured of {charge['amount']} authorized")
        row = case.payment_of(case.intent(charge["payment_intent"]) or {})
        if row is None or not took:
            continue
        said.hold(type(took) is int and took == int(took), f"charge {charge['id']}: {took} is no whole number of cents")
        job = case.by_id("job").get(row["job_id"])
        if row["kind"] in CLEAN_KINDS and job is not None:
            price = (job["price_cents"] or 0) + (row["tip_cents"] or 0)
            said.hold(
                took == price or (took < price and row["why_less"] is not None),
                f"charge {charge['id']}: {took} was taken, {price} was agreed, and why_less is {row['why_less']}",
            )
        if row["kind"] == "TIP":
            said.hold(took == row["amount_cents"], f"tip {row['id']}: {took} taken, {row['amount_cents']} given")
        if case.quiet:
            said.hold(row["captured_cents"] == took, f"payment {row['id']} says {row['captured_cents']}, taken {took}")
        if row["kind"] == "HOLD" and not (row["why_less"] and row["why_less"] != "AT_PROVIDER"):
            packet = proven.get(row["job_id"])
            when = _captured_at(case, charge["id"])
            is_proven = packet is not None and packet["status"] in {"COMPLETE", "OVERRIDDEN"}
            said.hold(is_proven, f"charge {charge['id']} was captured, and job {row['job_id']} is not proven")
            if is_proven and packet is not None and packet["completed_at"] is not None and when is not None:
                since = packet["completed_at"].timestamp()
                said.hold(when >= since - SLACK, f"charge {charge['id']} was captured before its proof")
    return said


def one_transfer_a_payout(case: Case) -> Verdict:
    """3: a payout has a transfer exactly when it has left us, of its amount, to its cleaner's own account."""
    said = Verdict()
    made: dict[UUID | None, list[Any]] = defaultdict(list)
    for transfer in case.things("transfers"):
        made[_uuid(transfer["metadata"].get("payout_id"))].append(transfer)
    own = {row["cleaner_id"]: row["account_id"] for row in case.rows["payout_account"]}
    known = case.by_id("payout")
    for id, transfers in made.items():
        said.hold(id in known, f"transfers {[one['id'] for one in transfers]} are of no payout")
        said.hold(len(transfers) == 1, f"payout {id} was paid {len(transfers)} times")
    for id, row in known.items():
        transfers = made.get(id, [])
        if case.quiet:
            left = row["status"] in LEFT_US
            said.hold(bool(transfers) == left, f"payout {id} is {row['status']} and has {len(transfers)} transfers")
        for one in transfers:
            said.hold(
                one["amount"] == row["amount_cents"], f"payout {id} of {row['amount_cents']}: {one['amount']} sent"
            )
            said.hold(one["destination"] == own.get(row["cleaner_id"]), f"payout {id} went to {one['destination']}")
            is_sourced = one["source_transaction"] is not None or row["decided_by"] is not None
            said.hold(is_sourced, f"payout {id} was paid out of the business's own balance, and nobody decided so")
            if case.quiet:
                said.hold(one["id"] == row["transfer_id"], f"payout {id} says {row['transfer_id']}, not {one['id']}")
                said.hold(one["amount_reversed"] == row["reversed_cents"], f"payout {id}: reversed differently")
    return said


def no_charge_overspent(case: Case) -> Verdict:
    """4: what was transferred out of a charge, less what came back, is no more than was captured."""
    said = Verdict()
    spent: Counter[str] = Counter()
    for transfer in case.things("transfers"):
        if transfer["source_transaction"] is not None:
            spent[transfer["source_transaction"]] += transfer["amount"] - transfer["amount_reversed"]
    charges = case.store.collection(case.account, "charges")
    for id, cents in spent.items():
        took = charges[id]["amount_captured"]
        said.hold(cents <= took, f"charge {id}: {cents} transferred of {took}")
    return said


def jobs_add_up(case: Case) -> Verdict:
    """5: captured is reserve, payouts, tips, fee and margin; the reserve is 2 % half-up of the service alone."""
    said, posted = Verdict(), case.posted()
    payouts: dict[UUID, list[Row]] = defaultdict(list)
    for row in case.rows["payout"]:
        payouts[row["payment_id"]].append(row)
    entries: dict[UUID, list[Row]] = defaultdict(list)
    for entry in case.rows["ledger_entry"]:
        if entry["payment_id"] is not None:
            entries[entry["payment_id"]].append(entry)
    for row in case.rows["payment"]:
        if row["status"] not in PAID:
            continue
        sums: Counter[str] = Counter()
        for entry in entries[row["id"]]:
            if entry["kind"] in {"CAPTURE", "TIP", "FEE", "EARNED"}:
                sums.update(posted[entry["id"]])
        tip = row["captured_cents"] if row["kind"] == "TIP" else min(row["tip_cents"], row["captured_cents"])
        service = row["captured_cents"] - tip
        reserve = (service * 2 + 50) // 100
        paid = sum(_own(one) for one in payouts[row["id"]] if one["kind"] == "CLEAN")
        charges = [one for one in case.charges_of(row) if one["captured"]]
        fee = sum(_fee(case, one) for one in charges)
        margin = row["captured_cents"] - reserve - paid - tip - fee
        name = f"payment {row['id']}"
        said.hold(bool(charges), f"{name} is {row['status']}, and the provider has taken nothing")
        said.hold(-sums["RESERVE"] == reserve, f"{name}: {-sums['RESERVE']} put by, {reserve} is 2 % of {service}")
        said.hold(-sums["TIPS"] == tip, f"{name}: tips of {tip}, {-sums['TIPS']} booked")
        said.hold(sums["FEES"] == fee, f"{name}: the provider kept {fee}, {sums['FEES']} are booked")
        said.hold(-sums["PAYABLE"] == paid, f"{name}: cleaners earned {paid}, {-sums['PAYABLE']} are booked")
        said.hold(-sums["REVENUE"] - fee == margin, f"{name}: the margin is {margin}, {-sums['REVENUE'] - fee} booked")
        said.hold(row["fee_cents"] == fee, f"{name} says a fee of {row['fee_cents']}, it was {fee}")
        left = sum(_own(one) for one in payouts[row["id"]] if one["kind"] == "CLEAN" and one["status"] in LEFT_US)
        if left and row["kind"] in CLEAN_KINDS and left + reserve > service:
            decided = [one for one in payouts[row["id"]] if one["decided_by"] is not None]
            said.hold(bool(decided), f"{name}: {left} paid out of {service}, and nobody decided so")
        if row["kind"] == "TIP" and case.quiet:
            given = sum(one["tip_cents"] for one in payouts[row["id"]])
            said.hold(given in {0, tip}, f"{name}: {given} of a tip of {tip} go to cleaners")
    return said


def business_adds_up(case: Case) -> Verdict:
    """6: what was captured is where the books say: provider's fees, cleaners, customers, reserve and margin."""
    said = Verdict()
    if not case.quiet:
        return said
    taken = sum(one["amount_captured"] for one in case.things("charges") if one["captured"])
    fees = sum(one["fee"] for one in case.things("balance_transactions"))
    moved = sum(one["amount"] - one["amount_reversed"] for one in case.things("transfers"))
    back = sum(one["amount"] for one in case.things("refunds") if one["status"] not in {"failed", "canceled"})
    disputed = -sum(one["amount"] for one in case.things("balance_transactions") if one["type"] == "adjustment")
    banked = -sum(one["amount"] for one in case.things("balance_transactions") if one["type"] == "payout")
    cash = taken - fees - moved - back - disputed - banked
    said.hold(case.balance("CASH") == cash, f"the books have {case.balance('CASH')} in cash, there are {cash}")
    said.hold(case.balance("FEES") + _dispute_fees(case) >= fees, f"fees of {fees}, {case.balance('FEES')} booked")
    open_ones = [row for row in case.rows["payout"] if row["status"] in {"PENDING", "HELD"}]
    owed = sum(row["amount_cents"] for row in open_ones)
    unshared = _unshared_tips(case)
    booked = -case.balance("PAYABLE", "TIPS")
    said.hold(booked == owed + unshared, f"cleaners are owed {owed + unshared}, the books say {booked}")
    said.judged += len(open_ones)
    return said


def refunds_within_bounds(case: Case) -> Verdict:
    """7: no more goes back than was captured, never on a disputed charge, and the reserve is never below nothing."""
    said = Verdict()
    charges = case.store.collection(case.account, "charges")
    back: Counter[str] = Counter()
    for refund in case.things("refunds"):
        if refund["status"] not in {"failed", "canceled"}:
            back[refund["charge"]] += refund["amount"]
        row = case.by_id("refund").get(_uuid(refund["metadata"].get("refund_id")))
        said.hold(row is not None, f"refund {refund['id']} is of no refund of ours")
        if row is not None:
            said.hold(row["amount_cents"] == refund["amount"], f"refund {row['id']}: another amount went back")
            bears = ("from_reserve_cents", "from_business_cents", "from_cleaners_cents")
            borne = sum(row[name] for name in bears)
            said.hold(borne == row["amount_cents"], f"refund {row['id']}: {borne} of {row['amount_cents']} are borne")
    for row in case.rows["refund"]:
        made = [one for one in case.things("refunds") if one["metadata"].get("refund_id") == str(row["id"])]
        said.hold(len(made) <= 1, f"refund {row['id']} was made {len(made)} times")
        if case.quiet and row["status"] == "SUCCEEDED":
            said.hold(len(made) == 1, f"refund {row['id']} is SUCCEEDED and the provider knows nothing of it")
    for dispute in case.things("disputes"):
        if dispute["status"] == "lost":
            back[dispute["charge"]] += dispute["amount"]
    for id, cents in back.items():
        said.hold(cents <= charges[id]["amount_captured"], f"charge {id}: {cents} went back of what was captured")
    disputed: set[str] = set()
    for collection, doc in _interleaved(case, "disputes", "refunds"):
        if collection == "disputes":
            blocks = doc["status"] in {"needs_response", "under_review", "lost"}
            (disputed.add if blocks else disputed.discard)(doc["charge"])
        elif doc["status"] != "failed" and doc.get("_seen_first"):
            said.hold(doc["charge"] not in disputed, f"refund {doc['id']} was made on a disputed charge")
    reserve, posted = 0, case.posted()
    # By their ids: they are made under the lock that guards the reserve, `at` is when the transaction began.
    for entry in sorted(case.rows["ledger_entry"], key=lambda one: str(one["id"])):
        reserve -= posted[entry["id"]].get("RESERVE", 0)
        said.hold(reserve >= 0, f"the reserve is {reserve} after {entry['source']}")
    return said


def provider_adds_up(case: Case) -> Verdict:
    """8: the provider's balance is the sum of its movements, and nothing unsourced went beyond what was available."""
    said = Verdict()
    nets: Counter[str] = Counter()
    for one in case.things("balance_transactions"):
        nets[one["currency"]] += one["net"]
        said.hold(type(one["net"]) is int, f"{one['id']} moves {one['net']}")
    for balance in case.things("balances"):
        there = balance["available"] + balance["pending"]
        said.hold(there == nets[balance["id"]], f"the provider has {there}, its movements make {nets[balance['id']]}")
    for line in case.lines:
        puts = [put for put in line["puts"] if put[0] == case.account and put[3] is not None]
        new = [put[3] for put in puts if put[1] == "transfers" and put[3]["source_transaction"] is None]
        if any(not one["amount_reversed"] for one in new):
            for put in puts:
                if put[1] == "balances":
                    said.hold(
                        put[3]["available"] >= 0, f"an unsourced transfer overdrew the balance in line {line['seq']}"
                    )
    return said


def books_are_the_providers(case: Case) -> Verdict:
    """9: each movement at the provider has exactly one entry of the same cents, and the other way round."""
    said, posted = Verdict(), case.posted()
    for entry in case.rows["ledger_entry"]:
        sides = posted[entry["id"]]
        said.hold(sum(sides.values()) == 0 and len(sides) > 1, f"entry {entry['source']} does not balance: {sides}")
    if not case.quiet:
        return said
    moves = {one["id"]: one for one in case.things("balance_transactions")}
    booked: dict[str, list[Row]] = defaultdict(list)
    for entry in case.rows["ledger_entry"]:
        if posted[entry["id"]].get("CASH") is None:
            continue
        id = entry["provider_id"] or _movement(case, entry["source"])
        said.hold(id in moves, f"entry {entry['source']} moves cash, and the provider knows nothing of it ({id})")
        booked[id or ""].append(entry)
    for id, one in moves.items():
        cents = sum(posted[entry["id"]]["CASH"] for entry in booked[id])
        names = [entry["source"] for entry in booked[id]]
        kinds = Counter(entry["kind"] for entry in booked[id])
        said.hold(bool(names), f"the provider's {one['type']} {id} of {one['net']} ({one['source']}) is not booked")
        said.hold(
            cents == one["net"], f"the provider's {one['type']} {id} moved {one['net']}, booked are {cents}: {names}"
        )
        said.hold(max(kinds.values(), default=0) <= 1, f"{id} is booked more than once: {names}")
    there = sum(one["net"] for one in moves.values())
    said.hold(case.balance("CASH") == there, f"cash is {case.balance('CASH')}, the provider has {there}")
    return said


def steps_are_finished(case: Case) -> Verdict:
    """10: nothing is unknown once all is quiet; a key is of one step and one ask; nothing refused goes out again."""
    said = Verdict()
    keys: dict[str, bytes] = {}
    for op in case.rows["money_op"]:
        ask = json.loads(op["ask"]) if isinstance(op["ask"], str) else op["ask"]
        words = json.dumps(ask, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        said.hold(hashlib.sha256(words.encode()).digest() == op["ask_hash"], f"the ask of step {op['id']} was changed")
        said.hold(op["idem_key"] not in keys, f"two steps have the key {op['idem_key']}")
        keys[op["idem_key"]] = op["ask_hash"]
        said.hold(_whole(ask), f"step {op['id']} asks for a fraction: {words}")
        if op["state"] == "SUCCEEDED":
            is_there = case.store.whereabouts(op["provider_id"] or "") is not None
            said.hold(is_there, f"step {op['kind']} {op['id']} is done, and the provider has nothing of it")
        if case.quiet:
            said.hold(op["state"] not in OPEN, f"step {op['kind']} {op['id']} is still {op['state']}: {op['failure']}")
    for kept in case.things("idempotency"):
        key = kept["id"].removeprefix("v1:").removeprefix("v2:")
        said.hold(
            key in keys or not key.startswith("cleanshift:"), f"the provider was asked with {key}, which is no step's"
        )
    for alarm in case.rows["money_alarm"]:
        ours = alarm["kind"] in {"provider_refuses_us", "transfer_refused"}
        # A key that died is the play's own doing; it is over once the business has left its account or has another.
        over = alarm["cleared_at"] is not None and "Invalid API Key" in str(alarm["detail"])
        said.hold(not ours or over, f"the provider refuses us: {alarm['kind']} {alarm['detail']}")
    said.add(_wire(case, keys))
    return said


def _wire(case: Case, keys: Mapping[str, bytes]) -> Verdict:
    said = Verdict()
    bodies: dict[str, bytes] = {}
    refused: set[str] = set()
    for one in case.sent:
        if one.method == "CRASH":
            # Whoever had been told no is dead, and has told nobody.
            refused.clear()
            continue
        if one.method != "POST" or one.account != case.account:
            continue
        said.hold(one.key in keys, f"POST {one.path} went out with the key {one.key}, which is no step's")
        if one.key is None or one.key not in keys:
            continue
        asked = one.path.encode() + b"?" + one.body
        said.hold(bodies.setdefault(one.key, asked) == asked, f"the key {one.key} was used for two asks")
        said.hold(one.key not in refused, f"{one.key} was refused for certain and asked again")
        if 400 <= one.status < 500 and one.status not in {409, 429}:
            refused.add(one.key)
    return said


def states_go_forward(case: Case) -> Verdict:
    """11: what is captured is never held again, and what left us is gone, whatever was told in which order."""
    said = Verdict()
    reached: dict[Any, str | None] = {}
    for event in case.rows.get("event", ()):
        card = event["payload"] if isinstance(event["payload"], dict) else json.loads(event["payload"])
        before, now = reached.get(event["entity_id"]), card.get("status")
        reached[event["entity_id"]] = now
        if before is None or before == now:
            continue
        if event["type"] == "PaymentChanged":
            went_back = before in PAID and now not in PAID
            said.hold(not went_back, f"payment {event['entity_id']} went from {before} back to {now}")
        elif event["type"] == "PayoutChanged":
            said.hold(not (before in LEFT_US and now not in LEFT_US), f"payout {event['entity_id']}: {before} to {now}")
    if not case.quiet:
        return said
    for row in case.rows["payment"]:
        intent = case.intent(row["intent_id"])
        if intent is None:
            continue
        has = _ours(row["status"])
        said.hold(
            intent["status"] in has, f"payment {row['id']} is {row['status']}, the provider has {intent['status']}"
        )
    return said


def holds_end(case: Case) -> Verdict:
    """12: no hold lives for a job that does not take place, none beyond its time, and none lapses unnoticed."""
    said = Verdict()
    alarmed = {alarm["subject"] for alarm in case.rows["money_alarm"]}
    charges = case.store.collection(case.account, "charges")
    for intent in case.things("payment_intents"):
        row = case.payment_of(intent)
        if row is None or row["job_id"] is None:
            continue
        job = case.by_id("job")[row["job_id"]]
        if intent["status"] == "requires_capture" and case.quiet:
            said.hold(job["status"] not in OVER, f"hold {intent['id']} lives, and job {job['id']} is {job['status']}")
            until = charges[intent["latest_charge"]]["payment_method_details"]["card"].get("capture_before")
            said.hold(until is None or until >= case.now - SLACK, f"hold {intent['id']} lives beyond its time")
            kept = row["capture_before"]
            said.hold(
                kept is not None and until is not None and abs(kept.timestamp() - until) <= SLACK,
                f"payment {row['id']} says {kept} where the provider says {until}",
            )
        if intent["cancellation_reason"] in {"expired", "automatic"} and case.quiet:
            later = [
                one
                for one in case.rows["payment"]
                if one["job_id"] == row["job_id"] and one["attempt"] > row["attempt"]
            ]
            decided = row["let_go"] is not None or row["status"] in PAID or job["status"] != "COMPLETED"
            said.hold(
                bool(later) or decided or bool({str(row["id"]), str(job["id"])} & alarmed),
                f"hold {intent['id']} of job {job['id']} lapsed, and nobody was told",
            )
    return said


def accounts_were_ready(case: Case) -> Verdict:
    """13: nothing went to an account that could not take it; what is held says why, and only what is held does."""
    said = Verdict()
    ready: dict[str, bool] = {}
    for collection, doc in _interleaved(case, "connected", "transfers"):
        if collection == "connected":
            ready[doc["id"]] = doc["transfers"] == "active" and doc["status"] not in {"closed", "rejected"}
        elif doc.get("_seen_first"):
            said.hold(
                ready.get(doc["destination"], False), f"transfer {doc['id']} went to an account that was not ready"
            )
    for row in case.rows["payout"]:
        is_held = row["status"] == "HELD"
        said.hold(
            is_held == (row["hold_reason"] is not None), f"payout {row['id']}: {row['status']}, {row['hold_reason']}"
        )
        if row["status"] == "PENDING" and case.quiet:
            due = row["due_at"].timestamp()
            said.hold(due > case.now - 3_600, f"payout {row['id']} is due since {row['due_at']}, and nothing happens")
            said.hold(row["failure"] is None or row["decided_by"] is not None, f"payout {row['id']}: {row['failure']}")
    return said


def workers_are_paid(case: Case) -> Verdict:
    """14: exactly those who came and left are paid, by hours, bonus and loads as they were frozen."""
    said = Verdict()
    overridden = {row["job_id"] for row in case.rows["evidence"] if row["status"] == "OVERRIDDEN"}
    worked = {
        (row["job_id"], row["cleaner_id"])
        for row in case.rows["visit"]
        if row["checked_in_at"] is not None
        and row["phase"] != "NO_ACCESS"
        and (row["checked_out_at"] is not None or row["job_id"] in overridden)
    }
    roles = {(row["job_id"], row["cleaner_id"]): row["role"] for row in case.rows["assignment"]}
    paid: dict[UUID, set[UUID]] = defaultdict(set)
    leads: Counter[UUID] = Counter()
    for row in case.rows["payout"]:
        who = (row["job_id"], row["cleaner_id"])
        paid[row["payment_id"]].add(row["cleaner_id"])
        absent = row["job_id"] in overridden and roles.get(who) != "BACKUP"
        said.hold(
            who in worked or absent, f"payout {row['id']}: cleaner {row['cleaner_id']} was not at {row['job_id']}"
        )
        parts = row["base_cents"] + row["urgent_cents"] + row["laundry_cents"] + row["tip_cents"] + row["carried_cents"]
        said.hold(parts == row["amount_cents"], f"payout {row['id']}: its parts are {parts}")
        if row["kind"] == "CLEAN":
            base = int(row["expected_hours"] * row["rate_cents"] * 2 + 1) // 2
            said.hold(row["base_cents"] == base, f"payout {row['id']}: {row['base_cents']} for hours worth {base}")
            leads[row["job_id"]] += row["laundry_cents"] > 0
            said.hold(leads[row["job_id"]] <= 1, f"job {row['job_id']} has two laundry leads")
    if case.quiet:
        for row in case.rows["payment"]:
            job = case.by_id("job").get(row["job_id"])
            if (
                row["status"] not in PAID
                or row["kind"] not in CLEAN_KINDS
                or job is None
                or job["status"] != "COMPLETED"
            ):
                continue
            for who in {cleaner for at, cleaner in worked if at == row["job_id"]}:
                said.hold(who in paid[row["id"]], f"cleaner {who} worked on job {row['job_id']} and is not paid")
    return said


def businesses_are_apart(case: Case) -> Verdict:
    """15: nothing of one business names anything of another."""
    said = Verdict()
    for op in case.rows["money_op"]:
        words = op["ask"] if isinstance(op["ask"], str) else json.dumps(op["ask"])
        named = {*UUIDS.findall(words), *THINGS.findall(words)} & case.others
        said.hold(not named, f"step {op['id']} names {sorted(named)} of another business")
        said.hold(op["idem_key"].split(":")[1] == str(case.tenant), f"the key {op['idem_key']} is another business's")
    for collection in ("payment_intents", "transfers", "refunds", "customers"):
        for thing in case.things(collection):
            whose = (thing.get("metadata") or {}).get("tenant_id")
            said.hold(whose == str(case.tenant), f"{thing['id']} is in the account of {case.tenant} and is of {whose}")
    return said


def plans_and_invoices(case: Case) -> Verdict:
    """16: an invoice is its lines, and asks for nothing that was paid; a business has at most one plan that lives."""
    said = Verdict()
    paid = {row["job_id"] for row in case.rows["payment"] if row["kind"] in CLEAN_KINDS and row["status"] in PAID}
    for row in case.rows["invoice"]:
        lines = row["lines"] if isinstance(row["lines"], list) else json.loads(row["lines"])
        total = sum(_cents(line) for line in lines)
        said.hold(total == row["total_cents"], f"invoice {row['number']}: {row['total_cents']}, its lines make {total}")
        asks = row["status"] == "OPEN" and row["paid_cents"] < row["total_cents"]
        said.hold(not (asks and row["job_id"] in paid), f"invoice {row['number']} asks for a job that is paid")
    alive = [one for one in case.things("subscriptions") if one["status"] in {"active", "trialing", "past_due"}]
    said.hold(len(alive) <= 1, f"{len(alive)} plans live at once")
    return said


INVARIANTS: Mapping[int, Callable[[Case], Verdict]] = {
    1: one_charge_a_job,
    2: captured_as_agreed,
    3: one_transfer_a_payout,
    4: no_charge_overspent,
    5: jobs_add_up,
    6: business_adds_up,
    7: refunds_within_bounds,
    8: provider_adds_up,
    9: books_are_the_providers,
    10: steps_are_finished,
    11: states_go_forward,
    12: holds_end,
    13: accounts_were_ready,
    14: workers_are_paid,
    15: businesses_are_apart,
    16: plans_and_invoices,
}


@dataclass
class Report:
    """What all invariants have said of one or many worlds."""

    verdicts: dict[int, Verdict] = field(default_factory=lambda: {number: Verdict() for number in INVARIANTS})

    @property
    def broken(self) -> list[str]:
        return [f"invariant {number}: {words}" for number, one in self.verdicts.items() for words in one.broken]

    def add(self, other: "Report") -> None:
        for number, verdict in other.verdicts.items():
            self.verdicts[number].add(verdict)

    def __str__(self) -> str:
        words = {number: (judge.__doc__ or "").split(": ", 1)[1].split("\n")[0] for number, judge in INVARIANTS.items()}
        return "\n".join(
            f"{number:>3}  {one.judged:>9} judged  {len(one.broken):>3} broken  {words[number]}"
            for number, one in self.verdicts.items()
        )


def judge(cases: Iterable[Case]) -> Report:
    """All sixteen over all businesses."""
    report = Report()
    for case in cases:
        for number, invariant in INVARIANTS.items():
            report.verdicts[number].add(invariant(case))
    return report


async def read_rows(root: Any, tenant: UUID) -> dict[str, list[Row]]:
    """Our rows of one business, read past every policy."""
    rows: dict[str, list[Row]] = {
        table: [dict(row) for row in await root.fetch(f"select * from {table} where tenant_id = $1", tenant)]
        for table in TABLES
    }
    events = await root.fetch(
        """select entity_id, type, payload, seq from event where tenant_id = $1
           and type in ('PaymentChanged', 'PayoutChanged') order by seq""",
        tenant,
    )
    return {**rows, "event": [dict(row) for row in events]}


def ids_of(rows: Mapping[str, Sequence[Row]], store: Store, account: str) -> frozenset[str]:
    """All that names something of a business: our ids, and the provider's."""
    ours = {str(row["id"]) for table, found in rows.items() for row in found if "id" in row}
    theirs = {id for docs in store.accounts.get(account, {}).values() for id in docs if "_" in id}
    return frozenset({*ours, *theirs, account})


# -- looking things up ----------------------------------------------------------------------------------------------


def _history(case: Case, *collections: str) -> Iterable[tuple[str, Any]]:
    """Every version of these documents of the business's account, in the order of the journal."""
    for line in case.lines:
        for account, collection, _, doc in line["puts"]:
            if account == case.account and collection in collections and doc is not None:
                yield collection, doc


def _interleaved(case: Case, *collections: str) -> Iterable[tuple[str, Any]]:
    seen: set[str] = set()
    for collection, doc in _history(case, *collections):
        yield collection, {**doc, "_seen_first": doc["id"] not in seen}
        seen.add(doc["id"])


def _captured_at(case: Case, charge: str) -> float | None:
    for line in case.lines:
        for account, collection, id, doc in line["puts"]:
            if account == case.account and collection == "charges" and id == charge and doc and doc["amount_captured"]:
                return float(line["at"])
    return None


def _movement(case: Case, source: str) -> str | None:
    """The movement that an entry is about where it does not say so: by the thing in its source."""
    _, _, id = source.partition(":")
    for collection in ("charges", "transfers", "reversals", "refunds"):
        doc = case.store.collection(case.account, collection).get(id)
        if doc is not None:
            return str(doc["balance_transaction"])
    # A tip's entry is named after its payment.
    paid = case.by_id("payment").get(_uuid(id))
    charge = None if paid is None else case.store.collection(case.account, "charges").get(paid["charge_id"] or "")
    return None if charge is None else str(charge["balance_transaction"])


def _fee(case: Case, charge: Any) -> int:
    move = case.store.collection(case.account, "balance_transactions").get(charge["balance_transaction"] or "")
    return int(move["fee"]) if move else 0


def _dispute_fees(case: Case) -> int:
    return sum(one["fee"] for one in case.things("balance_transactions") if one["type"] == "adjustment")


def _own(row: Row) -> int:
    """Of a payout what its own clean has earned it: without what was carried over from others."""
    return int(row["base_cents"] + row["urgent_cents"] + row["laundry_cents"])


def _unshared_tips(case: Case) -> int:
    """Tips that were taken and that nobody is there for, less what of them has gone back: still owed."""
    shared = {row["payment_id"] for row in case.rows["payout"] if row["kind"] == "TIP"}
    back: Counter[UUID] = Counter()
    for row in case.rows["refund"]:
        if row["status"] in {"RESERVED", "PENDING", "SUCCEEDED"}:
            back[row["payment_id"]] += row["amount_cents"]
    for row in case.rows["dispute"]:
        back[row["payment_id"]] += row["withdrawn_cents"]
    tips = [row for row in case.rows["payment"] if row["kind"] == "TIP" and row["status"] in PAID]
    return sum(max(0, row["captured_cents"] - back[row["id"]]) for row in tips if row["id"] not in shared)


def _ours(status: str) -> frozenset[str]:
    """What the provider may have of a payment of this status, once all is quiet."""
    before = {"requires_payment_method", "requires_confirmation", "requires_action"}
    return frozenset(
        {
            "PENDING": before,
            "FAILED": {*before, "canceled"},
            "REQUIRES_ACTION": before,
            "AUTHORIZED": {"requires_capture"},
            "CAPTURE_PENDING": {"requires_capture"},
            "EXPIRED": {"canceled"},
            "RELEASED": {"canceled"},
        }.get(status, {"succeeded"})
    )


def _whole(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_whole, value.values()))
    if isinstance(value, list):
        return all(map(_whole, value))
    return not isinstance(value, float)


def _cents(line: Mapping[str, Any]) -> int:
    return int(next((line[name] for name in ("cents", "totalCents", "total_cents", "amountCents") if name in line), 0))


def _uuid(said: Any) -> UUID | None:
    try:
        return UUID(str(said))
    except ValueError:
        return None
