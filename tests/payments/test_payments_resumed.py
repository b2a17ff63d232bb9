"""What was refused, or left behind, and goes on by itself: nobody has to ask for it again by hand (R237, R238)."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db.runner import Call
from domain.actors import Actor
from domain.errors import Code, PaymentState, Unavailable
from domain.ids import JobId, MoneyOpId, PaymentId
from domain.payments import asks
from domain.payments.ask import Ask, Thing
from domain.payments.ops import REFUSED_STANDS
from domain.payments.outcomes import Refusal
from services.cancellations import CancelJob, cancel_job
from services.payments import expiry, patience
from services.payments.absorbing import AbsorbPayment, absorb_payment
from services.payments.accounts import (
    ConnectProvider,
    NoteCheck,
    ProviderKeys,
    ReadKeys,
    connect_provider,
    note_check,
    read_keys,
)
from services.payments.alarms import raise_alarm
from services.payments.captures import CaptureProven, capture_held
from services.payments.declines import RetryPayment, retry_payment
from services.payments.expiry import LookAfter
from services.payments.holds import hold_now
from services.payments.recorders import RecordOp, record_op
from services.payments.releases import ReleaseHold, release_hold
from tasks.watching import ensure_all_well, look_after_each
from tests.fieldwork.site import command_of
from tests.payments.site import Site
from tests.product.stepping import MANY, Stage

SOON = timedelta(minutes=6)
AGAIN = timedelta(minutes=11)
OF_OURS = Refusal("parameter_unknown", param="amuont")
FORBIDDEN = Refusal("permission_error", http_status=403)
BOTH = ["asked_in_vain", "capture_refused"]
OF_STATE = Refusal("payment_intent_unexpected_state")


async def _key_dies(site: Site) -> None:
    """The provider does not know the business's key any more, and nobody here has heard of it."""
    await site.drain("check_provider")
    await site.do(site.town.owner, connect_provider, ConnectProvider("sk_live_gone", ["whsec_gone"]))
    await site.drain("check_provider")
    held = "update provider_account set is_held_back = $2 where tenant_id = $1"
    await site.world.root.execute(held, site.town.tenant, False)


async def _key_works(site: Site) -> None:
    """The office gives a good key; tasks that came before it was tried come again."""
    await site.connect()
    await site.drain()
    await site.settle()


async def _is_held_back(site: Site) -> bool:
    return bool(await site.value("select is_held_back from provider_account where tenant_id = $1", site.town.tenant))


async def _refuse(site: Site, kind: str, refusal: Refusal) -> None:
    """The provider's answer to the step of this kind that is planned."""
    op = next(op for op in reversed(await site.ops(kind)) if op["state"] == "PLANNED")
    await site.system(record_op, RecordOp(MoneyOpId(op["id"]), refusal))


async def _planned(site: Site, job: JobId) -> None:
    """The clean's hold is planned, and not sent."""
    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=20))
    await site.system(command_of(hold_now), job)


async def _canceled(site: Site, job: JobId) -> None:
    await site.do(site.town.owner, cancel_job, CancelJob(job, "The customer is away."))


async def test_holds_that_a_dead_key_kept_from_being_taken_are_taken_with_another_one(site: Site) -> None:
    """R157, R238: they wait as if nothing had been sent; while the key is refused nothing more is asked with it."""
    jobs = [await site.job(await site.home()) for _ in range(2)]
    await _key_dies(site)
    await site.hold_night(jobs[0])
    assert {op["state"] for op in await site.ops("INTENT")} == {"PLANNED"}
    assert await site.alarms() == ["provider_refuses_us"]
    assert await _is_held_back(site)

    waiting = len(await site.waiting("send_money"))
    await site.move(SOON)
    await site.duty("sweep_money")
    assert len(await site.waiting("send_money", "retry_payment")) == waiting
    assert {op["tries"] for op in await site.ops("INTENT")} == {0}
    assert [await site.status(job) for job in jobs] == ["PENDING", "PENDING"]

    await _key_works(site)

    assert [await site.status(job) for job in jobs] == ["AUTHORIZED", "AUTHORIZED"]
    assert [op["attempt"] for op in await site.ops("INTENT")] == [1, 1]
    assert [len(site.intents_of(job)) for job in jobs] == [1, 1]
    assert await site.alarms() == []
    assert await site.rows("select * from money_alarm where tenant_id = $1", site.other.tenant) == []


