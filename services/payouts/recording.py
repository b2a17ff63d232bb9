"""What the provider says of a transfer to a cleaner, written down once, whoever brings the news (R168 to R173, A15).

A transfer that is there makes its payout released and is booked. One that was refused holds the payout where the
cleaner's account is the cause, is tried anew where the moment was, and calls somebody where the fault is ours: then
nobody is held for it (R170).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.tx import Tx
from domain.ids import PayoutId
from domain.onboarding import PayoutAccountStatus
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.payouts import HoldReason, PayoutStatus
from models import payout, payout_account
from services.onboarding.payouts import refresh_later
from services.payments.alarms import TRANSFER_REFUSED, raise_alarm
from services.payments.ledger import Entry, book
from services.payments.recording import Recording, finish_standing
from services.payouts.carrying import owed_of
from services.payouts.notices import tell_paid
from services.payouts.release import hold
from services.payouts.reversals import book_reversals
from services.payouts.rows import release_later
from services.payouts.state import FREE, id_of, lock_payout, move_payout, payout_of_transfer

TRY_AGAIN = timedelta(hours=1)
"""After a transfer that could not be made for the moment."""
STRANGE_TRANSFER = "transfer_of_nobody"
"""An alarm: a transfer at the provider that belongs to no payout of ours."""
_REASONS = {
    "account_closed": HoldReason.ACCOUNT_CLOSED,
    "account_invalid": HoldReason.ACCOUNT_INVALID,
    "no_account": HoldReason.ACCOUNT_INVALID,
    "resource_missing": HoldReason.ACCOUNT_INVALID,
}


async def absorb_transfer(tx: Tx, subject: UUID, transfer: Mapping[str, Any]) -> None:
    """The cleaner is paid: the payout is released and booked, with whatever of it was taken back since (R169)."""
    row = await lock_payout(tx, subject)
    if row.transfer_id is None:
        row = await _released(tx, row, transfer)
    await book_reversals(tx, row, transfer)


async def refuse_transfer(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """It was not done: hold, wait, or call somebody (R170, R172, A15)."""
    row = await lock_payout(tx, subject)
    if row.status not in {PayoutStatus.PENDING, PayoutStatus.HELD}:
        return
    failure = {"code": refusal.code, "message": refusal.message, "fault": fault.value}
    if fault is Fault.HELD:
        row = await move_payout(tx, row, failure=failure)
        await hold(tx, row, _REASONS.get(refusal.code or "", HoldReason.ACCOUNT_RESTRICTED))
        await _doubt_account(tx, row)
    elif fault is Fault.RETRY:
        then = tx.now + TRY_AGAIN
        await move_payout(tx, row, due_at=then, failure=failure)
        release_later(tx, PayoutId(row.id), at=then, occasion=f":{then.isoformat()}")
    else:
        # The failure keeps the sweep from asking the same again every quarter of an hour.
        await move_payout(tx, row, failure=failure)
        detail = {"payoutId": str(row.id), "jobId": str(row.job_id), **failure}
        await raise_alarm(tx, TRANSFER_REFUSED, str(row.id), detail)


TRANSFERS = Recording(absorb_transfer, refuse_transfer)


async def absorb_told_transfer(tx: Tx, transfer: Mapping[str, Any]) -> None:
    """A transfer that a webhook or the reconciliation shows, whoever made it."""
    mine = await payout_of_transfer(tx, str(transfer["id"])) or await _marked(tx, transfer)
    if mine is None:
        detail = {"amountCents": transfer["amount"], "destination": str(transfer["destination"])}
        await raise_alarm(tx, STRANGE_TRANSFER, str(transfer["id"]), detail)
        return
    await absorb_transfer(tx, mine, transfer)
    await finish_standing(tx, OpKind.TRANSFER, mine, str(transfer["id"]))


async def _marked(tx: Tx, transfer: Mapping[str, Any]) -> UUID | None:
    """Which payout of ours the transfer says that it is for."""
    try:
        said = UUID((transfer.get("metadata") or {}).get("payout_id", ""))
    except ValueError:
        return None
    async with tx.as_system(wholly=True):
        row = await tx.one(select(payout.c.id, payout.c.transfer_id).where(tx.own(payout), payout.c.id == said))
    # Another transfer than the one that paid it is not its own.
    return None if row is None or row.transfer_id not in {None, transfer["id"]} else said


async def _released(tx: Tx, row: Row[Any], transfer: Mapping[str, Any]) -> Row[Any]:
    if row.status == PayoutStatus.HELD:
        # It was held while it was on its way: it has gone all the same.
        row = await move_payout(tx, row, PayoutStatus.PENDING, **FREE)
    owed = await owed_of(tx, row)
    row = await move_payout(
        tx,
        row,
        PayoutStatus.RELEASED,
        transfer_id=str(transfer["id"]),
        account_id=str(transfer["destination"]),
        released_at=tx.now,
        failure=None,
    )
    entry = Entry(
        EntryKind.TRANSFER,
        f"transfer:{transfer['id']}",
        row.currency,
        (*owed, Posting(Account.CASH, -row.amount_cents)),
        job=row.job_id,
        payment=row.payment_id,
        payout=row.id,
        provider_id=id_of(transfer.get("balance_transaction")),
    )
    await book(tx, entry)
    tell_paid(tx, row)
    return row


async def _doubt_account(tx: Tx, row: Row[Any]) -> None:
    """What we believe of the account is wrong: until it is read anew it counts as restricted."""
    async with tx.as_system(wholly=True):
        account = await tx.one(
            select(payout_account).where(tx.own(payout_account), payout_account.c.cleaner_id == row.cleaner_id)
        )
        if account is None:
            return
        if account.status == PayoutAccountStatus.READY:
            await tx.change(payout_account, account.id, status=PayoutAccountStatus.RESTRICTED.value)
    refresh_later(tx, account.id)
