"""Invoices: numbered without a gap, issued, paid online; a card's clean gets its receipt (R180, R181, R206, R207)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from domain.ids import InvoiceId
from schema.types.relay import encode_id
from services.payments.invoices import (
    CreateInvoice,
    InvoiceLine,
    IssueInvoice,
    PayInvoice,
    VoidInvoice,
    create_invoice,
    issue_invoice,
    pay_invoice,
    void_invoice,
)
from tests.payments.desk import Desk
from tests.payments.site import Home
from tests.product.world import Api

LINES = [InvoiceLine("Windows", 2_500, 4), InvoiceLine("Oven", 1_999)]


async def _made(desk: Desk, home: Home, *, issued: bool = True, **more: Any) -> InvoiceId:
    given: dict[str, Any] = {"lines": LINES, **more}
    form = CreateInvoice(home.customer, **given)
    made: InvoiceId = await desk.site.do(desk.site.town.owner, create_invoice, form)
    if issued:
        await desk.site.do(desk.site.town.owner, issue_invoice, IssueInvoice(made))
    return made


async def _row(desk: Desk, id: InvoiceId) -> Any:
    return await desk.site.row("invoice", id)


async def test_an_invoice_is_drawn_up_issued_and_paid_online(desk: Desk) -> None:
    """R180, R181, R206: 4 x 25.00 and 19.99 are 119.99; the customer hears of it and pays with the saved card."""
    home = await desk.site.home()
    made = await _made(desk, home, due_on=(await desk.site.now()).date() + timedelta(days=14))
    await desk.site.settle()
    assert [one["person_id"] for one in await desk.site.notices("INVOICE_ISSUED")] == [home.customer]

    await desk.site.do(home.who, pay_invoice, PayInvoice(made))
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(home.who, pay_invoice, PayInvoice(made))
    await desk.site.settle()

    row = await _row(desk, made)
    assert (row["status"], row["total_cents"], row["paid_cents"], row["number"]) == ("PAID", 11_999, 11_999, 1)
    [charge] = desk.site.things("charges")
    assert charge["amount_captured"] == 11_999
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.check() == []
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(home.who, pay_invoice, PayInvoice(made))


async def test_numbers_are_dense_for_each_business_however_many_draw_up_at_once(desk: Desk) -> None:
    """R180: 1 to 8 without a gap; the other business counts for itself; a void one keeps its number."""
    home = await desk.site.home()
    made = await asyncio.gather(*(_made(desk, home, issued=False) for _ in range(7)))
    await desk.site.do(desk.site.town.owner, void_invoice, VoidInvoice(made[3], "A slip."))
    await _made(desk, home)

    numbers = await desk.site.rows("select number from invoice where tenant_id = $1", desk.site.town.tenant)
    assert sorted(row["number"] for row in numbers) == list(range(1, 9))
    elsewhere = await desk.site.home(town=desk.site.other)
    form = CreateInvoice(elsewhere.customer, LINES)
    other = await desk.site.do(desk.site.other.owner, create_invoice, form)
    assert (await _row(desk, other))["number"] == 1


async def test_a_clean_paid_by_card_gets_a_receipt_and_is_never_charged_again(desk: Desk) -> None:
    """Invariant 16: paid from the first; a second invoice for the same clean is refused."""
    home = await desk.site.home()
    job, _, _ = await desk.paid(home)
    made = await _made(desk, home, issued=False, lines=[], job_id=job)

    row = await _row(desk, made)
    assert (row["status"], row["total_cents"], row["paid_cents"]) == ("PAID", 19_500, 19_500)
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(home.who, pay_invoice, PayInvoice(made))
    async with desk.site.refused(Code.ALREADY_EXISTS):
        await _made(desk, home, issued=False, job_id=job)
    assert len(desk.site.things("charges")) == 1
    assert await desk.check() == []


async def test_a_clean_whose_card_is_held_is_not_invoiced(desk: Desk) -> None:
    """Never twice: while the card is being asked, there is nothing to invoice."""
    home = await desk.site.home()
    job = await desk.site.held_job(home)

    async with desk.site.refused(Code.PAYMENT_STATE):
        await _made(desk, home, issued=False, job_id=job)


async def test_a_declined_card_leaves_the_invoice_open_to_another(desk: Desk) -> None:
    """R181: nothing is paid, and it can be tried again."""
    home = await desk.site.home()
    made = await _made(desk, home)
    await desk.site.outcome(home.method, "do_not_honor")
    await desk.site.do(home.who, pay_invoice, PayInvoice(made))
    await desk.site.drain()
    assert (await _row(desk, made))["status"] == "OPEN"

    await desk.site.outcome(home.method, "ok")
    await desk.site.do(home.who, pay_invoice, PayInvoice(made))
    await desk.site.drain()

    assert (await _row(desk, made))["status"] == "PAID"
    assert [one["status"] for one in desk.site.things("charges")].count("succeeded") == 1


@pytest.mark.parametrize(
    "lines",
    [[], [InvoiceLine("Oven", -1)], [InvoiceLine("Oven", 10)], [InvoiceLine("", 1_000)], [InvoiceLine("Oven", 100, 0)]],
)
async def test_lines_that_make_no_sense_are_refused(desk: Desk, lines: list[InvoiceLine]) -> None:
    """A9."""
    home = await desk.site.home()

    async with desk.site.refused(Code.INVALID):
        await _made(desk, home, issued=False, lines=lines)


async def test_only_its_customer_pays_and_only_administrators_draw_up(desk: Desk) -> None:
    """R3, R206: a neighbour and the other business do not know of it; a void one cannot be paid or issued."""
    home, neighbour = await desk.site.home(), await desk.site.home()
    made = await _made(desk, home)

    async with desk.site.refused(Code.NOT_FOUND):
        await desk.site.do(neighbour.who, pay_invoice, PayInvoice(made))
    async with desk.site.refused(Code.NOT_FOUND):
        await desk.site.do(desk.site.other.owner, void_invoice, VoidInvoice(made, "Not ours."))
    async with desk.site.refused(Code.FORBIDDEN):
        await desk.site.do(home.who, create_invoice, CreateInvoice(home.customer, LINES))
    await desk.site.do(desk.site.town.owner, void_invoice, VoidInvoice(made, "A slip."))
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(home.who, pay_invoice, PayInvoice(made))
    async with desk.site.refused(Code.ILLEGAL_TRANSITION):
        await desk.site.do(desk.site.town.owner, issue_invoice, IssueInvoice(made))


async def test_the_customer_reads_invoices_payments_and_refunds_and_fetches_the_paper(desk: Desk, api: Api) -> None:
    """R181, R207: billing history; drafts are the office's own; the paper's address ends, and is not to be guessed."""
    home = await desk.site.home()
    draft, made = await _made(desk, home, issued=False), await _made(desk, home)
    query = """query { invoices { nodes { id number status totalCents pdfUrl payUrl lines { label totalCents } } }
        refunds { nodes { amountCents } } }"""

    [shown] = (await api.data(home.who, query))["invoices"]["nodes"]
    assert (shown["number"], shown["status"], shown["totalCents"]) == (2, "OPEN", 11_999)
    assert shown["payUrl"] == f"/billing#invoice={encode_id('Invoice', made)}"
    paper = await api.http.get(shown["pdfUrl"])
    assert (paper.status_code, paper.headers["content-type"], paper.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert (await api.http.get(shown["pdfUrl"][:-2] + "xx")).status_code == 404
    assert (await _row(desk, draft))["status"] == "DRAFT"
    office = await api.data(desk.site.town.owner, query)
    assert len(office["invoices"]["nodes"]) == 2
    assert (await api.data(desk.site.other.owner, query))["invoices"]["nodes"] == []


async def test_a_clean_whose_invoice_asks_is_not_held_until_the_invoice_is_void(desk: Desk) -> None:
    """R180, A1: whoever gets an invoice is not asked by card as well; taken back, the card's time has come."""
    site, home = desk.site, await desk.site.home()
    job, other = await site.job(home), await site.job(await site.home())
    made = await _made(desk, home, job_id=job, lines=[])

    await site.hold_night(other)
    assert (await site.status(other), await site.payments(job)) == ("AUTHORIZED", [])

    await site.do(site.town.owner, void_invoice, VoidInvoice(made, "By card after all."))
    await site.settle()
    assert await site.status(job) == "AUTHORIZED"


async def test_a_draft_of_a_clean_that_is_held_meanwhile_is_not_given_out(desk: Desk) -> None:
    """R180: nobody is asked twice for one clean."""
    site, home = desk.site, await desk.site.home()
    job = await site.job(home)
    made = await _made(desk, home, issued=False, job_id=job, lines=[])
    await site.hold_night(job)

    for _ in ("held", "paid"):
        async with site.refused(Code.PAYMENT_STATE):
            await site.do(site.town.owner, issue_invoice, IssueInvoice(made))
        if await site.status(job) == "AUTHORIZED":
            await site.prove(job)
    assert (await _row(desk, made))["status"] == "DRAFT"


async def test_what_a_card_pays_after_all_asks_for_nothing_any_more(desk: Desk) -> None:
    """R180: an invoice that went out while its clean was being held is void once the card has paid."""
    site, home = desk.site, await desk.site.home()
    job = await site.job(home)
    made = await _made(desk, home, issued=False, job_id=job, lines=[])
    await site.hold_night(job)
    await site.world.root.execute("update invoice set status = 'OPEN' where id = $1", made)

    await site.prove(job)

    assert (await site.status(job), (await _row(desk, made))["status"]) == ("CAPTURED", "VOID")
    assert await desk.check() == []