async def test_a_key_that_the_provider_knows_again_is_used_again(site: Site) -> None:
    """R238: the sweep tries it, and what has waited is sent."""
    job = await site.job(await site.home())
    await site.drain()
    good = await site.value("select secret_key from provider_account where tenant_id = $1", site.town.tenant)
    await _key_dies(site)
    await site.hold_night(job)
    assert await _is_held_back(site)

    back = "update provider_account set secret_key = $2 where tenant_id = $1"
    await site.world.root.execute(back, site.town.tenant, good)
    await site.move(SOON)
    assert await site.duty("sweep_money") == []

    assert (await site.status(job), await _is_held_back(site)) == ("AUTHORIZED", False)


@pytest.mark.parametrize("said", ["The key is unknown.", None])
async def test_what_was_found_out_by_a_key_that_was_replaced_meanwhile_says_nothing_of_the_new_one(
    site: Site, said: str | None
) -> None:
    """A41: read with the old key, written down after the new one was given; neither its fault nor its health."""
    await site.drain()
    old = await site.system(read_keys, ReadKeys())
    await site.connect()
    row = "select is_held_back, problem, checked_at, version from provider_account where tenant_id = $1"
    before = await site.rows(row, site.town.tenant)

    await site.system(note_check, NoteCheck(old.version, None if said else old.account_id, said))

    assert await site.rows(row, site.town.tenant) == before
    await site.drain("check_provider")
    [now] = await site.rows(row, site.town.tenant)
    assert (now["is_held_back"], now["problem"], now["checked_at"] is not None) == (False, None, True)


async def test_a_step_that_may_have_been_done_before_the_key_died_is_never_done_twice(site: Site) -> None:
    """R157: its answer was lost, and then we were refused: the same goes out again with the same key."""
    job = await site.job(await site.home())
    site.fault("drop_after", "/v1/payment_intents")
    await site.hold_night(job)
    [op] = await site.ops("INTENT")
    assert op["state"] == "UNKNOWN"
    await _key_dies(site)
    await site.move(SOON)
    await site.duty("sweep_money")
    [now] = await site.ops("INTENT")
    assert (now["state"], now["idem_key"]) == ("UNKNOWN", op["idem_key"])

    await _key_works(site)
    await site.move(SOON)
    await site.settle()

    assert await site.status(job) == "AUTHORIZED"
    assert len(site.intents_of(job)) == 1


async def test_what_our_key_may_not_do_is_tried_for_hours_and_then_refused(site: Site) -> None:
    """R238, R239: forbidden for this one thing alone, maybe; it does not wait for ever without anybody hearing."""
    job = await site.job(await site.home())
    await site.drain()
    await _planned(site, job)

    async def forbid() -> list[tuple[int, str]]:
        sent = "update money_op set tries = 1 where tenant_id = $1 and kind = 'INTENT'"
        await site.world.root.execute(sent, site.town.tenant)
        await _refuse(site, "INTENT", FORBIDDEN)
        return [(op["attempt"], op["state"]) for op in await site.ops("INTENT")]

    assert await forbid() == [(1, "PLANNED")]
    await site.move(timedelta(hours=6))
    assert await forbid() == [(1, "FAILED")]

    assert "provider_refuses_us" in await site.alarms()
    assert (await site.payment(job))["next_attempt_at"] is not None


async def test_what_was_planned_long_ago_and_is_forbidden_at_its_first_sending_is_tried_for_hours_too(
    site: Site,
) -> None:
    """R238: the wait begins when it is sent, however long it had been planned by then."""
    job = await site.job(await site.home())
    await _planned(site, job)
    [op] = await site.ops("INTENT")

    async def forbid() -> str:
        await site.world.root.execute("update money_op set tries = 1 where id = $1", op["id"])
        await site.system(record_op, RecordOp(MoneyOpId(op["id"]), FORBIDDEN))
        return str((await site.row("money_op", op["id"]))["state"])

    await site.move(timedelta(hours=7))
    assert await forbid() == "PLANNED"
    await site.move(timedelta(hours=5))
    assert await forbid() == "PLANNED"
    await site.move(timedelta(hours=1))
    assert await forbid() == "FAILED"


