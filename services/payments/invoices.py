"""Invoices: numbered without a gap, issued, paid online, or the receipt of what a card has paid (R180, R181, R206).

A clean is invoiced once, and whatever a card pays for is never asked for again: who locks the job sees it.

With payments and refunds they are a customer's billing history (R207).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.errors import AlreadyExists, Conflict, Invalid, PaymentState
from domain.events import Event, EventType
from domain.ids import CustomerId, InvoiceId, JobId, PaymentMethodId
from domain.money import LEAST_CHARGE_CENTS, MOST_CENTS, ensure_cents
from domain.notifications import NotificationKind
from domain.payments.states import INVOICE_TRANSITIONS, InvoiceStatus, MethodStatus, PaymentKind
from domain.scheduling import JobStatus, PaymentStatus, ensure_transition
from models import customer, invoice, job, payment, payment_method
from services.checks import text
from services.inputs import arg
from services.payments.accounts import ensure_provider
from services.payments.back import PAID_TWICE
from services.payments.cards import page
from services.payments.holds import hold_now
from services.payments.intents import OVER, default_method, go_on
from services.payments.refunds import give_back
from services.payments.state import current_payment, tell_payment
from services.payments.telling import tell_later
from services.payouts.creation import earn
from services.policies import tenant_policy

MOST_LINES = 100
ONE_DAY, LONGEST_DUE = timedelta(days=1), timedelta(days=366)
MOST_QUANTITY = 1_000
_NUMBERS_LOCK = 5_302
_PAID = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED})


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One thing that is asked for."""

    label: str = arg("What it is; at most 200 characters.")
    unit_cents: int = arg("What one costs, in cents.")
    quantity: int = arg(f"How many, 1 to {MOST_QUANTITY}.", default=1)


@dataclass(frozen=True, slots=True)
class CreateInvoice:
    """What a customer is to be asked for, or the receipt of a clean that a card has paid for."""

    customer_id: CustomerId = arg("Who it is for.")
    lines: list[InvoiceLine] = arg(f"What for, at most {MOST_LINES}; none for a clean at its price.")
    job_id: JobId | None = arg("The clean that it is about; each is invoiced once.", default=None)
    due_on: date | None = arg(
        "Until when it is to be paid; not a day that is over, and at most a year ahead.", default=None
    )


@dataclass(frozen=True, slots=True)
class IssueInvoice:
    """A draft that the customer is to get."""

    invoice_id: InvoiceId = arg("A draft.")


@dataclass(frozen=True, slots=True)
class VoidInvoice:
    """An invoice that is not to be paid."""

    invoice_id: InvoiceId = arg("A draft, or one that is open and is not being paid.")
    reason: str = arg("Why, for the audit log; at most 500 characters.")


@dataclass(frozen=True, slots=True)
class PayInvoice:
    """An invoice that its customer pays by card."""

    invoice_id: InvoiceId = arg("One of your open invoices.")
    payment_method_id: PaymentMethodId | None = arg("Which of your saved cards; the default unless told.", default=None)
    return_url: str | None = arg(
        "The page to come back to if the bank wants you to confirm; without one such a card is declined.", default=None
    )


@command(*ADMINS)
async def create_invoice(tx: Tx, input: CreateInvoice) -> InvoiceId:
    """Draw up an invoice; a clean that was paid by card gets its receipt, which is paid from the first (R180).

    Refused with ALREADY_EXISTS where the clean is invoiced already, with PAYMENT_STATE while its card is being asked.
    """
    who = await tx.get(customer, input.customer_id, "customerId")
    clean = None if input.job_id is None else await tx.get(job, input.job_id, "jobId", lock=True)
    if clean is not None and clean.customer_id != who.id:
        raise Invalid("This is another customer's clean.", field=("jobId",))
    if clean is not None and await _is_invoiced(tx, clean):
        raise AlreadyExists("This clean is invoiced already.", field=("jobId",))
    paid = None if clean is None else await _paid_by_card(tx, clean)
    _ensure_due(tx, input.due_on)
    lines = _receipt(clean, paid) if clean is not None and paid is not None else _lines(input.lines, clean)
    currency = clean.currency if clean is not None and clean.currency else (await tenant_policy(tx)).pay.currency
    total = sum(line["total_cents"] for line in lines)
    if total > MOST_CENTS:
        raise Invalid("This is more than one invoice can be about.", field=("lines",))
    row = {
        "customer_id": who.id,
        "job_id": input.job_id,
        "number": await _next_number(tx),
        "status": (InvoiceStatus.DRAFT if paid is None else InvoiceStatus.PAID).value,
        "currency": currency,
        "lines": lines,
        "total_cents": total,
        "paid_cents": 0 if paid is None else total,
        "due_on": input.due_on,
        "issued_at": None if paid is None else tx.now,
        "paid_at": None if paid is None else paid.captured_at,
        "created_at": tx.now,
    }
    made = await tx.insert(invoice, **row)
    _tell(tx, await tx.get(invoice, made))
    if paid is not None:
        tell_later(tx, NotificationKind.INVOICE_ISSUED, made)
    return InvoiceId(made)


