"""Holds that come to an end: watched, taken anew before they lapse, and taken anew where they did (A2, R189)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, or_, select

from db.command import command
from db.tx import Tx
from domain.actors import Role
from domain.ids import MarketId, PaymentId
from domain.payments.holding import LetGo
from domain.payments.states import PaymentKind
from domain.policy import PaymentsPolicy
from domain.scheduling import LIVE_JOB_STATES, JobStatus, PaymentStatus
from models import job, payment
from services.cancellations import strike
from services.payments.accounts import has_provider
from services.payments.declines import TO_CONFIRM, give_up, notify
from services.payments.holds import hold_now, renew
from services.payments.intents import read_later
from services.payments.patience import OVERDUE, is_forgotten, retry_at
from services.payments.releases import let_go
from services.payments.state import hold_payment, move_payment
from services.policies import tenant_policy

PAGE = 200
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class WatchHolds:
    """The holds of a market that somebody has to look at, a page at a time."""

    market: MarketId
    after: UUID = FIRST


@dataclass(frozen=True, slots=True)
class WatchPayments:
    """What is paid at once and was not: tips, invoices, bookings; a page at a time."""

    after: UUID = FIRST


@dataclass(frozen=True, slots=True)
class LookAfter:
    """A payment that was found to need somebody, as it was then."""

    payment: UUID
    version: int


@dataclass(frozen=True, slots=True)
class CallOffUnpaid:
    """The cleans of a market that no card pays for."""

    market: MarketId


@command(Role.SYSTEM)
async def watch_holds(tx: Tx, input: WatchHolds) -> tuple[LookAfter, ...]:
    """A page of the holds that will lapse or have, confirmations that did not come, and attempts that were lost."""
    if not await has_provider(tx):
        return ()
    found = await tx.all(_watched(tx, input, (await tenant_policy(tx)).payments))
    return tuple(LookAfter(row.id, row.version) for row in found)


@command(Role.SYSTEM)
async def watch_payments(tx: Tx, input: WatchPayments) -> tuple[LookAfter, ...]:
    """A page of what was to be paid at once and was not: a bank's page that was left, or no word for a day (R181)."""
    return tuple(LookAfter(row.id, row.version) for row in await tx.all(_undecided(tx, input.after)))


@command(Role.SYSTEM)
async def look_after(tx: Tx, input: LookAfter) -> PaymentId:
    """Do what a payment needs that was found by the watch, unless it has moved on since (A2, A36, R181).

    A day before a hold lapses administrators hear of it, once. Half a day before, it is taken anew unless the business
    wants to decide by hand. Past its time the provider is asked how it stands. What was to be paid at once and was not
    is let go: the invoice or the booking is free for another try, and what is taken all the same goes back. Attempts
    whose task was lost are made.
    """
    row = await hold_payment(tx, input.payment)
    if row.version != input.version:
        pass
    elif row.kind == PaymentKind.HOLD:
        await _look_after(tx, row, (await tenant_policy(tx)).payments)
    elif row.let_go is None and _is_late(tx, row):
        await give_up(tx, row)
    else:
        retry_at(tx, row.id, tx.now)
    return PaymentId(input.payment)


@command(Role.SYSTEM)
async def call_off_unpaid(tx: Tx, input: CallOffUnpaid) -> int:
    """Call off cleans that no card pays for, so long before their start as the business says; else never (A36).

    Their cleaners are free again, and customers are told as of every cancellation. How many there were.
    """
    hours = (await tenant_policy(tx)).payments.cutoff_hours
    if not hours or not await has_provider(tx):
        return 0
    due = (
        select(job.c.id)
        .where(
            tx.own(job),
            job.c.market_id == input.market,
            job.c.starts_at.between(tx.now, tx.now + timedelta(hours=hours)),
            job.c.status.in_([JobStatus.UNASSIGNED, JobStatus.ASSIGNED]),
            job.c.payment_status.in_([PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION]),
        )
        .order_by(job.c.id)
    )
    rows = await tx.all(due)
    for found in rows:
        clean = await tx.get(job, found.id, lock=True)
        if clean.payment_status in {PaymentStatus.FAILED, PaymentStatus.REQUIRES_ACTION}:
            await strike(tx, clean, "No card has paid for it in time.")
            await let_go(tx, clean.id, LetGo.CANCELED)
    return len(rows)


