"""What was left on a bank's page is let go, and what was taken without right goes back, once (R181, R213, A34, A36)."""

from datetime import timedelta
from typing import Any

import pytest

from db.ids import new_id
from domain.errors import Code
from domain.ids import BookingDraftId, InvoiceId, MoneyOpId, PaymentId
from domain.payments.outcomes import Refusal
from domain.scheduling import AssignmentRole
from services.payments.absorbing import AbsorbPayment, absorb_payment
from services.payments.invoices import (
    CreateInvoice,
    InvoiceLine,
    IssueInvoice,
    PayInvoice,
    create_invoice,
    issue_invoice,
    pay_invoice,
)
from services.payments.prepaid import FirstClean, charge_first_clean
from services.payments.recorders import RecordOp, record_op
from services.payouts.tips import TipJob, tip_job
from tests.fieldwork.site import command_of
from tests.payments.desk import Desk
from tests.payments.site import CONSENT, Home, Site

BACK = "https://cleanshift.test/back"
LINES = [InvoiceLine("Windows", 2_500, 4)]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def _invoice(site: Site) -> tuple[Home, InvoiceId]:
    home = await site.home()
    made = await site.do(site.town.owner, create_invoice, CreateInvoice(home.customer, LINES))
    await site.do(site.town.owner, issue_invoice, IssueInvoice(made))
    return home, made


async def _on_the_page(site: Site) -> tuple[Home, InvoiceId, Any]:
    """A customer pays an invoice, and is sent to their bank's page."""
    home, made = await _invoice(site)
    await site.outcome(home.method, "authentication_required")
    await site.do(home.who, pay_invoice, PayInvoice(made, return_url=BACK))
    await site.settle()
    row = await site.row("payment", made, "invoice_id")
    assert (row["status"], row["action_url"] is not None) == ("REQUIRES_ACTION", True), dict(row)
    return home, made, row


async def _confirmed(site: Site, row: Any, *, times: int = 1) -> None:
    """The customer confirms after all, and we hear of it so many times."""
    await site.control("POST", f"intents/{row['intent_id']}/authenticate", {"ok": True})
    for _ in range(times):
        await site.attempt("read_payment", {"payment": str(row["id"])})
        await site.settle()


async def _has_gone_back(site: Site, row: Any) -> None:
    """All of it, once, at the business's cost; the books are the provider's, and nothing is left to do."""
    [back] = await site.rows("select * from refund where payment_id = $1", row["id"])
    assert (back["status"], back["bearer"], back["amount_cents"]) == ("SUCCEEDED", "BUSINESS", row["amount_cents"])
    assert (back["from_reserve_cents"], back["from_business_cents"]) == (0, row["amount_cents"])
    assert [one["amount"] for one in site.things("refunds")] == [row["amount_cents"]]
    assert (await site.row("payment", row["id"]))["status"] == "REFUNDED"
    assert (await site.books())["CASH"] == site.balance()
    assert await Desk(site, None).check() == []  # type: ignore[arg-type]
    assert await site.rows("select * from refund where tenant_id = $1", site.other.tenant) == []


async def test_an_invoice_whose_customer_left_the_banks_page_can_be_paid_another_way(site: Site) -> None:
    """R181: until the day is over it is being paid; then it is let go at the provider, and free."""
    home, made, row = await _on_the_page(site)
    await site.move(DAY - HOUR)
    await site.duty("sweep_money")
    async with site.refused(Code.PAYMENT_STATE):
        await site.do(home.who, pay_invoice, PayInvoice(made))

    await site.move(2 * HOUR)
    await site.duty("sweep_money")

    now = await site.row("payment", row["id"])
    assert (now["status"], now["let_go"], now["action_url"]) == ("RELEASED", "UNCONFIRMED", None)
    assert [one["status"] for one in site.things("payment_intents")] == ["canceled"]
    await site.outcome(home.method, "ok")
    await site.do(home.who, pay_invoice, PayInvoice(made))
    await site.settle()
    assert (await site.row("invoice", made))["status"] == "PAID"


