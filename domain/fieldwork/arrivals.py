"""Who does not come: when the office is alerted, and when a job counts as missed (A46)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.policy import FieldworkPolicy


class ArrivalStep(StrEnum):
    """What has become of a job at which nobody responsible has checked in."""

    LATE = "LATE"
    """The office hears of it, and a cover is looked for."""
    MISSED = "MISSED"
    """It counts as a no-show."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A job at which nobody responsible has checked in."""

    expected_at: datetime
    """The start, or later when the shift got its cleaner later: who takes a cover half an hour after the start has as
    long as everybody else."""
    told_at: datetime | None
    """When the office was alerted last."""
    is_running: bool
    """Whether somebody else of the crew is at work: then it can be late, and not missed."""


def step_due(absence: Absence, policy: FieldworkPolicy, now: datetime) -> ArrivalStep | None:
    """What is due now; None if it is too early, or done (A46)."""
    if now >= absence.expected_at + policy.no_show and not absence.is_running:
        return ArrivalStep.MISSED
    is_told = absence.told_at is not None and absence.told_at >= absence.expected_at
    return ArrivalStep.LATE if now >= absence.expected_at + policy.late_alert and not is_told else None
