"""Tips: their own payment after the clean, all of it for who took part (R214, A34)."""

import pytest

from domain.errors import Code
from domain.ids import JobId
from domain.scheduling import AssignmentRole
from services.payouts.tips import MOST_TIP_CENTS, TipJob, tip_job
from tests.payments.site import Home
from tests.payouts.till import Till

PRIMARY, BACKUP, LEAD = AssignmentRole.PRIMARY, AssignmentRole.BACKUP, AssignmentRole.LAUNDRY_LEAD
BACK = "https://cleanshift.test/thanks"


async def _tip(till: Till, home: Home, job: JobId, cents: int) -> object:
    assert home.card is not None
    return await till.site.do(home.who, tip_job, TipJob(job, cents, home.card, BACK))


async def test_a_tip_is_split_to_the_cent_among_those_who_came(till: Till) -> None:
    """A34: 10.01 for two of three; no reserve, and the provider's part is the business's."""
    first, second, idle = [await till.cleaner() for _ in range(3)]
    home = await till.site.home()
    crew = ((first, PRIMARY), (second, LEAD), (idle, BACKUP))
    job = await till.paid(*crew, home=home, stays_away=[idle])
    before = await till.site.books()
    made = await _tip(till, home, job, 1_001)
    await till.site.settle()

    paid = await till.site.row("payment", made)
    assert (paid["status"], paid["kind"], paid["captured_cents"], paid["tip_cents"]) == (
        "CAPTURED",
        "TIP",
        1_001,
        1_001,
    )
    tips = [row for row in await till.payouts(job) if row["kind"] == "TIP"]
    assert [row["amount_cents"] for row in tips] == [501, 500]
    assert {row["cleaner_id"] for row in tips} == {first.person, second.person}
    assert {row["status"] for row in tips} == {"RELEASED"}
    assert {made["source_transaction"] for made in till.transfers()[-2:]} == {paid["charge_id"]}
    after = await till.site.books()
    assert after["TIPS"] == 0
    assert after["RESERVE"] == before["RESERVE"]
    assert after["CASH"] == till.site.balance()


@pytest.mark.parametrize("cents", [0, -1, 49, MOST_TIP_CENTS + 1, 10.5, True, "500"])
async def test_an_absurd_tip_is_refused(till: Till, cents: object) -> None:
    """A34, R261: whole cents, from the least that a card takes to what nobody means."""
    who, home = await till.cleaner(), await till.site.home()
    job = await till.paid((who, PRIMARY), home=home)
    async with till.site.refused(Code.INVALID):
        await _tip(till, home, job, cents)  # type: ignore[arg-type]


async def test_a_tip_is_for_a_clean_of_ones_own_that_is_completed(till: Till) -> None:
    """A34, R3: not before, not for a neighbour's, not with a neighbour's card."""
    who, home, neighbour = await till.cleaner(), await till.site.home(), await till.site.home()
    early = await till.site.job(home)
    async with till.site.refused(Code.CONFLICT):
        await _tip(till, home, early, 500)
    job = await till.paid((who, PRIMARY), home=home)
    async with till.site.refused(Code.NOT_FOUND):
        await _tip(till, neighbour, job, 500)
    assert neighbour.card is not None
    async with till.site.refused(Code.NOT_FOUND):
        await till.site.do(home.who, tip_job, TipJob(job, 500, neighbour.card, BACK))


async def test_a_tip_that_the_card_declines_pays_nobody(till: Till) -> None:
    """A34: nothing is captured, nothing is owed."""
    who, home = await till.cleaner(), await till.site.home()
    job = await till.paid((who, PRIMARY), home=home)
    await till.site.outcome(home.method, "insufficient_funds")
    made = await _tip(till, home, job, 500)
    await till.site.drain()
    assert (await till.site.row("payment", made))["status"] == "FAILED"
    assert [row["kind"] for row in await till.payouts(job)] == ["CLEAN"]


async def test_one_tip_at_a_time(till: Till) -> None:
    """A34: a second tap while the first is not decided."""
    who, home = await till.cleaner(), await till.site.home()
    job = await till.paid((who, PRIMARY), home=home)
    await _tip(till, home, job, 500)
    async with till.site.refused(Code.CONFLICT):
        await _tip(till, home, job, 500)
