"""A business leaves its account with the provider, above all one that does not know its keys any more (A41)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from db.ids import new_id
from db.tx import Tx
from domain.consent import CONSENT_VERSION
from domain.errors import Code, Unavailable
from domain.ids import BookingDraftId, JobId, MoneyOpId, PaymentId
from domain.payments import asks
from domain.payments.ops import OpKind
from domain.payments.outcomes import Refusal
from sandbox.stripe.edge import platform_id
from sandbox.stripe.resources.payment_methods import new_method
from services.cancellations import CancelJob, cancel_job
from services.payments.accounts import ConnectProvider, connect_provider
from services.payments.alarms import raise_alarm
from services.payments.cards import (
    AddPaymentMethod,
    RemovePaymentMethod,
    add_payment_method,
    remove_payment_method,
)
from services.payments.declines import RetryPayment, retry_payment
from services.payments.disconnecting import DisconnectProvider, disconnect_provider
from services.payments.holds import hold_now
from services.payments.invoices import (
    CreateInvoice,
    InvoiceLine,
    IssueInvoice,
    PayInvoice,
    create_invoice,
    issue_invoice,
    pay_invoice,
)
from services.payments.ops import Step, plan_op
from services.payments.prepaid import FirstClean, charge_first_clean
from services.payments.recorders import RecordOp, record_op
from services.payments.refunds import RefundPayment, refund_payment
from services.payouts.payroll import ExportPayroll, export_payroll
from tests.fieldwork.site import command_of
from tests.payments.desk import Desk
from tests.payments.site import CONSENT, Home, Site

ANOTHER = "another"
"""The name of an account that no business of the tests has."""
BACK = "https://cleanshift.test/back"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
SENT = "update money_op set state = $3, first_sent_at = now(), tries = 1 where tenant_id = $1 and kind = $2"
OPEN = "select kind from money_op where tenant_id = $1 and state in ('PLANNED', 'SENT', 'UNKNOWN')"


async def _key_dies(site: Site) -> None:
    """The provider does not know the key any more, and we have found that out."""
    await site.settle()
    await site.do(site.town.owner, connect_provider, ConnectProvider("sk_live_gone", ["whsec_gone"]))
    await site.drain("check_provider")
    row = await site.row("provider_account", site.town.tenant, "tenant_id")
    assert row["is_held_back"]
    assert row["problem"]


async def _leave(site: Site) -> None:
    """The business leaves: nothing was asked of the provider, nothing stands, and the other one is as it was."""
    others = "select * from {} where tenant_id = $1 order by id"
    tables = ("money_op", "payment", "payment_method", "money_alarm", "notification")
    before = [await site.rows(others.format(table), site.other.tenant) for table in tables]
    asked = site.sandbox.journal.seq
    await site.do(site.town.owner, disconnect_provider, DisconnectProvider())
    await site.drain()
    assert await site.rows(OPEN, site.town.tenant) == []
    assert await site.rows("select * from provider_account where tenant_id = $1", site.town.tenant) == []
    assert site.sandbox.journal.seq == asked
    assert [await site.rows(others.format(table), site.other.tenant) for table in tables] == before
    assert await site.row("provider_account", site.other.tenant, "tenant_id")


async def _stays(site: Site) -> Any:
    """The business may not leave, and nothing was written; what it is told."""
    async with site.refused(Code.CONFLICT) as caught:
        await site.do(site.town.owner, disconnect_provider, DisconnectProvider())
    assert await site.row("provider_account", site.town.tenant, "tenant_id")
    return caught[0]


async def _is_in_order(site: Site, *alarms: str) -> None:
    """No rule of money is broken, now and hours later; only these alarms stand."""
    assert await Desk(site, None).check() == list(alarms)  # type: ignore[arg-type]
    await site.move(timedelta(hours=5))
    await site.drain()
    await site.duty("sweep_money")
    await site.duty("hold_payments")
    assert await site.rows(OPEN, site.town.tenant) == []
    assert await Desk(site, None).check() == list(alarms)  # type: ignore[arg-type]


async def _planned(site: Site) -> JobId:
    """A clean of tomorrow whose hold is planned with a dead key."""
    job = await site.job(await site.home())
    await _key_dies(site)
    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=20))
    await site.system(command_of(hold_now), job)
    await site.drain()
    assert [(op["state"], op["tries"]) for op in await site.ops("INTENT")] == [("PLANNED", 0)]
    return job


async def _made_known(site: Site) -> JobId:
    """A clean of tomorrow whose hold the provider knows of, and whose card was not asked yet."""
    job = await site.job(await site.home())
    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=20))
    await site.system(command_of(hold_now), job)
    [op] = await site.ops("INTENT")
    await site.attempt("send_money", {"op": str(op["id"])})
    return job


async def _proven(site: Site) -> JobId:
    """A proven clean whose capture is planned with a dead key."""
    job = await site.held_job()
    await _key_dies(site)
    await site.prove(job)
    assert (await site.status(job), [op["state"] for op in await site.ops("CAPTURE")]) == (
        "CAPTURE_PENDING",
        ["PLANNED"],
    )
    return job


def _first(site: Site, home: Home, plan: Any) -> FirstClean:
    """A first clean that is to be charged at once."""
    return FirstClean(
        plan=plan,
        customer=home.customer,
        draft=BookingDraftId(new_id()),
        method_token=site.fresh_method(),
        amount_cents=9_000,
        currency="usd",
        usage="recurring",
        consent_version="2026-11",
        consent_text=CONSENT,
        consent_address="203.0.113.7",
        return_url=BACK,
    )


async def _lapses(site: Site, job: JobId) -> datetime:
    until: datetime = (await site.payment(job))["capture_before"]
    await site.until(until + MINUTE)
    return until


async def test_a_hold_that_was_never_asked_for_is_let_go_when_a_business_leaves_an_account_that_is_gone(
    site: Site,
) -> None:
    """A41: no card is asked any more; with an account again the same clean is held, once."""
    job = await _planned(site)

    await _leave(site)

    row = await site.payment(job)
    assert (row["status"], row["let_go"], row["next_attempt_at"]) == ("RELEASED", "DISCONNECTED", None)
    assert await site.status(job) == "RELEASED"
    [op] = await site.ops("INTENT")
    assert (op["state"], op["failure"] is not None, op["finished_at"] is not None) == ("FAILED", True, True)
    assert "not_sent" in op["failure"]
    await _is_in_order(site)

    await site.connect()
    await site.settle()
    await site.duty("hold_payments")
    assert await site.status(job) == "AUTHORIZED"
    assert [one["status"] for one in site.intents_of(job)] == ["requires_capture"]
    await site.prove(job)
    assert (await site.status(job), await site.alarms()) == ("CAPTURED", [])


async def test_a_capture_that_was_never_sent_is_given_up_once_its_hold_has_lapsed(site: Site) -> None:
    """A41, R147: while the hold lives a new key can take it; after that the office hears that the clean is unpaid."""
    job = await _proven(site)
    refusal = await _stays(site)
    until = (await site.payment(job))["capture_before"]
    assert refusal.details == {"until": until.isoformat()}
    assert f"{until:%Y-%m-%d %H:%M}" in refusal.message

    await _lapses(site, job)
    await _leave(site)

    row = await site.payment(job)
    assert (row["status"], row["captured_cents"], row["next_attempt_at"]) == ("EXPIRED", 0, None)
    assert len(await site.notices("HOLD_FAILED")) >= 1
    await _is_in_order(site, "completed_unpaid")
    whose = (await site.row("job", job))["customer_id"]
    made = await site.do(site.town.owner, create_invoice, CreateInvoice(whose, [], job))
    await site.do(site.town.owner, issue_invoice, IssueInvoice(made))


async def test_a_clean_that_is_proven_meanwhile_is_held_and_taken_with_another_account(site: Site) -> None:
    """A41, R148: of a hold that was let go the office may take another."""
    job = await _planned(site)
    await site.prove(job)
    await _leave(site)
    assert (await site.status(job), await site.alarms()) == ("RELEASED", ["completed_unpaid"])
    await _is_in_order(site, "completed_unpaid")
    again = RetryPayment(PaymentId((await site.payment(job))["id"]))
    async with site.refused(Code.NOT_CONFIGURED):
        await site.do(site.town.owner, retry_payment, again)

    await site.connect()
    await site.settle()
    await site.do(site.town.owner, retry_payment, again)
    await site.settle()

    assert (await site.status(job), await site.alarms()) == ("CAPTURED", [])


async def test_a_hold_keeps_the_business_until_it_lapses_and_not_longer(site: Site) -> None:
    """A41, A2: nobody can let it go, so it is waited for."""
    job = await site.held_job()
    await _key_dies(site)
    assert "until" in (await _stays(site)).details
    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    await site.drain()
    assert [op["state"] for op in await site.ops("RELEASE")] == ["PLANNED"]
    assert "until" in (await _stays(site)).details

    await _lapses(site, job)
    await _leave(site)

    row = await site.payment(job)
    assert (row["status"], row["let_go"]) == ("EXPIRED", "CANCELED")
    await _is_in_order(site)


@pytest.mark.parametrize("state", ["SENT", "UNKNOWN"])
async def test_a_capture_that_may_have_been_done_keeps_the_business_until_it_is_known(site: Site, state: str) -> None:
    """A41: also when the hold has lapsed; and it says what is to be done about which step."""
    job = await _proven(site)
    await _lapses(site, job)
    await site.world.root.execute(SENT, site.town.tenant, "CAPTURE", state)

    refusal = await _stays(site)

    [op] = await site.ops("CAPTURE")
    assert refusal.details == {"steps": [{"id": str(op["id"]), "kind": "CAPTURE", "state": state}]}
    assert "CAPTURE" in refusal.message
    assert "key" in refusal.message


async def test_a_transfer_that_was_never_sent_leaves_its_payout_to_the_payroll(site: Site, desk: Desk) -> None:
    """A41: owed all the same. While the business pays by transfers, an alarm says that nobody can."""
    who = await desk.till.cleaner()
    await site.settings(payments={"payoutsMode": "TRANSFERS", "payoutDelayMinutes": 0})
    job = await site.job(await site.home(), cents=19_500)
    await site.hold_night(job)
    await site.prove(job, who, hold=False)
    await site.settle("send_money", "read_payment")
    await _dies_quietly(site)
    await site.drain()
    assert [op["state"] for op in await site.ops("TRANSFER")] == ["PLANNED"], await site.ops("TRANSFER")

    await _leave(site)

    [row] = await desk.till.payouts(job)
    assert (row["status"], row["transfer_id"], row["hold_reason"]) == ("PENDING", None, None)
    assert [op["state"] for op in await site.ops("TRANSFER")] == ["FAILED"]
    await site.move(timedelta(hours=2))
    await site.duty("sweep_payouts")
    await _is_in_order(site, "payouts_without_provider")

    await site.settings(payments={"payoutsMode": "PAYROLL"})
    day = (await site.now()).date()
    await site.move(2 * DAY)
    await site.do(site.town.owner, export_payroll, ExportPayroll(day - 3 * DAY, day))
    [row] = await desk.till.payouts(job)
    assert row["status"] == "EXPORTED"
    await site.duty("sweep_payouts")
    await _is_in_order(site)


async def _dies_quietly(site: Site) -> None:
    """The same with tasks that wait: only the keys are tried."""
    await site.do(site.town.owner, connect_provider, ConnectProvider("sk_live_gone", ["whsec_gone"]))
    await site.drain("check_provider")


@pytest.mark.parametrize("state", ["SENT", "UNKNOWN"])
async def test_money_that_may_be_under_way_in_any_way_keeps_the_business(site: Site, desk: Desk, state: str) -> None:
    """A41: a refund that was sent may have gone."""
    _, row, _ = await desk.paid()
    await _key_dies(site)
    await desk.refund(row, 1_000)
    await site.drain()
    await site.world.root.execute(SENT, site.town.tenant, "REFUND", state)

    refusal = await _stays(site)

    assert [(one["kind"], one["state"]) for one in refusal.details["steps"]] == [("REFUND", state)]


async def test_a_refund_that_was_never_sent_fails_and_is_put_back(site: Site, desk: Desk) -> None:
    """A41, R213: the office sees that the customer has nothing back."""
    _, row, _ = await desk.paid()
    await _key_dies(site)
    before = {name: cents for name, cents in (await site.books()).items() if cents}
    made = await desk.refund(row, 1_000)
    await site.drain()
    assert (await desk.refund_row(made))["status"] == "RESERVED"

    await _leave(site)

    assert (await desk.refund_row(made))["status"] == "FAILED"
    assert {name: cents for name, cents in (await site.books()).items() if cents} == before
    assert len(await site.notices("REFUND_FAILED")) >= 1
    await _is_in_order(site)
    async with site.refused(Code.NOT_CONFIGURED):
        await site.do(site.town.owner, refund_payment, RefundPayment(PaymentId(row["id"]), "Again."))


async def test_a_refund_that_waits_for_another_attempt_fails_as_well(site: Site, desk: Desk) -> None:
    """A41, R238: nobody asks for it again."""
    _, row, _ = await desk.paid()
    made = await desk.refund(row, 1_000)
    [op] = await site.ops("REFUND")
    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("balance_insufficient")))
    await _key_dies(site)
    assert (await desk.refund_row(made))["status"] == "RESERVED"

    await _leave(site)

    assert (await desk.refund_row(made))["status"] == "FAILED"
    await _is_in_order(site)


@pytest.mark.parametrize("state", ["PLANNED", "SENT", "UNKNOWN"])
async def test_a_step_that_moves_no_money_is_given_up_wherever_it_stands(site: Site, state: str) -> None:
    """A41, R264: a card that waited to be saved is not saved, and its customer is told so."""
    home = await site.home(card=None)
    await _key_dies(site)
    form = AddPaymentMethod(site.fresh_method(), CONSENT_VERSION, return_url=BACK)
    card = await site.do(home.who, add_payment_method, form)
    await site.drain()
    await site.world.root.execute(SENT, site.town.tenant, "CUSTOMER", state)

    await _leave(site)

    [op] = await site.ops("CUSTOMER")
    assert (op["state"], ("not_sent" if state == "PLANNED" else "given_up") in op["failure"]) == ("FAILED", True)
    row = await site.row("payment_method", card)
    assert (row["status"], row["failure"]) == ("FAILED", "This card could not be saved.")
    await _is_in_order(site)

    await site.connect()
    await site.settle()
    assert await site.save_card(home)
    assert (await site.row("payment_method", home.card))["status"] == "ACTIVE"


async def test_what_follows_from_giving_up_is_given_up_as_well(site: Site) -> None:
    """A41, R143: a hold that was to be let go and whose card had not been asked yet would be let go by another step."""
    job = await _made_known(site)
    assert [op["state"] for op in await site.ops("CONFIRM")] == ["PLANNED"]
    await _dies_quietly(site)
    wish = "update payment set let_go = 'CANCELED' where job_id = $1"
    await site.world.root.execute(wish, job)

    await _leave(site)

    assert [(op["kind"], op["state"]) for op in await site.ops() if op["kind"] in {"CONFIRM", "RELEASE"}] == [
        ("CONFIRM", "FAILED"),
        ("RELEASE", "FAILED"),
    ]
    row = await site.payment(job)
    assert (row["status"], row["let_go"]) == ("RELEASED", "CANCELED")
    await _is_in_order(site)


async def test_the_alarm_of_a_key_that_was_refused_is_over_when_its_account_is_left(site: Site) -> None:
    """A41, R239: the platform's own key is another matter."""
    job = await site.job(await site.home())
    await _key_dies(site)
    unheard = "update provider_account set is_held_back = false, problem = null where tenant_id = $1"
    await site.world.root.execute(unheard, site.town.tenant)
    await site.hold_night(job)
    assert await site.alarms() == ["provider_refuses_us"]

    async def warn(tx: Tx, input: None) -> None:
        await raise_alarm(tx, "provider_refuses_us", OpKind.PLAN_CHANGE, {})

    await site.system(command_of(warn), None)

    await _leave(site)

    standing = "select subject from money_alarm where tenant_id = $1 and cleared_at is null"
    assert [row["subject"] for row in await site.rows(standing, site.town.tenant)] == ["PLAN_CHANGE"]
    assert await site.status(job) == "RELEASED"


