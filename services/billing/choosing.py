"""A business chooses its plan, changes it, or ends it; what is paid is paid on the provider's own pages (A42).

Choosing writes down what is wanted; a task finds the plan's price at the provider and comes back with it to
`plan_page`, which plans the step: a page to pay on, the page of an unpaid subscription, or a change of a running one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.billing import ADMIT_AGAIN, PAGE_LIVES, PLANS, Plan, told_of
from domain.errors import Conflict, Invalid, PlanLimit
from domain.ids import SubscriptionId
from domain.payments import asks, asks_plans
from domain.payments.ask import Ask
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.states import SubscriptionStatus
from models import staff, tenant
from services.billing.limits import seats_taken
from services.billing.second import look_after_ended
from services.billing.subscriptions import change_subscription, is_live, own_subscription
from services.inputs import arg
from services.payments.ops import Step, marks, plan_op
from services.payments.recording import Recording

OPEN_TASK = "open_plan_page"
REFRESH_TASK = "refresh_plan"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChoosePlan:
    """The plan that a business wants."""

    plan: str = arg("Its name, as `plans` lists it.")


@dataclass(frozen=True, slots=True)
class CancelPlanSubscription:
    """A business that wants its plan to end."""


@dataclass(frozen=True, slots=True)
class FindWanted:
    """What a business has chosen."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plan that was chosen, and the subscription that runs at the provider, if one does."""

    plan: str
    subscription_id: str | None


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What the provider has said of a chosen plan: its price, and the line of the running subscription."""

    plan: str
    price: str
    item: str | None
    base_url: str


@command(*ADMINS, when_unpaid=True)
async def choose_plan(tx: Tx, input: ChoosePlan) -> SubscriptionId:
    """Choose the business's plan, or another one (A42).

    `checkoutUrl` is there as soon as the provider has answered: the page to pay on, in a browser. Where the card on
    file is good, a change needs no page. Refused with PLAN_LIMIT where the business has more people than the plan has
    seats, with CONFLICT where its plan is arranged with the platform. Chosen again, the page that is open stays.
    """
    plan = PLANS.get(input.plan)
    if plan is None:
        raise Invalid(f"A plan is one of {', '.join(PLANS)}.", field=("plan",))
    row = await _billed(tx)
    await _ensure_room(tx, plan)
    if _is_on_its_way(tx, row, plan):
        return SubscriptionId(row.id)
    await change_subscription(tx, row, wanted_plan=plan.name, wanted_at=tx.now, checkout_url=None, checkout_until=None)
    if row.customer_id is None:
        await _introduce(tx, row)
    else:
        tx.later(OPEN_TASK, {})
    return SubscriptionId(row.id)


@command(*ADMINS, when_unpaid=True)
async def cancel_plan_subscription(tx: Tx, input: CancelPlanSubscription) -> SubscriptionId:
    """End the plan with the period that is paid, or with the trial; until then nothing changes (A42).

    Nothing is lost: the business can be read, and is whole again once a plan is chosen and paid.
    """
    row = await _billed(tx)
    if row.status == SubscriptionStatus.CANCELED:
        return SubscriptionId(row.id)
    none = {"wanted_plan": None, "wanted_at": None, "checkout_url": None, "checkout_until": None}
    if not is_live(row):
        await change_subscription(
            tx, row, **none, status=SubscriptionStatus.CANCELED.value, canceled_at=tx.now, ends_with_period=False
        )
        return SubscriptionId(row.id)
    await change_subscription(tx, row, **none, ends_with_period=True)
    await _plan_change(tx, asks_plans.update_subscription(row.subscription_id, ends_with_period=True))
    return SubscriptionId(row.id)


@command(Role.SYSTEM)
async def find_wanted(tx: Tx, input: FindWanted) -> Wanted | None:
    """The plan that was chosen and is not paid; None where there is none, or the provider does not know us yet."""
    row = await own_subscription(tx)
    if row is None or row.wanted_plan is None or row.customer_id is None:
        return None
    return Wanted(row.wanted_plan, row.subscription_id if is_live(row) else None)


@command(Role.SYSTEM)
async def plan_page(tx: Tx, input: PlanPage) -> SubscriptionId | None:
    """Plan the step that leads to the chosen plan; None where another was chosen meanwhile."""
    row = await own_subscription(tx, lock=True)
    if row is None or row.wanted_plan != input.plan or row.checkout_url is not None:
        return None
    if not is_live(row):
        await _plan_checkout(tx, row, input)
    elif row.status == SubscriptionStatus.PAST_DUE:
        # What is owed is paid first, on the provider's page of the subscription: there is a better card for it.
        back = f"{input.base_url}/office"
        await plan_op(
            tx,
            Step(OpKind.PLAN_CHECKOUT, new_id(), asks_plans.create_portal(customer=row.customer_id, return_url=back)),
        )
    elif input.item is not None:
        change = asks_plans.update_subscription(
            row.subscription_id, item=input.item, price=input.price, ends_with_period=False
        )
        await _plan_change(tx, change)
    return SubscriptionId(row.id)


async def _billed(tx: Tx) -> Row[Any]:
    row = await own_subscription(tx, lock=True)
    if row is None:
        raise Conflict("The plan of this business is arranged with the platform.")
    return row


async def _ensure_room(tx: Tx, plan: Plan) -> None:
    people = 0 if plan.seats is None else await seats_taken(tx)
    if plan.seats is not None and people > plan.seats:
        raise PlanLimit(details={"limit": "seats", "included": plan.seats, "taken": people}, field=("plan",))


def _is_on_its_way(tx: Tx, row: Row[Any], plan: Plan) -> bool:
    """Whether the page of this very plan is open, or has just been asked for: there is one page at a time."""
    if row.wanted_plan != plan.name:
        return False
    is_open = row.checkout_until is not None and row.checkout_until > tx.now
    return is_open or (row.checkout_url is None and tx.now - row.wanted_at < ADMIT_AGAIN)


async def _introduce(tx: Tx, row: Row[Any]) -> None:
    async with tx.as_system():
        name = await tx.scalar(select(tenant.c.name).where(tx.own(tenant)))
        owners = select(staff.c.email).where(
            tx.own(staff), staff.c.role == Role.OWNER.value, staff.c.archived_at.is_(None)
        )
        email = await tx.scalar(owners.order_by(staff.c.created_at).limit(1))
    op = new_id()
    ask = asks.create_customer(metadata=marks(tx, op, subscription_id=row.id), name=name, email=email)
    await plan_op(tx, Step(OpKind.PLAN_CUSTOMER, row.id, ask, op))


async def _plan_checkout(tx: Tx, row: Row[Any], wish: PlanPage) -> None:
    page, op = new_id(), new_id()
    back = f"{wish.base_url}/office"
    ask = asks_plans.create_checkout(
        customer=row.customer_id,
        price=wish.price,
        success_url=back,
        cancel_url=back,
        metadata=marks(tx, op, subscription_id=row.id, page_id=page),
        trial_days=_trial_days_left(tx, row),
    )
    await plan_op(tx, Step(OpKind.PLAN_CHECKOUT, page, ask, op))


def _trial_days_left(tx: Tx, row: Row[Any]) -> int | None:
    """What is left of the trial stays free, in whole days in the business's favour."""
    if row.status != SubscriptionStatus.TRIALING or row.trial_ends_at is None or row.trial_ends_at <= tx.now:
        return None
    left: timedelta = row.trial_ends_at - tx.now
    return ceil(left / DAY)


