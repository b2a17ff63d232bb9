"""Balances: every movement of money is one balance transaction, first pending, later available."""

from sandbox.stripe import Json
from sandbox.stripe.clock import business_days_later
from sandbox.stripe.routes import timer
from sandbox.stripe.store import Tx

SETTLES_AFTER_BUSINESS_DAYS = 2
CATEGORIES = {"payment": "charge", "payment_refund": "refund", "adjustment": "dispute", "transfer_refund": "transfer"}
"""The reporting category, where it is not the transaction's type."""


def fee_of(amount: int) -> int:
    """The provider's fee for a card charge: 2.9 % and 30 cents, half up."""
    return (amount * 29 + 500) // 1000 + 30


def card_money_at(tx: Tx) -> int:
    """When a card charge of now becomes available."""
    return business_days_later(tx.at, SETTLES_AFTER_BUSINESS_DAYS)


def post(
    tx: Tx,
    *,
    type: str,
    amount: int,
    source: str,
    fee: int = 0,
    available_on: int | None = None,
    description: str | None = None,
    currency: str = "usd",
    category: str | None = None,
) -> Json:
    """Move this account's balance by `amount - fee` cents: at once, or (a later `available_on`) first as pending."""
    pending = available_on is not None and available_on > tx.at
    details = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    entry = tx.put(
        "balance_transactions",
        {
            "id": tx.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": available_on if pending else tx.now,
            "balance_type": "payments",
            "created": tx.now,
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details if fee else [],
            "net": amount - fee,
            "reporting_category": category or CATEGORIES.get(type, type),
            "source": source,
            "status": "pending" if pending else "available",
            "type": type,
        },
    )
    _move(tx, currency, entry["net"], "pending" if pending else "available")
    if available_on is not None and pending:
        tx.at_time(available_on, "settle_transaction", entry["id"])
    return entry


def available(tx: Tx, currency: str = "usd") -> int:
    """Cents that this account may use now; negative after a dispute, say."""
    return int((tx.find("balances", currency) or {}).get("available", 0))


def pending(tx: Tx, currency: str = "usd") -> int:
    """Cents on their way."""
    return int((tx.find("balances", currency) or {}).get("pending", 0))


@timer("settle_transaction")
def settle_transaction(tx: Tx, id: str) -> None:
    """Pending money becomes available."""
    entry = tx.get("balance_transactions", id)
    if entry["status"] == "available":
        return
    tx.change("balance_transactions", id, status="available")
    _move(tx, entry["currency"], -entry["net"], "pending")
    _move(tx, entry["currency"], entry["net"], "available")
    place = tx.store.whereabouts(tx.account)
    if place is None:
        _announce(tx)
        if tx.settings.get("auto_payout"):
            tx.at_time(tx.now, "auto_payout", tx.account)


def balance(tx: Tx) -> Json:
    """The balance object."""
    sums = tx.store.collection(tx.account, "balances")
    held = [sums[currency] for currency in sums] or [{"id": "usd", "available": 0, "pending": 0}]

    def lines(part: str) -> list[Json]:
        return [{"amount": sum_[part], "currency": sum_["id"], "source_types": {"card": sum_[part]}} for sum_ in held]

    return {
        "object": "balance",
        "available": lines("available"),
        "connect_reserved": [{"amount": 0, "currency": sum_["id"]} for sum_ in held],
        "livemode": False,
        "pending": lines("pending"),
    }


def _announce(tx: Tx) -> None:
    """`balance.available`, once a day."""
    day = tx.now // 86400
    told = tx.find("balances_told", "day")
    if told is None or told["day"] != day:
        tx.put("balances_told", {"id": "day", "day": day})
        tx.emit("balance.available", {"id": tx.account, **balance(tx)})


def _move(tx: Tx, currency: str, amount: int, part: str) -> None:
    before = tx.find("balances", currency) or {"id": currency, "available": 0, "pending": 0}
    tx.put("balances", {**before, part: before[part] + amount})
