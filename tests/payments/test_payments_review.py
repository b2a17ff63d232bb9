"""What a review of the money found: each a way in which money could have gone wrong."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.errors import Code, NotConfigured
from domain.ids import InvoiceId, JobId, MoneyOpId, PaymentId
from domain.payments.outcomes import Refusal
from domain.payments.payouts import HoldReason
from domain.scheduling import AssignmentRole
from services.cancellations import CancelJob, cancel_job
from services.payments.accounts import ConnectProvider, connect_provider
from services.payments.cards import AddPaymentMethod, add_payment_method
from services.payments.declines import ConfirmPayment, RetryPayment, confirm_payment, retry_payment
from services.payments.invoices import (
    CreateInvoice,
    InvoiceLine,
    IssueInvoice,
    PayInvoice,
    create_invoice,
    issue_invoice,
    pay_invoice,
)
from services.payments.recorders import RecordOp, record_op
from services.payouts.holding import HoldPayout, hold_payout
from services.payouts.payroll import ExportPayroll, export_payroll
from tests.payments.desk import Desk
from tests.payments.site import Home, Site

BACK = "https://cleanshift.test/back"
LINES = [InvoiceLine("Windows", 2_500, 4)]
ZONE = ZoneInfo("America/New_York")


async def test_a_fee_that_is_taken_anew_is_the_fee_and_never_the_whole_price(site: Site) -> None:
    """A50: a capture that was never done is another attempt of the same capture, of the same cents."""
    await site.settings(payments={"cancellation": {"freeHours": 24, "lateFeePercent": 50}})
    job = await site.held_job()
    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    [op] = await site.ops("CAPTURE")

    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("never_done")))
    await site.settle()

    row, [intent] = await site.payment(job), site.intents_of(job)
    assert (row["status"], row["captured_cents"], row["why_less"]) == ("CAPTURED", 4_500, "CANCELED")
    assert intent["amount_received"] == 4_500


async def test_a_card_that_is_declined_after_the_banks_page_is_asked_again(site: Site) -> None:
    """A36: what the customer confirmed and the bank then refused goes on by the ladder."""
    home = await site.home()
    await site.outcome(home.method, "authentication_required")
    job = await site.job(home)
    await site.hold_night()
    row = await site.payment(job)
    await site.do(home.who, confirm_payment, ConfirmPayment(PaymentId(row["id"]), BACK))
    await site.settle()
    [intent] = site.intents_of(job)
    error = {"code": "card_declined", "decline_code": "insufficient_funds", "type": "card_error", "message": "No."}
    with site.sandbox.tx(site.account, "test: declined after the bank's page") as tx:
        said = {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
        tx.change("payment_intents", intent["id"], **said)
    await site.attempt("read_payment", {"payment": str(row["id"])})
    await site.settle()
    assert await site.status(job) == "FAILED"

    await site.outcome(home.method, "ok")
    await site.until_hour(1)
    await site.settle()

    assert await site.status(job) == "AUTHORIZED"
    assert [one["status"] for one in site.intents_of(job)].count("requires_capture") == 1


async def _invoiced(site: Site, home: Home, job: JobId) -> InvoiceId:
    made: InvoiceId = await site.do(site.town.owner, create_invoice, CreateInvoice(home.customer, [], job_id=job))
    await site.do(site.town.owner, issue_invoice, IssueInvoice(made))
    return made


def _charged(site: Site) -> int:
    return sum(one["amount_captured"] for one in site.things("charges"))


async def test_a_clean_whose_invoice_is_being_paid_is_not_held_as_well(site: Site) -> None:
    """Invariant 16: who saves a card to pay a clean's invoice is charged by the invoice alone."""
    home = await site.home(card=None)
    job = await site.job(home)
    await site.prove(job)
    made = await _invoiced(site, home, job)
    await _card_and_pay(site, home, made)

    assert (await site.row("invoice", made))["status"] == "PAID"
    assert _charged(site) == 9_000


async def _card_and_pay(site: Site, home: Home, invoice: InvoiceId) -> None:
    """The card is kept, and the invoice paid before the task of the new card has its turn."""
    home.method = site.fresh_method()
    form = AddPaymentMethod(home.method, "2026-11", return_url=BACK)
    await site.do(home.who, add_payment_method, form)
    await site.settle("send_money")
    await site.do(home.who, pay_invoice, PayInvoice(invoice))
    await site.settle()


async def test_a_clean_that_was_invoiced_and_paid_before_its_night_is_not_held(site: Site) -> None:
    """Invariant 16: the night's run leaves alone what is paid."""
    home = await site.home()
    job = await site.job(home)
    made = await _invoiced(site, home, job)
    await site.do(home.who, pay_invoice, PayInvoice(made))
    await site.settle()
    assert _charged(site) == 9_000

    await site.hold_night(job)
    who = await site.prove(job)
    await site.settle()

    assert _charged(site) == 9_000
    [paid] = await site.rows("select * from payout where job_id = $1", job)
    assert (paid["cleaner_id"], paid["kind"]) == (who.person, "CLEAN")


async def test_who_cleaned_is_paid_for_a_clean_that_its_invoice_pays_once_r154(site: Site) -> None:
    """R154: the money comes after the proof, by the invoice; there is one payout of it, and one entry."""
    home = await site.home(card=None)
    job = await site.job(home)
    who = await site.prove(job)
    await _card_and_pay(site, home, await _invoiced(site, home, job))

    [paid] = await site.rows("select * from payout where job_id = $1", job)
    assert (paid["cleaner_id"], paid["kind"]) == (who.person, "CLEAN")
    assert await site.value("select count(*) from ledger_entry where job_id = $1 and kind = 'EARNED'", job) == 1


