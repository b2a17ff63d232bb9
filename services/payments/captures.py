"""Captures: a hold becomes a charge once the clean is proven, and never before (R147 to R150, R155, A10, A13).

The job is completed by its proof; its payment is CAPTURE_PENDING until the provider has said that the money is taken.
What was paid before needs its proof too, and is not charged again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS
from domain.errors import EvidenceIncomplete, PaymentState
from domain.ids import JobId
from domain.payments import asks
from domain.payments.holding import ChargeSeen, IntentSeen
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.reserve import reserve_of
from domain.payments.states import PaymentKind
from domain.scheduling import JobStatus, PaymentStatus
from models import job, money_op, payment, payment_method
from services.booking.confirmation import booking_paid
from services.fieldwork.proof import is_proven
from services.inputs import arg
from services.payments.alarms import GIVEN_UP, clear_about, raise_alarm
from services.payments.back import TAKEN_ANYWAY
from services.payments.cards import activate
from services.payments.holds import hold_now, is_invoiced
from services.payments.intents import read_later
from services.payments.invoices import void_invoices
from services.payments.ledger import Entry, book
from services.payments.ops import Step, plan_op, standing_op
from services.payments.patience import wanted_later
from services.payments.recording import NEVER_DONE, finish_standing
from services.payments.refunds import give_back
from services.payments.state import current_payment, hold_payment, move_payment
from services.payouts.creation import earn
from services.policies import tenant_policy

UNPAID = "completed_unpaid"
"""An alarm: a clean is proven, and nothing can be taken for it."""
NOT_TAKEN = "capture_refused"
"""An alarm: what is to be taken of a hold was refused, and the hold stands; it is asked for again by itself."""
PAID = frozenset(
    {PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED, PaymentStatus.DISPUTED}
)

Follow = Callable[[Tx, Row[Any]], Awaitable[None]]
FOLLOWS: dict[PaymentKind, Follow] = {}
"""What follows when money of other kinds is taken: tips and invoices add their own."""


@dataclass(frozen=True, slots=True)
class CaptureProven:
    """A clean that is proven, and whose money is to be taken now."""

    job_id: JobId = arg("A proven clean whose hold stands.")


@command(*ADMINS, when_unpaid=True)
async def capture_held(tx: Tx, input: CaptureProven) -> JobId:
    """Take what is held for a proven clean, as before its hold lapses (R147, A2); done by itself as a rule.

    Refused with EVIDENCE_INCOMPLETE while it is not proven, with PAYMENT_STATE where it is captured already or nothing
    is held.
    """
    clean = await tx.get(job, input.job_id, "jobId", lock=True)
    row = await current_payment(tx, input.job_id, lock=True)
    if row is not None and row.status in PAID:
        raise PaymentState("Payment already captured", field=("jobId",), details={"status": row.status})
    if clean.status != JobStatus.COMPLETED or not await is_proven(tx, input.job_id):
        raise EvidenceIncomplete("This clean is not proven.", field=("jobId",))
    if row is None or row.status != PaymentStatus.AUTHORIZED:
        status = None if row is None else row.status
        raise PaymentState("Nothing is held for this clean.", field=("jobId",), details={"status": status})
    await capture_proven(tx, input.job_id)
    return input.job_id


async def capture_proven(tx: Tx, job_id: UUID) -> None:
    """Take what is held for a clean that has just been proven, or pay out what was paid before (R147, R148, A10).

    Nothing without proof, and nothing twice. Where the hold is gone it is taken anew, and captured when it stands;
    where there is nothing to take, administrators hear of it. The job is held by whoever calls.
    """
    async with tx.as_system(wholly=True):
        if not await is_proven(tx, job_id):
            return
        row = await current_payment(tx, job_id, lock=True)
        by_invoice = await _paid_by_invoice(tx, job_id)
        if by_invoice is not None:
            await earn(tx, by_invoice)
        elif row is None or row.status in {PaymentStatus.EXPIRED, PaymentStatus.RELEASED}:
            await _hold_late(tx, job_id)
        elif row.status in PAID:
            await earn(tx, row)
        elif row.status == PaymentStatus.AUTHORIZED and row.let_go is None:
            await _capture(tx, row, row.amount_cents)
        elif row.status != PaymentStatus.CAPTURE_PENDING:
            await _warn(tx, job_id, row.status)


async def _paid_by_invoice(tx: Tx, job_id: UUID) -> Row[Any] | None:
    """What an invoice of the clean has brought in, where the clean was paid so."""
    found = select(payment).where(
        tx.own(payment),
        payment.c.job_id == job_id,
        payment.c.kind == PaymentKind.INVOICE,
        payment.c.captured_cents > 0,
    )
    return await tx.one(found.order_by(payment.c.id).limit(1).with_for_update())


async def captured(tx: Tx, row: Row[Any], thing: IntentSeen) -> None:
    """The provider has taken the money: the books, the row, and what follows; again nothing changes. The row is locked.

    The reserve is put by of the clean's price without the tip, of everything that is captured, once (R151, A10, A13).
    """
    await _book(tx, row, thing)
    charge = thing.charge
    fee = charge.fee_cents if charge is not None and charge.fee_cents is not None else row.fee_cents
    if row.status in PAID:
        if fee != row.fee_cents:
            await move_payment(tx, row, fee_cents=fee)
        return
    row = await move_payment(
        tx,
        row,
        PaymentStatus.CAPTURED,
        captured_cents=thing.received_cents,
        charge_id=None if charge is None else charge.id,
        fee_cents=fee,
        captured_at=tx.now,
        authorized_at=row.authorized_at or tx.now,
        why_less=row.why_less or _less(row, thing),
        decline=None,
        next_attempt_at=None,
        action_until=None,
        action_url=None,
    )
    for kind in (OpKind.CONFIRM, OpKind.CAPTURE):
        await finish_standing(tx, kind, row.id, thing.id)
    paid_for = (str(row.job_id),) if row.is_current and row.job_id is not None else ()
    await clear_about(tx, (UNPAID, NOT_TAKEN, GIVEN_UP), str(row.id), *paid_for)
    if row.let_go is not None:
        # Nothing follows from it but that it goes back.
        await give_back(tx, row, TAKEN_ANYWAY, why=row.let_go)
    else:
        await _follow(tx, row, thing)


async def refused_capture(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """A capture that was definitely refused: what the provider has decides. Where the hold stands, the same is asked
    again, later and later; after that it is for the office to take it by hand, or to let it go.
    """
    row = await hold_payment(tx, subject)
    if row.status != PaymentStatus.CAPTURE_PENDING:
        return
    if fault is Fault.DECLINED:
        await move_payment(tx, row, PaymentStatus.FAILED)
        await _warn(tx, row.job_id, PaymentStatus.FAILED)
    elif refusal.code == NEVER_DONE:
        await capture_again(tx, row)
    else:
        if fault in {Fault.STATE, Fault.HELD}:
            read_later(tx, row.id)
        else:
            row = await move_payment(tx, row, PaymentStatus.AUTHORIZED)
        if not await wanted_later(tx, row, OpKind.CAPTURE):
            await move_payment(tx, row, PaymentStatus.AUTHORIZED)


async def still_held(tx: Tx, row: Row[Any]) -> None:
    """What is being captured stands as a hold: where its capture was refused, administrators hear of it."""
    if row.status == PaymentStatus.CAPTURE_PENDING and await standing_op(tx, OpKind.CAPTURE, row.id) is None:
        detail = {"paymentId": str(row.id), "cents": await _asked_before(tx, row)}
        await raise_alarm(tx, NOT_TAKEN, str(row.job_id), detail)


async def capture_again(tx: Tx, row: Row[Any]) -> None:
    """Take of a locked payment what a refused capture was to take: all of the hold, or a fee (A50)."""
    await _capture(tx, row, await _asked_before(tx, row))


async def _capture(tx: Tx, row: Row[Any], cents: int) -> None:
    if await standing_op(tx, OpKind.RELEASE, row.id) is not None:
        return
    row = await move_payment(tx, row, PaymentStatus.CAPTURE_PENDING)
    ask = asks.capture_intent(row.intent_id, amount_cents=cents)
    await plan_op(tx, Step(OpKind.CAPTURE, row.id, ask, job=row.job_id))


async def _asked_before(tx: Tx, row: Row[Any]) -> int:
    """What the last attempt was to take: all of the hold, or a fee (A50); another attempt takes the same."""
    cents = money_op.c.ask["params"]["amount_to_capture"].astext
    mine = (tx.own(money_op), money_op.c.kind == OpKind.CAPTURE, money_op.c.subject_id == row.id)
    async with tx.as_system(wholly=True):
        return int(await tx.scalar(select(cents).where(*mine).order_by(money_op.c.attempt.desc()).limit(1)))


async def _hold_late(tx: Tx, job_id: UUID) -> None:
    """A proven clean for which nothing stands is held now; where that cannot be, somebody has to see to it."""
    await hold_now(tx, job_id)
    row = await current_payment(tx, job_id)
    if row is None or row.status in {PaymentStatus.EXPIRED, PaymentStatus.RELEASED}:
        await _warn(tx, job_id, None if row is None else row.status)


async def _warn(tx: Tx, job_id: UUID, status: str | None) -> None:
    """Only where the business takes cards at all."""
    clean = await tx.get(job, job_id)
    if clean.price_cents is not None and not await is_invoiced(tx, job_id):
        await raise_alarm(tx, UNPAID, str(job_id), {"job": str(job_id), "status": status})


async def _follow(tx: Tx, row: Row[Any], thing: IntentSeen) -> None:
    if row.kind == PaymentKind.PREPAID:
        await _keep_card(tx, row, thing)
        await booking_paid(tx, row)
        row = await hold_payment(tx, row.id)
    if row.kind in FOLLOWS:
        await FOLLOWS[PaymentKind(row.kind)](tx, row)
        return
    await void_invoices(tx, row)
    await earn(tx, row)


async def _keep_card(tx: Tx, row: Row[Any], thing: IntentSeen) -> None:
    """The first payment has saved the card for later, as was agreed (R38, R264): under the id that the provider tells,
    which is another one than was given where that was the name of a test card.
    """
    if row.method_id is None:
        return
    async with tx.as_system(wholly=True):
        method = await tx.get(payment_method, row.method_id, lock=True)
        with_another = select(payment_method.c.id).where(
            tx.own(payment_method), payment_method.c.method_id == thing.method, payment_method.c.id != method.id
        )
        # Its own card could not be used any more and another of the customer's was asked: that one is saved already.
        if await tx.one(with_another) is not None:
            return
    card: Mapping[str, Any] = (thing.charge.card if thing.charge is not None else None) or {}
    await activate(tx, method, {"id": thing.method or method.method_id, "card": card})


async def _book(tx: Tx, row: Row[Any], thing: IntentSeen) -> None:
    """Book a charge once; its fee with it where it is known, else when it is."""
    charge = thing.charge
    if charge is None:
        return
    fee = charge.fee_cents or 0
    entry = await _entry(tx, row, thing, charge)
    if await book(tx, entry) or not fee or row.fee_cents == fee:
        return
    late = (Posting(Account.FEES, fee), Posting(Account.CASH, -fee))
    about = {"job": row.job_id, "payment": row.id, "provider_id": charge.transaction}
    await book(tx, Entry(EntryKind.FEE, f"fee:{charge.id}", row.currency, late, **about))


async def _entry(tx: Tx, row: Row[Any], thing: IntentSeen, charge: ChargeSeen) -> Entry:
    taken, fee = thing.received_cents, charge.fee_cents or 0
    tip = min(row.tip_cents, taken) if row.kind != PaymentKind.TIP else taken
    service = taken - tip
    policy = (await tenant_policy(tx)).payments
    reserve = reserve_of(taken if policy.tip_reserve else service, policy.reserve_hundredths)
    postings = (
        Posting(Account.CASH, taken - fee),
        Posting(Account.FEES, fee),
        Posting(Account.RESERVE, -reserve),
        Posting(Account.TIPS, -tip),
        Posting(Account.REVENUE, reserve - service),
    )
    kind = EntryKind.TIP if row.kind == PaymentKind.TIP else EntryKind.CAPTURE
    source = f"tip:{row.id}" if row.kind == PaymentKind.TIP else f"capture:{charge.id}"
    told = charge.transaction if charge.fee_cents is not None else None
    return Entry(kind, source, row.currency, postings, row.job_id, row.id, provider_id=told, reason=row.why_less)


def _less(row: Row[Any], thing: IntentSeen) -> str | None:
    """Less than was held is taken for a reason that we know; else somebody did it at the provider's."""
    return "AT_PROVIDER" if thing.received_cents < row.amount_cents else None
