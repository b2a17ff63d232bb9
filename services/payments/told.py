"""What a notice of the provider's is about, found among our rows: payments, charges and cards (R179).

By the provider's own id where we have it, else by the marks that we gave it. What bears another business's mark is left
alone.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from db.tx import Tx
from models import payment, payment_method
from services.payments.absorbing import absorb_intent
from services.payments.cards import absorb_method, absorb_setup
from services.payments.intents import read_later


async def told_intent(tx: Tx, thing: Mapping[str, Any]) -> None:
    """A payment, as the provider has it now."""
    found = await _payment(tx, payment.c.intent_id == thing["id"]) or await _marked(tx, thing, "payment_id")
    if found is not None:
        await absorb_intent(tx, found, thing)


async def told_charge(tx: Tx, thing: Mapping[str, Any]) -> None:
    """A charge: its payment is read whole, because a charge alone does not tell how that stands."""
    intent = thing.get("payment_intent")
    id = intent.get("id") if isinstance(intent, Mapping) else intent
    found = None if id is None else await _payment(tx, payment.c.intent_id == id)
    if found is not None:
        read_later(tx, found)


async def told_setup(tx: Tx, thing: Mapping[str, Any]) -> None:
    """The agreement to a card."""
    found = await _marked(tx, thing, "payment_method_id")
    if found is not None:
        await absorb_setup(tx, found, thing)


async def told_method(tx: Tx, thing: Mapping[str, Any]) -> None:
    """A card: saved, taken off, or replaced by its bank."""
    mine = select(payment_method.c.id).where(tx.own(payment_method), payment_method.c.method_id == thing["id"])
    async with tx.as_system(wholly=True):
        found = await tx.scalar(mine)
    if found is not None:
        await absorb_method(tx, found, thing)


async def _payment(tx: Tx, which: ColumnElement[bool]) -> UUID | None:
    async with tx.as_system(wholly=True):
        found: UUID | None = await tx.scalar(select(payment.c.id).where(tx.own(payment), which))
    return found


async def _marked(tx: Tx, thing: Mapping[str, Any], name: str) -> UUID | None:
    """The row of ours that its marks name, if they are ours and the row is there."""
    marks = thing.get("metadata") or {}
    if marks.get("tenant_id") != str(tx.actor.tenant):
        return None
    try:
        id = UUID(str(marks.get(name)))
    except ValueError:
        return None
    table = payment if name == "payment_id" else payment_method
    async with tx.as_system(wholly=True):
        found: UUID | None = await tx.scalar(select(table.c.id).where(tx.own(table), table.c.id == id))
    return found
