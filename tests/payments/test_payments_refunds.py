"""Refunds: put by first, the reserve before the business, cleaners only where somebody says so (R213, A13, A35)."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import Code
from domain.ids import PaymentId
from domain.payments.refunds import Burden, burden_of, taken_back
from domain.payments.states import Bearer
from services.payments.refunds import (
    ApproveRefund,
    DeclineRefund,
    RefundPayment,
    approve_refund,
    decline_refund,
    refund_payment,
)
from tests.payments.desk import Desk


@pytest.mark.parametrize(
    ("amount", "bearer", "reserve", "have", "parts"),
    [
        (100, Bearer.RESERVE_FIRST, 390, 0, Burden(100, 0, 0)),
        (390, Bearer.RESERVE_FIRST, 390, 0, Burden(390, 0, 0)),
        (19_500, Bearer.RESERVE_FIRST, 390, 0, Burden(390, 19_110, 0)),
        (19_500, Bearer.RESERVE_FIRST, 0, 0, Burden(0, 19_500, 0)),
        (100, Bearer.RESERVE_FIRST, -5, 9_000, Burden(0, 100, 0)),
        (100, Bearer.BUSINESS, 390, 9_000, Burden(0, 100, 0)),
        (5_000, Bearer.CLEANERS, 390, 7_950, Burden(0, 0, 5_000)),
        (10_000, Bearer.CLEANERS, 390, 7_950, Burden(390, 1_660, 7_950)),
        (100, Bearer.CLEANERS, 390, -3, Burden(100, 0, 0)),
    ],
)
def test_who_bears_a_refund_a13_a35(amount: int, bearer: Bearer, reserve: int, have: int, parts: Burden) -> None:
    """A13, A35: never more of the reserve than it has, never more of cleaners than they got."""
    assert burden_of(amount, bearer, reserve, have) == parts


def test_pay_is_taken_back_by_what_each_has_to_the_cent() -> None:
    """A35."""
    assert taken_back(100, [3_000, 3_000, 3_000]) == (34, 33, 33)
    assert taken_back(9_999, [3_000, 0, 1]) == (3_000, 0, 1)
    assert taken_back(0, []) == ()


async def test_a_refund_takes_of_the_reserve_first_and_the_books_agree_with_the_provider(desk: Desk) -> None:
    """R213, A13: 195.00 with 3.90 put by: a refund of 10.00 is 3.90 of the reserve and 6.10 of the business."""
    job, paid, who = await desk.paid()
    before = await desk.till.payout(who)

    made = await desk.refund(paid, 1_000)
    reserved = await desk.site.entry(f"refund-reserved:{made}")
    await desk.site.settle()

    row, now = await desk.refund_row(made), await desk.site.payment(job)
    assert reserved == {"RESERVE": 390, "LOSSES": 610, "REFUNDS_DUE": -1_000}
    assert (row["status"], row["from_reserve_cents"], row["from_business_cents"]) == ("SUCCEEDED", 390, 610)
    assert (now["status"], now["refunded_cents"]) == ("PARTIALLY_REFUNDED", 1_000)
    assert await desk.site.status(job) == "PARTIALLY_REFUNDED"
    assert await desk.site.entry(f"refund:{row['provider_id']}") == {"REFUNDS_DUE": 1_000, "CASH": -1_000}
    books = await desk.site.books()
    assert (books["CASH"], books["RESERVE"]) == (desk.site.balance(), 0)
    assert (await desk.till.payout(who))["amount_cents"] == before["amount_cents"]
    assert len(await desk.site.notices("REFUND_MADE")) == 1
    assert await desk.check() == []


async def test_the_rest_can_be_refunded_and_not_a_cent_more(desk: Desk) -> None:
    """R213: what is left without an amount; then REFUND_TOO_LARGE, and nothing is written."""
    job, paid, _ = await desk.paid()
    await desk.refund(paid, 1_000)

    async with desk.site.refused(Code.REFUND_TOO_LARGE) as caught:
        await desk.refund(paid, 18_501)
    assert caught[0].details == {"leftCents": 18_500}
    await desk.refund(paid)
    await desk.site.settle()

    assert await desk.site.status(job) == "REFUNDED"
    async with desk.site.refused(Code.REFUND_TOO_LARGE):
        await desk.refund(paid, 1)
    assert [one["amount"] for one in desk.site.things("refunds")] == [1_000, 18_500]


@pytest.mark.parametrize("amount", [0, -1])
async def test_nothing_and_less_cannot_be_refunded(desk: Desk, amount: int) -> None:
    """A9."""
    _, paid, _ = await desk.paid()

    async with desk.site.refused(Code.INVALID):
        await desk.refund(paid, amount)


async def test_what_is_not_captured_cannot_be_refunded(desk: Desk) -> None:
    """R149: a hold is let go, not refunded."""
    job = await desk.site.held_job()

    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.refund(await desk.site.payment(job))


async def test_a_stranger_cannot_refund_and_does_not_learn_that_the_payment_is_there(desk: Desk) -> None:
    """R3: the other business's administrator is told NOT_FOUND; a dispatcher and a customer FORBIDDEN."""
    home = await desk.site.home()
    _, paid, cleaner = await desk.paid(home)
    form = RefundPayment(PaymentId(paid["id"]), "Because.")

    async with desk.site.refused(Code.NOT_FOUND):
        await desk.site.do(desk.site.other.owner, refund_payment, form)
    for who in (cleaner, home.who, await desk.site.town.dispatcher()):
        async with desk.site.refused(Code.FORBIDDEN):
            await desk.site.do(who, refund_payment, form)


