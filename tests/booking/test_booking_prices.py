"""What a clean costs, through the API: the golden vectors, for everybody, and by the business's book (R51 to R61)."""

from typing import Any

import pytest

from domain.errors import Code
from tests.booking.counter import ADD_ONS, Counter, one
from tests.product.world import gid

BOOK = "priceBook { id edition isInForce note prices { baseCents perBedroomCents currency } }"


async def test_the_example_costs_195(counter: Counter) -> None:
    """R52, R53, R55, R57, R58: 120.00 + 30.00 + 45.00, line by line."""
    price = await counter.price(**ADD_ONS)

    assert (price["totalCents"], price["currency"], price["isCustomQuote"]) == (19_500, "usd", False)
    parts = ("baseCents", "squareFeetSurchargeCents", "laundryCents", "hotTubCents", "discountCents")
    assert [price[part] for part in parts] == [12_000, 0, 3_000, 4_500, 0]
    assert sum(line["amountCents"] for line in price["lines"]) == 19_500


@pytest.mark.parametrize(
    ("feet", "surcharge"), [(2_400, 0), (3_000, 0), (3_001, 2_500), (3_500, 2_500), (3_501, 5_000)]
)
async def test_only_above_3000_square_feet_there_is_a_surcharge(counter: Counter, feet: int, surcharge: int) -> None:
    """R54."""
    assert (await counter.price(squareFeet=feet))["squareFeetSurchargeCents"] == surcharge


@pytest.mark.parametrize(
    ("size", "reason"),
    [({"bedrooms": 6}, "BEDROOMS"), ({"bathrooms": 5}, "BATHROOMS"), ({"squareFeet": 8_001}, "SQUARE_FEET")],
)
async def test_a_large_home_has_no_price(counter: Counter, size: dict[str, Any], reason: str) -> None:
    """A31: nothing to charge, and why."""
    price = await counter.price(**size)

    assert (price["isCustomQuote"], price["totalCents"], price["lines"]) == (True, None, [])
    assert [one["code"] for one in price["customReasons"]] == [reason]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"bedrooms": 0}, "bedrooms"),
        ({"bathrooms": -1}, "bathrooms"),
        ({"squareFeet": 0}, "squareFeet"),
        ({"laundry": "IN_UNIT"}, "laundryLoads"),
        ({"laundryLoads": 2}, "laundryLoads"),
        ({"drain": "MONTHLY"}, "drain"),
    ],
)
async def test_an_impossible_home_is_refused_by_its_field(counter: Counter, wrong: dict[str, Any], field: str) -> None:
    """R19, R51."""
    answer = await counter.ask(
        None,
        "query ($home: QuotedHomeInput!, $tenant: String) { price(home: $home, tenant: $tenant) { totalCents } }",
        home={"bedrooms": 3, "bathrooms": 2, "squareFeet": 2_400, **wrong},
        tenant=counter.site.town.slug,
    )
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "INVALID", "field": ["home", field]}


async def test_asking_a_price_writes_nothing(counter: Counter) -> None:
    """R61: it is told and not kept; neither is it for a business that does not exist."""
    site = counter.site
    before, asked = await site.world.trace(site.town.tenant), counter.asked()

    await counter.price(**ADD_ONS)
    query = 'query ($home: QuotedHomeInput!) { price(home: $home, tenant: "no-such") { totalCents } }'
    unknown = await counter.ask(None, query, home={"bedrooms": 3, "bathrooms": 2, "squareFeet": 2_400})

    assert [error["extensions"]["code"] for error in unknown["errors"]] == ["NOT_FOUND"]
    assert await site.world.trace(site.town.tenant) == before
    assert await site.world.count("quote", site.town.tenant) == 0
    assert counter.asked() == asked


