"""Payouts that cannot go: held with the reason and what to do, and paid once its cause is gone (R165 to R173, R190)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import Code
from domain.ids import PayoutId
from domain.scheduling import AssignmentRole
from services.payouts.holding import (
    HoldPayout,
    ReleasePayout,
    RetryPayout,
    hold_payout,
    release_payout,
    retry_payout,
)
from tests.payouts.till import Till

PRIMARY, LEAD = AssignmentRole.PRIMARY, AssignmentRole.LAUNDRY_LEAD


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, "NO_ACCOUNT"),
        ("new", "ONBOARDING_INCOMPLETE"),
        ("restricted", "ACCOUNT_RESTRICTED"),
        ("rejected", "ACCOUNT_RESTRICTED"),
    ],
)
async def test_an_account_that_is_not_ready_holds_the_payout_and_nothing_is_asked_of_the_provider(
    till: Till, status: str | None, reason: str
) -> None:
    """R165, R166, R172, R227: the cleaner and the administrators hear why and what to do (R190, R237)."""
    who = await till.cleaner(status)
    await till.paid((who, PRIMARY))

    row = await till.payout(who)
    assert (row["status"], row["hold_reason"], row["transfer_id"]) == ("HELD", reason, None)
    assert await till.site.ops("TRANSFER") == []
    assert till.journalled() == []
    told = await till.site.notices("PAYOUT_HELD")
    assert {one["person_id"] for one in told} == {who.person}
    office = await till.site.notices("PAYOUT_HELD_OFFICE")
    assert [one["person_id"] for one in office] == [till.site.town.owner.person]
    assert (await till.site.books())["PAYABLE"] == -5_100


@pytest.mark.parametrize("status", [None, "new", "restricted"])
async def test_once_the_account_is_ready_the_payout_is_pending_by_an_act_of_its_own_and_paid(
    till: Till, status: str | None
) -> None:
    """A37, R176: nobody of the office has to do anything; the audit log has each step."""
    who = await till.cleaner(status)
    await till.paid((who, PRIMARY))
    if status is None:
        await till.open_account(who)
    await till.account_becomes(who, "active")
    await till.site.settle()

    row = await till.payout(who)
    assert (row["status"], row["hold_reason"]) == ("RELEASED", None)
    assert [made["amount"] for made in till.journalled()] == [5_100]
    acts = await till.acts(row["id"])
    assert acts.index("HELD") < len(acts) - 1 - acts[::-1].index("PENDING") < acts.index("RELEASED")
    assert (await till.site.books())["PAYABLE"] == 0
    assert len(await till.site.notices("PAYOUT_PAID")) == 1


async def test_the_sweep_finds_what_nobody_told_us(till: Till) -> None:
    """R174 to R176, A3: the account became ready and the news of it led to nothing; the next sweep pays."""
    who = await till.cleaner("restricted")
    await till.paid((who, PRIMARY))
    await till.site.world.root.execute("update payout_account set status = 'READY' where cleaner_id = $1", who.person)
    await till.account_becomes(who, "active", heard=False)
    await till.sweep()
    assert (await till.payout(who))["status"] == "RELEASED"


async def test_an_account_that_went_stale_is_refused_by_the_provider_and_holds_the_payout(till: Till) -> None:
    """R170, R172: we believed it ready; a definite refusal holds, and one transfer is made once it is ready again."""
    who = await till.cleaner()
    await till.clean((who, PRIMARY))
    await till.account_becomes(who, "restricted", heard=False)
    await till.site.settle()
    row = await till.payout(who)
    assert (row["status"], row["hold_reason"]) == ("HELD", "ACCOUNT_RESTRICTED")
    assert (await till.account(who))["status"] == "RESTRICTED"
    await till.sweep()
    assert len(await till.site.ops("TRANSFER")) == 1

    await till.account_becomes(who, "active")
    await till.site.settle()
    assert (await till.payout(who))["status"] == "RELEASED"
    assert [one["state"] for one in await till.site.ops("TRANSFER")] == ["FAILED", "SUCCEEDED"]
    assert len(till.journalled()) == 1


async def test_a_payout_that_waits_for_its_time_is_held_if_the_account_is_restricted_meanwhile(till: Till) -> None:
    """R227, A3: looked at when something is new about the account, and when it is due."""
    await till.site.settings(payments={"payoutDelayMinutes": 60})
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    assert (await till.payout(who))["status"] == "PENDING"
    await till.account_becomes(who, "restricted")
    await till.site.move(timedelta(minutes=61))
    await till.site.settle()
    assert (await till.payout(who))["hold_reason"] == "ACCOUNT_RESTRICTED"
    assert till.journalled() == []


async def test_ninety_nine_cents_are_held_and_carried_and_a_dollar_is_paid(till: Till) -> None:
    """R167: 0.99 is shown as held and goes along with the next; exactly 1.00 passes."""
    await till.site.settings(pay={"rateCents": 99})
    small, exact = await till.cleaner(), await till.cleaner()
    first = await till.paid((small, PRIMARY), hours="1")
    assert (await till.payout(small))["hold_reason"] == "BELOW_MINIMUM"
    assert await till.site.notices("PAYOUT_HELD_OFFICE") == []
    await till.site.settings(pay={"rateCents": 100})
    await till.paid((exact, PRIMARY), hours="1")
    assert (await till.payout(exact))["status"] == "RELEASED"

    second = await till.paid((small, PRIMARY), hours="2")
    earlier, later = await till.payout(small, first), await till.payout(small, second)
    assert (earlier["status"], earlier["carried_into"]) == ("CARRIED", later["id"])
    assert (later["status"], later["base_cents"], later["carried_cents"], later["amount_cents"]) == (
        "RELEASED",
        200,
        99,
        299,
    )
    assert sorted(made["amount"] for made in till.journalled()) == [100, 299]
    assert (await till.site.books())["PAYABLE"] == 0


async def test_small_ones_that_are_enough_together_are_paid_together(till: Till) -> None:
    """R167: 0.60 and 0.60, neither enough; the newer takes up the older."""
    await till.site.settings(pay={"rateCents": 60})
    who = await till.cleaner()
    first = await till.paid((who, PRIMARY), hours="1")
    second = await till.paid((who, PRIMARY), hours="1")
    assert (await till.payout(who, first))["status"] == "CARRIED"
    row = await till.payout(who, second)
    assert (row["status"], row["amount_cents"]) == ("RELEASED", 120)


async def test_a_payout_that_was_released_is_processed_and_stays_so(till: Till) -> None:
    """R171: "Payout already processed", whatever is asked of it."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    id = await till.id_of(who)
    owner = till.site.town.owner
    for command, wish in _acts(id):
        async with till.site.refused(Code.PAYOUT_STATE) as caught:
            await till.site.do(owner, command, wish)
        assert caught[0].message == "Payout already processed."