async def test_a_booking_that_was_never_charged_is_open_again(site: Site) -> None:
    """A41, R49."""
    home = await site.home(card=None)
    plan = await site.unpaid_plan(home)
    await _key_dies(site)
    await site.system(command_of(charge_first_clean), _first(site, home, plan))
    await site.drain()

    await _leave(site)

    row = await site.row("payment", plan, "plan_id")
    assert (row["status"], row["let_go"]) == ("RELEASED", "DISCONNECTED")
    assert (await site.row("service_plan", plan))["status"] == "CANCELED"
    await _is_in_order(site)


async def test_a_customer_on_their_banks_page_keeps_the_business_until_their_time_is_over(site: Site) -> None:
    """A41, R181: they are charged at once when they confirm; after that the invoice is free for another way."""
    home = await site.home()
    made = await site.do(site.town.owner, create_invoice, CreateInvoice(home.customer, [InvoiceLine("Windows", 9_000)]))
    await site.do(site.town.owner, issue_invoice, IssueInvoice(made))
    await site.outcome(home.method, "authentication_required")
    await site.do(home.who, pay_invoice, PayInvoice(made, return_url=BACK))
    await site.settle()
    await _key_dies(site)
    row = await site.row("payment", made, "invoice_id")
    assert (await _stays(site)).details == {"until": row["action_until"].isoformat()}

    await site.move(DAY + MINUTE)
    await _leave(site)

    assert (await site.row("payment", row["id"]))["status"] == "RELEASED"
    assert (await site.row("invoice", made))["status"] == "OPEN"
    await _is_in_order(site)
    async with site.refused(Code.NOT_CONFIGURED):
        await site.do(home.who, pay_invoice, PayInvoice(made))


