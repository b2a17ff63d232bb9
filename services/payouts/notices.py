"""Who hears of a payout: its cleaner when it is held or paid, and administrators of held ones (R165, R190, R237)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.ids import PayoutId
from domain.notifications import NotificationKind
from domain.payments.payouts import HOLD_WORDS, HoldReason, PayoutStatus
from models import job, market, payout, staff
from models import property as home
from services.notifications import QueueNotifications, queue
from services.payouts.state import told_to, what_to_do

NOTIFY_TASK = "notify_payout"


@dataclass(frozen=True, slots=True)
class NotifyPayout:
    """A payout that has come to be held, or was paid."""

    payout: PayoutId
    version: int
    """Its version by that."""


def tell_held(tx: Tx, row: Row[Any]) -> None:
    """Have people told that a payout is held."""
    _later(tx, row)


def tell_paid(tx: Tx, row: Row[Any]) -> None:
    """Have its cleaner told that a payout was paid."""
    _later(tx, row)


@command(Role.SYSTEM)
async def notify_payout(tx: Tx, input: NotifyPayout) -> int:
    """Tell people how a payout stands, unless it stands otherwise by now; how many messages are new."""
    row = await tx.get(payout, input.payout)
    if row.version != input.version:
        return 0
    card, topic = await _card(tx, row), f"payout:{row.id}:{row.version}"
    if row.status == PayoutStatus.RELEASED:
        return await queue(tx, QueueNotifications(NotificationKind.PAYOUT_PAID, topic, card, [row.cleaner_id]))
    if row.status != PayoutStatus.HELD:
        return 0
    told = await queue(tx, QueueNotifications(NotificationKind.PAYOUT_HELD, topic, card, [row.cleaner_id]))
    if row.hold_reason == HoldReason.BELOW_MINIMUM:
        # Nothing is to be done about it: it goes along with the next one.
        return told
    admins = QueueNotifications(NotificationKind.PAYOUT_HELD_OFFICE, topic, card, await _admins(tx))
    return told + await queue(tx, admins)


def _later(tx: Tx, row: Row[Any]) -> None:
    payload = {"payout": str(row.id), "version": row.version}
    tx.later(NOTIFY_TASK, payload, dedupe_key=f"payout-notice:{row.id}:{row.version}")


async def _card(tx: Tx, row: Row[Any]) -> dict[str, Any]:
    clean = await tx.get(job, row.job_id)
    where, place = await tx.get(home, clean.property_id), await tx.get(market, clean.market_id)
    reason = None if row.hold_reason is None else HoldReason(row.hold_reason)
    return {
        "city": where.city,
        "starts_at": clean.starts_at.isoformat(),
        "zone": place.zone,
        "amount_cents": row.amount_cents,
        "currency": row.currency,
        "kind": row.kind,
        "why": None if reason is None else HOLD_WORDS[reason].why,
        "what_to_do": what_to_do(row.hold_reason, row.hold_note),
        "your_part": told_to(Role.CLEANER, row.hold_reason, row.hold_note),
    }


async def _admins(tx: Tx) -> list[Any]:
    live = staff.c.archived_at.is_(None) & staff.c.role.in_(ADMINS)
    return [row.id for row in await tx.all(select(staff.c.id).where(tx.own(staff), live).order_by(staff.c.id))]
