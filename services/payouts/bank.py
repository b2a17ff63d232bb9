"""From accounts with the provider to banks: where cleaners' pay is on its last way, and the business's own (A14).

A bank payout of a cleaner's account carries many transfers; which ones only the account itself says. So it is read,
outside of any transaction, and what was read is recorded here, forward only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.payouts import LEFT_US, PAYOUT_TRANSITIONS, PayoutStatus
from models import payout, payout_account
from services.payments.accounts import ProviderKeys, own_keys
from services.payments.ledger import Entry, book
from services.payouts.state import id_of, lock_payout, move_payout

FOLLOW_TASK = "follow_bank_payout"
LISTEN_TASK = "listen_to_account"
STATES: Mapping[str, PayoutStatus] = {
    "pending": PayoutStatus.IN_TRANSIT,
    "in_transit": PayoutStatus.IN_TRANSIT,
    "paid": PayoutStatus.PAID_OUT,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.FAILED,
}
"""What a bank payout's state means for the pay that is in it."""
SENT_BACK = frozenset({PayoutStatus.FAILED})


@dataclass(frozen=True, slots=True)
class BankPayoutAsked:
    """A bank payout of a connected account that is to be read."""


@dataclass(frozen=True, slots=True)
class PaidSince:
    """Accounts of cleaners that pay went to since then, and what they have to tell since then."""

    since: datetime


@dataclass(frozen=True, slots=True)
class RecordBankPayout:
    """A bank payout of a cleaner's account, and the transfers that it carries."""

    id: str
    status: str
    transfers: tuple[str, ...]


@command(Role.SYSTEM, secret=True)
async def keys_to_follow(tx: Tx, input: BankPayoutAsked) -> ProviderKeys | None:
    """With whose keys a connected account is read; None where there are none any more."""
    return await own_keys(tx)


@command(Role.SYSTEM)
async def listen_to_banks(tx: Tx, input: PaidSince) -> int:
    """Have each account asked what it has to tell that pay went to, or is on its way; how many they are.

    Only the account itself lists what its bank did. Each is a task of its own: there may be hundreds.
    """
    on_its_way = payout.c.status.in_([PayoutStatus.RELEASED, PayoutStatus.IN_TRANSIT])
    lately = and_(payout.c.status.in_(LEFT_US), payout.c.released_at >= input.since)
    asked = select(payout.c.account_id).where(tx.own(payout), payout.c.account_id.is_not(None), or_(on_its_way, lately))
    rows = await tx.all(asked.distinct().order_by(payout.c.account_id))
    for row in rows:
        payload = {"account": row.account_id, "since": input.since.isoformat()}
        tx.later(LISTEN_TASK, payload, dedupe_key=f"listen:{row.account_id}:{input.since.isoformat()}")
    return len(rows)


@command(Role.SYSTEM)
async def record_bank_payout(tx: Tx, input: RecordBankPayout) -> int:
    """Move the pay that a bank payout carries, as far as it goes forward; how many rows are different.

    One that failed is in another bank payout later, which moves it on again; what an older one says by then is history.
    """
    status = STATES.get(input.status)
    if status is None or not input.transfers:
        return 0
    mine = select(payout.c.id).where(tx.own(payout), payout.c.transfer_id.in_(input.transfers)).order_by(payout.c.id)
    moved = 0
    for found in await tx.all(mine):
        moved += await _move(tx, found.id, input.id, status)
    return moved


async def absorb_bank_payout(tx: Tx, thing: Mapping[str, Any]) -> None:
    """A bank payout that a webhook or the reconciliation shows: a cleaner's is followed, the business's own booked."""
    account = thing.get("account")
    if account is None:
        await _book_own(tx, thing)
        return
    async with tx.as_system(wholly=True):
        known = await tx.one(
            select(payout_account.c.id).where(tx.own(payout_account), payout_account.c.account_id == account)
        )
    if known is not None:
        payload = {"payout": str(thing["id"]), "account": str(account)}
        tx.later(FOLLOW_TASK, payload, dedupe_key=f"follow:{thing['id']}:{thing['status']}")


async def _move(tx: Tx, id: UUID, bank_payout: str, status: PayoutStatus) -> int:
    row = await lock_payout(tx, id)
    before = PayoutStatus(row.status)
    if before not in LEFT_US or before is status or status not in PAYOUT_TRANSITIONS[before]:
        return 0
    if row.bank_payout_id not in {None, bank_payout} and before not in SENT_BACK:
        return 0
    if before is PayoutStatus.FAILED and row.bank_payout_id == bank_payout:
        # An older word of the one that has failed already.
        return 0
    await move_payout(tx, row, status, bank_payout_id=bank_payout)
    return 1


async def _book_own(tx: Tx, thing: Mapping[str, Any]) -> None:
    """The business's money goes to its own bank; what the bank sends back is booked back."""
    id, cents = str(thing["id"]), int(thing["amount"])
    there = (Posting(Account.BANK, cents), Posting(Account.CASH, -cents))
    await _book(tx, f"payout:{id}", thing, there, thing.get("balance_transaction"))
    if thing.get("failure_balance_transaction"):
        back = (Posting(Account.CASH, cents), Posting(Account.BANK, -cents))
        await _book(tx, f"payout-failed:{id}", thing, back, thing["failure_balance_transaction"])


async def _book(tx: Tx, source: str, thing: Mapping[str, Any], postings: tuple[Posting, ...], balance: Any) -> None:
    entry = Entry(EntryKind.BANK_PAYOUT, source, str(thing["currency"]), postings, provider_id=id_of(balance))
    await book(tx, entry)
