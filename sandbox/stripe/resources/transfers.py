"""Transfers to connected accounts, and their reversals."""

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, invalid, missing, refused
from sandbox.stripe.ledger import available, pending, post
from sandbox.stripe.present import merged_metadata, page, shown, sublist
from sandbox.stripe.resources import connected
from sandbox.stripe.resources.charges import blank_charge
from sandbox.stripe.resources.intents import ensure_currency
from sandbox.stripe.routes import Ask, route, view
from sandbox.stripe.store import Tx


@route("POST", "/v1/transfers", "TransferCreateParams")
def create_transfer(tx: Tx, ask: Ask) -> Json:
    """From a charge's remainder (`source_transaction`: funds follow when the charge's do), else from the balance."""
    amount = ask.get("amount")
    if amount is None:
        raise invalid("Missing required param: amount.", "parameter_missing", "amount")
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount")
    currency = ensure_currency(ask.params["currency"])
    refusal = connected.refusal(tx, ask.params["destination"])
    if refusal:
        raise refusal
    source = _source(tx, ask, amount, currency) if ask.get("source_transaction") else None
    if source is None and available(tx, currency) < amount:
        raise refused(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available "
            "balance by creating Charges using the 4000000000000077 test card. See: "
            "https://docs.stripe.com/testing#available-balance",
            "balance_insufficient",
        )
    transfer = _created(tx, ask, source, amount)
    tx.emit("transfer.created", transfer)
    return shown(tx, transfer)


@route("GET", "/v1/transfers/{transfer}", "TransferRetrieveParams")
def retrieve_transfer(tx: Tx, ask: Ask) -> Json:
    """One."""
    return shown(tx, tx.get("transfers", ask.args["transfer"]))


@route("GET", "/v1/transfers", "TransferListParams")
def list_transfers(tx: Tx, ask: Ask) -> Json:
    """By transfer_group, destination."""
    filters = {"transfer_group": ask.get("transfer_group"), "destination": ask.get("destination")}
    return page(tx, ask, tx.where("transfers", **filters))


@route("POST", "/v1/transfers/{transfer}", "TransferUpdateParams")
def update_transfer(tx: Tx, ask: Ask) -> Json:
    """Description and metadata."""
    transfer = tx.get("transfers", ask.args["transfer"])
    changes = {"metadata": merged_metadata(transfer["metadata"], ask.params.get("metadata"))}
    if "description" in ask.params:
        changes["description"] = ask.get("description")
    transfer = tx.change("transfers", transfer["id"], **changes)
    tx.emit("transfer.updated", transfer)
    return shown(tx, transfer)


@route("POST", "/v1/transfers/{id}/reversals", "TransferReversalCreateParams")
def create_reversal(tx: Tx, ask: Ask) -> Json:
    """Take money back, if the destination still has it."""
    transfer = tx.get("transfers", ask.args["id"])
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = ask.get("amount", left)
    if left == 0:
        raise refused(f"Transfer {transfer['id']} is already fully reversed.", "transfer_already_reversed")
    if not 1 <= amount <= left:
        raise refused(
            f"The amount ({amount}) must be between 1 and the unreversed amount of the transfer ({left}).",
            "parameter_invalid_integer",
            param="amount",
        )
    return shown(tx, _reversed(tx, ask, transfer, amount))


@route("GET", "/v1/transfers/{id}/reversals", "TransferReversalListParams")
def list_reversals(tx: Tx, ask: Ask) -> Json:
    """Of one transfer."""
    transfer = tx.get("transfers", ask.args["id"])
    return page(tx, ask, tx.where("reversals", transfer=transfer["id"]))


@route("GET", "/v1/transfers/{transfer}/reversals/{id}", "TransferReversalRetrieveParams")
def retrieve_reversal(tx: Tx, ask: Ask) -> Json:
    """One."""
    reversal = tx.get("reversals", ask.args["id"])
    if reversal["transfer"] != ask.args["transfer"]:
        raise missing("transfer reversal", reversal["id"])
    return shown(tx, reversal)


@route("POST", "/v1/transfers/{transfer}/reversals/{id}", "TransferReversalUpdateParams")
def update_reversal(tx: Tx, ask: Ask) -> Json:
    """Metadata."""
    reversal = tx.get("reversals", ask.args["id"])
    metadata = merged_metadata(reversal["metadata"], ask.params.get("metadata"))
    return shown(tx, tx.change("reversals", reversal["id"], metadata=metadata))


@view("transfer")
def with_reversals(tx: Tx, transfer: Json) -> Json:
    """A transfer carries its newest reversals."""
    reversals = sublist(tx, tx.where("reversals", transfer=transfer["id"]), f"/v1/transfers/{transfer['id']}/reversals")
    return {**transfer, "reversals": reversals}


