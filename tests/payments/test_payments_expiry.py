"""Holds that come to an end: watched, renewed before they lapse, taken anew where they did (A2, R189)."""

from datetime import datetime, timedelta

from domain.ids import JobId
from domain.payments.ops import OpKind
from services import scheduling
from services.scheduling import UpdateJob
from tests.payments.site import Site


async def _stretched(site: Site) -> tuple[JobId, datetime]:
    """A held clean, and until when it is held."""
    job = await site.held_job()
    until = (await site.payment(job))["capture_before"]
    return job, until


async def test_administrators_hear_of_a_hold_a_day_before_it_lapses_and_once(site: Site) -> None:
    """A2, R189."""
    await site.settings(payments={"renewLapsing": False})
    job, until = await _stretched(site)
    await site.until(until - timedelta(hours=25))
    await site.duty("hold_payments")
    assert await site.notices("HOLD_LAPSES") == []

    await site.until(until - timedelta(hours=23))
    for _ in range(2):
        await site.duty("hold_payments")

    assert len(await site.notices("HOLD_LAPSES")) == 1
    assert await site.status(job) == "AUTHORIZED"


async def test_half_a_day_before_it_lapses_a_hold_is_taken_anew_and_then_the_old_one_is_let_go(site: Site) -> None:
    """A2: new hold first, then the old one; what is current moves at once."""
    job, until = await _stretched(site)

    await site.until(until - timedelta(hours=11))
    await site.duty("hold_payments")

    assert [one["status"] for one in site.intents_of(job)] == ["canceled", "requires_capture"]
    first, second = await site.payments(job)
    assert (first["status"], first["is_current"], first["let_go"]) == ("RELEASED", False, "REPLACED")
    assert (second["status"], second["is_current"], second["attempt"]) == ("AUTHORIZED", True, 2)
    assert await site.status(job) == "AUTHORIZED"
    steps = [str(line["cause"]) for line in site.sandbox.journal.after(0)]
    asked = [name for name in steps if "confirm" in name or "cancel" in name]
    assert ["confirm" in name for name in asked] == [True, True, False]


async def test_a_renewal_that_is_declined_leaves_the_old_hold_standing(site: Site) -> None:
    home = await site.home()
    job = await site.held_job(home)
    until = (await site.payment(job))["capture_before"]
    await site.outcome(home.method, "insufficient_funds")

    await site.until(until - timedelta(hours=11))
    await site.duty("hold_payments")

    assert await site.status(job) == "AUTHORIZED"
    assert [row["is_current"] for row in await site.payments(job)] == [True, False]
    assert [one["status"] for one in site.intents_of(job)] == ["requires_capture", "requires_payment_method"]


async def test_a_hold_that_lapsed_is_taken_anew(site: Site) -> None:
    """A2: expired at the provider; the clean can still be done, and is held again."""
    await site.settings(payments={"renewLapsing": False})
    job, until = await _stretched(site)

    await site.until(until + timedelta(minutes=5))
    await site.duty("hold_payments")

    first, second = await site.payments(job)
    assert (first["status"], second["status"], second["is_current"]) == ("EXPIRED", "AUTHORIZED", True)
    assert await site.status(job) == "AUTHORIZED"
    assert len(await site.notices("HOLD_FAILED")) == 1


async def test_a_clean_that_is_proven_after_its_hold_lapsed_is_held_anew_and_captured(site: Site) -> None:
    """R147, A2: capture refused by state, the payment read, held anew, captured; never twice."""
    await site.settings(payments={"renewLapsing": False})
    job, until = await _stretched(site)
    form = UpdateJob(job, starts_at=until - timedelta(hours=4))
    await site.do(site.town.owner, scheduling.update_job, form)
    await site.prove(job, hold=False)
    await site.until(until + timedelta(minutes=5))

    for _ in range(3):
        await site.drain()

    assert await site.status(job) == "CAPTURED"
    assert [one["status"] for one in site.intents_of(job)] == ["canceled", "succeeded"]
    assert sum(one["amount_captured"] for one in site.things("charges")) == 9_000


async def test_a_lost_attempt_is_found_by_the_sweep(site: Site) -> None:
    """R238: the task of the ladder died; the sweep asks all the same."""
    home = await site.home()
    await site.outcome(home.method, "insufficient_funds", 1)
    job = await site.job(home)
    await site.hold_night(job)
    await site.world.root.execute("delete from task where kind = 'retry_payment' and tenant_id = $1", site.town.tenant)

    await site.until_hour(1)
    await site.move(timedelta(minutes=30))
    await site.duty("hold_payments")

    assert await site.status(job) == "AUTHORIZED"
    assert len([op for op in await site.ops() if op["kind"] == OpKind.CONFIRM]) == 2
