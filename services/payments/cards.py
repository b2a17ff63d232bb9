"""Saved cards, each with the agreement that later charges stand on (R38, R264).

Nothing of a card is kept here but what people know it by; the provider has the rest. Cards mandates need no paper: who
agreed to which text, when and from where is kept with the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Row, select, update

from db.command import command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.consent import card_consent_text, ensure_consent
from domain.errors import AlreadyExists, Conflict, Invalid, PaymentState
from domain.ids import PaymentMethodId
from domain.payments import asks
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal, words_for_customer
from domain.payments.states import MethodStatus
from domain.scheduling import PaymentStatus
from models import payment, payment_method, tenant
from services.checks import text
from services.inputs import arg
from services.payments.accounts import ensure_provider, has_provider
from services.payments.customers import know_customer
from services.payments.ops import Step, drop_planned, marks, plan_op

STANDS = (
    PaymentStatus.PENDING,
    PaymentStatus.AUTHORIZED,
    PaymentStatus.CAPTURE_PENDING,
    PaymentStatus.REQUIRES_ACTION,
)
"""A card is not taken off while a payment in these states is on it."""
MOST_CARDS = 10
LONGEST_URL = 500
NOT_KEPT = "This card could not be saved."


@dataclass(frozen=True, slots=True)
class Consent:
    """What a customer agreed to when a card was given."""

    version: str
    text: str
    usage: str = "unscheduled"
    """recurring for a fixed interval, unscheduled for cleans of varying date or price."""
    address: str = ""
    """The network address that it came from."""


@dataclass(frozen=True, slots=True)
class AddPaymentMethod:
    """A card for later charges, and the consent to them."""

    method: str = arg("What the provider's own card field handed out, pm_; card numbers never come here.")
    consent_version: str = arg("Which text about later charges was shown and agreed to: the one in force.")
    return_url: str = arg("The page to come back to if the bank wants the customer to confirm.")
    is_recurring: bool = arg("Whether it is for cleans at a fixed interval.", default=False)


@dataclass(frozen=True, slots=True)
class RemovePaymentMethod:
    """A card that is not to be charged any more."""

    payment_method_id: PaymentMethodId = arg("One of your cards.")


@dataclass(frozen=True, slots=True)
class SetDefaultPaymentMethod:
    """The card that is charged unless another is named."""

    payment_method_id: PaymentMethodId = arg("One of your cards, saved already.")


@command(Role.CUSTOMER, when_unpaid=True)
async def add_payment_method(tx: Tx, input: AddPaymentMethod) -> PaymentMethodId:
    """Save a card for later charges, with the agreement to them (R38, R264); once saved it is the default.

    What was agreed to is the text in force, `bookingForm { consentVersion cardConsentText }`; without that nothing is
    saved. Where the bank wants the customer to confirm, `actionUrl` says where.
    """
    await ensure_provider(tx)
    usage = "recurring" if input.is_recurring else "unscheduled"
    version = ensure_consent(input.consent_version)
    business = await tx.scalar(select(tenant.c.name).where(tx.own(tenant)))
    consent = Consent(version, card_consent_text(business, version), usage, tx.origin.address)
    return await keep_method(tx, tx.actor.person, input.method, consent, page(input.return_url, "returnUrl"))


@command(Role.CUSTOMER, when_unpaid=True)
async def remove_payment_method(tx: Tx, input: RemovePaymentMethod) -> PaymentMethodId:
    """Take a card off. Refused with PAYMENT_STATE while a clean is held on it, or being paid with it."""
    row = await tx.get(payment_method, input.payment_method_id, "paymentMethodId")
    async with tx.as_system(wholly=True):
        row = await tx.get(payment_method, row.id, "paymentMethodId", lock=True)
        if row.status == MethodStatus.DETACHED:
            return input.payment_method_id
        await _ensure_free(tx, row)
        await tx.change(payment_method, row.id, status=MethodStatus.DETACHED, is_default=False)
        await drop_planned(tx, OpKind.SETUP, row.id, "removed")
        if row.status == MethodStatus.ACTIVE:
            await _detach(tx, row)
            await _another_default(tx, row.customer_id)
    tx.audit("PaymentMethod", row.id)
    return input.payment_method_id


@command(Role.CUSTOMER, when_unpaid=True)
async def set_default_payment_method(tx: Tx, input: SetDefaultPaymentMethod) -> PaymentMethodId:
    """Have this card charged from now on; what is held already stays where it is."""
    row = await tx.get(payment_method, input.payment_method_id, "paymentMethodId")
    if row.status != MethodStatus.ACTIVE:
        raise PaymentState("This card is not saved yet.", field=("paymentMethodId",), details={"status": row.status})
    async with tx.as_system(wholly=True):
        await _make_default(tx, row)
    tx.audit("PaymentMethod", row.id)
    return input.payment_method_id


async def keep_method(
    tx: Tx, customer_id: UUID, method: str, consent: Consent, return_url: str | None
) -> PaymentMethodId:
    """Write down a card with its consent, and have it saved at the provider; with `return_url` None the first payment
    saves it. Raises `Invalid` without consent.
    """
    values: dict[str, Any] = {
        "method_id": _method_id(method),
        "consent_version": text(consent.version, "consentVersion", most=40),
        "consent_text": text(consent.text, "consentText", most=5000),
        "usage": consent.usage,
    }
    values |= {"consented_at": tx.now, "consent_address": consent.address or None, "return_url": return_url}
    async with tx.as_system(wholly=True):
        known = await _known(tx, customer_id, method)
        if known is None:
            fresh = {"customer_id": customer_id, "status": MethodStatus.PENDING.value, "created_at": tx.now}
            made = await tx.insert(payment_method, **fresh, **values)
        else:
            made = await _once_more(tx, known, values)
        if return_url is not None and (known is None or known.status != MethodStatus.ACTIVE):
            await save_method(tx, await tx.get(payment_method, made))
    tx.audit("PaymentMethod", made, detail={"consent": consent.version})
    return PaymentMethodId(made)


async def save_method(tx: Tx, row: Row[Any]) -> None:
    """Have a card saved: the customer agrees to later charges without a payment now."""
    who = await know_customer(tx, row.customer_id)
    if who is None:
        return
    op = new_id()
    ask = asks.create_setup(
        customer=who,
        usage=row.usage,
        metadata=marks(tx, op, payment_method_id=row.id, customer_id=row.customer_id),
        method=row.method_id,
        return_url=row.return_url,
    )
    await plan_op(tx, Step(OpKind.SETUP, row.id, ask, op))


async def save_methods_of(tx: Tx, customer_id: UUID) -> None:
    """Have the cards saved that waited for the customer to be made known."""
    async with tx.as_system(wholly=True):
        rows = await tx.all(
            select(payment_method).where(
                tx.own(payment_method),
                payment_method.c.customer_id == customer_id,
                payment_method.c.status == MethodStatus.PENDING,
                payment_method.c.return_url.is_not(None),
            )
        )
    for row in rows:
        await save_method(tx, row)


async def absorb_setup(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """What the provider says of the agreement to a card; forward only."""
    row = await _hold(tx, subject)
    status, method = thing.get("status"), thing.get("payment_method")
    if status == "succeeded" and method is not None:
        await activate(tx, row, method)
    elif row.status != MethodStatus.PENDING:
        return
    elif status == "requires_action":
        url = ((thing.get("next_action") or {}).get("redirect_to_url") or {}).get("url")
        await _change(tx, row, action_url=url)
    elif thing.get("last_setup_error"):
        await _fail(tx, row, thing["last_setup_error"].get("message"))


async def refused_setup(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """A card that its bank would not have kept is not saved; the customer is told in plain words."""
    row = await _hold(tx, subject)
    if row.status != MethodStatus.PENDING:
        return
    if fault is Fault.RETRY:
        await save_method(tx, row)
    else:
        await _fail(tx, row, words_for_customer(refusal) if fault is Fault.DECLINED else NOT_KEPT)


async def not_kept(tx: Tx, method_id: UUID | None, words: str) -> None:
    """The payment that was to save a card for later has come to nothing (R49), and so has the card."""
    if method_id is None:
        return
    row = await _hold(tx, method_id)
    if row.status == MethodStatus.PENDING:
        await _fail(tx, row, words)


async def absorb_method(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """What the provider says of the card itself: whose it is, and what people know it by."""
    row = await _hold(tx, subject)
    if thing.get("customer") is None:
        if row.status == MethodStatus.ACTIVE:
            await _change(tx, row, status=MethodStatus.DETACHED, is_default=False)
            await _another_default(tx, row.customer_id)
        return
    if row.status == MethodStatus.DETACHED:
        await _detach(tx, row)
    else:
        await activate(tx, row, thing)


async def refused_method(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """A card that cannot be taken off is off already; nothing of it is charged by us any more."""


async def activate(tx: Tx, row: Row[Any], method: Mapping[str, Any] | str) -> None:
    """The card is saved: it is the default from now on. One that was taken off meanwhile is taken off there as well."""
    known = {"method_id": method} if isinstance(method, str) else {"method_id": method["id"], **_face(method)}
    if row.status == MethodStatus.DETACHED:
        await _change(tx, row, method_id=known["method_id"])
        await _detach(tx, await _hold(tx, row.id))
        return
    is_new = row.status != MethodStatus.ACTIVE
    await _change(tx, row, status=MethodStatus.ACTIVE, action_url=None, failure=None, **known)
    if is_new:
        await _make_default(tx, row)
        tx.later("use_new_card", {"customer": str(row.customer_id), "method": str(row.id)}, dedupe_key=f"card:{row.id}")


def page(url: str, field: str) -> str:
    """The address of a page to come back to; `Invalid` unless it is one of the web's."""
    said = text(url, field, most=LONGEST_URL)
    parts = urlsplit(said)
    if parts.scheme not in {"https", "http"} or not parts.netloc or "@" in parts.netloc:
        raise Invalid("This must be the address of a page, https://.", field=(field,))
    return said


