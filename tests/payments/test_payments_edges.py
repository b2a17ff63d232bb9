"""Who reaches whose money, what an unpaid business still does for its customers, and where tokens must not show."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.errors import Code, Forbidden
from domain.ids import InvoiceId, PaymentId
from domain.payments.payroll import PayLine, payroll_csv
from services.payments.cards import (
    AddPaymentMethod,
    RemovePaymentMethod,
    SetDefaultPaymentMethod,
    add_payment_method,
    remove_payment_method,
    set_default_payment_method,
)
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
from services.payments.links import OpenPayment, open_payment
from services.payments.refunds import RefundPayment, refund_payment
from services.payments.releases import ReleaseHold, release_hold
from services.payouts.tips import TipJob, tip_job
from tests.payments.desk import Desk
from tests.payments.site import Home, Site
from tests.product.world import Api

BACK = "https://cleanshift.test/billing"


async def _unpaid(site: Site) -> None:
    await site.world.root.execute("update tenant set is_read_only = true where tenant_id = $1", site.town.tenant)


async def _to_confirm(site: Site, home: Home) -> PaymentId:
    """A hold that the customer's bank wants confirmed."""
    await site.outcome(home.method, "authentication_required")
    job = await site.job(home)
    await site.hold_night(job)
    row = await site.payment(job)
    assert row["status"] == "REQUIRES_ACTION"
    return PaymentId(row["id"])


async def _invoice(site: Site, home: Home) -> InvoiceId:
    form = CreateInvoice(home.customer, [InvoiceLine("Windows", 2_500)])
    made: InvoiceId = await site.do(site.town.owner, create_invoice, form)
    await site.do(site.town.owner, issue_invoice, IssueInvoice(made))
    return made


async def test_customers_of_an_unpaid_business_still_pay_what_they_owe(site: Site) -> None:
    """A42: losing nothing; the business's plan is no affair of theirs. They say with which card, and thank who came."""
    home, other = await site.home(), await site.home()
    done, first = await site.paid_job(other), other.card
    assert first is not None
    await site.save_card(other, "mastercard")
    awaits, owed = await _to_confirm(site, home), await _invoice(site, other)
    await _unpaid(site)

    await site.do(other.who, set_default_payment_method, SetDefaultPaymentMethod(first))
    tip = await site.do(other.who, tip_job, TipJob(done, 500))

    await site.do(home.who, confirm_payment, ConfirmPayment(awaits, BACK))
    await site.do(other.who, pay_invoice, PayInvoice(owed))
    await site.do(home.who, add_payment_method, AddPaymentMethod(site.fresh_method(), "2026-11", BACK))
    await site.settle()

    assert (await site.row("payment", awaits))["action_url"]
    assert (await site.row("invoice", owed))["status"] == "PAID"
    assert (await site.row("payment_method", first))["is_default"]
    tipped = await site.row("payment", tip)
    assert (tipped["status"], tipped["method_id"]) == ("CAPTURED", first)


async def test_an_unpaid_business_lets_holds_go_but_refunds_nothing_by_hand(desk: Desk) -> None:
    """A42: what would be lost by waiting is seen to; the rest waits."""
    site = desk.site
    job, paid, _ = await desk.paid()
    held = await site.held_job()
    await _unpaid(site)

    row = await site.payment(held)
    await site.do(site.town.owner, release_hold, ReleaseHold(PaymentId(row["id"]), "The customer pays cash."))
    async with site.refused(Code.READ_ONLY):
        await site.do(site.town.owner, refund_payment, RefundPayment(PaymentId(paid["id"]), "x", 100))

    await site.settle()
    assert (await site.status(held), await site.status(job)) == ("RELEASED", "CAPTURED")


async def test_a_customer_reaches_nothing_of_another_customer(site: Site) -> None:
    """R3, R5: as if it were not there, and nothing is written or asked; of the same business and of another."""
    victim = await site.home()
    paid, awaits, owed = await site.paid_job(victim), await _to_confirm(site, victim), await _invoice(site, victim)
    assert victim.card is not None
    await site.connect(site.other)
    for who in ((await site.home()).who, (await site.home(town=site.other)).who):
        wishes: list[tuple[Any, Any]] = [
            (confirm_payment, ConfirmPayment(awaits, BACK)),
            (pay_invoice, PayInvoice(owed)),
            (tip_job, TipJob(paid, 500)),
            (remove_payment_method, RemovePaymentMethod(victim.card)),
            (set_default_payment_method, SetDefaultPaymentMethod(victim.card)),
        ]
        for command, wish in wishes:
            async with site.refused(Code.NOT_FOUND):
                await site.do(who, command, wish)


async def test_another_customers_card_pays_nothing(site: Site) -> None:
    """R3."""
    victim, thief = await site.home(), await site.home(card=None)
    owed = await _invoice(site, thief)

    async with site.refused(Code.NOT_FOUND):
        await site.do(thief.who, pay_invoice, PayInvoice(owed, victim.card))


async def test_holds_are_for_who_runs_the_business(site: Site) -> None:
    """The matrix: a dispatcher sees a job's payment state, and acts on no payment."""
    job = await site.held_job()
    payment = PaymentId((await site.payment(job))["id"])
    for who in (await site.town.dispatcher(), await site.town.cleaner()):
        for command, wish in ((release_hold, ReleaseHold(payment, "x")), (retry_payment, RetryPayment(payment))):
            with pytest.raises(Forbidden):
                await site.do(who, command, wish)
    assert await site.status(job) == "AUTHORIZED"


@pytest.mark.parametrize("cents", [0, -1, 1.5, True, 2**31 - 1, 2**63, "100"])
async def test_cents_that_are_none_refund_nothing(desk: Desk, cents: Any) -> None:
    """R19: whole, positive, and no more than is there."""
    _, paid, _ = await desk.paid()
    with pytest.raises(Exception, match=r"cents|whole|left|number|most|least|amount") as refused:
        await desk.refund(paid, cents)
    assert refused.value.code in {Code.INVALID, Code.REFUND_TOO_LARGE}  # type: ignore[attr-defined]
    assert await desk.site.value("select count(*) from refund where payment_id = $1", paid["id"]) == 0


async def test_a_link_of_unreadable_signs_is_a_bad_link(site: Site, api: Api) -> None:
    """R230: whatever is sent, nothing inside is told."""
    for token in ("\u0000", "é" * 200, "." * 300, f"{site.town.tenant.hex}.{UUID(int=0).hex}.{'9' * 400}.x"):
        answer = await api.do(None, "openPayment", {"token": token, "returnUrl": BACK}, "payment { status }")
        assert [one["code"] for one in answer["errors"]] == ["LINK_INVALID"]
    assert open_payment.secret
    assert "token" not in repr(OpenPayment("token", BACK))


def test_no_name_in_a_payroll_file_is_a_formula() -> None:
    """A41: who opens the file in a spreadsheet runs nothing that a cleaner has called themselves."""
    amounts = {"rate_cents": 1_700, "base_cents": 5_100, "urgent_cents": 0, "laundry_cents": 0, "tip_cents": 0}
    line = PayLine(
        UUID(int=1), '=HYPERLINK("x")', UUID(int=2), date(2026, 3, 1), "@south", "PRIMARY", "+1", Decimal(3),
        currency="usd", **amounts,
    )  # fmt: skip
    assert [cell for cell in payroll_csv([line]).splitlines()[1].split(",") if cell[:1] in "=+-@"] == []
