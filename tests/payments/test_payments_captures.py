"""A hold becomes a charge once the clean is proven, and never before (R147 to R150, R155, A10, A13)."""

from domain.errors import Code
from services.payments.captures import CaptureProven, capture_held
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
