"""What comes before the first job, as plain rules: stages, ages, names, texts, tiers (R130 to R134, A49)."""

import itertools
from datetime import UTC, date, datetime

import pytest

from domain.errors import Invalid
from domain.legal import TEXTS
from domain.onboarding import (
    DocumentKind,
    OnboardingFacts,
    ensure_adult,
    is_same_name,
    missing_stages,
    stage_of,
    text_digest,
)
from domain.pay import unlocked_tiers
from domain.policy import PayPolicy
from domain.scheduling import OnboardingState, Skill

NOON = datetime(2026, 6, 15, 18, tzinfo=UTC)
EVERY = frozenset(DocumentKind)


@pytest.mark.parametrize("done", list(itertools.product([False, True], repeat=4)))
def test_the_stages_that_are_not_done_are_missing_in_their_order(done: tuple[bool, ...]) -> None:
    """R134: for each of the sixteen; the gate opens where none is missing."""
    profile, payouts, documents, skills = done
    facts = OnboardingFacts(profile, payouts, EVERY if documents else frozenset(), skills)
    stages = [stage for stage, is_done in zip(list(OnboardingState)[1:5], done, strict=True) if not is_done]
    assert list(missing_stages(facts)) == stages
    first = stages[0] if stages else OnboardingState.COMPLETE
    assert stage_of(OnboardingState.INVITED, missing_stages(facts)) is first
    assert stage_of(OnboardingState.COMPLETE, missing_stages(facts)) is OnboardingState.COMPLETE


@pytest.mark.parametrize("signed", [set(), *({kind} for kind in EVERY), *(set(EVERY) - {kind} for kind in EVERY)])
def test_all_three_documents_have_to_be_signed(signed: set[DocumentKind]) -> None:
    """R132: agreement, tax form and waiver."""
    facts = OnboardingFacts(True, True, frozenset(signed), True)
    assert missing_stages(facts) == (OnboardingState.DOCUMENTS,)


@pytest.mark.parametrize(
    ("born", "now"),
    [
        (date(2008, 6, 15), NOON),
        (date(1990, 1, 1), NOON),
        (date(1906, 6, 16), NOON),
        (date(2008, 2, 29), datetime(2026, 3, 1, 12, tzinfo=UTC)),
        # Noon in Greenwich: the day has begun everywhere.
        (date(2008, 6, 15), datetime(2026, 6, 15, 12, tzinfo=UTC)),
    ],
)
def test_who_is_eighteen_may_sign_up(born: date, now: datetime) -> None:
    """R130: from the birthday on, and at a great age."""
    ensure_adult(born, now)


@pytest.mark.parametrize(
    ("born", "now"),
    [
        (date(2008, 6, 16), NOON),
        (date(2020, 1, 1), NOON),
        (date(2026, 6, 16), NOON),
        (date(2030, 1, 1), NOON),
        (date(1899, 12, 31), NOON),
        (date(1, 1, 1), NOON),
        (date(1905, 6, 15), NOON),
        (date(2008, 2, 29), datetime(2026, 2, 28, 23, 59, tzinfo=UTC)),
        # Tomorrow's birthday is today in the east: not yet here.
        (date(2008, 6, 15), datetime(2026, 6, 15, 11, 59, tzinfo=UTC)),
    ],
)
def test_who_is_not_or_was_born_on_no_likely_day_may_not(born: date, now: datetime) -> None:
    """R19, R130: the field is named."""
    with pytest.raises(Invalid) as refusal:
        ensure_adult(born, now)
    assert refusal.value.field == ("birthDate",)


@pytest.mark.parametrize(
    ("typed", "legal"),
    [
        ("ana maría núñez", "Ana María Núñez"),
        ("  ANA   MARÍA\tNÚÑEZ ", "Ana María Núñez"),
        ("Ana Mari\u0301a Nu\u0301n\u0303ez", "Ana María Núñez"),
        ("STRASSE", "Straße"),
        ("李 明", "李　明"),
    ],
)
def test_a_name_is_the_same_in_whatever_case_spacing_and_form(typed: str, legal: str) -> None:
    """R132: what a phone's keyboard makes of it does not matter."""
    assert is_same_name(typed, legal)
    assert is_same_name(legal, typed)


@pytest.mark.parametrize(
    "typed", ["", "Ana", "Ana Maria Nunez", "Núñez Ana María", "AnaMaríaNúñez", "Ana María Núñezz"]
)
def test_another_name_is_another(typed: str) -> None:
    """R132: letters count."""
    assert not is_same_name(typed, "Ana María Núñez")


def test_the_digest_tells_title_from_body() -> None:
    """R132: moving a word from one to the other makes another text."""
    digests = {text_digest("a", "bc"), text_digest("ab", "c"), text_digest("", "abc"), text_digest("abc", "")}
    assert len(digests) == 4


def test_every_document_has_a_text_of_the_products_own_that_asks_for_no_tax_number() -> None:
    """R132, A48."""
    assert set(TEXTS) == EVERY
    assert all(text.title and len(text.body) > 300 for text in TEXTS.values())
    assert "does not receive my taxpayer identification number" in TEXTS[DocumentKind.W9].body


def test_skills_unlock_the_tiers_that_the_settings_name() -> None:
    """R133, R265, A49: beside the tier that the office gave, each once; a skill without a tier unlocks none."""
    policy = PayPolicy(skill_tiers=(("HOT_TUB", "spa"),))
    other = next(skill for skill in Skill if skill is not Skill.HOT_TUB)
    assert unlocked_tiers("standard", [], policy) == ("standard",)
    assert unlocked_tiers("standard", [Skill.HOT_TUB, other], policy) == ("standard", "spa")
    assert unlocked_tiers("spa", [Skill.HOT_TUB], policy) == ("spa",)
    assert unlocked_tiers("gold", [other], policy) == ("gold",)
