"""Declined cards: when they are asked again, who is told what, and what their customer can do (A36, R145, R189)."""

import json
from datetime import timedelta

import pytest

from domain.actors import Actor
from domain.errors import Code
from domain.ids import JobId, PaymentId
from services.payments.declines import ConfirmPayment, RetryPayment, confirm_payment, retry_payment
from services.payments.links import OpenPayment, open_payment
from tests.payments.site import Home, Site

BACK = "https://cleanshift.test/back"


async def _declined(site: Site, outcome: str, times: int | None = None) -> tuple[Home, JobId]:
    """A clean of tomorrow whose card said no at 20:00."""
    home = await site.home()
    await site.outcome(home.method, outcome, times)
    job = await site.job(home)
    await site.hold_night()
    return home, job


async def test_a_soft_decline_is_tried_again_by_the_ladder_with_the_same_intent(site: Site) -> None:
    """A36: 20:00, 01:00, 08:00; a new key each time, never a second intent."""
    _, job = await _declined(site, "insufficient_funds", 2)
    first = await site.payment(job)
    assert (first["status"], first["declines"]) == ("FAILED", 1)

    await site.until_hour(1)
    await site.settle()
    assert (await site.payment(job))["declines"] == 2
    await site.until_hour(8)
    await site.settle()

    row, [intent] = await site.payment(job), site.intents_of(job)
    assert (row["status"], intent["status"]) == ("AUTHORIZED", "requires_capture")
    keys = [op["idem_key"] for op in await site.ops("CONFIRM")]
    assert len(set(keys)) == len(keys) == 3


async def test_at_most_four_attempts_are_made(site: Site) -> None:
    home = await site.home()
    await site.settings(payments={"retryHours": [21, 22, 23, 0, 1, 2]})
    await site.outcome(home.method, "insufficient_funds")
    job = await site.job(home)
    await site.hold_night()

    for _ in range(8):
        await site.move(timedelta(hours=1))
        await site.settle()

    row = await site.payment(job)
    assert (row["status"], row["declines"], row["next_attempt_at"]) == ("FAILED", 4, None)
    assert len(await site.ops("CONFIRM")) == 4


@pytest.mark.parametrize("outcome", ["lost_card", "stolen_card", "fraudulent", "expired_card"])
async def test_a_card_that_will_not_work_is_not_asked_again_and_its_customer_is_told_nothing_of_theft(
    site: Site, outcome: str
) -> None:
    """A36: stop at once; generic words."""
    _, job = await _declined(site, outcome)

    row = await site.payment(job)
    assert (row["status"], row["next_attempt_at"]) == ("FAILED", None)
    letters = await site.notices("PAYMENT_DECLINED")
    assert {letter["channel"] for letter in letters} == {"EMAIL", "SMS"}
    assert not any(word in letters[0]["content"].lower() for word in ("lost", "stolen", "fraud"))
    assert len(await site.notices("HOLD_FAILED")) == 1
    async with site.refused(Code.PAYMENT_STATE):
        await site.do(site.town.owner, retry_payment, RetryPayment(PaymentId(row["id"])))


async def test_a_new_card_pays_what_the_old_one_did_not(site: Site) -> None:
    """A36: at once, with the intent that there is."""
    home, job = await _declined(site, "stolen_card")

    await site.save_card(home, "mastercard")
    await site.settle()

    row, [intent] = await site.payment(job), site.intents_of(job)
    assert (row["status"], row["method_id"], intent["status"]) == ("AUTHORIZED", home.card, "requires_capture")


async def test_the_office_has_a_card_asked_now(site: Site) -> None:
    _, job = await _declined(site, "insufficient_funds", 1)
    row = await site.payment(job)

    await site.do(site.town.owner, retry_payment, RetryPayment(PaymentId(row["id"])))
    await site.settle()

    assert await site.status(job) == "AUTHORIZED"


async def _awaiting(site: Site) -> tuple[Home, JobId]:
    """A clean whose hold the customer has to confirm."""
    home = await site.home()
    await site.outcome(home.method, "authentication_required")
    job = await site.job(home)
    await site.hold_night()
    assert await site.status(job) == "REQUIRES_ACTION"
    return home, job


async def test_what_the_bank_wants_confirmed_is_confirmed_by_its_customer(site: Site) -> None:
    """A36: a link goes out; the bank's page is named; once it is confirmed the hold stands."""
    home, job = await _awaiting(site)
    row = await site.payment(job)
    assert row["action_until"] == (await site.row("job", job))["starts_at"]

    await site.do(home.who, confirm_payment, ConfirmPayment(PaymentId(row["id"]), BACK))
    await site.settle()
    row = await site.payment(job)
    assert row["action_url"].startswith("https://stripe.sandbox/authenticate/")
    await _at_the_bank(site, row["intent_id"], ok=True)

    assert (await site.status(job), len(site.intents_of(job))) == ("AUTHORIZED", 1)