@command(*ADMINS)
async def issue_invoice(tx: Tx, input: IssueInvoice) -> InvoiceId:
    """Give a draft to its customer, who can pay it online from now on (R180, R181); its clean's card is not asked then.

    Refused with PAYMENT_STATE where the clean was paid meanwhile, or its card is being asked.
    """
    clean, row = await _locked(tx, input.invoice_id)
    if clean is not None and await _paid_by_card(tx, clean) is not None:
        raise PaymentState("This clean was paid already.", field=("invoiceId",))
    await _move(tx, row, InvoiceStatus.OPEN, issued_at=tx.now)
    tell_later(tx, NotificationKind.INVOICE_ISSUED, row.id)
    return input.invoice_id


@command(*ADMINS)
async def void_invoice(tx: Tx, input: VoidInvoice) -> InvoiceId:
    """Take an invoice back; its number stays taken, and its clean's card is asked again in its time.

    Refused with PAYMENT_STATE while it is being paid.
    """
    reason = text(input.reason, "reason", most=500)
    clean, row = await _locked(tx, input.invoice_id)
    await _ensure_not_being_paid(tx, row)
    await _move(tx, row, InvoiceStatus.VOID)
    tx.audit("Invoice", row.id, reason=reason)
    if clean is not None:
        await hold_now(tx, clean.id)
    return input.invoice_id


@command(Role.CUSTOMER, when_unpaid=True)
async def pay_invoice(tx: Tx, input: PayInvoice) -> InvoiceId:
    """Pay an open invoice with a saved card, at once (R181, R206).

    Refused with PAYMENT_STATE where it is not open, is being paid, or its clean was paid otherwise meanwhile.
    """
    back = None if input.return_url is None else page(input.return_url, "returnUrl")
    found = await tx.get(invoice, input.invoice_id, "invoiceId")
    await ensure_provider(tx)
    method = await _card(tx, input.payment_method_id)
    async with tx.as_system(wholly=True):
        clean = None if found.job_id is None else await tx.get(job, found.job_id, lock=True)
        row = await tx.get(invoice, found.id, lock=True)
        if row.status != InvoiceStatus.OPEN:
            raise PaymentState("This invoice is not open.", field=("invoiceId",), details={"status": row.status})
        if clean is not None and await _paid_by_card(tx, clean) is not None:
            raise PaymentState("This clean was paid already.", field=("invoiceId",))
        await _ensure_not_being_paid(tx, row)
        made = await tx.insert(
            payment,
            customer_id=row.customer_id,
            job_id=row.job_id,
            invoice_id=row.id,
            method_id=method.id,
            kind=PaymentKind.INVOICE.value,
            status=PaymentStatus.PENDING.value,
            currency=row.currency,
            amount_cents=row.total_cents,
            return_url=back,
            created_at=tx.now,
        )
        asked = await tx.get(payment, made)
        await go_on(tx, asked)
    tell_payment(tx, asked)
    return input.invoice_id


async def invoice_captured(tx: Tx, paid: Row[Any]) -> None:
    """The provider has taken the money of an invoice: it is paid, and so is who did the clean that it is for (R154).

    Of one that was paid or void before it goes back.
    """
    async with tx.as_system(wholly=True):
        row = await tx.get(invoice, paid.invoice_id, lock=True)
        if row.status == InvoiceStatus.OPEN:
            await _move(tx, row, InvoiceStatus.PAID, paid_cents=paid.captured_cents, paid_at=tx.now)
            await earn(tx, paid)
            return
    await give_back(tx, paid, PAID_TWICE, invoice=str(row.id))


async def _locked(tx: Tx, id: InvoiceId) -> tuple[Row[Any] | None, Row[Any]]:
    """The clean of an invoice, if it is about one, and the invoice: locked in the order in which all lock them."""
    found = await tx.get(invoice, id, "invoiceId")
    clean = None if found.job_id is None else await tx.get(job, found.job_id, lock=True)
    return clean, await tx.get(invoice, found.id, lock=True)


async def void_invoices(tx: Tx, paid: Row[Any]) -> None:
    """A card has paid for a clean: what was given to its customer just before asks for nothing any more (R180)."""
    asking = select(invoice).where(
        tx.own(invoice), invoice.c.job_id == paid.job_id, invoice.c.status == InvoiceStatus.OPEN
    )
    async with tx.as_system(wholly=True):
        for row in await tx.all(asking.order_by(invoice.c.id).with_for_update()):
            await _move(tx, row, InvoiceStatus.VOID)
            tx.audit("Invoice", row.id, reason="Its clean was paid by card.")


