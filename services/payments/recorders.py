"""What each kind of step means for our rows: the one table of recorders.

Importing this module makes them known: whoever records steps takes the commands from here.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db.tx import Tx
from domain.payments.ops import OpKind
from domain.payments.outcomes import Fault, Refusal
from domain.payments.states import PaymentKind
from services.billing import choosing, second
from services.payments.absorbing import absorb_intent, refused_confirm, refused_intent, refused_release
from services.payments.captures import FOLLOWS, refused_capture
from services.payments.cards import (
    absorb_method,
    absorb_setup,
    refused_method,
    refused_setup,
    save_methods_of,
)
from services.payments.customers import keep_provider_id, know_customer, whose_step
from services.payments.disputes import DISPUTE_ANSWERS
from services.payments.intents import go_on_for
from services.payments.invoices import invoice_captured
from services.payments.recording import RECORDERS, NoteAbsent, Recording, RecordOp, note_absent, record_op
from services.payments.refunding import REFUNDS
from services.payouts.recording import TRANSFERS
from services.payouts.reversals import REVERSALS
from services.payouts.tips import tip_captured


async def absorb_customer(tx: Tx, subject: UUID, thing: Mapping[str, Any]) -> None:
    """The customer is known at the provider: what waited for that goes on (R44)."""
    whose = await whose_step(tx, subject)
    await keep_provider_id(tx, whose, str(thing["id"]))
    await save_methods_of(tx, whose)
    await go_on_for(tx, whose)


async def refused_customer(tx: Tx, subject: UUID, refusal: Refusal, fault: Fault) -> None:
    """Never done: once more. Everything else is ours, and an alarm stands."""
    if fault is Fault.RETRY:
        await know_customer(tx, await whose_step(tx, subject))


RECORDERS |= {
    OpKind.CUSTOMER: Recording(absorb_customer, refused_customer),
    OpKind.METHOD: Recording(absorb_method, refused_method),
    OpKind.METHOD_GONE: Recording(absorb_method, refused_method),
    OpKind.SETUP: Recording(absorb_setup, refused_setup),
    OpKind.INTENT: Recording(absorb_intent, refused_intent),
    OpKind.CONFIRM: Recording(absorb_intent, refused_confirm),
    OpKind.CAPTURE: Recording(absorb_intent, refused_capture),
    OpKind.RELEASE: Recording(absorb_intent, refused_release),
    OpKind.REFUND: REFUNDS,
    OpKind.DISPUTE_EVIDENCE: DISPUTE_ANSWERS,
    OpKind.TRANSFER: TRANSFERS,
    OpKind.REVERSAL: REVERSALS,
    OpKind.PLAN_CUSTOMER: choosing.PLAN_CUSTOMER,
    OpKind.PLAN_CHECKOUT: choosing.PLAN_CHECKOUT,
    OpKind.PLAN_CHANGE: choosing.PLAN_CHANGE,
    OpKind.PLAN_REFUND: second.PLAN_REFUND,
}

FOLLOWS[PaymentKind.TIP] = tip_captured
FOLLOWS[PaymentKind.INVOICE] = invoice_captured

__all__ = ["RECORDERS", "NoteAbsent", "RecordOp", "note_absent", "record_op"]
