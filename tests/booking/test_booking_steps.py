"""The eight steps through the API: one by one, in their order, checked, resumed, and priced live (R33 to R42)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.visits import A_BOOKING_AT_ONCE, VisitLimiter
from db.tx import Tx
from domain.consent import CONSENT_VERSION
from domain.errors import Code, RateLimited
from models import booking_draft
from tests.booking.counter import ADD_ONS, CUSTOMER, DRAFT, HOME, TERMS, Counter, codes, one
from tests.fieldwork.site import command_of
from tests.product.world import gid

ORDER = ["CUSTOMER", "PROPERTY", "ADD_ONS", "CALENDAR", "TERMS", "PAYMENT", "CONFIRMATION"]


async def test_each_step_is_saved_and_says_what_comes_next_with_the_price_so_far(counter: Counter) -> None:
    """R33 to R38, R41, R42: the full breakdown after every step that knows the home."""
    who = await counter.visitor()
    seen = [who.draft["nextStep"]]
    totals: list[Any] = [who.draft["price"]]

    async def save(step: str, **said: Any) -> None:
        draft = await who.save(step, **said)
        seen.append(draft["nextStep"])
        totals.append(draft["price"] and draft["price"]["totalCents"])

    await save("Customer", **CUSTOMER)
    await save("Property", **HOME)
    await save("AddOns", **ADD_ONS)
    await save("Calendar", firstOn=await counter.day(8), startTime="09:00")
    await save("Terms", **TERMS)
    await save("Payment", paymentMethodId="pm_card_visa", consentVersion=CONSENT_VERSION)

    assert seen == ORDER
    assert totals == [None, None, 12_000, 19_500, 19_500, 19_500, 19_500]
    saved = who.draft["steps"]
    assert saved["customer"] == CUSTOMER
    assert saved["addOns"] == ADD_ONS
    assert saved["terms"] == TERMS
    assert saved["payment"] == {"consentVersion": CONSENT_VERSION}
    assert saved["calendar"]["startTime"] == "09:00"


async def test_a_booking_is_resumed_with_its_token_and_by_nobody_else(counter: Counter) -> None:
    """R41, R3: another visitor, another business's visitor and no credential at all find nothing."""
    who, stranger = await counter.visitor(), await counter.visitor()
    foreign = await counter.visitor(counter.site.other.slug)
    await who.save("Customer", **CUSTOMER)

    assert (await who.look())["steps"]["customer"] == CUSTOMER
    query = "query ($id: ID!) { bookingDraft(id: $id) { id } }"
    for token in (stranger.token, foreign.token, counter.token(counter.site.other.owner)):
        assert (await counter.ask(token, query, id=who.id))["data"] == {"bookingDraft": None}
    for other in (stranger, foreign):
        answer = await other.do("saveBookingCustomer", {"bookingDraftId": who.id, **CUSTOMER}, "bookingDraft { id }")
        assert one(answer, Code.NOT_FOUND)["field"] == ["bookingDraftId"]
    nobody = await counter.ask(None, query, id=who.id)
    assert [error["extensions"]["code"] for error in nobody["errors"]] == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace("bk1.", "bk2."),
        lambda token: ".".join([*token.split(".")[:3], "99999999999", token.split(".")[4]]),
        lambda token: ".".join([*token.split(".")[:2], *token.split(".")[1:2], *token.split(".")[3:]]),
        lambda token: token + ".x",
        lambda _token: "bk1.....",
    ],
)
async def test_a_token_that_was_changed_is_no_credential(counter: Counter, change: Any) -> None:
    """R1, R41: longer life, another draft, another kind: the keyed hash knows."""
    who = await counter.visitor()
    answer = await counter.api.post("{ __typename }", {}, change(who.token))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { role } }",
        "{ jobs { totalCount } }",
        "{ bookingDrafts { totalCount } }",
        "{ quotes { totalCount } }",
        "query ($id: ID!) { node(id: $id) { id } }",
        "query ($id: ID!) { ...Hidden } fragment Hidden on Query { node(id: $id) { id } }",
        "{ events { next } }",
        "mutation { signOut(input: {}) { errors { code } } }",
    ],
)
async def test_a_visitor_reaches_their_booking_and_nothing_else(counter: Counter, query: str) -> None:
    """R2, R20: whatever is for people answers as to nobody."""
    who = await counter.visitor()
    answer = await counter.ask(who.token, query, **({"id": who.id} if "$id" in query else {}))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}
    assert answer.get("data") is None


