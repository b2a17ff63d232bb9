"""What is let go: cancellations, no-shows, homes that nobody could enter, and a policy's fees (R143, R266, A50)."""

from datetime import timedelta

import pytest

from domain.errors import Code
from domain.fieldwork.phases import VisitPhase
from domain.fieldwork.requirements import PhotoStage
from domain.ids import PaymentId
from services.cancellations import CancelJob, cancel_job
from services.payments.releases import ReleaseHold, release_hold
from services.scheduling import ReleaseCleaner, release_cleaner
from tests.fieldwork.site import Site as Fieldwork
from tests.payments.site import Site


async def test_a_canceled_clean_lets_its_hold_go_and_charges_nothing(site: Site) -> None:
    """R266: no charge is left, and the job shows it."""
    job = await site.held_job()

    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    await site.settle()

    [intent], row = site.intents_of(job), await site.payment(job)
    assert (intent["status"], row["status"], row["captured_cents"]) == ("canceled", "RELEASED", 0)
    assert await site.status(job) == "RELEASED"
    assert site.balance() == 0


async def test_a_planned_hold_is_dropped_before_anybody_is_asked(site: Site) -> None:
    job = await site.job(await site.home(), (await site.now()) + timedelta(hours=3))

    await site.do(site.town.owner, cancel_job, CancelJob(job, "Booked twice."))
    await site.settle()

    assert site.intents_of(job) == []
    assert await site.status(job) == "RELEASED"


@pytest.mark.parametrize("path", ["/v1/payment_intents", "/v1/payment_intents/*/confirm"])
async def test_a_hold_whose_answer_was_lost_is_let_go_when_it_comes(site: Site, path: str) -> None:
    """Invariant 12: no hold is alive for a canceled clean."""
    job = await site.job(await site.home())
    site.fault("drop_after", path)
    await site.hold_night()

    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    for _ in range(4):
        await site.drain()

    assert [one["status"] for one in site.intents_of(job)] == ["canceled"]
    assert await site.status(job) == "RELEASED"


async def test_late_cancellation_takes_the_fee_of_the_policy_from_the_hold(site: Site) -> None:
    """A50: a part is captured, the rest is let go, and why is written down; the reserve is put by of it (A13)."""
    await site.settings(payments={"cancellation": {"freeHours": 24, "lateFeePercent": 50}})
    job = await site.held_job()

    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))
    await site.settle()

    row, [intent] = await site.payment(job), site.intents_of(job)
    assert (row["status"], row["captured_cents"], row["why_less"]) == ("CAPTURED", 4_500, "CANCELED")
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 4_500)
    books = await site.books()
    assert (books["RESERVE"], books["CASH"]) == (-90, site.balance())
    assert await site.value("select count(*) from payout where job_id = $1", job) == 0


async def test_a_waived_fee_and_a_timely_cancellation_cost_nothing(site: Site) -> None:
    await site.settings(payments={"cancellation": {"freeHours": 6, "lateFeePercent": 50}})
    timely, waived = await site.job(await site.home()), await site.job(await site.home())
    await site.hold_night()

    await site.do(site.town.owner, cancel_job, CancelJob(timely, "In time."))
    await site.until((await site.row("job", waived))["starts_at"] - timedelta(hours=2))
    await site.do(site.town.owner, cancel_job, CancelJob(waived, "We cannot come.", waive_fee=True))
    await site.settle()

    assert [await site.status(job) for job in (timely, waived)] == ["RELEASED", "RELEASED"]


async def test_a_no_show_lets_go_and_what_is_planned_anew_is_held_anew(site: Site) -> None:
    """R143: nobody came; with another cleaner it is held again."""
    job = await site.held_job()
    _, shift = await site.crew(job)
    await site.until((await site.row("job", job))["starts_at"] + timedelta(minutes=91))
    await site.duty("watch_arrivals")
    assert (await site.row("job", job))["status"] == "NO_SHOW"
    assert await site.status(job) == "RELEASED"

    await site.do(site.town.owner, release_cleaner, ReleaseCleaner(shift))
    await site.crew(job)
    await site.duty("hold_payments")

    assert await site.status(job) == "AUTHORIZED"
    assert [one["status"] for one in site.intents_of(job)] == ["canceled", "requires_capture"]


@pytest.mark.parametrize(("percent", "status", "taken"), [(0, "RELEASED", 0), (40, "CAPTURED", 3_600)])
async def test_a_home_that_nobody_could_enter_costs_what_the_policy_says(
    site: Site, percent: int, status: str, taken: int
) -> None:
    """A50."""
    await site.settings(
        payments={"cancellation": {"noAccessFeePercent": percent}},
        fieldwork={"photoZones": [], "noAccessWaitMinutes": 0},
    )
    job = await site.held_job()
    who, shift = await site.crew(job)
    await site.until((await site.row("job", job))["starts_at"])
    field = Fieldwork(site.town, site.other)
    await field.reach(who, shift, VisitPhase.ARRIVAL)
    await field.check_in(who, shift)
    await field.photo(await field.visit_of(shift, who), PhotoStage.ACCESS, "door")
    await field.no_access(who, shift)
    await site.settle()

    row = await site.payment(job)
    assert (row["status"], row["captured_cents"]) == (status, taken)


async def test_a_hold_is_let_go_by_hand_but_nothing_that_is_captured(site: Site) -> None:
    job, paid = await site.held_job(), await site.paid_job()
    row, taken = await site.payment(job), await site.payment(paid)

    await site.do(site.town.owner, release_hold, ReleaseHold(PaymentId(row["id"]), "The customer pays cash."))
    await site.settle()

    assert await site.status(job) == "RELEASED"
    async with site.refused(Code.PAYMENT_STATE):
        await site.do(site.town.owner, release_hold, ReleaseHold(PaymentId(taken["id"]), "Too late."))
