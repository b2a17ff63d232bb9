"""Declined cards: what is kept, when the card is asked again, and who hears of it (A36, R145, R189).

Customers are told in plain words, never of loss, theft or fraud. The bank's own advice is followed; at most four
attempts are made by themselves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.errors import PaymentState
from domain.ids import CustomerId, PaymentId
from domain.payments.holding import LetGo, ladder_of
from domain.payments.ops import OPEN_OPS, OpKind
from domain.payments.outcomes import Refusal, Stop, StopReason, next_attempt, stop_of, words_for_customer
from domain.payments.states import PaymentKind
from domain.scheduling import LIVE_JOB_STATES, JobStatus, PaymentStatus
from models import job, market, payment
from services.booking.confirmation import booking_declined, first_start
from services.inputs import arg
from services.payments.accounts import ensure_provider
from services.payments.captures import capture_again
from services.payments.cards import page
from services.payments.holds import hold_now, is_invoiced, start_over
from services.payments.intents import OVER, default_method, go_on, let_be_gone, read_later, usable_method
from services.payments.ops import standing_op
from services.payments.patience import retry_at
from services.payments.state import hold_payment, move_payment
from services.policies import tenant_policy

NOTIFY_TASK = "notify_payment"
TO_CONFIRM = timedelta(hours=24)
"""How long a tip, an invoice or a clean that is over can be confirmed: whoever wants to pay has looked by then."""
UNCONFIRMED = "The payment was not confirmed with the bank in time."
ASKED_AGAIN = frozenset({PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.PENDING})
CAPTURED_AGAIN = frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURE_PENDING})


@dataclass(frozen=True, slots=True)
class TryAgain:
    """A payment that is to be tried again by itself."""

    payment: PaymentId


@dataclass(frozen=True, slots=True)
class UseNewCard:
    """A customer who has just saved a card."""

    customer: CustomerId


@dataclass(frozen=True, slots=True)
class RetryPayment:
    """A payment that the office wants tried now."""

    payment_id: PaymentId = arg("A payment that was declined, has lapsed, or never came to be.")


@dataclass(frozen=True, slots=True)
class ConfirmPayment:
    """A payment that its customer confirms with their bank."""

    payment_id: PaymentId = arg("Your payment that awaits you.")
    return_url: str = arg("The page to come back to from the bank's.")


@command(Role.SYSTEM)
async def try_again(tx: Tx, input: TryAgain) -> PaymentId:
    """Ask again for a payment whose time has come: its card, its capture, or to let it go (A36, A2).

    Nothing where it is settled, or its time is another by now.
    """
    row = await hold_payment(tx, input.payment)
    if row.next_attempt_at is None or row.next_attempt_at > tx.now or row.status in OVER:
        return input.payment
    if row.let_go is None and row.kind == PaymentKind.HOLD and row.status in ASKED_AGAIN:
        await ask_again(tx, row)
        return input.payment
    row = await move_payment(tx, row, next_attempt_at=None)
    if row.let_go is None and row.status in CAPTURED_AGAIN:
        await capture_again(tx, row)
    else:
        # As it was asked before: with its own card, and to be let go where that is wanted.
        await go_on(tx, row)
    return input.payment


@command(Role.SYSTEM)
async def use_new_card(tx: Tx, input: UseNewCard) -> int:
    """Ask the customer's new card for what their old one did not pay; how many payments that were.

    Cleans that were not held because there was no card are held now, if they are near.
    """
    failed = await tx.all(
        select(payment.c.id)
        .where(
            tx.own(payment),
            payment.c.customer_id == input.customer,
            payment.c.kind == PaymentKind.HOLD,
            payment.c.status.in_([PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION]),
            payment.c.let_go.is_(None),
        )
        .order_by(payment.c.id)
    )
    for found in failed:
        row = await hold_payment(tx, found.id)
        if row.status in {PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION} and row.let_go is None:
            await ask_again(tx, row)
    for found in await tx.all(_unheld(tx, input.customer)):
        await hold_now(tx, found.id)
    return len(failed)


@command(*ADMINS)
async def retry_payment(tx: Tx, input: RetryPayment) -> PaymentId:
    """Ask the card now, whatever the ladder says; after a card that will never work, only another one (A36).

    A hold that has lapsed is taken anew. Refused with PAYMENT_STATE where there is nothing to try, with NOT_CONFIGURED
    where the business has no provider any more.
    """
    await ensure_provider(tx)
    row = await hold_payment(tx, input.payment_id)
    if row.let_go is not None and row.status not in {PaymentStatus.EXPIRED, PaymentStatus.RELEASED}:
        raise PaymentState("This payment is being let go.", field=("paymentId",), details={"status": row.status})
    if row.status in ASKED_AGAIN:
        await _ensure_sensible(tx, row)
        await ask_again(tx, row)
    elif row.is_current and row.job_id is not None and _is_held_anew(row):
        await hold_now(tx, row.job_id)
    else:
        raise PaymentState(field=("paymentId",), details={"status": row.status})
    return input.payment_id


@command(Role.CUSTOMER, when_unpaid=True)
async def confirm_payment(tx: Tx, input: ConfirmPayment) -> PaymentId:
    """Go to the bank's page for a payment that awaits its customer (A36); `actionUrl` says where, as soon as it is
    known. Called again, it is the same page. Refused with PAYMENT_STATE once nothing awaits them.
    """
    await tx.get(payment, input.payment_id, "paymentId")
    await confirm_present(tx, input.payment_id, page(input.return_url, "returnUrl"))
    return input.payment_id


async def confirm_present(tx: Tx, payment_id: UUID, return_url: str) -> Row[Any]:
    """Have the card asked with its customer present, who may be sent to their bank's page; the payment's row."""
    row = await hold_payment(tx, payment_id)
    if row.status != PaymentStatus.REQUIRES_ACTION or row.let_go is not None:
        raise PaymentState("Nothing awaits you here.", field=("paymentId",), details={"status": row.status})
    if row.action_until is not None and row.action_until <= tx.now:
        raise PaymentState("The time to confirm it is over.", field=("paymentId",), details={"status": row.status})
    if row.action_url is None:
        row = await move_payment(tx, row, return_url=return_url)
        await go_on(tx, row)
    return row


async def ask_again(tx: Tx, row: Row[Any]) -> None:
    """Ask again for a held payment: a hold of the customer's default card of today, with them absent.

    Anything else is asked as it was, with its own card and page. A clean whose invoice is paid, or being paid, is not
    paid once more.
    """
    is_hold = row.kind == PaymentKind.HOLD
    if is_hold and await is_invoiced(tx, row.job_id):
        return
    method = await default_method(tx, row.customer_id) if is_hold else None
    values: dict[str, Any] = {"return_url": None} if is_hold else {}
    values |= {} if method is None else {"method_id": method.id}
    row = await move_payment(tx, row, next_attempt_at=None, **values)
    if row.status == PaymentStatus.REQUIRES_ACTION and row.action_url is not None:
        # The bank is at it already: only the provider knows how that stands.
        read_later(tx, row.id)
        return
    asked = await standing_op(tx, OpKind.CONFIRM, row.id)
    if is_hold and row.status == PaymentStatus.FAILED and asked and asked.state not in OPEN_OPS:
        # The bank's page was the answer to that step, and the card was declined after it: only another hold asks again.
        await start_over(tx, row)
        return
    await go_on(tx, row)


async def declined(tx: Tx, row: Row[Any], refusal: Refusal) -> None:
    """A card has said no: keep why, and decide when it is asked again, or who has to help (A36). The row is locked."""
    declines = row.declines + 1
    row = await move_payment(tx, row, decline=_kept(refusal), declines=declines, return_url=None, action_url=None)
    if row.let_go is not None:
        await go_on(tx, row)
        return
    if row.kind != PaymentKind.HOLD:
        await move_payment(tx, row, PaymentStatus.FAILED)
        return
    step = await _next(tx, row, refusal)
    if isinstance(step, Stop) and step.reason is StopReason.AUTHENTICATION:
        until = await confirm_until(tx, row)
        row = await move_payment(tx, row, PaymentStatus.REQUIRES_ACTION, action_until=until, next_attempt_at=None)
    else:
        at = None if isinstance(step, Stop) else step
        row = await move_payment(tx, row, PaymentStatus.FAILED, next_attempt_at=at)
        if at is not None:
            retry_at(tx, row.id, at)
    notify(tx, row.id, f"declined:{declines}")


def notify(tx: Tx, payment_id: UUID, occasion: str) -> None:
    """Have customer and administrators told how a payment stands; each occasion once."""
    payload = {"payment": str(payment_id), "occasion": occasion}
    tx.later(NOTIFY_TASK, payload, dedupe_key=f"tell:{payment_id}:{occasion}")


async def _next(tx: Tx, row: Row[Any], refusal: Refusal) -> datetime | Stop:
    hours = (await tenant_policy(tx)).payments.retry_hours
    if not hours:
        return Stop(StopReason.ATTEMPTS_USED)
    async with tx.as_system(wholly=True):
        clean = await tx.get(job, row.job_id)
        place = await tx.get(market, clean.market_id)
    return next_attempt(row.declines, refusal, clean.starts_at, tx.now, ladder_of(place.zone, hours))


async def confirm_until(tx: Tx, row: Row[Any]) -> datetime:
    """A hold until its clean starts, a booking for as long as its price is promised (A33), and no longer than until its
    first clean starts, all else for a day.
    """
    if row.kind == PaymentKind.PREPAID:
        promised: datetime = tx.now + (await tenant_policy(tx)).booking.quote_life
        first = None if row.plan_id is None else await first_start(tx, row.plan_id)
        return promised if first is None else min(promised, max(first, tx.now))
    if row.kind != PaymentKind.HOLD:
        return tx.now + TO_CONFIRM
    async with tx.as_system(wholly=True):
        clean = await tx.get(job, row.job_id)
    starts_at: datetime = clean.starts_at
    return starts_at if starts_at > tx.now else tx.now + TO_CONFIRM


async def _ensure_sensible(tx: Tx, row: Row[Any]) -> None:
    """Networks count what is asked in vain, and fine it: a card that will never work is not asked again."""
    is_hold = row.kind == PaymentKind.HOLD
    if not is_hold and row.status == PaymentStatus.FAILED:
        message = "The customer pays it anew themselves."
        raise PaymentState(message, field=("paymentId",), details={"status": row.status})
    if is_hold and await is_invoiced(tx, row.job_id):
        message = "This clean is paid by its invoice."
        raise PaymentState(message, field=("paymentId",), details={"status": row.status})
    final = (row.decline or {}).get("final")
    method = await default_method(tx, row.customer_id) if is_hold else await usable_method(tx, row)
    if method is None:
        raise PaymentState("The customer has saved no card.", field=("paymentId",), details={"status": row.status})
    is_same = method.id == row.method_id
    if is_same and final in {StopReason.CARD_UNUSABLE, StopReason.CARD_DATA}:
        message = "This card will not work; the customer has to give another one."
        raise PaymentState(message, field=("paymentId",), details={"status": row.status})
    if is_same and row.status == PaymentStatus.REQUIRES_ACTION:
        message = "The customer has to confirm it with their bank."
        raise PaymentState(message, field=("paymentId",), details={"status": row.status})


def _is_held_anew(row: Row[Any]) -> bool:
    """Whether a hold is over and the same clean may be held again: it has lapsed, or its account was left."""
    return bool(row.status == PaymentStatus.EXPIRED or row.let_go == LetGo.DISCONNECTED)


def _kept(refusal: Refusal) -> dict[str, Any]:
    """What is kept of a decline: the codes for the office, the words for the customer."""
    final = stop_of(refusal)
    return {
        "code": refusal.code,
        "declineCode": refusal.decline_code,
        "adviceCode": refusal.advice_code,
        "networkDeclineCode": refusal.network_decline_code,
        "message": refusal.message,
        "final": None if final is None else final.value,
        "words": words_for_customer(refusal),
    }


def _unheld(tx: Tx, customer_id: UUID) -> Any:
    """The customer's cleans of these days; those that are held or paid are left alone by whoever holds them."""
    near = job.c.starts_at.between(tx.now - timedelta(days=1), tx.now + timedelta(days=4))
    payable = job.c.status.in_([*LIVE_JOB_STATES, JobStatus.COMPLETED])
    return select(job.c.id).where(tx.own(job), job.c.customer_id == customer_id, near, payable).order_by(job.c.id)


async def give_up(tx: Tx, row: Row[Any]) -> None:
    """The time to confirm is over: the payment is let go, and the office decides about the clean (A36).

    What its customer was to pay there and then, as an invoice or a booking, can be paid anew.
    """
    row = await let_be_gone(tx, row, LetGo.UNCONFIRMED)
    if row.kind == PaymentKind.HOLD:
        notify(tx, row.id, "unconfirmed")
    elif row.kind == PaymentKind.PREPAID:
        await booking_declined(tx, row, UNCONFIRMED)
