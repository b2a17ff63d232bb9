"""The market's further moves in browsers: trades, draws, giving back, standing bids, and the office that agrees."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.board import Visitor
from tests.browser.conftest import Visit
from tests.browser.steps import offer, offered, planned

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SETTINGS = "mutation($settings: JSON!) { updateTenant(input: { settings: $settings }) { errors { code } } }"
OWN_SHIFTS = "query { assignments(first: 100, filter: { isLive: true }) { nodes { id } } }"


def _card(visitor: Visitor, words: str) -> Locator:
    return visitor.page.locator(".card:not(.leaving)", has_text=words)


async def _turn_to(visitor: Visitor, view: str) -> None:
    await visitor.page.get_by_role("button", name=view, exact=True).click()


async def _shifts(visitor: Visitor) -> set[str]:
    return {node["id"] for node in (await visitor.ask(OWN_SHIFTS))["assignments"]["nodes"]}


async def _fits(*visitors: Visitor) -> None:
    for visitor in visitors:
        assert visitor.page.viewport_size is not None
        width = visitor.page.viewport_size["width"]
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width


@asynccontextmanager
async def _settings(office: Visitor, then: dict[str, Any], **now: Any) -> AsyncIterator[None]:
    """Other numbers of the market for a while; on other pages they count from their next sign-in."""
    assert (await office.ask(SETTINGS, settings={"swaps": now}))["updateTenant"]["errors"] == []
    try:
        yield
    finally:
        # Every other test plays by them too.
        assert (await office.ask(SETTINGS, settings={"swaps": then}))["updateTenant"]["errors"] == []


async def test_a_trade_is_offered_for_a_shift_on_the_market_and_moves_both_when_it_is_taken(visit: Visit) -> None:
    """A27, A27b: chosen in the dialog, marked on the card, given by whoever has the shift, and by nobody else."""
    office = await visit("Owner 1")
    shift, wanted = await planned(office, "Cleaner 1"), await planned(office, "Cleaner 7", "Grove Cottage")
    owner, taker, stranger = await visit("Cleaner 1"), await visit("Cleaner 7"), await visit("Cleaner 2")
    await offered(taker, wanted, "To be had for another one")
    await expect(_card(owner, "To be had for another one")).to_be_visible()
    job = await offer(owner, shift, "A shift for a shift", wants=wanted)

    card = _card(taker, "A shift for a shift")
    await expect(card.locator(".badge.trade")).to_have_text("Trade")
    await expect(card.locator(".exchange")).to_contain_text("would take one certain shift in return.")
    await expect(card.locator(".exchange")).to_contain_text(re.compile(r"You give .* in Coconut Grove"))
    refused = _card(stranger, "A shift for a shift")
    await expect(refused.locator(".reasons li[data-code='NOTHING_TO_GIVE']")).to_be_visible()
    await expect(refused.locator("[data-does='accept']")).to_be_disabled()
    await expect(_card(owner, "A shift for a shift").locator(".exchange")).to_contain_text("Trade: you would take")
    await card.locator("[data-does='accept']").click()

    await expect(taker.job(job)).to_be_visible()
    await owner.is_told("One of theirs is yours in return.")
    await expect(owner.job(job)).to_have_count(0)
    await expect(_card(stranger, "A shift for a shift")).to_have_count(0)
    assert (job in await taker.own_jobs(), job in await owner.own_jobs()) == (True, False)
    assert wanted.job in await owner.own_jobs()
    assert wanted.job not in await taker.own_jobs()


async def test_who_has_several_wanted_shifts_says_which_one_is_given(visit: Visit) -> None:
    """A27b: a TRADE names two shifts of theirs; the second is chosen and goes, the first stays."""
    office, owner = await visit("Owner 1"), await visit("Cleaner 3")
    one, other = [await planned(office, "Cleaner 2") for _ in range(2)]
    await offered(owner, await planned(office, "Cleaner 3"), "The one or the other", wants=[one, other])
    visitor = await visit("Cleaner 2", **PHONE)
    card = _card(visitor, "The one or the other")
    choices = card.get_by_role("radio")
    await expect(choices).to_have_count(2)
    await choices.nth(1).check()
    await _fits(visitor)
    await card.locator("[data-does='accept']").click()

    await visitor.is_told("It is yours")
    shifts = await _shifts(visitor)
    assert (other.id in shifts, one.id in shifts) == (False, True)


async def test_a_shift_that_was_taken_is_given_back_and_is_its_owners_and_on_the_market_again(visit: Visit) -> None:
    """A27b, A29: by the notice and by "My week", whose countdown says how long; both boards show what is."""
    office, owner, taker = await visit("Owner 1"), await visit("Cleaner 6"), await visit("Cleaner 5", **PHONE)
    job = await offer(owner, await planned(office, "Cleaner 6", "Palafox Flat"), "Given back twice")
    for place in ("notice", "week"):
        await _turn_to(taker, "Market")
        await _card(taker, "Given back twice").locator("[data-does='accept']").click()
        await expect(owner.job(job)).to_have_count(0)
        await _turn_to(taker, "My week")
        back = taker.job(job).get_by_role("button", name="Give back the shift")
        await expect(back).to_have_text(re.compile(r"Give it back · (10:00|9:\d\d)"))
        await _fits(taker)
        await (taker.page.locator(".notice .act") if place == "notice" else back).click()

        await expect(taker.page.locator(".notice:not(.leaving)")).to_contain_text("back.")
        await expect(taker.job(job)).to_have_count(0)
        await expect(owner.job(job).get_by_text("On offer")).to_be_visible()
        assert (job in await owner.own_jobs(), job in await taker.own_jobs()) == (True, False)
    await owner.job(job).get_by_role("button", name="Withdraw").click()


async def test_after_the_grace_the_way_back_is_refused_in_words(visit: Visit) -> None:
    """A27b: the server decides; the shift stays with who took it."""
    office, owner, taker = await visit("Owner 1"), await visit("Cleaner 3"), await visit("Cleaner 4")
    shift = await planned(office, "Cleaner 3")
    await offered(owner, shift, "Too late to give back")
    await _card(taker, "Too late to give back").locator("[data-does='accept']").click()
    await expect(taker.page.locator(".shift.fresh")).to_be_visible()

    async with _settings(office, {"returnMinutes": 10}, returnMinutes=0):
        await taker.page.locator(".notice .act").click()
        await taker.is_told("offer it on the market instead")

    await expect(taker.page.locator(".shift.fresh")).to_be_visible()
    assert shift.id in await _shifts(taker)


async def test_a_shift_that_is_drawn_is_asked_for_and_the_asking_taken_back(visit: Visit) -> None:
    """A29: counted down by the server's clock, remembered over a reload, and nobody's until it is drawn."""
    office = await visit("Owner 1", "other")
    owner, asking = await visit("Cleaner 1", "other"), await visit("Cleaner 3", "other", **PHONE)
    job = await offer(owner, await planned(office, "Cleaner 1", "LoDo Loft"), "To be drawn")
    card = _card(asking, "To be drawn")
    await expect(card.locator(".standing")).to_contain_text(
        re.compile(r"Drawn at \d+:\d\d.[AP]M among those who ask, in")
    )
    await expect(card.locator(".left")).to_have_text(re.compile(r"[0-3]:\d\d"))

    await card.get_by_role("button", name="Ask for it").click()
    await expect(card.get_by_text("You have asked.")).to_be_visible()
    assert job not in await asking.own_jobs()
    await asking.page.reload()
    await expect(card.get_by_text("You have asked.")).to_be_visible()
    await _fits(asking)
    await card.get_by_role("button", name="Take it back").click()

    await expect(card.get_by_role("button", name="Ask for it")).to_be_enabled()
    swap = await card.get_attribute("data-swap")
    asked = await asking.ask("query($id: ID!) { swap(id: $id) { viewerHasAsked } }", id=swap)
    assert asked == {"swap": {"viewerHasAsked": False}}
    await owner.job(job).get_by_role("button", name="Withdraw").click()
    await expect(card).to_have_count(0)


async def test_the_office_agrees_and_only_then_the_shift_changes_hands(visit: Visit) -> None:
    """A27b: taker, owner and office each see where it stands, also after a reload; the office decides on its board."""
    office = await visit("Owner 1", "other")
    async with _settings(office, {"drawMinutes": 3}, drawMinutes=0):
        owner, taker = await visit("Cleaner 1", "other"), await visit("Cleaner 3", "other", **PHONE)
        job = await offer(owner, await planned(office, "Cleaner 1", "LoDo Loft"), "If the office agrees")
        asked, own, decided = (_card(visitor, "If the office agrees") for visitor in (taker, owner, office))
        await asked.locator("[data-does='accept']").click()

        await expect(asked.locator(".standing")).to_have_text("You have asked for it. The office has to agree.")
        await expect(own.locator(".standing")).to_contain_text("The office has to agree. Until then it stays yours.")
        await expect(owner.job(job)).to_contain_text("The office has to agree.")
        await expect(office.page.locator("#market .day").first).to_have_text("Awaiting your decision")
        await taker.page.reload()
        await expect(asked.get_by_role("button", name="Take it back")).to_be_enabled()
        await _fits(taker)
        assert (job in await owner.own_jobs(), job in await taker.own_jobs()) == (True, False)
        await decided.get_by_role("button", name="Approve").click()

        await taker.is_told("The office has agreed")
        await expect(owner.job(job)).to_have_count(0)
        await expect(decided).to_have_count(0)
        assert (job in await owner.own_jobs(), job in await taker.own_jobs()) == (False, True)


async def test_the_office_declines_with_a_reason_and_the_shift_stays(visit: Visit) -> None:
    """A27b: both are told, nothing has moved, and its owner may offer it again."""
    office = await visit("Dispatcher 1", "other", **PHONE)
    owner_of_settings = await visit("Owner 1", "other")
    async with _settings(owner_of_settings, {"drawMinutes": 3}, drawMinutes=0):
        owner, taker = await visit("Cleaner 2", "other"), await visit("Cleaner 4", "other")
        job = await offer(owner, await planned(office, "Cleaner 2", "LoDo Loft"), "Not agreed")
        await _card(taker, "Not agreed").locator("[data-does='accept']").click()
        decided = _card(office, "Not agreed")
        await decided.get_by_role("button", name="Decline").click()
        await office.page.get_by_role("button", name="Decline", exact=True).click()
        await expect(office.page.locator("#decline")).to_be_visible()
        await office.page.get_by_label("The reason").fill("The customer asked for the same person.")
        await _fits(office)
        await office.page.get_by_role("button", name="Decline", exact=True).click()

        await expect(decided).to_have_count(0)
        await taker.is_told("The office did not agree")
        await owner.is_told("it stays yours")
        await expect(_card(taker, "Not agreed")).to_have_count(0)
        await expect(owner.job(job).get_by_role("button", name="Offer")).to_be_enabled()
        assert (job in await owner.own_jobs(), job in await taker.own_jobs()) == (True, False)


async def test_the_offices_covers_name_nobody_who_did_not_offer(visit: Visit) -> None:
    """A22, A27: a cover for somebody and a place that nobody has, in words that fit both."""
    cleaner = await visit("Cleaner 7")

    await expect(_card(cleaner, "New guests at five.").locator(".offered")).to_contain_text(
        re.compile(r"^The office is looking for cover, until")
    )
    assert "null" not in await cleaner.page.locator("#market").inner_text()


async def test_a_standing_bid_takes_what_is_offered_later_until_it_is_withdrawn(visit: Visit) -> None:
    """A29: placed in the side column on a phone; what it takes is told, and can be given back like any shift."""
    office, bidder, owner = await visit("Owner 1"), await visit("Cleaner 5", **PHONE), await visit("Cleaner 6")
    await _turn_to(bidder, "Availability")
    await bidder.page.get_by_text("Add a standing wish").click()
    days = bidder.page.locator("#bids .day-box input")
    for place in range(7):
        await days.nth(place).check(force=True)
    await bidder.page.get_by_label("From").fill("00:00")
    await bidder.page.get_by_label("Until").fill("00:00")
    await bidder.page.locator("#bids").get_by_role("button", name="Take for me").click()
    row = bidder.page.locator("#bids .bid")
    await expect(row).to_contain_text("Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    await expect(row).to_contain_text("12:00 AM – 12:00 AM")
    await _fits(bidder)
    job = await offer(owner, await planned(office, "Cleaner 6", "Palafox Flat"), "For whoever always wants")

    await bidder.is_told("is in your week")
    await expect(owner.job(job)).to_have_count(0)
    assert job in await bidder.own_jobs()
    await row.get_by_role("button", name="Withdraw").click()
    await expect(row).to_have_count(0)
    bids = await bidder.ask("query { standingBids(filter: { isWithdrawn: false }) { totalCount } }")
    assert bids == {"standingBids": {"totalCount": 0}}


async def test_where_there_are_no_standing_bids_there_is_no_panel_for_them(visit: Visit) -> None:
    """A29: a setting of the business, which its cleaners can read."""
    with_bids, without = await visit("Cleaner 1"), await visit("Cleaner 1", "other")

    await expect(with_bids.page.locator("#bids")).to_be_visible()
    await expect(without.page.locator("#bids")).to_be_hidden()


async def test_a_card_that_is_tapped_stays_where_it_is_on_the_screen(visit: Visit) -> None:
    """On a phone the page does not jump to its top under the thumb."""
    visitor = await visit("Cleaner 1", **PHONE)
    last = visitor.page.locator(".card").last
    await last.scroll_into_view_if_needed()
    before = await visitor.page.evaluate("scrollY")

    await last.locator("h4").click()

    assert before > 0
    assert await visitor.page.evaluate("scrollY") == before
