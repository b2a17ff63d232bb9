"""What a refusal means, and when a declined card is asked again (R170, R172, A36)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.outcomes import (
    Answered,
    Fault,
    Ladder,
    Refusal,
    Stop,
    StopReason,
    fault_of,
    next_attempt,
    stop_of,
    words_for_customer,
)

DENVER = Ladder("America/Denver")
SOFT = Refusal("card_declined", "insufficient_funds", http_status=402)


@pytest.mark.parametrize(
    ("refusal", "fault"),
    [
        (SOFT, Fault.DECLINED),
        (Refusal("card_declined", "generic_decline", http_status=402), Fault.DECLINED),
        (Refusal("authentication_required", http_status=402), Fault.DECLINED),
        (Refusal("never_heard_of", http_status=402), Fault.DECLINED),
        (Refusal("expired_card", http_status=400), Fault.DECLINED),
        (Refusal("resource_missing", param="payment_method"), Fault.DECLINED),
        (Refusal("insufficient_capabilities_for_transfer"), Fault.HELD),
        (Refusal("account_invalid", http_status=403), Fault.HELD),
        (Refusal("account_closed"), Fault.HELD),
        (Refusal("transfers_not_allowed"), Fault.HELD),
        (Refusal("resource_missing", param="destination"), Fault.HELD),
        (Refusal("balance_insufficient"), Fault.RETRY),
        (Refusal("never_done"), Fault.RETRY),
        (Refusal(None, http_status=424), Fault.RETRY),
        (Refusal("payment_intent_unexpected_state"), Fault.STATE),
        (Refusal("charge_already_captured"), Fault.STATE),
        (Refusal("charge_expired_for_capture"), Fault.STATE),
        (Refusal("capture_charge_authorization_expired", http_status=402), Fault.STATE),
        (Refusal("charge_disputed"), Fault.STATE),
        (Refusal(None, http_status=401), Fault.OURS),
        (Refusal("api_key_expired", http_status=401), Fault.OURS),
        (Refusal(None, http_status=403), Fault.OURS),
        (Refusal(None, type="idempotency_error"), Fault.OURS),
        (Refusal("account_invalid", type="idempotency_error"), Fault.OURS),
        (Refusal("parameter_unknown", param="amuont"), Fault.OURS),
        (Refusal("parameter_invalid_integer", param="amount"), Fault.OURS),
        (Refusal("resource_missing", param="customer"), Fault.OURS),
        (Refusal("resource_missing", http_status=404), Fault.OURS),
        (Refusal(None), Fault.OURS),
    ],
)
def test_each_refusal_is_the_cards_the_accounts_the_moments_the_states_or_ours(refusal: Refusal, fault: Fault) -> None:
    """R170, R172: nobody is held for a mistake of ours, and a balance that is too low is nobody's fault."""
    assert fault_of(refusal) is fault


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Refusal("card_declined", "lost_card"), StopReason.CARD_UNUSABLE),
        (Refusal("card_declined", "stolen_card"), StopReason.CARD_UNUSABLE),
        (Refusal("card_declined", "pickup_card"), StopReason.CARD_UNUSABLE),
        (Refusal("card_declined", "fraudulent", "try_again_later"), StopReason.CARD_UNUSABLE),
        (Refusal("card_declined", "revocation_of_authorization"), StopReason.CARD_UNUSABLE),
        (Refusal("card_declined", "insufficient_funds", "do_not_try_again"), StopReason.CARD_UNUSABLE),
        (Refusal("resource_missing", param="payment_method"), StopReason.CARD_UNUSABLE),
        (Refusal("expired_card"), StopReason.CARD_DATA),
        (Refusal("card_declined", "generic_decline", "confirm_card_data"), StopReason.CARD_DATA),
        (Refusal("incorrect_cvc"), StopReason.CARD_DATA),
        (Refusal("authentication_required"), StopReason.AUTHENTICATION),
        (Refusal("card_declined", "authentication_required", "do_not_try_again"), StopReason.AUTHENTICATION),
        (SOFT, None),
        (Refusal("card_declined", "try_again_later"), None),
        (Refusal("processing_error", "processing_error"), None),
        (Refusal("card_declined", "do_not_honor"), None),
        (Refusal(None, http_status=402), None),
    ],
)
def test_a_card_is_not_asked_again_where_bank_or_network_says_no(refusal: Refusal, reason: StopReason | None) -> None:
    assert stop_of(refusal) is reason


