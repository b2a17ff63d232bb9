"""Connected accounts as the money sees them: a destination that may take transfers, or not, and why."""

from typing import Any

from sandbox.stripe import Json
from sandbox.stripe.errors import StripeError, missing, refused
from sandbox.stripe.store import Tx

_NOT_READY = (
    "Your destination account needs to have at least one of the following capabilities enabled: "
    "transfers, crypto_transfers, legacy_payments"
)


def create(tx: Tx, id: str | None = None, **fields: Any) -> Json:
    """A connected account of this platform; new ones may not take transfers yet."""
    doc: Json = {
        "id": id or tx.store.new_id("acct", 16),
        "object": "account",
        "platform": tx.account,
        "status": "new",
        "transfers": "inactive",
        "payouts_enabled": False,
        "country": "US",
        "created": tx.now,
    }
    return tx.put("connected", {**doc, **fields})


def refusal(tx: Tx, destination: str) -> StripeError | None:
    """Why a transfer to this account is refused now; None where it is not."""
    doc = tx.find("connected", destination)
    if doc is None:
        return missing("destination", destination, "destination")
    if doc["status"] == "closed":
        return refused(f"The account {destination} has been closed.", "account_closed", param="destination")
    if doc["status"] == "rejected":
        return StripeError(
            403,
            f"The provided key does not have access to account '{destination}' (or that account does not exist). "
            "Application access may have been revoked.",
            "account_invalid",
        )
    if doc["transfers"] != "active":
        return refused(_NOT_READY, "insufficient_capabilities_for_transfer")
    return None
