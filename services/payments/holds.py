"""Holds on cards before a clean: planned in pages for a whole market, or at once for one clean (R137 to R146, A1, A2).

A page of jobs is planned in a fixed number of statements, whatever it holds: no query a job. What is held already, or
being held, is left alone, so that running it twice is harmless; a unique index stands behind that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.ids import MarketId
from domain.payments.holding import AFTER_START, HELD_ANEW, LetGo, is_hold_hour, last_held
from domain.payments.ops import OpKind
from domain.payments.states import CLEAN_KINDS, InvoiceStatus, MethodStatus, PaymentKind
from domain.price_book import PriceBook
from domain.pricing import Price, price_to_json
from domain.scheduling import LIVE_JOB_STATES, JobStatus, PaymentStatus
from models import customer, invoice, job, market, payment, payment_method
from models import property as home
from services.booking.price_books import book_in_force
from services.homes import price_by
from services.payments.accounts import has_provider
from services.payments.intents import intent_ask, intent_marks, let_be_gone
from services.payments.ops import Step, plan_ops
from services.payments.state import current_payment, hold_payment, move_payment, show_on_job, tell_payment
from services.policies import tenant_policy

PAGE = 250
AT_ONCE = 20
"""So few cleans are nobody in the way."""
FIRST = UUID(int=0)
PAYABLE = LIVE_JOB_STATES | {JobStatus.COMPLETED}
TO_HOLD = (PaymentStatus.PENDING, PaymentStatus.FAILED, PaymentStatus.EXPIRED, PaymentStatus.RELEASED)


@dataclass(frozen=True, slots=True)
class PlanHolds:
    """A market's cleans that are to be held as of a due time, a page at a time."""

    market: MarketId
    due_at: datetime
    after: UUID = FIRST
    planned: int = 0
    """How many pages were planned before this one: each takes its turn after them."""


@dataclass(frozen=True, slots=True)
class Turns:
    """When each clean of a night is held: so many a second, after those planned before; 0 for all at once."""

    a_second: int
    before: int

    def wait(self, place: int) -> timedelta:
        """How long the clean at this place of its page waits; the first few do not."""
        queue = max(self.before + place - AT_ONCE, 0)
        return timedelta(seconds=queue / self.a_second) if self.a_second else timedelta()


@command(Role.SYSTEM)
async def plan_holds(tx: Tx, input: PlanHolds) -> UUID | None:
    """Plan the holds of a page of a market's cleans; where to go on if there are more (R137 to R140, A1).

    At the market's hours (20:00 and 01:00 unless told) all of today's and tomorrow's; at every other time what starts
    within the lead (36 h unless told). Prepaid cleans never, nor those without a price or a saved card.
    """
    if not await has_provider(tx):
        return None
    policy = (await tenant_policy(tx)).payments
    place = await tx.get(market, input.market)
    until = tx.now + policy.hold_lead
    if is_hold_hour(input.due_at, place.zone, policy.hold_hours):
        until = max(until, last_held(input.due_at, place.zone))
        if input.after == FIRST:
            await _ask_for_cards(tx, input.market, until)
    near = and_(
        job.c.market_id == input.market,
        job.c.starts_at > tx.now - AFTER_START,
        job.c.starts_at < until,
        job.c.status.in_(LIVE_JOB_STATES),
        job.c.id > input.after,
    )
    rows = await tx.all(_to_hold(tx).where(near).order_by(job.c.id).limit(PAGE).with_for_update(of=job))
    await hold_all(tx, rows, Turns(policy.holds_a_second, input.planned * PAGE))
    return rows[-1].job_id if len(rows) == PAGE else None


async def hold_now(tx: Tx, job_id: UUID) -> None:
    """Hold a clean that came into the lead after the night's run: booked late, moved, or to be held anew (A1, A2).

    One that is held already is held anew where its hold would not live until its end, and let go where it was moved
    beyond the lead. Nothing happens where the business takes no cards, or the clean is prepaid.
    """
    async with tx.as_system(wholly=True):
        if not await has_provider(tx):
            return
        clean = await tx.get(job, job_id, "jobId", lock=True)
        if clean.prepaid or clean.status not in PAYABLE:
            return
        standing = await current_payment(tx, job_id, lock=True)
        if standing is not None and standing.status == PaymentStatus.AUTHORIZED:
            await _follow_move(tx, clean, standing)
        elif clean.status == JobStatus.COMPLETED or await _is_near(tx, clean):
            await hold_all(tx, await tx.all(_to_hold(tx).where(job.c.id == job_id)))


