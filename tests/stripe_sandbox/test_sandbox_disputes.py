"""Disputes in the sandbox: money and fee leave, evidence goes once, the bank decides."""

from collections.abc import Iterator

import pytest
import stripe

from sandbox.stripe.errors import StripeError
from tests.stripe_sandbox.desk import DAY, Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    assert desk.violations == []


def balance(desk: Desk) -> int:
    shown = desk.get("/v1/balance")
    return sum(part["amount"] for name in ("available", "pending") for part in shown[name])


def test_the_test_card_is_disputed_at_once_and_amount_and_fee_leave_the_balance(desk: Desk) -> None:
    charge = desk.charge(20_000, "pm_card_createDispute")
    desk.sandbox.tick()

    [dispute] = desk.get("/v1/disputes", charge=charge)["data"]

    assert (dispute["status"], dispute["amount"], dispute["reason"]) == ("needs_response", 20_000, "fraudulent")
    [moved] = dispute["balance_transactions"]
    assert (moved["amount"], moved["fee"], moved["net"], moved["type"]) == (-20_000, 1500, -21_500, "adjustment")
    assert moved["reporting_category"] == "dispute"
    assert balance(desk) == 20_000 - 610 - 21_500
    assert desk.get(f"/v1/charges/{charge}")["disputed"]
    assert desk.told(dispute["id"]) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert dispute["evidence_details"]["due_by"] > desk.now + 9 * DAY - 1


def test_a_disputed_charge_refuses_refunds(desk: Desk) -> None:
    charge = desk.charge()
    desk.control(f"charges/{charge}/dispute")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.post("/v1/refunds", charge=charge)

    assert refused.value.code == "charge_disputed"
    assert desk.get("/v1/refunds", charge=charge)["data"] == []


def test_evidence_is_staged_then_submitted_once(desk: Desk) -> None:
    dispute = desk.control(f"charges/{desk.charge()}/dispute", reason="product_not_received")["id"]

    staged = desk.post(f"/v1/disputes/{dispute}", evidence={"service_date": "2026-12-20"}, submit=False)
    sent = desk.post(f"/v1/disputes/{dispute}", evidence={"uncategorized_text": "Photos and checklist."})
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/disputes/{dispute}", evidence={"uncategorized_text": "More."}, submit=True)

    assert (staged["status"], staged["evidence_details"]["submission_count"]) == ("needs_response", 0)
    assert (sent["status"], sent["evidence_details"]["submission_count"]) == ("under_review", 1)
    assert sent["evidence"]["service_date"] == "2026-12-20"
    assert desk.get(f"/v1/disputes/{dispute}")["evidence"]["uncategorized_text"] == "Photos and checklist."


def test_a_won_dispute_reinstates_the_amount_but_not_the_fee(desk: Desk) -> None:
    dispute = desk.control(f"charges/{desk.charge()}/dispute")["id"]
    before = balance(desk)

    won = desk.control(f"disputes/{dispute}", outcome="won")

    assert won["status"] == "won"
    assert balance(desk) == before + 20_000
    assert desk.told(dispute)[-2:] == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert len(desk.get(f"/v1/disputes/{dispute}")["balance_transactions"]) == 2
    with pytest.raises(StripeError):
        desk.control(f"disputes/{dispute}", outcome="lost")
    assert balance(desk) == before + 20_000


def test_a_lost_dispute_only_closes(desk: Desk) -> None:
    dispute = desk.control(f"charges/{desk.charge()}/dispute", amount=5_000)["id"]
    before = balance(desk)

    closed = desk.post(f"/v1/disputes/{dispute}/close")

    assert closed["status"] == "lost"
    assert balance(desk) == before
    assert desk.told(dispute)[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError):
        desk.post(f"/v1/disputes/{dispute}/close")


def test_without_an_answer_by_the_due_date_it_is_lost(desk: Desk) -> None:
    dispute = desk.control(f"charges/{desk.charge()}/dispute")["id"]

    desk.sandbox.advance(11 * DAY)

    shown = desk.get(f"/v1/disputes/{dispute}")
    assert (shown["status"], shown["evidence_details"]["past_due"]) == ("lost", True)


def test_the_test_evidence_decides_by_itself(desk: Desk) -> None:
    dispute = desk.control(f"charges/{desk.charge()}/dispute")["id"]

    desk.post(f"/v1/disputes/{dispute}", evidence={"uncategorized_text": "winning_evidence"})
    desk.sandbox.tick()

    assert desk.get(f"/v1/disputes/{dispute}")["status"] == "won"


def test_an_inquiry_takes_no_money_and_allows_a_refund(desk: Desk) -> None:
    charge = desk.charge()
    before = balance(desk)

    inquiry = desk.control(f"charges/{charge}/dispute", inquiry=True)
    refund = desk.post("/v1/refunds", charge=charge, amount=5_000)

    assert (inquiry["status"], inquiry["is_charge_refundable"]) == ("warning_needs_response", True)
    assert inquiry["balance_transactions"] == []
    assert refund["status"] == "succeeded"
    assert balance(desk) == before - 5_000
    assert desk.told(inquiry["id"]) == ["charge.dispute.created"]


def test_an_inquiry_may_become_a_chargeback_or_close_by_itself(desk: Desk) -> None:
    first = desk.control(f"charges/{desk.charge()}/dispute", inquiry=True)["id"]
    second = desk.control(f"charges/{desk.charge()}/dispute", inquiry=True)["id"]

    escalated = desk.control(f"disputes/{first}", outcome="escalate")
    desk.sandbox.advance(121 * DAY)

    assert escalated["status"] == "needs_response"
    assert escalated["balance_transactions"][0]["net"] == -21_500
    assert desk.told(first)[1:3] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert desk.get(f"/v1/disputes/{second}")["status"] == "warning_closed"
    assert desk.get(f"/v1/disputes/{first}")["status"] == "lost"


def test_an_early_fraud_warning_is_only_told(desk: Desk) -> None:
    charge = desk.charge()

    warning = desk.control(f"charges/{charge}/fraud_warning")

    assert desk.told(warning["id"]) == ["radar.early_fraud_warning.created"]
    assert desk.get("/v1/disputes")["data"] == []
