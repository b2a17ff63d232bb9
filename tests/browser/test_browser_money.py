"""The pages of money: the office sees the day's pipeline move and every step of a clean; others what is theirs."""

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.async_api import Locator, Route, expect

from tests.browser.board import Board, Visitor
from tests.browser.conftest import Visit
from tests.browser.fieldwork import FITS, LATER, PHONE, to_page
from tests.browser.steps import CREATE_JOB, PEOPLE_AND_HOMES, until

CANCEL = """mutation($job: ID!) {
    cancelJob(input: { jobId: $job, reason: "The customer is away" }) { errors { code } } }"""

HOLD = """mutation($payout: ID!) {
    holdPayout(input: { payoutId: $payout, reason: "A question" }) { errors { code } } }"""
INVOICE = """mutation($customer: ID!, $label: String!) { createInvoice(input: { customerId: $customer,
    lines: [{ label: $label, unitCents: 2500 }] }) { invoice { id } errors { code field message } } }"""
ISSUE = """mutation($invoice: ID!) {
    issueInvoice(input: { invoiceId: $invoice }) { invoice { id payUrl } errors { code } } }"""


BILLED = """query { jobs(first: 30) { nodes { id startsAt market { zone } } } }"""
NO_ZERO_BELOW = """async () => Object.is((await import("/web/books.js")).counted("TIPS", 0), 0)"""
IN_ZONE = """async ([instant, zone]) => {
    const { dayInWords, dayOf, hourOf } = await import("/web/clock.js");
    return `${dayInWords(dayOf(instant, zone))}, ${hourOf(instant, zone)}`;
}"""
MAIL_LINK = re.compile(r"https?://\S+/sign-in#token=\S+")


async def planned(office: Visitor, home: str) -> tuple[str, str]:
    """A clean that begins in an hour or two, with nobody on it yet; and on which of the page's days that is."""
    known = await office.ask(PEOPLE_AND_HOMES)
    (place,) = [node for node in known["properties"]["nodes"] if node["name"] == home]
    zone, now = ZoneInfo(place["market"]["zone"]), datetime.fromisoformat(known["viewer"]["serverTime"])
    at = now + LATER
    made = await office.ask(CREATE_JOB, home=place["id"], at=at.isoformat())
    is_today = at.astimezone(zone).date() == now.astimezone(zone).date()
    return str(made["createJob"]["job"]["id"]), "Today" if is_today else "Tomorrow"


def clean_of(office: Visitor, job: str) -> Locator:
    return office.page.locator(f"#day [data-job='{job}']")


async def test_the_office_sees_the_pipeline_move_and_every_step_of_a_clean(visit: Visit) -> None:
    """R137, R147, R239: a clean that is planned now is held while they look; called off, it is let go."""
    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), "/money", "Admin 1")
    held = office.page.locator("#stage-HELD [data-many]")
    await expect(held).not_to_have_text("0")

    job, day = await planned(office, "Grove Cottage")
    await office.page.get_by_role("button", name=day).click()
    await expect(clean_of(office, job)).to_be_visible()
    await expect(clean_of(office, job)).to_have_attribute("data-stage", "HELD")

    await clean_of(office, job).click()
    dossier = office.page.locator("#job")
    await expect(dossier.locator("h2")).to_have_text("Grove Cottage")
    asked = dossier.locator("[data-what='STEP'][data-kind='CONFIRM']")
    await expect(asked).to_have_attribute("data-status", "SUCCEEDED")
    await expect(dossier.locator("[data-what='STEP'] code").first).to_contain_text(re.compile("pi_.* · req_"))

    many = int(await held.inner_text())
    await office.ask(CANCEL, job=job)
    await expect(clean_of(office, job)).to_have_attribute("data-stage", "LET_GO")
    await expect(held).to_have_text(str(many - 1))
    await expect(dossier.locator("[data-kind='RELEASE']")).to_have_attribute("data-status", "SUCCEEDED")


async def test_what_is_taken_shows_its_sums_its_held_pay_and_the_books(visit: Visit) -> None:
    """R151, R160, R166, R190, R241: to the cent, and with what to do."""
    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), "/money", "Owner 1")
    taken = office.page.locator("#day .clean[data-stage='CAPTURED']").first
    await expect(taken).to_be_visible()
    payout = office.page.locator("#day [data-payout]").first
    await expect(payout).to_contain_text("set up payouts")
    await expect(payout.get_by_role("button", name="Release")).to_have_count(0)

    await taken.click()
    sums = office.page.locator("#job [data-part='sums']")
    await expect(sums).to_contain_text("Taken from the customer")
    words = await sums.locator("dd").all_inner_texts()
    cents = [round(float(word.replace("$", "").replace("−", "-")) * 100) for word in words]
    # Price, taken, fee, reserve, pay, the business's own: what is taken is all of the others together.
    assert cents[1] + sum(cents[2:-1]) == cents[-1]
    await expect(office.page.locator("#job [data-kind='CAPTURE'] .postings")).to_contain_text("With the provider")
    await expect(office.page.locator("#books [data-account='RESERVE']")).to_be_visible()
    await expect(office.page.locator("#books [data-rate]")).to_be_visible()


