"""A refund on its way: put by in the books, asked of the provider, written down, put back where it fails (A13, A35).

What is put by can be put back; what the provider has sent cannot. So the books come first, then the provider, and
cleaners' pay is taken back last, when the customer's money is really on its way. A bank may send it back days later:
then all of it is put back by contra entries.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select

from db.ids import new_id
from db.tx import Tx
from domain.actors import NOBODY
from domain.notifications import NotificationKind
from domain.payments import asks
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.ops import OPEN_OPS, OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.payouts import LEFT_US
from domain.payments.refunds import Burden, burden_of, taken_back
from domain.payments.states import Bearer, RefundStatus
from models import ledger_entry, money_op, payment, payout, refund
from services.payments.alarms import clear_about, raise_alarm
from services.payments.back import BY_OFFICE, TO_REFUND, WITHOUT_RIGHT, count_back
from services.payments.ledger import Entry, book, posted, reserve_left
from services.payments.ops import Step, drop_planned, marks, plan_op
from services.payments.recording import NEVER_DONE, Recording, finish_standing
from services.payments.refund_rows import lock_refund, move_refund, tell_refund
from services.payments.state import hold_payment
from services.payments.telling import tell_later
from services.payments.unshared import unshared_tip
from services.payouts.reversals import plan_reversal, reversal_subject

RESUME_TASK = "resume_refund"
TRY_AGAIN = timedelta(hours=1)
BY_HAND = "refund_by_hand"
"""An alarm: money was given back at the provider, and not by a refund here."""
TWO_REFUNDS = "two_refunds"
"""An alarm: the provider knows two refunds where we have one."""
CLEANERS_OWED = "refund_failed_after_reversal"
"""An alarm: a refund came back after cleaners' pay had been taken for it; they are to be paid again."""
MADE_THERE = "Made at the payment provider."
_STATUS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_BEFORE = {
    RefundStatus.PENDING: {RefundStatus.RESERVED},
    RefundStatus.SUCCEEDED: {RefundStatus.RESERVED, RefundStatus.PENDING},
    RefundStatus.FAILED: {RefundStatus.RESERVED, RefundStatus.PENDING, RefundStatus.SUCCEEDED},
}


async def reserve(tx: Tx, row: Row[Any], paid: Row[Any], **values: Any) -> Row[Any]:
    """Put a refund by in the books: nobody else can spend the same of the reserve; its new row (A13).

    A tip that is no cleaner's goes back first, and is nobody's loss (A34); in the row it is the business's part.
    """
    of_tip = min(row.amount_cents, await unshared_tip(tx, paid))
    have = sum(left for _, left in await _pay_left(tx, paid)) if row.bearer == Bearer.CLEANERS else 0
    promised = await _promised(tx, paid) if have else 0
    left = await reserve_left(tx, row.currency)
    parts = burden_of(row.amount_cents - of_tip, Bearer(row.bearer), left, have - promised)
    row = await move_refund(
        tx,
        row,
        RefundStatus.RESERVED,
        from_reserve_cents=parts.reserve_cents,
        from_business_cents=parts.business_cents + of_tip,
        from_cleaners_cents=parts.cleaners_cents,
        **values,
    )
    put_by = _put_by(parts, of_tip)
    await book(tx, _entry(row, EntryKind.REFUND_RESERVED, f"refund-reserved:{row.id}", put_by, row.reason))
    return row


async def ask_provider(tx: Tx, row: Row[Any], paid: Row[Any]) -> None:
    """Plan to ask the provider for a refund that is put by."""
    op = new_id()
    ours = {"refund_id": row.id, "payment_id": paid.id, "job_id": paid.job_id, "customer_id": paid.customer_id}
    told = marks(tx, op, **{name: id for name, id in ours.items() if id is not None})
    ask = asks.create_refund(
        str(paid.charge_id), amount_cents=row.amount_cents, reason="requested_by_customer", metadata=told
    )
    await plan_op(tx, Step(OpKind.REFUND, row.id, ask, op, job=row.job_id))


