"""Refunds: never more than is left of a charge, never on a disputed one."""

from sandbox.stripe import Json
from sandbox.stripe.cards import CARDS
from sandbox.stripe.clock import MINUTE
from sandbox.stripe.errors import StripeError, invalid, refused
from sandbox.stripe.ledger import post
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, route, timer
from sandbox.stripe.store import Tx

ASYNC_AFTER = 10 * MINUTE
"""When a pending refund succeeds, or a failing one fails."""


@route("POST", "/v1/refunds", "RefundCreateParams")
def create_refund(tx: Tx, ask: Ask) -> Json:
    """Of a charge or a payment intent; all that is left, or `amount`."""
    charge = _charge(tx, ask)
    _ensure_refundable(tx, charge, ask)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = ask.get("amount", left)
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount")
    if amount > left:
        raise refused(
            f"Refund amount (${amount / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})",
            param="amount",
        )
    card = CARDS[charge["_card"]]
    refund = _created(tx, ask, charge, amount, "pending" if card.after == "refund_pending" else "succeeded")
    if card.after in {"refund_pending", "refund_fails"}:
        tx.at_time(tx.at + ASYNC_AFTER, "settle_refund", refund["id"])
    return shown(tx, refund)


@route("GET", "/v1/refunds/{refund}", "RefundRetrieveParams")
def retrieve_refund(tx: Tx, ask: Ask) -> Json:
    """One."""
    return shown(tx, tx.get("refunds", ask.args["refund"]))


@route("GET", "/v1/refunds", "RefundListParams")
def list_refunds(tx: Tx, ask: Ask) -> Json:
    """By charge, payment_intent."""
    filters = {"charge": ask.get("charge"), "payment_intent": ask.get("payment_intent")}
    return page(tx, ask, tx.where("refunds", **filters))


@route("POST", "/v1/refunds/{refund}", "RefundUpdateParams")
def update_refund(tx: Tx, ask: Ask) -> Json:
    """Metadata only."""
    refund = tx.get("refunds", ask.args["refund"])
    metadata = merged_metadata(refund["metadata"], ask.params.get("metadata"))
    refund = tx.change("refunds", refund["id"], metadata=metadata)
    tx.emit("refund.updated", refund)
    return shown(tx, refund)


@route("POST", "/v1/refunds/{refund}/cancel", "RefundCancelParams")
def cancel_refund(tx: Tx, ask: Ask) -> Json:
    """Card refunds cannot be cancelled."""
    tx.get("refunds", ask.args["refund"])
    raise refused("This refund cannot be canceled: only refunds that require action can be.")


@timer("settle_refund")
def settle_refund(tx: Tx, id: str) -> None:
    """A pending refund succeeds; a refund to a dead card fails, and the money comes back."""
    refund = tx.get("refunds", id)
    charge = tx.get("charges", refund["charge"])
    if CARDS[charge["_card"]].after == "refund_pending":
        refund = tx.change("refunds", id, status="succeeded")
        tx.emit("refund.updated", refund, {"status": "pending"})
        return
    entry = post(
        tx,
        type="refund_failure",
        amount=refund["amount"],
        source=id,
        currency=refund["currency"],
        description="REFUND FAILED",
    )
    refund = tx.change(
        "refunds",
        id,
        status="failed",
        failure_reason="expired_or_canceled_card",
        failure_balance_transaction=entry["id"],
    )
    back = charge["amount_refunded"] - refund["amount"]
    charge = tx.change("charges", charge["id"], amount_refunded=back, refunded=False)
    tx.emit("refund.failed", refund)
    tx.emit("refund.updated", refund, {"status": "succeeded"})


def _charge(tx: Tx, ask: Ask) -> Json:
    if ask.get("charge"):
        return tx.get("charges", ask.get("charge"), "charge")
    if not ask.get("payment_intent"):
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    intent = tx.get("payment_intents", ask.get("payment_intent"), "payment_intent")
    if intent["latest_charge"] is None:
        raise refused(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    return tx.get("charges", intent["latest_charge"])


def _ensure_refundable(tx: Tx, charge: Json, ask: Ask) -> None:
    dispute = tx.find("disputes", charge.get("dispute"))
    # An inquiry, or a dispute that was won, still allows one.
    if charge["disputed"] and not (dispute and dispute["is_charge_refundable"]):
        raise refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed")
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise refused(
            f"Charge {charge['id']} has not been captured; cancel its PaymentIntent instead of refunding it.",
            "charge_not_refundable",
        )
    if charge["amount_refunded"] >= charge["amount_captured"]:
        raise refused(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if ask.get("reverse_transfer") or ask.get("refund_application_fee"):
        raise StripeError(
            400, f"Cannot reverse transfer for charge {charge['id']}: it has no associated transfer.", stored=True
        )


def _created(tx: Tx, ask: Ask, charge: Json, amount: int, status: str) -> Json:
    id = tx.new_id("re")
    entry = post(
        tx,
        type="refund",
        amount=-amount,
        source=id,
        currency=charge["currency"],
        description=f"REFUND FOR CHARGE ({charge['description']})" if charge["description"] else "REFUND FOR CHARGE",
    )
    refund = tx.put(
        "refunds",
        {
            "id": id,
            "object": "refund",
            "amount": amount,
            "balance_transaction": entry["id"],
            "charge": charge["id"],
            "created": tx.now,
            "currency": charge["currency"],
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": merged_metadata({}, ask.params.get("metadata")),
            "payment_intent": charge["payment_intent"],
            "reason": ask.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": status,
            "transfer_reversal": None,
        },
    )
    refunded = charge["amount_refunded"] + amount
    charge = tx.change(
        "charges", charge["id"], amount_refunded=refunded, refunded=refunded == charge["amount_captured"]
    )
    tx.emit("refund.created", refund)
    tx.emit("charge.refunded", charge)
    return refund
