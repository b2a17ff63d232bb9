"""Customers as the provider knows them: made known once, before anything is asked of their cards (R44)."""

from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row, select, update

from db.ids import new_id
from db.tx import Tx
from domain.payments import asks
from domain.payments.ops import OpKind, OpState
from models import customer, money_op
from services.payments.ops import Step, marks, plan_op, standing_op


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


async def whose_step(tx: Tx, subject: UUID) -> UUID:
    """The customer whom a step of this subject was to make known."""
    whose = money_op.c.ask["params"]["metadata"]["customer_id"].astext
    mine = (tx.own(money_op), money_op.c.kind == OpKind.CUSTOMER, money_op.c.subject_id == subject)
    async with tx.as_system(wholly=True):
        found = await tx.scalar(select(whose).where(*mine).order_by(money_op.c.attempt.desc()).limit(1))
    return subject if found is None else UUID(found)


async def _introduce(tx: Tx, who: Row[Any]) -> None:
    op = new_id()
    named = {name: value for name in ("name", "email", "phone") if (value := getattr(who, name))}
    ask = asks.create_customer(metadata=marks(tx, op, customer_id=who.id), **named)
    await plan_op(tx, Step(OpKind.CUSTOMER, await _subject(tx, who.id), ask, op))


async def _subject(tx: Tx, customer_id: UUID) -> UUID:
    """What a step of making them known is about: the customer; in each further account something of its own."""
    subject = customer_id
    while (step := await standing_op(tx, OpKind.CUSTOMER, subject)) is not None and step.state == OpState.SUCCEEDED:
        subject = uuid5(customer_id, str(step.id))
    return subject