async def _plan_change(tx: Tx, ask: Ask) -> None:
    await plan_op(tx, Step(OpKind.PLAN_CHANGE, new_id(), ask))


async def _customer_made(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    row = await own_subscription(tx, lock=True)
    if row is not None and row.id == subject and row.customer_id is None:
        await change_subscription(tx, row, customer_id=str(thing["id"]))
        tx.later(OPEN_TASK, {})


async def _page_made(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """Show the page to whoever has chosen the plan; one that was finished before we heard of it is not shown."""
    row = await own_subscription(tx, lock=True)
    is_over = thing.get("status") in {"complete", "expired"}
    if row is None or row.wanted_plan is None or is_over or not thing.get("url"):
        return
    asked = thing.get("expires_at")
    created = thing.get("created")
    lives = timedelta(seconds=asked - created) if asked and created else PAGE_LIVES
    await change_subscription(tx, row, checkout_url=str(thing["url"]), checkout_until=tx.now + lives)


async def _changed(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """The answer is the subscription as it is now: read again, because others may have news of it as well."""
    if told_of(thing).id:
        tx.later(REFRESH_TASK, {})
    await look_after_ended(tx)


async def _refused(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """The wish ends, and the plan is read as it is: an alarm has been raised where the fault is ours."""
    row = await own_subscription(tx, lock=True)
    if row is not None:
        await change_subscription(tx, row, wanted_plan=None, wanted_at=None)
        tx.later(REFRESH_TASK, {})


PLAN_CUSTOMER = Recording(_customer_made, _refused)
PLAN_CHECKOUT = Recording(_page_made, _refused)
PLAN_CHANGE = Recording(_changed, _refused)
