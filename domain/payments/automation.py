"""What counts as somebody's lending a hand to money that should go by itself (R241, A37)."""

from typing import Final

BY_PEOPLE: Final = (
    "capture_held",
    "retry_payment",
    "release_hold",
    "retry_payout",
    "release_payout",
    "hold_payout",
)
"""Acts of the office that the normal path does without, as the audit log names them."""
ACTS_IN_SQL: Final = ", ".join(f"'{act}'" for act in BY_PEOPLE)
