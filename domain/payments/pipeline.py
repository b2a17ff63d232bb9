"""A day's money, step by step: where each clean of it stands, and what may go wrong with it (R137 to R177, R239)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class MoneyStage(StrEnum):
    """Where the money of one clean stands."""

    TO_HOLD = "TO_HOLD"
    """Nothing has been asked of the card yet, or it is being asked."""
    HELD = "HELD"
    """The amount is held on the card."""
    AT_RISK = "AT_RISK"
    """Something stands in the way; `MoneyRisk` says what."""
    PREPAID = "PREPAID"
    """Paid when it was booked; the clean is still to be proven (R46, A10)."""
    CAPTURE_PENDING = "CAPTURE_PENDING"
    """Proven; the amount is being taken."""
    CAPTURED = "CAPTURED"
    """Taken; its cleaners are still to be paid."""
    PAID = "PAID"
    """Taken, and all of its pay has gone to its cleaners."""
    LET_GO = "LET_GO"
    """Nothing is to be taken any more, or all of it was given back."""


class MoneyRisk(StrEnum):
    """What may go wrong with the money of a clean."""

    DISPUTED = "DISPUTED"
    """The customer's bank disputes the payment."""
    DECLINED = "DECLINED"
    """The card was declined."""
    UNCONFIRMED = "UNCONFIRMED"
    """The customer has to confirm with their bank."""
    LAPSED = "LAPSED"
    """The hold has lapsed."""
    LAPSING = "LAPSING"
    """The hold lapses within a day, or before the clean ends."""
    UNPROVEN = "UNPROVEN"
    """The clean should be over, and its proof is not complete."""
    NO_PRICE = "NO_PRICE"
    """The clean has no price."""
    NO_CARD = "NO_CARD"
    """The customer has no card on file."""
    NOT_HELD = "NOT_HELD"
    """The clean has begun and nothing is held."""


@dataclass(frozen=True, slots=True)
class RiskWords:
    """A risk in words for people."""

    why: str
    what_to_do: str


RISK_WORDS: Mapping[MoneyRisk, RiskWords] = {
    MoneyRisk.DISPUTED: RiskWords(
        "The customer's bank disputes the payment.", "Answer it with the proof of the clean before it is due."
    ),
    MoneyRisk.DECLINED: RiskWords(
        "The card was declined.", "It is asked again by itself; else ask the customer for another card, then retry."
    ),
    MoneyRisk.UNCONFIRMED: RiskWords(
        "The customer's bank wants them to confirm.", "They have the link by mail; call them if time runs short."
    ),
    MoneyRisk.LAPSED: RiskWords("The hold has lapsed.", "Retry the payment: the amount is held anew."),
    MoneyRisk.LAPSING: RiskWords(
        "The hold lapses soon.", "See to the proof of the clean, or decide to take what is proven."
    ),
    MoneyRisk.UNPROVEN: RiskWords(
        "The clean should be over, and its proof is not complete.", "See what is missing, on the office's page."
    ),
    MoneyRisk.NO_PRICE: RiskWords("The clean has no price.", "Publish a price book, or name a quote for the home."),
    MoneyRisk.NO_CARD: RiskWords("The customer has no card on file.", "Ask the customer for a card."),
    MoneyRisk.NOT_HELD: RiskWords(
        "The clean has begun and nothing is held.", "Retry the payment, or see the alarms below."
    ),
}
NO_MORE = "It is not asked again by itself: ask the customer for another card."
"""What to do about a card that is declined for good (A36)."""