async def hold_all(tx: Tx, rows: Sequence[Row[Any]], turns: "Turns | None" = None) -> None:
    """Plan a hold for each of these jobs, whose rows are locked, in a fixed number of statements.

    With `turns` they are sent one after the other, else at once.
    """
    priced = await _priced(tx, rows)
    wanted = [(row, price) for row, price in priced if price is not None]
    if not wanted:
        return
    async with tx.as_system(wholly=True):
        await _replace(tx, [row.before_id for row, _ in wanted if row.before_id is not None])
        await _freeze(tx, wanted)
        made = await tx.all(insert(payment).values([_payment(tx, *one) for one in wanted]).returning(payment))
    by_job = {row.job_id: row for row, _ in wanted}
    steps = [_step(tx, row, by_job[row.job_id]) for row in made]
    if turns is not None:
        steps = [replace(step, wait=turns.wait(place)) for place, step in enumerate(steps)]
    await plan_ops(tx, steps)
    for row in made:
        tell_payment(tx, row)


async def renew(tx: Tx, standing: Row[Any]) -> bool:
    """Hold anew before a hold is let go: the new one takes over once it stands (A2). False where there is no card.

    Until then the old one is what the clean is paid with; two exist only while this is under way.
    """
    async with tx.as_system(wholly=True):
        newer = select(payment.c.id).where(
            tx.own(payment),
            payment.c.job_id == standing.job_id,
            payment.c.attempt > standing.attempt,
            payment.c.let_go.is_(None),
        )
        if await tx.one(newer.limit(1)) is not None:
            return True
        found = _particulars(tx).where(job.c.id == standing.job_id, payment_method.c.id.is_not(None))
        row = await tx.one(found)
        if row is None:
            return False
        values = {
            **_payment(tx, row, None),
            "amount_cents": standing.amount_cents,
            "tip_cents": standing.tip_cents,
            "currency": standing.currency,
            "is_current": False,
        }
        made = (await tx.all(insert(payment).values([values]).returning(payment)))[0]
        await plan_ops(tx, [_step(tx, made, row)])
    tell_payment(tx, made)
    return True


async def take_over(tx: Tx, row: Row[Any]) -> Row[Any]:
    """A hold that was taken beside another stands now: it is the clean's, and the old one is let go (A2).

    An old one whose answer came late is itself let go. The job is held by whoever calls.
    """
    if row.is_current or row.job_id is None:
        return row
    before = await current_payment(tx, row.job_id, lock=True)
    if before is not None and (before.attempt > row.attempt or before.status not in _REPLACEABLE):
        return await let_be_gone(tx, row, LetGo.REPLACED)
    async with tx.as_system(wholly=True):
        if before is not None:
            await tx.change(payment, before.id, is_current=False)
        await tx.change(payment, row.id, is_current=True)
        now = await tx.get(payment, row.id)
        await show_on_job(tx, now)
    if before is not None:
        await let_be_gone(tx, await hold_payment(tx, before.id), LetGo.REPLACED)
    return now


async def start_over(tx: Tx, row: Row[Any]) -> None:
    """A payment whose card was asked in its customer's presence, and in vain, is made anew: another hold, and this one
    is let go first. What was declined counts on.
    """
    async with tx.as_system(wholly=True):
        row = await move_payment(tx, row, PaymentStatus.FAILED, action_url=None)
        await tx.change(payment, row.id, is_current=False)
        await let_be_gone(tx, await hold_payment(tx, row.id), LetGo.REPLACED)
        await hold_all(tx, await tx.all(_to_hold(tx).where(job.c.id == row.job_id)))
        fresh = await current_payment(tx, row.job_id, lock=True)
        if fresh is not None:
            await tx.change(payment, fresh.id, declines=row.declines)


_REPLACEABLE = frozenset({PaymentStatus.AUTHORIZED, *TO_HOLD, PaymentStatus.REQUIRES_ACTION})


