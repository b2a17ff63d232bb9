"""Customers as the provider knows them: made known once, before anything is asked of their cards (R44)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, update

from db.ids import new_id
from db.tx import Tx
from domain.payments import asks
from domain.payments.ops import OpKind
from models import customer
from services.payments.ops import Step, marks, plan_op


async def know_customer(tx: Tx, customer_id: UUID) -> str | None:
    """The provider's id of the customer. None where there is none yet: then they are made known, and what waits for it
    goes on when that is recorded.
    """
    async with tx.as_system(wholly=True):
        who = await tx.get(customer, customer_id, "customerId")
        if who.provider_id is None:
            await _introduce(tx, who)
    known: str | None = who.provider_id
    return known


async def keep_provider_id(tx: Tx, customer_id: UUID, provider_id: str) -> None:
    """Write down the provider's id; the first one stays."""
    async with tx.as_system(wholly=True):
        await tx.write(
            update(customer)
            .where(tx.own(customer), customer.c.id == customer_id, customer.c.provider_id.is_(None))
            .values(provider_id=provider_id)
        )


async def _introduce(tx: Tx, who: Row[Any]) -> None:
    op = new_id()
    named = {name: value for name in ("name", "email", "phone") if (value := getattr(who, name))}
    ask = asks.create_customer(metadata=marks(tx, op, customer_id=who.id), **named)
    await plan_op(tx, Step(OpKind.CUSTOMER, who.id, ask, op))
