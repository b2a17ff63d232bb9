"""A business leaves its account with the provider: when it may, and what stands in the way of it (A41).

While the account answers, everything that is under way has to end first. A key that is dead for good can end nothing:
then only money that may have moved, or that a card still holds, is waited for, and the rest is given up.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, TenantId
from domain.errors import Conflict
from domain.payments.states import PaymentKind
from domain.scheduling import PaymentStatus
from models import money_op, payment, provider_account
from services.payments.accounts import hold_account
from services.payments.giving_up import can_be_given_up, give_up, is_open

HELD = (PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING)
FIRST_ANSWERS = "Money is held or on its way: release or capture it first."
MOST = 20
"""How many of the steps that stand in the way are named."""


@dataclass(frozen=True, slots=True)
class DisconnectProvider:
    """A business that takes no payments here any more."""


@command(*ADMINS, when_unpaid=True)
async def disconnect_provider(tx: Tx, input: DisconnectProvider) -> TenantId:
    """Take the business's keys away: it takes no payments here any more. What was paid stays as it is.

    Refused with CONFLICT while money is held on a card or a step at the provider is under way: nobody could end it.
    Where the provider does not know the keys any more (`problem`), only what may have moved money is waited for, and
    holds until they lapse; `details` names them. All else is given up: refunds fail, payments are let go, payouts wait.
    """
    account = await hold_account(tx)
    async with tx.as_system(wholly=True):
        is_dead = account.is_held_back and account.problem is not None
        await (_ensure_no_money(tx) if is_dead else _ensure_all_ended(tx))
        await tx.write(delete(provider_account).where(tx.own(provider_account)))
        if is_dead:
            await give_up(tx)
            await _ensure_no_money(tx)
    tx.audit("Tenant", tx.actor.tenant, detail={"accountId": account.account_id, "gaveUp": is_dead})
    return tx.actor.tenant


async def _ensure_all_ended(tx: Tx) -> None:
    """The account answers: whoever leaves it ends first what is under way there."""
    step = await tx.one(select(money_op.c.id).where(is_open(tx)).limit(1))
    hold = await tx.one(select(payment.c.id).where(tx.own(payment), payment.c.status.in_(HELD)).limit(1))
    if step is not None or hold is not None:
        raise Conflict(FIRST_ANSWERS)


async def _ensure_no_money(tx: Tx) -> None:
    """Nobody can end anything: what may have moved money has to be found out, and a hold lapses by itself."""
    words: list[str] = []
    details: dict[str, Any] = {}
    steps = await tx.all(
        select(money_op.c.id, money_op.c.kind, money_op.c.state)
        .where(is_open(tx), ~can_be_given_up())
        .order_by(money_op.c.id)
        .limit(MOST)
    )
    if steps:
        kinds = ", ".join(sorted({row.kind for row in steps}))
        words.append(f"Money may have moved, and nobody knows ({kinds}): a key that opens the account finds out.")
        details["steps"] = [{"id": str(row.id), "kind": row.kind, "state": row.state} for row in steps]
    until = await _waits_until(tx)
    if until is not None:
        words.append(f"A card holds money, or may be charged, until {until:%Y-%m-%d %H:%M} UTC: it can be left then.")
        details["until"] = until.isoformat()
    if words:
        raise Conflict(" ".join(words), details=details)


async def _waits_until(tx: Tx) -> datetime | None:
    """Until when a card holds money, or its customer may still have it charged at once on their bank's page."""
    holds = and_(payment.c.status.in_(HELD), payment.c.capture_before > tx.now)
    awaits = and_(
        payment.c.status == PaymentStatus.REQUIRES_ACTION,
        payment.c.kind != PaymentKind.HOLD,
        payment.c.action_until > tx.now,
    )
    last = func.max(case((holds, payment.c.capture_before), else_=payment.c.action_until))
    until: datetime | None = await tx.scalar(select(last).where(tx.own(payment), or_(holds, awaits)))
    return until
