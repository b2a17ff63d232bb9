"""What comes before a cleaner's first job: profile, payout account, signed documents, skills (R130 to R135)."""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.errors import Invalid
from domain.scheduling import OnboardingState

ADULT_YEARS = 18
OLDEST_YEARS = 120
BUILT_IN = 0
"""The edition of the texts that the product brings along; a business's own count from 1."""


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


def stage_of(before: OnboardingState, missing: tuple[OnboardingState, ...]) -> OnboardingState:
    """Where a cleaner stands: at the first stage that is missing (R134). A gate that is open stays open."""
    if before is OnboardingState.COMPLETE or not missing:
        return OnboardingState.COMPLETE
    return missing[0]


def ensure_adult(birth_date: date, now: datetime) -> None:
    """Refuse with `Invalid` who is not 18 yet, and dates on which nobody alive was born (R130).

    The day is that of the last place on Earth where it begins, so that nobody is let in a day early by a time zone.
    """
    today = (now - timedelta(hours=12)).date()
    if birth_date.year < 1900 or birth_date > today or _years(birth_date, today) > OLDEST_YEARS:
        raise Invalid("This cannot be a date of birth.", field=("birthDate",))
    if _years(birth_date, today) < ADULT_YEARS:
        raise Invalid(f"Cleaners are at least {ADULT_YEARS} years old.", field=("birthDate",))


def _years(birth_date: date, today: date) -> int:
    """Completed years; who was born on 29 February has another one on 1 March where there is no such day."""
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def is_same_name(typed: str, legal: str) -> bool:
    """Whether a typed name is the legal one, in whatever case, spacing and form of Unicode (R132)."""
    return _plain(typed) == _plain(legal)


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def text_digest(title: str, body: str) -> bytes:
    """sha256 of a legal text; title and body cannot run into each other."""
    raw = title.encode()
    return hashlib.sha256(len(raw).to_bytes(8, "big") + raw + body.encode()).digest()
