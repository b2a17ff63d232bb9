"""A business's plan with the platform: what the provider says of it, and whether the business can be changed (A42).

What is read of the provider is applied only if nobody has applied anything since the reading began (`seen`): of two
who bring news at the same time the later reading wins, so that a state never goes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.billing import PLANS, Standing, Told, next_status, told_of
from domain.events import Event, EventType
from domain.ids import SubscriptionId
from domain.payments.states import SubscriptionStatus
from models import tenant, tenant_subscription
from services.billing.second import end_second, look_after_ended, may_be_kept


@dataclass(frozen=True, slots=True)
class FindSubscription:
    """The business's plan, for whoever reads it at the provider."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How the plan stood before the provider was asked."""

    version: int
    subscription_id: str | None
    customer_id: str | None


@dataclass(frozen=True, slots=True)
class AbsorbSubscriptions:
    """Subscriptions as the provider has them now: the business's own first, if it has one, then another."""

    seen: int
    things: Sequence[Mapping[str, Any]]
    grace: timedelta


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A business whose plan may have come to an end by the clock alone."""

    grace: timedelta


@command(Role.SYSTEM)
async def find_subscription(tx: Tx, input: FindSubscription) -> Seen | None:
    """How the plan stands; None for a business that is on none."""
    row = await own_subscription(tx)
    return None if row is None else Seen(row.version, row.subscription_id, row.customer_id)


@command(Role.SYSTEM)
async def absorb_subscriptions(tx: Tx, input: AbsorbSubscriptions) -> bool:
    """Apply what was read; False where something was applied meanwhile, so that it has to be read again."""
    row = await own_subscription(tx, lock=True)
    if row is None:
        return True
    if row.version != input.seen:
        return False
    for thing in input.things:
        row = await _absorb(tx, row, told_of(thing))
    await judge_access(tx, row, input.grace)
    return True


@command(Role.SYSTEM)
async def check_plan(tx: Tx, input: CheckPlan) -> bool:
    """End a trial whose time is over, and let the access follow the clock; whether the provider is to be asked too."""
    row = await own_subscription(tx, lock=True)
    if row is None:
        return False
    is_over = row.trial_ends_at is not None and tx.now >= row.trial_ends_at
    if row.status == SubscriptionStatus.TRIALING and row.subscription_id is None and is_over:
        row = await change_subscription(
            tx, row, status=SubscriptionStatus.PAST_DUE.value, past_due_at=row.trial_ends_at
        )
    await judge_access(tx, row, input.grace)
    await look_after_ended(tx)
    # In a period that is paid the provider can have nothing to say that would be missed for long.
    is_covered = row.status == SubscriptionStatus.ACTIVE and row.paid_until is not None and tx.now < row.paid_until
    return row.customer_id is not None and not is_covered


async def own_subscription(tx: Tx, *, lock: bool = False) -> Row[Any] | None:
    """The business's plan; None where it is on none and has no limits."""
    found = select(tenant_subscription).where(tx.own(tenant_subscription))
    async with tx.as_system(wholly=True):
        return await tx.one(found.with_for_update() if lock else found)


async def change_subscription(tx: Tx, row: Row[Any], **values: Any) -> Row[Any]:
    """Change the plan's row, if it is any change, and tell; its new row."""
    if all(getattr(row, name) == value for name, value in values.items()):
        return row
    async with tx.as_system(wholly=True):
        changed = (
            update(tenant_subscription)
            .where(tx.own(tenant_subscription))
            .values(**values, version=tenant_subscription.c.version + 1)
        )
        now = await tx.one(changed.returning(tenant_subscription))
    assert now is not None  # noqa: S101 (the row is held)
    tell_subscription(tx, now)
    return now


