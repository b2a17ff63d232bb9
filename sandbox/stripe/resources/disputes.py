"""Disputes: opened by a test card or by the control API, answered once with evidence, won or lost."""

from typing import Any

from sandbox.stripe import Json, ledger
from sandbox.stripe.clock import DAY
from sandbox.stripe.errors import StripeError, invalid, refused
from sandbox.stripe.present import merged_metadata, page, shown
from sandbox.stripe.routes import Ask, control, route, timer
from sandbox.stripe.store import Tx

FEE = 1500
"""Cents that a dispute costs, won or lost."""
DAYS_TO_ANSWER = 9
DAYS_OF_INQUIRY = 120
_LONGEST_EVIDENCE = 150_000
OPEN = {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
_EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure"),
    *("cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name"),
    *("customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation"),
    *("duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier"),
    *("shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file"),
    "uncategorized_text",
)


@route("GET", "/v1/disputes", "DisputeListParams")
def list_disputes(tx: Tx, ask: Ask) -> Json:
    """Newest first; by charge or payment intent."""
    found = tx.where("disputes", charge=ask.get("charge"), payment_intent=ask.get("payment_intent"))
    return page(tx, ask, found)


@route("GET", "/v1/disputes/{dispute}", "DisputeRetrieveParams")
def retrieve_dispute(tx: Tx, ask: Ask) -> Json:
    """One dispute."""
    return shown(tx, tx.get("disputes", ask.args["dispute"], "dispute"))


@route("POST", "/v1/disputes/{dispute}", "DisputeUpdateParams")
def update_dispute(tx: Tx, ask: Ask) -> Json:
    """Stage evidence, or (unless `submit` is false) send it to the bank: that can be done once."""
    dispute = tx.get("disputes", ask.args["dispute"], "dispute")
    dispute = tx.change(
        "disputes", dispute["id"], metadata=merged_metadata(dispute["metadata"], ask.params.get("metadata"))
    )
    given = ask.get("evidence", {})
    submits = ask.get("submit", bool(given))
    if given or submits:
        dispute = _with_evidence(tx, dispute, given, submits=submits)
    tx.emit("charge.dispute.updated", dispute)
    return shown(tx, dispute)


@route("POST", "/v1/disputes/{dispute}/close", "DisputeCloseParams")
def close_dispute(tx: Tx, ask: Ask) -> Json:
    """Give in: the dispute is lost."""
    dispute = tx.get("disputes", ask.args["dispute"], "dispute")
    if dispute["status"] not in OPEN:
        raise refused(f"This dispute is already closed ({dispute['status']}).")
    return shown(tx, conclude(tx, dispute["id"], "lost"))


@timer("open_dispute")
def open_for_test_card(tx: Tx, subject: str) -> None:
    """pm_card_createDispute: the charge is disputed as soon as it was made."""
    charge = tx.find("charges", subject)
    if charge and not charge["disputed"] and charge.get("amount_captured"):
        open_dispute(tx, charge)


@timer("dispute_due")
def due_date_passes(tx: Tx, subject: str) -> None:
    """No answer in time: a chargeback is lost; an inquiry only cannot be answered any more."""
    dispute = tx.get("disputes", subject)
    if dispute["status"] not in {"needs_response", "warning_needs_response"}:
        return
    if tx.now < dispute["evidence_details"]["due_by"]:
        return
    tx.change("disputes", subject, evidence_details={**dispute["evidence_details"], "past_due": True})
    if dispute["status"] == "needs_response":
        conclude(tx, subject, "lost")


@timer("inquiry_ends")
def inquiry_ends(tx: Tx, subject: str) -> None:
    """An inquiry that never became a chargeback closes by itself."""
    if tx.get("disputes", subject)["status"].startswith("warning_"):
        conclude(tx, subject, "warning_closed")


@timer("bank_decides")
def bank_decides(tx: Tx, subject: str) -> None:
    """The test texts winning_evidence and losing_evidence decide the dispute."""
    dispute = tx.get("disputes", subject)
    verdicts = {"winning_evidence": "won", "losing_evidence": "lost"}
    verdict = verdicts.get((dispute["evidence"]["uncategorized_text"] or "").strip())
    if verdict and dispute["status"] == "under_review":
        conclude(tx, subject, verdict)