async def test_a_later_step_waits_for_the_earlier_ones(counter: Counter) -> None:
    """R41: refused with what is missing, and nothing is written."""
    who = await counter.visitor()
    before = await counter.site.world.trace(counter.site.town.tenant)

    refusals = [
        await who.tries("Property", **HOME),
        await who.tries("AddOns", **ADD_ONS),
        await who.tries("Calendar", firstOn=await counter.day(8), startTime="09:00"),
        await who.tries("Terms", **TERMS),
        await who.tries("Payment", paymentMethodId="pm_card_visa", consentVersion=CONSENT_VERSION),
    ]

    assert [codes(one) for one in refusals] == [["ILLEGAL_TRANSITION"]] * 5
    assert refusals[0]["errors"][0]["details"]["next"] == "CUSTOMER"
    assert await counter.site.world.trace(counter.site.town.tenant) == before
    assert (await who.look())["nextStep"] == "CUSTOMER"


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("Customer", {**CUSTOMER, "email": "nobody"}, "email"),
    ("Customer", {**CUSTOMER, "phone": "12"}, "phone"),
    ("Customer", {**CUSTOMER, "name": " "}, "name"),
    ("Property", {**HOME, "bedrooms": 0}, "bedrooms"),
    ("Property", {**HOME, "squareFeet": 100_001}, "squareFeet"),
    ("Property", {**HOME, "address": ""}, "address"),
    ("Property", {**HOME, "latitude": 91.0}, "latitude"),
    ("AddOns", {**ADD_ONS, "laundryLoads": 0}, "laundryLoads"),
    ("AddOns", {**ADD_ONS, "laundryLoads": 51}, "laundryLoads"),
    ("AddOns", {**ADD_ONS, "hotTub": "NONE"}, "drain"),
    ("Calendar", {}, "firstOn"),
    ("Calendar", {"icalUrl": "http://calendar.example/x.ics"}, "icalUrl"),
    ("Calendar", {"icalUrl": "https://user@calendar.example/x.ics"}, "icalUrl"),
    ("Calendar", {"firstOn": "2020-01-01", "startTime": "09:00"}, "firstOn"),
    ("Calendar", {"firstOn": "2099-01-01", "startTime": "09:00"}, "firstOn"),
    ("Calendar", {"firstOn": "2099-01-01"}, "startTime"),
    ("Calendar", {"firstOn": "2099-01-01", "startTime": "9 o'clock"}, "startTime"),
    ("Terms", {"frequency": "ONCE", "term": "ANNUAL"}, "term"),
    ("Terms", {"frequency": "WEEKLY"}, "term"),
    ("Payment", {"paymentMethodId": "4242424242424242", "consentVersion": CONSENT_VERSION}, "paymentMethodId"),
    ("Payment", {"paymentMethodId": "pm_card_visa", "consentVersion": "1999-01"}, "consentVersion"),
]


@pytest.mark.parametrize(("step", "said", "field"), WRONG)
async def test_what_cannot_be_is_refused_by_its_field(
    counter: Counter, step: str, said: dict[str, Any], field: str
) -> None:
    """R19, R33 to R38: a card's number is never even repeated."""
    who = await counter.visitor()
    await who.fill()
    before = await counter.site.row("booking_draft", who.key)

    refusal = one(await who.tries(step, **said), Code.INVALID)

    assert refusal["field"] == [field]
    assert "4242" not in str(refusal)
    assert await counter.site.row("booking_draft", who.key) == before


