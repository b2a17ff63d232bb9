"""The rows of payouts: what each gets of a payment, written down part by part, and looked at when due (R163, R177)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from db.ids import new_id
from db.tx import Tx
from domain.ids import PayoutId
from domain.pay import Earnings
from domain.payments.payouts import PayoutKind, PayoutStatus, due_at
from domain.payments.states import PaymentKind
from models import market, payout
from services.payouts.crew import Member
from services.payouts.state import tell_payout
from services.payouts.terms import terms_of
from services.policies import tenant_policy

RELEASE_TASK = "release_payout"


@dataclass(frozen=True, slots=True)
class Share:
    """What one cleaner gets of a payment, and as what they worked."""

    member: Member
    earnings: Earnings
    rate_cents: int
    tip_cents: int = 0

    @property
    def total_cents(self) -> int:
        """All parts together."""
        return self.earnings.total_cents + self.tip_cents


async def has_payouts(tx: Tx, payment: Row[Any]) -> bool:
    """Whether they are made already: a tip's by the payment, a clean's whatever it was paid with."""
    of_it = select(payout.c.id).where(tx.own(payout))
    if payment.kind == PaymentKind.TIP:
        of_it = of_it.where(payout.c.payment_id == payment.id)
    else:
        of_it = of_it.where(payout.c.job_id == payment.job_id, payout.c.kind == PayoutKind.CLEAN)
    return await tx.one(of_it.limit(1)) is not None


async def insert_payouts(tx: Tx, payment: Row[Any], clean: Row[Any], shares: Sequence[Share]) -> list[PayoutId]:
    """Write the rows of a payment's payouts and have each paid when it is due (A3)."""
    policy, participation = await tenant_policy(tx), (await terms_of(tx, clean)).participation
    zone = await tx.scalar(select(market.c.zone).where(tx.own(market), market.c.id == clean.market_id))
    due = due_at(tx.now, policy.payments.payout_delay, zone, business_hours_only=policy.payments.business_hours_only)
    kind = PayoutKind.TIP if payment.kind == PaymentKind.TIP else PayoutKind.CLEAN
    made: list[PayoutId] = []
    for share in shares:
        row = {
            "id": new_id(),
            "job_id": clean.id,
            "payment_id": payment.id,
            "kind": kind.value,
            "status": PayoutStatus.PENDING.value,
            "currency": payment.currency,
            "expected_hours": clean.expected_hours,
            "policy": participation.value,
            "due_at": due,
            "created_at": tx.now,
            "updated_at": tx.now,
            **_parts(share),
        }
        made.append(PayoutId(await tx.insert(payout, **row)))
        tell_payout(tx, await tx.get(payout, made[-1]))
        release_later(tx, made[-1], at=due)
    return made


def release_later(tx: Tx, id: UUID, *, at: Any = None, occasion: str = "") -> None:
    """Have a payout looked at, at `at` or at once: paid, or held with its reason."""
    tx.later(RELEASE_TASK, {"payout": str(id)}, run_at=at, dedupe_key=f"payout:{id}{occasion}")


def _parts(share: Share) -> dict[str, Any]:
    return {
        "cleaner_id": share.member.cleaner_id,
        "assignment_id": share.member.assignment_id,
        "base_cents": share.earnings.base_cents,
        "urgent_cents": share.earnings.urgent_cents,
        "laundry_cents": share.earnings.laundry_cents,
        "tip_cents": share.tip_cents,
        "amount_cents": share.total_cents,
        "rate_cents": share.rate_cents,
        "tier": share.member.tier,
        "role": share.member.role.value,
    }