def _method_id(method: str) -> str:
    said = text(method, "method", most=255)
    if not said.startswith("pm_") or not all(sign.isascii() and (sign.isalnum() or sign == "_") for sign in said):
        raise Invalid("This is not what the provider's card field hands out.", field=("method",))
    return said


def _face(method: Mapping[str, Any]) -> dict[str, Any]:
    """What people know a card by."""
    card = method.get("card") or {}
    face = {"brand": card.get("brand"), "last4": card.get("last4")}
    face |= {"expires_month": card.get("exp_month"), "expires_year": card.get("exp_year")}
    return {name: value for name, value in face.items() if value is not None}


async def _once_more(tx: Tx, known: Row[Any], values: Mapping[str, Any]) -> UUID:
    """A card that was given before: one that is saved stays so, one that was not is tried again."""
    again: dict[str, Any] = {"status": MethodStatus.PENDING.value, "failure": None}
    await tx.change(payment_method, known.id, **values, **({} if known.status == MethodStatus.ACTIVE else again))
    made: UUID = known.id
    return made


async def _known(tx: Tx, customer_id: UUID, method: str) -> Row[Any] | None:
    """The customer's own card of this id, where it may be given again; `AlreadyExists` where it may not."""
    rows = await tx.all(
        select(payment_method).where(
            tx.own(payment_method),
            (payment_method.c.customer_id == customer_id) | (payment_method.c.method_id == method),
        )
    )
    same = next((row for row in rows if row.method_id == method), None)
    if same is not None:
        if same.customer_id != customer_id or same.status == MethodStatus.DETACHED:
            raise AlreadyExists("This card was given before.", field=("method",))
        return same
    if sum(row.status in {MethodStatus.PENDING, MethodStatus.ACTIVE} for row in rows) >= MOST_CARDS:
        raise Conflict(f"At most {MOST_CARDS} cards are kept; take one off first.", field=("method",))
    return None