async def test_what_is_confirmed_after_it_was_let_go_goes_back(site: Site) -> None:
    """R213: the invoice is free for another payment, so that this one may not stand beside it."""
    _, made, row = await _on_the_page(site)
    await site.move(DAY + HOUR)
    await site.attempt("sweep_money", {})
    assert [op["state"] for op in await site.ops("RELEASE")] == ["PLANNED"]

    await _confirmed(site, row, times=3)

    await _has_gone_back(site, row)
    assert (await site.row("invoice", made))["status"] == "OPEN"


async def test_an_invoice_that_was_paid_or_void_before_is_paid_back(site: Site) -> None:
    """R213, A35: nobody has to agree, and no cleaner bears it."""
    await site.settings(payments={"refundApprovalCents": 0})
    _, made, row = await _on_the_page(site)
    await site.world.root.execute("update invoice set status = 'VOID' where id = $1", made)

    await _confirmed(site, row, times=2)

    await _has_gone_back(site, row)
    kept = await site.rows("select * from money_alarm where tenant_id = $1", site.town.tenant)
    assert [(one["kind"], one["cleared_at"] is not None) for one in kept] == [("invoice_paid_twice", True)]


async def test_an_alarm_says_what_to_do_where_it_cannot_go_back_by_itself(site: Site) -> None:
    """R239: the provider refuses the refund for good."""
    _, made, row = await _on_the_page(site)
    await site.world.root.execute("update invoice set status = 'VOID' where id = $1", made)
    await site.control("POST", f"intents/{row['intent_id']}/authenticate", {"ok": True})
    await site.attempt("read_payment", {"payment": str(row["id"])})
    [op] = await site.ops("REFUND")
    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("charge_disputed")))
    await site.settle()

    [alarm] = await site.rows("select * from money_alarm where tenant_id = $1 and cleared_at is null", site.town.tenant)
    assert (alarm["kind"], alarm["subject"]) == ("invoice_paid_twice", str(row["id"]))
    assert "by hand" in alarm["detail"]
    assert (await site.row("payment", row["id"]))["status"] == "CAPTURED"


async def _booked(site: Site, card: str) -> Any:
    """A first clean that its customer has to confirm with their bank; its payment."""
    home = await site.home(card=None)
    plan = await site.unpaid_plan(home)
    form = FirstClean(
        plan=plan,
        customer=home.customer,
        draft=BookingDraftId(new_id()),
        method_token=site.fresh_method(card),
        amount_cents=9_000,
        currency="usd",
        usage="recurring",
        consent_version="2026-11",
        consent_text=CONSENT,
        consent_address="203.0.113.7",
        return_url=BACK,
    )
    made: PaymentId = await site.system(command_of(charge_first_clean), form)
    await site.settle()
    return await site.row("payment", made)


async def test_a_booking_that_is_not_confirmed_while_its_price_is_promised_is_open_again(site: Site) -> None:
    """R49, A33: nothing of it stands in the way of another try."""
    row = await _booked(site, "authenticationRequired")
    assert row["status"] == "REQUIRES_ACTION"
    await site.move(timedelta(minutes=50))
    await site.duty("sweep_money")
    assert (await site.row("payment", row["id"]))["status"] == "REQUIRES_ACTION"

    await site.move(timedelta(minutes=15))
    await site.duty("sweep_money")

    assert (await site.row("payment", row["id"]))["status"] == "RELEASED"
    assert [one["status"] for one in site.things("payment_intents")] == ["canceled"]
    assert (await site.row("service_plan", row["plan_id"]))["status"] == "CANCELED"
    assert await site.alarms() == []


