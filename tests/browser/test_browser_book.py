"""The booking page: a customer without any account books on a phone, is declined, and pays with another card."""

import re
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from playwright.async_api import Locator, expect

from tests.browser.board import Visitor
from tests.browser.conftest import Visit
from tests.browser.fieldwork import FITS, PHONE

CARD = """async (given) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch("/demo/card", { method: "POST", headers, body: JSON.stringify(given) });
    return [answer.status, (await answer.json()).paymentMethodId ?? null];
}"""
WIDEST = """() => Math.max(...[...document.querySelectorAll("form:not([hidden]) *")]
    .map((one) => one.getBoundingClientRect().right - one.closest("form").getBoundingClientRect().right))"""
PUBLISH = "mutation($base: Int!) { publishPriceBook(input: { baseCents: $base }) { errors { message } } }"
TOWNS = {
    "demo": {"address": "Ocean Drive", "city": "Miami", "postalCode": "33139"},
    "other": {"address": "Broadway", "city": "Denver", "postalCode": "80202"},
}
FOR_MAIL = re.compile(r"/sign-in\?business=demo$")
_houses = count(1500)


def step(visitor: Visitor, name: str) -> Locator:
    """A step of the page; one is shown at a time."""
    return visitor.page.locator(f"[data-step='{name}']")


async def goes_on(visitor: Visitor, to: str) -> None:
    """Press Next, and wait for the step that follows; nothing is wider than the phone."""
    await visitor.page.locator("[data-on]").click()
    await expect(step(visitor, to)).to_be_visible()
    assert await visitor.page.evaluate(FITS)


async def fills(visitor: Visitor, **said: Any) -> None:
    for name, value in said.items():
        await visitor.page.locator(f"form:visible [name='{name}']").fill(str(value))


async def to_home(visit: Visit, business: str = "demo", **options: Any) -> Visitor:
    """A new customer of a business who has said who they are, and which home it is."""
    visitor = await visit(**{**PHONE, **options})
    await visitor.page.goto(f"/book?tenant={business}")
    await expect(step(visitor, "CUSTOMER")).to_be_visible()
    house = next(_houses)
    await fills(visitor, name="A new customer", email=f"new-{house}@example.com", phone="+13055550177")
    await goes_on(visitor, "PROPERTY")
    size = {"bedrooms": 3, "bathrooms": 2, "squareFeet": 2400}
    await fills(visitor, **{**TOWNS[business], "address": f"{house} {TOWNS[business]['address']}"}, **size)
    return visitor


async def to_card(visit: Visit, business: str = "demo", **options: Any) -> Visitor:
    """The same, who has said everything but how they pay."""
    visitor = await to_home(visit, business, **options)
    await goes_on(visitor, "ADD_ONS")
    await goes_on(visitor, "CALENDAR")
    demo = datetime.fromisoformat(await visitor.page.evaluate("new Date().toISOString()"))
    await fills(visitor, firstOn=(demo + timedelta(days=12)).date().isoformat(), startTime="10:00")
    await goes_on(visitor, "TERMS")
    await goes_on(visitor, "PAYMENT")
    return visitor


async def gives(visitor: Visitor, card: str) -> None:
    """Choose a test card, agree to the terms, and come to the last step."""
    await visitor.page.locator("[name=paymentMethodId]").select_option(label=card)
    await visitor.page.locator("[name=agreed]").check()
    await goes_on(visitor, "CONFIRMATION")


async def pays_with(visitor: Visitor, card: str) -> None:
    await gives(visitor, card)
    await visitor.page.locator("[data-on]").click()


async def test_a_declined_card_costs_nothing_and_another_one_books_the_clean(visit: Visit) -> None:
    """R33 to R40, R49: the reason and what to do, the focus where it is, days in words; and what follows."""
    visitor = await to_card(visit, timezone_id="Asia/Tokyo")

    await pays_with(visitor, "One that is declined")

    fault = visitor.page.locator("#whole-fault")
    await expect(fault).to_contain_text("declined")
    await expect(fault).to_contain_text("give another card")
    await expect(step(visitor, "CONFIRMATION").locator("h2")).to_be_focused()
    await expect(step(visitor, "CONFIRMATION")).to_contain_text("10:00 AM")
    await visitor.page.locator("[data-back]").click()
    await expect(step(visitor, "PAYMENT")).to_be_visible()
    await pays_with(visitor, "Visa")

    done = step(visitor, "SUCCESS")
    await expect(done).to_be_visible()
    # The hour of the home, not of where the customer is.
    await expect(done.locator("[data-order]")).to_contain_text("10:00 AM")
    await expect(visitor.page.locator("#price")).to_be_hidden()
    await expect(done.get_by_role("link", name="Sign in by mail")).to_have_attribute("href", FOR_MAIL)