async def _ensure_free(tx: Tx, row: Row[Any]) -> None:
    on_it = select(payment.c.id).where(
        tx.own(payment), payment.c.method_id == row.id, payment.c.status.in_(STANDS), payment.c.let_go.is_(None)
    )
    if await tx.one(on_it.limit(1)) is not None:
        raise PaymentState("A clean is being paid with this card.", field=("paymentMethodId",))


async def _detach(tx: Tx, row: Row[Any]) -> None:
    """Have a card taken off at the provider; where the business has left its account nobody charges it there."""
    if await has_provider(tx):
        await plan_op(tx, Step(OpKind.METHOD_GONE, row.id, asks.detach_method(row.method_id)))


async def _another_default(tx: Tx, customer_id: UUID) -> None:
    left = select(payment_method).where(
        tx.own(payment_method),
        payment_method.c.customer_id == customer_id,
        payment_method.c.status == MethodStatus.ACTIVE,
    )
    async with tx.as_system(wholly=True):
        rows = await tx.all(left.order_by(payment_method.c.is_default.desc(), payment_method.c.id.desc()))
        if rows and not rows[0].is_default:
            await tx.change(payment_method, rows[0].id, is_default=True)


async def _make_default(tx: Tx, row: Row[Any]) -> None:
    async with tx.as_system(wholly=True):
        await tx.write(
            update(payment_method)
            .where(
                tx.own(payment_method),
                payment_method.c.customer_id == row.customer_id,
                payment_method.c.is_default,
                payment_method.c.id != row.id,
            )
            .values(is_default=False, version=payment_method.c.version + 1)
        )
        await tx.change(payment_method, row.id, is_default=True)


async def _fail(tx: Tx, row: Row[Any], words: str | None) -> None:
    await _change(tx, row, status=MethodStatus.FAILED, failure=words or NOT_KEPT, action_url=None)


async def _hold(tx: Tx, id: UUID) -> Row[Any]:
    async with tx.as_system(wholly=True):
        return await tx.get(payment_method, id, "paymentMethodId", lock=True)


async def _change(tx: Tx, row: Row[Any], **values: Any) -> None:
    async with tx.as_system(wholly=True):
        await tx.change(payment_method, row.id, **values)