async def test_two_at_once_cannot_refund_the_same_money(desk: Desk) -> None:
    """R98: of two refunds of all that is left, one is made."""
    _, paid, _ = await desk.paid()

    done = await asyncio.gather(desk.refund(paid), desk.refund(paid), return_exceptions=True)
    await desk.site.settle()

    assert sorted(type(one).__name__ for one in done) == ["RefundTooLarge", "UUID"]
    assert len(desk.site.things("refunds")) == 1


async def test_above_the_limit_a_second_person_has_to_agree(desk: Desk) -> None:
    """Nothing moves before; whoever asked cannot agree, and the database would not have it either."""
    await desk.site.settings(payments={"refundApprovalCents": 5_000})
    _, paid, _ = await desk.paid()
    second = await desk.admin()

    made = await desk.refund(paid, 6_000)
    await desk.site.settle()
    assert ((await desk.refund_row(made))["status"], desk.site.things("refunds")) == ("REQUESTED", [])
    assert [one["person_id"] for one in await desk.site.notices("REFUND_TO_APPROVE")] == [second.person]
    async with desk.site.refused(Code.SECOND_APPROVER):
        await desk.site.do(desk.site.town.owner, approve_refund, ApproveRefund(made))
    await desk.site.do(second, approve_refund, ApproveRefund(made))
    await desk.site.settle()

    row = await desk.refund_row(made)
    assert (row["status"], row["approved_by"]) == ("SUCCEEDED", second.person)
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(second, approve_refund, ApproveRefund(made))
    with pytest.raises(Exception, match="two_people"):
        await desk.site.world.root.execute("update refund set approved_by = requested_by where id = $1", made)


async def test_many_small_refunds_are_no_way_around_the_limit(desk: Desk) -> None:
    """What was refunded of the same payment by one person alone counts along."""
    await desk.site.settings(payments={"refundApprovalCents": 5_000})
    _, paid, _ = await desk.paid()

    first, second = await desk.refund(paid, 3_000), await desk.refund(paid, 3_000)

    assert (await desk.refund_row(first))["status"] == "RESERVED"
    assert (await desk.refund_row(second))["status"] == "REQUESTED"


async def test_a_refund_that_is_declined_has_moved_nothing(desk: Desk) -> None:
    """The request stays, with who asked and why not."""
    await desk.site.settings(payments={"refundApprovalCents": 0})
    _, paid, _ = await desk.paid()
    made, before = await desk.refund(paid, 6_000), await desk.site.books()

    await desk.site.do(await desk.admin(), decline_refund, DeclineRefund(made, "The kitchen was done."))
    await desk.site.settle()

    assert (await desk.refund_row(made))["status"] == "DECLINED"
    assert (await desk.site.books(), desk.site.things("refunds")) == (before, [])


async def test_cleaners_bear_it_where_an_administrator_says_so(desk: Desk) -> None:
    """A35: after the customer's money is on its way, pay is taken back as far as it is there."""
    _, paid, who = await desk.paid()
    had = (await desk.till.payout(who))["amount_cents"]

    made = await desk.refund(paid, 2_000, bearer=Bearer.CLEANERS)
    await desk.site.settle()

    row, books = await desk.refund_row(made), await desk.site.books()
    assert row["from_cleaners_cents"] == 2_000
    assert (await desk.till.payout(who))["reversed_cents"] == 2_000 < had
    assert books.get("RECEIVABLE", 0) == 0
    assert books["CASH"] == desk.site.balance()
    assert await desk.check() == []


async def test_pay_that_the_cleaner_has_spent_is_the_business_loss(desk: Desk) -> None:
    """A35: as far as they still have it; what cannot be had is booked as a loss, and administrators hear of it."""
    _, paid, who = await desk.paid()
    # Two of the provider's business days until it can be spent, and a weekend may lie between.
    await desk.site.move(timedelta(days=5))

    await desk.refund(paid, 2_000, bearer=Bearer.CLEANERS)
    await desk.site.settle()

    books = await desk.site.books()
    assert (books.get("RECEIVABLE", 0), books["LOSSES"]) == (0, 2_000)
    assert (await desk.till.payout(who))["reversed_cents"] == 0
    assert await desk.check() == ["reversal_refused"]


