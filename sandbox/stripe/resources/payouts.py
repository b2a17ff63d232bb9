"""Payouts to banks: by hand, or by themselves when a connected account's money is available; they arrive, or fail."""

from typing import Any

from sandbox.stripe import Json, ledger
from sandbox.stripe.clock import business_days_later
from sandbox.stripe.errors import StripeError, invalid, refused
from sandbox.stripe.events import platform_of
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.resources.account_states import fail_bank
from sandbox.stripe.routes import Ask, control, route, timer
from sandbox.stripe.store import Tx

ARRIVES_AFTER_BUSINESS_DAYS = 2


@route("POST", "/v1/payouts", "PayoutCreateParams")
def create_payout(tx: Tx, ask: Ask) -> Json:
    """Send available money of this account (with Stripe-Account: of a connected one) to its bank."""
    amount, currency = ask.params["amount"], ask.params["currency"]
    if amount <= 0:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount")
    bank = _bank(tx)
    if bank is None:
        raise refused("Payouts are not enabled for this account.", "payouts_not_allowed")
    if ledger.available(tx, currency) < amount:
        message = "You have insufficient funds in your Stripe account for this payout."
        raise refused(message, "balance_insufficient", param="amount")
    metadata = merged_metadata({}, ask.params.get("metadata"))
    return shown(tx, _make(tx, amount, currency, bank, automatic=False, metadata=metadata))


@route("GET", "/v1/payouts/{payout}", "PayoutRetrieveParams")
def retrieve_payout(tx: Tx, ask: Ask) -> Json:
    """One payout."""
    return shown(tx, tx.get("payouts", ask.args["payout"], "payout"))


@route("GET", "/v1/payouts", "PayoutListParams")
def list_payouts(tx: Tx, ask: Ask) -> Json:
    """Newest first; by status and destination."""
    return page(tx, ask, tx.where("payouts", status=ask.get("status"), destination=ask.get("destination")))


@timer("auto_payout")
def money_came(tx: Tx, subject: str) -> None:
    """Money of an account becomes available now; a second later everything of this moment is booked."""
    tx.at_time(tx.at + 1, "pay_out", subject)


@timer("pay_out")
def pay_out(tx: Tx, subject: str) -> None:
    """The automatic payout: all that is available, if the account may be paid."""
    own = tx if subject == tx.account else tx.on(subject)
    bank = _bank(own)
    for currency in [*tx.store.collection(subject, "balances")]:
        amount = ledger.available(own, currency)
        if bank and amount > 0:
            _make(own, amount, currency, bank, automatic=True, metadata={})


@timer("payout_arrives")
def payout_arrives(tx: Tx, subject: str) -> None:
    """The bank takes the money, or sends it back."""
    payout = tx.get("payouts", subject)
    if payout["status"] not in {"pending", "in_transit"}:
        return
    platform = platform_of(tx)
    person = tx.on(platform).find("connected", tx.account) if platform else None
    settle(tx, subject, "failed" if (person or {}).get("_bank_breaks") else "paid")


def settle(tx: Tx, id: str, outcome: str) -> Json:
    """A payout is paid, or failed (also after it was paid): then its money is back and the bank account is unusable."""
    payout = tx.get("payouts", id)
    if payout["status"] == "failed" or (payout["status"], outcome) == ("paid", "paid"):
        raise refused(f"This payout is already {payout['status']}.")
    if outcome == "paid":
        payout = tx.change("payouts", id, status="paid")
        tx.emit("payout.paid", payout)
        return payout
    back = ledger.post(
        tx,
        type="payout_failure",
        amount=payout["amount"],
        source=id,
        currency=payout["currency"],
        category="payout_reversal",
    )
    payout = tx.change(
        "payouts",
        id,
        status="failed",
        failure_balance_transaction=back["id"],
        failure_code="account_closed",
        failure_message="The bank account has been closed.",
    )
    tx.emit("payout.failed", payout)
    platform = platform_of(tx)
    if platform:
        fail_bank(tx.on(platform), tx.account, failed=True)
    return payout


@control("POST", "payouts/{id}")
def control_settle(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{outcome: paid|failed}`: what the bank does, now."""
    place = sandbox.store.whereabouts(args["id"])
    if place is None or place[1] != "payouts":
        raise StripeError(404, f"No such payout: '{args['id']}'", "resource_missing")
    outcome = body.get("outcome", "paid")
    if outcome not in {"paid", "failed"}:
        raise invalid(f"No such outcome: {outcome}", param="outcome")
    with sandbox.tx(place[0], f"control: payout {outcome}") as tx:
        return shown(tx, settle(tx, args["id"], outcome))


@control("POST", "accounts/{id}/bank")
def control_bank(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{works: true|false}`: whether the bank account of a connected account takes the next payouts."""
    place = sandbox.store.whereabouts(args["id"])
    if place is None or place[1] != "connected":
        raise StripeError(404, f"No such account: '{args['id']}'", "resource_missing")
    works = bool(body.get("works", True))
    with sandbox.tx(place[0], "control: bank account") as tx:
        doc = tx.change("connected", args["id"], _bank_breaks=not works)
        if works and doc["_bank_failed"]:
            doc = fail_bank(tx, args["id"], failed=False)
        return {"id": doc["id"], "payouts_enabled": doc["payouts_enabled"]}


def _bank(tx: Tx) -> str | None:
    """The bank account that money of this account goes to; None where it may not be paid out."""
    platform = platform_of(tx)
    if platform is None:
        return f"ba_{tx.account[5:]}"
    person = tx.on(platform).get("connected", tx.account)
    return person["_bank"]["id"] if person["payouts_enabled"] and person["_bank"] else None


def _fill(tx: Tx, id: str, currency: str) -> None:
    """All that is available and in no payout yet is in this one, with the payout's own transaction."""
    for entry in list(tx.where("balance_transactions", currency=currency)):
        if entry["status"] == "available" and not entry.get("_payout"):
            tx.change("balance_transactions", entry["id"], _payout=id)


def _make(tx: Tx, amount: int, currency: str, bank: str, *, automatic: bool, metadata: Json) -> Json:
    id = tx.new_id("po")
    moved = ledger.post(tx, type="payout", amount=-amount, source=id, currency=currency)
    arrives = business_days_later(tx.at, ARRIVES_AFTER_BUSINESS_DAYS)
    payout = tx.put(
        "payouts",
        {
            "id": id,
            "object": "payout",
            "amount": amount,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": arrives,
            "automatic": automatic,
            "balance_transaction": moved["id"],
            "created": tx.now,
            "currency": currency,
            "description": "STRIPE PAYOUT" if automatic else None,
            "destination": bank,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "livemode": False,
            "metadata": metadata,
            "method": "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "in_progress" if automatic else "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": "pending",
            "trace_id": None,
            "type": "bank_account",
        },
    )
    if automatic:
        _fill(tx, id, currency)
    tx.emit("payout.created", payout)
    tx.at_time(arrives, "payout_arrives", id)
    return payout
