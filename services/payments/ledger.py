"""The books: entries that balance, each source booked once, and what stands on an account (A13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert

from db.ids import new_id
from db.tx import Tx
from domain.payments.ledger import Account, EntryKind, Posting, balanced
from models import ledger_entry, ledger_posting

_BOOKS_LOCK = 5_301
"""Names the lock that keeps two from spending the same reserve; any number, the same everywhere."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be booked, and what it is about."""

    kind: EntryKind
    source: str
    """What it books, in words that nothing else has: `capture:ch_1`. Booked again, nothing changes."""
    currency: str
    postings: tuple[Posting, ...]
    job: UUID | None = None
    payment: UUID | None = None
    payout: UUID | None = None
    provider_id: str | None = None
    reason: str | None = None


async def book(tx: Tx, entry: Entry) -> bool:
    """Book an entry; False where its source is booked already, and nothing has changed."""
    return bool(await book_all(tx, [entry]))


async def book_all(tx: Tx, entries: Iterable[Entry]) -> list[str]:
    """Book many entries in two statements; the sources that were not booked before."""
    by_source = {entry.source: (entry, balanced(entry.postings)) for entry in entries}
    wanted = {source: pair for source, pair in by_source.items() if pair[1]}
    if not wanted:
        return []
    rows = [_row(tx, entry) for entry, _ in wanted.values()]
    async with tx.as_system(wholly=True):
        booking = insert(ledger_entry).values(rows).on_conflict_do_nothing(index_elements=["tenant_id", "source"])
        made = await tx.all(booking.returning(ledger_entry.c.id, ledger_entry.c.source))
        sides = [
            {"entry_id": row.id, "account": posting.account.value, "cents": posting.cents}
            for row in made
            for posting in wanted[row.source][1]
        ]
        await tx.insert_all(ledger_posting, sides)
    return [row.source for row in made]


async def balance_of(tx: Tx, account: Account, currency: str) -> int:
    """What stands on an account in cents, debit positive."""
    return await posted(tx, account, ledger_entry.c.currency == currency)


async def posted(tx: Tx, account: Account, *entries: ColumnElement[bool]) -> int:
    """What these entries have put on an account, in cents, debit positive."""
    mine = (ledger_entry.c.tenant_id == ledger_posting.c.tenant_id) & (ledger_entry.c.id == ledger_posting.c.entry_id)
    total = select(func.coalesce(func.sum(ledger_posting.c.cents), 0)).select_from(ledger_posting)
    told = total.join(ledger_entry, mine).where(tx.own(ledger_posting), ledger_posting.c.account == account, *entries)
    async with tx.as_system(wholly=True):
        return int(await tx.scalar(told))


async def reserve_left(tx: Tx, currency: str) -> int:
    """What the reserve has, in cents, held until the transaction ends: two who take of it wait for each other."""
    await tx.scalar(select(func.pg_advisory_xact_lock(_BOOKS_LOCK, func.hashtext(str(tx.actor.tenant)))))
    return -await balance_of(tx, Account.RESERVE, currency)


def _row(tx: Tx, entry: Entry) -> dict[str, object]:
    return {
        "tenant_id": tx.actor.tenant,
        "id": new_id(),
        "kind": entry.kind.value,
        "source": entry.source,
        "currency": entry.currency,
        "job_id": entry.job,
        "payment_id": entry.payment,
        "payout_id": entry.payout,
        "provider_id": entry.provider_id,
        "reason": entry.reason,
        "at": tx.now,
    }
