"""The balance and its transactions, read only."""

from sandbox.stripe import Json
from sandbox.stripe.ledger import balance
from sandbox.stripe.present import page, shown
from sandbox.stripe.routes import Ask, route
from sandbox.stripe.store import Tx


@route("GET", "/v1/balance", "BalanceRetrieveParams")
def retrieve_balance(tx: Tx, ask: Ask) -> Json:
    """Available and pending, by currency."""
    return balance(tx)


@route("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams")
def retrieve_transaction(tx: Tx, ask: Ask) -> Json:
    """One."""
    return shown(tx, tx.get("balance_transactions", ask.args["id"]))


@route("GET", "/v1/balance_transactions", "BalanceTransactionListParams")
def list_transactions(tx: Tx, ask: Ask) -> Json:
    """By source, type, currency, payout."""
    filters = {"source": ask.get("source"), "type": ask.get("type"), "currency": ask.get("currency")}
    if ask.get("payout"):
        filters["_payout"] = ask.get("payout")
    return page(tx, ask, tx.where("balance_transactions", **filters))