def open_dispute(
    tx: Tx, charge: Json, *, amount: int | None = None, reason: str = "fraudulent", inquiry: bool = False
) -> Json:
    """Open a dispute (or, as `inquiry`, a question that takes no money yet) about a captured charge."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    wanted = left if amount is None else amount
    if charge["disputed"] or not 0 < wanted <= left:
        raise refused("This charge cannot be disputed for that amount.")
    due_by = (tx.now // DAY + DAYS_TO_ANSWER + 1) * DAY - 1
    card = charge["payment_method_details"]["card"]
    dispute = tx.put(
        "disputes",
        {
            "id": tx.new_id("dp"),
            "object": "dispute",
            "amount": wanted,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": tx.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
            "evidence_details": {
                "due_by": due_by,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": inquiry,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": card["brand"],
                    "case_type": "inquiry" if inquiry else "chargeback",
                    "network_reason_code": "10.4" if reason == "fraudulent" else "13.1",
                },
            },
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        },
    )
    tx.change("charges", charge["id"], disputed=True, dispute=dispute["id"])
    tx.emit("charge.dispute.created", dispute)
    if inquiry:
        tx.at_time(tx.now + DAYS_OF_INQUIRY * DAY, "inquiry_ends", dispute["id"])
    else:
        dispute = _withdraw(tx, dispute)
    tx.at_time(due_by, "dispute_due", dispute["id"])
    return dispute


def escalate(tx: Tx, id: str) -> Json:
    """An inquiry becomes a chargeback: now the money leaves, and an answer is due anew."""
    dispute = tx.get("disputes", id)
    if not dispute["status"].startswith("warning_") or dispute["status"] == "warning_closed":
        raise refused("Only an open inquiry can become a chargeback.")
    due_by = (tx.now // DAY + DAYS_TO_ANSWER + 1) * DAY - 1
    card = {**dispute["payment_method_details"]["card"], "case_type": "chargeback"}
    fresh = {"due_by": due_by, "past_due": False, "has_evidence": False, "submission_count": 0}
    dispute = tx.change(
        "disputes",
        id,
        status="needs_response",
        is_charge_refundable=False,
        payment_method_details={"type": "card", "card": card},
        evidence_details={**dispute["evidence_details"], **fresh},
    )
    tx.emit("charge.dispute.updated", dispute)
    tx.at_time(due_by, "dispute_due", id)
    return _withdraw(tx, dispute)


def conclude(tx: Tx, id: str, verdict: str) -> Json:
    """Close as won, lost, warning_closed or prevented; a won chargeback's money (never its fee) comes back."""
    dispute = tx.get("disputes", id)
    inquiry = dispute["status"].startswith("warning_")
    if dispute["status"] not in OPEN:
        raise refused(f"This dispute is already closed ({dispute['status']}).")
    if inquiry and verdict in {"won", "lost"}:
        verdict = "warning_closed"
    dispute = tx.change("disputes", id, status=verdict, is_charge_refundable=verdict in {"won", "warning_closed"})
    tx.emit("charge.dispute.closed", dispute)
    if inquiry or verdict == "lost":
        return dispute
    moved = ledger.post(
        tx,
        type="adjustment",
        amount=dispute["amount"],
        source=id,
        category="dispute_reversal",
        description=f"Chargeback reversal for {dispute['charge']}",
    )
    dispute = tx.change("disputes", id, balance_transactions=[*dispute["balance_transactions"], moved])
    tx.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


@control("POST", "charges/{id}/dispute")
def control_open(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{amount?, reason?, inquiry?}`: somebody disputes a charge."""
    place = _place(sandbox, args["id"], "charges")
    with sandbox.tx(place, "control: dispute") as tx:
        charge = tx.get("charges", args["id"])
        return shown(
            tx,
            open_dispute(
                tx,
                charge,
                amount=body.get("amount"),
                reason=body.get("reason", "fraudulent"),
                inquiry=bool(body.get("inquiry", False)),
            ),
        )


@control("POST", "disputes/{id}")
def control_decide(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """`{outcome: won|lost|warning_closed|prevented|escalate}`: what the bank decides."""
    outcome = body.get("outcome")
    if outcome not in {"won", "lost", "warning_closed", "prevented", "escalate"}:
        raise invalid(f"No such outcome: {outcome}", param="outcome")
    with sandbox.tx(_place(sandbox, args["id"], "disputes"), f"control: dispute {outcome}") as tx:
        return shown(tx, escalate(tx, args["id"]) if outcome == "escalate" else conclude(tx, args["id"], outcome))


@control("POST", "charges/{id}/fraud_warning")
def control_warn(sandbox: Any, args: dict[str, str], body: Json) -> Json:
    """An early fraud warning about a charge: an event only."""
    with sandbox.tx(_place(sandbox, args["id"], "charges"), "control: fraud warning") as tx:
        charge = tx.get("charges", args["id"])
        warning = {
            "id": tx.new_id("issfr"),
            "object": "radar.early_fraud_warning",
            "actionable": not charge["refunded"] and not charge["disputed"],
            "charge": charge["id"],
            "created": tx.now,
            "fraud_type": body.get("fraud_type", "unauthorized_use_of_card"),
            "livemode": False,
            "payment_intent": charge["payment_intent"],
        }
        tx.emit("radar.early_fraud_warning.created", warning)
        return warning


def _withdraw(tx: Tx, dispute: Json) -> Json:
    moved = ledger.post(
        tx,
        type="adjustment",
        amount=-dispute["amount"],
        fee=FEE,
        source=dispute["id"],
        category="dispute",
        description=f"Chargeback withdrawal for {dispute['charge']}",
    )
    dispute = tx.change("disputes", dispute["id"], balance_transactions=[*dispute["balance_transactions"], moved])
    tx.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _with_evidence(tx: Tx, dispute: Json, given: Json, *, submits: bool) -> Json:
    details = dispute["evidence_details"]
    if dispute["status"] not in OPEN or details["submission_count"] or details["past_due"]:
        raise refused("This dispute can no longer be updated: its evidence was submitted, or it is closed.")
    changed = {name: value or None for name, value in given.items() if name != "enhanced_evidence"}
    evidence = {**dispute["evidence"], **{name: value for name, value in changed.items() if name in _EVIDENCE}}
    if sum(len(value) for value in evidence.values() if isinstance(value, str)) > _LONGEST_EVIDENCE:
        raise invalid("Evidence is limited to 150,000 characters in all.", param="evidence")
    details = {**details, "has_evidence": any(evidence[name] for name in _EVIDENCE)}
    if not submits:
        return tx.change("disputes", dispute["id"], evidence=evidence, evidence_details=details)
    tx.at_time(tx.now, "bank_decides", dispute["id"])
    inquiry = dispute["status"].startswith("warning_")
    return tx.change(
        "disputes",
        dispute["id"],
        evidence=evidence,
        evidence_details={**details, "submission_count": 1},
        status="warning_under_review" if inquiry else "under_review",
    )


def _place(sandbox: Any, id: str, collection: str) -> str:
    place = sandbox.store.whereabouts(id)
    if place is None or place[1] != collection:
        raise StripeError(404, f"No such object: '{id}'", "resource_missing")
    return str(place[0])
