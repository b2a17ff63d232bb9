"""After the transfer: to the cleaner's bank, sent back by it, taken back, and transfers not of ours (A14, A35)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db.ids import new_id
from db.tx import Tx
from domain.actors import Actor
from domain.errors import Code
from domain.payments.payouts import HoldReason
from domain.scheduling import AssignmentRole
from sandbox.stripe import Json
from services.payouts.holding import ReleasePayout, freeze_payouts, release_payout, thaw_payouts
from services.payouts.reversals import plan_reversal
from services.payouts.state import lock_payout
from tests.payouts.till import Till

PRIMARY = AssignmentRole.PRIMARY


async def _bank_payouts(till: Till, who: Actor) -> list[Json]:
    """What the provider has sent to a cleaner's bank, the first one first."""
    account = (await till.account(who))["account_id"]
    return list(till.site.sandbox.store.collection(account, "payouts").values())


async def _hear_of_bank(till: Till, who: Actor) -> None:
    account = (await till.account(who))["account_id"]
    for one in await _bank_payouts(till, who):
        await till.hears("payout", {**one, "account": account})


async def test_pay_is_followed_to_the_bank_and_back_and_there_again(till: Till) -> None:
    """A14: released is not paid out; a bank may send it back, and the next bank payout carries it."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    await till.site.move(timedelta(days=7))
    await _hear_of_bank(till, who)
    assert (await till.payout(who))["status"] == "PAID_OUT"

    (first,) = await _bank_payouts(till, who)
    await till.site.control("POST", f"payouts/{first['id']}", {"outcome": "failed"})
    await _hear_of_bank(till, who)
    assert (await till.payout(who))["status"] == "FAILED"
    before = await till.site.picture()
    await till.hears("payout", {**first, "account": (await till.account(who))["account_id"]})
    after = await till.site.picture()
    assert {name for name in after if after[name] != before[name]} <= {"task"}


async def test_what_nobody_told_of_the_bank_is_found_by_the_reconciliation(till: Till) -> None:
    """A14, R179: cleaners' accounts tell of their banks themselves; what was lost of it is asked for."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    await till.site.move(timedelta(days=7))
    assert (await till.payout(who))["status"] == "RELEASED"

    assert await till.site.duty("reconcile_money") == []
    await till.site.settle()

    assert (await till.payout(who))["status"] == "PAID_OUT"


async def test_a_bank_payout_of_a_stranger_changes_nothing(till: Till) -> None:
    """R3: of an account that is nobody's here."""
    thing = {"id": "po_1", "object": "payout", "status": "paid", "amount": 1, "currency": "usd", "account": "acct_x"}
    before = await till.site.picture()
    await till.hears("payout", thing)
    assert await till.site.picture() == before


async def test_the_businesss_own_bank_payout_is_booked_once(till: Till) -> None:
    """A13: cash goes to the bank; what the bank sends back comes back."""
    thing: dict[str, Any] = {
        "id": "po_own",
        "object": "payout",
        "status": "paid",
        "amount": 700,
        "currency": "usd",
        "balance_transaction": "txn_1",
        "failure_balance_transaction": None,
    }
    for _ in range(2):
        await till.hears("payout", thing)
    assert await till.site.books() == {"BANK": 700, "CASH": -700}
    await till.hears("payout", {**thing, "status": "failed", "failure_balance_transaction": "txn_2"})
    assert await till.site.books() == {"BANK": 0, "CASH": 0}


async def test_a_transfer_that_a_webhook_tells_first_is_recorded_once(till: Till) -> None:
    """R169, R179: the answer was lost, the webhook came; the step is finished and nothing is sent again."""
    who = await till.cleaner()
    till.site.fault("drop_after", "/v1/transfers")
    await till.clean((who, PRIMARY))
    await till.site.drain()
    assert (await till.payout(who))["status"] == "PENDING"
    (transfer,) = till.transfers()
    for _ in range(2):
        await till.hears("transfer", transfer)
    row = await till.payout(who)
    assert (row["status"], row["transfer_id"]) == ("RELEASED", transfer["id"])
    assert [one["state"] for one in await till.site.ops("TRANSFER")] == ["SUCCEEDED"]
    assert len(till.journalled()) == 1
    assert (await till.site.books())["PAYABLE"] == 0


