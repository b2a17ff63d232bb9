"""Which payments and payouts are still under way: what the live feeds begin with, and when something leaves them."""

from collections.abc import Mapping
from typing import Any, Final

from domain.payments.payouts import PayoutStatus
from domain.scheduling import PaymentStatus

OPEN_PAYMENTS: Final = frozenset(
    {
        PaymentStatus.PENDING,
        PaymentStatus.AUTHORIZED,
        PaymentStatus.CAPTURE_PENDING,
        PaymentStatus.FAILED,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.EXPIRED,
        PaymentStatus.DISPUTED,
    }
)
"""States in which something is still to happen with a customer's money, or to be decided."""
OPEN_PAYOUTS: Final = frozenset(
    {
        PayoutStatus.PENDING,
        PayoutStatus.HELD,
        PayoutStatus.RELEASED,
        PayoutStatus.IN_TRANSIT,
        PayoutStatus.FAILED,
    }
)
"""States in which pay has not reached its cleaner's bank, and is not settled otherwise."""


def is_open_payment(card: Mapping[str, Any]) -> bool:
    """Whether a payment is still under way; a lapsed hold is not once another has taken its place."""
    is_replaced = card["status"] == PaymentStatus.EXPIRED and not card["is_current"]
    return card["status"] in OPEN_PAYMENTS and not is_replaced


def is_open_payout(card: Mapping[str, Any]) -> bool:
    """Whether a payout is still on its way to its cleaner."""
    return card["status"] in OPEN_PAYOUTS
