"""What arrives at a webhook is the provider's, for this endpoint, and of now, or it is nothing (R157)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from gateways.webhook_check import Forged, Stale, read_event

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
EVENT = {"id": "evt_1", "object": "event", "type": "charge.captured", "data": {"object": {"name": "Zoë"}}}
THIN = {"id": "evt_2", "object": "v2.core.event", "type": "v2.core.account.closed", "related_object": {"id": "acct_1"}}
OURS, OLD = "whsec_new", "whsec_old"


def _signed(event: Any, secret: str = OURS, at: datetime = NOW) -> tuple[bytes, str]:
    body = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    header = stripe.WebhookSignature.generate_signature_header(body, secret, int(at.timestamp()))
    return body.encode(), header


@pytest.mark.parametrize("event", [EVENT, THIN])
@pytest.mark.parametrize("secret", [OURS, OLD])
def test_an_event_signed_with_any_of_the_endpoints_secrets_is_read(event: dict[str, Any], secret: str) -> None:
    assert read_event(*_signed(event, secret), [OURS, OLD], NOW) == event


def test_one_of_several_signatures_is_enough_while_a_secret_is_replaced() -> None:
    raw, first = _signed(EVENT, "whsec_gone")
    second = _signed(EVENT, OLD)[1].partition(",")[2]
    assert read_event(raw, f"{first},{second}", [OURS, OLD], NOW) == EVENT


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_a_time_within_five_minutes_is_now(seconds: int) -> None:
    assert read_event(*_signed(EVENT, at=NOW + timedelta(seconds=seconds)), [OURS], NOW) == EVENT


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
def test_what_was_signed_for_another_time_is_stale_in_past_and_future(seconds: int) -> None:
    """The library lets a time in the future pass."""
    with pytest.raises(Stale):
        read_event(*_signed(EVENT, at=NOW + timedelta(seconds=seconds)), [OURS], NOW)


def test_another_time_put_before_the_signed_one_is_forged() -> None:
    raw, header = _signed(EVENT, at=NOW - timedelta(days=1))
    with pytest.raises(Forged):
        read_event(raw, f"t={int(NOW.timestamp())},{header}", [OURS], NOW)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1",
        "v1=abc",
        "nonsense",
        f"t={int(NOW.timestamp())},v1=",
        f"t={int(NOW.timestamp())},v0=abc",
        f"t={int(NOW.timestamp())},v1=\u00e9\u00e9",
        f"t={'9' * 5_000},v1=abc",
        f"t={int(NOW.timestamp())}," + ",".join(["v1=00"] * 10_000),
    ],
)
def test_a_header_that_is_missing_broken_or_endless_is_forged(header: str | None) -> None:
    with pytest.raises(Forged):
        read_event(json.dumps(EVENT).encode(), header, [OURS], NOW)


def test_a_body_that_was_changed_a_foreign_secret_and_no_secret_at_all_are_forged() -> None:
    raw, header = _signed(EVENT)
    for body, secrets in ((raw + b" ", [OURS]), (raw, ["whsec_other"]), (raw, []), (raw, [""]), (b"\xff", [OURS])):
        with pytest.raises(Forged):
            read_event(body, header, secrets, NOW)


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "{", "[" * 100_000, {"object": "list"}, {**EVENT, "id": None}, {**EVENT, "type": 7}]
)
def test_what_is_signed_and_no_event_is_refused(body: Any) -> None:
    with pytest.raises(Forged):
        read_event(*_signed(body), [OURS], NOW)
