"""Pay that is taken back from a cleaner, as far as they still have it (A35).

A refund that cleaners bear plans its reversals here. Its own entry has put what it expects of them on RECEIVABLE; each
reversal that succeeds takes its part off again, and what cannot be taken back becomes a loss of the business. What is
reversed by hand on the provider's own pages is booked as it is found, and an administrator hears of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, select

from db.ids import new_id
from db.tx import Tx
from domain.ids import MoneyOpId
from domain.payments import asks
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.payouts import LEFT_US, PayoutStatus
from models import money_op
from services.payments.alarms import raise_alarm
from services.payments.ledger import Entry, book
from services.payments.ops import Step, marks, plan_op
from services.payments.recording import Recording
from services.payouts.state import id_of, lock_payout, move_payout, payout_of_transfer

NOT_OURS = "reversal_by_hand"
"""An alarm: pay was taken back at the provider, and not by a refund here."""
NOT_TAKEN_BACK = "reversal_refused"
"""An alarm: pay that a refund wanted back could not be had; the business bears it."""


@dataclass(frozen=True, slots=True)
class Reversed:
    """One reversal as the provider has it."""

    id: str
    cents: int
    balance_transaction: str | None
    refund: UUID | None
    """The refund of ours that wanted it; None where somebody did it by hand."""


def reversal_subject(refund_id: UUID, payout_id: UUID) -> UUID:
    """What a step of kind REVERSAL is about: one payout's part of one refund."""
    return uuid5(refund_id, str(payout_id))


async def plan_reversal(tx: Tx, refund_id: UUID, row: Row[Any], cents: int) -> MoneyOpId | None:
    """Plan to take back so much of a payout that was transferred, for a refund; None where it is planned already.

    The caller holds the payout. `cents` are at most what is left of it, or the provider refuses.
    """
    op = new_id()
    ours = {"payout_id": row.id, "refund_id": refund_id, "job_id": row.job_id, "cleaner_id": row.cleaner_id}
    ask = asks.reverse_transfer(str(row.transfer_id), amount_cents=cents, metadata=marks(tx, op, **ours))
    subject = reversal_subject(refund_id, row.id)
    return await plan_op(tx, Step(OpKind.REVERSAL, subject, ask, op, job=row.job_id))


async def absorb_reversal(tx: Tx, subject: UUID, reversal: Mapping[str, Any]) -> None:
    """So much has come back: the payout says so, and it is booked. The same again changes nothing."""
    mine = await payout_of_transfer(tx, id_of(reversal["transfer"]) or "")
    if mine is not None:
        await _take_back(tx, await lock_payout(tx, mine), [_read(reversal)])


async def refuse_reversal(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """It cannot be had back: it is the business's loss, and administrators hear of it."""
    async with tx.as_system(wholly=True):
        asked = await tx.one(
            select(money_op.c.ask, money_op.c.job_id)
            .where(tx.own(money_op), money_op.c.kind == OpKind.REVERSAL, money_op.c.subject_id == subject)
            .order_by(money_op.c.attempt.desc())
            .limit(1)
        )
    if asked is None:
        return
    params = asked.ask["params"]
    row = await lock_payout(tx, UUID(params["metadata"]["payout_id"]))
    lost = (Posting(Account.LOSSES, params["amount"]), Posting(Account.RECEIVABLE, -params["amount"]))
    entry = Entry(
        EntryKind.ADJUSTMENT,
        f"not-taken-back:{subject}",
        row.currency,
        lost,
        job=row.job_id,
        payment=row.payment_id,
        payout=row.id,
        reason=f"The cleaner's pay could not be taken back: {refusal.code}",
    )
    if await book(tx, entry):
        detail = {"payoutId": str(row.id), "amountCents": params["amount"], "code": refusal.code}
        await raise_alarm(tx, NOT_TAKEN_BACK, str(subject), detail)


REVERSALS = Recording(absorb_reversal, refuse_reversal)


async def book_reversals(tx: Tx, row: Row[Any], transfer: Mapping[str, Any]) -> None:
    """Write down every reversal that a transfer of the provider's carries; those that are known change nothing."""
    carried = (transfer.get("reversals") or {}).get("data") or ()
    await _take_back(tx, row, [_read(one) for one in carried])


async def _take_back(tx: Tx, row: Row[Any], found: list[Reversed]) -> None:
    fresh = [one for one in found if await _book(tx, row, one)]
    if not fresh:
        return
    gone = row.reversed_cents + sum(one.cents for one in fresh)
    is_all = gone == row.amount_cents and PayoutStatus(row.status) in LEFT_US
    await move_payout(tx, row, PayoutStatus.REVERSED if is_all else None, reversed_cents=gone)
    for one in fresh:
        if one.refund is None:
            await raise_alarm(tx, NOT_OURS, one.id, {"payoutId": str(row.id), "amountCents": one.cents})


async def _book(tx: Tx, row: Row[Any], one: Reversed) -> bool:
    """Book a reversal; False where it is booked already. One by hand is nobody's debt: the business has it back."""
    against = Account.LOSSES if one.refund is None else Account.RECEIVABLE
    entry = Entry(
        EntryKind.REVERSAL,
        f"reversal:{one.id}",
        row.currency,
        (Posting(Account.CASH, one.cents), Posting(against, -one.cents)),
        job=row.job_id,
        payment=row.payment_id,
        payout=row.id,
        provider_id=one.balance_transaction,
    )
    return await book(tx, entry)


def _read(reversal: Mapping[str, Any]) -> Reversed:
    said = (reversal.get("metadata") or {}).get("refund_id")
    return Reversed(
        str(reversal["id"]),
        int(reversal["amount"]),
        id_of(reversal.get("balance_transaction")),
        None if said is None else UUID(said),
    )