async def test_an_earlier_step_that_changes_changes_the_price(counter: Counter) -> None:
    """R41, R42: everything after it stays, the price is told anew, line by line."""
    who = await counter.visitor()
    await who.fill()

    draft = await who.save("Property", **{**HOME, "bedrooms": 4, "squareFeet": 3_001})

    assert draft["nextStep"] == "CONFIRMATION"
    assert draft["price"]["totalCents"] == 19_500 + 1_500 + 2_500
    assert [line["code"] for line in draft["price"]["lines"]] == [
        "BASE", "BEDROOMS", "BATHROOMS", "SQUARE_FEET", "LAUNDRY", "HOT_TUB", "DRAIN",
    ]  # fmt: skip


async def test_the_calendars_link_alone_is_enough(counter: Counter) -> None:
    """R36: a link or a day."""
    who = await counter.visitor()
    await who.fill()
    draft = await who.save("Calendar", icalUrl="https://calendar.example/home.ics")
    assert draft["steps"]["calendar"] == {
        "icalUrl": "https://calendar.example/home.ics", "firstOn": None, "startTime": None, "weekday": None,
    }  # fmt: skip
    assert draft["nextStep"] == "CONFIRMATION"


async def test_a_customer_books_their_own_homes_and_nobody_elses(counter: Counter) -> None:
    """R3, R30, R34: who is known need not say who they are; of a known home its sizes are those on file."""
    site = counter.site
    mine, theirs = await site.home(), await site.home()
    foreign = await site.home(town=site.other)
    who = await counter.booker(mine.who)
    assert who.draft["nextStep"] == "PROPERTY"

    draft = await who.save("Property", propertyId=gid("Property", mine.property), bedrooms=1)

    assert draft["steps"]["property"]["bedrooms"] == 2
    assert draft["steps"]["property"]["propertyId"] == gid("Property", mine.property)
    for home in (theirs, foreign):
        answer = await who.tries("Property", propertyId=gid("Property", home.property))
        assert one(answer, Code.NOT_FOUND)["field"] == ["propertyId"]
    visitor = await counter.visitor()
    await visitor.save("Customer", **CUSTOMER)
    one(await visitor.tries("Property", propertyId=gid("Property", mine.property)), Code.NOT_FOUND)
    query = "query ($id: ID!) { bookingDraft(id: $id) { id } }"
    assert (await counter.ask(counter.token(theirs.who), query, id=who.id))["data"]["bookingDraft"] is None
    assert (await counter.ask(counter.token(site.town.owner), query, id=who.id))["data"]["bookingDraft"] is not None


async def test_the_office_books_for_a_customer(counter: Counter) -> None:
    """R22, matrix: for one of its own; a customer cannot book for somebody else."""
    site = counter.site
    home, foreign = await site.home(), await site.home(town=site.other)

    who = await counter.booker(site.town.owner, customerId=gid("Customer", home.customer))

    assert who.draft["steps"]["customer"]["name"].startswith("Customer")
    for token, whom, code in (
        (counter.token(site.town.owner), foreign.customer, Code.NOT_FOUND),
        (None, home.customer, Code.NOT_FOUND),
    ):
        wish = {"customerId": gid("Customer", whom), **({} if token else {"tenant": site.town.slug})}
        one(await counter.do(token, "openBooking", wish, "bookingDraft { id }"), code)


async def test_a_booking_that_nobody_goes_on_with_ends(counter: Counter) -> None:
    """R41: after its days it says so, takes no step, and its price is no promise."""
    who = await counter.visitor()
    await who.save("Customer", **CUSTOMER)

    await counter.site.move(timedelta(days=31))
    answer = await who.tries("Property", **HOME)
    assert one(answer, Code.ILLEGAL_TRANSITION)["details"] == {"status": "EXPIRED"}
    await counter.site.settle("expire_booking")

    assert (await who.look())["status"] == "EXPIRED"
    one(await who.tries("Property", **HOME), Code.ILLEGAL_TRANSITION)


