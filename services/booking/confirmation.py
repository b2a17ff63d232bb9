"""What becomes of a booking once its first clean is paid, or is not (R40, R45 to R49, A10).

Called where the news of the payment are written down, in that transaction; again, late or twice changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.tx import Tx
from domain.booking import BookingStep, DraftStatus
from domain.ids import CustomerId, JobId
from domain.notifications import NotificationKind
from domain.plans import Frequency, Occurrence, PlanStatus, ensure_plan_transition
from domain.quotes import QuoteStatus
from domain.wallclock import instant_of
from models import booking_draft, customer, job, market, quote, service_plan
from models import property as home
from services.booking.cleans import book_first_clean, tell_plan
from services.booking.drafts import move_draft
from services.booking.quotes import move_quote
from services.identity.customers import open_access
from services.notifications import QueueNotifications, queue
from services.payments.back import PAID_FOR_NOTHING
from services.payments.cards import not_kept
from services.payments.refunds import give_back


async def booking_paid(tx: Tx, paid: Row[Any]) -> None:
    """The first clean is paid: the plan is active, its first clean is planned and linked, the customer told (R48, A10).

    Of a plan that was given up meanwhile the money goes back, and an alarm stands until it has.
    """
    async with tx.as_system(wholly=True):
        plan = await tx.get(service_plan, paid.plan_id, lock=True)
        if plan.status == PlanStatus.CANCELED:
            await give_back(tx, paid, PAID_FOR_NOTHING, plan=str(plan.id))
        if plan.status != PlanStatus.PENDING_PAYMENT:
            return
        active: dict[str, Any] = {"status": PlanStatus.ACTIVE.value, "is_first_clean_prepaid": True}
        await tx.change(service_plan, plan.id, **active, payment_intent_id=paid.intent_id)
        plan = await tx.get(service_plan, plan.id)
        # Only now: who has not paid anything needs no way in.
        await open_access(tx, CustomerId(plan.customer_id))
        made = await _first_clean(tx, plan)
        tell_plan(tx, plan)
        await _finish(tx, plan, paid, made)


async def booking_declined(tx: Tx, refused: Row[Any], words: str) -> None:
    """The first clean could not be paid: nothing becomes active, and the booking is open again with the reason (R49).

    The quote is good again as far as its time goes, so that another card pays the same price.
    """
    async with tx.as_system(wholly=True):
        plan = await tx.get(service_plan, refused.plan_id, lock=True)
        if plan.status != PlanStatus.PENDING_PAYMENT:
            return
        await not_kept(tx, refused.method_id, words)
        ensure_plan_transition(PlanStatus(plan.status), PlanStatus.CANCELED)
        await tx.change(service_plan, plan.id, status=PlanStatus.CANCELED.value, ended_at=tx.now)
        tell_plan(tx, await tx.get(service_plan, plan.id))
        draft = await _draft_of(tx, plan)
        if draft is None or draft.status != DraftStatus.CONFIRMING:
            return
        steps = {name: said for name, said in draft.steps.items() if name != BookingStep.CONFIRMATION}
        failure = {"message": words, "at": tx.now.isoformat()}
        await move_draft(tx, draft, DraftStatus.OPEN, steps=steps, failure=failure)
        used = await tx.get(quote, draft.quote_id, lock=True)
        if used.status == QuoteStatus.ACCEPTED:
            await move_quote(tx, used, QuoteStatus.OPEN, accepted_at=None)


async def booking_awaits(tx: Tx, waiting: Row[Any], words: str) -> None:
    """The customer's bank wants them to confirm: the booking says so, and where."""
    async with tx.as_system(wholly=True):
        plan = await tx.get(service_plan, waiting.plan_id)
        draft = await _draft_of(tx, plan)
        if draft is None or draft.status != DraftStatus.CONFIRMING:
            return
        failure = {"message": words, "at": tx.now.isoformat(), "actionUrl": waiting.action_url}
        await move_draft(tx, draft, DraftStatus.CONFIRMING, failure=failure)


async def first_start(tx: Tx, plan_id: UUID) -> datetime | None:
    """When the first clean of a plan starts; None where its day is still to be agreed."""
    async with tx.as_system(wholly=True):
        plan = await tx.get(service_plan, plan_id)
        return await _first_start(tx, plan)


async def _first_start(tx: Tx, plan: Row[Any]) -> datetime | None:
    if plan.first_on is None:
        return None
    zone = (await tx.get(market, plan.market_id)).zone
    return instant_of(datetime.combine(plan.first_on, time(plan.at_minute // 60, plan.at_minute % 60)), zone)


async def _first_clean(tx: Tx, plan: Row[Any]) -> JobId | None:
    starts_at = await _first_start(tx, plan)
    return None if starts_at is None else await book_first_clean(tx, plan, Occurrence(plan.first_on, starts_at))


async def _finish(tx: Tx, plan: Row[Any], paid: Row[Any], made: JobId | None) -> None:
    summary = await _summary(tx, plan, paid, made)
    draft = await _draft_of(tx, plan)
    if draft is not None and draft.status == DraftStatus.CONFIRMING:
        done = {"confirmed_at": tx.now, "failure": None, "summary": summary}
        await move_draft(tx, draft, DraftStatus.CONFIRMED, **done)
    card = {**summary, "name": (await tx.get(customer, plan.customer_id)).name}
    told = QueueNotifications(NotificationKind.BOOKING_CONFIRMED, f"booking:{plan.id}", card, [plan.customer_id])
    await queue(tx, told)


async def _draft_of(tx: Tx, plan: Row[Any]) -> Row[Any] | None:
    of_plan = select(booking_draft).where(tx.own(booking_draft), booking_draft.c.plan_id == plan.id)
    return await tx.one(of_plan.with_for_update())


async def _summary(tx: Tx, plan: Row[Any], paid: Row[Any], made: JobId | None) -> dict[str, Any]:
    """What was ordered, as it is now: plain values, because who booked may see none of the rows (R40)."""
    where = await tx.get(home, plan.property_id)
    starts_at = None if made is None else (await tx.get(job, made)).starts_at
    summary = {
        "service_plan_id": str(plan.id),
        "job_id": None if made is None else str(made),
        "starts_at": None if starts_at is None else starts_at.isoformat(),
        "zone": (await tx.get(market, plan.market_id)).zone,
        "address": where.address,
        "city": where.city,
        "frequency": plan.frequency,
        "term": plan.term,
        "total_cents": paid.amount_cents,
        "currency": paid.currency,
        "price": plan.price,
        "paid_at": tx.now.isoformat(),
    }
    return {**summary, "next_steps": next_steps(summary)}


def next_steps(summary: Mapping[str, Any]) -> list[str]:
    """What happens now, in the order in which it does (R40)."""
    if summary["starts_at"] is None:
        steps = ["We plan your first clean by your calendar, and tell you its day; it is paid already."]
    else:
        steps = ["Your first clean is paid and planned; we tell you who comes."]
    steps.append("When it is proven to be done you see the photos of it.")
    if summary["frequency"] != Frequency.ONCE:
        later = "The price of each later clean is held on your card on the evening before, and taken when it is proven."
        steps.append(later)
    return [*steps, "Sign in with your email to see your cleans, or to skip, pause or end them."]