async def lapsed(tx: Tx, row: Row[Any]) -> None:
    """A hold has lapsed: it is taken anew while the clean can still be paid, and administrators hear of it (A2).

    A clean that is over and was never proven is theirs to decide; its payment stays as it is.
    """
    notify(tx, row.id, "expired")
    if not row.is_current or row.job_id is None or row.let_go is not None:
        return
    clean = await tx.get(job, row.job_id)
    if clean.status in LIVE_JOB_STATES or clean.status == JobStatus.COMPLETED:
        await hold_now(tx, row.job_id)


async def _look_after(tx: Tx, row: Row[Any], policy: PaymentsPolicy) -> None:
    if row.let_go is None and row.status == PaymentStatus.REQUIRES_ACTION and row.action_until <= tx.now:
        await give_up(tx, row)
    elif row.next_attempt_at is not None and row.next_attempt_at <= tx.now - OVERDUE:
        retry_at(tx, row.id, tx.now)
    elif row.capture_before <= tx.now:
        read_later(tx, row.id)
    else:
        await _warn(tx, row)
        if row.capture_before <= tx.now + timedelta(hours=policy.decide_hours) and policy.renew_lapsing:
            await _renew(tx, row)


async def _warn(tx: Tx, row: Row[Any]) -> None:
    if row.alarmed_at is None:
        await move_payment(tx, row, alarmed_at=tx.now)
        notify(tx, row.id, "lapses")


async def _renew(tx: Tx, row: Row[Any]) -> None:
    clean = await tx.get(job, row.job_id)
    if clean.status in LIVE_JOB_STATES:
        await renew(tx, row)


def _is_late(tx: Tx, row: Row[Any]) -> bool:
    return bool((row.action_until or row.created_at + TO_CONFIRM) <= tx.now)


def _undecided(tx: Tx, after: UUID) -> Any:
    """Payments of other kinds than holds whose time is over; of those that are let go, whose attempt was lost."""
    waits = payment.c.status.in_([PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION]) & payment.c.let_go.is_(None)
    is_late = func.coalesce(payment.c.action_until, payment.c.created_at + TO_CONFIRM) <= tx.now
    return (
        select(payment.c.id, payment.c.version)
        .where(
            tx.own(payment),
            payment.c.id > after,
            payment.c.kind != PaymentKind.HOLD,
            or_(waits & is_late, is_forgotten(tx)),
        )
        .order_by(payment.c.id)
        .limit(PAGE)
    )


def _watched(tx: Tx, input: WatchHolds, policy: PaymentsPolicy) -> Any:
    lapsing = and_(
        payment.c.let_go.is_(None),
        payment.c.status == PaymentStatus.AUTHORIZED,
        payment.c.capture_before <= tx.now + timedelta(hours=policy.alarm_hours),
        or_(
            payment.c.alarmed_at.is_(None),
            payment.c.capture_before <= tx.now + timedelta(hours=policy.decide_hours),
        ),
    )
    unconfirmed = and_(
        payment.c.let_go.is_(None),
        payment.c.status == PaymentStatus.REQUIRES_ACTION,
        payment.c.action_until <= tx.now,
    )
    return (
        select(payment.c.id, payment.c.version)
        .join(job, and_(job.c.tenant_id == payment.c.tenant_id, job.c.id == payment.c.job_id))
        .where(
            tx.own(payment),
            job.c.market_id == input.market,
            payment.c.id > input.after,
            payment.c.kind == PaymentKind.HOLD,
            or_(lapsing, unconfirmed, is_forgotten(tx)),
        )
        .order_by(payment.c.id)
        .limit(PAGE)
    )
