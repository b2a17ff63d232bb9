"""What comes before a cleaner's first job: profile, payout account, signed documents, skills (R130 to R135)."""

from dataclasses import dataclass
from enum import StrEnum

from domain.scheduling import OnboardingState


class DocumentKind(StrEnum):
    """The documents that every cleaner signs (R132)."""

    CONTRACTOR_AGREEMENT = "CONTRACTOR_AGREEMENT"
    W9 = "W9"
    """That the tax form was given to the payment provider; tax numbers are never kept here (A48)."""
    LIABILITY_WAIVER = "LIABILITY_WAIVER"


class PayoutAccountStatus(StrEnum):
    """Where a cleaner's account with the payment provider stands (R131, R135)."""

    REQUESTED = "REQUESTED"
    """The provider is being asked to open it."""
    OPEN = "OPEN"
    """Opened; the cleaner has to finish on the provider's own pages."""
    READY = "READY"
    """The provider pays out to it."""
    RESTRICTED = "RESTRICTED"
    """The provider wants something; `requirements` says what."""


class SkillSource(StrEnum):
    """Who says that a cleaner can do something (R133)."""

    SELF = "SELF"
    OFFICE = "OFFICE"


@dataclass(frozen=True, slots=True)
class OnboardingFacts:
    """What a cleaner has done so far."""

    has_profile: bool
    is_payable: bool
    signed: frozenset[DocumentKind]
    has_certified_skills: bool
    """Whether they have said what they can do, be it nothing special."""


def missing_stages(facts: OnboardingFacts) -> tuple[OnboardingState, ...]:
    """The stages that are not done, in their order; empty where the gate is open (R134)."""
    done = {
        OnboardingState.PROFILE: facts.has_profile,
        OnboardingState.PAYOUTS: facts.is_payable,
        OnboardingState.DOCUMENTS: facts.signed >= set(DocumentKind),
        OnboardingState.SKILLS: facts.has_certified_skills,
    }
    return tuple(stage for stage, is_done in done.items() if not is_done)