async def test_keys_of_another_account_send_nothing_until_the_old_ones_are_back(site: Site) -> None:
    """R157, A41: a step that may have been done in the one account is never done again in another."""
    await site.paid_job()
    job = await site.job(await site.home())
    before = len(site.things("payment_intents"))
    await site.do(site.town.owner, connect_provider, ConnectProvider("sk_test_another_account", ["whsec_1"]))
    await site.drain()
    await site.until_hour(20, days=1)
    failed = await site.duty("hold_payments")

    assert {type(problem) for problem in failed} == {NotConfigured}
    assert len(site.things("payment_intents")) == before
    assert [op["state"] for op in await site.ops("INTENT") if op["job_id"] == job] == ["PLANNED"]
    problem = await site.value("select problem from provider_account where tenant_id = $1", site.town.tenant)
    assert "These keys open" in problem

    await site.connect()
    await site.drain()
    await site.move(timedelta(minutes=30))
    await site.drain()
    await site.settle()
    assert await site.status(job) == "AUTHORIZED"


async def test_a_declined_hold_is_not_asked_again_once_the_clean_is_paid_by_invoice(site: Site) -> None:
    """Invariant 16: another card, saved later, does not pay the same clean once more."""
    home = await site.home()
    await site.outcome(home.method, "stolen_card")
    job = await site.job(home)
    await site.hold_night(job)
    assert await site.status(job) == "FAILED"
    await site.prove(job)
    made = await _invoiced(site, home, job)
    await site.outcome(home.method, "ok")
    await site.do(home.who, pay_invoice, PayInvoice(made))
    await site.settle()
    assert (await site.row("invoice", made))["status"] == "PAID"

    await site.save_card(home)

    assert _charged(site) == 9_000


async def test_a_declined_invoice_payment_is_not_tried_again_by_the_office(site: Site) -> None:
    """The customer has paid it with another card meanwhile: nothing is taken twice."""
    home = await site.home()
    job = await site.job(home)
    await site.prove(job)
    made = await site.do(site.town.owner, create_invoice, CreateInvoice(home.customer, LINES))
    await site.do(site.town.owner, issue_invoice, IssueInvoice(made))
    await site.outcome(home.method, "do_not_honor")
    await site.do(home.who, pay_invoice, PayInvoice(made))
    await site.drain()
    await site.outcome(home.method, "ok")
    await site.do(home.who, pay_invoice, PayInvoice(made))
    await site.drain()
    failed = await site.value("select id from payment where invoice_id = $1 and status = 'FAILED'", made)
    await site.save_card(home)

    async with site.refused(Code.PAYMENT_STATE):
        await site.do(site.town.owner, retry_payment, RetryPayment(PaymentId(failed)))


async def test_pay_that_is_on_its_way_is_not_exported_as_well(desk: Desk) -> None:
    """A41: a business that changes to payroll pays nobody twice."""
    site, till = desk.site, desk.till
    await site.settings(payments={"payoutsMode": "TRANSFERS"})
    who = await till.cleaner()
    await till.clean((who, AssignmentRole.PRIMARY))
    site.fault("drop_after", "/v1/transfers")
    await site.drain()
    assert [one["state"] for one in await site.ops("TRANSFER")] == ["UNKNOWN"]

    await site.settings(payments={"payoutsMode": "PAYROLL"})
    await site.move(timedelta(days=1))
    today: date = (await site.now()).astimezone(ZONE).date()
    form = ExportPayroll(today - timedelta(days=7), today - timedelta(days=1))
    made = await site.do(site.town.owner, export_payroll, form)
    await site.drain()

    assert (await site.row("payroll_export", made))["lines"] == 0
    assert [one["status"] for one in await till.payouts()] == ["RELEASED"]
    assert len(till.transfers()) == 1


async def test_what_the_office_holds_stays_held_when_a_dispute_is_won(desk: Desk) -> None:
    """R173: an act of the office ends by an act of the office."""
    site, till = desk.site, desk.till
    await site.settings(payments={"payoutsMode": "TRANSFERS"})
    who = await till.cleaner(None)
    job = await till.paid((who, AssignmentRole.PRIMARY))
    await site.do(site.town.owner, hold_payout, HoldPayout(await till.id_of(who), "The cleaner has gone."))
    await till.open_account(who)
    await till.account_becomes(who, "active")

    dispute = await desk.dispute(await site.payment(job))
    await desk.decide(dispute, "won")

    row = await till.payout(who)
    assert (row["status"], row["hold_reason"]) == ("HELD", HoldReason.BY_OFFICE)
    assert till.transfers() == []


async def test_a_payment_that_was_never_made_known_is_let_go_at_once(site: Site) -> None:
    """R143: called off while nobody knew whether it was made known, it does not wait for ever once that is known."""
    job = await site.job(await site.home())
    site.fault("drop_before", "/v1/payment_intents")
    await site.hold_night()
    [op] = await site.ops("INTENT")
    assert op["state"] == "UNKNOWN"
    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))

    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("never_done")))
    await site.settle()

    assert (await site.status(job), site.intents_of(job)) == ("RELEASED", [])