@pytest.mark.parametrize("is_held", [False, True])
async def test_a_business_whose_account_answers_ends_first_what_is_under_way(site: Site, is_held: bool) -> None:
    """A41: nothing is given up behind its back."""
    job = await site.job(await site.home())
    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=20))
    await site.system(command_of(hold_now), job)
    if is_held:
        await site.settle()
    refusal = await _stays(site)
    assert refusal.message == "Money is held or on its way: release or capture it first."
    assert await site.status(job) == ("AUTHORIZED" if is_held else "PENDING")


async def test_new_keys_that_were_not_tried_yet_give_nothing_up(site: Site) -> None:
    """A41: they may open the account."""
    await _planned(site)
    await site.do(site.town.owner, connect_provider, ConnectProvider("sk_live_other", ["whsec_other"]))

    refusal = await _stays(site)

    assert refusal.message == "Money is held or on its way: release or capture it first."


@pytest.mark.parametrize("is_dead", [False, True])
@pytest.mark.parametrize("state", ["PLANNED", "UNKNOWN"])
async def test_what_the_platform_asks_for_its_plans_keeps_nobody(site: Site, is_dead: bool, state: str) -> None:
    """A41, A42: it is asked with other keys, at another account, and goes on."""
    await site.drain()
    if is_dead:
        await _key_dies(site)
    step = Step(OpKind.PLAN_REFUND, new_id(), asks.detach_method("pm_1"))

    async def plan(tx: Tx, input: None) -> None:
        await plan_op(tx, step)

    await site.system(command_of(plan), None)
    await site.world.root.execute(SENT, site.town.tenant, "PLAN_REFUND", state)
    before = await site.ops("PLAN_REFUND")

    await site.do(site.town.owner, disconnect_provider, DisconnectProvider())

    assert await site.rows("select * from provider_account where tenant_id = $1", site.town.tenant) == []
    assert await site.ops("PLAN_REFUND") == before


