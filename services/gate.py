"""The onboarding gate: what every cleaner's use case of jobs, market and availability asks first (R18, R134)."""

from sqlalchemy import select

from db.tx import Tx
from domain.errors import OnboardingIncomplete
from domain.scheduling import OnboardingState
from models import cleaner


async def ensure_onboarded(tx: Tx) -> None:
    """Refuse the acting cleaner who has not finished onboarding; policies hide jobs and market from them anyway."""
    stage = await tx.scalar(select(cleaner.c.onboarding).where(tx.own(cleaner), cleaner.c.id == tx.actor.cleaner_id))
    if stage != OnboardingState.COMPLETE:
        raise OnboardingIncomplete(details={"stage": stage})
