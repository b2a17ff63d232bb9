"""The office's page: a clean seen live in all its phases, its proof, and what administrators accept."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.async_api import Locator, expect

from tests.browser.board import Visitor
from tests.browser.conftest import Visit
from tests.browser.fieldwork import FITS, LATER, PHONE, Clean, planned_now, to_page

BEGINS = """query($id: ID!) { viewer { serverTime } job(id: $id) { startsAt market { zone } } }"""
DAYS_SHOWN = """async ([now, ...jobs]) => {
    const { Today } = await import("/web/today.js");
    const root = document.querySelector("#today").cloneNode(true);
    const today = new Today(root, { isSet: true, now: () => Date.parse(now) });
    const rest = { zone: "America/New_York", propertyName: "Key House", city: "Miami", status: "COMPLETED" };
    const of = ({ from, came, left }, id) => ({
        ...rest, id: String(id), startsAt: from, endsAt: from,
        crew: [{ cleanerName: "Cleaner 1", checkedInAt: came, checkedOutAt: left }],
    });
    today.take({ __typename: "JobsSnapshot", jobs: jobs.map(of) });
    today.close();
    return ["yesterday", "today", "tomorrow"].map((_, place) => {
        root.querySelectorAll("[data-days] button")[place].click();
        return [...root.querySelectorAll("[data-list] [data-job]")].map((card) => Number(card.dataset.job));
    });
}"""
"""Which of some completed cleans the board lists under yesterday, today and tomorrow, named by their places."""


def card_of(office: Visitor, clean: Clean) -> Locator:
    return office.page.locator(f"#today [data-job='{clean.job}']")


async def watched(visit: Visit, cleaner: str, home: str) -> tuple[Visitor, Clean]:
    """An administrator at the board, and a cleaner whose job begins in half an hour."""
    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), "/office", "Admin 1")
    job, shift = await planned_now(office, cleaner, home, LATER)
    return office, Clean(await to_page(await visit(**PHONE), "/work", cleaner), job, shift, home)


async def show_its_day(office: Visitor, clean: Clean) -> None:
    """An hour or two from now may be tomorrow already, where the home is."""
    known = await office.ask(BEGINS, id=clean.job)
    zone = ZoneInfo(known["job"]["market"]["zone"])
    times = (known["job"]["startsAt"], known["viewer"]["serverTime"])
    begins_on, today = (datetime.fromisoformat(time).astimezone(zone).date() for time in times)
    await office.page.get_by_role("button", name="Today" if begins_on == today else "Tomorrow").click()
    await expect(card_of(office, clean)).to_be_visible()


async def test_the_office_sees_every_phase_live_and_verifies_the_proof(visit):
    """R126, R127, R202: without a reload."""
    office, clean = await watched(visit, "Cleaner 6", "Palafox Flat")
    await show_its_day(office, clean)
    await expect(card_of(office, clean)).to_contain_text("has not begun")
    await clean.stands(10)
    await clean.open()
    await clean.does("openInstructions")
    await expect(card_of(office, clean)).to_contain_text("reading the instructions")
    await clean.does("acknowledgeInstructions")
    await expect(card_of(office, clean)).to_contain_text("on the way")
    await clean.does("checkIn")
    await clean.is_at("startWork")
    await office.page.get_by_role("button", name="Today").click()
    await expect(card_of(office, clean)).to_contain_text("has arrived")

    await card_of(office, clean).click()
    dossier = office.page.locator("#job")
    await expect(dossier.locator(".way")).to_contain_text("10 m from the home")
    await expect(dossier.get_by_role("img", name="Positions around the home")).to_be_visible()
    await clean.works()
    await expect(card_of(office, clean)).to_contain_text("finishing")
    await expect(dossier.locator("[data-part='checklist'] .count")).to_have_text("8 of 8")
    await expect(dossier.locator("[data-photo]")).to_have_count(4)
    await clean.proves()
    await expect(card_of(office, clean)).to_have_attribute("data-status", "COMPLETED")
    await expect(dossier.locator("[data-proof]")).to_have_attribute("data-proof", "COMPLETE")

    await office.page.get_by_role("button", name="Verify").click()
    await expect(dossier.locator("[data-intact]")).to_contain_text("Nothing was changed.")
    await dossier.locator("[data-photo] button").first.click()
    picture = office.page.locator("#viewer img")
    await expect(picture).to_have_attribute("src", re.compile("^/files/"))
    assert await picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 400
    await office.page.get_by_role("button", name="Close").click()
    async with office.page.expect_download() as loading:
        await office.page.get_by_role("button", name="Download the bundle").click()
    assert (await loading.value).suggested_filename.endswith(".zip")


async def test_a_clean_is_listed_on_every_day_on_which_somebody_was_there(visit):
    """R126: who is done before the midnight of its day, or after it, is not gone from the day that is looked at."""
    office = await to_page(await visit(), "/office", "Dispatcher 1")

    def clean(planned: str, *there: str) -> dict[str, str]:
        times = zip(("from", "came", "left"), (planned, *there), strict=False)
        return {name: f"2026-11-{time}:00-05:00" for name, time in times}

    early = clean("24T00:00", "23T23:10", "23T23:50")
    late = clean("23T22:30", "23T22:25", "24T00:10")
    plain = clean("23T10:00", "23T10:00", "23T11:00")
    unworked = clean("24T10:00")
    shown = await office.page.evaluate(DAYS_SHOWN, ["2026-11-23T23:55:00-05:00", early, late, plain, unworked])
    assert shown == [[], [2, 1, 0], [1, 0, 3]]
    shown = await office.page.evaluate(DAYS_SHOWN, ["2026-11-24T00:20:00-05:00", early, late, plain, unworked])
    assert shown == [[2, 1, 0], [1, 0, 3], []]


async def test_an_administrator_accepts_an_arrival_and_an_incomplete_proof_with_a_reason(visit):
    """A19, A20: the reason stays with the evidence."""
    office, clean = await watched(visit, "Cleaner 2", "Ocean Drive 4B")
    await clean.stands(900)
    await clean.open()
    for step in ("openInstructions", "acknowledgeInstructions", "checkIn"):
        await clean.does(step)
    await expect(clean.visitor.page.locator("#shift [data-said]")).to_contain_text("m away")

    page = office.page
    await page.evaluate("(job) => (location.hash = `job=${encodeURIComponent(job)}`)", clean.job)
    await page.get_by_role("button", name="Accept the arrival").click()
    await page.get_by_label("The reason").fill("Seen on the door camera.")
    await page.get_by_role("button", name="Accept it", exact=True).click()
    await clean.is_at("startWork")
    await clean.works()
    await clean.does("checkOut")
    await expect(clean.visitor.page.locator("[data-outcome='lacking']")).to_be_visible()

    await expect(page.locator("[data-alert='incomplete']")).to_be_visible()
    await page.get_by_role("button", name="Accept it as it is").click()
    await page.get_by_label("The reason").fill("The camera broke.")
    await page.get_by_role("button", name="Accept it", exact=True).click()
    await expect(page.locator("[data-proof]")).to_have_attribute("data-proof", "OVERRIDDEN")
    await expect(page.locator("#job blockquote")).to_contain_text("The camera broke.")
    await expect(clean.visitor.page.locator("[data-outcome='proven']")).to_contain_text("accepted")


async def test_a_dispatcher_is_offered_no_override_and_the_page_fits_a_phone(visit):
    office = await to_page(await visit(**PHONE), "/office", "Dispatcher 1")
    running = office.page.locator("#today [data-status='IN_PROGRESS']").first
    await expect(running).to_be_visible()
    assert await office.page.evaluate(FITS)
    await running.click()
    await expect(office.page.locator("#job .way").first).to_be_visible()
    assert await office.page.evaluate(FITS)
    await expect(office.page.get_by_role("button", name="Accept")).to_have_count(0)
    await office.page.get_by_role("link", name="All jobs").click()
    await expect(running).to_be_visible()