async def test_who_is_to_confirm_with_the_bank_can_go_there_and_comes_back_to_a_booked_clean(visit: Visit) -> None:
    """R33, R49: while the page waits for the payment, its way to the bank can be taken."""
    visitor = await to_card(visit)
    await pays_with(visitor, "One whose bank asks back")

    to_bank = visitor.page.get_by_role("link", name="Confirm with your bank")
    await expect(to_bank).to_be_visible()
    await to_bank.click()
    await visitor.page.get_by_role("button", name="Complete authentication").click()

    await expect(step(visitor, "SUCCESS")).to_be_visible()


async def test_a_price_that_has_changed_is_shown_everywhere_before_it_is_agreed_to(visit: Visit) -> None:
    """R44: nothing is charged at once; what has changed is said, and the page names one price."""
    visitor = await to_card(visit, "other")
    await gives(visitor, "Visa")
    owner = await visit("Owner 1", tenant="other")
    assert (await owner.ask(PUBLISH, base=4_700))["publishPriceBook"]["errors"] == []
    before = await visitor.page.locator("[data-total]").inner_text()

    await visitor.page.locator("[data-on]").click()

    await expect(visitor.page.locator("#whole-fault")).to_contain_text("The price has changed")
    await expect(visitor.page.locator("[data-changes]")).to_contain_text("47.00")
    now = await visitor.page.locator("[data-total]").inner_text()
    assert now != before
    await expect(visitor.page.locator("[data-on]")).to_have_text(f"Book and pay {now}")
    await visitor.page.locator("[data-on]").click()
    await expect(step(visitor, "SUCCESS").locator("[data-order]")).to_contain_text(now)


async def test_every_visitor_of_the_demo_can_give_the_same_test_card(visit: Visit) -> None:
    """R38: a card that another customer has been declined with, or has paid with, is a card of its own each time."""
    for _ in range(2):
        visitor = await to_card(visit)
        await pays_with(visitor, "One that is declined")
        await expect(visitor.page.locator("#whole-fault")).to_contain_text("Your bank has declined the card.")
        await visitor.page.locator("[data-back]").click()
        await pays_with(visitor, "Mastercard")
        await expect(step(visitor, "SUCCESS")).to_be_visible()


async def test_what_is_wrong_is_said_in_words_beside_its_field(visit: Visit) -> None:
    """R44: blanks and fractions before anything is sent, and nothing moves out of its place."""
    visitor = await to_home(visit)
    bedrooms = visitor.page.locator("[name=bedrooms]")
    await fills(visitor, bedrooms="2.5")
    await visitor.page.locator("[data-on]").click()
    await expect(visitor.page.locator("#bedrooms-fault")).to_have_text("Please give a whole number.")
    await expect(bedrooms).to_be_focused()
    boxes = [await visitor.page.locator(f"[name={name}]").bounding_box() for name in ("bedrooms", "bathrooms")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] == boxes[1]["y"]

    await fills(visitor, bedrooms="2", city="")
    await visitor.page.locator("[data-on]").click()
    await expect(visitor.page.locator("#city-fault")).to_have_text("Please give the city.")
    await fills(visitor, city="Miami")
    await goes_on(visitor, "ADD_ONS")
    await goes_on(visitor, "CALENDAR")
    assert await visitor.page.evaluate(WIDEST) <= 0


async def test_the_open_price_never_lies_over_the_buttons(visit: Visit) -> None:
    """R35: on a phone the lines of the price can be open, and Next is still reached."""
    visitor = await to_home(visit)
    await goes_on(visitor, "ADD_ONS")
    await visitor.page.locator("#price summary").click()
    await visitor.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    button = await visitor.page.locator("[data-on]").bounding_box()
    price = await visitor.page.locator("#price").bounding_box()
    assert button is not None
    assert price is not None
    assert button["y"] + button["height"] <= price["y"]


async def test_test_cards_are_handed_out_by_the_demo_alone(visit: Visit) -> None:
    visitor = await visit(**PHONE)
    ask = visitor.page.evaluate
    status, first = await ask(CARD, {"tenant": "demo", "card": "visa"})
    _, second = await ask(CARD, {"tenant": "demo", "card": "visa"})
    assert status == 200
    assert first != second
    assert first.startswith("pm_")
    assert await ask(CARD, {"tenant": "platform", "card": "visa"}) == [404, None]
    assert await ask(CARD, {"tenant": "demo", "card": ["visa"]}) == [404, None]
    assert await ask(CARD, {"tenant": "demo", "card": "of gold"}) == [422, None]
    unasked = await visitor.context.request.post("/demo/card", data="{}", headers={"content-type": "text/plain"})
    assert unasked.status == 415
