"""Homes without a price: asked, named, accepted, declined, and over (A31, R182, R204)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from tests.booking.counter import ADD_ONS, CUSTOMER, DRAFT, HOME, QUOTE, TERMS, Booker, Counter, codes, one
from tests.product.world import gid

LARGE = {**HOME, "bedrooms": 6}
REQUEST = "quoteRequest { id status contact { name email } home { bedrooms } reasons { code message } note }"


async def asking(counter: Counter) -> tuple[Booker, str]:
    """A visitor with a large home, and their request."""
    who = await counter.visitor()
    await who.save("Customer", **CUSTOMER)
    await who.save("Property", **LARGE)
    await who.save("AddOns", **ADD_ONS)
    answer = await who.do("requestQuote", {"bookingDraftId": who.id, "note": "Two dogs"}, REQUEST)
    assert answer["errors"] == [], answer["errors"]
    return who, answer["quoteRequest"]["id"]


async def named(counter: Counter, request: str, cents: int = 42_000) -> Any:
    """The office's price."""
    wish = {"quoteRequestId": request, "totalCents": cents, "note": "With two people"}
    answer = await counter.do(counter.token(counter.site.town.owner), "nameQuote", wish, f"quote {{ {QUOTE} }}")
    assert answer["errors"] == [], answer["errors"]
    return answer["quote"]


async def test_a_large_home_is_priced_by_the_office_and_booked_at_that_price(counter: Counter) -> None:
    """A31, R182, R204: request, quote, yes, job; the price book is not asked again."""
    site = counter.site
    who, request = await asking(counter)
    assert (await who.look())["status"] == "CUSTOM_QUOTE"
    assert who.draft["quoteRequests"] == [
        {"id": request, "status": "REQUESTED", "quote": None, "reasons": [{"code": "BEDROOMS"}]}
    ]
    assert len(await site.notices("QUOTE_REQUESTED")) == 1

    quote = await named(counter, request)
    assert (quote["totalCents"], quote["isCustom"]) == (42_000, True)
    assert [message["address"] for message in await site.notices("QUOTE_NAMED")] == [CUSTOMER["email"]]
    accepted = await who.do("acceptQuote", {"quoteId": quote["id"]}, f"bookingDraft {{ {DRAFT} }}")
    assert accepted["errors"] == []
    assert (accepted["bookingDraft"]["status"], accepted["bookingDraft"]["price"]["totalCents"]) == ("OPEN", 42_000)

    await who.save("Calendar", firstOn=await counter.day(8), startTime="09:00")
    await who.save("Terms", **TERMS)
    await who.pay_with(site.fresh_method())
    assert who.draft["price"]["totalCents"] == 42_000
    asked = counter.asked()
    assert codes(await who.confirm(quote["id"], 41_999)) == ["PRICE_CHANGED"]
    assert counter.asked() == asked
    assert (await who.confirm(quote["id"], 42_000))["errors"] == []
    await site.settle()

    assert (await who.look())["status"] == "CONFIRMED"
    [job] = await site.rows("select price_cents, prepaid from job where tenant_id = $1", site.town.tenant)
    assert (job["price_cents"], job["prepaid"]) == (42_000, True)
    assert who.draft["quoteRequests"][0]["status"] == "ACCEPTED"


async def test_a_home_without_a_price_cannot_be_charged_and_the_office_is_asked(counter: Counter) -> None:
    """A31: the yes itself asks, once; nothing of it is promised or charged."""
    site = counter.site
    who = await counter.visitor()
    await who.fill()
    quote = await who.quoted()
    await who.save("Property", **{**HOME, "bathrooms": 5})
    refused = await who.do("quotePrice", {"bookingDraftId": who.id}, "quote { id }")
    one(refused, Code.CUSTOM_QUOTE_NEEDED)

    for _ in range(2):
        error = one(await who.confirm(quote["id"], 19_500), Code.CUSTOM_QUOTE_NEEDED)
        assert [reason["code"] for reason in error["details"]["reasons"]] == ["BATHROOMS"]

    assert await site.world.count("quote_request", site.town.tenant) == 1
    assert site.things("payment_intents") == []
    assert (await who.look())["status"] == "CUSTOM_QUOTE"