async def _at_the_bank(site: Site, intent: str, *, ok: bool) -> None:
    """The customer goes through the bank's page, and the news of it comes as a read of the payment."""
    await site.control("POST", f"intents/{intent}/authenticate", {"ok": ok})
    payment = await site.row("payment", intent, "intent_id")
    await site.attempt("read_payment", {"payment": str(payment["id"])})
    await site.settle()


async def test_the_link_of_the_message_opens_the_payment_without_signing_in(site: Site) -> None:
    _, job = await _awaiting(site)
    [mail] = [one for one in await site.notices("PAYMENT_TO_CONFIRM") if one["channel"] == "EMAIL"]
    token = json.loads(mail["content"])["body"].rpartition("#token=")[2]

    anonymous = Actor.anonymous(site.town.tenant)
    shown = await site.do(anonymous, open_payment, OpenPayment(token, BACK))
    await site.settle()
    again = await site.do(anonymous, open_payment, OpenPayment(token, BACK))

    assert (shown.status, shown.amount_cents) == ("REQUIRES_ACTION", 9_000)
    assert again.action_url == (await site.payment(job))["action_url"]
    assert len(await site.ops("CONFIRM")) == 2


@pytest.mark.parametrize("spoil", ["forged", "foreign", "garbled", "late"])
async def test_a_link_that_is_not_right_opens_nothing(site: Site, spoil: str) -> None:
    _, job = await _awaiting(site)
    [mail] = [one for one in await site.notices("PAYMENT_TO_CONFIRM") if one["channel"] == "EMAIL"]
    token = json.loads(mail["content"])["body"].rpartition("#token=")[2]
    actor = Actor.anonymous(site.other.tenant if spoil == "foreign" else site.town.tenant)
    if spoil == "late":
        await site.until((await site.row("job", job))["starts_at"])
    token = {"forged": token[:-2] + ("aa" if token[-2:] != "aa" else "bb"), "garbled": "x.y"}.get(spoil, token)

    async with site.refused(Code.LINK_INVALID):
        await site.do(actor, open_payment, OpenPayment(token, BACK))


async def test_who_fails_at_the_bank_is_asked_anew_and_never_held_twice(site: Site) -> None:
    home, job = await _awaiting(site)
    row = await site.payment(job)
    await site.do(home.who, confirm_payment, ConfirmPayment(PaymentId(row["id"]), BACK))
    await site.settle()

    await _at_the_bank(site, row["intent_id"], ok=False)

    assert [one["status"] for one in site.intents_of(job)] == ["canceled", "requires_payment_method"]
    fresh = await site.payment(job)
    assert (fresh["status"], fresh["attempt"]) == ("REQUIRES_ACTION", 2)


async def test_what_is_not_confirmed_in_time_is_let_go(site: Site) -> None:
    """A36: deadline, then release; the office hears of it."""
    _, job = await _awaiting(site)

    await site.until((await site.row("job", job))["starts_at"])
    await site.duty("hold_payments")

    assert await site.status(job) == "RELEASED"
    assert [one["status"] for one in site.intents_of(job)] == ["canceled"]


async def test_foreigners_confirm_nothing(site: Site) -> None:
    _, job = await _awaiting(site)
    row = await site.payment(job)
    stranger = await site.home(card=None)

    async with site.refused(Code.NOT_FOUND):
        await site.do(stranger.who, confirm_payment, ConfirmPayment(PaymentId(row["id"]), BACK))


async def test_a_clean_that_no_card_pays_is_called_off_at_the_cutoff(site: Site) -> None:
    """A36: only where the business says so; its cleaner is free again."""
    home = await site.home()
    await site.settings(payments={"cutoffHours": 4})
    await site.outcome(home.method, "stolen_card")
    job = await site.job(home)
    await site.crew(job)
    await site.hold_night()

    await site.until((await site.row("job", job))["starts_at"] - timedelta(hours=3))
    await site.duty("hold_payments")

    assert (await site.row("job", job))["status"] == "CANCELED"
    assert await site.value("select count(*) from assignment where job_id = $1 and released_at is null", job) == 0


async def test_our_own_mistake_blames_no_card(site: Site) -> None:
    """PAYMENTS section 2: 401 and parameter errors stop and page; the payment stays as it is."""
    home = await site.home()
    job = await site.job(home)
    await site.world.root.execute("update payment_method set method_id = 'pm_nobodys' where id = $1", home.card)

    await site.hold_night()

    row = await site.payment(job)
    assert row["status"] in {"PENDING", "FAILED"}
