"""The customer's page: the proof of their own cleans, once they are over, and nobody else's."""

from playwright.async_api import expect

from tests.browser.fieldwork import FITS, LATER, PHONE, Clean, planned_now, to_page

TOKEN = """async ([tenant, email]) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ tenant, email });
    return (await (await fetch("/demo/customer", { method: "POST", headers, body })).json()).accessToken;
}"""


async def test_a_customer_sees_the_proof_when_the_job_is_over_and_another_never(visit):
    """R2, R117: no positions, no names of others' homes; live, without a reload."""
    office = await to_page(await visit(), "/office", "Admin 1")
    # The home of Customer 4; who works there is nowhere else by then.
    job, shift = await planned_now(office, "Cleaner 1", "Redland Farmhouse", LATER)
    owner = await to_page(await visit(**PHONE), "/proof", "Customer 4")
    other = await to_page(await visit(**PHONE), "/proof", "Customer 2")
    clean = Clean(await to_page(await visit(**PHONE), "/work", "Cleaner 1"), job, shift, "Redland Farmhouse")
    await clean.arrives()
    await clean.works()
    mine = owner.page.locator(f".dossier[data-job='{job}']")
    await expect(mine).to_have_count(0)

    await clean.proves()

    await expect(mine).to_be_visible()
    await expect(mine.locator(".done-list [data-done='true']").first).to_be_visible()
    await expect(mine.locator("[data-photo]").first).to_be_visible()
    await expect(mine.locator("svg.plot")).to_have_count(0)
    assert "from the home" not in await mine.inner_text()
    assert await owner.page.evaluate(FITS)
    await expect(other.page.locator(f".dossier[data-job='{job}']")).to_have_count(0)

    token = await other.page.evaluate(TOKEN, ["demo", "customer-4@demo.example"])
    linked = await visit(**PHONE)
    await linked.page.goto(f"/proof#token={token}")
    await expect(linked.page.locator(f".dossier[data-job='{job}']")).to_be_visible()
    assert token not in linked.page.url
    await linked.page.reload()
    await expect(linked.page.locator(f".dossier[data-job='{job}']")).to_be_visible()


async def test_a_token_that_does_not_hold_leads_to_the_sign_in(visit):
    visitor = await visit(**PHONE)
    await visitor.page.goto("/proof#token=made-up")
    await expect(visitor.page.locator("[data-said]")).not_to_be_empty()
    await expect(visitor.page.locator("#desk")).to_be_hidden()