async def test_pay_that_is_still_here_is_held_only_where_told(desk: Desk) -> None:
    """A35: unpaid pay of the clean waits for a decision; its amount stays as it is."""
    await desk.site.settings(payments={"payoutDelayMinutes": 600})
    _, paid, who = await desk.paid()

    await desk.refund(paid, 1_000)
    assert (await desk.till.payout(who))["status"] == "PENDING"
    await desk.refund(paid, 1_000, hold_unpaid=True)

    row = await desk.till.payout(who)
    assert (row["status"], row["hold_reason"]) == ("HELD", "BY_OFFICE")


async def test_a_refund_that_the_bank_sends_back_days_later_is_put_back(desk: Desk) -> None:
    """A35: reserve, business and the payment are as before, by contra entries alone."""
    job, paid, _ = await desk.paid(await desk.site.home("refundFail"))
    before = await desk.site.books()
    made = await desk.refund(paid, 1_000)
    await desk.site.settle()
    assert await desk.site.status(job) == "PARTIALLY_REFUNDED"

    await desk.site.move(timedelta(days=1))
    await desk.hears_refunds()
    await desk.hears_refunds()

    row = await desk.refund_row(made)
    assert row["status"] == "FAILED"
    assert await desk.site.status(job) == "CAPTURED"
    after = await desk.site.books()
    assert _moved(after) == _moved(before)
    assert after["CASH"] == desk.site.balance()
    assert len(await desk.site.notices("REFUND_FAILED")) == 1
    assert await desk.check() == []


async def test_a_refund_that_the_provider_refuses_frees_what_was_put_by(desk: Desk) -> None:
    """A35: somebody refunded it at the provider meanwhile: what was reserved here is free again."""
    _, paid, _ = await desk.paid()
    before = await desk.site.books()
    made = await desk.refund(paid)
    await desk.site.control("POST", f"charges/{paid['charge_id']}/dispute", {})
    await desk.site.drain("send_money")

    assert (await desk.refund_row(made))["status"] == "FAILED"
    assert _moved(await desk.site.books()) == _moved(before)


async def test_an_answer_that_was_lost_makes_no_second_refund(desk: Desk) -> None:
    """R157: the provider did it and the line broke: the same key again, one refund, one entry."""
    _, paid, _ = await desk.paid()
    made = await desk.refund(paid, 1_000)
    desk.site.fault("drop_after", "/v1/refunds")

    await desk.site.drain()
    await desk.site.settle()
    await desk.hears_refunds()

    assert len(desk.site.things("refunds")) == 1
    assert (await desk.refund_row(made))["status"] == "SUCCEEDED"
    assert (await desk.site.books())["CASH"] == desk.site.balance()


async def test_a_notice_that_comes_before_the_answer_is_the_same_refund(desk: Desk) -> None:
    """R179: whoever brings the news first."""
    _, paid, _ = await desk.paid()
    made = await desk.refund(paid, 1_000)
    desk.site.fault("drop_after", "/v1/refunds")
    await desk.site.drain("send_money")

    await desk.hears_refunds()
    await desk.site.settle()

    [op] = await desk.site.ops("REFUND")
    assert (op["state"], (await desk.refund_row(made))["status"]) == ("SUCCEEDED", "SUCCEEDED")
    assert len(await desk.site.rows("select * from refund where payment_id = $1", paid["id"])) == 1


async def test_a_refund_made_by_hand_at_the_provider_becomes_ours(desk: Desk) -> None:
    """A13: the money has gone; the books follow, and administrators hear of it."""
    from domain.payments import asks
    from gateways.payments import Credentials

    job, paid, _ = await desk.paid()
    assert desk.site.tools.providers is not None
    provider = desk.site.tools.providers.of(Credentials(f"sk_test_{desk.site.town.slug}"))
    ask = asks.create_refund(
        paid["charge_id"],
        amount_cents=700,
        reason="duplicate",
        metadata={"op_id": "by hand", "made_by": "hand", "tenant_id": str(desk.site.town.tenant)},
    )
    await provider.send(ask, "by-hand-1")

    await desk.hears_refunds()
    await desk.hears_refunds()

    [row] = await desk.site.rows("select * from refund where payment_id = $1", paid["id"])
    assert (row["status"], row["amount_cents"]) == ("SUCCEEDED", 700)
    assert await desk.site.status(job) == "PARTIALLY_REFUNDED"
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.check() == ["refund_by_hand"]


def _moved(books: dict[str, int]) -> dict[str, int]:
    """The accounts on which something stands."""
    return {account: cents for account, cents in books.items() if cents}