async def test_a_hold_is_let_go_though_the_key_died_meanwhile(site: Site) -> None:
    """R143."""
    job = await site.held_job()
    await _key_dies(site)
    await _canceled(site, job)
    await site.drain()
    assert site.intents_of(job)[0]["status"] == "requires_capture"

    await _key_works(site)

    assert (await site.status(job), site.intents_of(job)[0]["status"]) == ("RELEASED", "canceled")


async def test_a_fee_is_taken_though_the_key_died_meanwhile(site: Site) -> None:
    """A50."""
    await site.settings(payments={"cancellation": {"freeHours": 24, "lateFeePercent": 50}})
    job = await site.held_job()
    await _key_dies(site)
    await _canceled(site, job)
    await site.drain()
    assert await site.status(job) == "CAPTURE_PENDING"

    await _key_works(site)

    row = await site.payment(job)
    assert (row["status"], row["captured_cents"]) == ("CAPTURED", 4_500)
    assert (await site.books())["CASH"] == site.balance()


async def test_a_hold_that_was_refused_for_a_fault_of_ours_is_taken_later(site: Site) -> None:
    """R170: an alarm stands, nobody's card is blamed, and nobody has to try it by hand."""
    job = await site.job(await site.home())
    await _planned(site, job)
    await _refuse(site, "INTENT", OF_OURS)
    await site.drain()
    row = await site.payment(job)
    assert (row["status"], row["decline"]) == ("PENDING", None)
    assert row["next_attempt_at"] is not None
    assert await site.alarms() == ["provider_refuses_us"]

    await site.move(AGAIN)
    await site.settle()

    assert await site.status(job) == "AUTHORIZED"
    assert [op["attempt"] for op in await site.ops("INTENT")] == [1, 2]
    assert await site.alarms() == []


async def _planned_two(site: Site) -> list[JobId]:
    """Two cleans whose holds are planned."""
    jobs = [await site.job(await site.home()) for _ in range(2)]
    await _planned(site, jobs[0])
    await site.system(command_of(hold_now), jobs[1])
    return jobs


async def _theirs_is_refused(site: Site) -> None:
    """The other business has a step of the same kind that failed by a fault of ours, and its alarm."""
    failed = """update money_op set kind = 'INTENT', state = 'FAILED', failure = '{"fault": "OURS"}', finished_at = $2
        where tenant_id = $1"""
    await site.world.root.execute(failed, site.other.tenant, await site.now())

    async def refused(tx: Any, input: None) -> None:
        await raise_alarm(tx, "provider_refuses_us", "INTENT", {})

    await site.do(Actor.system(site.other.tenant), command_of(refused), None)


async def test_the_alarm_of_a_fault_of_ours_stands_until_the_last_step_of_its_kind_is_done(site: Site) -> None:
    """R237, R239: one that is done at last says nothing of another that failed; nor does another business's."""
    jobs = await _planned_two(site)
    await _theirs_is_refused(site)
    for _ in jobs:
        await _refuse(site, "INTENT", OF_OURS)
    await site.move(AGAIN)
    await site.settle("retry_payment")
    await _refuse(site, "INTENT", OF_OURS)

    await site.settle()
    assert sorted([await site.status(job) for job in jobs]) == ["AUTHORIZED", "PENDING"]
    assert await site.alarms() == ["provider_refuses_us"]

    await site.move(AGAIN * 2)
    await site.settle()
    assert [await site.status(job) for job in jobs] == ["AUTHORIZED", "AUTHORIZED"]
    assert await site.alarms() == []
    theirs = "select count(*) from money_alarm where tenant_id = $1 and cleared_at is null"
    assert await site.value(theirs, site.other.tenant) == 1


