"""The cleaner's page on a phone: from the instructions to the proof, through reloads and without a network."""

from datetime import timedelta

from playwright.async_api import expect

from sandbox.demo_pictures import room
from tests.browser.conftest import Visit
from tests.browser.fieldwork import AHEAD, FITS, PHONE, Clean, planned_now, to_page

MINE = """query($id: ID!) { assignment(id: $id) { visit { phase checkedInAt checkedOutAt }
    job { status checklist { doneAt required } evidence { status missing { code } } } } }"""

BEGINS_SOON = timedelta(seconds=15)


async def planned_for(visit: Visit, cleaner: str, home: str, ahead: timedelta = AHEAD) -> Clean:
    office = await to_page(await visit(), "/office", "Dispatcher 1")
    job, shift = await planned_now(office, cleaner, home, ahead)
    await office.page.close()
    return Clean(await to_page(await visit(**PHONE), "/work", cleaner), job, shift, home)


async def test_a_clean_is_worked_from_the_instructions_to_the_proof_and_survives_a_reload_in_each_phase(visit):
    """R104 to R119, A19, A20: the state after a reload is the server's."""
    clean = await planned_for(visit, "Cleaner 2", "Brickell 19")
    page = clean.visitor.page
    await clean.open()
    await clean.does("openInstructions")
    await clean.is_at("acknowledgeInstructions")
    await expect(page.get_by_text("The cat stays inside.")).to_be_visible()
    await expect(page.locator("#access-code")).to_have_count(0)
    await page.get_by_role("button", name="Show the code").click()
    await expect(page.locator("#access-code")).to_contain_text("Key box")

    await page.reload()
    await clean.does("acknowledgeInstructions")
    await clean.stands(900)
    await clean.does("checkIn")
    await expect(page.locator("#shift [data-said]")).to_contain_text("m away")
    await page.reload()
    await clean.is_at("checkIn")
    await clean.stands(10)
    await clean.does("checkIn")

    await clean.is_at("startWork")
    await expect(clean.step_button).to_be_disabled()
    await expect(page.locator("[data-part='lacking'] [data-zone='kitchen']")).to_have_text(
        "0 of 1 before photos of kitchen."
    )
    await clean.takes("BEFORE", "kitchen", 1)
    await expect(page.locator("[data-part='lacking'] [data-zone='kitchen']")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".zone[data-zone='kitchen'] .tally")).to_have_text("1 of 1")
    await clean.shows("BEFORE")
    await clean.does("startWork")

    await clean.is_at("finishWork")
    first = page.locator(".item input").first
    await first.check()
    await expect(page.locator("[data-part='checklist'] [data-done]").first).to_have_text("1 of 8")
    await page.reload()
    await expect(first).to_be_checked()
    await clean.ticks()
    await clean.takes("AFTER", "bathroom", 1)
    await expect(page.locator(".zone[data-zone='bathroom'] .tally")).to_have_text("1 of 2")
    await clean.does("finishWork")

    await clean.is_at("checkOut")
    await page.reload()
    await expect(page.locator("[data-after]")).to_have_text("1 of 5")
    await clean.does("checkOut")
    await expect(page.locator("[data-outcome='lacking']")).to_be_visible()
    await page.reload()
    await expect(page.locator("[data-part='lacking'] li")).to_have_count(4)
    assert await page.evaluate(FITS)
    await clean.shows("AFTER")
    await expect(page.locator("[data-outcome='proven']")).to_be_visible()

    mine = (await clean.visitor.ask(MINE, id=clean.shift))["assignment"]
    assert (mine["visit"]["phase"], mine["job"]["status"]) == ("DONE", "COMPLETED")
    assert mine["job"]["evidence"] == {"status": "COMPLETE", "missing": []}
    await page.get_by_role("link", name="All jobs").click()
    await expect(page.locator(f"[data-job='{clean.job}']")).to_have_count(0)