async def test_a_card_can_be_taken_off_after_the_business_has_left(site: Site) -> None:
    """A41, R264: nothing is asked of an account that is not ours any more."""
    home = await site.home()
    await _key_dies(site)
    await _leave(site)

    assert home.card is not None
    await site.do(home.who, remove_payment_method, RemovePaymentMethod(home.card))

    assert (await site.row("payment_method", home.card))["status"] == "DETACHED"
    assert await site.rows(OPEN, site.town.tenant) == []


async def test_another_account_knows_nobody_and_takes_cards_anew(site: Site, desk: Desk) -> None:
    """A41, R44, R264: whom the last one knew is forgotten, card and account alike; what was paid stays paid."""
    home = await site.home()
    who = await desk.till.cleaner()
    paid = await site.paid_job(home, who)
    job = await site.job(home)
    await _key_dies(site)
    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=20))
    await site.system(command_of(hold_now), job)
    await site.drain()
    await _leave(site)
    account = await site.row("payout_account", who.person, "cleaner_id")

    await _connect_another(site)

    assert await site.status(paid) == "CAPTURED"
    assert (await site.row("customer", home.customer))["provider_id"] is None
    card = await site.row("payment_method", home.card)
    assert (card["status"], card["is_default"]) == ("FAILED", False)
    gone = await site.row("payout_account", who.person, "cleaner_id")
    assert (gone["account_id"], gone["status"], gone["ready_at"]) == (None, "REQUESTED", account["ready_at"])
    await site.duty("hold_payments")
    assert (await site.status(job), await site.alarms()) == ("RELEASED", [])
    others = "select provider_id from customer where tenant_id = $1"
    assert [row["provider_id"] is None for row in await site.rows(others, site.other.tenant)] == [False]

    with site.sandbox.tx(platform_id(ANOTHER), "test: card") as tx:
        method = str(new_method(tx, "visa")["id"])
    await site.do(home.who, add_payment_method, AddPaymentMethod(method, CONSENT_VERSION, return_url=BACK))
    await site.settle()
    await site.duty("hold_payments")
    assert (await site.status(job), await site.alarms()) == ("AUTHORIZED", [])
    assert [op["state"] for op in await site.ops("CUSTOMER")] == ["SUCCEEDED", "SUCCEEDED"]
    await desk.till.open_account(who)
    again = await site.row("payout_account", who.person, "cleaner_id")
    assert again["account_id"] not in {None, account["account_id"]}
    await _is_in_order(site)