async def _follow_move(tx: Tx, clean: Row[Any], standing: Row[Any]) -> None:
    """A hold of a clean that may have been moved: it stays, is taken anew, or waits for its own night."""
    if standing.let_go is not None or clean.status not in LIVE_JOB_STATES:
        return
    policy = (await tenant_policy(tx)).payments
    if standing.capture_before is None or clean.ends_at < standing.capture_before:
        return
    if clean.starts_at >= tx.now + policy.hold_lead:
        await let_be_gone(tx, standing, LetGo.MOVED)
    else:
        await renew(tx, standing)


async def _ask_for_cards(tx: Tx, market: MarketId, until: datetime) -> None:
    """Have customers told whose cleans are near and who have saved no card (R145)."""
    near = and_(job.c.market_id == market, job.c.starts_at.between(tx.now, until), job.c.status.in_(LIVE_JOB_STATES))
    bare = _particulars(tx).where(near, ~job.c.prepaid, payment.c.id.is_(None), payment_method.c.id.is_(None))
    for row in await tx.all(bare.order_by(job.c.id)):
        tx.later("notify_card_needed", {"job": str(row.job_id)}, dedupe_key=f"card-needed:{row.job_id}")


async def _is_near(tx: Tx, clean: Row[Any]) -> bool:
    starts_at: datetime = clean.starts_at
    return starts_at < tx.now + (await tenant_policy(tx)).payments.hold_lead


def _to_hold(tx: Tx) -> Select[Any]:
    """Jobs that nothing stands for, with all that a hold needs; the caller narrows it."""
    lapsed = or_(
        payment.c.status == PaymentStatus.EXPIRED,
        and_(payment.c.status == PaymentStatus.RELEASED, payment.c.let_go.in_(sorted(HELD_ANEW))),
    )
    return _particulars(tx).where(
        ~job.c.prepaid,
        job.c.payment_status.in_(TO_HOLD),
        or_(payment.c.id.is_(None), lapsed),
        payment_method.c.id.is_not(None),
        customer.c.provider_id.is_not(None),
        ~or_(*_by_invoice(tx)),
    )


async def is_invoiced(tx: Tx, job_id: UUID) -> bool:
    """Whether a clean is paid, or to be paid, by its invoice: then nothing else is taken for it."""
    found = select(job.c.id).where(tx.own(job), job.c.id == job_id, or_(*_by_invoice(tx)))
    async with tx.as_system(wholly=True):
        return await tx.one(found) is not None


_INVOICED = payment.alias("invoiced")