async def test_a_transfer_of_nobody_raises_an_alarm(till: Till) -> None:
    """R239: made by hand, or by somebody else with the business's key."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    (mine,) = till.transfers()
    strange = {**mine, "id": "tr_strange", "metadata": {}}
    await till.hears("transfer", strange)
    forged = {**mine, "id": "tr_forged"}
    await till.hears("transfer", forged)
    assert await till.site.alarms() == ["transfer_of_nobody", "transfer_of_nobody"]
    assert (await till.payout(who))["transfer_id"] == mine["id"]


async def _take_back(till: Till, payout: UUID, cents: int) -> UUID:
    refund = new_id()

    async def work(tx: Tx) -> None:
        await plan_reversal(tx, refund, await lock_payout(tx, payout), cents)

    await till.within(work)
    await till.site.drain()
    return refund


async def test_pay_is_taken_back_in_parts_and_then_wholly(till: Till) -> None:
    """A35: each reversal once, whoever tells of it; all of it taken back is REVERSED."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    id = (await till.payout(who))["id"]
    await _take_back(till, id, 2_000)
    row = await till.payout(who)
    assert (row["status"], row["reversed_cents"]) == ("RELEASED", 2_000)
    await till.hears("transfer", _with_reversals(till))
    assert (await till.payout(who))["reversed_cents"] == 2_000

    await _take_back(till, id, 3_100)
    row = await till.payout(who)
    assert (row["status"], row["reversed_cents"]) == ("REVERSED", 5_100)
    books = await till.site.books()
    assert (books["RECEIVABLE"], books["CASH"]) == (-5_100, till.site.balance())


async def test_what_cannot_be_taken_back_is_the_businesss_loss(till: Till) -> None:
    """A35: the cleaner's account has it no more; administrators hear of it."""
    who = await till.cleaner()
    await till.paid((who, PRIMARY))
    await till.site.move(timedelta(days=9))
    await _take_back(till, (await till.payout(who))["id"], 5_100)
    assert (await till.payout(who))["reversed_cents"] == 0
    books = await till.site.books()
    assert (books["LOSSES"], books["RECEIVABLE"]) == (5_100, -5_100)
    assert await till.site.alarms() == ["reversal_refused"]


def _with_reversals(till: Till) -> Json:
    (transfer,) = till.transfers()
    return {**transfer, "reversals": {"data": till.site.things("reversals")}}


async def test_a_disputed_payments_payouts_are_frozen_and_thawed(till: Till) -> None:
    """R172: what has not left is held; thawed it is pending by an act of its own, and paid."""
    await till.site.settings(payments={"payoutDelayMinutes": 30})
    who = await till.cleaner()
    job = await till.paid((who, PRIMARY))
    payment = (await till.site.payment(job))["id"]
    assert await till.within(lambda tx: freeze_payouts(tx, payment)) == [(await till.payout(who))["id"]]
    await till.site.move(timedelta(hours=1))
    await till.sweep()
    assert (await till.payout(who))["hold_reason"] == HoldReason.DISPUTED
    assert till.journalled() == []

    await till.within(lambda tx: thaw_payouts(tx, payment))
    await till.site.settle()
    assert (await till.payout(who))["status"] == "RELEASED"


@pytest.mark.parametrize("whose", ["own", "other"])
async def test_a_payout_that_does_not_exist_is_not_found(till: Till, whose: str) -> None:
    """R3: nor is another business's."""
    who = await till.cleaner(None)
    await till.paid((who, PRIMARY))
    id = await till.id_of(who) if whose == "other" else new_id()
    owner = till.site.other.owner if whose == "other" else till.site.town.owner
    async with till.site.refused(Code.NOT_FOUND):
        await till.site.do(owner, release_payout, ReleasePayout(id, "x"))  # type: ignore[arg-type]