def test_a_declined_card_is_asked_at_the_ladders_times_on_the_markets_clock() -> None:
    """A36: 20:00, 01:00 and 08:00 in Denver, which is UTC-7 in November."""
    starts = datetime(2026, 11, 21, 18, tzinfo=UTC)
    at = datetime(2026, 11, 21, 3, 0, 4, tzinfo=UTC)
    seen = []
    for declines in (1, 2, 3):
        following = next_attempt(declines, SOFT, starts, at, DENVER)
        seen.append(following)
        if isinstance(following, Stop):
            break
        at = following + timedelta(seconds=4)
    assert seen == [
        datetime(2026, 11, 21, 8, tzinfo=UTC),
        datetime(2026, 11, 21, 15, tzinfo=UTC),
        Stop(StopReason.TOO_LATE),
    ]


def test_after_four_declines_it_is_over_whatever_time_is_left() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    starts = now + timedelta(days=9)
    assert isinstance(next_attempt(3, SOFT, starts, now, DENVER), datetime)
    assert next_attempt(4, SOFT, starts, now, DENVER) == Stop(StopReason.ATTEMPTS_USED)
    assert next_attempt(1, Refusal("card_declined", "lost_card"), starts, now, DENVER) == Stop(StopReason.CARD_UNUSABLE)


def test_a_rung_that_comes_at_once_after_a_decline_is_left_out() -> None:
    now = datetime(2026, 11, 21, 2, 59, 50, tzinfo=UTC)
    following = next_attempt(1, SOFT, now + timedelta(days=2), now, DENVER)
    assert following == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_a_rung_that_the_clocks_jump_over_comes_when_they_have_jumped() -> None:
    """A25: on 14 March 2027 there is no 2:30 in Denver."""
    ladder = Ladder("America/Denver", times=(datetime(2027, 3, 14, 2, 30).time(),))  # noqa: DTZ001
    now = datetime(2027, 3, 14, 5, tzinfo=UTC)
    assert next_attempt(1, SOFT, now + timedelta(days=1), now, ladder) == datetime(2027, 3, 14, 9, tzinfo=UTC)


@given(
    st.integers(1, 6),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.sampled_from(["America/Denver", "Pacific/Auckland", "Pacific/Honolulu", "UTC"]),
)
def test_every_further_attempt_is_far_enough_from_now_before_the_clean_and_within_a_day(
    declines: int, now: datetime, left: timedelta, zone: str
) -> None:
    following = next_attempt(declines, SOFT, now + left, now, Ladder(zone))
    if isinstance(following, Stop):
        assert declines >= 4 or left <= timedelta(hours=14)
    else:
        assert now + timedelta(hours=1) <= following < now + left
        assert following - now <= timedelta(hours=14)


def test_a_customer_is_told_what_they_can_help_and_nothing_of_theft_or_fraud() -> None:
    assert words_for_customer(SOFT) == "The card has not enough money on it."
    assert words_for_customer(Refusal("expired_card", "expired_card")) == "The card has expired."
    generic = words_for_customer(Refusal("card_declined", "stolen_card", message="This card was stolen."))
    assert generic == words_for_customer(Refusal(None)) == "Your bank has declined the card."


def test_an_answer_names_its_object() -> None:
    assert Answered({"id": "pi_1"}).id == "pi_1"
