"""What the pages say of days, by a made-up clock: it goes on by itself when a day turns where the home is."""

import re
from typing import Any

from playwright.async_api import Route, expect

from tests.browser.board import Visitor
from tests.browser.conftest import Visit
from tests.browser.fieldwork import PHONE, to_page
from tests.browser.steps import until

BEFORE, AFTER = "2026-11-22T23:59:30-05:00", "2026-11-23T00:00:30-05:00"
"""The night to a Monday, in New York: by UTC it is the same day."""
SECONDS_BEFORE = "2026-11-22T23:59:52-05:00"
OVER_MIDNIGHT = """async ([before, after]) => {
    const [{ Shifts }, { ShiftPage }] = [await import("/web/shifts.js"), await import("/web/shift.js")];
    const [{ Market }, { Week }] = [await import("/web/market.js"), await import("/web/week.js")];
    const time = { now: Date.parse(before) };
    const clock = { isSet: true, now: () => time.now, observe() {} };
    const part = (html) => Object.assign(document.createElement("div"), { innerHTML: html });
    const [zone, none] = ["America/New_York", () => null];
    const when = { startsAt: "2026-11-23T10:00:00-05:00", endsAt: "2026-11-23T13:00:00-05:00" };
    const home = { city: "Miami", bedrooms: 1, bathrooms: 1, squareFeet: 800, laundry: "NONE" };
    const job = { ...when, ...home, id: "1", zone, status: "ASSIGNED", expectedHours: "3" };

    const list = part("<div data-list></div><p data-empty></p>");
    const shifts = new Shifts(list, clock);
    const crew = [{ assignmentId: "2", role: "PRIMARY", phase: null }];
    shifts.take({ __typename: "JobsSnapshot", jobs: [{ ...job, crew }] });

    const parts = ["result", "timer", "before", "checklist", "after", "lacking", "notes", "help", "act"];
    const one = part(`<header data-head></header><ol data-phases></ol><p data-said></p><input id="camera">
        ${parts.map((name) => `<section data-part="${name}"></section>`).join("")}`);
    const [note, barred, viewer] = [1, 2, 3].map(() => part("<p data-photos></p><button data-cancel></button>"));
    const proof = { status: "OPEN", missing: [], requirements: [] };
    const known = { ...job, property: home, market: { zone }, checklist: [], evidence: proof, photos: { nodes: [] } };
    const assignment = { ...when, id: "2", role: "PRIMARY", visit: null, job: known };
    const called = async () => ({ viewer: {}, assignment });
    const shift = new ShiftPage(
        { root: one, dialogs: { note, barred, viewer }, isDemo: false, tell: none },
        { line: { clock, call: called }, outbox: { entries: [], has: () => false }, uploads: { of: () => [] } },
    );
    await shift.open("2");

    const cards = part(`<p data-count></p><label data-filter><input type="checkbox"></label>
        <div data-cards></div><p data-empty></p>`);
    const business = { currency: "usd", swaps: {} };
    const market = new Market(cards, { session: { isCleaner: true, personId: "3" }, clock, zone, business }, {});
    const offer = { kind: "COVER", status: "PENDING", openedBy: "CLEANER", ownerId: "4", ownerName: "Cleaner 4" };
    market.replace([{ ...job, ...offer, expiresAt: when.startsAt }]);

    const own = part(`<p data-week></p><p data-count></p>
        <button data-step="back"></button><button data-step="on"></button><div data-shifts></div><p data-empty></p>`);
    const ofWeek = { ...when, id: "2", role: "PRIMARY", job: { ...job, market: { zone }, property: home } };
    const nodes = (from) => (Date.parse(from) > Date.parse("2026-11-22T12:00Z") ? [ofWeek] : []);
    const asked = async (_query, { from }) => ({ viewer: {}, assignments: { nodes: nodes(from) } });
    const week = new Week(own, zone, { call: asked, clock, offerFor: none, returnableFor: none });
    await week.refresh();

    const places = [[list, ".day"], [one, ".when"], [cards, ".day"], [own, ".day"], [own, "[data-week]"]];
    const said = () => places.map(([root, place]) => root.querySelector(place).textContent);
    const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    const first = said();
    // Whatever draws for the first time has done so.
    await wait(1_500);
    time.now = Date.parse(after);
    for (let turn = 0; turn < 100 && said().some((text, place) => text === first[place]); turn += 1) await wait(100);
    [shifts, shift, market, week].forEach((view) => view.close());
    return [first, said()];
}"""
LOOKED_AT = """async ([before, after]) => {
    const { Today } = await import("/web/today.js");
    const time = { now: Date.parse(before) };
    const html = `<div data-days></div><div data-alerts></div><div data-list></div>
        <p data-count></p><p data-empty></p>`;
    const root = Object.assign(document.createElement("div"), { innerHTML: html });
    const today = new Today(root, { isSet: true, now: () => time.now });
    const there = { checkedInAt: "2026-11-22T23:10:00-05:00", checkedOutAt: "2026-11-22T23:50:00-05:00" };
    const times = { startsAt: "2026-11-23T00:15:00-05:00", endsAt: "2026-11-23T01:00:00-05:00" };
    const crew = [{ ...there, cleanerName: "Cleaner 1" }];
    const rest = { id: "1", zone: "America/New_York", propertyName: "Key House", city: "Miami", status: "COMPLETED" };
    today.take({ __typename: "JobsSnapshot", jobs: [{ ...rest, ...times, crew }] });
    const said = () => root.querySelector("[data-list] .where").textContent;
    const turn = (place) => (root.querySelectorAll("[data-days] button")[place].click(), said());
    const shown = [said(), turn(2), turn(1)];
    time.now = Date.parse(after);
    today.render();
    today.close();
    return [...shown, said()];
}"""
SERVER_TIME = re.compile(r'"serverTime":"[^"]+"')


