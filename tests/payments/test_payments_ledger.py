"""What administrators read of the books: entries, steps, balances, one clean's money, how much needed nobody (R241)."""

from typing import Any

from schema.types.relay import encode_id
from services.payouts.holding import ReleasePayout, release_payout
from tests.payments.desk import Desk
from tests.product.world import Api

BOOKS = """query { ledger(first: 50, orderBy: AT_ASC) { nodes { kind source currency providerId
        postings { account cents } } }
    ledgerBalances { account currency cents } moneyOps(first: 50) { nodes { kind state key requestId amountCents } }
    moneyAlarms(filter: {isOpen: true}) { nodes { kind rule subject detail } } }"""
JOB = """query ($id: ID!) { jobMoney(jobId: $id) { capturedCents reserveCents payoutCents tipCents feeCents marginCents
    refundedCents lines { at what kind status amountCents providerId requestId attempt reason
        postings { account cents } } } }"""
RATE = "query { automationRate(days: 7) { days total untouched rate reasons { what count } } }"


async def test_one_clean_from_first_to_last(desk: Desk, api: Api) -> None:
    """Every step with its ids and amounts in order of time; captured is reserve, payouts, tips, fee and margin."""
    job, paid, _ = await desk.paid()
    await desk.refund(paid, 1_000)
    await desk.site.settle()

    found = (await api.data(desk.site.town.owner, JOB, id=encode_id("Job", job)))["jobMoney"]

    parts = ("reserveCents", "payoutCents", "tipCents", "feeCents", "marginCents")
    assert found["capturedCents"] == sum(found[part] for part in parts) == 19_500
    assert (found["reserveCents"], found["refundedCents"], found["feeCents"]) == (390, 1_000, 596)
    lines = found["lines"]
    assert {line["what"] for line in lines} == {"PAYMENT", "STEP", "PAYOUT", "REFUND", "ENTRY"}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    steps = [line for line in lines if line["what"] == "STEP"]
    assert [step["kind"] for step in steps] == ["INTENT", "CONFIRM", "CAPTURE", "TRANSFER", "REFUND"]
    assert all(step["requestId"] and step["providerId"] and step["status"] == "SUCCEEDED" for step in steps)
    for line in lines:
        assert sum(side["cents"] for side in line["postings"]) == 0


async def test_the_books_are_read_whole_by_administrators_and_by_nobody_else(desk: Desk, api: Api) -> None:
    """R3, R20: entries that balance; the other business sees nothing, dispatchers and cleaners are refused."""
    job, _, cleaner = await desk.paid()
    found = await api.data(desk.site.town.owner, BOOKS)

    nodes = found["ledger"]["nodes"]
    assert [one["kind"] for one in nodes] == ["CAPTURE", "EARNED", "TRANSFER"]
    assert all(sum(side["cents"] for side in one["postings"]) == 0 for one in nodes)
    books = {one["account"]: one["cents"] for one in found["ledgerBalances"]}
    assert {name: cents for name, cents in books.items() if cents} == {
        name: cents for name, cents in (await desk.site.books()).items() if cents
    }
    assert all("sk_test" not in str(op) for op in found["moneyOps"]["nodes"])
    other = await api.data(desk.site.other.owner, BOOKS)
    assert (other["ledger"]["nodes"], other["ledgerBalances"]) == ([], [])
    assert (await api.data(desk.site.other.owner, JOB, id=encode_id("Job", job)))["jobMoney"] is None
    for who in (cleaner, await desk.site.town.dispatcher()):
        answer = await api.ask(who, BOOKS)
        assert answer["data"]["ledger"]["nodes"] == answer["data"]["moneyOps"]["nodes"] == []
        assert [one["extensions"]["code"] for one in answer["errors"]] == ["FORBIDDEN"]
        assert answer["data"]["ledgerBalances"] is None


async def test_alarms_are_shown_with_their_rule(desk: Desk, api: Api) -> None:
    """R237."""
    job, _, _ = await desk.paid()
    await desk.site.world.root.execute("update job set payment_status = 'AUTHORIZED' where id = $1", job)
    await desk.check()

    [alarm] = (await api.data(desk.site.town.owner, BOOKS))["moneyAlarms"]["nodes"]

    assert (alarm["kind"], alarm["subject"]) == ("JOB_SHOWS_PAYMENT", str(job))
    assert alarm["rule"] == "A clean shows the state of the payment that is current for it."


async def test_how_much_went_through_without_anybody(desk: Desk, api: Api) -> None:
    """R241, A37: a payment and a payout that nobody touched; then one that the office had to release."""
    await desk.paid()
    assert await _rate(desk, api) == {"days": 7, "total": 2, "untouched": 2, "rate": 1.0, "reasons": []}

    who = await desk.till.cleaner()
    from domain.scheduling import AssignmentRole
    from services.payouts.holding import HoldPayout, hold_payout

    await desk.site.settings(payments={"payoutDelayMinutes": 60})
    job = await desk.till.paid((who, AssignmentRole.PRIMARY))
    made = await desk.till.id_of(who, job)
    await desk.site.do(desk.site.town.owner, hold_payout, HoldPayout(made, "A question."))
    await desk.site.do(desk.site.town.owner, release_payout, ReleasePayout(made, "Answered."))
    await desk.site.settle()

    rate = await _rate(desk, api)
    assert (rate["total"], rate["untouched"], rate["rate"]) == (4, 3, 0.75)
    assert rate["reasons"] == [{"what": "hold_payout", "count": 1}]


async def _rate(desk: Desk, api: Api) -> dict[str, Any]:
    rate: dict[str, Any] = (await api.data(desk.site.town.owner, RATE))["automationRate"]
    return rate


async def test_a_customer_sees_their_refund_and_not_who_bears_it(desk: Desk, api: Api) -> None:
    """R20, R207."""
    home = await desk.site.home()
    _, paid, _ = await desk.paid(home)
    await desk.refund(paid, 1_000)
    await desk.site.settle()

    answer = await api.ask(home.who, "query { refunds { nodes { status amountCents currency } } }")
    assert answer["data"]["refunds"]["nodes"] == [{"status": "SUCCEEDED", "amountCents": 1_000, "currency": "usd"}]
    secret = await api.ask(home.who, "query { refunds { nodes { bearer reason fromReserveCents } } }")
    assert {one["extensions"]["code"] for one in secret["errors"]} == {"FORBIDDEN"}


async def test_a_refund_and_an_answer_by_the_contract(desk: Desk, api: Api) -> None:
    """R213: as a client does it."""
    _, paid, _ = await desk.paid()
    form = {"paymentId": encode_id("Payment", paid["id"]), "reason": "Forgotten.", "amountCents": 500}
    made = await api.do(desk.site.town.owner, "refundPayment", form, "refund { status amountCents requestedBy { id } }")
    assert made["refund"]["status"] == "RESERVED"
    await desk.site.settle()

    thing = await desk.dispute(paid)
    row = await desk.site.row("dispute", thing["id"], "provider_id")
    sent = await api.do(
        desk.site.town.owner,
        "answerDispute",
        {"disputeId": encode_id("Dispute", row["id"])},
        "dispute { status draft }",
    )
    assert "checked in" in sent["dispute"]["draft"]