async def test_what_was_paid_for_a_booking_that_was_given_up_goes_back(site: Site) -> None:
    """R48, R213."""
    row = await _booked(site, "authenticationRequired")
    await site.world.root.execute("update service_plan set status = 'CANCELED' where id = $1", row["plan_id"])

    await _confirmed(site, row, times=2)

    await _has_gone_back(site, row)
    assert await site.world.count("job", site.town.tenant) == 0


async def test_a_payment_at_once_that_the_provider_gave_up_is_free_again(site: Site) -> None:
    """Only holds lapse: an invoice's payment that is gone at the provider is let go."""
    home, made, row = await _on_the_page(site)
    thing = {"id": row["intent_id"], "status": "canceled", "cancellation_reason": "automatic", "amount_received": 0}

    await site.system(absorb_payment, AbsorbPayment(PaymentId(row["id"]), thing))

    assert (await site.row("payment", row["id"]))["status"] == "RELEASED"
    await site.outcome(home.method, "ok")
    await site.do(home.who, pay_invoice, PayInvoice(made))


@pytest.mark.parametrize("is_lost", [True, False])
async def test_a_refund_whose_task_died_is_finished_by_the_sweep(desk: Desk, *, is_lost: bool) -> None:
    """R238: put by, refused for the moment, and nobody is at it any more; not before its own task had its turn."""
    site = desk.site
    _, paid, _ = await desk.paid()
    made = await desk.refund(paid, 1_000)
    [op] = await site.ops("REFUND")
    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("balance_insufficient")))
    if is_lost:
        await site.world.root.execute("delete from task where kind = 'resume_refund'")
    await site.move(timedelta(minutes=55))
    await site.duty("sweep_money")
    assert (await desk.refund_row(made))["status"] == "RESERVED"

    await site.move(timedelta(minutes=25))
    await site.duty("sweep_money")

    assert (await desk.refund_row(made))["status"] == "SUCCEEDED"
    assert [one["amount"] for one in site.things("refunds")] == [1_000]
    assert await desk.check() == []


async def _tip_taken_anyway(desk: Desk, card: str = "visa") -> Any:
    """A tip whose customer left the bank's page, and confirmed after it had been let go; what it does then is to do."""
    site, home = desk.site, await desk.site.home(card)
    await site.settings(payments={"payoutsMode": "TRANSFERS"})
    job = await desk.till.paid((await desk.till.cleaner(), AssignmentRole.PRIMARY), home=home)
    await site.outcome(home.method, "authentication_required")
    made = await site.do(home.who, tip_job, TipJob(job, 1_000, return_url=BACK))
    await site.settle()
    await site.move(DAY + HOUR)
    await site.attempt("sweep_money", {})
    row = await site.row("payment", made)
    assert (row["status"], row["let_go"]) == ("REQUIRES_ACTION", "UNCONFIRMED")
    await site.control("POST", f"intents/{row['intent_id']}/authenticate", {"ok": True})
    await site.attempt("read_payment", {"payment": str(made)})
    assert [one["kind"] for one in await desk.till.payouts(job)] == ["CLEAN"]
    return await site.row("payment", made)


async def _refuse_refund(site: Site) -> None:
    """It cannot be given back by itself."""
    [op] = await site.ops("REFUND")
    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("charge_disputed")))
    await site.settle()


async def _accounts(site: Site) -> dict[str, int]:
    """What stands on the accounts that a tip may touch."""
    books = await site.books()
    return {name: books.get(name, 0) for name in ("TIPS", "RESERVE", "LOSSES", "REFUNDS_DUE")}


async def test_a_tip_that_was_taken_after_it_was_let_go_is_owed_to_nobody_once_it_is_back(desk: Desk) -> None:
    """A34, R213: no cleaner is to get it, and neither the reserve nor the business has lost it."""
    row = await _tip_taken_anyway(desk)
    before = await _accounts(desk.site)
    assert (before["TIPS"], before["REFUNDS_DUE"]) == (0, -1_000)

    await desk.site.settle()

    await _has_gone_back(desk.site, row)
    assert await _accounts(desk.site) == {"TIPS": 0, "RESERVE": -390, "LOSSES": 0, "REFUNDS_DUE": 0}