async def test_the_alarm_of_a_fault_of_ours_stands_while_another_step_waits_for_us_to_be_answered(site: Site) -> None:
    """R239: forbidden both, and one of them is done; a doubt about the other meanwhile does not make it well."""
    jobs = await _planned_two(site)
    for _ in jobs:
        op = next(op for op in await site.ops("INTENT") if op["state"] == "PLANNED" and op["failure"] is None)
        await site.world.root.execute("update money_op set tries = 1 where id = $1", op["id"])
        await site.system(record_op, RecordOp(MoneyOpId(op["id"]), FORBIDDEN))
    first, second = [op["id"] for op in await site.ops("INTENT")]
    site.fault("error_before", "/v1/payment_intents")
    with pytest.raises(Unavailable):
        await site.attempt("send_money", {"op": str(first)})

    await site.attempt("send_money", {"op": str(second)})
    assert [op["state"] for op in await site.ops("INTENT")] == ["UNKNOWN", "SUCCEEDED"]
    assert await site.alarms() == ["provider_refuses_us"]

    await site.attempt("send_money", {"op": str(first)})
    assert await site.alarms() == []


async def test_two_steps_that_are_done_together_leave_no_alarm_behind(site: Site) -> None:
    """R239: each finds out whether the other is refused still; the last one sees that none is."""
    jobs = await _planned_two(site)
    for _ in jobs:
        await _refuse(site, "INTENT", OF_OURS)
    await site.move(AGAIN)
    await site.settle("retry_payment")
    provider = site.tools.provider_of(ProviderKeys(f"sk_test_{site.town.slug}"))
    one, two = [
        RecordOp(MoneyOpId(op["id"]), await provider.send(Ask.from_json(json.loads(op["ask"])), op["idem_key"]))
        for op in await site.ops("INTENT")
        if op["state"] == "PLANNED"
    ]
    system = Actor.system(site.town.tenant)

    # Statement by statement in turn: when either looks at the other, it is not yet committed.
    stage = Stage(site.world.runner, site.world.root)
    sides = await stage.play(Call(system, record_op, one), Call(system, record_op, two), "AB" * MANY)

    assert [side.refusal for side in sides] == [None, None]
    assert await site.alarms() == []


async def test_what_failed_long_ago_keeps_no_alarm_standing(site: Site) -> None:
    """R239: its clean was called off, and nobody asks for it any more."""
    jobs = await _planned_two(site)
    for _ in jobs:
        await _refuse(site, "INTENT", OF_OURS)
    await _canceled(site, jobs[1])
    await site.move(AGAIN)
    await site.settle()
    assert await site.alarms() == ["provider_refuses_us"]

    await site.move(REFUSED_STANDS)
    job = await site.job(await site.home())
    await _planned(site, job)
    await _refuse(site, "INTENT", OF_OURS)
    await site.move(AGAIN)
    await site.settle()
    assert await site.alarms() == []


async def test_what_the_provider_tells_us_is_done_ends_the_alarm_as_its_answer_does(site: Site) -> None:
    """R239: it was refused, asked again and not answered; a webhook brings the news."""
    job = await site.held_job()
    await _canceled(site, job)
    await _refuse(site, "RELEASE", OF_OURS)
    await site.move(AGAIN)
    await site.settle("retry_payment")
    site.fault("drop_after", "/v1/payment_intents/*/cancel")
    await site.drain("send_money")
    assert await site.alarms() == ["provider_refuses_us"]

    await site.hear("payment_intent", Thing.INTENT, (await site.payment(job))["intent_id"])

    assert (await site.status(job), await site.alarms()) == ("RELEASED", [])


async def _given_up(site: Site) -> list[str]:
    """What the alarms of payments that are not asked for any more are about."""
    found = "select subject from money_alarm where tenant_id = $1 and kind = 'asked_in_vain' and cleared_at is null"
    return [row["subject"] for row in await site.rows(found, site.town.tenant)]


