"""Disputes: a customer's bank asks, or takes money back; frozen, booked, answered once, and ended (R153, R213).

An inquiry moves no money and freezes nothing. When the money is taken, what cleaners have not been paid yet waits, the
reserve bears the loss before the business does, and the proof of the clean is drawn up as an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, select

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import ADMINS
from domain.errors import PaymentState
from domain.events import Event, EventType
from domain.ids import DisputeId
from domain.notifications import NotificationKind
from domain.payments import asks
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.states import OPEN_DISPUTES, DisputeStatus
from domain.scheduling import PaymentStatus
from models import customer, dispute, ledger_entry, payment
from services.checks import text
from services.inputs import arg
from services.payments.accounts import ensure_provider
from services.payments.alarms import clear_about, raise_alarm
from services.payments.back import TO_REFUND, WITHOUT_RIGHT, count_back
from services.payments.evidence import LONGEST, draft_evidence
from services.payments.ledger import Entry, book, posted, reserve_left
from services.payments.ops import Step, marks, plan_op, standing_op
from services.payments.recording import Recording, finish_standing
from services.payments.state import hold_payment
from services.payments.telling import tell_later
from services.payments.unshared import unshared_tip
from services.payouts.holding import freeze_payouts, thaw_payouts

STRANGE = "dispute_of_nobody"
"""An alarm: a dispute about a charge that no payment of ours has."""
NOT_ANSWERED = "dispute_answer_refused"
"""An alarm: the provider did not take the answer to a dispute."""
REMIND_BEFORE = timedelta(hours=48)
_STATUS = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "warning_closed": DisputeStatus.CLOSED,
    "needs_response": DisputeStatus.NEEDS_RESPONSE,
    "under_review": DisputeStatus.UNDER_REVIEW,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "prevented": DisputeStatus.CLOSED,
    "charge_refunded": DisputeStatus.CLOSED,
}
_RANK = {DisputeStatus.INQUIRY: 0, DisputeStatus.NEEDS_RESPONSE: 1, DisputeStatus.UNDER_REVIEW: 2}
_OVER = 3


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    """What the customer's bank is told."""

    dispute_id: DisputeId = arg("A dispute that waits for an answer.")
    text: str | None = arg(
        f"The answer, at most {LONGEST} characters; the draft made of the clean's proof unless told.", default=None
    )


@command(*ADMINS, when_unpaid=True)
async def answer_dispute(tx: Tx, input: AnswerDispute) -> DisputeId:
    """Send the proof of a clean to the customer's bank. It can be done once, and not be taken back.

    Refused with PAYMENT_STATE where it is answered already, decided, or too late.
    """
    answer = text(input.text, "text", most=LONGEST)
    await ensure_provider(tx)
    async with tx.as_system(wholly=True):
        found = await tx.get(dispute, input.dispute_id, "disputeId")
        paid = await hold_payment(tx, found.payment_id)
        row = await tx.get(dispute, input.dispute_id, "disputeId", lock=True)
        await _ensure_open(tx, row)
        who = await tx.get(customer, row.customer_id)
    said = {
        "uncategorized_text": answer or row.draft,
        "customer_name": who.name,
        "customer_email_address": who.email,
        "product_description": "Cleaning of a home",
        "service_date": None if paid.captured_at is None else f"{paid.captured_at:%Y-%m-%d}",
    }
    subject = _subject(row)
    ours = {"dispute_id": row.id, "payment_id": row.payment_id, "customer_id": row.customer_id}
    op, evidence = new_id(), {name: value for name, value in said.items() if value}
    ask = asks.submit_dispute(row.provider_id, evidence=evidence, metadata=marks(tx, op, **ours))
    await plan_op(tx, Step(OpKind.DISPUTE_EVIDENCE, subject, ask, op, job=row.job_id))
    tx.audit("Dispute", row.id, detail={"status": row.status, "answered": True})
    return input.dispute_id


