"""The sweep that loses no payout: what is due, and what is held for a cause that may be gone (R174 to R176, A3).

Every 15 minutes, every day, for each market. It only finds them, with one statement; each is then looked at alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import MarketId, PayoutId
from domain.onboarding import PayoutAccountStatus
from domain.payments.ops import STANDING_OPS, OpKind
from domain.payments.outcomes import Fault
from domain.payments.payouts import HoldReason, PayoutsMode, PayoutStatus
from domain.policy import PaymentsPolicy
from models import job, money_op, payout, payout_account, provider_account
from services.payments.accounts import has_provider
from services.payments.alarms import clear_alarms
from services.payouts.release import NO_PROVIDER
from services.payouts.rows import release_later
from services.policies import tenant_policy

PAGE = 500
FIRST = UUID(int=0)
BY_ACCOUNT = (HoldReason.NO_ACCOUNT, HoldReason.ONBOARDING_INCOMPLETE, HoldReason.ACCOUNT_RESTRICTED)
ANOTHER_ACCOUNT = (HoldReason.ACCOUNT_INVALID, HoldReason.ACCOUNT_CLOSED)


@dataclass(frozen=True, slots=True)
class SweepPayouts:
    """A market whose payouts are looked over."""

    market: MarketId
    after: UUID = FIRST


@command(Role.SYSTEM)
async def sweep_payouts(tx: Tx, input: SweepPayouts) -> UUID | None:
    """Have every payout looked at that may go now; where to go on if there are more."""
    policy = (await tenant_policy(tx)).payments
    if policy.payouts_mode is PayoutsMode.PAYROLL or await has_provider(tx):
        await clear_alarms(tx, NO_PROVIDER)
    found = await _found(tx, input, policy)
    for row in found:
        release_later(tx, PayoutId(row.id), occasion=f":{tx.now.isoformat(timespec='minutes')}")
    return found[-1].id if len(found) == PAGE else None


async def _found(tx: Tx, input: SweepPayouts, policy: PaymentsPolicy) -> Sequence[Any]:
    """Due and not on their way, or held for something that has passed."""
    is_payroll = policy.payouts_mode is PayoutsMode.PAYROLL
    due = and_(payout.c.status == PayoutStatus.PENDING, payout.c.due_at <= tx.now, ~is_under_way(tx), ~_is_stopped(tx))
    healed = _by_payroll() if is_payroll else or_(_account_is_ready(tx), _is_enough(tx, policy))
    waits = and_(payout.c.status == PayoutStatus.HELD, healed)
    return await tx.all(
        select(payout.c.id)
        .join(job, and_(job.c.tenant_id == payout.c.tenant_id, job.c.id == payout.c.job_id))
        .where(
            tx.own(payout),
            payout.c.id > input.after,
            job.c.market_id == input.market,
            payout.c.status.in_((PayoutStatus.PENDING, PayoutStatus.HELD)),
            waits if is_payroll else or_(due, waits),
        )
        .order_by(payout.c.id)
        .limit(PAGE)
    )


def is_under_way(tx: Tx) -> ColumnElement[bool]:
    """Of a payout whose transfer is asked for, or done."""
    return exists().where(
        tx.own(money_op),
        money_op.c.kind == OpKind.TRANSFER,
        money_op.c.subject_id == payout.c.id,
        money_op.c.state.in_(STANDING_OPS),
    )


def _is_stopped(tx: Tx) -> ColumnElement[bool]:
    """Its transfer failed for a fault of ours: the same again would fail again, until the keys are other ones."""
    of_ours = payout.c.failure["fault"].astext.in_((Fault.OURS, Fault.STATE, Fault.DECLINED))
    connected = select(provider_account.c.connected_at).where(tx.own(provider_account)).scalar_subquery()
    return func.coalesce(and_(of_ours, payout.c.updated_at >= connected), False)


def _by_payroll() -> ColumnElement[bool]:
    """Whoever pays by payroll waits for no account, and carries nothing over."""
    return payout.c.hold_reason.in_((*BY_ACCOUNT, *ANOTHER_ACCOUNT, HoldReason.BELOW_MINIMUM))


def _account_is_ready(tx: Tx) -> ColumnElement[bool]:
    other = and_(
        payout.c.hold_reason.in_(ANOTHER_ACCOUNT), payout_account.c.account_id.is_distinct_from(payout.c.account_id)
    )
    return exists().where(
        tx.own(payout_account),
        payout_account.c.cleaner_id == payout.c.cleaner_id,
        payout_account.c.status == PayoutAccountStatus.READY,
        or_(payout.c.hold_reason.in_(BY_ACCOUNT), other),
    )


def _is_enough(tx: Tx, policy: PaymentsPolicy) -> ColumnElement[bool]:
    """All small ones of a cleaner together have become enough; the newest of them takes up the others (R167)."""
    small = payout.alias("small")
    is_small = and_(
        small.c.tenant_id == payout.c.tenant_id,
        small.c.cleaner_id == payout.c.cleaner_id,
        small.c.currency == payout.c.currency,
        small.c.status == PayoutStatus.HELD,
        small.c.hold_reason == HoldReason.BELOW_MINIMUM,
    )
    together = select(func.sum(small.c.amount_cents)).where(is_small).scalar_subquery()
    newest = select(small.c.id).where(is_small).order_by(small.c.id.desc()).limit(1).scalar_subquery()
    least = max(1, policy.minimum_payout_cents)
    return and_(
        payout.c.hold_reason == HoldReason.BELOW_MINIMUM,
        or_(payout.c.amount_cents >= least, and_(together >= least, payout.c.id == newest)),
    )