async def test_what_is_said_of_days_goes_on_when_a_day_turns(visit: Visit) -> None:
    """A25: without a frame of a feed, on every page that says "Today"."""
    page = (await visit()).page

    before, after = await page.evaluate(OVER_MIDNIGHT, [BEFORE, AFTER])

    def said(near: str, week: str) -> list[str]:
        long, short = f"{near} · Monday, November 23", f"{near} · Mon, Nov 23"
        hours = "10:00\u00a0AM – 1:00\u00a0PM"
        return [long, f"{near}, {hours}", long, short, f"{week} · Nov 23 – 29"]

    assert [_plain(text) for text in before] == [_plain(text) for text in said("Tomorrow", "Next week")]
    assert [_plain(text) for text in after] == [_plain(text) for text in said("Today", "This week")]


async def test_a_clean_of_another_day_says_which_on_the_days_on_which_it_is_another(visit: Visit) -> None:
    """R126: planned after a midnight, done before it; the list itself is the same on both days."""
    page = (await visit()).page

    shown = await page.evaluate(LOOKED_AT, [BEFORE, AFTER])

    assert ["Mon, Nov 23" in text for text in shown] == [True, False, True, False]


async def test_the_week_of_the_pay_goes_on_when_a_monday_begins_where_the_cleaner_works(visit: Visit) -> None:
    """A25: read again by itself; at that hour it is still Sunday in a market to the west."""
    visitors = [await visit(**PHONE), await visit(**PHONE)]
    labels = ("Cleaner 3", "Cleaner 6")
    miami, pensacola = [await _weeks_of_pay(*one) for one in zip(visitors, labels, strict=True)]

    await until(lambda: miami[-1] == "2026-11-23")

    assert miami[0] == "2026-11-16"
    assert set(pensacola) == {"2026-11-16"}
    for visitor in visitors:
        await visitor.page.unroute_all(behavior="wait")


async def _weeks_of_pay(visitor: Visitor, label: str) -> list[str]:
    """The Mondays for which a cleaner's page of pay asks, from some seconds before that midnight on."""
    asked: list[str] = []

    async def at_night(route: Route) -> None:
        sent: dict[str, Any] = route.request.post_data_json or {}
        if "query Statement" in sent.get("query", ""):
            asked.append(sent["variables"]["start"])
        now = AFTER if "2026-11-23" in asked else SECONDS_BEFORE
        answer = await route.fetch()
        await route.fulfill(response=answer, body=SERVER_TIME.sub(f'"serverTime":"{now}"', await answer.text()))

    await visitor.page.route("**/graphql", at_night)
    await to_page(visitor, "/earnings", label)
    await expect(visitor.page.locator("[data-count]")).not_to_be_empty()
    return asked


def _plain(text: str) -> str:
    """Without the kinds of spaces that a browser chooses."""
    return " ".join(text.split())
