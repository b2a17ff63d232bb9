"""The customer's yes: computed anew, refused where the price differs, paid once, and then an order (R39 to R50)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from tests.booking.counter import ADD_ONS, CUSTOMER, HOME, Booker, Counter, codes, one
from tests.product.world import gid

TABLES = ("customer", "property", "service_plan", "payment", "payment_method", "money_op", "job", "quote_request")
"""What a refused yes must not have written."""


async def ready(counter: Counter, **more: Any) -> tuple[Booker, Any]:
    """A booking with all steps saved, and its quote."""
    who = await counter.visitor()
    await who.fill(**more)
    return who, await who.quoted()


async def written(counter: Counter) -> dict[str, int]:
    site = counter.site
    return {table: await site.world.count(table, site.town.tenant) for table in TABLES}


async def test_a_booking_is_paid_once_and_becomes_a_plan_with_its_first_clean(counter: Counter) -> None:
    """R39, R40, R44 to R46, R47, R48, A10: charged at once, linked to the job, which is prepaid and never held."""
    site = counter.site
    who, quote = await ready(counter)

    answer = await who.confirm(quote["id"], 19_500)
    assert (answer["errors"], answer["bookingDraft"]["status"]) == ([], "CONFIRMING")
    assert await site.world.count("job", site.town.tenant) == 0
    await site.settle()
    draft = await who.look()

    assert (draft["status"], draft["nextStep"], draft["failure"]) == ("CONFIRMED", "SUCCESS", None)
    order = draft["order"]
    assert (order["totalCents"], order["currency"], order["price"]["totalCents"]) == (19_500, "usd", 19_500)
    assert order["jobId"] is not None
    assert len(order["nextSteps"]) >= 3
    [intent] = site.things("payment_intents")
    assert (intent["amount"], intent["currency"], intent["status"]) == (19_500, "usd", "succeeded")
    assert intent["capture_method"].startswith("automatic")
    plan = await site.rows("select * from service_plan where tenant_id = $1", site.town.tenant)
    [plan] = plan
    assert (plan["status"], plan["is_first_clean_prepaid"]) == ("ACTIVE", True)
    assert (plan["frequency"], plan["term"], plan["price_cents"]) == ("WEEKLY", "MONTHLY", 19_500)
    assert plan["payment_intent_id"] == intent["id"]
    marks = intent["metadata"]
    assert (marks["customerId"], marks["subscriptionId"], marks["isFirstClean"]) == (
        str(plan["customer_id"]),
        str(plan["id"]),
        "true",
    )
    [job] = await site.rows("select * from job where plan_id = $1", plan["id"])
    assert (job["prepaid"], job["payment_status"], job["price_cents"]) == (True, "CAPTURED", 19_500)
    assert job["payment_intent_id"] == intent["id"]
    assert str(job["planned_on"]) == draft["steps"]["calendar"]["firstOn"]
    whose = await site.row("customer", plan["customer_id"])
    assert whose["provider_id"] == intent["customer"]
    assert len(await site.notices("BOOKING_CONFIRMED")) == 1
    await site.until(job["starts_at"] - timedelta(hours=20))
    await site.duty("hold_payments")
    assert [one for one in site.things("payment_intents") if one["capture_method"] == "manual"] == []


async def test_another_price_is_refused_before_anything_is_asked_of_the_provider(counter: Counter) -> None:
    """R43, R222, A33: 194.99 against 195.00; the quote stands, nothing is written."""
    who, quote = await ready(counter)
    before, asked = await written(counter), counter.asked()

    answer = await who.confirm(quote["id"], 19_499)

    error = one(answer, Code.PRICE_CHANGED)
    assert error["message"] == "Price validation failed."
    assert error["field"] == ["totalCents"]
    assert (error["details"]["submittedCents"], error["details"]["totalCents"]) == (19_499, 19_500)
    assert answer["quote"]["id"] == error["details"]["quote"] == quote["id"]
    assert (await written(counter), counter.asked()) == (before, asked)
    await counter.site.settle()
    assert counter.site.things("payment_intents") == []
    assert (await who.confirm(quote["id"], 19_500))["errors"] == []


@pytest.mark.parametrize("cents", [-19_500, 0, 100_000_000])
async def test_an_impossible_total_is_no_price(counter: Counter, cents: int) -> None:
    """A9, R19: negative, nothing, more than a card network takes."""
    who, quote = await ready(counter)
    before, asked = await written(counter), counter.asked()
    answer = await who.confirm(quote["id"], cents)
    assert codes(answer) in (["INVALID"], ["PRICE_CHANGED"])
    assert (await written(counter), counter.asked()) == (before, asked)


@pytest.mark.parametrize("cents", [195.5, "19500", None, True])
async def test_what_is_no_whole_number_of_cents_does_not_reach_the_rules(counter: Counter, cents: Any) -> None:
    """A9, R19, R261."""
    who, quote = await ready(counter)
    said = {
        "bookingDraftId": who.id,
        "quoteId": quote["id"],
        "totalCents": cents,
        "returnUrl": "https://cleanshift.test/b",
    }
    query = "mutation ($input: ConfirmBookingInput!) { confirmBooking(input: $input) { errors { code } } }"
    answer = await counter.ask(who.token, query, input=said)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]
    assert counter.site.things("payment_intents") == []


async def test_a_price_that_changed_in_between_explains_itself_line_by_line(counter: Counter) -> None:
    """R43, R60, A33: the lines that differ sum to the difference, and the new quote can be said yes to."""
    who, quote = await ready(counter)
    owner = counter.token(counter.site.town.owner)
    wish = {"perBedroomCents": 1_700, "hotTubStandardCents": 2_500}
    await counter.do(owner, "publishPriceBook", wish, "priceBook { id }")
    before, asked = await written(counter), counter.asked()

    answer = await who.confirm(quote["id"], 19_500)

    one(answer, Code.PRICE_CHANGED)
    lines = {line["code"]: (line["beforeCents"], line["afterCents"]) for line in answer["differences"]}
    assert lines == {"BEDROOMS": (4_500, 5_100), "HOT_TUB": (3_000, 2_500)}
    assert all(line["message"] for line in answer["differences"])
    assert answer["quote"]["totalCents"] == 19_500 + 600 - 500
    assert (await written(counter), counter.asked()) == (before, asked)
    gone = await who.confirm(quote["id"], 19_600)
    one(gone, Code.QUOTE_EXPIRED)
    good = await who.confirm(gone["quote"]["id"], 19_600)
    assert good["errors"] == []


async def test_an_expired_quote_is_refused_with_a_new_one(counter: Counter) -> None:
    """A33: after its time it is no promise, whether or not the task has come by."""
    who, quote = await ready(counter)
    await counter.site.move(timedelta(minutes=61))
    asked = counter.asked()

    answer = await who.confirm(quote["id"], 19_500)

    one(answer, Code.QUOTE_EXPIRED)
    assert (answer["quote"]["totalCents"], answer["quote"]["isGood"], answer["differences"]) == (19_500, True, [])
    assert counter.asked() == asked
    assert (await who.confirm(answer["quote"]["id"], 19_500))["errors"] == []


async def test_a_quote_that_was_tampered_with_is_worth_nothing(counter: Counter) -> None:
    """A33: the signature covers total, currency, home, lines and end."""
    site = counter.site
    cheap = '[{"code": "AGREED", "label": "x", "quantity": 1, "unitCents": 100}]'
    agreed = f"total_cents = 100, is_custom = true, price = jsonb_set(price, '{{lines}}', '{cheap}')"
    for change in (agreed, "expires_at = expires_at + interval '1 year'", "currency = 'eur'"):
        who, quote = await ready(counter)
        key = await site.value("select id from quote where draft_id = $1 and status = 'OPEN'", who.key)
        await site.world.root.execute(f"update quote set {change} where id = $1", key)
        before, asked = await written(counter), counter.asked()

        answer = await who.confirm(quote["id"], 100 if change is agreed else 19_500)

        assert codes(answer) == ["QUOTE_EXPIRED"]
        assert (await written(counter), counter.asked()) == (before, asked)


async def test_a_quote_of_another_booking_is_no_quote(counter: Counter) -> None:
    """R3: of another visitor, of another business."""
    who, _ = await ready(counter)
    _, foreign = await ready(counter)
    there = await counter.visitor(counter.site.other.slug)
    await there.fill(card="pm_card_visa")
    elsewhere = await there.quoted()
    before, asked = await written(counter), counter.asked()

    for quote in (foreign, elsewhere):
        assert one(await who.confirm(quote["id"], 19_500), Code.NOT_FOUND)["field"] == ["quoteId"]
    assert (await written(counter), counter.asked()) == (before, asked)


async def test_a_home_that_changed_after_the_quote_needs_a_new_one(counter: Counter) -> None:
    """R41, R43: also where the total is the same by chance."""
    who, quote = await ready(counter)
    await who.save("Property", **{**HOME, "bedrooms": 2, "bathrooms": 3})

    answer = await who.confirm(quote["id"], 19_500)

    one(answer, Code.QUOTE_EXPIRED)
    assert {line["code"] for line in answer["differences"]} == {"BEDROOMS", "BATHROOMS"}
    assert counter.site.things("payment_intents") == []


async def test_a_quote_is_used_once_and_a_second_tap_changes_nothing(counter: Counter) -> None:
    """R39: the same yes again is the same booking; ten at once charge once."""
    site = counter.site
    who, quote = await ready(counter)

    answers = await asyncio.gather(*[who.confirm(quote["id"], 19_500) for _ in range(10)])
    await site.settle()
    again = await who.confirm(quote["id"], 19_500)

    assert [codes(answer) for answer in answers] == [[]] * 10
    assert again["errors"] == []
    assert len(site.things("payment_intents")) == len([o for o in site.things("charges") if o["captured"]]) == 1
    assert await written(counter) == {
        **dict.fromkeys(TABLES, 1),
        "quote_request": 0,
        "money_op": (await written(counter))["money_op"],
    }


async def test_a_declined_card_leaves_nothing_active_and_another_card_goes_on(counter: Counter) -> None:
    """R49: the reason is told, the draft is open again, the same quote is paid with another card."""
    site = counter.site
    who, quote = await ready(counter, card=counter.site.fresh_method("chargeDeclined"))
    await who.confirm(quote["id"], 19_500)
    await site.settle()

    draft = await who.look()
    assert (draft["status"], draft["nextStep"], draft["order"]) == ("OPEN", "CONFIRMATION", None)
    assert draft["failure"]["message"]
    assert await site.world.count("job", site.town.tenant) == 0
    plans = await site.rows("select status from service_plan where tenant_id = $1", site.town.tenant)
    assert [plan["status"] for plan in plans] == ["CANCELED"]
    assert await site.notices("BOOKING_CONFIRMED") == []

    await who.pay_with(site.fresh_method())
    answer = await who.confirm(quote["id"], 19_500)
    assert answer["errors"] == []
    await site.settle()

    assert (await who.look())["status"] == "CONFIRMED"
    assert await site.world.count("customer", site.town.tenant) == 1
    assert await site.world.count("property", site.town.tenant) == 1
    assert len([o for o in site.things("charges") if o["captured"]]) == 1
    assert await site.world.count("job", site.town.tenant) == 1


async def test_a_visitor_is_nobody_who_is_known_already(counter: Counter) -> None:
    """R30: an email proves nobody; the booking makes a customer of its own, and shows nothing of the other one."""
    site = counter.site
    home = await site.home()
    email = (await site.row("customer", home.customer))["email"]
    who = await counter.visitor()
    await who.save("Customer", **{**CUSTOMER, "email": email})
    await who.fill()
    draft = await who.books()

    assert draft["status"] == "CONFIRMED"
    [plan] = await site.rows("select customer_id from service_plan where tenant_id = $1", site.town.tenant)
    assert plan["customer_id"] != home.customer
    assert (await site.row("customer", home.customer))["name"] != CUSTOMER["name"]
    mine = await counter.ask(counter.token(home.who), "{ bookingDrafts { totalCount } quotes { totalCount } }")
    assert mine["data"] == {"bookingDrafts": {"totalCount": 0}, "quotes": {"totalCount": 0}}


async def test_a_customer_who_is_signed_in_books_for_themself(counter: Counter) -> None:
    """R30, R40: their own home and record, no second one."""
    site = counter.site
    home = await site.home()
    who = await counter.booker(home.who)
    await who.save("Property", propertyId=gid("Property", home.property))
    await who.save("AddOns", **ADD_ONS)
    await who.save("Calendar", firstOn=await counter.day(8), startTime="09:00")
    await who.save("Terms", frequency="ONCE")
    await who.pay_with(site.fresh_method())
    draft = await who.books()

    assert draft["order"]["totalCents"] == 9_000 + 3_000 + 4_500
    [plan] = await site.rows("select * from service_plan where tenant_id = $1", site.town.tenant)
    assert (plan["customer_id"], plan["property_id"]) == (home.customer, home.property)
    query = "{ servicePlans { nodes { status priceCents price { totalCents } startTime quote { status } } } }"
    seen = await counter.ask(counter.token(home.who), query)
    assert seen["data"]["servicePlans"]["nodes"] == [
        {
            "status": "ACTIVE",
            "priceCents": 16_500,
            "price": {"totalCents": 16_500},
            "startTime": "09:00",
            "quote": {"status": "ACCEPTED"},
        }
    ]


async def test_without_a_provider_nothing_is_booked(counter: Counter) -> None:
    """A41: said before anything is written."""
    site = counter.site
    who, quote = await ready(counter)
    await site.world.root.execute("delete from provider_account where tenant_id = $1", site.town.tenant)
    before = await written(counter)

    one(await who.confirm(quote["id"], 19_500), Code.NOT_CONFIGURED)

    assert await written(counter) == before
    assert (await who.look())["status"] == "OPEN"


async def test_a_yes_before_its_time_is_refused(counter: Counter) -> None:
    """R41: without a card there is nothing to say yes with; the time of the first clean may be over by now."""
    who = await counter.visitor()
    await who.save("Customer", **CUSTOMER)
    await who.save("Property", **HOME)
    quote = await who.quoted()
    refusal = one(await who.confirm(quote["id"], 12_000), Code.ILLEGAL_TRANSITION)
    assert refusal["details"]["next"] == "ADD_ONS"

    late, _ = await ready(counter)
    await counter.site.move(timedelta(days=9))
    again = await late.quoted()
    assert one(await late.confirm(again["id"], 19_500), Code.INVALID)["field"] == ["firstOn"]
    assert counter.site.things("payment_intents") == []


async def test_a_plan_by_calendar_gets_its_first_day_later_and_is_paid_already(counter: Counter) -> None:
    """R36, A10: paid at once, the job when its day is known, linked to what was paid."""
    site = counter.site
    who = await counter.visitor()
    await who.fill()
    await who.save("Calendar", icalUrl="https://calendar.example/home.ics")
    draft = await who.books()
    assert (draft["status"], draft["order"]["jobId"]) == ("CONFIRMED", None)

    wish = {"servicePlanId": draft["order"]["servicePlanId"], "firstOn": await counter.day(5), "startTime": "11:00"}
    owner = counter.token(site.town.owner)
    made = await counter.do(owner, "planFirstClean", wish, "job { paymentStatus priceCents quote { status } }")

    assert made == {
        "job": {"paymentStatus": "CAPTURED", "priceCents": 19_500, "quote": {"status": "ACCEPTED"}},
        "errors": [],
    }
    one(await counter.do(owner, "planFirstClean", wish, "job { id }"), Code.CONFLICT)
    foreign = counter.token(site.other.owner)
    one(await counter.do(foreign, "planFirstClean", wish, "job { id }"), Code.NOT_FOUND)


async def test_a_bank_that_wants_the_customer_to_confirm_is_waited_for(counter: Counter) -> None:
    """R46, R49: the booking says where to confirm, to whose it is alone, and is confirmed once that is done."""
    site = counter.site
    who, quote = await ready(counter, card=site.fresh_method("authenticationRequired"))
    await who.confirm(quote["id"], 19_500)
    await site.settle()

    draft = await who.look()
    assert draft["status"] == "CONFIRMING"
    assert draft["failure"]["actionUrl"].startswith("https://")
    assert (await _as_office(counter, who))["failure"] == {**draft["failure"], "actionUrl": None}
    assert await site.world.count("job", site.town.tenant) == 0
    [intent] = site.things("payment_intents")
    await site.control("POST", f"intents/{intent['id']}/authenticate", {"ok": True})
    await site.move(timedelta(minutes=10))
    await site.duty("sweep_money")


async def _as_office(counter: Counter, who: Booker) -> Any:
    query = "query ($id: ID!) { bookingDraft(id: $id) { status failure { message actionUrl at } } }"
    answer = await counter.ask(counter.token(counter.site.town.owner), query, id=who.id)
    return answer["data"]["bookingDraft"]


async def test_a_visitor_does_not_try_one_card_after_another(counter: Counter) -> None:
    """Whoever tests stolen cards is stopped after five, and nothing more is asked of the provider."""
    site = counter.site
    who, quote = await ready(counter, card=site.fresh_method("chargeDeclined"))
    for _ in range(5):
        assert (await who.confirm(quote["id"], 19_500))["errors"] == []
        await site.settle()
        await who.pay_with(site.fresh_method("chargeDeclined"))
    before, asked = await written(counter), counter.asked()

    one(await who.confirm(quote["id"], 19_500), Code.CONFLICT)
    await site.settle()

    assert (await written(counter), counter.asked()) == (before, asked)
