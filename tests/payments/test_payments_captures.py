"""A hold becomes a charge once the clean is proven, and never before (R147 to R150, R155, A10, A13)."""

from domain.errors import Code
from services.payments.captures import CaptureProven, capture_held
from tests.payments.desk import Desk
from tests.payments.site import Site


async def test_a_proven_clean_is_captured_once_with_its_reserve_and_its_fee(site: Site) -> None:
    """R147, R151, R155, A13: CASH is what the provider has, and everything adds up."""
    job = await site.held_job()

    await site.prove(job)

    row, [intent] = await site.payment(job), site.intents_of(job)
    assert (row["status"], row["captured_cents"], row["fee_cents"]) == ("CAPTURED", 9_000, 291)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 9_000)
    assert (await site.row("job", job))["status"] == "COMPLETED"
    entry = await site.entry(f"capture:{row['charge_id']}")
    assert entry == {"CASH": 8_709, "FEES": 291, "RESERVE": -180, "REVENUE": -8_820}
    assert (await site.books())["CASH"] == site.balance()


async def test_nothing_is_captured_before_the_proof(site: Site) -> None:
    """R113, R147: the hold stands, and nobody can take it."""
    job = await site.held_job()

    async with site.refused(Code.EVIDENCE_INCOMPLETE):
        await site.do(site.town.owner, capture_held, CaptureProven(job))

    assert site.intents_of(job)[0]["status"] == "requires_capture"


async def test_captured_already_is_said_and_nothing_happens_twice(site: Site) -> None:
    """R150."""
    job = await site.paid_job()

    async with site.refused(Code.PAYMENT_STATE) as caught:
        await site.do(site.town.owner, capture_held, CaptureProven(job))

    assert caught[0].message == "Payment already captured"
    assert len([one for one in site.things("charges") if one["captured"]]) == 1


async def test_the_proof_is_asked_for_first_and_then_how_the_payment_stands(site: Site) -> None:
    """R148, R149: whatever is held, an unproven clean is not captured; a proven one only where something is held."""
    job = await site.job(await site.home(card=None))
    async with site.refused(Code.EVIDENCE_INCOMPLETE):
        await site.do(site.town.owner, capture_held, CaptureProven(job))

    await site.prove(job)

    async with site.refused(Code.PAYMENT_STATE):
        await site.do(site.town.owner, capture_held, CaptureProven(job))
    assert (await site.row("job", job))["status"] == "COMPLETED"
    assert await site.rows("select id from payout where job_id = $1", job) == []
    assert await site.books() == {}


async def test_capture_reserve_and_pay_follow_one_another(site: Site) -> None:
    """R148, R156: the proof completes the clean; nothing is put by or owed before the provider has the money."""
    job = await site.held_job()
    mine = "select status from payout where job_id = $1"

    await site.prove(job, hold=False)
    assert ((await site.row("job", job))["status"], await site.status(job)) == ("COMPLETED", "CAPTURE_PENDING")
    assert (await site.books(), await site.rows(mine, job)) == ({}, [])

    await site.settle("send_money")

    assert await site.status(job) == "CAPTURED"
    made = "select kind from ledger_entry where tenant_id = $1 order by id"
    assert [row["kind"] for row in await site.rows(made, site.town.tenant)] == ["CAPTURE", "EARNED"]
    assert (await site.books())["RESERVE"] == -180
    assert len(await site.rows(mine, job)) == 1


async def test_the_reserve_moves_by_deduction_refund_and_withdrawal_alone(desk: Desk) -> None:
    """R152, A13: each movement is an entry of its kind, and together they are what the reserve has."""
    _, first, _ = await desk.paid()
    _, second, _ = await desk.paid()
    await desk.refund(first, 500)
    await desk.site.settle()
    await desk.dispute(second)

    moved = await desk.site.rows(
        """select e.kind, sum(p.cents)::int as cents from ledger_posting p
           join ledger_entry e on e.tenant_id = p.tenant_id and e.id = p.entry_id
           where p.tenant_id = $1 and p.account = 'RESERVE' group by e.kind order by e.kind""",
        desk.site.town.tenant,
    )

    assert {row["kind"]: row["cents"] for row in moved} == {"CAPTURE": -780, "DISPUTE": 280, "REFUND_RESERVED": 500}
    assert (await desk.site.books())["RESERVE"] == 0
