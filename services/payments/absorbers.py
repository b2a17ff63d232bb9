"""What a thing of the provider's means for our rows, by its kind: the table by which webhooks are worked off (R179).

An absorber is given the thing as the provider has it now, which is maybe not as it was when the notice was sent. It
finds its own rows by the provider's ids, leaves things alone that are not of this business, and moves only forward:
again, late or in any order changes nothing. What is read of a connected account carries its id as `account`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import select

from db.tx import Tx
from models import payout_account
from services.onboarding.payouts import REFRESH_TASK
from services.payments.disputes import absorb_dispute
from services.payments.refunding import absorb_told_refund
from services.payments.told import told_charge, told_intent, told_method, told_setup
from services.payouts.bank import absorb_bank_payout
from services.payouts.recording import absorb_told_transfer

Absorber = Callable[[Tx, Mapping[str, Any]], Awaitable[None]]


async def look_at_account(tx: Tx, thing: Mapping[str, Any]) -> None:
    """Something is new about a cleaner's account: have it read as a whole (R136)."""
    found = select(payout_account.c.id).where(tx.own(payout_account), payout_account.c.account_id == thing["id"])
    row = await tx.one(found)
    if row is not None:
        tx.later(REFRESH_TASK, {"account": str(row.id)})


ABSORBERS: dict[str, Absorber] = {
    "payment_intent": told_intent,
    "charge": told_charge,
    "setup_intent": told_setup,
    "payment_method": told_method,
    "account": look_at_account,
    "payout": absorb_bank_payout,
    "transfer": absorb_told_transfer,
    "refund": absorb_told_refund,
    "dispute": absorb_dispute,
}
"""By the provider's name of the kind, as `payment_intent`."""