def _by_invoice(tx: Tx) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Of a job: it has an invoice that asks its customer, or one whose money is being taken or was."""
    asked = select(invoice.c.id).where(
        invoice.c.tenant_id == tx.actor.tenant, invoice.c.job_id == job.c.id, invoice.c.status == InvoiceStatus.OPEN
    )
    paid = select(_INVOICED.c.id).where(
        _INVOICED.c.tenant_id == tx.actor.tenant,
        _INVOICED.c.job_id == job.c.id,
        _INVOICED.c.kind == PaymentKind.INVOICE,
        _INVOICED.c.status.not_in([PaymentStatus.FAILED, PaymentStatus.RELEASED]),
        _INVOICED.c.let_go.is_(None),
    )
    return asked.exists(), paid.exists()


def _particulars(tx: Tx) -> Select[Any]:
    """What is known of jobs, their homes, customers and cards, and the payment that is current for them."""
    attempts = payment.alias("attempts")
    last = (
        select(func.coalesce(func.max(attempts.c.attempt), 0))
        .where(attempts.c.tenant_id == job.c.tenant_id, attempts.c.job_id == job.c.id)
        .scalar_subquery()
    )
    return (
        select(
            job.c.id.label("job_id"),
            job.c.customer_id,
            job.c.plan_id,
            job.c.price_cents,
            job.c.currency,
            job.c.payment_status,
            home.c.bedrooms,
            home.c.bathrooms,
            home.c.square_feet,
            home.c.laundry,
            home.c.laundry_loads,
            home.c.hot_tub_service,
            home.c.hot_tub_drain,
            customer.c.provider_id,
            payment_method.c.id.label("method"),
            payment_method.c.method_id,
            payment_method.c.usage,
            payment.c.id.label("before_id"),
            last.label("attempts"),
        )
        .select_from(job)
        .join(home, and_(home.c.tenant_id == job.c.tenant_id, home.c.id == job.c.property_id))
        .join(customer, and_(customer.c.tenant_id == job.c.tenant_id, customer.c.id == job.c.customer_id))
        .outerjoin(
            payment_method,
            and_(
                payment_method.c.tenant_id == job.c.tenant_id,
                payment_method.c.customer_id == job.c.customer_id,
                payment_method.c.is_default,
                payment_method.c.status == MethodStatus.ACTIVE,
            ),
        )
        .outerjoin(
            payment,
            and_(
                payment.c.tenant_id == job.c.tenant_id,
                payment.c.job_id == job.c.id,
                payment.c.is_current,
                payment.c.kind.in_(CLEAN_KINDS),
            ),
        )
        .where(tx.own(job))
    )


async def _priced(tx: Tx, rows: Sequence[Row[Any]]) -> list[tuple[Row[Any], Price | None]]:
    """Each job with its price: frozen when it was booked, or else by the book in force; None where there is none."""
    if all(row.price_cents is not None for row in rows):
        return [(row, _frozen(row)) for row in rows]
    book = (await book_in_force(tx)).book
    return [(row, _by(book, row) if row.price_cents is None else _frozen(row)) for row in rows]


def _by(book: PriceBook, row: Row[Any]) -> Price | None:
    return price_by(row._mapping, book)  # noqa: SLF001 (the public way to a row's mapping)


def _frozen(row: Row[Any]) -> Price:
    return Price(row.currency or "usd", ())


def _payment(tx: Tx, row: Row[Any], price: Price | None) -> dict[str, Any]:
    amount = row.price_cents if row.price_cents is not None else None if price is None else price.total_cents
    return {
        "tenant_id": tx.actor.tenant,
        "id": new_id(),
        "customer_id": row.customer_id,
        "job_id": row.job_id,
        "plan_id": row.plan_id,
        "method_id": row.method,
        "kind": PaymentKind.HOLD.value,
        "status": PaymentStatus.PENDING.value,
        "is_current": True,
        "attempt": row.attempts + 1,
        "currency": price.currency if price is not None else row.currency,
        "amount_cents": amount,
        "created_at": tx.now,
    }


def _step(tx: Tx, made: Row[Any], row: Row[Any]) -> Step:
    op = new_id()
    ask = intent_ask(made, row, row.provider_id, intent_marks(tx, op, made))
    return Step(OpKind.INTENT, made.id, ask, op, job=made.job_id)


async def _replace(tx: Tx, before: Sequence[UUID]) -> None:
    if not before:
        return
    given_up = update(payment).where(tx.own(payment), payment.c.id.in_(before)).values(is_current=False)
    for row in await tx.all(given_up.returning(payment)):
        tell_payment(tx, row)


async def _freeze(tx: Tx, wanted: Iterable[tuple[Row[Any], Price | None]]) -> None:
    """Write the prices that were not frozen yet (R43), and that a new payment is pending; one statement for all."""
    changed = [
        _frozen_values(row, price)
        for row, price in wanted
        if row.price_cents is None or row.payment_status != PaymentStatus.PENDING
    ]
    if not changed:
        return
    told = (
        func.jsonb_to_recordset(bindparam(None, changed, type_=JSONB, unique=True))
        .table_valued(
            column("id", Uuid), column("cents", Integer), column("price", JSONB), column("currency", Text), name="told"
        )
        .render_derived(with_types=True)
    )
    await tx.write(
        update(job)
        .where(tx.own(job), job.c.id == told.c.id)
        .values(
            price_cents=func.coalesce(job.c.price_cents, told.c.cents),
            price=func.coalesce(job.c.price, told.c.price),
            currency=func.coalesce(job.c.currency, told.c.currency),
            payment_status=PaymentStatus.PENDING.value,
            version=job.c.version + 1,
        )
    )


def _frozen_values(row: Row[Any], price: Price | None) -> Mapping[str, Any]:
    is_new = row.price_cents is None and price is not None
    return {
        "id": str(row.job_id),
        "cents": price.total_cents if is_new and price else None,
        "price": price_to_json(price) if is_new and price else None,
        "currency": price.currency if is_new and price else None,
    }