async def test_published_prices_hold_at_once_and_no_edition_is_lost(counter: Counter) -> None:
    """R59, A30: for this business alone; what is left out stays as it was."""
    site = counter.site
    owner, of_other = counter.token(site.town.owner), site.other.slug

    first = await counter.do(owner, "publishPriceBook", {"baseCents": 5_000, "note": "Spring"}, BOOK)
    second = await counter.do(owner, "publishPriceBook", {"perBedroomCents": 2_000}, BOOK)

    assert (first["priceBook"]["edition"], second["priceBook"]["edition"]) == (1, 2)
    assert second["priceBook"]["prices"] == {"baseCents": 5_000, "perBedroomCents": 2_000, "currency": "usd"}
    assert (await counter.price(**ADD_ONS))["totalCents"] == 19_500 + 500 + 1_500
    assert (await counter.price(tenant=of_other, **ADD_ONS))["totalCents"] == 19_500
    listed = await counter.ask(owner, "{ prices { baseCents } priceBooks { nodes { edition isInForce note } } }")
    assert listed["data"]["prices"] == {"baseCents": 5_000}
    assert listed["data"]["priceBooks"]["nodes"] == [
        {"edition": 2, "isInForce": True, "note": ""},
        {"edition": 1, "isInForce": False, "note": "Spring"},
    ]
    foreign = "query ($id: ID!) { priceBook(id: $id) { id } }"
    seen = await counter.ask(counter.token(site.other.owner), foreign, id=first["priceBook"]["id"])
    assert seen["data"]["priceBook"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"currency": "xyz"}, "currency"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "jpy"}, "currency"),
        ({"baseCents": -1}, "baseCents"),
        ({"surchargeStepSquareFeet": 0}, "surchargeStepSquareFeet"),
        ({"annualDiscountHundredths": 10_001}, "annualDiscountHundredths"),
    ],
)
async def test_impossible_prices_are_not_published(counter: Counter, wrong: dict[str, Any], field: str) -> None:
    """R19, A9, A43: unknown currencies, those without cents, negative amounts; the field is named."""
    site = counter.site
    before = await site.world.trace(site.town.tenant)

    answer = await counter.do(counter.token(site.town.owner), "publishPriceBook", wrong, "priceBook { id }")

    assert one(answer, Code.INVALID)["field"] == [field]
    assert await site.world.trace(site.town.tenant) == before
    assert await site.world.count("price_book", site.town.tenant) == 0


async def test_prices_are_in_the_currency_that_the_business_is_paid_in(counter: Counter) -> None:
    """A43: neither a book in another currency nor another currency than that of the book in force."""
    site = counter.site
    owner = counter.token(site.town.owner)
    before = await site.world.trace(site.town.tenant)
    foreign = await counter.do(owner, "publishPriceBook", {"currency": "eur"}, BOOK)
    assert one(foreign, Code.INVALID)["field"] == ["currency"]
    assert await site.world.trace(site.town.tenant) == before
    assert await site.world.count("price_book", site.town.tenant) == 0

    assert (await _set_currency(counter, "eur"))["errors"] == []
    assert (await counter.price(**ADD_ONS))["currency"] == "eur"
    shown = await counter.ask(owner, "{ prices { currency } }")
    assert shown["data"]["prices"] == {"currency": "eur"}
    made = await counter.do(owner, "publishPriceBook", {"baseCents": 5_000}, BOOK)
    assert made["priceBook"]["prices"]["currency"] == "eur"

    before = await site.world.trace(site.town.tenant)
    refused = one(await _set_currency(counter, "usd"), Code.CONFLICT)
    assert (refused["field"], refused["details"]["currency"]) == (["settings", "pay", "currency"], "eur")
    assert await site.world.trace(site.town.tenant) == before
    assert (await counter.price(tenant=site.other.slug, **ADD_ONS))["currency"] == "usd"


async def test_other_settings_change_whatever_the_prices_are_in(counter: Counter) -> None:
    """R259: of a business whose book and setting differ since before that was refused, and back to the book's."""
    site = counter.site
    owner = counter.token(site.town.owner)
    await counter.do(owner, "publishPriceBook", {"baseCents": 5_000}, BOOK)
    await site.settings(pay={"currency": "eur"})

    wish = {"settings": {"pay": {"rateCents": 1_900}}}
    assert (await counter.do(owner, "updateTenant", wish, "tenant { slug }"))["errors"] == []
    assert (await _set_currency(counter, "usd"))["errors"] == []


async def _set_currency(counter: Counter, currency: str) -> Any:
    wish = {"settings": {"pay": {"currency": currency}}}
    return await counter.do(counter.token(counter.site.town.owner), "updateTenant", wish, "tenant { slug }")


async def test_only_administrators_publish_prices(counter: Counter) -> None:
    """R20, R59."""
    token = counter.token(await counter.site.town.dispatcher())
    answer = await counter.do(token, "publishPriceBook", {"baseCents": 1}, "priceBook { id }")
    one(answer, Code.FORBIDDEN)
    listed = await counter.ask(token, "{ prices { baseCents } priceBooks { totalCount } }")
    assert listed["data"] == {"prices": {"baseCents": 4_500}, "priceBooks": {"totalCount": 0}}


async def test_an_unknown_price_book_is_nobodys(counter: Counter) -> None:
    """R3."""
    query = "query ($id: ID!) { priceBook(id: $id) { id } }"
    unknown = gid("PriceBook", "01900000-0000-7000-8000-00000000dead")
    answer = await counter.ask(counter.token(counter.site.town.owner), query, id=unknown)
    assert answer["data"]["priceBook"] is None
