"""Who hears of refunds, disputes, invoices and alarms: administrators, or whose money it is (R180, R239)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.notifications import NotificationKind
from domain.payments.states import DisputeStatus
from models import customer, dispute, invoice, money_alarm, refund, staff
from services.notifications import QueueNotifications, queue

TELL_TASK = "tell_money"
ABOUT: Mapping[NotificationKind, Table] = {
    NotificationKind.REFUND_TO_APPROVE: refund,
    NotificationKind.REFUND_MADE: refund,
    NotificationKind.REFUND_FAILED: refund,
    NotificationKind.DISPUTE_OPENED: dispute,
    NotificationKind.DISPUTE_DUE: dispute,
    NotificationKind.DISPUTE_CLOSED: dispute,
    NotificationKind.INVOICE_ISSUED: invoice,
    NotificationKind.MONEY_ALARM: money_alarm,
}
FOR_CUSTOMERS = frozenset({NotificationKind.REFUND_MADE, NotificationKind.INVOICE_ISSUED})


@dataclass(frozen=True, slots=True)
class TellMoney:
    """What people are to hear of, and which row it is about."""

    kind: NotificationKind
    subject: UUID


@command(Role.SYSTEM)
async def tell_money(tx: Tx, input: TellMoney) -> int:
    """Tell people of a row, unless there is nothing to be said of it by now; how many messages are new."""
    row = await tx.get(ABOUT[input.kind], input.subject)
    if _is_over(input.kind, row):
        return 0
    card = await _card(tx, row)
    people = [row.customer_id] if input.kind in FOR_CUSTOMERS else await _admins(tx, input.kind, row)
    return await queue(tx, QueueNotifications(input.kind, f"{input.kind}:{row.id}", card, people))


def tell_later(tx: Tx, kind: NotificationKind, subject: UUID, *, at: Any = None) -> None:
    """Have people told, at once or at `at`."""
    tx.later(TELL_TASK, {"kind": kind.value, "subject": str(subject)}, run_at=at, dedupe_key=f"tell:{kind}:{subject}")


def _is_over(kind: NotificationKind, row: Row[Any]) -> bool:
    """Whether what people were to do is done."""
    if kind is NotificationKind.REFUND_TO_APPROVE:
        return bool(row.status != "REQUESTED")
    if kind is NotificationKind.DISPUTE_DUE:
        waits = (DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE)
        return row.answered_at is not None or row.status not in waits
    return kind is NotificationKind.MONEY_ALARM and row.cleared_at is not None


async def _card(tx: Tx, row: Row[Any]) -> dict[str, Any]:
    """What the words of every kind are made of; what a row has not is left out."""
    said = row._asdict()
    names = ("kind", "status", "reason", "currency", "number")
    card = {name: said[name] for name in names if name in said}
    card["amount_cents"] = said.get("amount_cents", said.get("total_cents", 0))
    for name in ("due_by", "due_on"):
        card[name] = said[name].isoformat() if said.get(name) is not None else None
    if "customer_id" in said:
        card["name"] = (await tx.get(customer, row.customer_id)).name
    return card


async def _admins(tx: Tx, kind: NotificationKind, row: Row[Any]) -> Sequence[UUID]:
    """Administrators; who asked for something cannot be the one who agrees to it."""
    asker = row._asdict().get("requested_by") if kind is NotificationKind.REFUND_TO_APPROVE else None
    live = staff.c.archived_at.is_(None) & staff.c.role.in_(ADMINS)
    rows = await tx.all(select(staff.c.id).where(tx.own(staff), live).order_by(staff.c.id))
    return [each.id for each in rows if each.id != asker]
