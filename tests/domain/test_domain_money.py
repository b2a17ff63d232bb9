"""Cents: rounded half-up in one place, split without losing one, refused where they are none (R261, A9, A43)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.money import CURRENCIES, MOST_CENTS, ensure_cents, ensure_currency, half_up, percent, share, written

AMOUNTS = st.integers(0, MOST_CENTS)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(0, 7, 0), (1, 2, 1), (-1, 2, -1), (149, 100, 1), (150, 100, 2), (5, 3, 2)],
)
def test_halves_go_away_from_zero_r261(numerator, denominator, rounded):
    assert half_up(numerator, denominator) == rounded


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_rounding_is_decimals_half_up_and_the_negative_is_its_mirror_r261(numerator, denominator):
    exact = Decimal(numerator) / Decimal(denominator)
    if Fraction(exact) == Fraction(numerator, denominator):
        assert half_up(numerator, denominator) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert half_up(-numerator, denominator) == -half_up(numerator, denominator)
    assert abs(Fraction(numerator, denominator) - half_up(numerator, denominator)) <= Fraction(1, 2)


@pytest.mark.parametrize("denominator", [0, -1])
def test_nothing_is_divided_by_nothing(denominator):
    with pytest.raises(ValueError, match="denominator"):
        half_up(1, denominator)


@pytest.mark.parametrize(
    ("cents", "hundredths", "part"), [(19_500, 200, 390), (1, 200, 0), (25, 200, 1), (999, 825, 82)]
)
def test_a_part_of_an_amount_is_whole_cents_r261(cents, hundredths, part):
    assert percent(cents, hundredths) == part


@pytest.mark.parametrize(
    ("cents", "weights", "parts"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        (1, [1, 1, 1], (1, 0, 0)),
        (1000, [350, 350, 200], (389, 389, 222)),
        (5, [0, 1], (0, 5)),
        (0, [1, 2], (0, 0)),
    ],
)
def test_an_amount_is_split_by_largest_remainder(cents, weights, parts):
    assert share(cents, weights) == parts


@given(AMOUNTS, st.lists(st.integers(0, 10_000), min_size=1, max_size=20).filter(any))
def test_parts_sum_to_the_amount_and_none_is_off_by_a_whole_cent_r261(cents, weights):
    parts = share(cents, weights)

    assert sum(parts) == cents
    assert all(
        abs(part - Fraction(cents * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if not weight)


@pytest.mark.parametrize(("cents", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_what_cannot_be_split_is_a_bug_of_the_caller(cents, weights):
    with pytest.raises(ValueError, match="shared"):
        share(cents, weights)


@pytest.mark.parametrize("value", [True, 19.5, 19_500.0, Decimal(100), "100", None, -1, MOST_CENTS + 1, float("nan")])
def test_what_is_no_whole_amount_of_cents_is_refused_by_name_a9(value):
    with pytest.raises(Invalid) as refusal:
        ensure_cents(value, "totalCents")

    assert refusal.value.field == ("totalCents",)


def test_an_amount_within_its_bounds_passes_a9():
    assert (ensure_cents(0, "tip"), ensure_cents(MOST_CENTS, ("a", "b"))) == (0, MOST_CENTS)
    with pytest.raises(Invalid) as refusal:
        ensure_cents(49, ("lines", "0"), least=50)
    assert refusal.value.field == ("lines", "0")


@pytest.mark.parametrize("code", ["USD", "us", "xxx", "", None, 840, "jpy", "kwd"])
def test_unknown_currencies_and_those_without_cents_are_refused_a43(code):
    with pytest.raises(Invalid) as refusal:
        ensure_currency(code)

    assert refusal.value.field == ("currency",)


def test_every_currency_of_two_digits_is_taken_a43():
    assert all(ensure_currency(code) == code for code, digits in CURRENCIES.items() if digits == 2)


@pytest.mark.parametrize(
    ("cents", "words"),
    [(0, "0.00"), (5, "0.05"), (19_500, "195.00"), (-1_050, "-10.50"), (123_456_789, "1,234,567.89")],
)
def test_amounts_are_written_for_people(cents, words):
    assert written(cents) == words
