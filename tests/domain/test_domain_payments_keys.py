"""Under which key a step of money is asked, and what follows from what came of it (R157)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.payments.keys import Next, after, op_key
from domain.payments.outcomes import Answered, Doubt, Outcome, Refusal, Unknown

TENANT, SUBJECT = UUID(int=1), UUID(int=2)
YOUNG, OLD = timedelta(hours=19, minutes=59), timedelta(hours=20)


def test_the_key_of_an_attempt_is_the_same_everywhere_and_another_for_anything_else() -> None:
    key = op_key("live", TENANT, "CAPTURE", SUBJECT, 1)
    assert key == f"live:{TENANT}:CAPTURE:{SUBJECT}:1"
    others = {
        op_key("test", TENANT, "CAPTURE", SUBJECT, 1),
        op_key("live", SUBJECT, "CAPTURE", SUBJECT, 1),
        op_key("live", TENANT, "RELEASE", SUBJECT, 1),
        op_key("live", TENANT, "CAPTURE", TENANT, 1),
        op_key("live", TENANT, "CAPTURE", SUBJECT, 2),
    }
    assert len(others | {key}) == 6


@pytest.mark.parametrize(
    ("environment", "kind", "attempt"),
    [
        ("", "CAPTURE", 1),
        ("a:b", "CAPTURE", 1),
        ("live", "CAP TURE", 1),
        ("live", "ÄNDERN", 1),
        ("live", "CAPTURE", 0),
        ("live", "CAPTURE", True),
        ("e" * 200, "CAPTURE", 1),
    ],
)
def test_a_key_whose_parts_could_run_into_each_other_is_refused(environment: str, kind: str, attempt: Any) -> None:
    with pytest.raises(ValueError):
        op_key(environment, TENANT, kind, SUBJECT, attempt)


@pytest.mark.parametrize(
    ("outcome", "age", "following"),
    [
        (Answered({"id": "pi_1"}), YOUNG, Next.RECORD),
        (Answered({"id": "pi_1"}), OLD, Next.RECORD),
        (Refusal("card_declined", http_status=402), YOUNG, Next.NEW_ATTEMPT),
        (Refusal("balance_insufficient"), OLD, Next.NEW_ATTEMPT),
        (Refusal(None, type="idempotency_error"), YOUNG, Next.LOOK_UP),
        (Refusal("payment_intent_unexpected_state"), YOUNG, Next.LOOK_UP),
        *((Unknown(doubt), YOUNG, Next.SAME_KEY) for doubt in Doubt),
        *((Unknown(doubt), OLD, Next.LOOK_UP) for doubt in Doubt),
        (Unknown(Doubt.SERVER_ERROR, is_replayed=True), timedelta(0), Next.LOOK_UP),
        (None, timedelta(0), Next.SAME_KEY),
        (None, OLD, Next.LOOK_UP),
    ],
)
def test_unknown_is_the_same_key_refused_a_new_one_and_too_old_is_looked_up(
    outcome: Outcome | None, age: timedelta, following: Next
) -> None:
    assert after(outcome, age) is following
