"""Refunds: asked for by administrators, put by in the books first, only then asked of the provider (R213, A13, A35).

Above the business's limit a second administrator has to agree; what was refunded of the same payment without one counts
along, so that many small refunds are not a way around it.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.errors import PaymentState, RefundTooLarge, SecondApprover
from domain.ids import PaymentId, RefundId
from domain.money import ensure_cents
from domain.notifications import NotificationKind
from domain.payments.ops import STANDING_OPS, OpKind
from domain.payments.payouts import HoldReason
from domain.payments.states import Bearer, RefundStatus
from domain.scheduling import PaymentStatus
from models import money_op, refund
from services.checks import text
from services.inputs import arg
from services.payments.accounts import ensure_provider, has_provider
from services.payments.alarms import raise_alarm
from services.payments.back import BY_OFFICE, GOES_BACK, ON_ITS_WAY, WITHOUT_RIGHT, left_of
from services.payments.patience import OVERDUE
from services.payments.refund_rows import lock_refund, move_refund, tell_refund
from services.payments.refunding import RESUME_TASK, TRY_AGAIN, ask_provider, reserve
from services.payments.state import hold_payment
from services.payments.telling import tell_later
from services.payouts.holding import freeze_payouts
from services.policies import tenant_policy

REFUNDABLE = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED})
LONGEST_REASON = 500
CALLED_OFF = "The clean was paid before and is called off."
PAGE = 200
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RefundPayment:
    """Money that is to go back to a customer."""

    payment_id: PaymentId = arg("A captured payment.")
    reason: str = arg("Why, for the audit log; at most 500 characters.")
    amount_cents: int | None = arg("How much, in cents; all that is left unless told.", default=None)
    bearer: Bearer = arg("Who bears it.", default=Bearer.RESERVE_FIRST)
    hold_unpaid: bool = arg(
        "Whether pay for this clean that has not gone yet is held, to be decided by hand.", default=False
    )


@dataclass(frozen=True, slots=True)
class ApproveRefund:
    """A refund that somebody else has asked for, and that is to be made."""

    refund_id: RefundId = arg("A requested refund.")


@dataclass(frozen=True, slots=True)
class DeclineRefund:
    """A refund that is not to be made."""

    refund_id: RefundId = arg("A requested refund.")
    reason: str = arg("Why not, for the audit log; at most 500 characters.")


@dataclass(frozen=True, slots=True)
class ResumeRefund:
    """A refund that could not be made for the moment."""

    refund: RefundId


@dataclass(frozen=True, slots=True)
class ResumeRefunds:
    """Refunds that nobody is at, a page at a time."""

    after: UUID = FIRST


@command(*ADMINS)
async def refund_payment(tx: Tx, input: RefundPayment) -> RefundId:
    """Give money back (R213): put by in the books first, of the reserve before the business's own (A13).

    Cleaners keep their pay unless `bearer` says otherwise (A35). Above the business's limit it waits for a second
    administrator. Refused with REFUND_TOO_LARGE beyond what is left, with PAYMENT_STATE where nothing is captured or
    the customer's bank disputes it.
    """
    reason = text(input.reason, "reason", most=LONGEST_REASON)
    await ensure_provider(tx)
    paid = await hold_payment(tx, input.payment_id)
    amount = await _amount(tx, paid, input.amount_cents)
    if input.hold_unpaid:
        await freeze_payouts(tx, paid.id, HoldReason.BY_OFFICE)
    return await _begin(tx, paid, _Wish(amount, reason, Bearer(input.bearer)))


@command(*ADMINS)
async def approve_refund(tx: Tx, input: ApproveRefund) -> RefundId:
    """Agree to a refund that somebody else has asked for; it is made at once.

    Refused with SECOND_APPROVER to whoever asked for it, with PAYMENT_STATE where it is not waiting any more or the
    payment is disputed meanwhile, with REFUND_TOO_LARGE where not enough is left.
    """
    row, paid = await _requested(tx, input.refund_id)
    if row.requested_by == tx.actor.person:
        raise SecondApprover(field=("refundId",))
    await ensure_provider(tx)
    await _amount(tx, paid, row.amount_cents)
    reserved = await reserve(tx, row, paid, approved_by=tx.actor.person)
    await ask_provider(tx, reserved, paid)
    return input.refund_id


@command(*ADMINS)
async def decline_refund(tx: Tx, input: DeclineRefund) -> RefundId:
    """Do not make a refund that waits for approval; also by whoever asked for it. Nothing has moved."""
    reason = text(input.reason, "reason", most=LONGEST_REASON)
    row, _ = await _requested(tx, input.refund_id)
    row = await move_refund(tx, row, RefundStatus.DECLINED, finished_at=tx.now)
    tell_refund(tx, row, reason)
    return input.refund_id


async def refund_called_off(tx: Tx, paid: Row[Any], kept_cents: int) -> RefundId | None:
    """Give back what was paid before for a clean that is called off, less what is kept of it by the policy (A50).

    As for every refund, above the business's limit an administrator has to agree who did not call it off. The payment
    is locked by whoever calls. None where nothing is left to give back.
    """
    amount = await left_of(tx, paid) - kept_cents
    return None if amount <= 0 else await _begin(tx, paid, _Wish(amount, CALLED_OFF, Bearer.RESERVE_FIRST))


async def give_back(tx: Tx, paid: Row[Any], alarm: str, **why: Any) -> None:
    """Give back what was taken without right, all of it; the business alone bears it, and nobody has to agree (R213).

    Once, because a payment is taken once. The alarm of this kind stands until it has gone back. Where it cannot be
    asked for - the charge is not known, or the business has no provider any more - it says so, and the office refunds
    it by hand. The payment is locked by whoever calls.
    """
    left, made = await left_of(tx, paid), None
    if left > 0 and paid.charge_id is not None and await has_provider(tx):
        made = await _write(tx, paid, _Wish(left, WITHOUT_RIGHT[alarm], Bearer.BUSINESS))
        await ask_provider(tx, await reserve(tx, made, paid), paid)
    told = {"cents": left, "refund": None if made is None else str(made.id), "then": GOES_BACK if made else BY_OFFICE}
    await raise_alarm(tx, alarm, str(paid.id), {**why, **told})


@command(Role.SYSTEM)
async def resume_refunds(tx: Tx, input: ResumeRefunds) -> RefundId | None:
    """Have refunds asked for again that are put by and that nobody is at: their task was lost (R238).

    Where to go on if there are more.
    """
    mine = (money_op.c.tenant_id == refund.c.tenant_id, money_op.c.subject_id == refund.c.id)
    is_at_it = or_(money_op.c.state.in_(STANDING_OPS), money_op.c.finished_at > tx.now - TRY_AGAIN - OVERDUE)
    rows = await tx.all(
        select(refund.c.id)
        .where(
            tx.own(refund),
            refund.c.id > input.after,
            refund.c.status == RefundStatus.RESERVED,
            ~exists().where(*mine, money_op.c.kind == OpKind.REFUND, is_at_it),
        )
        .order_by(refund.c.id)
        .limit(PAGE)
    )
    for row in rows:
        tx.later(RESUME_TASK, {"refund": str(row.id)})
    return RefundId(rows[-1].id) if len(rows) == PAGE else None


@command(Role.SYSTEM)
async def resume_refund(tx: Tx, input: ResumeRefund) -> RefundId:
    """Ask the provider again for a refund that it could not make for the moment; planned already, nothing changes."""
    row, paid = await lock_refund(tx, input.refund)
    if row.status == RefundStatus.RESERVED:
        await ask_provider(tx, row, paid)
    return input.refund


@dataclass(frozen=True, slots=True)
class _Wish:
    """How much is to go back, why, and who bears it."""

    amount_cents: int
    reason: str
    bearer: Bearer


async def _begin(tx: Tx, paid: Row[Any], wish: _Wish) -> RefundId:
    """Write a refund of a locked payment down; made at once, or waiting for somebody else to agree."""
    row = await _write(tx, paid, wish)
    if await _needs_another(tx, row):
        tell_later(tx, NotificationKind.REFUND_TO_APPROVE, row.id)
    else:
        await ask_provider(tx, await reserve(tx, row, paid), paid)
    return RefundId(row.id)


async def _write(tx: Tx, paid: Row[Any], wish: _Wish) -> Row[Any]:
    async with tx.as_system(wholly=True):
        made = await tx.insert(
            refund,
            payment_id=paid.id,
            job_id=paid.job_id,
            customer_id=paid.customer_id,
            status=RefundStatus.REQUESTED.value,
            amount_cents=wish.amount_cents,
            currency=paid.currency,
            reason=wish.reason,
            bearer=wish.bearer.value,
            requested_by=tx.actor.person,
            created_at=tx.now,
        )
        row = await tx.get(refund, made)
    tell_refund(tx, row, wish.reason)
    return row


async def _requested(tx: Tx, id: RefundId) -> tuple[Row[Any], Row[Any]]:
    row, paid = await lock_refund(tx, id, "refundId")
    if row.status != RefundStatus.REQUESTED:
        raise PaymentState(
            "This refund does not wait for approval.", field=("refundId",), details={"status": row.status}
        )
    return row, paid


async def _amount(tx: Tx, paid: Row[Any], wanted: int | None) -> int:
    """The amount, if it can be refunded now."""
    if paid.status not in REFUNDABLE or paid.charge_id is None:
        if paid.status == PaymentStatus.REFUNDED:
            raise RefundTooLarge(field=("amountCents",), details={"leftCents": 0})
        raise PaymentState(field=("paymentId",), details={"status": paid.status})
    left = await left_of(tx, paid)
    amount = left if wanted is None else ensure_cents(wanted, "amountCents", 1)
    if not 0 < amount <= left:
        raise RefundTooLarge(field=("amountCents",), details={"leftCents": left})
    return amount


async def _needs_another(tx: Tx, row: Row[Any]) -> bool:
    """Whether one person alone may not refund so much of this payment."""
    alone = select(func.coalesce(func.sum(refund.c.amount_cents), 0)).where(
        tx.own(refund),
        refund.c.payment_id == row.payment_id,
        refund.c.id != row.id,
        refund.c.status.in_(ON_ITS_WAY),
        refund.c.approved_by.is_(None),
    )
    async with tx.as_system(wholly=True):
        before = int(await tx.scalar(alone))
    limit: int = (await tenant_policy(tx)).payments.refund_approval_cents
    return before + int(row.amount_cents) > limit