@pytest.mark.parametrize("who_asks", ["dispatcher", "cleaner", "other"])
async def test_only_administrators_of_the_business_act_on_payouts(till: Till, who_asks: str) -> None:
    """R3, R237: a dispatcher and the cleaner may not, and for another business it is not there."""
    who = await till.cleaner(None)
    await till.paid((who, PRIMARY))
    id = await till.id_of(who)
    actor = {
        "dispatcher": await till.site.town.dispatcher(),
        "cleaner": who,
        "other": till.site.other.owner,
    }[who_asks]
    for command, wish in _acts(id):
        code = Code.NOT_FOUND if who_asks == "other" else Code.FORBIDDEN
        async with till.site.refused(code):
            await till.site.do(actor, command, wish)


def _acts(id: PayoutId) -> list[tuple[Any, Any]]:
    return [
        (retry_payout, RetryPayout(id)),
        (release_payout, ReleasePayout(id, "They need it.")),
        (hold_payout, HoldPayout(id, "Wait.")),
    ]


async def test_an_account_that_cannot_be_paid_is_set_aside_by_nobody(till: Till) -> None:
    """R173: a release is refused, says what to do, and nothing moves."""
    who = await till.cleaner(None)
    await till.paid((who, PRIMARY))
    id = await till.id_of(who)
    async with till.site.refused(Code.PAYOUT_STATE) as caught:
        await till.site.do(till.site.town.owner, release_payout, ReleasePayout(id, "Now."))
    assert caught[0].details["holdReason"] == "NO_ACCOUNT"


async def test_what_the_office_holds_waits_for_the_office(till: Till) -> None:
    """R173, R237: no sweep sets it free; who released it and why stays."""
    await till.site.settings(payments={"payoutDelayMinutes": 30})
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    id, owner = await till.id_of(who), till.site.town.owner
    await till.site.do(owner, hold_payout, HoldPayout(id, "A vase was broken."))
    await till.site.move(timedelta(hours=2))
    await till.sweep()
    row = await till.payout(who)
    assert (row["hold_reason"], row["hold_note"]) == ("BY_OFFICE", "A vase was broken.")
    assert till.journalled() == []

    await till.site.do(owner, release_payout, ReleasePayout(id, "It was not them."))
    await till.site.settle()
    row = await till.payout(who)
    assert (row["status"], row["decided_by"]) == ("RELEASED", owner.person)
    reasons = await till.site.rows("select reason from audit where entity_id = $1 and reason is not null", id)
    assert {one["reason"] for one in reasons} == {"A vase was broken.", "It was not them."}


async def test_what_the_charge_does_not_cover_is_paid_from_the_balance_by_decision(till: Till) -> None:
    """A12, A15: unsourced; refused while nothing is available, tried again with another key, and paid then."""
    first, second = await till.cleaner(), await till.cleaner()
    await till.paid((first, PRIMARY), (second, LEAD), cents=8_000)
    held = await till.id_of(second)
    await till.site.do(till.site.town.owner, release_payout, ReleasePayout(held, "We have mispriced it."))
    await till.site.settle()
    assert (await till.payout(second))["status"] == "PENDING"
    assert await till.site.alarms() == []

    await till.site.move(timedelta(days=5))
    await till.paid((first, PRIMARY))
    await till.site.move(timedelta(days=7))
    await till.sweep()
    row = await till.payout(second)
    assert row["status"] == "RELEASED"
    unsourced = [made for made in till.journalled() if made["source_transaction"] is None]
    assert [made["amount"] for made in unsourced] == [5_100]
    keys = [one["idem_key"] for one in await till.site.ops("TRANSFER") if one["subject_id"] == held]
    assert len(keys) == len(set(keys)) > 1
    assert (await till.site.books())["CASH"] == till.site.balance()