async def test_how_much_goes_by_itself_moves_without_being_asked_for(visit: Visit) -> None:
    """R241: somebody of the office holds a payout, and whoever looks at the page sees the share go down."""
    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), "/money", "Owner 1")
    rate = office.page.locator("#books [data-rate]")
    before = await rate.get_attribute("data-rate")
    known = await office.ask("{ payouts(first: 20) { nodes { id status } } }")
    mine = [one["id"] for one in known["payouts"]["nodes"] if one["status"] in {"PENDING", "HELD", "RELEASED"}]

    await office.ask(HOLD, payout=mine[0])

    await expect(rate).not_to_have_attribute("data-rate", before or "")


async def test_the_page_fits_a_phone_and_is_for_administrators_alone(visit: Visit) -> None:
    office = await to_page(await visit(**PHONE), "/money", "Admin 1")
    await expect(office.page.locator("#day .clean").first).to_be_visible()
    assert await office.page.evaluate(FITS)
    await office.page.locator("#day .clean[data-stage='CAPTURED']").first.click()
    await expect(office.page.locator("#job .line-of-money")).to_be_visible()
    assert await office.page.evaluate(FITS)
    await office.page.get_by_role("link", name="The day", exact=True).click()
    await expect(office.page.locator("#day")).to_be_visible()

    other = await visit(**PHONE)
    await other.page.goto("/money")
    await other.page.get_by_role("button", name="Dispatcher 1").first.click()
    await expect(other.page.locator("#sign-in [data-said]")).to_contain_text("owners and administrators")


async def test_a_customer_sees_what_they_pay_and_tips_who_cleaned(visit: Visit) -> None:
    """R180, R206, A34: the price line by line, the card, and a tip that appears by itself."""
    customer = await to_page(await visit(**PHONE), "/billing", "Customer 2")
    paid = customer.page.locator("[data-status='CAPTURED']").first
    await expect(paid).to_contain_text("The clean")
    await expect(customer.page.locator("[data-card]").first).to_contain_text("4444")
    assert await customer.page.evaluate(FITS)

    await paid.get_by_role("button", name="$5.00").click()
    await expect(paid.locator("[data-tip='CAPTURED']")).to_contain_text("$5.00")


async def test_the_link_of_an_invoice_opens_that_invoice_with_its_button(visit: Visit) -> None:
    """R181, R206: `payUrl` leads to the one that is to be paid, be there others; and it is paid there."""
    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), "/money", "Owner 1")
    known = await office.ask("{ customers(first: 50) { nodes { id name } } }")
    (whose,) = [node["id"] for node in known["customers"]["nodes"] if node["name"] == "Customer 2"]
    links = []
    for label in ("Windows", "Carpets"):
        made = await office.ask(INVOICE, customer=whose, label=label)
        issued = await office.ask(ISSUE, invoice=made["createInvoice"]["invoice"]["id"])
        links.append(issued["issueInvoice"]["invoice"])

    customer = await to_page(await visit(**PHONE), "/billing", "Customer 2")
    await customer.page.evaluate("link => { location.href = link }", links[0]["payUrl"])
    wanted = customer.page.locator(f"[data-invoice='{links[0]['id']}']")

    await expect(wanted).to_have_attribute("data-wanted", "")
    await expect(customer.page.locator("[data-wanted]")).to_have_count(1)
    button = wanted.get_by_role("button", name="Pay with my card")
    await expect(button).to_be_focused()
    await expect(button).to_be_in_viewport()
    await button.click()
    await expect(wanted).to_have_attribute("data-status", "PAID")


async def test_a_cleaner_sees_what_was_earned_and_what_is_held(visit: Visit) -> None:
    """R164, R177, R190: with what to do about it themselves."""
    cleaner = await to_page(await visit(**PHONE), "/earnings", "Cleaner 3")
    await expect(cleaner.page.locator("[data-part='purse']")).to_contain_text("Held")
    await expect(cleaner.page.locator("[data-payout]").first).to_contain_text("$")
    assert await cleaner.page.evaluate(FITS)


async def test_a_customer_abroad_reads_the_hours_of_the_home(visit: Visit) -> None:
    """R10, R206: a clean's day and hour are its market's, wherever the page is read."""
    customer = await to_page(await visit(**PHONE, timezone_id="Asia/Tokyo"), "/billing", "Customer 2")
    shown = customer.page.locator("[data-part=cleans] [data-job]")
    await expect(shown.first).to_be_visible()
    token = await customer.page.evaluate("sessionStorage.getItem('cleanshift.handed')")
    headers = {"authorization": f"Bearer {token}"}
    answer = await customer.context.request.post("/graphql", headers=headers, data={"query": BILLED})
    known = (await answer.json())["data"]["jobs"]["nodes"]
    job = await shown.first.get_attribute("data-job")
    (starts,) = [[one["startsAt"], one["market"]["zone"]] for one in known if one["id"] == job]

    await expect(shown.first.locator(".where")).to_have_text(await customer.page.evaluate(IN_ZONE, starts))


