"""A second plan of a business that was paid: ended at once, and what was paid for it goes back, once (A42, R157).

The alarm is what remembers it: while it stands, the watch over the plan has the provider asked what was paid, and what
of that has not gone back is asked for. So nothing depends on a task that may die.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.billing import Told
from domain.payments import asks_plans
from domain.payments.ops import OPEN_OPS, OpKind
from domain.payments.outcomes import Fault, Refusal
from services.payments.alarms import clear_alarm, open_subjects, raise_alarm
from services.payments.ops import Step, attempts_of, drop_planned, marks, plan_op, standing_op
from services.payments.recording import Recording

PAID_TWICE = "plan_paid_twice"
"""An alarm: two subscriptions of one business were paid. The second was ended; it stands until its money is back."""
BACK_TASK = "give_back_plan"
MOST_REFUSED = 8
"""So often a refund is asked for that the provider refuses: then the platform has to see to it by hand."""
ENDED = "ended_subscription"


@dataclass(frozen=True, slots=True)
class GiveBackPlan:
    """What was paid for a plan that was ended as a second one: its paid invoices, as the provider lists them."""

    subscription: str
    invoices: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Paid:
    """One payment of an invoice."""

    id: str
    intent: str
    cents: int


async def end_second(tx: Tx, kept: str, told: Told) -> None:
    """End a subscription that was begun beside another, by a second page; however often it is told of, once."""
    await raise_alarm(tx, PAID_TWICE, told.id, {"kept": kept, "ended": told.id})
    await plan_op(tx, Step(OpKind.PLAN_CHANGE, uuid5(NAMESPACE_URL, told.id), asks_plans.cancel_subscription(told.id)))


async def may_be_kept(tx: Tx, id: str) -> bool:
    """Whether another subscription can be the business's own, now that it has none: then nothing more is done about it.

    False where its end is asked for already, or was: it ends, and what was paid for it goes back.
    """
    subject = uuid5(NAMESPACE_URL, id)
    standing = await standing_op(tx, OpKind.PLAN_CHANGE, subject)
    if standing is not None and not await drop_planned(tx, OpKind.PLAN_CHANGE, subject, "It is kept after all."):
        return False
    await clear_alarm(tx, PAID_TWICE, id)
    return True


async def look_after_ended(tx: Tx) -> None:
    """Have what was paid for second plans given back, as far as it is not."""
    for subscription in await open_subjects(tx, PAID_TWICE):
        _later(tx, subscription)


@command(Role.SYSTEM)
async def give_back_plan(tx: Tx, input: GiveBackPlan) -> int:
    """Plan to give back each payment for a second plan, once; how many are still on their way.

    Where all has gone back, or nothing was paid, the alarm is cleared. Nothing goes back where it does not stand: the
    business has kept that plan after all, and was served by it.
    """
    waiting = 0
    if input.subscription not in await open_subjects(tx, PAID_TWICE):
        return 0
    for paid in (one for invoice in input.invoices for one in _payments(invoice)):
        subject = uuid5(NAMESPACE_URL, paid.id)
        standing = await standing_op(tx, OpKind.PLAN_REFUND, subject)
        if standing is None and await attempts_of(tx, OpKind.PLAN_REFUND, subject) < MOST_REFUSED:
            await _plan(tx, subject, paid, input.subscription)
        waiting += standing is None or standing.state in OPEN_OPS
    if not waiting:
        await clear_alarm(tx, PAID_TWICE, input.subscription)
    return waiting


async def _plan(tx: Tx, subject: UUID, paid: _Paid, subscription: str) -> None:
    op = new_id()
    told = marks(tx, op, invoice_payment=paid.id, **{ENDED: subscription})
    ask = asks_plans.refund_plan(paid.intent, amount_cents=paid.cents, metadata=told)
    await plan_op(tx, Step(OpKind.PLAN_REFUND, subject, ask, op))


async def _given_back(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """Whether that was all the provider's own list tells."""
    _later(tx, str((thing.get("metadata") or {})[ENDED]))


async def _refused(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """The alarm stands: it is asked for again when the plan is looked at next."""


PLAN_REFUND = Recording(_given_back, _refused)


def _later(tx: Tx, subscription: str) -> None:
    tx.later(BACK_TASK, {"subscription": subscription})


def _payments(invoice: Mapping[str, Any]) -> Iterator[_Paid]:
    for one in (invoice.get("payments") or {}).get("data") or ():
        intent = (one.get("payment") or {}).get("payment_intent")
        cents = int(one.get("amount_paid") or 0)
        if one.get("status") == "paid" and intent is not None and cents:
            yield _Paid(str(one["id"]), str(intent["id"] if isinstance(intent, Mapping) else intent), cents)