async def test_a_booking_page_is_told_what_it_needs(counter: Counter) -> None:
    """R33 to R38: markets, currency, the words of the consent, and the key of the card field, which is no secret."""
    slug = counter.site.town.slug
    query = """query ($tenant: String) { bookingForm(tenant: $tenant) {
        business currency markets { id name zone } consentVersion consentText canPay isTest publishableKey } }"""
    form = (await counter.ask(None, query, tenant=slug))["data"]["bookingForm"]

    assert (form["currency"], form["canPay"], form["isTest"]) == ("usd", True, True)
    assert form["publishableKey"] == f"pk_test_{slug}"
    assert [market["id"] for market in form["markets"]] == [gid("Market", counter.site.town.market)]
    assert form["business"] in form["consentText"]
    assert form["consentVersion"] == CONSENT_VERSION
    nobody = await counter.ask(None, query)
    assert [error["extensions"]["code"] for error in nobody["errors"]] == ["UNAUTHENTICATED"]
    unknown = await counter.do(None, "openBooking", {"tenant": "no-such"}, f"bookingDraft {{ {DRAFT} }}")
    one(unknown, Code.NOT_FOUND)


async def test_an_archived_market_and_another_businesses_is_no_place_to_book(counter: Counter) -> None:
    """R1, R3."""
    who = await counter.visitor()
    await who.save("Customer", **CUSTOMER)
    foreign = gid("Market", counter.site.other.market)
    assert one(await who.tries("Property", **HOME, marketId=foreign), Code.NOT_FOUND)["field"] == ["marketId"]


async def test_a_booking_asks_for_quotes_and_look_ups_only_so_often(counter: Counter) -> None:
    """R27, R41: nobody has to sign in to book, and an address costs money; another booking goes on."""
    who, other = await counter.visitor(), await counter.visitor(counter.site.other.slug)
    await who.save("Customer", **CUSTOMER)
    await who.save("Property", **HOME)

    async def refused(ask: Callable[[], Awaitable[Any]]) -> None:
        """Asked until it is refused: every six seconds one more is free. The refused one leaves nothing."""
        for _ in range(3 * A_BOOKING_AT_ONCE):
            before = await counter.site.world.trace(counter.site.town.tenant)
            answer = await ask()
            if answer["errors"]:
                break
        one(answer, Code.RATE_LIMITED)
        assert await counter.site.world.trace(counter.site.town.tenant) == before

    await refused(lambda: who.do("quotePrice", {"bookingDraftId": who.id}, "quote { id }"))
    await refused(lambda: who.tries("Property", **HOME))
    await other.save("Customer", **CUSTOMER)
    await other.save("Property", **HOME)


def test_bookings_of_one_address_are_counted_together() -> None:
    """R41: who opens one booking after another is no better off; from elsewhere it goes on."""
    limits = VisitLimiter(an_address=3)
    for number in range(3):
        limits.ensure(f"booking {number}", "203.0.113.7")

    with pytest.raises(RateLimited) as refusal:
        limits.ensure("booking 3", "203.0.113.7")

    assert refusal.value.retry_after_ms
    limits.ensure("booking 3", "203.0.113.8")


async def test_a_customer_changes_no_booking_past_the_product(counter: Counter) -> None:
    """R20, R41: whose it is sees the row; its steps and its price are written by the product alone."""
    site = counter.site
    home = await site.home()
    who = await counter.booker(home.who)

    async def meddle(tx: Tx, _: None) -> tuple[int, int]:
        seen = len(await tx.all(select(booking_draft).where(booking_draft.c.id == who.key)))
        mine = update(booking_draft).where(booking_draft.c.id == who.key)
        return seen, await tx.write(mine.values(status="CONFIRMED", price={}))

    before = await site.row("booking_draft", who.key)
    assert await site.do(home.who, command_of(meddle), None) == (1, 0)
    assert await site.row("booking_draft", who.key) == before
