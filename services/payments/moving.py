"""A business comes with another account with the provider: whom the last one knew, this one does not know (A41).

Customers are made known anew when something is asked of them, cards are given anew, and cleaners open another account.
What was paid stays in the account where it was paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.onboarding import PayoutAccountStatus
from domain.payments.states import MethodStatus
from models import customer, payment_method, payout_account

SOME = 5
"""So many of the customers are looked for; one that is there shows that it is the same account."""
GIVE_ANEW = "The business takes cards with another account now; please give your card again."


@dataclass(frozen=True, slots=True)
class FindKnown:
    """Customers by whom an account is recognized."""


@command(Role.SYSTEM)
async def find_known(tx: Tx, input: FindKnown) -> Sequence[str]:
    """The provider's ids of the customers who were the last to come, a few of them."""
    known = select(customer.c.provider_id).where(tx.own(customer), customer.c.provider_id.is_not(None))
    return [row.provider_id for row in await tx.all(known.order_by(customer.c.id.desc()).limit(SOME))]


async def forget_known(tx: Tx) -> None:
    """Forget whom another account knew: customers, their cards, and the accounts of cleaners; three statements."""
    async with tx.as_system(wholly=True):
        known = (tx.own(customer), customer.c.provider_id.is_not(None))
        await tx.write(update(customer).where(*known).values(provider_id=None))
        await tx.write(
            update(payment_method)
            .where(tx.own(payment_method), payment_method.c.status.in_([MethodStatus.ACTIVE, MethodStatus.PENDING]))
            .values(
                status=MethodStatus.FAILED.value,
                is_default=False,
                action_url=None,
                failure=GIVE_ANEW,
                version=payment_method.c.version + 1,
            )
        )
        await tx.write(
            update(payout_account)
            .where(tx.own(payout_account), payout_account.c.account_id.is_not(None))
            .values(
                status=PayoutAccountStatus.REQUESTED.value,
                account_id=None,
                requirements=[],
                link=None,
                link_expires_at=None,
                version=payout_account.c.version + 1,
            )
        )