async def test_what_is_done_without_a_network_is_sent_when_it_is_back_even_after_a_reload(visit):
    """A40, R254: ticks, photos and the next step wait; nothing is done twice."""
    clean = await planned_for(visit, "Cleaner 1", "Ocean Drive 4B")
    page, context = clean.visitor.page, clean.visitor.context
    await clean.arrives()
    await clean.shows("BEFORE")
    await clean.does("startWork")
    await clean.is_at("finishWork")

    await context.set_offline(True)
    await clean.visitor.is_("offline")
    await page.locator(".item input").nth(0).check()
    await page.locator(".item input").nth(1).check()
    await expect(page.locator(".item .waits")).to_have_count(2)
    await clean.takes("AFTER", "kitchen", 1)
    await expect(page.locator(".zone[data-zone='kitchen'] .tile")).to_be_visible()
    await context.set_offline(False)
    await clean.visitor.is_("live")
    await expect(page.locator(".item .waits")).to_have_count(0)
    await expect(page.locator("[data-part='checklist'] [data-done]").first).to_have_text("2 of 11")
    await expect(page.locator(".zone[data-zone='kitchen'] .tally")).to_have_text("1 of 1")

    await clean.ticks()
    await expect(page.locator(".item .waits")).to_have_count(0)
    # Nothing gets through while the page itself can still be loaded.
    await context.route("**/graphql", lambda route: route.abort())
    await clean.does("finishWork")
    await expect(clean.step_button).to_have_text("Waits for the network…")
    await page.reload()
    await context.unroute("**/graphql")
    await clean.is_at("checkOut")
    await clean.proves()

    mine = (await clean.visitor.ask(MINE, id=clean.shift))["assignment"]
    assert mine["job"]["status"] == "COMPLETED"
    await page.wait_for_function("localStorage.length && Object.values(localStorage).every((kept) => kept === '[]')")


async def test_somebody_who_cannot_get_in_says_so_with_a_photo_and_a_note(visit):
    """The job ends with an outcome of its own, never as proven, and not before it has begun."""
    clean = await planned_for(visit, "Cleaner 5", "Palafox Flat", BEGINS_SOON)
    page = clean.visitor.page
    await clean.arrives()
    await page.get_by_role("button", name="I cannot get in").click()
    dialog = page.locator("#no-access")
    async with page.expect_file_chooser() as choosing:
        await dialog.get_by_role("button", name="Take a photo").click()
    await (await choosing.value).set_files(
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": room("door", 77, tidy=True)}
    )
    await expect(dialog.locator(".tally")).to_have_text("1 of 1")
    await dialog.get_by_label("What you have tried").fill("Rang three times, called the office.")
    await clean.begins()
    await dialog.get_by_role("button", name="Report it").click()

    await expect(page.locator("[data-outcome='barred']")).to_contain_text("Rang three times")
    mine = (await clean.visitor.ask(MINE, id=clean.shift))["assignment"]
    assert (mine["visit"]["phase"], mine["job"]["status"]) == ("NO_ACCESS", "NO_ACCESS")


async def test_a_new_cleaner_goes_through_onboarding_and_comes_to_their_jobs(visit):
    """R130 to R134, A48."""
    visitor = await visit(**PHONE)
    page = visitor.page
    await page.goto("/work")
    await page.locator(".business").first.get_by_role("button", name="Cleaner 9").click()
    profile = {
        "Legal name": "Cleaner Nine",
        "Date of birth": "1990-02-03",
        "Street and number": "1 Main Street",
        "City": "Miami",
        "Postal code": "33101",
        "Whom to call": "A friend",
        "Their phone": "+13055550100",
        "Years of experience": "3",
    }
    for label, value in profile.items():
        await page.get_by_label(label).fill(value)
    assert await page.evaluate(FITS)
    await page.get_by_role("button", name="Keep it").click()
    await page.get_by_role("button", name="Set up how you are paid").click()
    await page.get_by_role("link", name="Open the provider").click()
    await page.wait_for_url("**/connect/onboarding/*")
    spent = page.url
    # A page opens once: whoever comes again is led to ours, which leads to a new one.
    await page.reload()
    await page.wait_for_url(lambda url: "/connect/onboarding/" in url and url != spent)
    await page.locator("button[value='complete']").click()
    await page.wait_for_url("**/work*")

    wrong = page.locator("[data-document='W9']")
    await wrong.get_by_label("Type your legal name").fill("Somebody Else")
    await wrong.get_by_role("button", name="Sign").click()
    await expect(wrong.get_by_role("alert")).to_contain_text("legal name")
    for kind in ("CONTRACTOR_AGREEMENT", "W9", "LIABILITY_WAIVER"):
        document = page.locator(f"[data-document='{kind}']")
        await document.get_by_label("Type your legal name").fill("cleaner nine")
        await document.get_by_role("button", name="Sign").click()
        await expect(document.locator("form")).to_have_count(0)
    await page.get_by_label("Do the laundry").check()
    await page.get_by_role("button", name="That is all").click()
    await expect(page.get_by_role("heading", name="My work")).to_be_visible()
    await visitor.is_("live")