async def test_a_home_that_gets_a_price_asks_nobody_any_more(counter: Counter) -> None:
    """A31, R41: fewer bedrooms, and the booking goes on by itself."""
    who, _ = await asking(counter)
    draft = await who.save("Property", **HOME)
    assert (draft["status"], draft["price"]["totalCents"]) == ("OPEN", 19_500)
    assert draft["quoteRequests"][0]["status"] == "DECLINED"
    refused = await who.do("requestQuote", {"bookingDraftId": who.id}, "quoteRequest { id }")
    one(refused, Code.CONFLICT)


async def test_a_named_price_is_for_this_home_alone(counter: Counter) -> None:
    """A31: with another bedroom it is another home."""
    who, request = await asking(counter)
    quote = await named(counter, request)
    await who.save("Property", **{**LARGE, "bedrooms": 7})
    refused = await who.do("acceptQuote", {"quoteId": quote["id"]}, "bookingDraft { id }")
    one(refused, Code.QUOTE_EXPIRED)
    assert (await who.look())["quoteRequests"][0]["status"] == "QUOTED"


async def test_another_price_replaces_the_one_before(counter: Counter) -> None:
    """R182: who says yes to the old one is told so."""
    who, request = await asking(counter)
    first, second = await named(counter, request), await named(counter, request, 40_000)
    one(await who.do("acceptQuote", {"quoteId": first["id"]}, "bookingDraft { id }"), Code.QUOTE_EXPIRED)
    answer = await who.do("acceptQuote", {"quoteId": second["id"]}, "bookingDraft { price { totalCents } }")
    assert answer["bookingDraft"] == {"price": {"totalCents": 40_000}}


async def test_a_price_that_nobody_accepts_in_time_is_over(counter: Counter) -> None:
    """A31, A33: after its days, by the rule at once and by the task in the rows."""
    site = counter.site
    who, request = await asking(counter)
    quote = await named(counter, request)
    await site.move(timedelta(days=15))
    one(await who.do("acceptQuote", {"quoteId": quote["id"]}, "bookingDraft { id }"), Code.QUOTE_EXPIRED)
    await site.settle("expire_quote")

    draft = await who.look()
    assert [each["status"] for each in draft["quoteRequests"]] == ["EXPIRED"]
    assert (await named(counter, request))["status"] == "OPEN"


async def test_either_side_may_decline(counter: Counter) -> None:
    """R182, R204: the customer the price, the office the request; then nothing can be accepted."""
    who, request = await asking(counter)
    quote = await named(counter, request)
    declined = await who.do("declineQuote", {"quoteId": quote["id"], "note": "Too much"}, "quote { status }")
    assert declined == {"quote": {"status": "DECLINED"}, "errors": []}
    one(await who.do("acceptQuote", {"quoteId": quote["id"]}, "bookingDraft { id }"), Code.QUOTE_EXPIRED)
    one(await who.do("declineQuote", {"quoteId": quote["id"]}, "quote { status }"), Code.QUOTE_EXPIRED)

    _, other = await asking(counter)
    owner = counter.token(counter.site.town.owner)
    answer = await counter.do(owner, "declineQuoteRequest", {"quoteRequestId": other, "note": "Too far"}, REQUEST)
    assert answer["quoteRequest"]["status"] == "DECLINED"
    assert len(await counter.site.notices("QUOTE_REFUSED")) == 1
    wish = {"quoteRequestId": other, "totalCents": 42_000}
    one(await counter.do(owner, "nameQuote", wish, "quote { id }"), Code.ILLEGAL_TRANSITION)


async def test_a_customer_accepts_a_price_in_the_portal_and_goes_on_from_there(counter: Counter) -> None:
    """R204: of a home that is on file; acceptance opens the booking with all that is known filled in."""
    site = counter.site
    home = await site.home(bedrooms=6)
    token = counter.token(home.who)
    asked = await counter.do(token, "requestQuote", {"propertyId": gid("Property", home.property)}, REQUEST)
    again = await counter.do(token, "requestQuote", {"propertyId": gid("Property", home.property)}, REQUEST)
    assert asked["quoteRequest"]["id"] == again["quoteRequest"]["id"]
    quote = await named(counter, asked["quoteRequest"]["id"])
    listed = await counter.ask(token, "{ quotes { nodes { id totalCents } } quoteRequests { totalCount } }")
    assert listed["data"] == {
        "quotes": {"nodes": [{"id": quote["id"], "totalCents": 42_000}]},
        "quoteRequests": {"totalCount": 1},
    }
    assert len(await site.notices("QUOTE_NAMED")) == 1

    answer = await counter.do(token, "acceptQuote", {"quoteId": quote["id"]}, f"bookingDraft {{ {DRAFT} }}")
    assert answer["errors"] == []
    who = Booker(counter, token, answer["bookingDraft"])
    assert who.draft["nextStep"] == "CALENDAR"
    await who.save("Calendar", firstOn=await counter.day(8), startTime="09:00")
    await who.save("Terms", frequency="ONCE")
    await who.pay_with(site.fresh_method())
    assert (await who.confirm(quote["id"], 42_000))["errors"] == []
    await site.settle()
    assert (await who.look())["status"] == "CONFIRMED"
    [plan] = await site.rows("select property_id from service_plan where tenant_id = $1", site.town.tenant)
    assert plan["property_id"] == home.property


