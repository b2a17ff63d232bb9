"""Settings: the rules' numbers as defaults, and bad settings refused by name."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Invalid
from domain.payments.payouts import Participation, PayoutsMode
from domain.policy import TenantPolicy, to_json


def test_the_defaults_are_the_numbers_of_the_rules_r259():
    policy = TenantPolicy.from_json({})

    assert policy == TenantPolicy()
    assert (policy.swaps.rest_hours, policy.swaps.week_hours) == (Decimal(10), Decimal(40))  # A27b
    assert (policy.swaps.travel_kmh, policy.swaps.travel_overhead_minutes) == (30, 10)  # A27b
    assert policy.swaps.cleaner_lead == timedelta(hours=2)  # A27
    assert policy.scheduling.urgent_within == timedelta(hours=24)  # A22
    assert (policy.pay.rate_cents, policy.pay.urgent_bonus_cents, policy.pay.laundry_load_cents) == (1700, 1000, 500)
    assert (policy.sign_in.failures_to_lock, policy.sign_in.lock_minutes) == (5, 15)  # A7
    assert (policy.sign_in.first_pin_hours, policy.sign_in.refresh_grace_seconds) == (24, 30)  # A8, A6
    assert not policy.swaps.availability_required


def test_the_defaults_of_money_are_the_numbers_of_the_rules_r259():
    booking, payments = TenantPolicy.from_json({}).booking, TenantPolicy.from_json({}).payments

    assert (booking.quote_life, booking.offer_life) == (timedelta(hours=1), timedelta(days=14))  # A33, A31
    assert (booking.draft_life, booking.notice) == (timedelta(days=30), timedelta(hours=2))  # R41
    assert (payments.hold_hours, payments.hold_lead) == ((20, 1), timedelta(hours=36))  # A1
    assert (payments.alarm_hours, payments.decide_hours) == (24, 12)  # A2
    assert payments.retry_hours == (20, 1, 8)  # A36: by the market's clock
    assert (payments.reserve_hundredths, payments.tip_reserve) == (200, False)  # R151, A34
    assert (payments.minimum_payout_cents, payments.payout_delay) == (100, timedelta(0))  # R167, A3
    assert (payments.payouts_mode, payments.participation) == (PayoutsMode.PAYROLL, Participation.PARTICIPATED)
    assert (payments.business_hours_only, payments.refund_approval_cents) == (False, 20_000)  # A3
    cancellation = payments.cancellation
    assert (cancellation.free_hours, cancellation.late_fee_percent, cancellation.no_access_fee_percent) == (24, 0, 0)


def test_settings_of_money_written_out_read_back_the_same():
    payments = {"holdHours": [19], "payoutsMode": "TRANSFERS", "cancellation": {"lateFeePercent": 50}}
    tenant = TenantPolicy.from_json({"payments": payments, "booking": {"quoteMinutes": 5}})

    kept = json.loads(json.dumps(to_json(tenant)))

    assert TenantPolicy.from_json(kept) == tenant
    assert (kept["payments"]["holdHours"], kept["payments"]["payoutsMode"]) == ([19], "TRANSFERS")
    assert kept["payments"]["cancellation"]["freeHours"] == 24


def test_settings_may_name_only_what_differs():
    policy = TenantPolicy.from_json(
        {"swaps": {"restHours": "11.5", "availabilityRequired": True}, "pay": {"currency": "cad"}}
    )

    assert policy.swaps.rest_hours == Decimal("11.5")
    assert policy.swaps.availability_required is True
    assert policy.pay.currency == "cad"  # A43
    assert policy.swaps.week_hours == 40


def test_settings_written_out_read_back_the_same():
    tenant = TenantPolicy.from_json({"pay": {"tierRateCents": {"premium": 2200}}, "swaps": {"weekHours": 37.5}})

    assert TenantPolicy.from_json(to_json(tenant)) == tenant
    assert to_json(tenant)["pay"]["tierRateCents"] == {"premium": 2200}


def test_a_tier_has_its_own_rate_or_the_standard_one_a49():
    pay = TenantPolicy.from_json({"pay": {"tierRateCents": {"premium": 2200}}}).pay

    assert (pay.rate_of("premium"), pay.rate_of("standard"), pay.rate_of("unheard")) == (2200, 1700, 1700)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], ()),
        ({"swop": {}}, ("swop",)),
        ({"swaps": 3}, ("swaps",)),
        ({"swaps": {"rest_hours": 3}}, ("swaps", "rest_hours")),
        ({"swaps": {"restHours": "ten"}}, ("swaps", "restHours")),
        ({"swaps": {"restHours": "NaN"}}, ("swaps", "restHours")),
        ({"swaps": {"restHours": -1}}, ("swaps", "restHours")),
        ({"swaps": {"weekHours": True}}, ("swaps", "weekHours")),
        ({"swaps": {"travelKmh": 0}}, ("swaps", "travelKmh")),
        ({"swaps": {"travelKmh": 30.5}}, ("swaps", "travelKmh")),
        ({"swaps": {"travelKmh": True}}, ("swaps", "travelKmh")),
        ({"swaps": {"availabilityRequired": "yes"}}, ("swaps", "availabilityRequired")),
        ({"swaps": {"approvalRequired": "yes"}}, ("swaps", "approvalRequired")),
        ({"swaps": {"returnMinutes": -1}}, ("swaps", "returnMinutes")),
        ({"swaps": {"drawMinutes": 61}}, ("swaps", "drawMinutes")),
        ({"pay": {"currency": "USD"}}, ("pay", "currency")),
        ({"pay": {"currency": 5}}, ("pay", "currency")),
        ({"pay": {"tierRateCents": {"premium": "22"}}}, ("pay", "tierRateCents", "premium")),
        ({"pay": {"tierRateCents": [1]}}, ("pay", "tierRateCents")),
        ({"signIn": {"failuresToLock": 0}}, ("signIn", "failuresToLock")),
        ({"pay": {"currency": "jpy"}}, ("pay", "currency")),
        ({"booking": {"quoteMinutes": 0}}, ("booking", "quoteMinutes")),
        ({"payments": {"holdHours": [20, 24]}}, ("payments", "holdHours", "1")),
        ({"payments": {"holdHours": 20}}, ("payments", "holdHours")),
        ({"payments": {"retryHours": [1, 1, 1, 1, 1, 1, 1]}}, ("payments", "retryHours")),
        ({"payments": {"reserveHundredths": 10_001}}, ("payments", "reserveHundredths")),
        ({"payments": {"minimumPayoutCents": 0.99}}, ("payments", "minimumPayoutCents")),
        ({"payments": {"payoutsMode": "CASH"}}, ("payments", "payoutsMode")),
        ({"payments": {"participation": None}}, ("payments", "participation")),
        ({"payments": {"cancellation": {"lateFeePercent": 101}}}, ("payments", "cancellation", "lateFeePercent")),
        ({"payments": {"cancellation": {"fee": 1}}}, ("payments", "cancellation", "fee")),
        ({"payments": {"decideHours": 25}}, ("payments", "decideHours")),
    ],
)
def test_a_bad_setting_is_refused_with_the_path_to_it_r19(value, field):
    with pytest.raises(Invalid) as refusal:
        TenantPolicy.from_json(value)

    assert refusal.value.field == field
