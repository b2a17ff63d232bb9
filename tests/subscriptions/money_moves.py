"""Payments and payouts that are written and moved as the product does it, without anything behind them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.command import Command
from db.ids import new_id
from db.tx import Tx
from domain.actors import Role
from domain.errors import Conflict
from domain.payments.payouts import HoldReason, PayoutStatus
from domain.scheduling import PaymentStatus
from models import payment, payout
from services.payments.state import hold_payment, move_payment, tell_payment
from services.payouts.state import lock_payout, move_payout, tell_payout


async def _begin_payment(tx: Tx, clean: Any) -> UUID:
    row = {
        "id": new_id(), "customer_id": clean["customer_id"], "job_id": clean["id"], "kind": "TIP",
        "status": PaymentStatus.PENDING, "currency": "usd", "amount_cents": 19_500, "tip_cents": 19_500,
        "created_at": tx.now,
    }  # fmt: skip
    async with tx.as_system(wholly=True):
        made = await tx.insert(payment, **row)
        tell_payment(tx, await tx.get(payment, made))
    return UUID(str(made))


async def _move_payment(tx: Tx, further: Any) -> Any:
    row, to = await hold_payment(tx, further[0]), further[1]
    told: dict[PaymentStatus, dict[str, Any]] = {
        PaymentStatus.AUTHORIZED: {"authorized_at": tx.now, "capture_before": tx.now + timedelta(days=4, hours=18)},
        PaymentStatus.FAILED: {"declines": row.declines + 1, "decline": {"code": "x", "words": "Not enough money."}},
        PaymentStatus.CAPTURED: {"captured_cents": row.amount_cents, "captured_at": tx.now},
        PaymentStatus.EXPIRED: {"is_current": False},
    }
    await move_payment(tx, row, to, **told.get(to, {}))
    return further[0]


async def _begin_payout(tx: Tx, of: Any) -> UUID:
    row = {
        "id": new_id(), "job_id": of["job_id"], "payment_id": of["id"], "cleaner_id": of["cleaner_id"],
        "kind": "TIP", "status": PayoutStatus.PENDING, "currency": "usd", "base_cents": 0, "urgent_cents": 0,
        "laundry_cents": 0, "tip_cents": 7_950, "amount_cents": 7_950, "expected_hours": 3, "rate_cents": 1_800,
        "tier": "standard", "role": "PRIMARY", "policy": "PARTICIPATED", "due_at": tx.now,
        "created_at": tx.now, "updated_at": tx.now,
    }  # fmt: skip
    await hold_payment(tx, of["id"])
    async with tx.as_system(wholly=True):
        if await tx.one(select(payout.c.id).where(tx.own(payout), payout.c.payment_id == of["id"]).limit(1)):
            raise Conflict("Somebody was faster.")
        made = await tx.insert(payout, **row)
        tell_payout(tx, await tx.get(payout, made))
    return UUID(str(made))


async def _move_payout(tx: Tx, further: Any) -> Any:
    row, to = await lock_payout(tx, further[0]), further[1]
    held = {"hold_reason": HoldReason.BY_OFFICE, "hold_note": "A key is missing."}
    values: dict[str, Any] = held if to is PayoutStatus.HELD else {"hold_reason": None, "hold_note": None}
    await move_payout(tx, row, to, **values, **({"released_at": tx.now} if to is PayoutStatus.RELEASED else {}))
    return further[0]


_SYSTEM = frozenset({Role.SYSTEM})
# Not declared with @command: the product's list of commands must not grow by the tests' own.
BEGIN_PAYMENT = Command("begin_payment", _SYSTEM, _begin_payment, Any, UUID, secret=True)
MOVE_PAYMENT = Command("move_a_payment", _SYSTEM, _move_payment, Any, UUID, secret=True)
BEGIN_PAYOUT = Command("begin_payout", _SYSTEM, _begin_payout, Any, UUID, secret=True)
MOVE_PAYOUT = Command("move_a_payout", _SYSTEM, _move_payout, Any, UUID, secret=True)
