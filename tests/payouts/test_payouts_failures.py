"""Transfers through every fault of the way: one payout, one transfer (R157, R170, A15)."""

from datetime import timedelta

import pytest

from domain.ids import MoneyOpId
from domain.payments.outcomes import Refusal
from domain.scheduling import AssignmentRole
from services.payments.accounts import ConnectProvider, connect_provider
from services.payments.recorders import RecordOp, record_op
from services.payouts.holding import RetryPayout, retry_payout
from tests.payments.site import ZONE
from tests.payouts.till import Till

PRIMARY = AssignmentRole.PRIMARY


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error_before", "rate_limit", "conflict", "truncate"])
async def test_whatever_befalls_the_call_one_transfer_is_made_and_nobody_is_held(till: Till, kind: str) -> None:
    """R170: a network failure leaves it pending; it is sent again with the same key."""
    who = await till.cleaner()
    till.site.fault(kind, "/v1/transfers")
    await till.clean((who, PRIMARY))
    await till.site.drain()
    assert (await till.payout(who))["status"] == "PENDING"
    await till.site.move(timedelta(minutes=6))
    await till.site.duty("sweep_money")
    assert (await till.payout(who))["status"] == "RELEASED"
    assert [made["amount"] for made in till.journalled()] == [5_100]
    assert len(await till.site.ops("TRANSFER")) == 1


async def test_a_fault_of_ours_holds_nobody_stops_and_calls_somebody(till: Till) -> None:
    """R170: keys that are good for nothing; nobody asks again and again, and other keys set it going."""
    who = await till.cleaner()
    await till.clean((who, PRIMARY))
    await till.site.drain("send_money")
    gone = ConnectProvider("sk_live_gone", ["whsec_gone"])
    await till.site.do(till.site.town.owner, connect_provider, gone)
    # As where a key that was good is good no more.
    known = "update provider_account set is_held_back = false where tenant_id = $1"
    await till.site.world.root.execute(known, till.site.town.tenant)
    await till.site.drain("release_payout", "send_money")
    row = await till.payout(who)
    assert (row["status"], row["hold_reason"]) == ("PENDING", None)
    assert await till.site.alarms() == ["provider_refuses_us"]
    for _ in range(3):
        await till.sweep()
    assert len(await till.site.ops("TRANSFER")) == 1

    await till.site.connect()
    await till.sweep()
    assert (await till.payout(who))["status"] == "RELEASED"
    assert len(till.journalled()) == 1


async def test_a_transfer_that_was_refused_is_no_alarm_any_more_once_the_cleaner_is_paid(till: Till) -> None:
    """R170, R239: about this very payout; other keys set it going, and the payment is made."""
    who = await till.cleaner()
    await till.clean((who, PRIMARY))
    await till.site.settle("send_money")
    await till.site.settle("release_payout")
    [op] = await till.site.ops("TRANSFER")
    await till.site.system(record_op, RecordOp(MoneyOpId(op["id"]), Refusal("parameter_unknown", param="amuont")))
    await till.sweep()
    assert await till.site.alarms() == ["provider_refuses_us", "transfer_refused"]

    await till.site.connect()
    await till.sweep()

    assert ((await till.payout(who))["status"], await till.site.alarms()) == ("RELEASED", [])


async def test_a_payout_can_be_looked_at_at_once(till: Till) -> None:
    """R237: an administrator need not wait for the sweep."""
    await till.site.settings(payments={"payoutDelayMinutes": 600})
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    id = await till.id_of(who)
    await till.site.do(till.site.town.owner, retry_payout, RetryPayout(id))
    await till.site.settle()
    assert (await till.payout(who))["status"] == "RELEASED"


async def test_business_hours_only_waits_for_monday_morning(till: Till) -> None:
    """R174, A3: a setting; without it a Saturday's clean is paid on Saturday."""
    await till.site.settings(payments={"businessHoursOnly": True})
    who = await till.cleaner()
    await till.site.until_hour(12)
    while (await till.site.now()).astimezone(ZONE).weekday() != 4:
        await till.site.move(timedelta(days=1))
    # It is Friday: the clean is on Saturday.
    await till.paid((who, PRIMARY))
    row = await till.payout(who)
    assert row["status"] == "PENDING"
    local = row["due_at"].astimezone(ZONE)
    assert local.hour == 9
    assert local.weekday() <= 4
    await till.site.until(row["due_at"] + timedelta(minutes=1))
    await till.site.settle()
    assert (await till.payout(who))["status"] == "RELEASED"