async def absorb_refund(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """Apply the provider's refund: forward only; again, late or out of order changes nothing."""
    row, paid = await lock_refund(tx, subject)
    if row.provider_id not in {None, thing["id"]}:
        await raise_alarm(tx, TWO_REFUNDS, str(row.id), {"ours": row.provider_id, "theirs": thing["id"]})
        return
    await _book_sent(tx, row, thing)
    await _book_back(tx, row, thing)
    status = _STATUS.get(str(thing.get("status")), RefundStatus.PENDING)
    if row.status not in _BEFORE[status]:
        return
    is_news = row.status == RefundStatus.RESERVED
    finished = {} if status is RefundStatus.PENDING else {"finished_at": tx.now}
    why = {"failure": {"code": thing.get("failure_reason")}} if status is RefundStatus.FAILED else {}
    row = await move_refund(tx, row, status, provider_id=str(thing["id"]), **finished, **why)
    if status is RefundStatus.FAILED:
        await _put_back(tx, row, had_gone=not is_news)
    elif is_news:
        await _take_back_pay(tx, row, paid)
        await clear_about(tx, (TO_REFUND, *WITHOUT_RIGHT), str(paid.id))
        tell_later(tx, NotificationKind.REFUND_MADE, row.id)
    await count_back(tx, paid)


async def refuse_refund(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """It was not done: what was put by is free again, unless it can be asked for once more."""
    row, paid = await lock_refund(tx, subject)
    if row.status != RefundStatus.RESERVED:
        return
    if refusal.code == NEVER_DONE:
        await ask_provider(tx, row, paid)
    elif fault is Fault.RETRY:
        tx.later(RESUME_TASK, {"refund": str(row.id)}, run_at=tx.now + TRY_AGAIN)
    else:
        failure = {"code": refusal.code, "message": refusal.message, "fault": fault.value}
        row = await move_refund(tx, row, RefundStatus.FAILED, failure=failure, finished_at=tx.now)
        await _put_back(tx, row, had_gone=False)


REFUNDS = Recording(absorb_refund, refuse_refund)


async def absorb_told_refund(tx: Tx, thing: Mapping[str, Any]) -> None:
    """A refund that a webhook or the reconciliation shows, whoever made it."""
    mine = await _ours(tx, thing) or await _made_there(tx, thing)
    if mine is not None:
        await absorb_refund(tx, mine, thing)
        await finish_standing(tx, OpKind.REFUND, mine, str(thing["id"]))


async def _ours(tx: Tx, thing: Mapping[str, Any]) -> UUID | None:
    """Which of our refunds it is: by its id, or by what it carries."""
    try:
        said = UUID((thing.get("metadata") or {}).get("refund_id", ""))
    except ValueError:
        said = NOBODY
    found = select(refund.c.id).where(tx.own(refund), (refund.c.provider_id == thing["id"]) | (refund.c.id == said))
    async with tx.as_system(wholly=True):
        mine: UUID | None = await tx.scalar(found.order_by(refund.c.provider_id.is_(None)).limit(1))
    return mine


async def _made_there(tx: Tx, thing: Mapping[str, Any]) -> UUID | None:
    """A refund of a payment of ours that somebody made by hand becomes a row too: the money has gone."""
    async with tx.as_system(wholly=True):
        found = await tx.one(
            select(payment.c.id).where(tx.own(payment), payment.c.charge_id == (_id(thing.get("charge")) or ""))
        )
        if found is None or _STATUS.get(str(thing.get("status"))) is RefundStatus.FAILED:
            return None
        paid = await hold_payment(tx, found.id)
        made = await tx.insert(
            refund,
            payment_id=paid.id,
            job_id=paid.job_id,
            customer_id=paid.customer_id,
            status=RefundStatus.REQUESTED.value,
            amount_cents=int(thing["amount"]),
            currency=paid.currency,
            reason=MADE_THERE,
            bearer=Bearer.RESERVE_FIRST.value,
            requested_by=NOBODY,
            created_at=tx.now,
        )
        row = await tx.get(refund, made)
    tell_refund(tx, row, MADE_THERE)
    await reserve(tx, row, paid)
    await raise_alarm(tx, BY_HAND, str(thing["id"]), {"paymentId": str(paid.id), "amountCents": int(thing["amount"])})
    return made


async def _book_sent(tx: Tx, row: Row[Any], thing: Mapping[str, Any]) -> None:
    """The money has left: booked once, when the provider has booked it."""
    booked = thing.get("balance_transaction")
    if booked is None:
        return
    fee = int(booked.get("fee") or 0) if isinstance(booked, Mapping) else 0
    gone = (
        Posting(Account.REFUNDS_DUE, row.amount_cents),
        Posting(Account.FEES, fee),
        Posting(Account.CASH, -row.amount_cents - fee),
    )
    await book(tx, _entry(row, EntryKind.REFUND, f"refund:{thing['id']}", gone, None, _id(booked)))


async def _book_back(tx: Tx, row: Row[Any], thing: Mapping[str, Any]) -> None:
    """The money has come back: booked once."""
    booked = thing.get("failure_balance_transaction")
    if booked is not None:
        back = (Posting(Account.CASH, row.amount_cents), Posting(Account.REFUNDS_DUE, -row.amount_cents))
        await book(tx, _entry(row, EntryKind.REFUND_FAILED, f"refund-back:{thing['id']}", back, None, _id(booked)))


async def _put_back(tx: Tx, row: Row[Any], *, had_gone: bool) -> None:
    """What was put by is free again; pay that was taken back for it is owed again, and administrators hear of it."""
    of_tip = await posted(tx, Account.TIPS, ledger_entry.c.source == f"refund-reserved:{row.id}")
    lost = await _stop_reversals(tx, row) if had_gone and row.from_cleaners_cents else 0
    of_business, of_cleaners = row.from_business_cents - of_tip + lost, row.from_cleaners_cents - lost
    put_by = _put_by(Burden(row.from_reserve_cents, of_business, of_cleaners), of_tip)
    contra = tuple(Posting(one.account, -one.cents) for one in put_by)
    await book(tx, _entry(row, EntryKind.REFUND_FAILED, f"refund-freed:{row.id}", contra, row.reason))
    tell_later(tx, NotificationKind.REFUND_FAILED, row.id)
    for alarm in (kind for kind, why in WITHOUT_RIGHT.items() if why == row.reason):
        await raise_alarm(tx, alarm, str(row.payment_id), {"cents": row.amount_cents, "then": BY_OFFICE})


async def _stop_reversals(tx: Tx, row: Row[Any]) -> int:
    """Reversals that nobody has begun are dropped; the others stand, and cleaners are owed what they took.

    What could not be taken back had become a loss of the business: so many cents are none any more.
    """
    async with tx.as_system(wholly=True):
        mine = await tx.all(select(payout.c.id).where(tx.own(payout), payout.c.payment_id == row.payment_id))
    subjects = [reversal_subject(row.id, one.id) for one in mine]
    for subject in subjects:
        await drop_planned(tx, OpKind.REVERSAL, subject, "The refund came back.")
    detail = {"refundId": str(row.id), "jobId": str(row.job_id), "mostCents": row.from_cleaners_cents}
    await raise_alarm(tx, CLEANERS_OWED, str(row.id), detail)
    sources = [f"refund-not-had:{row.id}", *(f"not-taken-back:{one}" for one in subjects)]
    return await posted(tx, Account.LOSSES, ledger_entry.c.source.in_(sources))


async def _take_back_pay(tx: Tx, row: Row[Any], paid: Row[Any]) -> None:
    """Plan to take back what cleaners bear; what they have no more becomes the business's loss (A35)."""
    if not row.from_cleaners_cents:
        return
    haves = await _pay_left(tx, paid)
    parts = taken_back(row.from_cleaners_cents, [left for _, left in haves])
    for (one, _), cents in zip(haves, parts, strict=True):
        if cents:
            await plan_reversal(tx, row.id, one, cents)
    missing = row.from_cleaners_cents - sum(parts)
    lost = (Posting(Account.LOSSES, missing), Posting(Account.RECEIVABLE, -missing))
    why = "The cleaners do not have it any more."
    await book(tx, _entry(row, EntryKind.ADJUSTMENT, f"refund-not-had:{row.id}", lost, why))


async def _pay_left(tx: Tx, paid: Row[Any]) -> Sequence[tuple[Row[Any], int]]:
    """The payouts of a payment that were transferred, locked, each with what could be taken back of it."""
    mine = (tx.own(payout), payout.c.payment_id == paid.id, payout.c.status.in_(LEFT_US))
    target = money_op.c.ask["target"].astext
    async with tx.as_system(wholly=True):
        rows = await tx.all(select(payout).where(*mine).order_by(payout.c.id).with_for_update())
        going = await tx.all(
            select(target.label("transfer"), money_op.c.ask["params"]["amount"].astext.label("cents")).where(
                tx.own(money_op),
                money_op.c.kind == OpKind.REVERSAL,
                money_op.c.state.in_(OPEN_OPS),
                target.in_([row.transfer_id for row in rows]),
            )
        )
    planned: dict[str, int] = {}
    for one in going:
        planned[one.transfer] = planned.get(one.transfer, 0) + int(one.cents)
    return [(row, _left(row, planned.get(row.transfer_id, 0))) for row in rows]


def _left(row: Row[Any], planned: int) -> int:
    """What is left of a payout; what it carries of other cleans is not for this one to take."""
    return int(max(0, row.amount_cents - row.carried_cents - row.reversed_cents - planned))


async def _promised(tx: Tx, paid: Row[Any]) -> int:
    """What other refunds that are on their way to the provider will take back of the same pay."""
    total = select(func.coalesce(func.sum(refund.c.from_cleaners_cents), 0))
    waiting = (tx.own(refund), refund.c.payment_id == paid.id, refund.c.status == RefundStatus.RESERVED)
    async with tx.as_system(wholly=True):
        return int(await tx.scalar(total.where(*waiting)))


def _put_by(parts: Burden, of_tip: int) -> tuple[Posting, ...]:
    total = of_tip + parts.reserve_cents + parts.business_cents + parts.cleaners_cents
    return (
        Posting(Account.TIPS, of_tip),
        Posting(Account.RESERVE, parts.reserve_cents),
        Posting(Account.LOSSES, parts.business_cents),
        Posting(Account.RECEIVABLE, parts.cleaners_cents),
        Posting(Account.REFUNDS_DUE, -total),
    )


def _entry(
    row: Row[Any],
    kind: EntryKind,
    source: str,
    postings: tuple[Posting, ...],
    reason: str | None,
    provider_id: str | None = None,
) -> Entry:
    return Entry(
        kind, source, row.currency, postings, row.job_id, row.payment_id, provider_id=provider_id, reason=reason
    )


def _id(thing: Any) -> str | None:
    """An id, whether the thing itself was asked for with it or not."""
    found = thing.get("id") if isinstance(thing, Mapping) else thing
    return None if found is None else str(found)
