"""Disputes: frozen, booked with their fee, answered once with the proof, won or lost (R153, R213)."""

from datetime import timedelta
from typing import Any

from domain.errors import Code
from domain.ids import DisputeId
from services.payments.disputes import AnswerDispute, answer_dispute
from tests.payments.desk import Desk


async def _row(desk: Desk, thing: Any) -> Any:
    return await desk.site.row("dispute", thing["id"], "provider_id")


async def test_a_dispute_takes_the_money_of_the_reserve_first_with_the_fee_of_the_provider(desk: Desk) -> None:
    """R153, A13: 195.00 and a fee of 15.00 leave; the reserve bears 3.90, the business the rest."""
    job, paid, _ = await desk.paid()

    thing = await desk.dispute(paid)
    await desk.hears_dispute(thing["id"])

    row = await _row(desk, thing)
    [moved] = thing["balance_transactions"]
    entry = await desk.site.entry(f"dispute:{thing['id']}:{moved['id']}")
    assert entry == {"RESERVE": 390, "LOSSES": 19_110, "FEES": 1_500, "CASH": -21_000}
    assert (row["status"], row["fee_cents"], row["withdrawn_cents"]) == ("NEEDS_RESPONSE", 1_500, 19_500)
    assert await desk.site.status(job) == "DISPUTED"
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert len(await desk.site.notices("DISPUTE_OPENED")) == 1
    assert await desk.check() == []


async def test_unpaid_pay_waits_and_goes_when_the_dispute_is_won(desk: Desk) -> None:
    """R153: frozen while disputed; won, the money is back, and the cleaner is paid by an act of its own."""
    await desk.site.settings(payments={"payoutDelayMinutes": 600})
    job, paid, who = await desk.paid()
    before = await desk.site.books()

    thing = await desk.dispute(paid)
    row = await desk.till.payout(who)
    assert (row["status"], row["hold_reason"]) == ("HELD", "DISPUTED")
    await desk.till.sweep(timedelta(hours=11))
    assert (await desk.till.payout(who))["status"] == "HELD"
    await desk.decide(thing, "won")
    await desk.site.settle()

    assert (await desk.till.payout(who))["status"] == "RELEASED"
    assert (await desk.site.status(job), (await _row(desk, thing))["status"]) == ("CAPTURED", "WON")
    books = await desk.site.books()
    assert (books["RESERVE"], books.get("LOSSES", 0), books["CASH"]) == (before["RESERVE"], 0, desk.site.balance())
    assert await desk.check() == []


async def test_a_lost_dispute_counts_as_gone_back(desk: Desk) -> None:
    """R213: nothing is left to refund; what cleaners were paid stays theirs (A13)."""
    job, paid, who = await desk.paid()
    thing = await desk.dispute(paid)

    await desk.decide(thing, "lost")

    now = await desk.site.payment(job)
    assert (now["status"], now["refunded_cents"]) == ("REFUNDED", 19_500)
    async with desk.site.refused(Code.REFUND_TOO_LARGE):
        await desk.refund(paid, 1)
    assert (await desk.till.payout(who))["status"] in {"RELEASED", "IN_TRANSIT", "PAID_OUT"}
    assert (await desk.site.books())["CASH"] == desk.site.balance()
    assert await desk.check() == []


async def test_a_disputed_charge_is_not_refunded(desk: Desk) -> None:
    """R213: it would be paid back twice."""
    _, paid, _ = await desk.paid()
    await desk.dispute(paid)

    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.refund(paid, 100)


async def test_an_inquiry_moves_no_money_and_freezes_nothing(desk: Desk) -> None:
    """R153: until it becomes a dispute, and then all of it happens."""
    await desk.site.settings(payments={"payoutDelayMinutes": 600})
    job, paid, who = await desk.paid()
    before = await desk.site.books()

    thing = await desk.dispute(paid, inquiry=True)
    assert ((await _row(desk, thing))["status"], await desk.site.books()) == ("INQUIRY", before)
    assert (await desk.till.payout(who))["status"] == "PENDING"
    assert await desk.site.status(job) == "CAPTURED"
    await desk.decide(thing, "escalate")

    assert (await _row(desk, thing))["status"] == "NEEDS_RESPONSE"
    assert (await desk.till.payout(who))["hold_reason"] == "DISPUTED"
    assert (await desk.site.books())["CASH"] == desk.site.balance()


async def test_the_proof_is_drawn_up_and_sent_once(desk: Desk) -> None:
    """R119 to R123: who came, how near, what was photographed; the consent; and it cannot be sent twice."""
    home = await desk.site.home()
    _, paid, _ = await desk.paid(home)
    thing = await desk.dispute(paid)
    row = await _row(desk, thing)
    for words in ("checked in at", "photos were received", "checklist were done", "agreed to later charges"):
        assert words in row["draft"], row["draft"]

    await desk.site.do(desk.site.town.owner, answer_dispute, AnswerDispute(DisputeId(row["id"])))
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(desk.site.town.owner, answer_dispute, AnswerDispute(DisputeId(row["id"]), "Again."))
    await desk.site.settle()

    [sent] = desk.site.things("disputes")
    assert sent["evidence"]["uncategorized_text"] == row["draft"]
    now = await _row(desk, thing)
    assert (now["status"], now["answered_at"] is not None) == ("UNDER_REVIEW", True)
    async with desk.site.refused(Code.PAYMENT_STATE):
        await desk.site.do(desk.site.town.owner, answer_dispute, AnswerDispute(DisputeId(row["id"]), "Again."))


async def test_who_forgets_to_answer_is_reminded_and_then_it_is_too_late(desk: Desk) -> None:
    """R239: two days before; afterwards nothing is sent."""
    _, paid, _ = await desk.paid()
    thing = await desk.dispute(paid)
    due = (await _row(desk, thing))["due_by"]

    await desk.site.until(due - timedelta(hours=47))
    await desk.site.drain()
    assert len(await desk.site.notices("DISPUTE_DUE")) == 1
    await desk.site.until(due + timedelta(minutes=1))

    async with desk.site.refused(Code.PAYMENT_STATE):
        form = AnswerDispute(DisputeId((await _row(desk, thing))["id"]), "Too late.")
        await desk.site.do(desk.site.town.owner, answer_dispute, form)


async def test_the_other_business_neither_sees_nor_answers_it(desk: Desk) -> None:
    """R3."""
    _, paid, _ = await desk.paid()
    thing = await desk.dispute(paid)
    form = AnswerDispute(DisputeId((await _row(desk, thing))["id"]), "Ours.")

    async with desk.site.refused(Code.NOT_FOUND):
        await desk.site.do(desk.site.other.owner, answer_dispute, form)


async def test_news_of_a_dispute_in_any_order_ends_the_same(desk: Desk) -> None:
    """R179: what is late changes nothing: won stays won."""
    _, paid, _ = await desk.paid()
    early = dict(await desk.dispute(paid))
    thing = await desk.decide(early, "won")
    books = await desk.site.books()

    await desk.till.hears("dispute", early)

    assert ((await _row(desk, thing))["status"], await desk.site.books()) == ("WON", books)
    assert await desk.site.alarms() == []


async def test_a_dispute_of_nobody_is_an_alarm(desk: Desk) -> None:
    """R239."""
    _, paid, _ = await desk.paid()
    thing = dict(await desk.dispute(paid))

    await desk.till.hears("dispute", {**thing, "id": "dp_strange", "charge": "ch_strange"})

    assert await desk.site.alarms() == ["dispute_of_nobody"]
