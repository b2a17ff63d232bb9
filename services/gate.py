"""The onboarding gate: what every cleaner's use case of jobs, market and availability asks first (R18, R134)."""

from sqlalchemy import select

from db.tx import Tx
from domain.errors import OnboardingIncomplete
from domain.scheduling import OnboardingState
from models import cleaner


async def ensure_onboarded(tx: Tx) -> None:
    """Refuse the acting cleaner who has not finished onboarding, and say what is missing.

    Policies hide jobs and market from them anyway.
    """
    own = select(cleaner.c.onboarding, cleaner.c.missing_stages)
    row = await tx.one(own.where(tx.own(cleaner), cleaner.c.id == tx.actor.cleaner_id))
    if row is None or row.onboarding != OnboardingState.COMPLETE:
        details = {"stage": row.onboarding, "missingStages": row.missing_stages} if row else {}
        raise OnboardingIncomplete(details=details)
