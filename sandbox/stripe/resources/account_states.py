"""What a connected account may do, by its state: the one table that the v1 and v2 views and the events come from."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.stripe import Json
from sandbox.stripe.errors import refused
from sandbox.stripe.store import Tx

ONBOARDING = (
    "business_profile.url",
    "external_account",
    "individual.dob.day",
    "individual.dob.month",
    "individual.dob.year",
    "individual.first_name",
    "individual.id_number",
    "individual.last_name",
    "tos_acceptance.date",
    "tos_acceptance.ip",
)
DOCUMENT = ("individual.verification.document",)
BANK = ("external_account",)


@dataclass(frozen=True)
class Standing:
    """One state of a connected account: what is due, why it is stopped, and the state of its transfers."""

    transfers: str
    due: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    disabled_reason: str | None = None
    v2_code: str | None = None
    v2_resolution: str = "provide_info"


STANDINGS = {
    "new": Standing("inactive", ONBOARDING, disabled_reason="requirements.past_due", v2_code="requirements_past_due"),
    "pending": Standing(
        "pending",
        pending=("individual.id_number",),
        disabled_reason="requirements.pending_verification",
        v2_code="requirements_pending_verification",
        v2_resolution="no_resolution",
    ),
    "active": Standing("active"),
    "restricted": Standing(
        "inactive", DOCUMENT, disabled_reason="requirements.past_due", v2_code="requirements_past_due"
    ),
    "rejected": Standing(
        "inactive", disabled_reason="rejected.other", v2_code="restricted_other", v2_resolution="contact_stripe"
    ),
    "closed": Standing("inactive", disabled_reason="other", v2_code="restricted_other", v2_resolution="no_resolution"),
}


def standing(doc: Json) -> Standing:
    """The state's row in the table."""
    return STANDINGS[doc["status"]]


def due(doc: Json) -> list[str]:
    """What the person has yet to bring: of the state, and a bank account where the old one failed."""
    missing = [*standing(doc).due]
    if doc.get("_bank_failed") and "external_account" not in missing:
        missing += BANK
    return missing


def move(tx: Tx, id: str, status: str) -> Json:
    """Bring a connected account into a state and tell it: v1 events on the account, thin ones on the platform."""
    before = tx.get("connected", id, "account")
    if before["status"] in {"rejected", "closed"} and status != before["status"]:
        raise refused(f"Account {id} is {before['status']} for good.", "account_invalid", param="account")
    submitted = before["_submitted"] or status in {"active", "pending", "restricted", "rejected"}
    transfers = STANDINGS[status].transfers if before["_requested"] else "inactive"
    after = tx.change(
        "connected",
        id,
        status=status,
        transfers=transfers,
        payouts_enabled=status == "active" and not before.get("_bank_failed"),
        _submitted=submitted,
        _bank=before["_bank"] or (new_bank(tx, before) if status in {"active", "pending"} else None),
    )
    tell(tx, before, after)
    return after


def fail_bank(tx: Tx, id: str, failed: bool) -> Json:
    """The bank account stops (or begins again) to take payouts: `payouts_enabled` follows, transfers do not."""
    before = tx.get("connected", id, "account")
    bank = before["_bank"] and {**before["_bank"], "status": "errored" if failed else "new"}
    after = tx.change(
        "connected",
        id,
        _bank=bank,
        _bank_failed=failed,
        payouts_enabled=before["status"] == "active" and not failed,
    )
    if bank:
        tx.on(id).emit("account.external_account.updated", bank)
    tell(tx, before, after)
    return after


def tell(tx: Tx, before: Json, after: Json) -> None:
    """The events of a change, in the provider's order; nothing where nothing changed that anybody sees."""
    id = after["id"]
    changed = before["transfers"] != after["transfers"]
    if after["payouts_enabled"] and not before["payouts_enabled"]:
        tx.at_time(tx.now, "auto_payout", id)
    if changed:
        tx.on(id).emit("capability.updated", capability(after), {"status": before["transfers"]})
    if _seen(before) != _seen(after):
        tx.on(id).emit("account.updated", after)
    if not after["_v2"]:
        return
    related = {"id": id, "type": "v2.core.account", "url": f"/v2/core/accounts/{id}"}
    if changed or (before["status"] != after["status"] and after["_requested"]):
        tx.emit_thin(
            "v2.core.account[configuration.recipient].capability_status_updated",
            related,
            {"updated_capability": "stripe_balance.stripe_transfers"},
        )
    if (due(before), standing(before)) != (due(after), standing(after)):
        tx.emit_thin("v2.core.account[requirements].updated", related)
    if after["status"] == "closed" and before["status"] != "closed":
        tx.emit_thin("v2.core.account.closed", related)


def capability(doc: Json) -> Json:
    """The v1 capability `transfers` of an account."""
    state = standing(doc)
    reasons = {"new": "requirements.fields_needed", "restricted": "requirements.fields_needed"}
    reasons |= {"pending": "pending.review", "rejected": "rejected.other", "closed": "other"}
    needs = {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [*state.due],
        "disabled_reason": reasons.get(doc["status"]) if doc["_requested"] else None,
        "errors": [],
        "eventually_due": [*state.due],
        "past_due": [*state.due],
        "pending_verification": [*state.pending],
    }
    nothing = {**needs, "disabled_reason": None, "currently_due": [], "eventually_due": []}
    return {
        "id": "transfers",
        "object": "capability",
        "account": doc["id"],
        "requested": doc["_requested"],
        "requested_at": doc["created"] if doc["_requested"] else None,
        "status": doc["transfers"] if doc["_requested"] else "unrequested",
        "requirements": needs,
        "future_requirements": {**nothing, "past_due": [], "pending_verification": []},
    }


def new_bank(tx: Tx, doc: Json) -> Json:
    """The test bank account that onboarding adds."""
    return {
        "id": tx.new_id("ba"),
        "object": "bank_account",
        "account": doc["id"],
        "account_holder_name": None,
        "account_holder_type": "individual",
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": doc["country"],
        "currency": doc.get("_currency", "usd"),
        "default_for_currency": True,
        "fingerprint": None,
        "last4": "6789",
        "metadata": {},
        "routing_number": "110000000",
        "status": "new",
    }


def iso(at: float) -> str:
    """A moment as v2 writes it."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _seen(doc: Json) -> tuple[object, ...]:
    return doc["status"], doc["transfers"], doc["payouts_enabled"], doc["_submitted"], due(doc), doc["_requested"]
