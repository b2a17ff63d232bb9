"""The one place where a cleaner moves on: from what is done to what is missing, and to the open gate (R18, R134).

Each step takes hold of the cleaner's row first, so that two steps at once come one after the other and neither is
forgotten. `cleaner.missing_stages` is written down for whoever may not read what it is made from: a dispatcher sees
that documents are missing and not the documents.

Decided here: a step that is done stays done. A legal text that is published later is to be signed as well
(`Cleaner.documentsToSign`), and a payout account may come to be restricted; neither closes a gate that was opened.
Until the first step a cleaner is INVITED.
"""

from typing import Any

from sqlalchemy import Row, select

from db.tx import Tx
from domain.ids import CleanerId
from domain.onboarding import DocumentKind, OnboardingFacts, missing_stages, stage_of
from domain.payments.payouts import PayoutsMode
from domain.scheduling import OnboardingState
from models import cleaner, cleaner_profile, payout_account, signed_document
from services.identity.cleaners import tell_cleaner
from services.policies import tenant_policy


async def hold_own(tx: Tx) -> Row[Any]:
    """The acting cleaner's row, locked until the end."""
    return await tx.get(cleaner, tx.actor.cleaner_id, lock=True)


async def move_on(tx: Tx, row: Row[Any], **changed: Any) -> CleanerId:
    """Write down where the cleaner stands after a step, with what else it changes of their row, and tell everybody.

    At COMPLETE the policies show jobs and market from the commit on, and the feeds follow the event.
    """
    async with tx.as_system():
        missing = missing_stages(await _facts(tx, row, changed))
        stage = stage_of(OnboardingState(row.onboarding), missing)
        names = [stage.value for stage in missing]
        await tx.change(cleaner, row.id, onboarding=stage.value, missing_stages=names, **changed)
        await tell_cleaner(tx, CleanerId(row.id))
    return CleanerId(row.id)


async def look_again(tx: Tx) -> None:
    """Write down anew where everybody stands who is on the way, after the business has changed what it asks (A41)."""
    resting = [OnboardingState.INVITED.value, OnboardingState.COMPLETE.value]
    async with tx.as_system():
        underway = select(cleaner).where(tx.own(cleaner), cleaner.c.onboarding.not_in(resting))
        for row in await tx.all(underway.order_by(cleaner.c.id).with_for_update()):
            await move_on(tx, row)


async def _facts(tx: Tx, row: Row[Any], changed: dict[str, Any]) -> OnboardingFacts:
    profile = select(cleaner_profile.c.id).where(tx.own(cleaner_profile), cleaner_profile.c.cleaner_id == row.id)
    payable = select(payout_account.c.ready_at).where(tx.own(payout_account), payout_account.c.cleaner_id == row.id)
    signed = select(signed_document.c.kind).where(tx.own(signed_document), signed_document.c.cleaner_id == row.id)
    return OnboardingFacts(
        has_profile=await tx.one(profile) is not None,
        is_payable=await _is_by_payroll(tx) or await tx.scalar(payable) is not None,
        signed=frozenset(DocumentKind(one.kind) for one in await tx.all(signed)),
        has_certified_skills=changed.get("certified_at", row.certified_at) is not None,
    )


async def _is_by_payroll(tx: Tx) -> bool:
    """Whoever pays by payroll has the bank details of its own people: no account with a provider is needed (A41)."""
    return (await tenant_policy(tx)).payments.payouts_mode is PayoutsMode.PAYROLL
