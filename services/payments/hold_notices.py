"""Who hears of a payment that is not as it should be: its customer, and the administrators (R145, R189, A36)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.command import command
from db.tx import Tx
from domain.actors import ADMINS, Role
from domain.ids import JobId, PaymentId
from domain.notifications import NotificationKind
from domain.payments.holding import LetGo
from domain.scheduling import LIVE_JOB_STATES, PaymentStatus
from models import job, market, payment, staff
from models import property as home
from services.notifications import QueueNotifications, queue
from services.payments.intents import default_method
from services.payments.links import LinkClaim, link_token

EXPIRED = "expired"
LAPSES = "lapses"

Letter = tuple[NotificationKind, Sequence[UUID], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class NotifyPayment:
    """A payment that people should hear of, and where customers find this installation."""

    payment: PaymentId
    occasion: str
    """What happened, in words that nothing else of this payment has: each is told once."""
    public_url: str


@dataclass(frozen=True, slots=True)
class NotifyCardNeeded:
    """A clean that is near, and whose customer has saved no card."""

    job: JobId
    public_url: str


@command(Role.SYSTEM)
async def notify_payment(tx: Tx, input: NotifyPayment) -> int:
    """Tell customer and administrators how a payment stands now; how many messages are new."""
    row = await tx.get(payment, input.payment)
    if row.job_id is None:
        return 0
    topic, card = f"payment:{row.id}:{input.occasion}", await _card(tx, row)
    told = 0
    for kind, people, more in await _messages(tx, row, input):
        told += await queue(tx, QueueNotifications(kind, topic, {**card, **more}, people))
    return told


@command(Role.SYSTEM)
async def notify_card_needed(tx: Tx, input: NotifyCardNeeded) -> int:
    """Tell a customer that a clean is near and no card is saved; administrators too (R145). Once a clean."""
    clean = await tx.get(job, input.job)
    if clean.status not in LIVE_JOB_STATES or await default_method(tx, clean.customer_id) is not None:
        return 0
    card = await _shift(tx, clean) | {"link": f"{input.public_url}/billing", "why": "No card is saved."}
    topic = f"card:{clean.id}"
    told = await queue(tx, QueueNotifications(NotificationKind.CARD_NEEDED, topic, card, [clean.customer_id]))
    return told + await queue(tx, QueueNotifications(NotificationKind.HOLD_FAILED, topic, card, await _admins(tx)))


async def _admins(tx: Tx) -> list[UUID]:
    live = staff.c.archived_at.is_(None) & staff.c.role.in_(ADMINS)
    return [row.id for row in await tx.all(select(staff.c.id).where(tx.own(staff), live).order_by(staff.c.id))]


async def _messages(tx: Tx, row: Row[Any], input: NotifyPayment) -> list[Letter]:
    """What is said to whom, by how the payment stands: what is settled meanwhile is not worth a word."""
    office = await _admins(tx)
    if input.occasion == LAPSES:
        return [(NotificationKind.HOLD_LAPSES, office, {})] if row.status == PaymentStatus.AUTHORIZED else []
    if input.occasion == EXPIRED:
        return [(NotificationKind.HOLD_FAILED, office, {"why": "The hold has lapsed."})]
    if row.let_go == LetGo.UNCONFIRMED:
        return [(NotificationKind.HOLD_FAILED, office, {"why": "The customer did not confirm it in time."})]
    if row.status == PaymentStatus.REQUIRES_ACTION:
        why = {"why": "The customer has to confirm it with their bank."}
        return [
            (NotificationKind.PAYMENT_TO_CONFIRM, [row.customer_id], {"link": _link(tx, row, input.public_url)}),
            (NotificationKind.HOLD_FAILED, office, why),
        ]
    if row.status != PaymentStatus.FAILED or row.decline is None:
        return []
    again = None if row.next_attempt_at is None else row.next_attempt_at.isoformat()
    said = {"words": row.decline["words"], "again": again, "link": f"{input.public_url}/billing"}
    why = {"why": f"The card was declined: {row.decline.get('declineCode') or row.decline.get('code')}."}
    return [
        (NotificationKind.PAYMENT_DECLINED, [row.customer_id], said),
        (NotificationKind.HOLD_FAILED, office, why),
    ]


def _link(tx: Tx, row: Row[Any], public_url: str) -> str:
    # Behind the #, so that the token is in no server's log and in no Referer.
    claim = LinkClaim(tx.actor.tenant, PaymentId(row.id), row.action_until or row.created_at)
    return f"{public_url}/pay#token={link_token(tx.secrets, claim)}"


async def _card(tx: Tx, row: Row[Any]) -> dict[str, Any]:
    shift, until = await _shift(tx, await tx.get(job, row.job_id)), row.capture_before
    money = {"amount_cents": row.amount_cents, "currency": row.currency}
    return {**shift, **money, "capture_before": None if until is None else until.isoformat()}


async def _shift(tx: Tx, clean: Row[Any]) -> dict[str, Any]:
    where, place = await tx.get(home, clean.property_id), await tx.get(market, clean.market_id)
    return {"city": where.city, "starts_at": clean.starts_at.isoformat(), "zone": place.zone}