async def absorb_dispute(tx: Tx, thing: Mapping[str, Any]) -> None:
    """Apply the provider's dispute: forward only; again, late or out of order changes nothing."""
    charge = thing.get("charge")
    charge = charge["id"] if isinstance(charge, Mapping) else charge
    async with tx.as_system(wholly=True):
        found = await tx.one(select(payment.c.id).where(tx.own(payment), payment.c.charge_id == charge))
        if found is None:
            await raise_alarm(tx, STRANGE, str(thing["id"]), {"charge": charge, "amountCents": thing["amount"]})
            return
        paid = await hold_payment(tx, found.id)
        row = await _row_of(tx, thing, paid)
    await _book(tx, row, paid, thing)
    await _move(tx, row, paid, thing)


async def absorb_answer(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """The provider has taken the answer."""
    await absorb_dispute(tx, thing)


async def refuse_answer(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """The provider did not take it: administrators hear of it while there is still time."""
    detail = {"code": refusal.code, "message": refusal.message, "fault": fault.value}
    await raise_alarm(tx, NOT_ANSWERED, str(subject), detail)


DISPUTE_ANSWERS = Recording(absorb_answer, refuse_answer)


async def _ensure_open(tx: Tx, row: Row[Any]) -> None:
    waits = {DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE}
    is_late = row.due_by is not None and row.due_by <= tx.now
    is_sent = row.answered_at is not None or await standing_op(tx, OpKind.DISPUTE_EVIDENCE, _subject(row)) is not None
    if row.status not in waits or is_late or is_sent:
        words = "This dispute cannot be answered any more."
        raise PaymentState(words, field=("disputeId",), details={"status": row.status, "isAnswered": is_sent})


def _subject(row: Row[Any]) -> UUID:
    """What a step of answering is about: an inquiry that becomes a dispute can be answered anew."""
    return uuid5(row.id, "inquiry") if row.status == DisputeStatus.INQUIRY else row.id


async def _row_of(tx: Tx, thing: Mapping[str, Any], paid: Row[Any]) -> Row[Any]:
    """The dispute's row, locked; made, with its draft, where it is new."""
    found = select(dispute).where(tx.own(dispute), dispute.c.provider_id == thing["id"]).with_for_update()
    row = await tx.one(found)
    if row is not None:
        return row
    made = await tx.insert(
        dispute,
        payment_id=paid.id,
        job_id=paid.job_id,
        customer_id=paid.customer_id,
        status=DisputeStatus.INQUIRY.value,
        provider_id=str(thing["id"]),
        reason=str(thing.get("reason") or "general"),
        amount_cents=int(thing["amount"]),
        currency=paid.currency,
        due_by=_due(thing),
        draft=await draft_evidence(tx, paid),
        opened_at=datetime.fromtimestamp(thing["created"], UTC),
    )
    tell_later(tx, NotificationKind.DISPUTE_OPENED, made)
    if (due := _due(thing)) is not None:
        tell_later(tx, NotificationKind.DISPUTE_DUE, made, at=max(tx.now, due - REMIND_BEFORE))
    row = await tx.get(dispute, made, lock=True)
    _tell(tx, row)
    return row


async def _move(tx: Tx, row: Row[Any], paid: Row[Any], thing: Mapping[str, Any]) -> None:
    subject, before = _subject(row), DisputeStatus(row.status)
    status = _STATUS.get(str(thing["status"]), DisputeStatus.UNDER_REVIEW)
    if _RANK.get(status, _OVER) < _RANK.get(before, _OVER) or (before not in OPEN_DISPUTES and status != before):
        return
    is_escalated = before is DisputeStatus.INQUIRY and status is not DisputeStatus.INQUIRY
    answers = int((thing.get("evidence_details") or {}).get("submission_count") or 0)
    answered = (row.answered_at or tx.now) if answers else None if is_escalated else row.answered_at
    values: dict[str, Any] = {"status": status.value, "due_by": _due(thing) or row.due_by, "answered_at": answered}
    if status not in OPEN_DISPUTES:
        values["closed_at"] = row.closed_at or tx.now
    values["withdrawn_cents"] = await _withdrawn(tx, row)
    values["fee_cents"] = await _posted(tx, row, Account.FEES)
    if any(getattr(row, name) != value for name, value in values.items()):
        async with tx.as_system(wholly=True):
            await tx.change(dispute, row.id, **values)
            row = await tx.get(dispute, row.id)
        _tell(tx, row)
    if answers:
        await finish_standing(tx, OpKind.DISPUTE_EVIDENCE, subject, row.provider_id)
    paid = await count_back(tx, paid)
    if status is DisputeStatus.LOST and paid.status == PaymentStatus.REFUNDED:
        # What was to go back has gone, though not by a refund.
        await clear_about(tx, (TO_REFUND, *WITHOUT_RIGHT), str(paid.id))
    if status in {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW}:
        await freeze_payouts(tx, paid.id)
    elif status is not before and status not in OPEN_DISPUTES:
        if status is not DisputeStatus.LOST:
            await thaw_payouts(tx, paid.id)
        tell_later(tx, NotificationKind.DISPUTE_CLOSED, row.id)


async def _book(tx: Tx, row: Row[Any], paid: Row[Any], thing: Mapping[str, Any]) -> None:
    """Each movement of the dispute's money is booked once, with the fee as the provider says."""
    for moved in thing.get("balance_transactions") or ():
        amount, fee = int(moved["amount"]), int(moved.get("fee") or 0)
        is_loss = amount < 0
        against = await (_loss(tx, row, paid, -amount) if is_loss else _gain(tx, row, amount))
        entry = Entry(
            EntryKind.DISPUTE if is_loss else EntryKind.DISPUTE_WON,
            f"dispute:{row.provider_id}:{moved['id']}",
            row.currency,
            (Posting(Account.CASH, amount - fee), Posting(Account.FEES, fee), *against),
            row.job_id,
            paid.id,
            provider_id=str(moved["id"]),
            reason=row.reason,
        )
        await book(tx, entry)


async def _loss(tx: Tx, row: Row[Any], paid: Row[Any], cents: int) -> tuple[Posting, ...]:
    """What the bank took: a tip that was nobody's, then of the reserve, then the business's own (A13, A34)."""
    of_tip = min(cents, await unshared_tip(tx, paid))
    of_reserve = min(cents - of_tip, max(0, await reserve_left(tx, row.currency)))
    parts = {Account.TIPS: of_tip, Account.RESERVE: of_reserve, Account.LOSSES: cents - of_tip - of_reserve}
    return tuple(Posting(account, part) for account, part in parts.items())


async def _gain(tx: Tx, row: Row[Any], cents: int) -> tuple[Posting, ...]:
    """What came back: the business's own first, as far as it bore it; then the tip, then the reserve."""
    of_business = min(cents, max(0, await _posted(tx, row, Account.LOSSES)))
    of_tip = min(cents - of_business, max(0, await _posted(tx, row, Account.TIPS)))
    parts = {Account.LOSSES: of_business, Account.TIPS: of_tip, Account.RESERVE: cents - of_business - of_tip}
    return tuple(Posting(account, -part) for account, part in parts.items())


async def _withdrawn(tx: Tx, row: Row[Any]) -> int:
    """What the bank has of it now, in cents."""
    return max(0, sum([await _posted(tx, row, one) for one in (Account.LOSSES, Account.RESERVE, Account.TIPS)]))


async def _posted(tx: Tx, row: Row[Any], account: Account) -> int:
    """What the dispute has moved on an account, in cents, debit positive."""
    return await posted(tx, account, ledger_entry.c.source.like(f"dispute:{row.provider_id}:%"))


def _due(thing: Mapping[str, Any]) -> datetime | None:
    at = (thing.get("evidence_details") or {}).get("due_by")
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _tell(tx: Tx, now: Row[Any]) -> None:
    tx.audit("Dispute", now.id, detail={"status": now.status, "amountCents": now.amount_cents})
    card = {
        "id": str(now.id),
        "payment_id": str(now.payment_id),
        "job_id": None if now.job_id is None else str(now.job_id),
        "status": now.status,
        "amount_cents": now.amount_cents,
        "currency": now.currency,
        "due_by": None if now.due_by is None else now.due_by.isoformat(),
        "version": now.version,
    }
    tx.emit(Event(EventType.DISPUTE_CHANGED, "Dispute", now.id, card))