async def test_a_tip_that_could_not_go_back_is_refunded_by_the_office_out_of_itself(desk: Desk) -> None:
    """A34, A13: of the tip before the reserve, in as many parts as the office likes; beyond it nothing is left."""
    row = await _tip_taken_anyway(desk)
    await _refuse_refund(desk.site)
    assert await _accounts(desk.site) == {"TIPS": -1_000, "RESERVE": -390, "LOSSES": 0, "REFUNDS_DUE": 0}

    await desk.refund(row, 400)
    await desk.refund(row)
    await desk.site.settle()
    async with desk.site.refused(Code.REFUND_TOO_LARGE):
        await desk.refund(row, 1)

    assert await _accounts(desk.site) == {"TIPS": 0, "RESERVE": -390, "LOSSES": 0, "REFUNDS_DUE": 0}
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.check() == []


async def test_a_tip_that_the_customers_bank_sends_back_to_us_is_nobodys_again(desk: Desk) -> None:
    """A34, A35: by contra entries alone; the office is told to give it back by hand."""
    row = await _tip_taken_anyway(desk, "refundFail")
    await desk.site.settle()
    assert (await _accounts(desk.site))["TIPS"] == 0

    await desk.site.move(DAY)
    await desk.hears_refunds()
    await desk.hears_refunds()

    assert (await desk.site.row("payment", row["id"]))["status"] == "CAPTURED"
    assert await _accounts(desk.site) == {"TIPS": -1_000, "RESERVE": -390, "LOSSES": 0, "REFUNDS_DUE": 0}
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.check() == ["taken_after_let_go"]


@pytest.mark.parametrize(("outcome", "tips", "alarms"), [("lost", 0, []), ("won", -1_000, ["taken_after_let_go"])])
async def test_a_bank_that_takes_a_tip_of_nobodys_takes_it_out_of_itself(
    desk: Desk, outcome: str, tips: int, alarms: list[str]
) -> None:
    """A34, R153: the reserve keeps what it has; won, the tip is there again, and is still to be given back."""
    row = await _tip_taken_anyway(desk)
    await _refuse_refund(desk.site)

    thing = await desk.dispute(row)
    held = await desk.site.row("dispute", thing["id"], "provider_id")
    assert (held["withdrawn_cents"], (await _accounts(desk.site))["TIPS"]) == (1_000, 0)
    await desk.decide(thing, outcome)

    assert await _accounts(desk.site) == {"TIPS": tips, "RESERVE": -390, "LOSSES": 0, "REFUNDS_DUE": 0}
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.check() == alarms


async def test_a_tip_that_cleaners_wait_for_stays_theirs_when_its_customer_is_paid_back(desk: Desk) -> None:
    """A13, A34, A35: the reserve and the business bear the refund, and nothing is owed once the cleaner has it."""
    site, home = desk.site, await desk.site.home()
    job, _, _ = await desk.paid(home)
    await site.settings(payments={"payoutDelayMinutes": 600})
    row = await site.row("payment", await site.do(home.who, tip_job, TipJob(job, 1_000)))
    await site.settle()

    await desk.refund(row)
    await site.settle()
    assert await _accounts(site) == {"TIPS": -1_000, "RESERVE": 0, "LOSSES": 610, "REFUNDS_DUE": 0}
    await desk.till.sweep(timedelta(hours=11))

    assert [one["status"] for one in await desk.till.payouts(job)] == ["RELEASED", "RELEASED"]
    assert await _accounts(site) == {"TIPS": 0, "RESERVE": 0, "LOSSES": 610, "REFUNDS_DUE": 0}
    assert (await site.books())["CASH"] == site.balance()
    assert await desk.check() == []