async def test_the_office_gives_back_the_clean_and_its_tip_each_by_itself(visit: Visit) -> None:
    """A12, A34: who has tipped can be given back what the clean cost; what is asked for says which it is."""
    customer = await to_page(await visit(**PHONE), "/billing", "Customer 2")
    paid = customer.page.locator("[data-status='CAPTURED']").first
    await expect(paid).to_be_visible()
    if not await paid.locator("[data-tip]").count():
        await paid.get_by_role("button", name="$5.00").click()
    await expect(paid.locator("[data-tip='CAPTURED']")).to_be_visible()
    job = await paid.get_attribute("data-job")

    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), f"/money#job={job}", "Owner 1")
    acts, what = office.page.locator("#job [data-part=acts]"), office.page.locator("#refund [data-what]")
    await acts.get_by_role("button", name="Give money back…").click()
    await expect(what).to_have_text("Up to $75.00 of what was taken is left.")
    await office.page.get_by_role("button", name="Keep it").click()
    await acts.get_by_role("button", name="Give the tip back…").click()
    await expect(what).to_have_text("Up to $5.00 of the tip is left.")
    # Of what is all paid out nothing is left, and not less than that.
    assert await office.page.evaluate(NO_ZERO_BELOW)


async def test_the_office_decides_to_take_what_is_held_before_it_lapses(visit: Visit) -> None:
    """R147, A2: the button stands where a hold lapses soon; of a clean that is not proven the office hears that."""
    office = await visit(viewport={"width": 1280, "height": 900})
    await office.page.route("**/graphql", _lapsing)
    await to_page(office, "/money", "Admin 1")
    take = office.page.locator("#day .with-act").get_by_role("button", name="Take what is held")

    await take.first.click()

    await office.is_told("This clean is not proven.")
    await office.page.unroute_all(behavior="wait")


async def test_who_has_to_sign_in_by_mail_first_comes_back_to_the_invoice(visit: Visit, board: Board) -> None:
    """R30, R206: the link of an invoice is followed by somebody who is signed out, and the mail opens another tab."""
    office = await to_page(await visit(viewport={"width": 1280, "height": 900}), "/money", "Owner 1")
    known = await office.ask("{ customers(first: 50) { nodes { id name email } } }")
    (whose,) = [node for node in known["customers"]["nodes"] if node["name"] == "Customer 3"]
    made = await office.ask(INVOICE, customer=whose["id"], label="Windows")
    link = (await office.ask(ISSUE, invoice=made["createInvoice"]["invoice"]["id"]))["issueInvoice"]["invoice"]

    customer = await visit(**PHONE)
    await customer.page.goto(link["payUrl"])
    await customer.page.get_by_role("link", name="Sign in by mail").click()
    await customer.page.locator("[name=tenant]").fill("demo")
    await customer.page.locator("[name=email]").fill(whose["email"])
    before = len(_links(board, whose["email"]))
    await customer.page.get_by_role("button", name="Mail me a link").click()
    await until(lambda: len(_links(board, whose["email"])) > before)
    tab = await customer.context.new_page()
    await tab.goto(_links(board, whose["email"])[-1])
    await tab.locator("#enter button").click()
    await tab.get_by_role("link", name="Go to your invoice").click()

    await expect(tab.locator("[data-wanted]")).to_have_attribute("data-invoice", link["id"])
    # Once it was shown, it is not brought up again.
    await tab.goto("/billing")
    await expect(tab.locator(f"[data-invoice='{link['id']}']")).to_be_visible()
    await expect(tab.locator("[data-wanted]")).to_have_count(0)


async def _lapsing(route: Route) -> None:
    """Let the day's holds be about to lapse, as far as the page knows."""
    answer = await route.fetch()
    said = await answer.json()
    day = (said.get("data") or {}).get("moneyToday") if isinstance(said, dict) else None
    for job in (day or {}).get("jobs", ()):
        if job["stage"] == "HELD":
            job |= {"stage": "AT_RISK", "risk": "LAPSING", "why": "The hold lapses soon."}
    await route.fulfill(response=answer, json=said)


def _links(board: Board, email: str) -> list[str]:
    """The sign-in links that were mailed to somebody."""
    mails = [json.loads(line) for line in board.outbox.read_text().splitlines()]
    found = [MAIL_LINK.search(mail["body"]) for mail in mails if mail["to"] == email]
    return [one[0] for one in found if one is not None]
