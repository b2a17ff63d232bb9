"""What a customer agrees to where a card is kept for later cleans, word by word (R264).

A text is never changed once somebody may have agreed to it: a new one has a new version, and the old ones stay here.
"""

from collections.abc import Mapping

from domain.errors import Invalid

CONSENT_VERSION = "2026-11"
"""The text that is in force."""

CONSENTS: Mapping[str, str] = {
    "2026-11": (
        "I pay for the first clean now. I agree that {business} keeps this card with its payment provider and charges"
        " it for each later clean that I have booked: the price is held on the evening before, and taken when the clean"
        " is proven. The price is the one that I was shown when I booked, unless I agree to another. I can take the"
        " card back, pause or end the plan at any time; what I have already had is still paid for."
    ),
}


CARD_CONSENTS: Mapping[str, str] = {
    "2026-11": (
        "I agree that {business} keeps this card with its payment provider and charges it for each clean that I have"
        " booked: the price is held on the evening before, and taken when the clean is proven. The price is the one"
        " that I was shown when I booked, unless I agree to another. I can take the card back, pause or end my plans at"
        " any time; what I have already had is still paid for."
    ),
}
"""The same for who gives another card and pays nothing by it now."""


def consent_text(business: str, version: str = CONSENT_VERSION) -> str:
    """The words of a version, with the business that they are said to."""
    return CONSENTS[version].format(business=business)


def card_consent_text(business: str, version: str = CONSENT_VERSION) -> str:
    """The words of a version for who gives a card without booking, with the business that they are said to."""
    return CARD_CONSENTS[version].format(business=business)


def ensure_consent(version: str) -> str:
    """The version, if it is the one in force: nobody can agree to what is not shown any more. `Invalid` otherwise."""
    if version != CONSENT_VERSION:
        raise Invalid("This text is not in force; read the present one and agree to it.", field=("consentVersion",))
    return version
