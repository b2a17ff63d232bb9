"""The price of a clean: the rules' vectors, the book as data, and a price that changed explains itself (R51 to R61)."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CustomQuoteNeeded, Invalid, PriceChanged
from domain.money import MOST_CENTS
from domain.plans import Term
from domain.pricing import (
    DEFAULT_BOOK,
    CustomReason,
    HomeFacts,
    LineCode,
    PriceBook,
    agreed_price,
    chargeable_cents,
    differences,
    ensure_price_seen,
    price_from_json,
    price_of,
    price_to_json,
)
from domain.scheduling import Drain, HotTubService, Laundry

EXAMPLE = HomeFacts(3, 2, 2_400, Laundry.IN_UNIT, 2, HotTubService.STANDARD, Drain.QUARTERLY)


@st.composite
def homes(draw):
    laundry = draw(st.sampled_from(Laundry))
    hot_tub = draw(st.sampled_from(HotTubService))
    return HomeFacts(
        bedrooms=draw(st.integers(1, 8)),
        bathrooms=draw(st.integers(1, 6)),
        square_feet=draw(st.integers(1, 10_000)),
        laundry=laundry,
        laundry_loads=0 if laundry is Laundry.NONE else draw(st.integers(1, 50)),
        hot_tub=hot_tub,
        drain=Drain.NONE if hot_tub is HotTubService.NONE else draw(st.sampled_from(Drain)),
    )


TERMS = st.sampled_from([None, Term.MONTHLY, Term.ANNUAL])
BOOKS = st.builds(
    PriceBook,
    base_cents=st.integers(0, 1_000_000),
    in_unit_load_cents=st.integers(0, 100_000),
    surcharge_step_cents=st.integers(0, 100_000),
    annual_discount_hundredths=st.integers(0, 10_000),
    custom_from_bedrooms=st.integers(1, 9),
)


def test_the_example_of_the_rules_is_195_dollars_r52_to_r58():
    """120.00 + 0 + 30.00 + 45.00 (R53, R54, R55, R57, R58, A30)."""
    price = price_of(EXAMPLE)

    parts = (price.base_cents, price.square_feet_surcharge_cents, price.laundry_cents, price.hot_tub_cents)
    assert parts == (12_000, 0, 3_000, 4_500)
    assert (price.total_cents, price.discount_cents, price.is_custom_quote) == (19_500, 0, False)
    assert [(line.code, line.quantity, line.unit_cents, line.amount_cents) for line in price.lines] == [
        (LineCode.BASE, 1, 4_500, 4_500),
        (LineCode.BEDROOMS, 3, 1_500, 4_500),
        (LineCode.BATHROOMS, 2, 1_500, 3_000),
        (LineCode.LAUNDRY, 2, 1_500, 3_000),
        (LineCode.HOT_TUB, 1, 3_000, 3_000),
        (LineCode.DRAIN, 1, 1_500, 1_500),
    ]


@pytest.mark.parametrize(
    ("square_feet", "surcharge"),
    [(2_400, 0), (3_000, 0), (3_001, 2_500), (3_500, 2_500), (3_501, 5_000), (8_000, 25_000)],
)
def test_only_an_area_above_3000_costs_more_r54(square_feet, surcharge):
    """A30: 25.00 for each 500 square feet that are begun."""
    assert price_of(HomeFacts(3, 2, square_feet)).square_feet_surcharge_cents == surcharge


@pytest.mark.parametrize(("laundry", "loads", "cents"), [("NONE", 0, 0), ("IN_UNIT", 2, 3_000), ("OFF_SITE", 2, 4_000)])
def test_laundry_costs_by_load_and_place_r55_r56(laundry, loads, cents):
    assert price_of(HomeFacts(1, 1, 800, Laundry(laundry), loads)).laundry_cents == cents


@pytest.mark.parametrize(
    ("service", "drain", "cents"),
    [
        ("NONE", "NONE", 0),
        ("BASIC", "NONE", 2_000),
        ("STANDARD", "QUARTERLY", 4_500),
        ("PREMIUM", "MONTHLY", 7_500),
    ],
)
def test_a_hot_tub_costs_by_service_and_drain_r57(service, drain, cents):
    """A30."""
    assert price_of(HomeFacts(1, 1, 800, hot_tub=HotTubService(service), drain=Drain(drain))).hot_tub_cents == cents


@pytest.mark.parametrize(
    ("home", "reasons"),
    [
        (HomeFacts(5, 4, 8_000), ()),
        (HomeFacts(6, 2, 2_400), (CustomReason.BEDROOMS,)),
        (HomeFacts(3, 5, 2_400), (CustomReason.BATHROOMS,)),
        (HomeFacts(3, 2, 8_001), (CustomReason.SQUARE_FEET,)),
        (HomeFacts(7, 6, 9_000), (CustomReason.BEDROOMS, CustomReason.BATHROOMS, CustomReason.SQUARE_FEET)),
    ],
)
def test_a_large_home_is_a_custom_quote_without_a_price_a31(home, reasons):
    price = price_of(home)

    assert (price.custom_reasons, price.is_custom_quote) == (reasons, bool(reasons))
    if reasons:
        assert (price.total_cents, price.lines, price.base_cents) == (None, (), 0)
        with pytest.raises(CustomQuoteNeeded) as refusal:
            chargeable_cents(price)
        assert [reason["code"] for reason in refusal.value.details["reasons"]] == [reason.value for reason in reasons]


def test_what_would_cost_nothing_is_for_the_office_to_price_a31():
    free = PriceBook(base_cents=0, per_bedroom_cents=49, per_bathroom_cents=0)

    assert price_of(HomeFacts(1, 1, 800), free).custom_reasons == (CustomReason.NO_PRICE,)
    assert price_of(EXAMPLE, PriceBook(annual_discount_hundredths=10_000), Term.ANNUAL).total_cents is None


def test_a_year_has_no_discount_unless_the_book_says_so_a32():
    book = PriceBook(annual_discount_hundredths=1_250)

    assert price_of(EXAMPLE, DEFAULT_BOOK, Term.ANNUAL).total_cents == 19_500
    assert price_of(EXAMPLE, book, Term.MONTHLY).total_cents == price_of(EXAMPLE, book).total_cents == 19_500
    yearly = price_of(EXAMPLE, book, Term.ANNUAL)
    assert (yearly.discount_cents, yearly.total_cents) == (2_438, 17_062)  # 2437.5 goes up


@given(homes(), BOOKS, TERMS)
def test_the_total_is_the_sum_of_the_parts_for_every_home_and_book_r52(home, book, term):
    price = price_of(home, book, term)

    if price.total_cents is None:
        assert price.custom_reasons
        assert not price.lines
    else:
        parts = (price.base_cents, price.square_feet_surcharge_cents, price.laundry_cents, price.hot_tub_cents)
        assert price.total_cents == sum(parts) - price.discount_cents == sum(line.amount_cents for line in price.lines)
        assert 0 <= price.discount_cents <= sum(parts)
    assert len({line.code for line in price.lines}) == len(price.lines)
    assert price == price_of(home, book, term) == price_from_json(price_to_json(price))  # R60


def test_the_dearest_book_still_fits_into_one_charge_r59():
    top: dict[str, Any] = {f.name: 10**9 for f in fields(PriceBook) if f.name.endswith("_cents")}
    with pytest.raises(Invalid):
        PriceBook.from_json(PriceBook(**top).to_json())
    most = {"base_cents": 10**6, "hot_tub_premium_cents": 10**6, "drain_monthly_cents": 10**6}
    prices: dict[str, Any] = {name: most.get(name, 10**5) for name in top}
    dear = PriceBook(
        **prices,
        free_square_feet=0,
        surcharge_step_square_feet=50,
        custom_above_square_feet=20_000,
        custom_from_bedrooms=51,
        custom_from_bathrooms=51,
    )

    price = price_of(HomeFacts(50, 50, 20_000, Laundry.IN_UNIT, 50, HotTubService.PREMIUM, Drain.MONTHLY), dear)

    assert PriceBook.from_json(dear.to_json()) == dear
    assert 0 < chargeable_cents(price) <= MOST_CENTS


def test_a_book_is_data_and_may_name_only_what_differs_r59():
    book = PriceBook.from_json({"perBedroomCents": 2_000, "currency": "cad"})

    assert (book.per_bedroom_cents, book.currency, book.base_cents) == (2_000, "cad", 4_500)
    assert PriceBook.from_json(book.to_json()) == book
    assert PriceBook.from_json({}) == DEFAULT_BOOK
    assert price_of(EXAMPLE, book).total_cents == 21_000


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"perBedCents": 1}, "perBedCents"),
        ({"baseCents": 45.0}, "baseCents"),
        ({"baseCents": -1}, "baseCents"),
        ({"baseCents": True}, "baseCents"),
        ({"currency": "jpy"}, "currency"),
        ({"currency": "zzz"}, "currency"),
        ({"surchargeStepSquareFeet": 0}, "surchargeStepSquareFeet"),
        ({"annualDiscountHundredths": 10_001}, "annualDiscountHundredths"),
    ],
)
def test_a_bad_price_of_a_book_is_refused_by_name_r19_r59(value, name):
    with pytest.raises(Invalid) as refusal:
        PriceBook.from_json(value, ("book",))

    assert refusal.value.field == ("book", name)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"bedrooms": 0}, "bedrooms"),
        ({"bedrooms": True}, "bedrooms"),
        ({"bathrooms": 1.5}, "bathrooms"),
        ({"bathrooms": 51}, "bathrooms"),
        ({"square_feet": 0}, "squareFeet"),
        ({"laundry_loads": 0}, "laundryLoads"),
        ({"laundry": Laundry.NONE}, "laundryLoads"),
        ({"laundry_loads": -1}, "laundryLoads"),
        ({"hot_tub": HotTubService.NONE}, "drain"),
    ],
)
def test_an_impossible_home_has_no_price_r19_r51(change, name):
    with pytest.raises(Invalid) as refusal:
        price_of(replace(EXAMPLE, **change))

    assert refusal.value.field == (name,)


def test_what_the_facts_of_a_home_lack_is_named_r19():
    with pytest.raises(Invalid) as refusal:
        HomeFacts.from_json({"bedrooms": 3, "bathrooms": 2}, ("home",))

    assert refusal.value.field == ("home", "squareFeet")


def test_a_price_one_cent_off_is_refused_before_anything_else_r43():
    """R61, A33: the same amount passes; a fractional or negative one is no amount at all."""
    price = price_of(EXAMPLE)

    assert ensure_price_seen(19_500, price, price) == 19_500
    with pytest.raises(PriceChanged) as refusal:
        ensure_price_seen(19_499, price, price)
    assert refusal.value.message == "Price validation failed."
    assert refusal.value.details["totalCents"] == 19_500
    odd: Any
    for odd in (194.99, -1, True, "19500"):
        with pytest.raises(Invalid):
            ensure_price_seen(odd, price, price)


def test_a_price_that_changed_explains_itself_line_by_line_a33():
    before = price_of(EXAMPLE)
    changed = replace(EXAMPLE, bedrooms=4, drain=Drain.NONE, square_feet=3_100)
    after = price_of(changed, PriceBook(in_unit_load_cents=1_600))

    with pytest.raises(PriceChanged) as refusal:
        ensure_price_seen(19_500, before, after)

    assert [(one["code"], one["beforeCents"], one["afterCents"]) for one in refusal.value.details["lines"]] == [
        ("BEDROOMS", 4_500, 6_000),
        ("SQUARE_FEET", 0, 2_500),
        ("LAUNDRY", 3_000, 3_200),
        ("DRAIN", 1_500, 0),
    ]
    assert [one["message"] for one in refusal.value.details["lines"]] == [
        "Bedrooms: 4 x 15.00 = 60.00, before Bedrooms: 3 x 15.00 = 45.00.",
        "New: Each 500 square feet begun above 3,000: 25.00.",
        "Loads of laundry in the home: 2 x 16.00 = 32.00, before Loads of laundry in the home: 2 x 15.00 = 30.00.",
        "No longer: Hot tub drained quarterly: 15.00.",
    ]


@given(homes(), homes(), BOOKS, TERMS)
def test_the_differences_sum_to_the_difference_and_are_empty_for_the_same_a33(one, other, book, term):
    before, after = price_of(one, DEFAULT_BOOK, term), price_of(other, book, term)

    found = differences(before, after)

    totals = (sum(line.amount_cents for line in price.lines) for price in (after, before))
    assert sum(line.after_cents - line.before_cents for line in found) == next(totals) - next(totals)
    assert all(line.message for line in found)
    assert differences(before, before) == ()


def test_the_price_that_the_office_names_is_charged_as_it_is_a31():
    price = agreed_price(42_000, "usd")

    assert (price.total_cents, price.base_cents, price.is_custom_quote) == (42_000, 42_000, False)
    assert ensure_price_seen(42_000, price, price) == 42_000
    bad: Any
    for bad in (0, 49, 420.0, -1):
        with pytest.raises(Invalid):
            agreed_price(bad, "usd")
