"""Settings: the rules' numbers as defaults, and bad settings refused by name."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import Invalid
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
    ],
)
def test_a_bad_setting_is_refused_with_the_path_to_it_r19(value, field):
    with pytest.raises(Invalid) as refusal:
        TenantPolicy.from_json(value)

    assert refusal.value.field == field