def _source(tx: Tx, ask: Ask, amount: int, currency: str) -> Json:
    charge = tx.get("charges", ask.get("source_transaction"), "source_transaction")
    if not charge["captured"]:
        raise refused(
            f"Cannot use an uncaptured charge ({charge['id']}) as a source_transaction.", param="source_transaction"
        )
    if charge["currency"] != currency:
        raise refused(
            f"The currency of source_transaction's balance transaction ({charge['currency']}) must be the same as the "
            f"transfer currency ({currency})",
            "transfer_source_balance_parameters_mismatch",
        )
    moved = sum(
        earlier["amount"] - earlier["amount_reversed"]
        for earlier in tx.where("transfers", source_transaction=charge["id"])
    )
    if moved + amount > charge["amount_captured"]:
        raise refused(
            "Transfers using this transaction as a source must not exceed the source amount of "
            f"${charge['amount_captured'] / 100:.2f}. (There is a total of ${moved / 100:.2f} already transferred)",
            param="amount",
        )
    group = ask.get("transfer_group")
    if group and charge["transfer_group"] and group != charge["transfer_group"]:
        raise refused(
            "The transfer_group of a transfer must be that of its source_transaction.", param="transfer_group"
        )
    return charge


def _created(tx: Tx, ask: Ask, source: Json | None, amount: int) -> Json:
    id = tx.new_id("tr")
    currency = ask.params["currency"].lower()
    settled = tx.get("balance_transactions", source["balance_transaction"]) if source else None
    # Where the charge is still on its way, so is what it pays for, on both sides.
    at = settled["available_on"] if settled and settled["status"] == "pending" else None
    entry = post(tx, type="transfer", amount=-amount, source=id, available_on=at, currency=currency)
    payment = _destination_payment(tx.on(ask.params["destination"]), id, amount, currency, at)
    transfer = tx.put(
        "transfers",
        {
            "id": id,
            "object": "transfer",
            "amount": amount,
            "amount_reversed": 0,
            "balance_transaction": entry["id"],
            "created": tx.now,
            "currency": currency,
            "description": ask.get("description"),
            "destination": ask.params["destination"],
            "destination_payment": payment["id"],
            "livemode": False,
            "metadata": merged_metadata({}, ask.params.get("metadata")),
            "reversed": False,
            "source_transaction": source["id"] if source else None,
            "source_type": "card",
            "transfer_group": ask.get("transfer_group") or (source["transfer_group"] if source else None),
        },
    )
    tx.at_time(at or tx.at, "auto_payout", ask.params["destination"])
    return transfer


def _destination_payment(tx: Tx, transfer: str, amount: int, currency: str, at: int | None) -> Json:
    """The other side: a payment on the connected account."""
    id = tx.new_id("py")
    entry = post(tx, type="payment", amount=amount, source=id, available_on=at, currency=currency)
    payment = tx.put(
        "charges",
        blank_charge(tx, id, amount, currency)
        | {
            "amount_captured": amount,
            "balance_transaction": entry["id"],
            "captured": True,
            "payment_method_details": {"stripe_account": {}, "type": "stripe_account"},
            "source_transfer": transfer,
        },
    )
    tx.emit("payment.created", payment)
    return payment


def _reversed(tx: Tx, ask: Ask, transfer: Json, amount: int) -> Json:
    there = tx.on(transfer["destination"])
    payment = there.get("charges", transfer["destination_payment"])
    settled = there.get("balance_transactions", payment["balance_transaction"])
    at = settled["available_on"] if settled["status"] == "pending" else None
    held = pending(there, transfer["currency"]) if at else available(there, transfer["currency"])
    if held < amount:
        raise StripeError(
            400,
            f"The connected account {transfer['destination']} has insufficient funds to reverse this transfer.",
            "balance_insufficient",
        )
    id = tx.new_id("trr")
    entry = post(tx, type="transfer_refund", amount=amount, source=id, available_on=at, currency=transfer["currency"])
    there_id = there.new_id("pyr")
    post(there, type="payment_refund", amount=-amount, source=there_id, available_on=at, currency=transfer["currency"])
    total = payment["amount_refunded"] + amount
    there.change("charges", payment["id"], amount_refunded=total, refunded=total == payment["amount"])
    reversal = tx.put(
        "reversals",
        {
            "id": id,
            "object": "transfer_reversal",
            "amount": amount,
            "balance_transaction": entry["id"],
            "created": tx.now,
            "currency": transfer["currency"],
            "destination_payment_refund": there_id,
            "metadata": merged_metadata({}, ask.params.get("metadata")),
            "source_refund": None,
            "transfer": transfer["id"],
        },
    )
    gone = transfer["amount_reversed"] + amount
    changes: Json = {"amount_reversed": gone, "reversed": gone == transfer["amount"]}
    if ask.get("description"):
        changes["description"] = ask.get("description")
    transfer = tx.change("transfers", transfer["id"], **changes)
    tx.emit("transfer.reversed", transfer)
    return reversal