async def test_a_hold_that_is_asked_for_in_vain_is_an_alarm_of_its_own(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R237, R239: of this very payment, whatever else is done meanwhile, until it is held."""
    monkeypatch.setattr(patience, "MOST_ATTEMPTS", 1)
    jobs = await _planned_two(site)
    await _refuse(site, "INTENT", OF_OURS)
    await site.settle()
    [waiting] = [job for job in jobs if await site.status(job) == "PENDING"]
    row = await site.payment(waiting)
    assert (row["next_attempt_at"], await _given_up(site)) == (None, [str(row["id"])])
    await site.move(timedelta(days=1))
    await site.drain()
    assert await _given_up(site) == [str(row["id"])]

    await site.do(site.town.owner, retry_payment, RetryPayment(PaymentId(row["id"])))
    await site.settle()

    assert (await site.status(waiting), await site.alarms()) == ("AUTHORIZED", [])
    assert await site.rows("select * from money_alarm where tenant_id = $1", site.other.tenant) == []


async def test_a_payment_that_was_given_up_is_no_alarm_once_its_clean_is_called_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R239: the provider knows nothing of it, and nothing is left to do."""
    monkeypatch.setattr(patience, "MOST_ATTEMPTS", 1)
    job = await site.job(await site.home())
    await _planned(site, job)
    await _refuse(site, "INTENT", OF_OURS)
    assert len(await _given_up(site)) == 1

    await _canceled(site, job)

    assert (await site.status(job), await _given_up(site)) == ("RELEASED", [])


async def test_a_release_that_is_asked_for_in_vain_is_an_alarm_until_the_hold_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R143, R239: somebody lets it go on the provider's own pages."""
    monkeypatch.setattr(patience, "MOST_ATTEMPTS", 1)
    job = await site.held_job()
    await _canceled(site, job)
    await _refuse(site, "RELEASE", OF_OURS)
    await site.drain()
    row = await site.payment(job)
    assert await _given_up(site) == [str(row["id"])]
    provider = site.tools.provider_of(ProviderKeys(f"sk_test_{site.town.slug}"))
    await provider.send(asks.cancel_intent(row["intent_id"], reason="abandoned"), "by-hand")

    await site.hear("payment_intent", Thing.INTENT, row["intent_id"])

    assert (await site.status(job), await _given_up(site)) == ("RELEASED", [])


async def test_a_release_that_was_refused_for_a_fault_of_ours_is_asked_again(site: Site) -> None:
    """R143: later and later; a task that is lost is made up for by the watch."""
    job = await site.held_job()
    await _canceled(site, job)
    await _refuse(site, "RELEASE", OF_OURS)
    await site.drain()
    assert await site.status(job) == "AUTHORIZED"
    await site.world.root.execute("delete from task where tenant_id = $1 and kind = 'retry_payment'", site.town.tenant)

    await site.move(AGAIN + patience.OVERDUE)
    await site.duty("hold_payments")

    assert (await site.status(job), site.intents_of(job)[0]["status"]) == ("RELEASED", "canceled")


async def test_a_fee_that_was_refused_for_a_fault_of_ours_is_asked_again(site: Site) -> None:
    """A50: the same cents, and never the whole price."""
    await site.settings(payments={"cancellation": {"freeHours": 24, "lateFeePercent": 50}})
    job = await site.held_job()
    await _canceled(site, job)
    await _refuse(site, "CAPTURE", OF_OURS)
    await site.drain()
    assert await site.status(job) == "AUTHORIZED"

    await site.move(AGAIN)
    await site.settle()

    row = await site.payment(job)
    assert (row["status"], row["captured_cents"], row["why_less"]) == ("CAPTURED", 4_500, "CANCELED")


async def _proven(site: Site) -> JobId:
    """A proven clean whose capture is planned and not sent."""
    job = await site.held_job()
    await site.prove(job, hold=False)
    return job


async def test_a_capture_that_was_refused_while_its_hold_stands_is_asked_again(site: Site) -> None:
    """R147: administrators hear of it, and the alarm is over when the money is taken."""
    job = await _proven(site)
    await _refuse(site, "CAPTURE", OF_STATE)
    await site.drain()
    assert await site.status(job) == "CAPTURE_PENDING"
    assert await site.alarms() == ["capture_refused"]

    await site.move(AGAIN)
    await site.settle()

    assert (await site.status(job), await site.alarms()) == ("CAPTURED", [])
    assert [op["state"] for op in await site.ops("CAPTURE")] == ["FAILED", "SUCCEEDED"]
    assert len([one for one in site.things("charges") if one["captured"]]) == 1


async def test_a_capture_that_is_refused_for_ever_is_left_to_the_office(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R147: after so many attempts the hold stands as before, and can be taken by hand."""
    monkeypatch.setattr(patience, "MOST_ATTEMPTS", 2)
    job = await _proven(site)
    await _refuse(site, "CAPTURE", OF_STATE)
    await site.drain()
    await site.move(AGAIN)
    await site.drain("retry_payment")
    await _refuse(site, "CAPTURE", OF_STATE)
    await site.drain()

    row = await site.payment(job)
    assert (row["status"], row["next_attempt_at"], await site.alarms()) == ("AUTHORIZED", None, BOTH)
    await site.move(timedelta(days=1))
    await site.drain()
    assert len(await site.ops("CAPTURE")) == 2

    await site.do(site.town.owner, capture_held, CaptureProven(job))
    await site.settle()
    assert (await site.status(job), await site.alarms()) == ("CAPTURED", [])


async def test_a_capture_that_was_given_up_is_no_alarm_once_it_is_made_on_the_providers_pages(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R147, R239: no step of ours has done it, and the payment is settled."""
    monkeypatch.setattr(patience, "MOST_ATTEMPTS", 1)
    job = await _proven(site)
    await _refuse(site, "CAPTURE", OF_STATE)
    await site.drain()
    assert await site.alarms() == ["asked_in_vain"]
    intent = (await site.payment(job))["intent_id"]
    provider = site.tools.provider_of(ProviderKeys(f"sk_test_{site.town.slug}"))
    await provider.send(asks.capture_intent(intent, amount_cents=9_000), "by-hand")

    await site.hear("payment_intent", Thing.INTENT, intent)

    assert (await site.status(job), await site.alarms()) == ("CAPTURED", [])


async def test_holds_that_cannot_be_helped_keep_nobody_else_from_being_watched(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A2, R189: all of them are looked at, however many there are."""
    await site.settings(payments={"renewLapsing": False})
    jobs = [await site.job(await site.home()) for _ in range(3)]
    await site.hold_night(jobs[0])
    monkeypatch.setattr(expiry, "PAGE", 1)

    await site.until((await site.payment(jobs[0]))["capture_before"] - timedelta(hours=11))
    await site.duty("hold_payments")

    assert len(await site.notices("HOLD_LAPSES")) == 3


async def test_one_hold_that_is_refused_keeps_no_other_from_being_watched(site: Site) -> None:
    """R237, R238: each is looked after by itself; that one was refused is seen when all have had their turn."""
    jobs = [await site.job(await site.home()) for _ in range(3)]
    await site.hold_night(jobs[0])
    first, *others = sorted([(await site.payment(job))["id"] for job in jobs])
    looked_after: list[UUID] = []

    class Context:
        async def run(self, command: Any, input: Any) -> Any:
            looked_after.append(input.payment)
            if input.payment == first:
                raise PaymentState("It cannot be helped.")
            return await site.system(command, input)

    async def found_after(after: UUID) -> list[LookAfter]:
        return [LookAfter(id, 0) for id in (first, *others) if id > after][:2]

    context: Any = Context()
    refused = await look_after_each(context, found_after)

    assert looked_after == [first, *others]
    with pytest.raises(PaymentState):
        ensure_all_well(refused)


async def _intent(site: Site, job: JobId) -> Any:
    provider = site.tools.provider_of(ProviderKeys(f"sk_test_{site.town.slug}"))
    return await provider.read(Thing.INTENT, (await site.payment(job))["intent_id"])


async def test_a_hold_that_has_lapsed_stays_so_whatever_was_read_before(site: Site) -> None:
    """Invariant 11: what says that it stands is old."""
    job = await site.held_job()
    row, before = await site.payment(job), await _intent(site, job)
    await site.until(row["capture_before"] + timedelta(minutes=1))
    await site.attempt("read_payment", {"payment": str(row["id"])})
    await site.drain()
    assert (await site.row("payment", row["id"]))["status"] == "EXPIRED"

    await site.system(absorb_payment, AbsorbPayment(PaymentId(row["id"]), before))

    assert (await site.row("payment", row["id"]))["status"] == "EXPIRED"
    assert await site.ops("RELEASE") == []
    assert site.intents_of(job)[0]["status"] == "canceled"


async def test_what_is_being_captured_is_not_released_meanwhile(site: Site) -> None:
    """R143: while it is asked for again nobody can let it go under our hands."""
    job = await _proven(site)
    await _refuse(site, "CAPTURE", OF_STATE)
    await site.drain()

    async with site.refused(Code.PAYMENT_STATE):
        form = ReleaseHold(PaymentId((await site.payment(job))["id"]), "By mistake.")
        await site.do(site.town.owner, release_hold, form)
