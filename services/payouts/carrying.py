"""What is too small to be paid is not lost: it goes along with another payout of its cleaner (R167).

Shown as held until then. As soon as all that a cleaner is owed reaches the smallest amount, the payout that is looked
at takes the others up: they become parts of it, and one transfer pays them all.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from db.tx import Tx
from domain.payments.ledger import Account, Posting
from domain.payments.payouts import HoldReason, PayoutKind, PayoutStatus
from models import payout
from services.payouts.state import FREE, move_payout


async def small_ones(tx: Tx, row: Row[Any]) -> Sequence[Row[Any]]:
    """The other payouts of the cleaner that are held as too small, locked by their ids."""
    async with tx.as_system(wholly=True):
        return await tx.all(
            select(payout)
            .where(
                tx.own(payout),
                payout.c.cleaner_id == row.cleaner_id,
                payout.c.currency == row.currency,
                payout.c.id != row.id,
                payout.c.status == PayoutStatus.HELD,
                payout.c.hold_reason == HoldReason.BELOW_MINIMUM,
            )
            .order_by(payout.c.id)
            .with_for_update()
        )


async def take_up(tx: Tx, row: Row[Any], others: Sequence[Row[Any]]) -> Row[Any]:
    """Make the others parts of this payout; its new row."""
    if not others:
        return row
    for other in others:
        await move_payout(tx, other, PayoutStatus.CARRIED, carried_into=row.id, **FREE)
    more = sum(other.amount_cents for other in others)
    return await move_payout(tx, row, carried_cents=row.carried_cents + more, amount_cents=row.amount_cents + more)


async def owed_of(tx: Tx, row: Row[Any]) -> tuple[Posting, ...]:
    """From where a payout's amount is owed: what was earned, and tips, with all that it has taken up; debits."""
    tips = own_tip(row)
    level = [row.id]
    async with tx.as_system(wholly=True):
        while level:
            found = await tx.all(select(payout).where(tx.own(payout), payout.c.carried_into.in_(level)))
            tips += sum(own_tip(one) for one in found)
            level = [one.id for one in found]
    return Posting(Account.PAYABLE, row.amount_cents - tips), Posting(Account.TIPS, tips)


def own_tip(row: Row[Any]) -> int:
    """What of a payout's own parts customers gave as a tip."""
    return int(row.tip_cents) if row.kind == PayoutKind.TIP else 0