def _lines(given: Sequence[InvoiceLine], clean: Row[Any] | None) -> list[dict[str, Any]]:
    if not given and clean is not None and clean.price_cents is not None:
        return [_line(f"Cleaning on {clean.starts_at:%Y-%m-%d}", 1, clean.price_cents)]
    if not 0 < len(given) <= MOST_LINES:
        raise Invalid(f"An invoice has 1 to {MOST_LINES} lines.", field=("lines",))
    lines = [
        _line(
            _label(one.label, place),
            ensure_cents(one.quantity, ("lines", str(place), "quantity"), 1, MOST_QUANTITY),
            ensure_cents(one.unit_cents, ("lines", str(place), "unitCents")),
        )
        for place, one in enumerate(given)
    ]
    if sum(line["total_cents"] for line in lines) < LEAST_CHARGE_CENTS:
        raise Invalid(f"An invoice is about {LEAST_CHARGE_CENTS} cents at least.", field=("lines",))
    return lines


def _ensure_due(tx: Tx, day: date | None) -> None:
    """By any clock on earth: an invoice belongs to no market."""
    if day is not None and not -ONE_DAY <= day - tx.now.date() <= LONGEST_DUE:
        raise Invalid("This day is over, or more than a year ahead.", field=("dueOn",))


def _label(said: str, place: int) -> str:
    try:
        return text(said, "label", most=200)
    except Invalid as refusal:
        raise Invalid(refusal.message, field=("lines", str(place), "label")) from None


def _receipt(clean: Row[Any], paid: Row[Any]) -> list[dict[str, Any]]:
    """What a card has paid for a clean, with the tip that was in it."""
    service = paid.captured_cents - min(paid.tip_cents, paid.captured_cents)
    lines = [_line(f"Cleaning on {clean.starts_at:%Y-%m-%d}", 1, service)]
    return [*lines, _line("Tip", 1, paid.captured_cents - service)] if service < paid.captured_cents else lines


def _line(label: str, quantity: int, unit_cents: int) -> dict[str, Any]:
    return {"label": label, "quantity": quantity, "unit_cents": unit_cents, "total_cents": quantity * unit_cents}


async def _paid_by_card(tx: Tx, clean: Row[Any]) -> Row[Any] | None:
    """The payment that a clean was paid with, if it was. Raises `PaymentState` while its card is being asked."""
    row = await current_payment(tx, clean.id)
    if row is None or row.status in {PaymentStatus.RELEASED, PaymentStatus.EXPIRED, PaymentStatus.REFUNDED}:
        return None
    if row.status in _PAID:
        return row
    if row.status == PaymentStatus.FAILED and clean.status == JobStatus.COMPLETED and row.next_attempt_at is None:
        return None
    raise PaymentState("The card for this clean is being asked.", field=("jobId",), details={"status": row.status})


async def _is_invoiced(tx: Tx, clean: Row[Any]) -> bool:
    standing = (tx.own(invoice), invoice.c.job_id == clean.id, invoice.c.status != InvoiceStatus.VOID)
    return await tx.one(select(invoice.c.id).where(*standing).limit(1)) is not None


async def _next_number(tx: Tx) -> int:
    """The next number of the business: who draws up another at the same time waits."""
    await tx.scalar(select(func.pg_advisory_xact_lock(_NUMBERS_LOCK, func.hashtext(str(tx.actor.tenant)))))
    last = await tx.scalar(select(func.coalesce(func.max(invoice.c.number), 0)).where(tx.own(invoice)))
    return int(last) + 1


async def _ensure_not_being_paid(tx: Tx, row: Row[Any]) -> None:
    open_payment = select(payment.c.id).where(
        tx.own(payment),
        payment.c.invoice_id == row.id,
        payment.c.status.not_in([*OVER, PaymentStatus.FAILED]),
        payment.c.let_go.is_(None),
    )
    async with tx.as_system(wholly=True):
        if await tx.one(open_payment.limit(1)) is not None:
            raise PaymentState("This invoice is being paid.", field=("invoiceId",), details={"status": row.status})


async def _card(tx: Tx, id: PaymentMethodId | None) -> Row[Any]:
    if id is None:
        found = await default_method(tx, tx.actor.person)
        if found is None:
            raise Invalid("Save a card first.", field=("paymentMethodId",))
        return found
    row = await tx.get(payment_method, id, "paymentMethodId")
    if row.status != MethodStatus.ACTIVE:
        raise Conflict("This card cannot be charged.", field=("paymentMethodId",), details={"status": row.status})
    return row


async def _move(tx: Tx, row: Row[Any], status: InvoiceStatus, **values: Any) -> None:
    ensure_transition(INVOICE_TRANSITIONS, InvoiceStatus(row.status), status)
    async with tx.as_system(wholly=True):
        await tx.change(invoice, row.id, status=status.value, **values)
        _tell(tx, await tx.get(invoice, row.id))


def _tell(tx: Tx, now: Row[Any]) -> None:
    tx.audit("Invoice", now.id, detail={"status": now.status, "number": now.number, "totalCents": now.total_cents})
    card = {
        "id": str(now.id),
        "number": now.number,
        "status": now.status,
        "customer_id": str(now.customer_id),
        "job_id": None if now.job_id is None else str(now.job_id),
        "total_cents": now.total_cents,
        "paid_cents": now.paid_cents,
        "currency": now.currency,
        "version": now.version,
    }
    tx.emit(Event(EventType.INVOICE_CHANGED, "Invoice", now.id, card, (now.customer_id,)))
