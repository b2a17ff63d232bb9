"""Payouts on their way: each is looked at when it is due, and paid or held with its reason (R165 to R176, A3, A15).

Looking at one changes nothing where nothing has changed. What holds a payout may pass by itself: once the cause is gone
it becomes pending by an act of its own, which is in the audit log, and is paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.ids import PayoutId
from domain.onboarding import PayoutAccountStatus
from domain.payments import asks
from domain.payments.ops import STANDING_OPS, OpKind
from domain.payments.payouts import (
    HOLD_WORDS,
    LEFT_US,
    HoldReason,
    PayoutFacts,
    PayoutKind,
    PayoutsMode,
    PayoutStatus,
    due_at,
    reason_to_hold,
)
from domain.payments.reserve import reserve_of
from domain.policy import PaymentsPolicy
from domain.scheduling import PaymentStatus
from models import job, market, money_op, payment, payout, payout_account
from services.payments.accounts import has_provider
from services.payments.alarms import raise_alarm
from services.payments.ops import Step, marks, plan_op, standing_op
from services.payouts.carrying import small_ones, take_up
from services.payouts.notices import tell_held
from services.payouts.rows import release_later
from services.payouts.state import FREE, lock_payout, move_payout
from services.policies import tenant_policy

NO_PROVIDER = "payouts_without_provider"
"""An alarm: cleaners are to be paid by transfers, and no payment provider is connected."""
UNTIL_A_NEW_ACCOUNT = frozenset({HoldReason.ACCOUNT_INVALID, HoldReason.ACCOUNT_CLOSED})
"""Holds that pass by themselves only when the cleaner has another account."""
BY_DECISION = frozenset({HoldReason.DISPUTED, HoldReason.NOT_COVERED, HoldReason.BY_OFFICE, HoldReason.BELOW_MINIMUM})
"""What an administrator may set aside, with a reason; an account that cannot be paid nobody can."""


@dataclass(frozen=True, slots=True)
class LookAtPayout:
    """A payout that is due, or whose hold may have lost its cause."""

    payout: PayoutId


@dataclass(frozen=True, slots=True)
class Purse:
    """Out of what a payout would be paid, and to where."""

    facts: PayoutFacts
    account_id: str | None
    charge: str | None
    """The charge that it is paid out of; None where it has not enough left, or there is none."""
    left_cents: int
    """What is left of that charge."""


@command(Role.SYSTEM)
async def look_at_payout(tx: Tx, input: LookAtPayout) -> PayoutId:
    """Pay a payout that is due, or hold it with the reason; free one whose hold has lost its cause."""
    await look_at(tx, await lock_payout(tx, input.payout))
    return input.payout


async def look_at(tx: Tx, row: Row[Any]) -> Row[Any]:
    """The same, of a row that is locked after its job; its new row."""
    if not is_waiting(row, tx.now) or await standing_op(tx, OpKind.TRANSFER, row.id) is not None:
        return row
    policy = (await tenant_policy(tx)).payments
    purse = await _purse(tx, row, policy)
    if row.status == PayoutStatus.HELD and not _may_heal(row, purse):
        return row
    others = await small_ones(tx, row)
    reason = _reason(row, purse, policy, sum(other.amount_cents for other in others))
    if reason is not None:
        return await hold(tx, row, reason)
    if row.status == PayoutStatus.HELD:
        row = await move_payout(tx, row, PayoutStatus.PENDING, due_at=tx.now, **FREE)
    if policy.payouts_mode is PayoutsMode.PAYROLL:
        return row
    return await _pay(tx, row, purse, (policy, others))


def is_waiting(row: Row[Any], now: datetime) -> bool:
    """Whether a payout is to be looked at: held, or pending and due."""
    return bool(row.status == PayoutStatus.HELD or (row.status == PayoutStatus.PENDING and row.due_at <= now))


async def hold(tx: Tx, row: Row[Any], reason: HoldReason, note: str | None = None) -> Row[Any]:
    """Hold a payout and tell its cleaner and the administrators what to do (R165 to R167, R190); again is nothing."""
    if row.status == PayoutStatus.HELD and row.hold_reason == reason and row.hold_note == note:
        return row
    held = await move_payout(tx, row, PayoutStatus.HELD, hold_reason=reason.value, hold_note=note)
    tell_held(tx, held)
    return held


async def reason_now(tx: Tx, row: Row[Any]) -> HoldReason | None:
    """Why a payout cannot go now, whatever it is held for at present."""
    policy = (await tenant_policy(tx)).payments
    others = await small_ones(tx, row)
    return _reason(row, await _purse(tx, row, policy), policy, sum(other.amount_cents for other in others))


def _reason(row: Row[Any], purse: Purse, policy: PaymentsPolicy, others_cents: int) -> HoldReason | None:
    """Why it cannot go. Together with the cleaner's other small ones it may be enough (R167)."""
    if policy.payouts_mode is PayoutsMode.PAYROLL:
        # By payroll there is no account to wait for, and no amount too small.
        return HoldReason.DISPUTED if purse.facts.disputed and row.decided_by is None else None
    reason = reason_to_hold(purse.facts, max(1, policy.minimum_payout_cents))
    if reason is HoldReason.BELOW_MINIMUM:
        together = row.amount_cents + others_cents
        fits = purse.charge is not None and together <= purse.left_cents
        if others_cents and fits and together >= policy.minimum_payout_cents:
            return None if purse.facts.covered else HoldReason.NOT_COVERED
    if row.decided_by is not None and reason in BY_DECISION and row.amount_cents > 0:
        return None
    return reason