@pytest.mark.parametrize("cents", [-1, 0, 49, 100_000_000])
async def test_the_office_names_no_impossible_price(counter: Counter, cents: int) -> None:
    """A9, R19."""
    _, request = await asking(counter)
    before = await counter.site.world.trace(counter.site.town.tenant)
    wish = {"quoteRequestId": request, "totalCents": cents}
    answer = await counter.do(counter.token(counter.site.town.owner), "nameQuote", wish, "quote { id }")
    assert one(answer, Code.INVALID)["field"] == ["totalCents"]
    assert await counter.site.world.trace(counter.site.town.tenant) == before


async def test_requests_and_quotes_of_others_are_nobodys(counter: Counter) -> None:
    """R3, R20: another visitor, another customer, another business; naming prices is the office's."""
    site = counter.site
    who, request = await asking(counter)
    quote = await named(counter, request)
    stranger, foreign = await counter.visitor(), counter.token(site.other.owner)
    neighbour = counter.token((await site.home()).who)
    before = await site.world.trace(site.town.tenant)

    for token in (stranger.token, foreign, neighbour):
        for mutation, entity in (("acceptQuote", "bookingDraft"), ("declineQuote", "quote")):
            answer = await counter.do(token, mutation, {"quoteId": quote["id"]}, f"{entity} {{ id }}")
            assert one(answer, Code.NOT_FOUND)["field"] == ["quoteId"]
    wish = {"quoteRequestId": request, "totalCents": 100}
    assert codes(await counter.do(foreign, "nameQuote", wish, "quote { id }")) == ["NOT_FOUND"]
    assert codes(await counter.do(neighbour, "nameQuote", wish, "quote { id }")) == ["FORBIDDEN"]
    query = "query ($id: ID!) { quote(id: $id) { id } }"
    for token in (stranger.token, foreign, neighbour):
        assert (await counter.ask(token, query, id=quote["id"]))["data"]["quote"] is None
    assert (await counter.ask(who.token, query, id=quote["id"]))["data"]["quote"] == {"id": quote["id"]}
    assert await site.world.trace(site.town.tenant) == before


async def test_who_is_signed_in_is_quoted_for_a_home_or_its_facts(counter: Counter) -> None:
    """R60, A33: by the same engine; exactly one of the three ways to say which home."""
    site = counter.site
    home, foreign = await site.home(), await site.home(town=site.other)
    token = counter.token(home.who)
    facts = {"bedrooms": 3, "bathrooms": 2, "squareFeet": 2_400, **ADD_ONS}

    by_home = await counter.do(
        token, "quotePrice", {"propertyId": gid("Property", home.property)}, f"quote {{ {QUOTE} }}"
    )
    by_facts = await counter.do(token, "quotePrice", {"home": facts}, f"quote {{ {QUOTE} }}")

    assert (by_home["quote"]["totalCents"], by_facts["quote"]["totalCents"]) == (9_000, 19_500)
    theirs = {"propertyId": gid("Property", foreign.property)}
    one(await counter.do(token, "quotePrice", theirs, "quote { id }"), Code.NOT_FOUND)
    one(await counter.do(token, "quotePrice", {}, "quote { id }"), Code.INVALID)
    both = {"home": facts, "propertyId": gid("Property", home.property)}
    one(await counter.do(token, "quotePrice", both, "quote { id }"), Code.INVALID)
    visitor = await counter.visitor()
    one(await visitor.do("quotePrice", {"home": facts}, "quote { id }"), Code.INVALID)
