"""Payouts come into being: when a clean is proven and its money is taken (R154, R160 to R163, A11, A12, A49).

`earn` is called in the transaction in which both have become true, whichever came last: the capture of a hold, or the
proof of a clean that was paid before. Called again, it changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from db.tx import Tx
from domain.ids import PayoutId
from domain.pay import Earnings, Work, earnings_of
from domain.payments.ledger import Account, EntryKind, Posting
from domain.payments.payouts import Participation, TipSplit, split_tip
from domain.payments.reserve import reserve_of
from domain.payments.states import CLEAN_KINDS, PaymentKind
from domain.policy import TenantPolicy
from domain.scheduling import JobStatus
from models import job
from services.payments.alarms import raise_alarm
from services.payments.ledger import Entry, book
from services.payouts.crew import laundry_lead, paid_crew
from services.payouts.rows import Share, has_payouts, insert_payouts
from services.payouts.terms import PayTerms, terms_of
from services.policies import tenant_policy

NOBODY_TO_PAY = "nobody_to_pay"
"""An alarm: a clean is paid and proven, and nobody took part in it."""
EARNED_BY = (*CLEAN_KINDS, PaymentKind.TIP, PaymentKind.INVOICE)
NOTHING = Earnings(0, 0, 0)
MARGIN = "margin_negative"
"""An alarm: what cleaners and reserve get of a clean is more than was taken for it (A12)."""


@dataclass(frozen=True, slots=True)
class Tip:
    """What was tipped, and how it is split."""

    cents: int
    split: TipSplit


async def earn(tx: Tx, payment: Row[Any]) -> Sequence[PayoutId]:
    """Make the payouts of a payment that is captured, once its job is completed; the new ones' ids.

    However the clean was paid: by card or by its invoice. Also of a tip, all of which goes to who took part (A34).
    Nothing comes of a payment that is not captured, of a job that is not completed, or of a second call. The caller
    holds the job and the payment.
    """
    if payment.job_id is None or payment.captured_cents <= 0 or payment.kind not in EARNED_BY:
        return ()
    async with tx.as_system(wholly=True):
        clean = await tx.get(job, payment.job_id, lock=True)
        if clean.status != JobStatus.COMPLETED or await has_payouts(tx, payment):
            return ()
        policy, terms = await tenant_policy(tx), await terms_of(tx, clean)
        if payment.kind == PaymentKind.TIP:
            shares = await _tips(tx, clean, terms, Tip(payment.captured_cents, policy.payments.tip_split))
        else:
            shares = await _shares(tx, clean, terms)
        made = await insert_payouts(tx, payment, clean, shares)
    await _book(tx, payment, sum(share.earnings.total_cents for share in shares))
    await _warn(tx, payment, shares, policy)
    return made


async def _tips(tx: Tx, clean: Row[Any], terms: PayTerms, tip: Tip) -> list[Share]:
    """Each one's part of a tip, to the cent, whatever the policy says of who is paid for being assigned (A34)."""
    crew = [terms.of(one) for one in await paid_crew(tx, clean.id, Participation.PARTICIPATED)]
    if not crew:
        return []
    hours = [one.hours or Decimal(clean.expected_hours) for one in crew]
    parts = split_tip(tip.cents, hours, tip.split)
    return [
        Share(one, NOTHING, terms.pay.rate_of(one.tier), part) for one, part in zip(crew, parts, strict=True) if part
    ]


async def _shares(tx: Tx, clean: Row[Any], terms: PayTerms) -> list[Share]:
    """What each who took part gets, by the rates and loads as the proof has settled them (R160 to R163, A12, A49)."""
    crew = [terms.of(one) for one in await paid_crew(tx, clean.id, terms.participation)]
    lead = laundry_lead(crew)
    return [
        Share(
            one,
            earnings_of(
                Work(
                    expected_hours=Decimal(clean.expected_hours),
                    role=one.role,
                    urgent=clean.is_urgent,
                    laundry_loads=terms.laundry_loads if one.cleaner_id == lead else 0,
                    tier=one.tier,
                ),
                terms.pay,
            ),
            terms.pay.rate_of(one.tier),
        )
        for one in crew
    ]


async def _book(tx: Tx, payment: Row[Any], cents: int) -> None:
    """What the cleaners have earned is no revenue any more, but owed to them."""
    owed = (Posting(Account.REVENUE, cents), Posting(Account.PAYABLE, -cents))
    entry = Entry(
        EntryKind.EARNED, f"earned:{payment.id}", payment.currency, owed, job=payment.job_id, payment=payment.id
    )
    await book(tx, entry)


async def _warn(tx: Tx, payment: Row[Any], shares: Sequence[Share], policy: TenantPolicy) -> None:
    """Raise an alarm where nobody is to be paid, or more is to be paid than was taken less the reserve (A12)."""
    if not shares:
        await raise_alarm(tx, NOBODY_TO_PAY, str(payment.job_id), {"paymentId": str(payment.id)})
        return
    if payment.kind == PaymentKind.TIP:
        return
    service = payment.captured_cents - payment.tip_cents
    reserve = reserve_of(service, policy.payments.reserve_hundredths)
    payouts = sum(share.total_cents for share in shares)
    if payouts + reserve > service:
        sums = {"capturedCents": service, "reserveCents": reserve, "payoutCents": payouts}
        await raise_alarm(tx, MARGIN, str(payment.job_id), {"paymentId": str(payment.id), **sums})