def _may_heal(row: Row[Any], purse: Purse) -> bool:
    reason = HoldReason(row.hold_reason)
    if reason in UNTIL_A_NEW_ACCOUNT:
        return bool(purse.account_id != row.account_id)
    return HOLD_WORDS[reason].heals_itself


async def _pay(tx: Tx, row: Row[Any], purse: Purse, along: tuple[PaymentsPolicy, Sequence[Row[Any]]]) -> Row[Any]:
    """Plan the transfer of a payout that nothing stands in the way of, with the small ones that fit into its charge."""
    policy, others = along
    if (later := await _not_before(tx, row, policy)) is not None:
        release_later(tx, PayoutId(row.id), at=later, occasion=f":{later.isoformat()}")
        return await move_payout(tx, row, due_at=later)
    if not await has_provider(tx):
        await raise_alarm(tx, NO_PROVIDER, str(row.id), {"payoutId": str(row.id), "jobId": str(row.job_id)})
        return row
    together = row.amount_cents + sum(other.amount_cents for other in others)
    if purse.charge is not None and together <= purse.left_cents:
        row = await take_up(tx, row, others)
    row = await move_payout(tx, row, account_id=purse.account_id, failure=None)
    op = new_id()
    ours = {"payout_id": row.id, "job_id": row.job_id, "cleaner_id": row.cleaner_id}
    ask = asks.create_transfer(
        amount_cents=row.amount_cents,
        currency=row.currency,
        destination=str(purse.account_id),
        charge=purse.charge,
        group=str(row.job_id),
        metadata=marks(tx, op, **ours),
    )
    await plan_op(tx, Step(OpKind.TRANSFER, row.id, ask, op, job=row.job_id))
    return row


async def _not_before(tx: Tx, row: Row[Any], policy: PaymentsPolicy) -> Any:
    """When the business pays next, where it does so in business hours only (R174, A3); None for now."""
    if not policy.business_hours_only:
        return None
    where = select(market.c.zone).join(job, (job.c.tenant_id == market.c.tenant_id) & (job.c.market_id == market.c.id))
    zone = await tx.scalar(where.where(tx.own(job), job.c.id == row.job_id))
    then = due_at(tx.now, timedelta(0), zone, business_hours_only=True)
    return then if then > tx.now else None


async def _purse(tx: Tx, row: Row[Any], policy: PaymentsPolicy) -> Purse:
    async with tx.as_system(wholly=True):
        paid = await tx.get(payment, row.payment_id)
        account = await tx.one(
            select(payout_account).where(tx.own(payout_account), payout_account.c.cleaner_id == row.cleaner_id)
        )
        left = paid.captured_cents - await _gone(tx, row)
        within = await _within_margin(tx, row, paid, policy)
    has_enough = paid.charge_id is not None and row.amount_cents <= left
    return Purse(
        PayoutFacts(
            amount_cents=row.amount_cents,
            account=_status_of(account),
            disputed=paid.status == PaymentStatus.DISPUTED,
            covered=row.decided_by is not None or (has_enough and within),
        ),
        None if account is None else account.account_id,
        paid.charge_id if has_enough else None,
        left,
    )


def _status_of(account: Row[Any] | None) -> PayoutAccountStatus | None:
    """How an account stands; one that the provider has not made yet is only asked for, whatever else is said of it."""
    if account is None:
        return None
    return PayoutAccountStatus.REQUESTED if account.account_id is None else PayoutAccountStatus(account.status)


async def _gone(tx: Tx, row: Row[Any]) -> int:
    """What other payouts have taken, or are about to take, out of the same charge; cents."""
    on_its_way = select(money_op.c.subject_id).where(
        tx.own(money_op), money_op.c.kind == OpKind.TRANSFER, money_op.c.state.in_(STANDING_OPS)
    )
    taken = func.coalesce(func.sum(payout.c.amount_cents - payout.c.reversed_cents), 0)
    others = (
        tx.own(payout),
        payout.c.payment_id == row.payment_id,
        payout.c.id != row.id,
        payout.c.status.in_(LEFT_US) | payout.c.id.in_(on_its_way.where(money_op.c.job_id == row.job_id)),
    )
    return int(await tx.scalar(select(taken).where(*others)))


async def _within_margin(tx: Tx, row: Row[Any], paid: Row[Any], policy: PaymentsPolicy) -> bool:
    """Whether price less reserve still covers this one, after those that were made before it (A12)."""
    if row.kind == PayoutKind.TIP:
        return True
    own = payout.c.base_cents + payout.c.urgent_cents + payout.c.laundry_cents
    before = (tx.own(payout), payout.c.payment_id == row.payment_id, payout.c.id <= row.id)
    earned = int(await tx.scalar(select(func.coalesce(func.sum(own), 0)).where(*before)))
    service = paid.captured_cents - paid.tip_cents
    return bool(earned + reserve_of(service, policy.reserve_hundredths) <= service)


async def consider_cleaner(tx: Tx, cleaner_id: UUID) -> None:
    """Have every payout of a cleaner looked at that waits: something about their account has changed."""
    waiting = (PayoutStatus.PENDING, PayoutStatus.HELD)
    async with tx.as_system(wholly=True):
        rows = await tx.all(
            select(payout.c.id).where(tx.own(payout), payout.c.cleaner_id == cleaner_id, payout.c.status.in_(waiting))
        )
    for row in rows:
        release_later(tx, PayoutId(row.id), occasion=f":account:{tx.now.isoformat()}")
