"""Tips that come to nobody: what of one is in the books, and in no payout, goes back before anything else (A34).

A tip that was let go and taken all the same makes no payouts, nor does one that nobody took part for. Given back, or
taken by the customer's bank, it is no loss: it never was the reserve's or the business's own.
"""

from typing import Any

from sqlalchemy import Row, func, select

from db.tx import Tx
from domain.payments.ledger import Account
from domain.payments.payouts import PayoutKind
from models import ledger_entry, payout
from services.payments.ledger import posted


async def unshared_tip(tx: Tx, paid: Row[Any]) -> int:
    """What of a locked payment stands on TIPS and is no cleaner's, in cents.

    What is in a payout is its cleaner's, whether it has gone or waits: that a customer gets money back takes nothing
    from it (A13, A35).
    """
    if not paid.tip_cents:
        return 0
    about = (ledger_entry.c.payment_id == paid.id, ledger_entry.c.payout_id.is_(None))
    shares = select(func.coalesce(func.sum(payout.c.tip_cents), 0)).where(
        tx.own(payout), payout.c.payment_id == paid.id, payout.c.kind == PayoutKind.TIP
    )
    async with tx.as_system(wholly=True):
        shared = int(await tx.scalar(shares))
    return max(0, -await posted(tx, Account.TIPS, *about) - shared)