def tell_subscription(tx: Tx, now: Row[Any]) -> None:
    """Event and audit line of a plan as it is now."""
    tx.audit("TenantSubscription", now.id, detail={"status": now.status, "plan": now.plan})
    card = {
        "id": str(now.id),
        "plan": now.plan,
        "status": now.status,
        "trial_ends_at": None if now.trial_ends_at is None else now.trial_ends_at.isoformat(),
        "paid_until": None if now.paid_until is None else now.paid_until.isoformat(),
        "has_page": now.checkout_url is not None,
        "version": now.version,
    }
    tx.emit(Event(EventType.SUBSCRIPTION_CHANGED, "TenantSubscription", now.id, card))


def standing_of(row: Row[Any]) -> Standing:
    """The row as the rules judge it."""
    status = SubscriptionStatus(row.status)
    return Standing(status, row.trial_ends_at, row.paid_until, row.past_due_at, row.canceled_at)


def is_live(row: Row[Any]) -> bool:
    """Whether a subscription of the business runs at the provider, as far as we know."""
    return row.subscription_id is not None and row.status != SubscriptionStatus.CANCELED


async def judge_access(tx: Tx, row: Row[Any], grace: timedelta) -> None:
    """Make the business readable only while its plan is unpaid, and whole again once it is paid (A42)."""
    is_unpaid = standing_of(row).is_unpaid(tx.now, grace)
    changed = await tx.write(
        update(tenant)
        .where(tx.own(tenant), tenant.c.is_read_only.is_not(is_unpaid))
        .values(is_read_only=is_unpaid, version=tenant.c.version + 1)
    )
    if changed:
        tx.audit("Tenant", tx.actor.tenant, detail={"isReadOnly": is_unpaid})
        tell_subscription(tx, row)


async def _absorb(tx: Tx, row: Row[Any], told: Told) -> Row[Any]:
    if row.customer_id is not None and told.customer != row.customer_id:
        return row
    if told.id != row.subscription_id:
        if is_live(row):
            # A business has one subscription.
            if told.is_running:
                await end_second(tx, row.subscription_id, told)
            return row
        if not told.is_running or not await may_be_kept(tx, told.id):
            return row
    if told.status is None:
        return row
    return await change_subscription(tx, row, **_values(tx, row, told, told.status))


def _values(tx: Tx, row: Row[Any], told: Told, status: SubscriptionStatus) -> dict[str, Any]:
    before = SubscriptionStatus(row.status)
    # Another subscription after one that has ended begins anew, whatever the old one's last word was.
    status = next_status(before, status)
    is_late, is_over = status is SubscriptionStatus.PAST_DUE, status is SubscriptionStatus.CANCELED
    values: dict[str, Any] = {
        "subscription_id": told.id,
        "customer_id": told.customer,
        "status": status.value,
        "plan": told.plan or row.plan,
        "trial_ends_at": told.trial_ends_at or row.trial_ends_at,
        "paid_until": _paid_until(row, told, status),
        "past_due_at": (row.past_due_at or tx.now) if is_late else None,
        "canceled_at": (row.canceled_at or tx.now) if is_over else None,
        "ends_with_period": told.ends_with_period and not is_over,
    }
    if told.is_running and row.wanted_plan in {None, values["plan"]}:
        values |= {"wanted_plan": None, "wanted_at": None, "checkout_url": None, "checkout_until": None}
    return values


def _paid_until(row: Row[Any], told: Told, status: SubscriptionStatus) -> datetime | None:
    """The end of the latest period that was paid: one that has begun and is not paid does not count."""
    paid_until: datetime | None = row.paid_until
    if status is SubscriptionStatus.PAST_DUE:
        return told.period_began_at
    return paid_until if status is SubscriptionStatus.CANCELED else told.paid_until


def new_subscription_values(tx: Tx, plan: str) -> dict[str, Any]:
    """What the plan of a business that begins with a trial is (A42)."""
    return {
        "id": SubscriptionId(new_id()),
        "plan": plan,
        "status": SubscriptionStatus.TRIALING.value,
        "trial_ends_at": tx.now + timedelta(days=PLANS[plan].trial_days),
        "created_at": tx.now,
    }