async def test_the_same_account_knows_everybody_as_before(site: Site) -> None:
    """A41: also by keys that open it after it was left."""
    home = await site.home()
    await _key_dies(site)
    await _leave(site)
    before = await site.row("customer", home.customer)

    await site.connect()
    await site.settle()

    assert (await site.row("customer", home.customer))["provider_id"] == before["provider_id"] is not None
    assert (await site.row("payment_method", home.card))["status"] == "ACTIVE"


async def test_a_payment_that_was_given_up_is_ended_at_the_account_when_the_business_is_back(site: Site) -> None:
    """A41, R239: found by the reconciliation; nobody can be charged by what nobody knows of any more."""
    job = await _made_known(site)
    await _dies_quietly(site)
    await _leave(site)
    assert [one["status"] for one in site.intents_of(job)] == ["requires_confirmation"]

    await site.connect()
    await site.settle()
    for _ in range(2):
        await site.duty("reconcile_money")

    assert [one["status"] for one in site.intents_of(job)] == ["canceled"]
    assert [op["state"] for op in await site.ops("RELEASE")] == ["SUCCEEDED"]
    assert await site.status(job) == "RELEASED"
    await _is_in_order(site)


async def test_nobody_is_forgotten_while_the_provider_does_not_answer(site: Site) -> None:
    """A41: who is not answered asks again; cards are not given up for that."""
    home = await site.home()
    await _key_dies(site)
    await _leave(site)
    site.sandbox.faults.add({"kind": "error_before", "method": "GET", "path": "/v1/customers/*", "times": 1})

    await site.connect()
    assert [type(problem) for problem in await site.drain()] == [Unavailable]
    assert (await site.row("payment_method", home.card))["status"] == "ACTIVE"

    await site.settle()
    row = await site.row("provider_account", site.town.tenant, "tenant_id")
    assert (row["problem"], row["account_id"]) == (None, site.account)
    assert (await site.row("payment_method", home.card))["status"] == "ACTIVE"


async def _connect_another(site: Site) -> None:
    await site.do(site.town.owner, connect_provider, ConnectProvider(f"sk_test_{ANOTHER}", ["whsec_another"]))
    await site.settle()
    row = await site.row("provider_account", site.town.tenant, "tenant_id")
    assert (row["problem"], row["account_id"]) == (None, platform_id(ANOTHER))
